//! Schedules: one grammar, which every platform's own is made from.
//!
//! | form | means |
//! |---|---|
//! | `30 2 * * *` | minute, hour, day of the month, month, day of the week |
//! | `0 30 2 * * *` | the same with seconds before it |
//! | `0 30 2 * * * 2030` | the same with years behind it |
//! | `@daily`, `@hourly`, `@weekly`, `@monthly`, `@yearly` | the beginning of each |
//! | `@every 5m`, `rate(5 minutes)` | again and again after a time |
//! | `cron(30 2 * * ? *)` | the form of Amazon EventBridge, where days of the week count from 1, which is Sunday |
//!
//! A field is `*`, `?`, a number or name, `a-b`, a list of those with commas, and any of them with `/n`. Days of the
//! week are 0 to 7, of which both 0 and 7 are Sunday, or names. `L` is the last day of a month, `LW` its last day from
//! Monday to Friday, `15W` the day from Monday to Friday that is nearest to the 15th, `5L` the last Friday, `5#2` the
//! second one.

pub mod dialect;
mod field;
mod fire;

pub use fire::Civil;

use faas_core::settings::duration;
use field::{DAY, Field, HOUR, MINUTE, MONTH, SECOND, Set, WEEKDAY, YEAR};
use std::fmt;
use std::time::Duration;

/// The times at which an event happens.
///
/// ```
/// use serverless_spec::cron::{Civil, Schedule};
///
/// let schedule = Schedule::parse("30 6 * * 1-5", None)?;
/// let friday = Civil { year: 2026, month: 1, day: 2, ..Civil::EPOCH };
/// let times: Vec<String> = schedule.next_times(friday, 2).iter().map(Civil::to_string).collect();
/// assert_eq!(times, ["2026-01-02 06:30:00", "2026-01-05 06:30:00"]);
/// # Ok::<(), serverless_spec::cron::CronError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// The event happens at times of the calendar.
    Cron(Cron),
    /// The event happens again and again after this time, which is whole seconds.
    Every(Duration),
}

/// Times of the calendar, field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    pub(crate) second: Set,
    pub(crate) minute: Set,
    pub(crate) hour: Set,
    pub(crate) month: Set,
    pub(crate) day: Day,
    pub(crate) weekday: Weekday,
    pub(crate) year: Set,
    pub(crate) both: Both,
}

/// The days of the month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    /// Every day, as `*` or `?`.
    Any,
    /// These days, counted from 1.
    Days(Set),
    /// The last day of the month.
    Last,
    /// The last day of the month from Monday to Friday.
    LastWorkday,
    /// The day from Monday to Friday that is nearest to this one.
    Workday(u16),
}

/// The days of the week; 0 is Sunday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Weekday {
    /// Every day, as `*` or `?`.
    Any,
    /// These days of the week.
    Days(Set),
    /// The last one of these days in a month.
    Last(u16),
    /// The day of the week with that number in a month, from 1 to 5.
    Nth(u16, u16),
}

/// The meaning of days of the month and of the week, if both are given.
///
/// ```
/// use serverless_spec::cron::{Both, Schedule};
///
/// let friday_13 = "0 0 13 * 5";
/// assert!(Schedule::parse(friday_13, None).is_err(), "platforms differ");
/// assert!(Schedule::parse(friday_13, Some(Both::And)).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Both {
    /// The two are not both given.
    One,
    /// A day has to be one of either.
    Or,
    /// A day has to be one of both.
    And,
}

/// The reason why a text is no schedule.
///
/// ```
/// use serverless_spec::cron::Schedule;
///
/// let error = Schedule::parse("@dayly", None).expect_err("a slip");
/// assert_eq!((error.at, error.message.as_str()), (0..6, "there is no schedule `@dayly`"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronError {
    /// The part of the text that is wrong, in bytes.
    pub at: std::ops::Range<usize>,
    /// The mistake, as a sentence.
    pub message: String,
    /// The right way to write it; may be empty.
    pub help: String,
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, "; {}", self.help) }
    }
}

impl std::error::Error for CronError {}

pub(crate) fn error(at: std::ops::Range<usize>, message: impl Into<String>, help: impl Into<String>) -> CronError {
    CronError { at, message: message.into(), help: help.into() }
}

