//! A failure as JSON, as clients of HTTP triggers and owners of functions are told of it, on every platform whose
//! document has these members. [`Failure`] decides who is told which part; nothing else of a failure leaves the
//! process.

use crate::failure::{Failure, Told};
use crate::invocation::Invocation;
use crate::json::Writer;

/// Returns the part of a failure that the sender of an event is told. It is all that the function's owner may read,
/// unless the event is an HTTP trigger's, whose client may be handed the document.
pub(super) fn to_sender<'f>(invocation: &Invocation, failure: &'f Failure) -> Told<'f> {
    if invocation.wants_http() { failure.for_caller() } else { failure.for_owner() }
}

/// Writes `{"errorType","errorMessage","requestId"}`, the answer to a request, and `stackTrace` with `FAAS_DEBUG`.
pub(super) fn request(told: Told<'_>, request_id: &[u8], out: &mut Vec<u8>) {
    let mut json = Writer::new(out);
    json.begin_object();
    words(&mut json, told);
    json.key("requestId").string(request_id);
    if !told.detail.is_empty() {
        stack(&mut json, told);
    }
    json.end_object();
}

/// Writes `{"errorType","errorMessage","stackTrace"}`, as the built-in runtimes of AWS, Aliyun, Huawei, Tencent and
/// Yandex send it. Without `FAAS_DEBUG` the stack is empty.
pub(super) fn event(told: Told<'_>, out: &mut Vec<u8>) {
    let mut json = Writer::new(out);
    json.begin_object();
    words(&mut json, told);
    stack(&mut json, told);
    json.end_object();
}

fn words(json: &mut Writer<'_>, told: Told<'_>) {
    json.key("errorType").string(told.kind);
    json.key("errorMessage").string(told.message);
}

fn stack(json: &mut Writer<'_>, told: Told<'_>) {
    json.key("stackTrace").begin_array();
    told.detail.lines().for_each(|line| {
        json.string(line);
    });
    json.end_array();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::InvocationMetadata;
    use crate::platform::{FailedInvocation, PLATFORMS, Protocol, Response};
    use crate::settings::{Env, Settings};
    use crate::trigger::MessageFormat;

    fn panic(revealed: bool) -> Failure {
        let mut panic = Failure { detail: "at a.rs:1:2\n0: main".into(), ..Failure::internal("Panic", "10.0.0.7") };
        if revealed {
            panic.reveal();
        }
        panic
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn a_client_is_told_kind_public_message_and_id_and_with_debug_the_stack() {
        let client = |revealed| text(|out| request(panic(revealed).for_caller(), b"id-1", out));
        assert_eq!(client(false), r#"{"errorType":"Panic","errorMessage":"the function failed","requestId":"id-1"}"#);
        let all = r#"{"errorType":"Panic","errorMessage":"10.0.0.7","requestId":"id-1","stackTrace":["at a.rs:1:2","0: main"]}"#;
        assert_eq!(client(true), all);
    }

    #[test]
    fn an_owner_is_told_kind_and_message_and_with_debug_the_stack() {
        let owner = |revealed| text(|out| event(panic(revealed).for_owner(), out));
        assert_eq!(owner(false), r#"{"errorType":"Panic","errorMessage":"10.0.0.7","stackTrace":[]}"#);
        assert_eq!(
            owner(true),
            r#"{"errorType":"Panic","errorMessage":"10.0.0.7","stackTrace":["at a.rs:1:2","0: main"]}"#
        );
    }

    fn opened(entry: &crate::platform::PlatformEntry) -> Protocol {
        let look_up = |name: &str| match name {
            "AWS_LAMBDA_RUNTIME_API" => Some("127.0.0.1:9001".to_owned()),
            "FN_FORMAT" => Some("http-stream".to_owned()),
            "FN_LISTENER" => Some("unix:/tmp/fn.sock".to_owned()),
            _ => None,
        };
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).expect("nothing is set");
        (entry.open)(&env, &settings).unwrap_or_else(|bad| panic!("{}: {bad}", entry.name)).protocol
    }

    /// Returns all documents that a platform's protocol writes of a failure.
    fn all(protocol: &Protocol, failure: &Failure) -> Vec<(MessageFormat, String)> {
        let formats = [
            MessageFormat::Request,
            MessageFormat::Event,
            MessageFormat::Azure,
            MessageFormat::Fn,
            MessageFormat::OpenWhisk,
            MessageFormat::CloudEvent,
        ];
        let (mut said, mut out) = (Vec::new(), Vec::new());
        match protocol {
            Protocol::Serving(serving) => {
                for format in formats {
                    let (metadata, mut response) =
                        (InvocationMetadata { format, ..InvocationMetadata::default() }, Response::default());
                    serving.failed(
                        FailedInvocation { metadata: &metadata, request_id: b"id-1", failure },
                        &mut response,
                        &mut out,
                    );
                    response.headers.iter().for_each(|(_, value)| out.extend_from_slice(value));
                    said.push((format, text(|said| said.append(&mut out))));
                }
                let signal = crate::platform::Signal::Suspend;
                said.push((MessageFormat::Event, serving.signalled(&signal, Err(failure)).body.into_owned()));
            }
            Protocol::Polling(polling) => {
                polling.failed(b"id-1", failure, &mut out);
                polling.stream_end(Some(failure), &mut out);
                polling.init_error(failure, &mut out);
                polling.restore_error(failure, &mut out);
                said.push((MessageFormat::Event, text(|said| said.append(&mut out))));
            }
            Protocol::Piping(piping) => {
                piping.started(Err(failure), &mut out);
                piping.failed(b"id-1", failure, &mut out);
                said.push((MessageFormat::Event, text(|said| said.append(&mut out))));
            }
        }
        said
    }

    #[test]
    fn no_platform_writes_a_stack_or_a_cause_and_a_client_of_http_reads_no_internal_message() {
        let detail = "at secret.rs:1:2\ncaused by: secret host";
        let panic = Failure { detail: detail.into(), ..Failure::internal("Panic", "internal text") };
        for entry in PLATFORMS {
            let protocol = opened(entry);
            for (format, said) in all(&protocol, &panic) {
                assert!(!said.contains("secret"), "{}: {format:?}: {said}", entry.name);
                // Two platforms have a shape of their own for every call.
                let is_clients = if entry.name == "fn" { MessageFormat::Fn } else { MessageFormat::Request };
                if format == is_clients && entry.name != "openwhisk" {
                    assert!(!said.contains("internal text"), "{}: {format:?}: {said}", entry.name);
                }
            }
        }
    }
}
