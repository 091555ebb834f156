//! The answers a runtime posts: how each is judged, counted and turned into the invoker's outcome. The second part of
//! [`Control`], under the same lock.

use std::time::Instant;

use bytes::Bytes;

use super::answer::{Chunk, Kind};
use super::capture::{Posted, Report};
use super::control::{Control, Failure, Machine};
use super::managed::Begun;
use super::payloads::{self, Refusal};
use super::state::{InitFailure, Post, State};
use crate::base64;

/// The end of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    Whole,
    /// It ended early: no last chunk, or fewer bytes than announced.
    CutShort,
    TooLarge {
        limit: usize,
    },
}

/// The body of a request as it was read.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The number of bytes received, also those beyond a limit.
    pub(crate) size: usize,
    pub(crate) trailers: Vec<(String, String)>,
    pub(crate) end: BodyEnd,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn refusal(&self) -> Option<Refusal> {
        match self.end {
            BodyEnd::Whole => None,
            BodyEnd::CutShort => Some(Refusal::Truncated),
            BodyEnd::TooLarge { limit } => Some(Refusal::TooLarge { size: self.size, limit }),
        }
    }
}

pub(crate) const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
pub(crate) const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const XRAY_CAUSE: &str = "lambda-runtime-function-xray-error-cause";

/// One post in the account of its id.
#[derive(Clone, Debug)]
pub(crate) struct PostToken {
    pub(crate) id: String,
    index: usize,
}

impl Control {
    /// Opens the account of a post; [`Control::close_post`] closes it. Without that it stays a post that was cut.
    pub(crate) fn open_post(&mut self, id: &str, post: Post) -> PostToken {
        let posted = Posted { post, request_id: id.to_owned(), at: Instant::now(), status: None, size: 0 };
        let posts = self.account(id);
        posts.push(posted);
        PostToken { id: id.to_owned(), index: posts.len() - 1 }
    }

    /// Notes the status a post is answered with and the size of its body.
    pub(crate) fn close_post(&mut self, token: &PostToken, status: u16, size: usize) {
        let posted = &mut self.account(&token.id)[token.index];
        posted.status = Some(status);
        posted.size = size;
    }

    fn account(&mut self, id: &str) -> &mut Vec<Posted> {
        match self.invocations.get_mut(id) {
            Some(invocation) => &mut invocation.record.posts,
            None => &mut self.strays,
        }
    }

    /// Takes the head of an answer.
    pub(crate) fn begin(&mut self, id: &str, post: Post) -> Result<Begun, Refusal> {
        let to = if post == Post::Response { State::InvocationResponse } else { State::InvocationErrorResponse };
        self.check_open(to.name())?;
        let begun = match &mut self.machine {
            Machine::Classic(machine) => machine.begin(id, post).map(|()| Begun::Fresh)?,
            Machine::Managed(machine) => machine.begin(id, post)?,
        };
        if let (Post::Response, Some(invocation)) = (post, self.invocations.get_mut(id)) {
            invocation.responding = true;
        }
        Ok(begun)
    }

    /// Takes a mode header that names no mode: the invocation fails and, one at a time, the state stays where it is.
    pub(crate) fn invalid_mode(&mut self, id: &str, mode: String) -> Refusal {
        if let Machine::Managed(machine) = &mut self.machine {
            // The reply is the same whether or not the deadline has overtaken it.
            let _ = machine.finish(id);
        }
        let refusal = Refusal::InvalidResponseMode { mode };
        self.settle(id, |answer| {
            answer.kind = Kind::InvalidMode;
            answer.status = Some(400);
            platform_error(answer, "Runtime.InvalidResponseModeHeader", &refusal.message());
        });
        refusal
    }

    /// Takes a piece of a response's body. `keep` is `true` for a stream, whose pieces the answer lists.
    pub(crate) fn piece(&mut self, id: &str, bytes: &Bytes, keep: bool) {
        let Some(invocation) = self.invocations.get_mut(id) else { return };
        invocation.received += bytes.len();
        if keep && !invocation.settled {
            invocation.chunks.push(Chunk { at: Instant::now(), bytes: bytes.clone() });
        }
    }