impl Schedule {
    /// Reads a schedule. `both` is the meaning of days of the month and of the week, if both are given. Without it that
    /// is an error, since platforms differ.
    ///
    /// # Errors
    /// The text is no schedule.
    pub fn parse(text: &str, both: Option<Both>) -> Result<Schedule, CronError> {
        let trimmed = text.trim();
        let start = text.len() - text.trim_start().len();
        let all = start..start + trimmed.len();
        if let Some(time) = trimmed.strip_prefix("@every") {
            return every(time.trim(), all);
        }
        if let Some(inner) = trimmed.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')) {
            return rate(inner, all);
        }
        if let Some(word) = trimmed.strip_prefix('@') {
            let fields = match word {
                "yearly" | "annually" => "0 0 0 1 1 *",
                "monthly" => "0 0 0 1 * *",
                "weekly" => "0 0 0 * * 0",
                "daily" | "midnight" => "0 0 0 * * *",
                "hourly" => "0 0 * * * *",
                _ => {
                    let help = "write @yearly, @monthly, @weekly, @daily, @hourly, or `@every 5m`";
                    return Err(error(all, format!("there is no schedule `{trimmed}`"), help));
                }
            };
            return Schedule::parse(fields, None);
        }
        if let Some(inner) = trimmed.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')) {
            return amazon(inner, start + "cron(".len(), both);
        }
        let fields = words(text);
        let bare = |text: &'static str| Word { text, at: all.clone() };
        let [second, minute, hour, day, month, weekday, year] = match &fields[..] {
            [minute, hour, day, month, weekday] => {
                [bare("0"), minute.clone(), hour.clone(), day.clone(), month.clone(), weekday.clone(), bare("*")]
            }
            [second, minute, hour, day, month, weekday] => {
                [second.clone(), minute.clone(), hour.clone(), day.clone(), month.clone(), weekday.clone(), bare("*")]
            }
            [second, minute, hour, day, month, weekday, year] => [
                second.clone(),
                minute.clone(),
                hour.clone(),
                day.clone(),
                month.clone(),
                weekday.clone(),
                year.clone(),
            ],
            other => {
                let message = format!("a schedule has 5, 6 or 7 fields, and this one has {}", other.len());
                let help = "write minute, hour, day of the month, month, day of the week, as `0 12 * * MON-FRI`";
                return Err(error(all, message, help));
            }
        };
        let cron = Cron {
            second: set(&second, &SECOND)?,
            minute: set(&minute, &MINUTE)?,
            hour: set(&hour, &HOUR)?,
            month: set(&month, &MONTH)?,
            day: day_of(&day)?,
            weekday: weekday_of(&weekday, 0)?,
            year: set(&year, &YEAR)?,
            both: Both::One,
        };
        cron.with(both, all)
    }
}

impl Cron {
    fn with(mut self, both: Option<Both>, all: std::ops::Range<usize>) -> Result<Schedule, CronError> {
        if self.day != Day::Any && self.weekday != Weekday::Any {
            let Some(both) = both else {
                let help = "platforms differ in what that means: say `days: or`, or `days: and`, beside it";
                return Err(error(all, "days of the month and of the week are both given", help));
            };
            self.both = both;
        }
        if self.year.is_empty() || self.next(fire::Civil::EPOCH).is_none() {
            return Err(error(all, "there is no such day", "the 30th of February, for one, never comes"));
        }
        Ok(Schedule::Cron(self))
    }
}

/// A field and its place in the text.
#[derive(Clone, Debug)]
struct Word<'t> {
    text: &'t str,
    at: std::ops::Range<usize>,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut all = Vec::new();
    for word in text.split_ascii_whitespace() {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        all.push(Word { text: word, at: start..start + word.len() });
    }
    all
}

fn set(word: &Word<'_>, field: &Field) -> Result<Set, CronError> {
    field.read(word.text).map_err(|why| error(word.at.clone(), why, field.help()))
}

fn day_of(word: &Word<'_>) -> Result<Day, CronError> {
    let upper = word.text.to_ascii_uppercase();
    match upper.as_str() {
        "*" | "?" => return Ok(Day::Any),
        "L" => return Ok(Day::Last),
        "LW" | "WL" => return Ok(Day::LastWorkday),
        _ => {}
    }
    if let Some(number) = upper.strip_suffix('W') {
        return match number.parse() {
            Ok(day @ 1..=31) => Ok(Day::Workday(day)),
            _ => Err(error(word.at.clone(), format!("`{}` is no day of a month", word.text), "write `15W`, or `LW`")),
        };
    }
    let days = set(word, &DAY)?;
    Ok(if DAY.is_all(&days) { Day::Any } else { Day::Days(days) })
}

