//! Schedules against another evaluator: the schedules that are parsed, and those that are written for each platform,
//! fire at the same times over four years.

use chrono::{Datelike, NaiveDate, TimeZone, Timelike, Utc};
use croner::parser::{CronParser, Seconds, Year};
use serverless_spec::cron::dialect::Dialect;
use serverless_spec::cron::{Both, Civil, Schedule};

const ALL: [Dialect; 13] = [
    Dialect::EventBridge,
    Dialect::AliyunFc,
    Dialect::TencentScf,
    Dialect::FunctionGraph,
    Dialect::Azure,
    Dialect::GoogleScheduler,
    Dialect::PingSource,
    Dialect::CronConnector,
    Dialect::OpenWhiskAlarms,
    Dialect::CronJob,
    Dialect::ContainerAppsJob,
    Dialect::YandexTimer,
    Dialect::VeFaas,
];

/// The schedules in our own grammar.
const SCHEDULES: &[&str] = &[
    "0 0 12 * * SAT-SUN",
    "0 0 0 1 1 *",
    "*/5 * * * * *",
    "0 0 18 * * FRIL",
    "0 30 4 L * *",
    "0 0 9 15W * *",
    "0 0 9 LW * *",
    "0 15 10 * * MON#2",
    "30 2 * * *",
    "*/15 8-18 * * MON-FRI",
    "0 */7 * * * *",
    "15 10 3 1,15 * *",
    "0 0 0 29 2 *",
    "0 0 6 */2 * *",
    "0 5,35 9-17/2 * JAN-MAR,OCT MON,WED",
    "0 0 23 * DEC-FEB *",
    "0 0 7 * * 1-5",
    "0 0 7 * * 7",
    "0 0 8 1 6 * 2026",
    "@daily",
    "@weekly",
    "@hourly",
    "0 59 23 31 * *",
    "0 0-10/5 0 * * 2-4",
];

fn both(text: &str) -> Option<Both> {
    text.starts_with("or ").then_some(Both::Or).or(text.starts_with("and ").then_some(Both::And))
}

/// Returns the times at which the other evaluator fires for a text in its own form: second to year, with numbers of the
/// usual kind.
fn fires(text: &str, both: Both, sunday_is_one: bool, count: usize) -> Vec<String> {
    let cron = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Optional)
        .dom_and_dow(both != Both::Or)
        .alternative_weekdays(sunday_is_one)
        .build()
        .parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let start = Utc.with_ymd_and_hms(2023, 12, 31, 23, 59, 59).unwrap();
    let end = NaiveDate::from_ymd_opt(2028, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    cron.iter_after(start)
        .take_while(|at| *at < end)
        .take(count)
        .map(|at| {
            let (date, time) = (at.date_naive(), at.time());
            let [month, day] = [date.month(), date.day()];
            format!(
                "{:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
                date.year(),
                time.hour(),
                time.minute(),
                time.second()
            )
        })
        .collect()
}

fn ours(schedule: &Schedule, count: usize) -> Vec<String> {
    let from = Civil { year: 2024, ..Civil::EPOCH };
    let times = schedule.next_times(from, count).into_iter();
    times.take_while(|at| at.year < 2028).map(|at| at.to_string()).collect()
}

/// The number of times that are compared: more than any but the most frequent schedules have in four years.
const MOST: usize = 12_000;

#[test]
fn what_is_parsed_fires_when_the_other_evaluator_says() {
    for text in SCHEDULES.iter().filter(|text| !text.starts_with('@')) {
        let schedule = Schedule::parse(text, None).unwrap_or_else(|error| panic!("{text}: {error}"));
        let five = text.split(' ').count() == 5;
        let theirs = if five { format!("0 {text}") } else { (*text).to_owned() };
        // The other evaluator turns no ranges round.
        let theirs = theirs.replace("SAT-SUN", "SAT,SUN").replace("DEC-FEB", "DEC,JAN,FEB");
        assert_eq!(ours(&schedule, MOST), fires(&theirs, Both::And, false, MOST), "{text}");
    }
}