    /// Takes the end of a response.
    pub(crate) fn finish_response(&mut self, id: &str, sent: Sent, streaming: bool) -> Result<(), Refusal> {
        match &mut self.machine {
            Machine::Classic(machine) => machine.finish(),
            Machine::Managed(machine) => machine.finish(id)?,
        }
        let refusal = sent.refusal();
        let managed = self.options.managed();
        self.settle(id, |answer| {
            answer.status = Some(status_of(&refusal));
            answer.headers.clone_from(&sent.headers);
            if managed && sent.header("content-type").is_none() {
                answer.headers.push(("content-type".to_owned(), "application/octet-stream".to_owned()));
            }
            answer.trailers.clone_from(&sent.trailers);
            match sent.end {
                BodyEnd::Whole if streaming => {
                    answer.kind = Kind::Stream;
                    answer.error_type = sent.trailer(ERROR_TYPE).map(|sent| payloads::kept_error_type(Some(sent)));
                    answer.stream_error = sent.trailer(ERROR_BODY).and_then(base64::decode);
                    answer.body = sent.body;
                }
                BodyEnd::Whole => {
                    answer.kind = Kind::Response;
                    answer.body = sent.body;
                }
                BodyEnd::TooLarge { limit } => {
                    answer.kind = Kind::TooLarge;
                    let message = payloads::response_too_large(sent.size, limit);
                    platform_error(answer, "Function.ResponseSizeTooLarge", &message);
                }
                BodyEnd::CutShort => {
                    answer.kind = Kind::Truncated;
                    platform_error(answer, "Runtime.TruncatedResponse", "Response ended before it was complete");
                }
            }
        });
        refusal.map_or(Ok(()), Err)
    }

    /// Takes the end of an invocation's error.
    pub(crate) fn finish_error(&mut self, id: &str, sent: Sent, begun: Begun) -> Result<(), Refusal> {
        let refusal = sent.refusal();
        match (&mut self.machine, begun) {
            (Machine::Classic(machine), _) => machine.finish(),
            (Machine::Managed(machine), Begun::Fresh) => machine.finish(id)?,
            (Machine::Managed(_), Begun::CutsStream) => {}
        }
        let report = report(&sent, status_of(&refusal));
        self.errors.push(report.clone());
        self.settle(id, |answer| {
            answer.status = Some(report.status);
            answer.headers = report.headers;
            answer.function_error = Some("Unhandled");
            answer.error_type = Some(report.error_type);
            answer.xray_cause = report.xray_cause;
            let payload = payloads::error_payload(sent.header("content-type"), sent.body.clone());
            if begun == Begun::CutsStream {
                answer.kind = Kind::Stream;
                answer.body = answer.chunks.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect();
                answer.stream_error = Some(payload.to_vec());
            } else {
                answer.kind = Kind::Error;
                answer.body = payload;
            }
            if let Some(refusal) = &refusal {
                answer.body = payloads::error_json("Runtime.Unknown", &refusal.message());
            }
        });
        refusal.map_or(Ok(()), Err)
    }

    /// Takes a POST `/init/error`.
    pub(crate) fn init_error(&mut self, sent: Sent) -> Result<(), Refusal> {
        let verdict = sent.refusal().map_or(Ok(()), Err).and_then(|()| self.check_open(State::InitError.name()));
        let verdict = verdict.and_then(|()| match &mut self.machine {
            Machine::Classic(machine) => machine.init_error(),
            Machine::Managed(machine) => machine.init_error().map(|()| InitFailure::Init),
        });
        let report = report(&sent, verdict.as_ref().map_or_else(Refusal::status, |_| 202));
        self.init_errors.push(report.clone());
        let kind = match verdict? {
            InitFailure::Init => Kind::InitError,
            InitFailure::Restore => Kind::RestoreError,
        };
        self.fail(Failure::Reported { kind, report: Box::new(report) });
        Ok(())
    }

    /// Takes a POST `/restore/error`.
    pub(crate) fn restore_error(&mut self, sent: Sent) -> Result<(), Refusal> {
        let verdict = sent.refusal().map_or(Ok(()), Err).and_then(|()| self.check_open(State::RestoreError.name()));
        let verdict = verdict.and_then(|()| match &mut self.machine {
            Machine::Classic(machine) => machine.restore_error(),
            Machine::Managed(_) => Ok(()),
        });
        let report = report(&sent, verdict.as_ref().map_or_else(Refusal::status, |_| 202));
        self.restore_errors.push(report.clone());
        verdict?;
        self.fail(Failure::Reported { kind: Kind::RestoreError, report: Box::new(report) });
        Ok(())
    }

    /// Lets a scripted fault refuse an answer for good: its invocation is over and the next poll gets the next event.
    pub(crate) fn refuse_post(&mut self, id: &str, post: Post, status: u16) {
        let Ok(begun) = self.begin(id, post) else { return };
        match (&mut self.machine, begun) {
            (Machine::Classic(machine), _) => machine.finish(),
            (Machine::Managed(machine), Begun::Fresh) => machine.finish(id).unwrap_or(()),
            (Machine::Managed(_), Begun::CutsStream) => {}
        }
        self.settle(id, |answer| {
            answer.kind = Kind::Faulted;
            answer.status = Some(status);
            platform_error(answer, "Sandbox.Failure", &format!("Scripted fault, status {status}"));
        });
    }
}

