//! A process on its platform, as the tests that are written once for all platforms see it: its start, the way of a
//! call, the caller's answer. A platform's `matrix.rs` has these for that platform; no platform is known here.

use crate::several::Row;
use integration::artifacts::Runtime;
use integration::client::Reply;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::process::{Process, Signal};
use serde_json::Value;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

/// The answer that the platform's caller gets.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The call has a reply. One to a request has its status and headers; one to an event has the status 200 and no
    /// headers.
    Reply { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// A failure, in the words that the platform is told.
    Failed(String),
}

impl Answer {
    /// Returns the reply to an event.
    pub(crate) fn value(body: impl Into<Vec<u8>>) -> Answer {
        Answer::Reply { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// Returns the reply in the platform's JSON of an API gateway: `statusCode`, `headers` and `body`.
    pub(crate) fn of_gateway(reply: &Value) -> Answer {
        let status = reply["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let headers = ["headers", "multiValueHeaders"].into_iter().filter_map(|name| reply[name].as_object()).flatten();
        Answer::Reply {
            status: status.unwrap_or_else(|| panic!("no statusCode in {reply}")),
            headers: headers.map(|(name, value)| (name.clone(), one(value.get(0).unwrap_or(value)))).collect(),
            body: reply["body"].as_str().unwrap_or_default().into(),
        }
    }

    /// Returns the status of a reply, and whether the text is in its body.
    pub(crate) fn is_reply(&self, wanted: u16, text: &str) -> bool {
        matches!(self, Answer::Reply { status, .. } if *status == wanted) && self.text().contains(text)
    }

    /// Returns `true` for a failure of this kind, told to the platform or to the client with a status of 500 or more.
    pub(crate) fn is_failure(&self, kind: &str) -> bool {
        match self {
            Answer::Reply { status, .. } => *status >= 500 && self.text().contains(kind),
            Answer::Failed(words) => words.contains(kind),
        }
    }

    /// Returns the body of a reply, or the words of a failure.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Answer::Reply { body, .. } => String::from_utf8_lossy(body),
            Answer::Failed(words) => words.into(),
        }
    }

    /// Returns `true` for a reply with these bytes.
    pub(crate) fn is_these(&self, bytes: &[u8]) -> bool {
        matches!(self, Answer::Reply { status: 200, body, .. } if body == bytes)
    }

    /// Returns the first header of that name, in any case. It is `None` if a reply has no such header, and for a
    /// failure.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let Answer::Reply { headers, .. } = self else { return None };
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    }

    /// Returns the findings of `inspect`.
    pub(crate) fn inspected(&self) -> Inspected {
        match self {
            Answer::Reply { status: 200, body, .. } => Inspected::read(body),
            other => panic!("{other:?}"),
        }
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer::Reply { status: reply.status, headers: reply.headers, body: reply.body }
    }
}

/// The view of a process.
pub(crate) enum View<'p> {
    /// A process that the platform's rig holds.
    Held(&'p Process),
    /// A process that its host holds.
    Shared(Arc<Process>),
    /// The log of processes that have ended, one a call.
    Log(&'p str),
}

impl View<'_> {
    pub(crate) fn process(&self) -> &Process {
        match self {
            View::Held(process) => process,
            View::Shared(process) => process,
            View::Log(_) => panic!("each call has a process of its own"),
        }
    }

    pub(crate) fn output(&self) -> String {
        match self {
            View::Log(log) => (*log).to_owned(),
            _ => self.process().output(),
        }
    }

    /// Waits for a line with all of these words.
    pub(crate) fn until_said(&self, words: &[&str]) {
        let wanted = |line: &str| words.iter().all(|word| line.contains(word));
        match self {
            View::Log(log) => assert!(log.lines().any(wanted), "no line has {words:?}:\n{log}"),
            _ => {
                let said = self.process().wait_for_line(wanted, limit());
                said.unwrap_or_else(|late| panic!("no line has {words:?}: {late}"));
            }
        }
    }
}

/// A header of a request: name and value.
pub(crate) type Header<'h> = (&'h str, &'h str);

/// The content type of a body in JSON.
pub(crate) const JSON: Header<'_> = ("Content-Type", "application/json");

/// Returns headers as an object of JSON, with their names in lower case as gateways write them.
pub(crate) fn lower(headers: &[Header<'_>]) -> Value {
    headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), Value::from(*value))).collect()
}

/// A process on its platform.
pub(crate) trait Platform {
    /// Hands over a request in the platform's own form. A body, if there is one, is a JSON object.
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer;

    /// Hands over a request with no header but its content type.
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.request_with(method, path, &[JSON], body)
    }

    /// Hands over one of the row's events. `function` is the one that the platform addresses, where it addresses
    /// functions.
    fn event(&mut self, function: &str, event: &str) -> Answer;

    /// Returns the process, or its log if it has ended.
    fn view(&self) -> View<'_>;

    /// Returns the lines of its log.
    fn output(&self) -> String {
        self.view().output()
    }
}

/// A process that can be called with bytes, in the platform's plainest way.
pub(crate) trait Run: Platform + Sized {
    /// Returns the folder of its function.
    fn deployment(&self) -> &Deployment;

    /// Calls the function with these bytes.
    fn send(&mut self, body: &[u8]) -> Answer;

    /// Begins a call with each of these, does `then` while they run, and returns their answers. `then` is told the
    /// processes that run them.
    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer>;

