//! The time limits of an invocation on every platform: a limit of zero is no limit, a deadline in whole seconds is the end
//! of its second, and a deadline that has passed before the event arrives still leaves time to answer.

use faas_core::http1::{Assembly, Limits, Message, Progress, Reader};
use faas_core::invocation::Facts;
use faas_core::log::{Format, Level, LineKind, Log, Sink};
use faas_core::platform::{self, Delivery, Protocol, Route, State};
use faas_core::settings::{Env, Settings};
use faas_core::unit::{Identity, Unit};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

type Pairs<'a> = &'a [(&'a str, &'a str)];

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Sink for Kept {
    fn write(&self, line: &[u8], _: LineKind) {
        self.0.lock().expect("no test panicked here").push(String::from_utf8_lossy(line).into_owned());
    }
}

fn unit() -> (Unit, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    (Unit::new(Identity::default(), Log::new(Level::Info, Format::Text, kept.clone())), kept)
}

fn protocol(pairs: Pairs<'_>) -> Protocol {
    let look_up = |name: &str| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    let env = Env::new(&look_up);
    let settings = Settings::read(&env).unwrap_or_else(|bad| panic!("{pairs:?}: {bad}"));
    platform::detect(&env, &settings).unwrap_or_else(|why| panic!("{pairs:?}: {why}")).opened.protocol
}

fn request(path: &str, headers: Pairs<'_>, body: &str) -> Message {
    let mut assembly = Assembly::request(Vec::new(), b"POST", path.as_bytes(), b"localhost");
    headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
    assembly.body().extend_from_slice(body.as_bytes());
    assembly.finish()
}

/// The answer to a poll.
fn answer(headers: Pairs<'_>) -> Message {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let bytes = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").into_bytes();
    let mut reader = Reader::response(Limits::default());
    reader.space(bytes.len())[..bytes.len()].copy_from_slice(&bytes);
    reader.filled(bytes.len());
    while reader.poll().expect("the answer is well-formed") != Progress::Complete {}
    reader.take().expect("it is complete")
}

/// What the platform of that environment says of one event with those headers.
fn facts(unit: &Unit, pairs: Pairs<'_>, path: &str, headers: Pairs<'_>, body: &str) -> Facts {
    match protocol(pairs) {
        Protocol::Serving(server) => match server.route(unit, &request(path, headers, body), State::Ready) {
            Route::Invoke(facts) | Route::Rewritten(_, facts) => facts,
            other => panic!("{pairs:?}: {other:?}"),
        },
        Protocol::Polling(api) => match api.delivery(unit, &answer(headers)) {
            Delivery::Event(facts) => facts,
            other => panic!("{pairs:?}: {other:?}"),
        },
        Protocol::Piping(parent) => parent.event(unit, body.as_bytes()).expect("an event").1,
    }
}

fn epoch_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("64 bits")
}