fn platform_error(answer: &mut super::answer::Answer, error_type: &str, message: &str) {
    answer.error_type = Some(error_type.to_owned());
    answer.function_error = Some("Unhandled");
    answer.body = payloads::error_json(error_type, message);
}

fn status_of(refusal: &Option<Refusal>) -> u16 {
    refusal.as_ref().map_or(202, Refusal::status)
}

/// Returns an error report as the platform keeps it, answered with `status`.
pub(crate) fn report(sent: &Sent, status: u16) -> Report {
    let sent_type = sent.header(ERROR_TYPE).map(str::to_owned);
    let json = serde_json::from_slice::<serde_json::Value>(&sent.body).is_ok();
    let content_type = if json { sent.header("content-type").unwrap_or("application/json") } else { OCTETS };
    Report {
        at: Instant::now(),
        status,
        error_type: payloads::kept_error_type(sent_type.as_deref()),
        sent_type,
        content_type: content_type.to_owned(),
        xray_cause: payloads::xray_cause(sent.header(XRAY_CAUSE)),
        headers: sent.headers.clone(),
        body: sent.body.clone(),
    }
}

const OCTETS: &str = "application/octet-stream";

#[cfg(test)]
mod tests {
    use super::super::options::{Event, Options};
    use super::super::polls::Polled;
    use super::*;

    fn sent(body: &str, end: BodyEnd) -> Sent {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Sent { headers, body: Bytes::copy_from_slice(body.as_bytes()), size: body.len(), trailers: Vec::new(), end }
    }

    fn running() -> (Control, String) {
        let mut control = Control::new(Options::default());
        let id = control.submit(Event::from("{}"));
        assert!(matches!(control.poll(), Ok(Polled::Parked { .. })));
        (control, id)
    }

    fn kind(control: &Control, id: &str) -> Option<Kind> {
        control.invocations[id].answer.as_ref().map(|answer| answer.kind)
    }

    #[test]
    fn every_post_is_counted_whatever_becomes_of_it() {
        let (mut control, id) = running();
        let stray = control.open_post("other", Post::Error);
        control.close_post(&stray, 400, 2);
        let cut = control.open_post(&id, Post::Response);
        let whole = control.open_post(&id, Post::Response);
        control.close_post(&whole, 202, 5);
        let record = &control.invocations[&id].record;
        assert_eq!((record.accepted(), record.refused()), (1, 1));
        assert_eq!(record.posts[cut.index].status, None);
        assert_eq!(control.strays.len(), 1);
    }

    #[test]
    fn a_response_that_ends_early_or_is_too_large_lets_the_runtime_poll_on() {
        for (end, expected) in [(BodyEnd::CutShort, Kind::Truncated), (BodyEnd::TooLarge { limit: 1 }, Kind::TooLarge)]
        {
            let (mut control, id) = running();
            control.begin(&id, Post::Response).expect("it is the current one");
            assert!(control.finish_response(&id, sent("abc", end), false).is_err());
            assert_eq!(kind(&control, &id), Some(expected));
            assert!(control.poll().is_ok());
        }
    }

    #[test]
    fn a_wrong_mode_leaves_the_state_where_no_poll_is_allowed() {
        let (mut control, id) = running();
        control.begin(&id, Post::Response).expect("it is the current one");
        assert_eq!(control.invalid_mode(&id, "Streaming".to_owned()).status(), 400);
        assert_eq!(kind(&control, &id), Some(Kind::InvalidMode));
        assert_eq!(control.poll().err().map(|refusal| refusal.status()), Some(403));
    }

    #[test]
    fn an_init_error_is_kept_for_every_event_before_and_after_it() {
        let mut control = Control::new(Options::default());
        let before = control.submit(Event::from("1"));
        control.init_error(sent(r#"{"errorType":"T","errorMessage":"m"}"#, BodyEnd::Whole)).expect("init is not over");
        let after = control.submit(Event::from("2"));
        assert_eq!((kind(&control, &before), kind(&control, &after)), (Some(Kind::InitError), Some(Kind::InitError)));
        assert!(control.init_error(sent("{}", BodyEnd::Whole)).is_err());
        assert_eq!(control.snapshot().init_errors, 1);
        assert_eq!(control.init_errors.len(), 2);
    }

    #[test]
    fn a_body_that_is_not_json_is_relabelled() {
        let report = report(&sent("junk", BodyEnd::Whole), 202);
        assert_eq!(report.content_type, "application/octet-stream");
        assert_eq!(report.error_type, "Runtime.Unknown");
    }
}
