//! The metadata that the platforms tell of an invocation that arrives: its time limit and its request id.

mod limits;
mod request_ids;
mod traces;

use faas_core::http1::{Assembly, Limits, Message, ReadProgress, Reader};
use faas_core::invocation::InvocationMetadata;
use faas_core::log::{Format, Level, LineKind, Log, Sink};
use faas_core::platform::{self, Delivery, Protocol, Route, State};
use faas_core::process::{Identity, Process};
use faas_core::settings::{Env, Settings};
use std::sync::{Arc, Mutex};

pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

#[derive(Default)]
pub(crate) struct Kept(pub(crate) Mutex<Vec<String>>);

impl Sink for Kept {
    fn write(&self, line: &[u8], _: LineKind) {
        self.0.lock().expect("no test panicked here").push(String::from_utf8_lossy(line).into_owned());
    }
}

pub(crate) fn process() -> (Process, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    (Process::new(Identity::default(), Log::new(Level::Info, Format::Text, kept.clone())), kept)
}

pub(crate) fn protocol(pairs: Pairs<'_>) -> Protocol {
    let look_up = |name: &str| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    let env = Env::new(&look_up);
    let settings = Settings::read(&env).unwrap_or_else(|bad| panic!("{pairs:?}: {bad}"));
    platform::detect(&env, &settings).unwrap_or_else(|why| panic!("{pairs:?}: {why}")).opened.protocol
}

pub(crate) fn request(path: &str, headers: Pairs<'_>, body: &str) -> Message {
    let mut assembly = Assembly::request(Vec::new(), b"POST", path.as_bytes(), b"localhost");
    headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
    assembly.body().extend_from_slice(body.as_bytes());
    assembly.finish()
}

/// Returns the answer to a poll.
pub(crate) fn answer(headers: Pairs<'_>) -> Message {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let bytes = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").into_bytes();
    let mut reader = Reader::response(Limits::default());
    reader.space(bytes.len())[..bytes.len()].copy_from_slice(&bytes);
    reader.filled(bytes.len());
    while reader.poll().expect("the answer is well-formed") != ReadProgress::Complete {}
    reader.take().expect("it is complete")
}

/// Returns the metadata that the platform of that environment reads from one event with those headers, and the message
/// that its spans lie in.
pub(crate) fn arrival(
    process: &Process,
    pairs: Pairs<'_>,
    path: &str,
    headers: Pairs<'_>,
    body: &str,
) -> (Message, InvocationMetadata) {
    match protocol(pairs) {
        Protocol::Serving(server) => {
            let request = request(path, headers, body);
            match server.route(process, &request, State::Ready) {
                Route::Invoke(metadata) => (request, metadata),
                Route::Rewritten(message, metadata) => (*message, metadata),
                other => panic!("{pairs:?}: {other:?}"),
            }
        }
        Protocol::Polling(api) => {
            let answer = answer(headers);
            match api.delivery(process, &answer) {
                Delivery::Event(metadata) => (answer, metadata),
                other => panic!("{pairs:?}: {other:?}"),
            }
        }
        Protocol::Piping(parent) => parent.event(process, body.as_bytes()).expect("an event"),
    }
}

/// Returns the metadata that the platform reads from one event, its spans apart.
pub(crate) fn metadata(
    process: &Process,
    pairs: Pairs<'_>,
    path: &str,
    headers: Pairs<'_>,
    body: &str,
) -> InvocationMetadata {
    arrival(process, pairs, path, headers, body).1
}

/// The environments, one for each way of being called, with headers and a body that make an event there.
pub(crate) const WAYS: &[(Pairs<'static>, &str, Pairs<'static>, &str)] = &[
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
    (&[("FAAS_PLATFORM", "openfaas")], "/", &[], ""),
    (
        &[("fprocess", "f"), ("mode", "http"), ("upstream_url", "http://127.0.0.1:9001"), ("exec_timeout", "0")],
        "/",
        &[],
        "",
    ),
    (&[("K_SERVICE", "s")], "/", &[], ""),
    (&[("K_SERVICE", "s"), ("KUBERNETES_SERVICE_HOST", "h")], "/", &[], ""),
    (&[("CONTAINER_APP_NAME", "a")], "/", &[], ""),
    (&[("KUBERNETES_SERVICE_HOST", "h")], "/", &[], ""),
    (&[], "/", &[], ""),
];
