//! Schedules with a time zone, against another evaluator and its database of zones: the text for each platform that has
//! zones fires at the moments at which the clock of the place shows the times of the schedule, over four years in which
//! that clock is put forward and back.

use chrono::{NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use serverless_spec::cron::dialect::Dialect;
use serverless_spec::cron::{Both, Civil, Schedule};
use std::collections::{BTreeMap, BTreeSet};

/// The zones that put their clocks forward and back on days and by spans of their own, and one that does not.
const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Jerusalem",
    "Pacific/Chatham",
    "Asia/Kolkata",
];

const SCHEDULES: [&str; 12] = [
    "0 2 * * *",
    "30 2 * * *",
    "30 1 * * *",
    "0 0 * * *",
    "15 3 * * SUN",
    "0 */3 * * *",
    "*/20 1-3 * * *",
    "45 23 1 * *",
    "0 12 * MAR,OCT *",
    "0 9 * * MON-FRI",
    "30 0 * * SAT-SUN",
    "0 4 29 2 *",
];

/// Returns the platforms that have timers, each with its dialect.
fn dialects() -> Vec<(&'static str, Dialect)> {
    let names = faas_core::platform::PLATFORMS.iter().map(|entry| entry.name);
    names.filter_map(|name| Some((name, Dialect::of(name)?))).collect()
}

fn civil(at: Civil) -> NaiveDateTime {
    let narrow = u32::from;
    let date = NaiveDate::from_ymd_opt(i32::from(at.year), narrow(at.month), narrow(at.day)).expect("it is a day");
    date.and_hms_opt(narrow(at.hour), narrow(at.minute), narrow(at.second)).expect("it is a time")
}

/// Returns the moments at which the clock of the zone shows the times of a schedule. It also returns those times that
/// the clock leaves out or shows twice, which each platform treats in its own way.
fn expected(schedule: &Schedule, zone: Tz) -> (BTreeSet<i64>, BTreeSet<NaiveDateTime>) {
    let times = schedule.next_times(Civil { year: 2024, ..Civil::EPOCH }, 200_000);
    let (mut moments, mut odd) = (BTreeSet::new(), BTreeSet::new());
    for time in times.into_iter().take_while(|time| time.year < 2028).map(civil) {
        match zone.from_local_datetime(&time).single() {
            Some(at) => drop(moments.insert(at.timestamp())),
            None => drop(odd.insert(time)),
        }
    }
    (moments, odd)
}

/// Reads back a platform's schedule: the zone from its place, and the text by the other evaluator.
fn read_back(platform: &str, dialect: Dialect, schedule: &Schedule, zone: &str) -> Option<(String, Tz)> {
    let emitted = dialect.emit(schedule, Some(zone)).ok()?;
    let (named, text) = match emitted.text.strip_prefix("CRON_TZ=") {
        Some(rest) => {
            assert_eq!(emitted.timezone, None, "{platform}: a zone stands in one place");
            let (zone, text) = rest.split_once(' ').expect("a schedule follows the zone");
            (zone.to_owned(), text.to_owned())
        }
        None => (emitted.timezone.unwrap_or_else(|| panic!("{platform}: the zone is lost")), emitted.text),
    };
    assert_eq!(named, zone, "{platform}");
    let zone: Tz = named.parse().expect("the database has the zone");
    let inner = text.trim_start_matches("cron(").trim_end_matches(')').replace('?', "*");
    let inner = match (dialect, inner.split(' ').count()) {
        (Dialect::EventBridge, _) | (_, 5) => format!("0 {inner}"),
        _ => inner,
    };
    Some((inner, zone))
}

/// Returns the moments at which the other evaluator fires.
fn fires(inner: &str, zone: Tz, sunday_is_one: bool) -> BTreeSet<i64> {
    let cron = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Optional)
        .dom_and_dow(true)
        .alternative_weekdays(sunday_is_one)
        .build()
        .parse(inner)
        .unwrap_or_else(|error| panic!("{inner}: {error}"));
    let at = |year| zone.with_ymd_and_hms(year, 1, 1, 0, 0, 0).earliest().expect("a year begins");
    let end = at(2028);
    let from = Utc.timestamp_opt(at(2024).timestamp() - 1, 0).unwrap().with_timezone(&zone);
    cron.iter_after(from).take_while(|at| *at < end).map(|at| at.timestamp()).collect()
}

#[test]
fn what_is_written_with_a_zone_fires_by_the_clock_of_the_place_over_changes_of_it() {
    let (mut compared, mut odd_times) = (BTreeSet::new(), 0);
    for zone in ZONES {
        for text in SCHEDULES {
            let schedule = Schedule::parse(text, None).unwrap_or_else(|error| panic!("{text}: {error}"));
            let (ours, odd) = expected(&schedule, zone.parse().expect("the database has the zone"));
            odd_times += odd.len();
            // Most platforms have the same text, so each is evaluated once.
            let mut seen: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
            for (platform, dialect) in dialects() {
                let Some((inner, zone)) = read_back(platform, dialect, &schedule, zone) else { continue };
                let sunday_is_one = dialect == Dialect::EventBridge;
                let theirs = seen.entry(inner).or_insert_with_key(|inner| fires(inner, zone, sunday_is_one));
                let missing: Vec<_> = ours.difference(theirs).collect();
                assert!(missing.is_empty(), "{text} in {zone} for {platform}: it does not fire at {missing:?}");
                // An additional time comes in the place of one that the clock leaves out or shows twice, on that day.
                for more in theirs.difference(&ours) {
                    let at = Utc.timestamp_opt(*more, 0).unwrap().with_timezone(&zone).naive_local();
                    let near = odd.iter().any(|odd| (at - *odd).num_hours().abs() <= 1);
                    assert!(near, "{text} in {zone} for {platform}: it fires at {at}");
                }
                compared.insert(platform);
            }
        }
    }
    assert!(odd_times > 100, "the clocks change while schedules are due: {odd_times}");
    for platform in ["aliyun-fc", "aws-lambda", "google-cloud", "huawei-functiongraph", "knative", "openfaas"] {
        assert!(compared.contains(platform), "{platform} has zones: {compared:?}");
    }
}

