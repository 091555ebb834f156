//! Schedules in the words of each platform: exactly, or not at all, with the reason.
//!
//! Months and days of the week are written by name and never by number, since platforms count them differently. A form
//! that a platform's page leaves open is refused rather than tried.

use super::field::{DAY, HOUR, MINUTE, MONTH, SECOND, Set, WEEKDAY, YEAR};
use super::{Both, Cron, Day, Schedule, Weekday};
use std::fmt;
use std::time::Duration;

/// The form that a platform's schedules have.
///
/// ```
/// use serverless_spec::cron::{Schedule, dialect::Dialect};
///
/// let daily = Schedule::parse("@daily", None).expect("a schedule");
/// let words = ["aws-lambda", "kubernetes"].map(|platform| {
///     let dialect = Dialect::of(platform)?;
///     dialect.emit(&daily, None).ok().map(|emitted| emitted.text)
/// });
/// assert_eq!(words, [Some("cron(0 0 * * ? *)".to_owned()), Some("0 0 * * *".to_owned())]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `ScheduleExpression` of Amazon EventBridge.
    /// Source: EventBridge User Guide, "Cron expressions" and "Rate expressions".
    EventBridge,
    /// `cronExpression` of a timer of Alibaba Function Compute.
    AliyunFc,
    /// `cronExpression` of a timer of Tencent SCF. Source: Tencent's document 583/9708.
    TencentScf,
    /// The schedule of a timer of Huawei FunctionGraph. Without `CRON_TZ` it is in the time zone of the region.
    /// Source: FunctionGraph User Guide, "Cron Expressions for a Function Timer Trigger".
    FunctionGraph,
    /// `schedule` of a timer of Azure Functions: NCRONTAB, in UTC. An app on Linux in a plan of Flex Consumption does not
    /// support `WEBSITE_TIME_ZONE`. Source: "App settings reference for Azure Functions".
    Azure,
    /// `schedule` of a job of Google Cloud Scheduler.
    GoogleScheduler,
    /// `spec.schedule` of a PingSource of Knative, which is read by robfig/cron 3.
    PingSource,
    /// The annotation `schedule` of OpenFaaS' cron-connector, which is read by robfig/cron.
    CronConnector,
    /// `cron` of a trigger of OpenWhisk's alarms, which is read by npm's cron 1.8.
    OpenWhiskAlarms,
    /// `spec.schedule` of a CronJob of Kubernetes, which is read by robfig/cron's standard parser; `spec.timeZone` is
    /// apart. Source: Kubernetes, "CronJob".
    CronJob,
    /// `--cron-expression` of a job of Azure Container Apps: five fields, in UTC. Source: "Jobs in Azure Container
    /// Apps".
    ContainerAppsJob,
    /// `--cron-expression` of a timer of Yandex Cloud Functions: six fields, the last of which are years, and `?` for
    /// one of the kinds of days; in UTC. Source: "Timer that invokes a Cloud Functions function".
    YandexTimer,
    /// `Crontab` of a timer of VolcEngine veFaaS: five fields. Source: veFaaS, "CreateTimer".
    VeFaas,
}

/// A schedule as a platform has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The text of the schedule.
    pub text: String,
    /// The time zone, where it stands apart from the text; `None` elsewhere.
    pub timezone: Option<String>,
    /// The notes for a reader: where it begins, which other setting it needs.
    pub notes: Vec<&'static str>,
}