    /// Calls the function with the same bytes in every other way that the platform has. Returns the answers; most
    /// platforms have no other way.
    fn other_ways(&mut self, _: &[u8]) -> Vec<Answer> {
        Vec::new()
    }

    /// Asserts that the function `echo` sends these bytes back.
    fn echoes(&mut self, body: &[u8]) {
        let mut answers = vec![self.send(body)];
        answers.extend(self.other_ways(body));
        for answer in answers {
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
            assert!(answer.is_these(body), "{shown:?} comes back as {:.300}", answer.text());
        }
    }

    /// Asserts the parts of a failure of this kind that the platform's callers read beside its words.
    fn judge(&self, _: &Answer, _: &str) {}

    /// Asks a process to leave.
    fn terminate(&self, process: &Process) {
        process.signal(Signal::Term).expect("the signal is sent");
    }

    /// Waits until the process has left, and returns its exit code.
    fn left(&self) -> Option<i32> {
        let view = self.view();
        let status = view.process().wait(limit());
        status.unwrap_or_else(|late| panic!("it does not leave: {late}; {}", self.output())).code()
    }

    /// Asserts that the platform sees nothing of a process that has left.
    fn assert_gone(&self) {}

    /// Asserts that no rule of the platform's was broken.
    fn assert_clean(&self) {}
}

/// A process that refuses a call that is one too many.
pub(crate) trait Refuses: Run {
    /// Makes one more call while others run.
    fn one_more(&self) -> Answer;

    /// Returns `true` if that is how a refusal is told.
    fn is_refusal(answer: &Answer) -> bool {
        matches!(answer, Answer::Reply { status: 503, .. }) && answer.header("retry-after") == Some("1")
    }
}

/// A platform of the matrix: the way in which a process is started on it, and its particulars.
pub(crate) trait Rig {
    /// The process under test.
    type Run: Run;

    /// The row of the platform where a process has several functions.
    const SEVERAL: Row;

    /// The bodies that `echo` is sent.
    const BODIES: &'static [&'static [u8]] = &[b"", b"{}", "gr\u{fc}n".as_bytes(), &[0, 255, 10]];

    /// The length of a large body, in bytes.
    const LARGE: usize = 30_000_000;

    /// The number of calls that are made at the same time.
    const AT_ONCE: usize = 3;

    /// The words that a caller reads of a panic: a client of HTTP none that are the function's own.
    const PANIC: &'static str = "the function failed";

    /// The reply of `Rig::holding` when it is let go.
    const LET_GO: &'static str = "let go";

    /// Starts a process and waits for nothing.
    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> Self::Run;

    /// Starts a process and waits until calls may come.
    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> Self::Run;

    /// Starts a process with a limit of one or two seconds for a call.
    fn limited(runtime: &Runtime, deployment: Deployment, handler: &str) -> Self::Run {
        Self::start(runtime, deployment.env("FAAS_TIMEOUT", "1s"), handler)
    }

    /// Starts a process with a platform that is as patient as the test.
    fn patient(runtime: &Runtime, deployment: Deployment, handler: &str) -> Self::Run {
        Self::start(runtime, deployment, handler)
    }

    /// Starts a process with places for `AT_ONCE` calls.
    fn at_once(runtime: &Runtime, deployment: Deployment, handler: &str) -> Self::Run {
        Self::patient(runtime, deployment, handler)
    }

    /// Starts a process with places for two calls.
    fn two_at_once(runtime: &Runtime, deployment: Deployment, handler: &str) -> Self::Run {
        Self::patient(runtime, deployment.env("FAAS_CONCURRENCY", "2"), handler)
    }

    /// Returns the function that writes `holding` and waits until a file is there, in its folder.
    fn holding() -> (Deployment, &'static str) {
        (Deployment::of("probe"), "probe.hold")
    }

    /// Returns the event that names the file.
    fn held_by(path: &Path) -> String {
        path.display().to_string()
    }
}

/// Begins each call on a thread of its own, where the platform has no call that is begun and ended.
pub(crate) fn on_threads<R: Sync>(
    run: &R,
    bodies: &[String],
    call: impl Fn(&R, &str) -> Answer + Sync,
    then: impl FnOnce(),
) -> Vec<Answer> {
    let call = &call;
    std::thread::scope(|scope| {
        let begun: Vec<_> = bodies.iter().map(|body| scope.spawn(move || call(run, body))).collect();
        then();
        begun.into_iter().map(|one| one.join().expect("it is answered")).collect()
    })
}

impl Platform for OnHttp {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.call(method, path, &headers, body.as_bytes()).into()
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        panic!("a server without a platform of its own is sent requests alone: {event}")
    }

    fn view(&self) -> View<'_> {
        View::Held(&self.process)
    }
}

impl Run for OnHttp {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        OnHttp::call(self, "POST", "/", "", body).into()
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let mut clients: Vec<_> = bodies.iter().map(|_| self.client()).collect();
        for (client, body) in clients.iter_mut().zip(bodies) {
            client.request("POST", "/", "", body.as_bytes()).expect("it is open");
        }
        then(self, &[&self.process]);
        clients.iter_mut().map(|client| client.read().expect("what was accepted is answered").into()).collect()
    }
}

impl Refuses for OnHttp {
    fn one_more(&self) -> Answer {
        OnHttp::call(self, "POST", "/", "", b"one too many").into()
    }
}