#[test]
fn a_platform_without_zones_refuses_one_and_does_not_lose_it() {
    for text in SCHEDULES {
        let schedule = Schedule::parse(text, None).expect("a schedule");
        for (platform, dialect) in dialects() {
            let Ok(without) = dialect.emit(&schedule, None) else { continue };
            match dialect.emit(&schedule, Some("Europe/Berlin")) {
                Ok(with) => assert_ne!(with, without, "{platform}: the zone is lost"),
                Err(refused) => assert!(refused.0.contains("time zone"), "{platform}: {refused}"),
            }
            for utc in ["UTC", "Etc/UTC"] {
                assert_eq!(dialect.emit(&schedule, Some(utc)).as_ref(), Ok(&without), "{platform}");
            }
        }
    }
}

/// What is the same in all zones is judged by this step.
#[test]
fn the_clocks_of_all_zones_differ_from_utc_by_quarters_of_an_hour() {
    let mut looked_at = 0;
    for zone in chrono_tz::TZ_VARIANTS {
        for month in 0..48 {
            let at = NaiveDate::from_ymd_opt(2024 + month / 12, month as u32 % 12 + 1, 1).expect("it is a day");
            let from_utc = zone.offset_from_utc_date(&at).fix().local_minus_utc();
            assert_eq!(from_utc % (15 * 60), 0, "{zone} on {at}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 20_000, "{looked_at}");
}

/// Each line is a trap: one platform reads the text differently from another.
#[test]
fn what_platforms_read_differently_is_written_so_that_none_can() {
    let emit = |platform: &str, text: &str, both: Option<Both>| {
        let schedule = Schedule::parse(text, both).unwrap_or_else(|error| panic!("{text}: {error}"));
        let dialect = Dialect::of(platform).expect("it has timers");
        dialect.emit(&schedule, None).map(|emitted| emitted.text).map_err(|refused| refused.0)
    };
    for (platform, _) in dialects() {
        // Sunday is 0, 1 or 7, and months begin with 0 or 1, so names are written.
        let weekday = emit(platform, "0 8 * * 7", None).expect("every platform has days of the week");
        assert!(weekday.contains("SUN") && !weekday.contains('7',), "{platform}: {weekday}");
        let month = emit(platform, "0 0 1 6 *", None).expect("every platform has months");
        assert!(month.contains("JUN") && !month.contains('6'), "{platform}: {month}");
        // A range that goes over the end of the week is turned round by Azure and refused by robfig's parser.
        let weekend = emit(platform, "0 0 12 * * SAT-SUN", None).expect("every platform has days of the week");
        assert!(weekend.contains("SUN,SAT"), "{platform}: {weekend}");
        let winter = emit(platform, "0 0 12 1 DEC-FEB *", None).expect("every platform has months");
        assert!(winter.contains("JAN,FEB,DEC") || winter.contains("JAN-FEB,DEC"), "{platform}: {winter}");
        // For robfig's parser a field that begins with a star does not count as set, even with a step.
        if let Ok(both) = emit(platform, "0 0 12 */2 * MON", Some(Both::Or)) {
            assert!(both.contains("1-31/2"), "{platform}: {both}");
        }
        // Seconds are kept or refused, and never dropped.
        match emit(platform, "*/5 * * * * *", None) {
            Ok(text) => assert!(text.starts_with("*/5 * * * * *"), "{platform}: {text}"),
            Err(why) => assert!(why.contains("second") || why.contains("once a minute"), "{platform}: {why}"),
        }
    }
    // Both kinds of days are rejected, or mean either, or mean both.
    for (platform, or, and) in [
        ("aws-lambda", false, false),
        ("aliyun-fc", false, false),
        ("huawei-functiongraph", false, false),
        ("tencent-scf", true, false),
        ("azure-functions", false, true),
        ("google-cloud", true, false),
        ("knative", true, false),
        ("openfaas", true, false),
        ("openwhisk", true, false),
    ] {
        let of = |both| emit(platform, "0 0 0 15 * MON", Some(both)).is_ok();
        assert_eq!((of(Both::Or), of(Both::And)), (or, and), "{platform}");
    }
    // A rate of one has a unit without `s`, and every other rate has it.
    for (span, rate) in
        [("1m", "rate(1 minute)"), ("2m", "rate(2 minutes)"), ("1h", "rate(1 hour)"), ("24h", "rate(1 day)")]
    {
        assert_eq!(emit("aws-lambda", &format!("@every {span}"), None).as_deref(), Ok(rate));
    }
    // PingSource refuses `@every`.
    assert_eq!(emit("knative", "@every 15m", None).as_deref(), Ok("*/15 * * * *"));
    assert!(emit("knative", "@every 25m", None).is_err());
    // FC has no step in the day of the week, and no `L`.
    assert!(!emit("aliyun-fc", "0 0 7 * * 1-5/2", None).expect("a list will do").contains('/'));
    assert!(emit("aliyun-fc", "0 0 18 * * FRIL", None).is_err());
}