/// The reason why a platform has no such schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// The way in which an open day is written, and the meaning of two kinds of days.
struct Rules {
    /// The name of the platform, for reasons.
    who: &'static str,
    seconds: Seconds,
    /// The text for "every day" where the other kind of days is given.
    free: &'static str,
    /// The meaning of two kinds of days. `One` if they cannot both be there, or their meaning is not documented.
    both: Both,
    /// `true` if the platform knows `L`, `LW`, `15W`, `5L`, `5#2`.
    has_l: bool,
    has_w: bool,
    has_nth: bool,
    years: bool,
    zone: Zone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seconds {
    /// There is no such field.
    None,
    /// The field is one number.
    One,
    /// The field is like the others, and always there.
    Any,
    /// The field is left out for second 0.
    Optional,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// The zone is UTC, or is set beside the text.
    Apart,
    /// The zone stands before the text, as `CRON_TZ=`.
    Prefix,
    /// The same, and without it the zone is that of the region, so that UTC stands there as well.
    AlwaysPrefix,
    /// No zone can be set: it is UTC. One that makes no difference is left out.
    None,
    /// No zone can be set, and the platform's page does not say which one it is.
    Unsaid,
}

/// The minutes of which the difference between the clocks of any two zones is a multiple: the clocks of Nepal and of the
/// Chatham Islands are three quarters of an hour off the full one. Source: the IANA's database of time zones.
const STEP_OF_ZONES: u16 = 15;

/// Returns `true` if the moments of a schedule are others in one time zone than in another one. It asks for all zones,
/// since nothing here knows how far the clock of one is from UTC: an hourly schedule is the same in most zones, and
/// comes half an hour later in India.
fn depends_on_zone(schedule: &Schedule) -> bool {
    match schedule {
        Schedule::Cron(cron) => {
            let shifted: Set = cron.minute.iter().map(|minute| (minute + STEP_OF_ZONES) % 60).collect();
            let days = cron.day != Day::Any || cron.weekday != Weekday::Any;
            let is_open = HOUR.is_all(&cron.hour) && MONTH.is_all(&cron.month) && YEAR.is_all(&cron.year);
            days || !is_open || shifted != cron.minute
        }
        // A time that passes again and again begins anywhere. What is longer than an hour begins with the day of some zone.
        Schedule::Every(time) => time.as_secs() > 3_600,
    }
}

impl Dialect {
    /// Returns the dialect of a platform's own timers; `None` if it has no timers, or their form is not documented.
    pub fn of(platform: &str) -> Option<Dialect> {
        Some(match platform {
            "aws-lambda" => Dialect::EventBridge,
            "aliyun-fc" => Dialect::AliyunFc,
            "tencent-scf" => Dialect::TencentScf,
            "huawei-functiongraph" => Dialect::FunctionGraph,
            "azure-functions" => Dialect::Azure,
            "google-cloud" => Dialect::GoogleScheduler,
            "knative" => Dialect::PingSource,
            "openfaas" => Dialect::CronConnector,
            "openwhisk" => Dialect::OpenWhiskAlarms,
            "kubernetes" => Dialect::CronJob,
            "azure-container-apps" => Dialect::ContainerAppsJob,
            "yandex" => Dialect::YandexTimer,
            "vefaas" => Dialect::VeFaas,
            _ => return None,
        })
    }

    fn rules(self) -> Rules {
        let plain = Rules {
            who: "",
            seconds: Seconds::None,
            free: "*",
            both: Both::Or,
            has_l: false,
            has_w: false,
            has_nth: false,
            years: false,
            zone: Zone::Apart,
        };
        match self {
            Dialect::EventBridge => Rules {
                who: "EventBridge",
                free: "?",
                both: Both::One,
                has_l: true,
                has_w: true,
                has_nth: true,
                years: true,
                ..plain
            },
            Dialect::AliyunFc => Rules {
                who: "Function Compute",
                seconds: Seconds::One,
                free: "?",
                both: Both::One,
                zone: Zone::Prefix,
                ..plain
            },
            Dialect::TencentScf => Rules {
                who: "SCF",
                seconds: Seconds::Any,
                has_l: true,
                has_w: true,
                has_nth: true,
                years: true,
                zone: Zone::Unsaid,
                ..plain
            },
            Dialect::FunctionGraph => Rules {
                who: "FunctionGraph",
                seconds: Seconds::Any,
                free: "?",
                both: Both::One,
                zone: Zone::AlwaysPrefix,
                ..plain
            },
            Dialect::Azure => {
                Rules { who: "Azure Functions", seconds: Seconds::Any, both: Both::And, zone: Zone::None, ..plain }
            }
            Dialect::GoogleScheduler => Rules { who: "Cloud Scheduler", ..plain },
            Dialect::PingSource => Rules { who: "PingSource", seconds: Seconds::Optional, ..plain },
            Dialect::CronConnector => Rules { who: "the cron-connector", zone: Zone::Prefix, ..plain },
            Dialect::OpenWhiskAlarms => Rules { who: "OpenWhisk", seconds: Seconds::Optional, ..plain },
            Dialect::CronJob => Rules { who: "a CronJob", ..plain },
            Dialect::ContainerAppsJob => Rules { who: "a job of Container Apps", zone: Zone::None, ..plain },
            Dialect::YandexTimer => {
                Rules { who: "Yandex", free: "?", both: Both::One, years: true, zone: Zone::None, ..plain }
            }
            Dialect::VeFaas => Rules { who: "veFaaS", zone: Zone::Unsaid, ..plain },
        }
    }

    /// Returns `true` if the times of a schedule depend on a time zone that the platform's page does not name.
    pub fn leaves_zone_open(self, schedule: &Schedule) -> bool {
        self.rules().zone == Zone::Unsaid && depends_on_zone(schedule)
    }

