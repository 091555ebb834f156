//! A limit of zero is no limit, a deadline in whole seconds is the end of its second, and a deadline that has passed
//! before the event arrives still leaves time to answer.

use crate::{Pairs, WAYS, metadata, process};
use faas_core::process::{Deadline, Process};
use std::time::{SystemTime, UNIX_EPOCH};

fn epoch_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("64 bits")
}

#[test]
fn a_limit_of_zero_is_no_limit_on_any_platform() {
    let (process, _) = process();
    // In the watchdog's place there is always one: when the watchdog would give the connection up.
    for (pairs, path, headers, body) in
        WAYS.iter().filter(|(pairs, ..)| !pairs.contains(&("FAAS_PLATFORM", "openfaas")))
    {
        let zero = [*pairs, &[("FAAS_TIMEOUT", "0")]].concat();
        assert_eq!(metadata(&process, &zero, path, headers, body).deadline, None, "{pairs:?}");
        // A limit is kept to the nanosecond: half a millisecond is not zero.
        let short = [*pairs, &[("FAAS_TIMEOUT", "500us")]].concat();
        assert!(metadata(&process, &short, path, headers, body).deadline.is_some(), "{pairs:?}");
    }
}

#[test]
fn a_platforms_own_limit_of_zero_is_no_limit() {
    let (process, _) = process();
    for (pairs, headers) in [
        (&[("FC_FUNC_CODE_PATH", "/code"), ("FC_TIMEOUT", "0")][..], &[("x-fc-function-timeout", "0")][..]),
        (&[("K_SERVICE", "s"), ("CLOUD_RUN_TIMEOUT_SECONDS", "0")], &[]),
        (&[("_FAAS_RUNTIME_PORT", "1"), ("_FAAS_FUNC_TIMEOUT", "0")], &[]),
        (
            &[("RUNTIME_FUNC_NAME", "f"), ("RUNTIME_PROJECT_ID", "p"), ("RUNTIME_TIMEOUT", "0")],
            &[("x-cff-timeout", "0")],
        ),
        (&[("TENCENTCLOUD_RUNENV", "SCF")], &[("x-scf-timeout", "0")]),
        (&[("SCF_RUNTIME_API", "h"), ("SCF_RUNTIME_API_PORT", "1")], &[("time_limit_in_ms", "0")]),
    ] {
        assert_eq!(metadata(&process, pairs, "/", headers, "").deadline, None, "{pairs:?}");
        // What is configured for all platforms counts then.
        let otherwise = [pairs, &[("FAAS_TIMEOUT", "7")]].concat();
        let deadline = metadata(&process, &otherwise, "/", headers, "").deadline.expect("the setting counts");
        assert!((6_000..=7_000).contains(&deadline.remaining_ms(&process)), "{pairs:?}");
    }
}

/// An event of a platform that says a moment.
struct Timed {
    pairs: Pairs<'static>,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Timed {
    fn deadline(&self, process: &Process, more: Pairs<'static>) -> Deadline {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let pairs = [self.pairs, more].concat();
        metadata(process, &pairs, self.path, &headers, &self.body).deadline.expect("there is one")
    }
}

/// Returns an arrival for each platform that tells a moment.
fn with_moment(seconds_from_now: i64) -> [Timed; 4] {
    let moment = epoch_ms().saturating_add_signed(seconds_from_now * 1000);
    let event = |pairs, path| Timed { pairs, path, headers: Vec::new(), body: String::new() };
    [
        Timed {
            headers: vec![
                ("Lambda-Runtime-Deadline-Ms", moment.to_string()),
                ("Lambda-Runtime-Aws-Request-Id", "a1".into()),
            ],
            ..event(&[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")], "/")
        },
        Timed {
            headers: vec![("Fn-Deadline", rfc3339(moment)), ("Fn-Call-Id", "a1".into())],
            ..event(&[("FN_LISTENER", "unix:/tmp/l.sock")], "/call")
        },
        Timed {
            body: format!("{{\"deadline\":\"{moment}\",\"activation_id\":\"a1\"}}"),
            ..event(&[("__OW_API_HOST", "h")], "/run")
        },
        Timed {
            body: format!("{{\"deadline\":{moment},\"activation_id\":\"a1\"}}"),
            ..event(&[("__OW_PROXY_VERSION", "1")], "")
        },
    ]
}

/// Returns the moment as Fn's agent writes it: whole seconds, the rest cut off.
fn rfc3339(epoch_ms: u64) -> String {
    let mut text = Vec::new();
    faas_core::log::timestamp(&mut text, std::time::Duration::from_millis(epoch_ms));
    format!("{}Z", String::from_utf8_lossy(&text[..19]))
}

#[test]
fn a_deadline_that_has_passed_on_arrival_leaves_a_second_and_says_so() {
    for event in with_moment(-30) {
        let (process, kept) = process();
        let deadline = event.deadline(&process, &[]);
        let left = deadline.remaining_ms(&process);
        assert!((900..=1_000).contains(&left), "{:?}: {left}", event.pairs);
        assert!(
            deadline.epoch_ms >= epoch_ms(),
            "{:?}: what a function computes from it is no past either",
            event.pairs
        );
        let lines = kept.0.lock().expect("no test panicked here").concat();
        let words = [" WARN a1 runtime: ", "the platform's deadline passed ", "FAAS_TIMEOUT", "1000 ms"];
        assert!(words.iter().all(|word| lines.contains(word)), "{:?}: {lines}", event.pairs);
        assert_eq!(lines.lines().count(), 1, "{lines}");
        let left = event.deadline(&process, &[("FAAS_TIMEOUT", "5s")]).remaining_ms(&process);
        assert!((4_900..=5_000).contains(&left), "{:?}: {left}", event.pairs);
    }
}

#[test]
fn a_deadline_to_come_counts_as_it_is_and_nothing_is_said() {
    for event in with_moment(30) {
        let (process, kept) = process();
        let left = event.deadline(&process, &[("FAAS_TIMEOUT", "5s")]).remaining_ms(&process);
        assert!((29_000..=30_999).contains(&left), "{:?}: {left}", event.pairs);
        assert!(kept.0.lock().expect("no test panicked here").is_empty(), "{:?}", event.pairs);
    }
}

#[test]
fn a_deadline_in_whole_seconds_is_the_end_of_its_second() {
    let (process, _) = process();
    let ends = |text: &str| {
        let metadata =
            metadata(&process, &[("FN_LISTENER", "unix:/tmp/l.sock")], "/call", &[("Fn-Deadline", text)], "");
        metadata.deadline.expect("a deadline").epoch_ms
    };
    assert_eq!(ends("2100-01-01T00:00:00Z"), 4_102_444_800_999);
    assert_eq!(ends("2100-01-01T01:00:00+01:00"), 4_102_444_800_999);
    for (fraction, millis) in [(".0", 0), (".25", 250), (".999999999", 999)] {
        assert_eq!(ends(&format!("2100-01-01T00:00:00{fraction}Z")), 4_102_444_800_000 + millis, "{fraction}");
    }
}
