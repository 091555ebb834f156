//! The platforms: which one this process runs on, and what its bytes mean.
//!
//! A platform is one file that implements one of three traits, and one entry of `PLATFORMS`. [`Polling`] platforms hand
//! out events to whoever asks, [`Serving`] platforms send requests to a listening process, [`Piping`] ones are a parent
//! process with a pipe. Drivers move the bytes that these traits write and read, and decide nothing about them.

pub mod aliyun_fc;
pub mod aws_lambda;
pub mod azure_container_apps;
pub mod azure_functions;
mod cloudevents;
mod detect;
mod endpoint;
mod error_document;
pub mod fn_project;
pub mod google_cloud;
pub mod http;
mod http_common;
pub mod huawei_functiongraph;
pub mod knative;
pub mod kubernetes;
pub mod openfaas;
pub mod openwhisk;
mod piping;
mod plain_event;
mod polling;
mod serving;
pub mod tencent_scf;
pub mod vefaas;
pub mod yandex;

/// Writes the answer to a request that no function serves. It is the document in which failures are told.
pub(crate) fn refusal_document(failure: &crate::failure::Failure, request_id: &[u8], out: &mut Vec<u8>) {
    error_document::request(failure.for_caller(), request_id, out);
}

pub use detect::{
    DetectError, Detected, HandlerName, LogStyle, LogTo, NAMES, PLATFORMS, PlatformConfig, PlatformEntry, PlatformName,
    detect, named,
};
pub use piping::{Feed, Piping};
pub use polling::{Delivery, Polling, PostOutcome, Registration, nothing_pause_ms};
pub use serving::{FailedInvocation, Initial, Listen, LocalResponse, Response, Route, Serving, Signal, StartAt, State};

use crate::fields::caseless;
use crate::invocation::{Code, Invocation, Progress};
use crate::trigger::ReplyFormat;
use crate::trigger::reply::{self, Parts};

/// The place of the body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFrom {
    /// The body is the reply's own bytes.
    Reply,
    /// The body is in the scratch buffer.
    Scratch,
}

/// One of the three directions in which a process and its platform talk.
#[derive(Debug)]
pub enum Protocol {
    /// The process asks its platform for events.
    Polling(Box<dyn Polling>),
    /// The process is sent requests.
    Serving(Box<dyn Serving>),
    /// We are a child with a pipe.
    Piping(Box<dyn Piping>),
}

/// The answers where a function has replied nothing: it set no reply, or a value without a byte in it. Raw bytes are
/// the platform's own form and go as they are, also if there are none. Only OpenWhisk and Azure take no bytes for
/// nothing too.
///
/// | platform | to an event | to a request |
/// |---|---|---|
/// | `aws-lambda`, `aliyun-fc`, `huawei-functiongraph`, `tencent-scf`, `yandex` | `null` | 200 without a body, in its source's JSON where it came in one |
/// | `azure-functions` | `ReturnValue` is `null` | 200 without a body, among the outputs |
/// | `openwhisk` | `{}` | 200 without a body, as a web action's |
/// | `fn` | no bytes | 200 without a body |
/// | `google-cloud`, `knative` | 204 | 200 without a body |
/// | `http`, `kubernetes`, `azure-container-apps`, `openfaas`, `vefaas` | 200 without a body | 200 without a body |
///
/// An event's result is JSON to most platforms, and no bytes are no JSON. A response without a body has no content type
/// that nobody has set.
pub(crate) mod nothing {
    /// The result of an event.
    pub(crate) const EVENT: &[u8] = b"null";
    /// The result of an OpenWhisk activation, which has to be an object or array.
    pub(crate) const ACTIVATION: &[u8] = b"{}";
    /// The result where the platform hands bytes on and asks nothing of them.
    pub(crate) const BYTES: &[u8] = b"";
}

/// Returns where the body of a reply is that goes back as an event's result: the reply's bytes untouched, or in
/// `scratch` the JSON that the event's source wants. `nothing` is the text that stands for a reply without bytes, one
/// of [`nothing`].
pub(crate) fn reply_body(invocation: &Invocation, nothing: &[u8], scratch: &mut Vec<u8>) -> BodyFrom {
    let body = invocation.reply().as_slice();
    let (status, is_value) = match invocation.progress() {
        Progress::Set(Code::Http(status)) => (status, false),
        Progress::Set(Code::Value) => (200, true),
        // They go as they are, and the event stays unread.
        Progress::Set(Code::Raw) | Progress::Open | Progress::Streaming(_) => return BodyFrom::Reply,
    };
    let form = invocation.decoded().form;
    if matches!(form, ReplyFormat::Bare | ReplyFormat::Native) {
        if body.is_empty() && !nothing.is_empty() {
            scratch.extend_from_slice(nothing);
            return BodyFrom::Scratch;
        }
        return BodyFrom::Reply;
    }
    let mut typed = None;
    let headers = invocation.reply_headers();
    let headers = if is_value && !body.is_empty() && headers.get(b"content-type", caseless).is_none() {
        let mut with = headers.clone();
        with.add(b"content-type", b"application/json");
        typed.insert(with)
    } else {
        headers
    };
    reply::write(form, Parts { status, headers, cookies: invocation.reply_cookies(), body }, scratch);
    BodyFrom::Scratch
}