    /// Returns the schedule in the words of this platform. `timezone` is the IANA name of a zone; `None` is UTC.
    ///
    /// # Errors
    /// The platform has no such schedule.
    pub fn emit(self, schedule: &Schedule, timezone: Option<&str>) -> Result<Emitted, Refused> {
        let rules = self.rules();
        let timezone = timezone.filter(|zone| !matches!(*zone, "UTC" | "Etc/UTC"));
        let mut emitted = match schedule {
            Schedule::Cron(cron) => Emitted { text: self.cron(cron, &rules)?, timezone: None, notes: Vec::new() },
            Schedule::Every(time) => self.every(*time, &rules)?,
        };
        let is_cron = matches!(schedule, Schedule::Cron(_));
        let Some(zone) = timezone.or((rules.zone == Zone::AlwaysPrefix && is_cron).then_some("UTC")) else {
            return Ok(emitted);
        };
        match rules.zone {
            // The moments are those of UTC, and of every other zone that the platform may have.
            Zone::None | Zone::Unsaid if !depends_on_zone(schedule) => return Ok(emitted),
            Zone::Prefix | Zone::AlwaysPrefix => emitted.text = format!("CRON_TZ={zone} {}", emitted.text),
            Zone::Apart => emitted.timezone = Some(zone.to_owned()),
            Zone::None | Zone::Unsaid => {
                // Azure's other plans have zones, and the templates are not for these.
                let who = if self == Dialect::Azure { "a plan of Flex Consumption" } else { rules.who };
                return Err(Refused(format!("{who} has no time zones for timers")));
            }
        }
        if self == Dialect::EventBridge {
            emitted.notes.push("a time zone needs EventBridge Scheduler: rules are in UTC");
        }
        Ok(emitted)
    }

    fn cron(self, cron: &Cron, rules: &Rules) -> Result<String, Refused> {
        let who = rules.who;
        let refuse = |why: &str| Err(Refused(format!("{who} {why}")));
        let second = match (rules.seconds, cron.second.only()) {
            (Seconds::None, Some(0)) | (Seconds::Optional, Some(0)) => None,
            (Seconds::None, _) => return refuse("has no seconds"),
            (Seconds::One, Some(second)) => Some(second.to_string()),
            (Seconds::One, None) => return refuse("takes one second of a minute, and not several"),
            (Seconds::Any | Seconds::Optional, _) => Some(SECOND.write(&cron.second)),
        };
        if self == Dialect::FunctionGraph && cron.second.only().is_none() {
            return refuse("fires once a minute at most");
        }
        let both_given = cron.day != Day::Any && cron.weekday != Weekday::Any;
        if both_given && rules.both != cron.both {
            return refuse(match (rules.both, cron.both) {
                (Both::One, _) => "cannot have days of the month beside days of the week",
                (Both::And, _) => "takes days that are of both kinds, and this is for days of either",
                (Both::Or, _) => "takes days of either kind, and this is for days that are of both",
            });
        }
        let day = match &cron.day {
            Day::Any if cron.weekday != Weekday::Any => rules.free.to_owned(),
            Day::Any => "*".to_owned(),
            // For some readers a field that begins with a star is no choice of days, even with a step.
            Day::Days(days) => match DAY.write(days) {
                text if text.starts_with('*') => text.replacen('*', "1-31", 1),
                text => text,
            },
            Day::Last if rules.has_l => "L".to_owned(),
            Day::LastWorkday if rules.has_l && rules.has_w && self == Dialect::TencentScf => "LW".to_owned(),
            Day::Workday(day) if rules.has_w => format!("{day}W"),
            Day::Last => return refuse("has no last day of a month"),
            Day::LastWorkday => return refuse("has no last workday of a month"),
            Day::Workday(_) => return refuse("has no nearest workday"),
        };
        // In EventBridge Sunday is 1, and a last or nth day is a number.
        let number = |day: u16| if self == Dialect::EventBridge { day + 1 } else { day };
        let weekday = match &cron.weekday {
            Weekday::Any if cron.day != Day::Any && self == Dialect::EventBridge => "?".to_owned(),
            // One of the two has to be open here.
            Weekday::Any if matches!(self, Dialect::EventBridge | Dialect::YandexTimer) => "?".to_owned(),
            Weekday::Any => "*".to_owned(),
            Weekday::Days(days) => WEEKDAY.write(days),
            Weekday::Last(day) if rules.has_l => format!("{}L", number(*day)),
            Weekday::Nth(day, nth) if rules.has_nth => format!("{}#{nth}", number(*day)),
            Weekday::Last(_) => return refuse("has no last day of the week in a month"),
            Weekday::Nth(..) => return refuse("has no nth day of the week in a month"),
        };
        // For a last day of the week SCF's own page leaves the day of the month open by `?`.
        let day = match &cron.weekday {
            Weekday::Last(_) | Weekday::Nth(..) if self == Dialect::TencentScf && cron.day == Day::Any => {
                "?".to_owned()
            }
            _ => day,
        };
        if !rules.years && !YEAR.is_all(&cron.year) {
            return refuse("has no years");
        }
        let (minute, hour) = (MINUTE.write(&cron.minute), HOUR.write(&cron.hour));
        let fields = format!("{minute} {hour} {day} {} {weekday}", MONTH.write(&cron.month));
        let year = if rules.years { format!(" {}", YEAR.write(&cron.year)) } else { String::new() };
        Ok(match (self, second) {
            (Dialect::EventBridge, _) => format!("cron({fields}{year})"),
            (_, Some(second)) => format!("{second} {fields}{year}"),
            (_, None) => format!("{fields}{year}"),
        })
    }