/// One environment a way of being called, with headers and a body that make an event there.
const WAYS: &[(Pairs<'static>, &str, Pairs<'static>, &str)] = &[
    (&[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")], "/", &[("Lambda-Runtime-Aws-Request-Id", "a")], ""),
    (&[("SCF_RUNTIME_API", "127.0.0.1"), ("SCF_RUNTIME_API_PORT", "9001")], "/", &[("request_id", "a")], ""),
    (&[("TENCENTCLOUD_RUNENV", "SCF")], "/", &[], ""),
    (
        &[("RUNTIME_FUNC_NAME", "f"), ("RUNTIME_PROJECT_ID", "p"), ("RUNTIME_API_ADDR", "127.0.0.1:9001")],
        "/",
        &[("X-Cff-Request-Id", "a")],
        "",
    ),
    (&[("RUNTIME_FUNC_NAME", "f"), ("RUNTIME_PROJECT_ID", "p")], "/", &[], ""),
    (&[("FC_FUNC_CODE_PATH", "/code")], "/", &[], ""),
    (&[("FUNCTIONS_CUSTOMHANDLER_PORT", "1")], "/f", &[], ""),
    (&[("FN_LISTENER", "unix:/tmp/l.sock")], "/call", &[], ""),
    (&[("__OW_API_HOST", "h")], "/run", &[], "{}"),
    (&[("__OW_PROXY_VERSION", "1")], "", &[], "{}"),
    (&[("_FAAS_RUNTIME_PORT", "1")], "/", &[], ""),
    (&[("REQUEST_ID", "a"), ("FUNCTION_NAME", "f"), ("FUNCTION_VERSION", "1")], "", &[], ""),
    (&[("FAAS_PLATFORM", "openfaas"), ("exec_timeout", "0")], "/", &[], ""),
    (&[("K_SERVICE", "s")], "/", &[], ""),
    (&[("K_SERVICE", "s"), ("KUBERNETES_SERVICE_HOST", "h")], "/", &[], ""),
    (&[("CONTAINER_APP_NAME", "a")], "/", &[], ""),
    (&[("KUBERNETES_SERVICE_HOST", "h")], "/", &[], ""),
    (&[], "/", &[], ""),
];

#[test]
fn a_limit_of_zero_is_no_limit_on_any_platform() {
    let (unit, _) = unit();
    for (pairs, path, headers, body) in WAYS {
        let zero = [*pairs, &[("FAAS_TIMEOUT", "0")]].concat();
        assert_eq!(facts(&unit, &zero, path, headers, body).deadline, None, "{pairs:?}");
        // A limit is kept to the nanosecond: half a millisecond is not zero.
        let short = [*pairs, &[("FAAS_TIMEOUT", "500us")]].concat();
        assert!(facts(&unit, &short, path, headers, body).deadline.is_some(), "{pairs:?}");
    }
}

#[test]
fn a_platforms_own_limit_of_zero_is_no_limit() {
    let (unit, _) = unit();
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
        assert_eq!(facts(&unit, pairs, "/", headers, "").deadline, None, "{pairs:?}");
        // What is configured for all platforms counts then.
        let otherwise = [pairs, &[("FAAS_TIMEOUT", "7")]].concat();
        let deadline = facts(&unit, &otherwise, "/", headers, "").deadline.expect("the setting counts");
        assert!((6_000..=7_000).contains(&deadline.remaining_ms(&unit)), "{pairs:?}");
    }
}

/// The ways that say a moment, with a header or body for it.
fn with_moment(seconds_from_now: i64) -> Vec<(Pairs<'static>, &'static str, Vec<(&'static str, String)>, String)> {
    let moment = epoch_ms().saturating_add_signed(seconds_from_now * 1000);
    vec![
        (
            &[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")],
            "/",
            vec![("Lambda-Runtime-Deadline-Ms", moment.to_string()), ("Lambda-Runtime-Aws-Request-Id", "a1".into())],
            String::new(),
        ),
        (
            &[("FN_LISTENER", "unix:/tmp/l.sock")],
            "/call",
            vec![("Fn-Deadline", rfc3339(moment)), ("Fn-Call-Id", "a1".into())],
            String::new(),
        ),
        (&[("__OW_API_HOST", "h")], "/run", vec![], format!("{{\"deadline\":\"{moment}\",\"activation_id\":\"a1\"}}")),
        (&[("__OW_PROXY_VERSION", "1")], "", vec![], format!("{{\"deadline\":{moment},\"activation_id\":\"a1\"}}")),
    ]
}

/// The moment as Fn's agent writes it: whole seconds, the rest cut off.
fn rfc3339(epoch_ms: u64) -> String {
    let mut text = Vec::new();
    faas_core::log::timestamp(&mut text, std::time::Duration::from_millis(epoch_ms));
    format!("{}Z", String::from_utf8_lossy(&text[..19]))
}

#[test]
fn a_deadline_that_has_passed_on_arrival_leaves_a_second_and_says_so() {
    for (pairs, path, headers, body) in with_moment(-30) {
        let (unit, kept) = unit();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let deadline = facts(&unit, pairs, path, &headers, &body).deadline.expect("there is one");
        assert!((900..=1_000).contains(&deadline.remaining_ms(&unit)), "{pairs:?}: {}", deadline.remaining_ms(&unit));
        assert!(deadline.epoch_ms >= epoch_ms(), "{pairs:?}: what a function computes from it is not past either");
        let lines = kept.0.lock().expect("no test panicked here").concat();
        let words = [" WARN a1 runtime: ", "the platform's deadline", "FAAS_TIMEOUT", "1000 ms"];
        assert!(words.iter().all(|word| lines.contains(word)), "{pairs:?}: {lines}");
        assert_eq!(lines.lines().count(), 1, "{pairs:?}: {lines}");
        let longer = [pairs, &[("FAAS_TIMEOUT", "5s")]].concat();
        let deadline = facts(&unit, &longer, path, &headers, &body).deadline.expect("there is one");
        assert!((4_900..=5_000).contains(&deadline.remaining_ms(&unit)), "{pairs:?}: the limit that is set counts");
    }
}

#[test]
fn a_deadline_to_come_counts_as_it_is_and_nothing_is_said() {
    for (pairs, path, headers, body) in with_moment(30) {
        let (unit, kept) = unit();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let pairs = [pairs, &[("FAAS_TIMEOUT", "5s")]].concat();
        let deadline = facts(&unit, &pairs, path, &headers, &body).deadline.expect("there is one");
        assert!((29_000..=30_999).contains(&deadline.remaining_ms(&unit)), "{pairs:?}");
        assert!(kept.0.lock().expect("no test panicked here").is_empty(), "{pairs:?}");
    }
}

#[test]
fn a_deadline_in_whole_seconds_is_the_end_of_its_second() {
    let (unit, _) = unit();
    let ends = |text: &str| {
        let facts = facts(&unit, &[("FN_LISTENER", "unix:/tmp/l.sock")], "/call", &[("Fn-Deadline", text)], "");
        facts.deadline.expect("a deadline").epoch_ms
    };
    assert_eq!(ends("2100-01-01T00:00:00Z"), 4_102_444_800_999);
    assert_eq!(ends("2100-01-01T01:00:00+01:00"), 4_102_444_800_999);
    for (fraction, millis) in [(".0", 0), (".25", 250), (".999999999", 999)] {
        assert_eq!(ends(&format!("2100-01-01T00:00:00{fraction}Z")), 4_102_444_800_000 + millis, "{fraction}");
    }
}