#[cfg(test)]
mod testing {
    use super::{PlatformConfig, PlatformEntry};
    use crate::settings::{Env, Settings};
    use crate::testing::{Pairs, look_up};

    /// Returns the reading of an environment by a platform: its mark, and its configuration or the fault of it.
    pub(super) fn opened(
        entry: &PlatformEntry,
        pairs: Pairs<'_>,
    ) -> Result<(Option<&'static str>, PlatformConfig), String> {
        let look_up = look_up(pairs);
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).map_err(|bad| bad.to_string())?;
        Ok(((entry.mark)(&env), (entry.open)(&env, &settings).map_err(|bad| bad.to_string())?))
    }
}

#[cfg(test)]
mod tests {
    use super::cloudevents::tests::{process, request};
    use super::*;
    use crate::invocation::InvocationMetadata;
    use faas_abi::host::{Given, Invocation as Contract};
    use std::sync::Arc;

    /// Returns the body for that event and reply; without a code there was no reply at all.
    fn body(event: &str, nothing: &[u8], reply: Option<(u32, &str)>) -> String {
        let mut invocation = Invocation::new(process(), Arc::from("f"));
        invocation.renew(request("POST", "/", &[], event), &InvocationMetadata::default(), false);
        if let Some((code, text)) = reply {
            Contract::reply(&mut invocation, code, Given::from(text.as_bytes().to_vec()));
        }
        invocation.settle(faas_abi::OK, "f");
        let mut scratch = Vec::new();
        let from = reply_body(&invocation, nothing, &mut scratch);
        let bytes = if from == BodyFrom::Reply { invocation.reply().as_slice() } else { &scratch };
        String::from_utf8_lossy(bytes).into_owned()
    }

    const NO_REPLIES: [Option<(u32, &str)>; 2] = [None, Some((faas_abi::REPLY_VALUE, ""))];

    #[test]
    fn nothing_to_an_event_is_what_its_platform_takes_for_nothing() {
        for reply in NO_REPLIES.into_iter().chain([Some((200, ""))]) {
            for event in ["{}", "no JSON", r#"{"Records":[{"eventSource":"aws:sqs"}]}"#] {
                assert_eq!(body(event, nothing::EVENT, reply), "null", "{event} {reply:?}");
                assert_eq!(body(event, nothing::ACTIVATION, reply), "{}", "{event} {reply:?}");
                assert_eq!(body(event, nothing::BYTES, reply), "", "{event} {reply:?}");
            }
        }
        for reply in [(faas_abi::REPLY_RAW, " "), (faas_abi::REPLY_RAW, ""), (faas_abi::REPLY_VALUE, "0"), (404, "no")]
        {
            assert_eq!(body("{}", nothing::EVENT, Some(reply)), reply.1);
        }
    }

    #[test]
    fn nothing_to_a_request_in_an_event_is_a_bare_200_in_its_sources_form() {
        let rest = r#""headers":{},"body":"","isBase64Encoded":false}"#;
        for reply in NO_REPLIES {
            for event in [
                r#"{"version":"2.0","rawPath":"/","requestContext":{"http":{}}}"#,
                r#"{"resource":"/","httpMethod":"GET","path":"/"}"#,
                r#"{"httpMethod":"GET","path":"/","requestContext":{"serviceId":"s"}}"#,
                r#"{"httpMethod":"GET","requestContext":{"apiId":"a"}}"#,
                r#"{"httpMethod":"GET","path":"/"}"#,
            ] {
                assert_eq!(
                    body(event, nothing::EVENT, reply),
                    format!(r#"{{"statusCode":200,{rest}"#),
                    "{event} {reply:?}"
                );
            }
            let told = body(r#"{"requestContext":{"elb":{}}}"#, nothing::EVENT, reply);
            assert!(told.starts_with(r#"{"statusCode":200,"statusDescription":"200 OK","headers":{},"#), "{told}");
        }
        let event = r#"{"version":"2.0","rawPath":"/","requestContext":{"http":{}}}"#;
        assert_eq!(body(event, nothing::EVENT, Some((faas_abi::REPLY_RAW, "own"))), "own");
        assert!(body(event, nothing::EVENT, Some((204, ""))).starts_with(r#"{"statusCode":204,"#));
    }
}
