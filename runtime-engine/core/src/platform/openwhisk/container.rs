//! The action container: `/init` once, `/run` for each activation, JSON both ways, and two lines in the log after each
//! run by which the invoker knows that the log of the activation is whole.

use super::init::{self, refusal};
use super::{Activations, NO_RESULT, Outcome, SENTINEL, error, in_words, outcome};
use crate::failure::Failure;
use crate::http1::{Limits, Message};
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::log::Log;
use crate::platform::{
    BodyFrom, FailedInvocation, Listen, LocalResponse, Response, Route, Serving, Signal, StartAt, State, http_common,
};
use crate::process::Process;
use crate::settings::{BadSetting, Env, Settings};
use std::sync::OnceLock;
use std::time::Duration;

/// The status that costs the container its life. The invoker keeps a container only if the action has succeeded, or
/// says itself that it has failed. It says so by the member `error` of a result with status 200. Source: the
/// `ActivationResponse` of OpenWhisk, and its invoker.
const BROKEN: u16 = 502;
/// The answer to a second initialisation.
const TWICE: &str = "Cannot initialize the action more than once.";
/// The number of activations at once, if the container may have several at all. It is OpenWhisk's own highest limit as
/// it is installed.
const CONCURRENCY: usize = 200;
/// The largest `/init` with code in it: 48 MiB of code, in base64.
const CODE_BYTES: u64 = 72 << 20;
/// The time after a stop signal for which there is an answer, by which the invoker goes elsewhere. Each activation
/// comes on a connection of its own, and one that is refused by the kernel counts as a broken container.
const LAME_DUCK: Duration = Duration::from_secs(2);

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub(super) struct Container {
    listen: String,
    concurrency: usize,
    activations: Activations,
    wants_code: bool,
    /// The log, from the initialisation on.
    log: OnceLock<Log>,
}

impl Container {
    pub(super) fn read(env: &Env<'_>, settings: &Settings) -> Result<Container, BadSetting> {
        // A container may be told of several only if its image says that it can.
        let several = env.text("__OW_ALLOW_CONCURRENT").eq_ignore_ascii_case("true");
        Ok(Container {
            listen: http_common::address(env, "PORT", 8080)?,
            concurrency: if several { settings.concurrency.unwrap_or(CONCURRENCY) } else { 1 },
            activations: Activations::read(env, settings),
            wants_code: env.flag("FAAS_ALLOW_INIT_CODE")? && settings.handler.is_none(),
            log: OnceLock::new(),
        })
    }

    fn init(&self, process: &Process, request: &Message, state: State) -> Route {
        match state {
            State::Waiting => {
                self.log.get_or_init(|| process.log.clone());
                match init::read(request.body(), self.wants_code) {
                    Ok(initial) => Route::Signal(Signal::Initialize(initial)),
                    Err(answer) => Route::Local(answer),
                }
            }
            State::Starting | State::Ready => {
                process.log.emit(TWICE.as_bytes());
                Route::Local(refusal(403, TWICE))
            }
            State::Stopping | State::Closed => Route::Local(leaving()),
        }
    }

    fn run(&self, process: &Process, request: &Message, state: State) -> Route {
        match state {
            State::Waiting | State::Starting => Route::Local(refusal(500, "no action defined yet")),
            State::Stopping | State::Closed => Route::Local(leaving()),
            State::Ready => match self.activations.activation(process, request.body()) {
                Ok((message, metadata)) => Route::Rewritten(Box::new(message), metadata),
                Err(what) => Route::Local(refusal(400, &what)),
            },
        }
    }
}

/// Returns the response after which the invoker takes the activation to another container.
fn leaving() -> LocalResponse {
    refusal(503, "this container is about to leave")
}

impl Serving for Container {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn body_bytes(&self) -> u64 {
        // Code travels in base64.
        if self.wants_code { CODE_BYTES } else { Limits::default().body_bytes }
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn start(&self) -> StartAt {
        StartAt::Signal
    }

    fn lame_duck(&self) -> Duration {
        LAME_DUCK
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        match (request.method(), http_common::path(request)) {
            (b"POST", b"/init") => self.init(process, request, state),
            (b"POST", b"/run") => self.run(process, request, state),
            _ => Route::Local(refusal(404, "expected POST /init or POST /run")),
        }
    }

    fn after(&self, process: &Process, _: &InvocationMetadata, _: &[u8], _: bool) {
        process.log.mark(SENTINEL, true);
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        match outcome(invocation, scratch) {
            Outcome::Result(from) => {
                head(200, response);
                from
            }
            Outcome::NoResult => {
                head(BROKEN, response);
                error(NO_RESULT, scratch);
                BodyFrom::Scratch
            }
            Outcome::Failed => {
                let ends = invocation.failure().is_some_and(|failure| failure.is_panic() || failure.is_time_out());
                head(if ends { BROKEN } else { 200 }, response);
                BodyFrom::Scratch
            }
        }
    }

