//! Yandex Cloud Functions, through its bash runtime: a process for each call, the event on standard input, one JSON
//! document on standard output, the log on standard error.
//!
//! Source: the pages on bash in the documentation of Cloud Functions (repository `yandex-cloud/docs`). A process that
//! ends with another code than 0 has failed, and what it has written goes to the log.

use super::{
    BodyFrom, Feed, LogStyle, LogTo, Piping, PlatformConfig, PlatformEntry, Protocol, error_document, http,
    http_common, nothing, reply_body,
};
use crate::failure::Failure;
use crate::fields::caseless;
use crate::http1::{Assembly, Message};
use crate::invocation::{Invocation, InvocationMetadata};
use crate::json::{self, Writer};
use crate::process::{Deadline, Identity, Process};
use crate::report;
use crate::settings::{BadSetting, Env, Settings};
use crate::trigger::reply;
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "yandex";

/// The most bytes of an answer. A larger one is an error at the platform.
const MAX_REPLY: usize = 1 << 20;

/// The name under which the request's id stands among the platform's metadata.
const REQUEST_ID: &str = "REQUEST_ID";

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Yandex Cloud Functions",
    short: "Yandex Cloud Functions",
    aliases: &["yandex-cloud"],
    marks: "`REQUEST_ID`, `FUNCTION_NAME` and `FUNCTION_VERSION`, and no `PORT`",
    mark,
    trusted_hops: 1,
    open,
};