#[test]
fn two_kinds_of_days_are_either_or_both_as_is_said() {
    for (text, both) in [("0 0 0 15 * MON", Both::Or), ("0 0 0 13 * FRI", Both::And), ("0 0 0 L * SUN", Both::Or)] {
        let schedule = Schedule::parse(text, Some(both)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(ours(&schedule, MOST), fires(text, both, false, MOST), "{text}");
        assert!(Schedule::parse(text, None).is_err(), "{text}");
    }
}

/// Returns the other evaluator's form of a platform's text.
fn translated(dialect: Dialect, text: &str) -> (String, Both) {
    let inner =
        text.trim_start_matches("CRON_TZ=UTC ").trim_start_matches("cron(").trim_end_matches(')').replace('?', "*");
    match dialect {
        Dialect::EventBridge | Dialect::YandexTimer => (format!("0 {inner}"), Both::And),
        Dialect::Azure => (inner, Both::And),
        Dialect::AliyunFc | Dialect::FunctionGraph | Dialect::TencentScf => (inner, Both::Or),
        _ if inner.split(' ').count() == 5 => (format!("0 {inner}"), Both::Or),
        _ => (inner, Both::Or),
    }
}

#[test]
fn what_is_written_for_a_platform_fires_when_it_should() {
    let mut written = 0;
    for text in SCHEDULES {
        let schedule = Schedule::parse(text, both(text)).unwrap_or_else(|error| panic!("{text}: {error}"));
        let expected = ours(&schedule, MOST);
        for dialect in ALL {
            let Ok(emitted) = dialect.emit(&schedule, None) else { continue };
            let (theirs, both) = translated(dialect, &emitted.text);
            let sunday_is_one = dialect == Dialect::EventBridge;
            assert_eq!(fires(&theirs, both, sunday_is_one, MOST), expected, "{text} for {dialect:?}: {}", emitted.text);
            written += 1;
        }
    }
    assert!(written > 100, "{written}");
}

#[test]
fn the_samples_are_written_as_the_platforms_pages_have_them() {
    const COLUMNS: [Dialect; 5] =
        [Dialect::EventBridge, Dialect::AliyunFc, Dialect::TencentScf, Dialect::Azure, Dialect::OpenWhiskAlarms];
    for (text, both, expected) in [
        (
            "0 0 12 * * SAT-SUN",
            None,
            [
                Some("cron(0 12 ? * SUN,SAT *)"),
                Some("0 0 12 ? * SUN,SAT"),
                Some("0 0 12 * * SUN,SAT *"),
                Some("0 0 12 * * SUN,SAT"),
                Some("0 12 * * SUN,SAT"),
            ],
        ),
        (
            "0 0 0 1 1 *",
            None,
            [
                Some("cron(0 0 1 JAN ? *)"),
                Some("0 0 0 1 JAN *"),
                Some("0 0 0 1 JAN * *"),
                Some("0 0 0 1 JAN *"),
                Some("0 0 1 JAN *"),
            ],
        ),
        ("*/5 * * * * *", None, [None, None, Some("*/5 * * * * * *"), Some("*/5 * * * * *"), Some("*/5 * * * * *")]),
        ("0 0 18 * * FRIL", None, [Some("cron(0 18 ? * 6L *)"), None, Some("0 0 18 ? * 5L *"), None, None]),
        ("0 0 0 15 * MON", Some(Both::Or), [None, None, Some("0 0 0 15 * MON *"), None, Some("0 0 15 * MON")]),
        ("0 0 0 15 * MON", Some(Both::And), [None, None, None, Some("0 0 0 15 * MON"), None]),
    ] {
        let schedule = Schedule::parse(text, both).unwrap_or_else(|error| panic!("{text}: {error}"));
        for (dialect, expected) in COLUMNS.into_iter().zip(expected) {
            let emitted = dialect.emit(&schedule, None).ok().map(|emitted| emitted.text);
            assert_eq!(emitted.as_deref(), expected, "{text} for {dialect:?}");
        }
    }
}

#[test]
fn spans_of_time_are_exact_or_refused() {
    for (text, dialect, expected) in [
        ("@every 5m", Dialect::EventBridge, Ok("rate(5 minutes)")),
        ("rate(1 hour)", Dialect::EventBridge, Ok("rate(1 hour)")),
        ("@every 48h", Dialect::EventBridge, Ok("rate(2 days)")),
        ("@every 90s", Dialect::EventBridge, Err("EventBridge takes whole minutes")),
        ("@every 90m", Dialect::AliyunFc, Ok("@every 90m")),
        ("@every 1h30m", Dialect::FunctionGraph, Ok("@every 1h30m")),
        ("@every 30s", Dialect::CronConnector, Ok("@every 30s")),
        ("@every 5m", Dialect::TencentScf, Ok("0 */5 * * * * *")),
        (
            "@every 7m",
            Dialect::TencentScf,
            Err("SCF has no such span of time, and no times of the clock are that far apart all day"),
        ),
        ("@every 6h", Dialect::Azure, Ok("0 0 */6 * * *")),
        ("@every 5m", Dialect::PingSource, Ok("*/5 * * * *")),
        ("@every 10m", Dialect::OpenWhiskAlarms, Ok("10")),
        ("@every 10m", Dialect::CronJob, Ok("*/10 * * * *")),
        (
            "@every 90s",
            Dialect::CronJob,
            Err("a CronJob has no such span of time, and no times of the clock are that far apart all day"),
        ),
        ("@every 2h", Dialect::ContainerAppsJob, Ok("0 */2 * * *")),
        ("@every 10m", Dialect::YandexTimer, Ok("*/10 * * * ? *")),
        ("@every 2h", Dialect::GoogleScheduler, Ok("every 2 hours")),
        ("@every 15m", Dialect::VeFaas, Ok("*/15 * * * *")),
    ] {
        let schedule = Schedule::parse(text, None).unwrap_or_else(|error| panic!("{text}: {error}"));
        let emitted = dialect.emit(&schedule, None).map(|emitted| emitted.text).map_err(|refused| refused.0);
        assert_eq!(emitted.as_deref().map_err(String::as_str), expected, "{text} for {dialect:?}");
    }
}

#[test]
fn a_time_zone_stands_where_the_platform_has_it() {
    let schedule = Schedule::parse("0 2 * * *", None).expect("a schedule");
    let zone = Some("Europe/Berlin");
    for (dialect, text, timezone) in [
        (Dialect::AliyunFc, "CRON_TZ=Europe/Berlin 0 0 2 * * *", None),
        (Dialect::CronConnector, "CRON_TZ=Europe/Berlin 0 2 * * *", None),
        (Dialect::FunctionGraph, "CRON_TZ=Europe/Berlin 0 0 2 * * *", None),
        (Dialect::PingSource, "0 2 * * *", zone),
        (Dialect::EventBridge, "cron(0 2 * * ? *)", zone),
    ] {
        let emitted = dialect.emit(&schedule, zone).expect("it has time zones");
        assert_eq!((emitted.text.as_str(), emitted.timezone.as_deref()), (text, timezone), "{dialect:?}");
    }
    for dialect in [Dialect::TencentScf, Dialect::Azure] {
        assert!(dialect.emit(&schedule, zone).is_err(), "{dialect:?}");
        assert!(dialect.emit(&schedule, Some("UTC")).is_ok(), "{dialect:?}");
    }
}

#[test]
fn a_time_zone_that_makes_no_difference_is_taken_and_left_out_where_the_platform_has_none() {
    let of = |text: &str| Schedule::parse(text, None).expect("a schedule");
    let without_zones =
        [Dialect::TencentScf, Dialect::Azure, Dialect::ContainerAppsJob, Dialect::YandexTimer, Dialect::VeFaas];
    for dialect in without_zones {
        for zone in ["Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu"] {
            for text in ["*/5 * * * *", "* * * * *", "*/15 * * * *", "7,22,37,52 * * * *", "@every 20m", "@every 1h"] {
                let schedule = of(text);
                let emitted = dialect.emit(&schedule, Some(zone));
                assert_eq!(emitted, dialect.emit(&schedule, None), "{text} in {zone} for {dialect:?}");
                assert!(emitted.is_ok_and(|emitted| emitted.timezone.is_none()), "{text} in {zone} for {dialect:?}");
            }
            // Each of these is another one in some zone: UTC's full hour is half past in Kolkata, a quarter to in Kathmandu.
            for text in ["0 * * * *", "0,30 * * * *", "*/20 * * * *", "*/5 2 * * *", "*/5 * * * MON", "@every 2h"] {
                let refused = dialect.emit(&of(text), Some(zone)).expect_err("the zone makes a difference");
                assert!(refused.0.ends_with("has no time zones for timers"), "{text}: {refused}");
            }
        }
    }
    // A platform that has zones is told of each.
    let emitted = Dialect::EventBridge.emit(&of("*/5 * * * *"), Some("Europe/Berlin")).expect("it has time zones");
    assert_eq!(emitted.timezone.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn utc_is_written_where_it_would_be_the_zone_of_the_region() {
    let of = |text: &str| Schedule::parse(text, None).expect("a schedule");
    for zone in [None, Some("UTC")] {
        let emitted = Dialect::FunctionGraph.emit(&of("0 2 * * *"), zone).expect("it has such a schedule");
        assert_eq!(emitted.text, "CRON_TZ=UTC 0 0 2 * * *");
    }
    let emitted = Dialect::FunctionGraph.emit(&of("@every 1h"), None).expect("it has such a schedule");
    assert_eq!(emitted.text, "@every 1h");
}

#[test]
fn a_zone_is_open_where_no_page_names_it_and_the_times_depend_on_it() {
    let of = |text: &str| Schedule::parse(text, None).expect("a schedule");
    for dialect in ALL {
        let is_unsaid = matches!(dialect, Dialect::TencentScf | Dialect::VeFaas);
        for text in ["0 2 * * *", "0 0 * * MON", "0 * 1 * *", "* * * JAN *", "30 * * * *", "@every 2h"] {
            assert_eq!(dialect.leaves_zone_open(&of(text)), is_unsaid, "{text} for {dialect:?}");
        }
        for text in ["*/5 * * * *", "7,22,37,52 * * * *", "@every 15m", "@every 1h"] {
            assert!(!dialect.leaves_zone_open(&of(text)), "{text} for {dialect:?}");
        }
    }
}

#[test]
fn what_is_no_schedule_says_where_and_why() {
    for (text, at, message) in [
        ("", 0..0, "a schedule has 5, 6 or 7 fields, and this one has 0"),
        ("* * *", 0..5, "a schedule has 5, 6 or 7 fields, and this one has 3"),
        ("60 * * * *", 0..2, "`60` is not a minute"),
        ("0 24 * * *", 2..4, "`24` is not an hour"),
        ("0 0 0 * *", 4..5, "`0` is not a day of a month"),
        ("0 0 * 13 *", 6..8, "`13` is not a month"),
        ("0 0 * * 8", 8..9, "`8` is not a day of the week"),
        ("0 0 * * MONDAY", 8..14, "`MONDAY` is not a day of the week"),
        ("0 0 * * MON#6", 8..13, "`#6` is none of a month's weeks"),
        ("0 0 32W * *", 4..7, "`32W` is no day of a month"),
        ("*/0 * * * *", 0..3, "`/0` is no step"),
        ("30-10 * * * *", 0..5, "`30-10` ends before it begins"),
        ("0 0 0 30 2 *", 0..12, "there is no such day"),
        ("@fortnightly", 0..12, "there is no schedule `@fortnightly`"),
        ("@every soon", 0..11, "`soon` is no time of whole seconds"),
        ("rate(5 minuten)", 0..15, "`rate(5 minuten)` is no rate"),
        ("cron(0 12 * *)", 5..13, "`cron(…)` has 6 fields, and this one has 4"),
        ("0 0 1 * MON", 0..11, "days of the month and of the week are both given"),
    ] {
        let error = Schedule::parse(text, None).expect_err(text);
        assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
    }
}

#[test]
fn the_form_of_eventbridge_counts_sunday_as_one() {
    for (amazon, same) in [
        ("cron(0 12 ? * 1 *)", "0 0 12 * * SUN"),
        ("cron(0 12 ? * 2-6 *)", "0 0 12 * * MON-FRI"),
        ("cron(0 12 ? * 6L *)", "0 0 12 * * FRIL"),
        ("cron(0 12 ? * 2#1 *)", "0 0 12 * * MON#1"),
        ("cron(0 12 ? * MON-FRI *)", "0 0 12 * * MON-FRI"),
    ] {
        let of = |text: &str| Schedule::parse(text, None).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(ours(&of(amazon), 50), ours(&of(same), 50), "{amazon}");
    }
}