    /// Writes the response for a function that never ended, or that was never begun.
    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        head(BROKEN, response);
        error(&in_words(call.failure), scratch);
    }

    /// Writes the response to an activation that is refused. Any other status would be the action's fault; by this one
    /// the invoker goes elsewhere.
    fn refused(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        head(503, response);
        error(&in_words(call.failure), scratch);
    }

    fn stream_head(&self, _: &Invocation, _: Code, response: &mut Response) {
        head(200, response);
    }

    fn signalled(&self, _: &Signal, result: Result<(), &Failure>) -> LocalResponse {
        let Err(failure) = result else { return LocalResponse::json(200, "{\"ok\":true}\n") };
        if let Some(log) = self.log.get() {
            // What was said while it failed is read up to here.
            log.mark(SENTINEL, true);
        }
        refusal(502, &in_words(failure))
    }
}

fn head(status: u16, response: &mut Response) {
    response.clear();
    response.status = status;
    response.headers.add(b"content-type", b"application/json");
}

#[cfg(test)]
mod tests {
    use super::super::testing::{activations, invocation, opened, process, reply};
    use super::*;
    use crate::http1::Assembly;
    use crate::platform::{Initial, Protocol};
    use faas_abi::REPLY_VALUE;

    fn container(pairs: &[(&str, &str)]) -> Box<dyn Serving> {
        let mut all = vec![("__OW_API_HOST", "https://h")];
        all.extend_from_slice(pairs);
        match opened(&all).expect("the variables fit").1.protocol {
            Protocol::Serving(serving) => serving,
            other => panic!("it is sent requests, not {other:?}"),
        }
    }

    fn post(path: &str, body: &str) -> Message {
        let mut assembly = Assembly::request(Vec::new(), b"POST", path.as_bytes(), b"");
        assembly.body().extend_from_slice(body.as_bytes());
        assembly.finish()
    }

    fn own(route: Route) -> (u16, String) {
        match route {
            Route::Local(answer) => (answer.status, answer.body.into_owned()),
            other => panic!("not the runtime's own answer: {other:?}"),
        }
    }

    #[test]
    fn it_waits_to_be_initialised_on_the_port_of_the_contract() {
        let serving = container(&[]);
        assert_eq!((serving.listen(), serving.start()), (Listen::Tcp("0.0.0.0:8080"), StartAt::Signal));
    }

    #[test]
    fn one_at_a_time_unless_the_container_allows_more() {
        let at_once = |pairs: &[(&str, &str)]| container(pairs).concurrency();
        assert_eq!(at_once(&[("FAAS_CONCURRENCY", "7")]), 1);
        assert_eq!(at_once(&[("__OW_ALLOW_CONCURRENT", "false")]), 1);
        assert_eq!(at_once(&[("__OW_ALLOW_CONCURRENT", "true")]), 200);
        assert_eq!(at_once(&[("__OW_ALLOW_CONCURRENT", "true"), ("FAAS_CONCURRENCY", "7")]), 7);
    }