/// Returns the name of the variable that marks the platform; `None` elsewhere. Each of the names alone is anybody's.
/// Together they are given to scripts alone: servers, there and elsewhere, have a port.
fn mark(env: &Env<'_>) -> Option<&'static str> {
    let all = [REQUEST_ID, "FUNCTION_NAME", "FUNCTION_VERSION"].iter().all(|name| env.get(name).is_some());
    (all && env.get("PORT").is_none()).then_some("REQUEST_ID")
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let own = http::identity(env, NAME);
    // The platform's names are ids.
    let or = |own: String, name: &str| if own.is_empty() { env.text(name) } else { own };
    let identity =
        Identity { function: or(own.function, "FUNCTION_NAME"), version: or(own.version, "FUNCTION_VERSION"), ..own };
    let script = Script { request_id: env.text(REQUEST_ID), timeout: settings.timeout };
    let opened = PlatformConfig::new(identity, Protocol::Piping(Box::new(script)));
    Ok(PlatformConfig { log: LogStyle { to: LogTo::Error, format: None }, ..opened })
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct Script {
    request_id: String,
    timeout: Option<Duration>,
}

impl Piping for Script {
    fn feed(&self) -> Feed {
        Feed::Whole
    }

    fn answers_to(&self) -> i32 {
        1
    }

    fn started(&self, result: Result<(), &Failure>, out: &mut Vec<u8>) {
        if let Err(failure) = result {
            error_document::event(failure.for_owner(), out);
        }
    }

    fn event(&self, process: &Process, input: &[u8]) -> Result<(Message, InvocationMetadata), Vec<u8>> {
        let mut assembly = Assembly::request(Vec::new(), b"", b"", b"");
        if !self.request_id.is_empty() {
            assembly.header(REQUEST_ID.as_bytes(), self.request_id.as_bytes());
        }
        assembly.body().extend_from_slice(input);
        let message = assembly.finish();
        let deadline = Deadline::within(process, self.timeout);
        let mut metadata = InvocationMetadata { deadline, is_whole: true, ..InvocationMetadata::default() };
        if let Some(id) = message.header(REQUEST_ID) {
            http_common::take_request_id(&mut metadata, message.bytes(), id);
        }
        Ok((message, metadata))
    }

    fn answer(&self, invocation: &Invocation, out: &mut Vec<u8>) -> bool {
        if let Some(failure) = invocation.failure() {
            error_document::event(error_document::to_sender(invocation, failure), out);
            return false;
        }
        let start = out.len();
        let mut scratch = Vec::new();
        match reply_body(invocation, nothing::EVENT, &mut scratch) {
            BodyFrom::Scratch => out.append(&mut scratch),
            BodyFrom::Reply => {
                let content_type = invocation.reply_headers().get(b"content-type", caseless);
                document(invocation.reply().as_slice(), content_type.is_none_or(reply::is_json), out);
            }
        }
        let size = out.len() - start;
        if size > MAX_REPLY {
            out.truncate(start);
            let why = format!("the answer has {size} bytes and the platform takes {MAX_REPLY}");
            let failure = Failure::new("Function.ResponseSizeTooLarge", why);
            report::unsent(invocation, &failure);
            error_document::event(failure.for_owner(), out);
            return false;
        }
        true
    }

    fn failed(&self, _: &[u8], failure: &Failure, out: &mut Vec<u8>) {
        error_document::event(failure.for_owner(), out);
    }
}

/// Writes a reply as a JSON document. It is written as it is if it is JSON and no header says that it is a text; else
/// it is written as a JSON string.
fn document(reply: &[u8], may_be_json: bool, out: &mut Vec<u8>) {
    if may_be_json && json::parse(reply).is_ok() {
        out.extend_from_slice(reply);
    } else {
        Writer::new(out).string(reply);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faas_abi::host::{Given, Invocation as Contract};
    use std::sync::Arc;

    fn script(pairs: &[(&str, &str)]) -> (Option<&'static str>, PlatformConfig) {
        crate::platform::testing::opened(&ENTRY, pairs).expect("nothing can be wrong")
    }

    fn invocation(opened: &PlatformConfig, input: &[u8]) -> Invocation {
        let Protocol::Piping(script) = &opened.protocol else { panic!("it is a child") };
        let (process, _) = crate::testing::process();
        let (message, metadata) = script.event(&process, input).expect("everything is an event");
        let mut invocation = Invocation::new(process, Arc::from("f"));
        invocation.renew(message, &metadata, true);
        invocation
    }

    fn answered(opened: &PlatformConfig, invocation: &Invocation) -> (bool, String) {
        let Protocol::Piping(script) = &opened.protocol else { panic!("it is a child") };
        let mut out = Vec::new();
        let well = script.answer(invocation, &mut out);
        (well, String::from_utf8(out).expect("JSON is UTF-8"))
    }

    const ALL: [(&str, &str); 3] = [("REQUEST_ID", "r-1"), ("FUNCTION_NAME", "d4e"), ("FUNCTION_VERSION", "d4v")];

    #[test]
    fn three_names_together_without_a_port_mark_it() {
        let (mark, opened) = script(&ALL);
        assert_eq!(
            (mark, opened.identity.function.as_str(), opened.identity.version.as_str()),
            (Some("REQUEST_ID"), "d4e", "d4v")
        );
        assert_eq!(opened.log.to, LogTo::Error);
        assert_eq!(script(&ALL[..2]).0, None);
        assert_eq!(script(&[ALL[0], ALL[1], ALL[2], ("PORT", "8080")]).0, None);
    }

    #[test]
    fn the_whole_input_is_the_event_and_the_id_comes_from_the_environment() {
        let opened = script(&ALL).1;
        let event = invocation(&opened, b"{\"a\":1}\n");
        assert_eq!(
            (event.request_id(), event.event(), event.metadata().is_whole),
            (&b"r-1"[..], &b"{\"a\":1}\n"[..], true)
        );
        assert!(invocation(&script(&[]).1, b"").request_id().is_empty(), "the driver makes one");
    }

    #[test]
    fn whatever_the_reply_is_the_answer_is_one_json_document() {
        let opened = script(&ALL).1;
        for (reply, answer) in [
            (&b"[1]"[..], "[1]"),
            (b"", "\"\""),
            (b" ", "\" \""),
            (b"two \"words\"", r#""two \"words\"""#),
            (b"\xff", "\"\u{fffd}\""),
        ] {
            let mut invocation = invocation(&opened, b"");
            Contract::reply(&mut invocation, faas_abi::REPLY_RAW, Given::from(reply.to_vec()));
            assert_eq!(answered(&opened, &invocation), (true, answer.to_owned()));
        }
    }

    #[test]
    fn nothing_is_null() {
        let opened = script(&ALL).1;
        let mut nothing = invocation(&opened, b"");
        nothing.settle(faas_abi::OK, "f");
        assert_eq!(answered(&opened, &nothing), (true, "null".to_owned()));
    }

    #[test]
    fn a_text_stays_one_whatever_it_looks_like() {
        let opened = script(&ALL).1;
        for (content_type, answer) in [("text/plain; charset=utf-8", "\"1.10\""), ("application/json", "1.10")] {
            let mut invocation = invocation(&opened, b"");
            invocation.add(faas_abi::LIST_REPLY_HEADER, b"content-type", content_type.as_bytes());
            Contract::reply(&mut invocation, faas_abi::REPLY_VALUE, Given::from(b"1.10".to_vec()));
            assert_eq!(answered(&opened, &invocation), (true, answer.to_owned()));
        }
    }

    #[test]
    fn a_reply_to_a_request_goes_in_the_platforms_form() {
        let opened = script(&ALL).1;
        let event = br#"{"httpMethod":"GET","requestContext":{"requestTimeEpoch":1},"body":""}"#;
        let mut invocation = invocation(&opened, event);
        invocation.add(faas_abi::LIST_REPLY_HEADER, b"x-a", b"1");
        Contract::reply(&mut invocation, 201, Given::from(b"made".to_vec()));
        let (well, answer) = answered(&opened, &invocation);
        assert!(well && answer.starts_with(r#"{"statusCode":201,"headers":{"x-a":"1"}"#), "{answer}");
        assert!(answer.contains(r#""multiValueHeaders":{"x-a":["1"]},"body":"made""#), "{answer}");
    }

    #[test]
    fn a_failure_and_an_answer_that_is_too_large_are_errors() {
        let opened = script(&ALL).1;
        let mut failed = invocation(&opened, b"");
        failed.fail(b"Shop.Closed", b"come back", b"one\ntwo");
        let told = r#"{"errorType":"Shop.Closed","errorMessage":"come back","stackTrace":[]}"#;
        assert_eq!(answered(&opened, &failed), (false, told.to_owned()));
        let mut large = invocation(&opened, b"");
        Contract::reply(&mut large, faas_abi::REPLY_RAW, Given::from(vec![b'1'; MAX_REPLY + 1]));
        let (well, answer) = answered(&opened, &large);
        assert!(!well && answer.contains("Function.ResponseSizeTooLarge"), "{}", answer.len());
    }
}