/// Reads the days of the week; `sunday` is the number of Sunday.
fn weekday_of(word: &Word<'_>, sunday: u16) -> Result<Weekday, CronError> {
    let upper = word.text.to_ascii_uppercase();
    if matches!(upper.as_str(), "*" | "?") {
        return Ok(Weekday::Any);
    }
    let one = |text: &str| {
        WEEKDAY.value(text).map(|day| if text.parse::<u16>().is_ok() { (day + 7 - sunday) % 7 } else { day })
    };
    if let Some(day) = upper.strip_suffix('L').filter(|day| !day.is_empty()) {
        let day = one(day).map_err(|why| error(word.at.clone(), why, WEEKDAY.help()))?;
        return Ok(Weekday::Last(day));
    }
    if let Some((day, number)) = upper.split_once('#') {
        let day = one(day).map_err(|why| error(word.at.clone(), why, WEEKDAY.help()))?;
        return match number.parse() {
            Ok(number @ 1..=5) => Ok(Weekday::Nth(day, number)),
            _ => {
                Err(error(word.at.clone(), format!("`#{number}` is none of a month's weeks"), "write `5#2`, of 1 to 5"))
            }
        };
    }
    let days = set(word, &WEEKDAY)?;
    // In our own grammar Sunday has two numbers; those of the other form are counted anew.
    let has_numbers = upper.bytes().any(|byte| byte.is_ascii_digit() && sunday > 0) && !upper.contains('/');
    let shift = if has_numbers { sunday } else { 0 };
    let days: Set = days.iter().map(|day| (day + 7 - shift) % 7).collect();
    Ok(if days.len() == 7 { Weekday::Any } else { Weekday::Days(days) })
}

/// Reads the form of Amazon EventBridge, whose fields begin with the minute and end with the year.
fn amazon(inner: &str, offset: usize, both: Option<Both>) -> Result<Schedule, CronError> {
    let mut fields = words(inner);
    for field in &mut fields {
        field.at = field.at.start + offset..field.at.end + offset;
    }
    let all = offset..offset + inner.len();
    let [minute, hour, day, month, weekday, year] = &fields[..] else {
        let message = format!("`cron(…)` has 6 fields, and this one has {}", fields.len());
        return Err(error(all, message, "write minute, hour, day of the month, month, day of the week, year"));
    };
    if weekday.text.bytes().any(|byte| byte.is_ascii_digit())
        && weekday.text.bytes().any(|byte| byte.is_ascii_alphabetic() && !b"Ll".contains(&byte))
    {
        let help = "here Sunday is 1; write names alone";
        return Err(error(weekday.at.clone(), "numbers and names of days are mixed", help));
    }
    let cron = Cron {
        second: SECOND.only(0),
        minute: set(minute, &MINUTE)?,
        hour: set(hour, &HOUR)?,
        month: set(month, &MONTH)?,
        day: day_of(day)?,
        weekday: weekday_of(weekday, 1)?,
        year: set(year, &YEAR)?,
        both: Both::One,
    };
    cron.with(both, all)
}

fn every(time: &str, at: std::ops::Range<usize>) -> Result<Schedule, CronError> {
    match duration(time) {
        Some(time) if time.as_secs() > 0 && time.subsec_nanos() == 0 => Ok(Schedule::Every(time)),
        _ => Err(error(at, format!("`{time}` is no time of whole seconds"), "write a time such as 30s, 5m or 1h30m")),
    }
}

fn rate(inner: &str, at: std::ops::Range<usize>) -> Result<Schedule, CronError> {
    let parts: Vec<&str> = inner.split_ascii_whitespace().collect();
    let seconds = match parts[..] {
        [number, unit] => number.parse::<u64>().ok().and_then(|number| {
            let of = match unit {
                "minute" | "minutes" => 60,
                "hour" | "hours" => 3_600,
                "day" | "days" => 86_400,
                _ => return None,
            };
            number.checked_mul(of).filter(|seconds| *seconds > 0)
        }),
        _ => None,
    };
    match seconds {
        Some(seconds) => Ok(Schedule::Every(Duration::from_secs(seconds))),
        None => {
            Err(error(at, format!("`rate({inner})` is no rate"), "write `rate(5 minutes)`, in minutes, hours or days"))
        }
    }
}