    #[test]
    fn the_first_init_starts_and_a_second_is_refused_in_the_exact_words_also_in_the_log() {
        let (serving, (process, kept)) = (container(&[]), process());
        let init = post("/init", r#"{"value":{"env":{"A":"1"}}}"#);
        let Route::Signal(Signal::Initialize(initial)) = serving.route(&process, &init, State::Waiting) else {
            panic!("it is the signal to start")
        };
        assert_eq!(initial, Initial { environment: vec![("A".into(), "1".into())], ..Initial::default() });
        let ok = serving.signalled(&Signal::Initialize(Initial::default()), Ok(()));
        assert_eq!((ok.status, &*ok.body), (200, "{\"ok\":true}\n"));
        for state in [State::Starting, State::Ready] {
            let expected = r#"{"error":"Cannot initialize the action more than once."}"#;
            assert_eq!(own(serving.route(&process, &init, state)), (403, expected.into()));
        }
        let lines = kept.lines();
        assert_eq!(*lines, ["Cannot initialize the action more than once.\n"; 2]);
        assert!(kept.take_marks().is_empty());
    }

    #[test]
    fn a_failed_start_is_502_and_the_log_is_whole() {
        let (serving, (process, kept)) = (container(&[]), process());
        serving.route(&process, &post("/init", "{}"), State::Waiting);
        let failure = Failure::new("Faulty.Start", "no \"database\"");
        let answer = serving.signalled(&Signal::Initialize(Initial::default()), Err(&failure));
        assert_eq!((answer.status, &*answer.body), (502, r#"{"error":"Faulty.Start: no \"database\""}"#));
        assert_eq!(kept.take_marks().len(), 1);
    }

    #[test]
    fn code_counts_only_where_it_is_allowed_and_no_function_is_named() {
        let code = r#"{"value":{"code":"f0VMRg==","binary":true}}"#;
        let given = |pairs: &[(&str, &str)]| {
            let (process, _) = process();
            match container(pairs).route(&process, &post("/init", code), State::Waiting) {
                Route::Signal(Signal::Initialize(initial)) => initial.code.is_some(),
                other => panic!("{other:?}"),
            }
        };
        assert!(given(&[("FAAS_ALLOW_INIT_CODE", "1")]));
        assert!(!given(&[]));
        assert!(!given(&[("FAAS_ALLOW_INIT_CODE", "1"), ("FAAS_HANDLER", "hello")]));
    }

    #[test]
    fn runs_are_answered_by_the_state() {
        let (serving, (process, _)) = (container(&[]), process());
        let run = post("/run", r#"{"value":{"a":1},"activation_id":"a1"}"#);
        for state in [State::Waiting, State::Starting] {
            assert_eq!(own(serving.route(&process, &run, state)), (500, r#"{"error":"no action defined yet"}"#.into()));
        }
        for state in [State::Stopping, State::Closed] {
            assert_eq!(own(serving.route(&process, &run, state)).0, 503);
            assert_eq!(own(serving.route(&process, &post("/init", "{}"), state)).0, 503);
        }
        let Route::Rewritten(message, metadata) = serving.route(&process, &run, State::Ready) else {
            panic!("it runs")
        };
        assert_eq!((message.body(), metadata.request_id.read(message.bytes())), (&br#"{"a":1}"#[..], &b"a1"[..]));
        let (status, body) = own(serving.route(&process, &post("/run", "no json"), State::Ready));
        assert!(status == 400 && body.starts_with(r#"{"error":"invalid JSON at byte "#), "{body}");
    }

    #[test]
    fn other_requests_are_404() {
        let (serving, (process, _)) = (container(&[]), process());
        let get = Assembly::request(Vec::new(), b"GET", b"/run", b"").finish();
        for request in [get, post("/", "{}"), post("/running", "{}")] {
            assert_eq!(own(serving.route(&process, &request, State::Ready)).0, 404);
        }
    }

    /// Returns status and body of the answer to an activation that the function ends so.
    fn answered(end: impl FnOnce(&mut Invocation)) -> (u16, String) {
        let (serving, (process, _)) = (container(&[]), process());
        let (message, metadata) = activations(&[]).activation(&process, br#"{"value":{}}"#).expect("an activation");
        let mut invocation = invocation(&process, message, metadata);
        end(&mut invocation);
        let (mut response, mut scratch) = (Response::default(), Vec::new());
        let from = serving.respond(&invocation, &mut response, &mut scratch);
        let body = if from == BodyFrom::Reply { invocation.reply().as_slice() } else { &scratch };
        assert_eq!(response.headers.iter().next(), Some((&b"content-type"[..], &b"application/json"[..])));
        (response.status, String::from_utf8_lossy(body).into_owned())
    }

    #[test]
    fn what_is_no_result_costs_the_container() {
        for (result, status, expected) in [
            (r#"{"error":"mine"}"#, 200, r#"{"error":"mine"}"#),
            ("", 200, "{}"),
            ("7", 502, r#"{"error":"The action did not return a dictionary or array."}"#),
        ] {
            let answer = answered(|invocation| reply(invocation, REPLY_VALUE, result));
            assert_eq!(answer, (status, expected.to_owned()));
        }
    }

    #[test]
    fn an_error_of_the_authors_keeps_the_container_and_a_panic_or_time_out_does_not() {
        for (kind, status) in [
            ("Shop.Closed", 200),
            ("Runtime.UnmarshalError", 200),
            ("Panic", 502),
            ("Function.Panic", 502),
            ("Function.TimedOut", 502),
        ] {
            let answer = answered(|invocation| invocation.set_failure(Failure::new(kind, "come \"later\"")));
            assert_eq!(answer, (status, format!(r#"{{"error":"{kind}: come \"later\""}}"#)));
        }
        let (mut response, mut body) = (Response::default(), Vec::new());
        let failure = Failure::new("Function.TimedOut", "late");
        container(&[]).failed(
            FailedInvocation { metadata: &InvocationMetadata::default(), request_id: b"", failure: &failure },
            &mut response,
            &mut body,
        );
        assert_eq!(response.status, 502);
    }

    #[test]
    fn one_too_many_goes_elsewhere() {
        let (mut response, mut body) = (Response::default(), Vec::new());
        let failure = Failure::new("Runtime.Overloaded", "busy");
        container(&[]).refused(
            FailedInvocation { metadata: &InvocationMetadata::default(), request_id: b"", failure: &failure },
            &mut response,
            &mut body,
        );
        assert_eq!((response.status, &*body), (503, &br#"{"error":"Runtime.Overloaded: busy"}"#[..]));
    }

    #[test]
    fn the_end_of_each_run_is_marked_on_both_descriptors() {
        let (serving, (process, kept)) = (container(&[]), process());
        serving.after(&process, &InvocationMetadata::default(), b"a1", false);
        let marks = kept.take_marks();
        assert_eq!(*marks, [("XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n".to_owned(), true)]);
    }
}