    fn every(self, time: Duration, rules: &Rules) -> Result<Emitted, Refused> {
        let seconds = time.as_secs();
        let (minutes, rest) = (seconds / 60, seconds % 60);
        let text = |text: String| Ok(Emitted { text, timezone: None, notes: Vec::new() });
        let whole_minutes = || match rest {
            0 => Ok(minutes),
            _ => Err(Refused(format!("{} takes whole minutes", rules.who))),
        };
        match self {
            Dialect::EventBridge => {
                let (number, unit) = match whole_minutes()? {
                    minutes if minutes % 1_440 == 0 => (minutes / 1_440, "day"),
                    minutes if minutes % 60 == 0 => (minutes / 60, "hour"),
                    minutes => (minutes, "minute"),
                };
                text(format!("rate({number} {unit}{})", if number == 1 { "" } else { "s" }))
            }
            Dialect::AliyunFc => text(format!("@every {}m", whole_minutes()?)),
            Dialect::FunctionGraph | Dialect::CronConnector => text(format!("@every {}", span(seconds))),
            Dialect::OpenWhiskAlarms => {
                let minutes = whole_minutes()?;
                let notes = vec!["it is the feed `interval`, whose parameter is a number of minutes"];
                Ok(Emitted { text: minutes.to_string(), timezone: None, notes })
            }
            Dialect::GoogleScheduler => match whole_minutes()? {
                minutes if minutes % 60 == 0 => text(format!("every {} hours", minutes / 60)),
                minutes => text(format!("every {minutes} minutes")),
            },
            Dialect::TencentScf
            | Dialect::Azure
            | Dialect::PingSource
            | Dialect::CronJob
            | Dialect::ContainerAppsJob
            | Dialect::YandexTimer
            | Dialect::VeFaas => {
                let cron = clock(seconds).ok_or_else(|| {
                    let why = "has no such span of time, and no times of the clock are that far apart all day";
                    Refused(format!("{} {why}", rules.who))
                })?;
                let notes = vec!["it begins with the clock, and not with the deployment"];
                Ok(Emitted { text: self.cron(&cron, rules)?, timezone: None, notes })
            }
        }
    }
}

/// Returns the times of the clock that are this far apart, all day long; `None` if they do not divide the day.
fn clock(seconds: u64) -> Option<Cron> {
    let text = match seconds {
        1..60 if 60 % seconds == 0 => format!("*/{seconds} * * * * *"),
        60..3_600 if seconds.is_multiple_of(60) && 60 % (seconds / 60) == 0 => format!("0 */{} * * * *", seconds / 60),
        3_600..=86_400 if seconds.is_multiple_of(3_600) && 24 % (seconds / 3_600) == 0 => match seconds / 3_600 {
            24 => "0 0 0 * * *".to_owned(),
            hours => format!("0 0 */{hours} * * *"),
        },
        _ => return None,
    };
    match Schedule::parse(&text, None) {
        Ok(Schedule::Cron(cron)) => Some(cron),
        _ => None,
    }
}

/// Returns a time as Go writes it: `1h30m`.
fn span(seconds: u64) -> String {
    let mut text = String::new();
    for (of, unit) in [(3_600, 'h'), (60, 'm'), (1, 's')] {
        let number = seconds / of % if of == 3_600 { u64::MAX } else { 60 };
        if number > 0 {
            text.push_str(&format!("{number}{unit}"));
        }
    }
    text
}
