//! What is kept of one invocation. It is filled in by the store, and shown by the console.

use super::lines::{PhaseSpan, Problem, Span};
use crate::stage::Headers;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The number of bytes of each body that are kept.
pub(crate) const BODY: usize = 64 << 10;

/// The first bytes of a body, and how many there were.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    /// The first bytes, at most [`BODY`].
    pub(crate) bytes: Vec<u8>,
    /// The number of bytes of the whole body.
    pub(crate) total: u64,
}

impl Body {
    /// Makes a body of bytes that are all there.
    pub(crate) fn of(bytes: &[u8]) -> Body {
        let mut body = Body::default();
        body.push(bytes);
        body
    }

    /// Adds a further piece of the body.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let room = BODY.saturating_sub(self.bytes.len()).min(piece.len());
        self.bytes.extend_from_slice(&piece[..room]);
        self.total += piece.len() as u64;
    }

    /// Returns `true` if not all of it is kept.
    pub(crate) fn is_cut(&self) -> bool {
        self.total > self.bytes.len() as u64
    }

    /// Returns the bytes as text, in which those that are not UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The request or event of an invocation.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A request, without its body.
    Request {
        /// The method of the request.
        method: String,
        /// The path and query of the request.
        target: String,
        /// The headers of the request.
        headers: Headers,
    },
    /// An event, with its name: `aws/sqs`, `timer nightly`.
    Event(String),
}

impl Input {
    /// Returns a title of a few words.
    pub(crate) fn title(&self) -> String {
        match self {
            Input::Request { method, target, .. } => format!("{method} {target}"),
            Input::Event(name) => format!("event {name}"),
        }
    }
}

/// The record of an invocation.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The number of the invocation, counted from 1.
    pub(crate) number: u64,
    /// The id of the request.
    pub(crate) request_id: String,
    /// The unit that serves it.
    pub(crate) unit: String,
    /// The function; `None` until it is known.
    pub(crate) function: Option<String>,
    /// The platform that it came by.
    pub(crate) platform: &'static str,
    /// The number of the deployment that serves it.
    pub(crate) deployment: u64,
    /// The request or event that it was made with.
    pub(crate) input: Input,
    /// The body of the request or event.
    pub(crate) body: Body,
    /// The time at which it came.
    pub(crate) at: SystemTime,
    /// The moment at which it came.
    pub(super) began: Instant,
    /// The status of its reply; `None` before it has one.
    pub(crate) status: Option<u16>,
    /// The headers of its reply.
    pub(crate) reply_headers: Headers,
    /// The body of its reply.
    pub(crate) reply: Body,
    /// The time that it took; `None` while it runs.
    pub(crate) took: Option<Duration>,
    /// The failure, in the front's own words or the runtime's; `None` if it went well.
    pub(crate) problem: Option<Problem>,
    /// The spans of the phases that came before it because of it: those of its process if it was the first, and those of
    /// its function if that starts when it is needed.
    pub(crate) start: Vec<PhaseSpan>,
    /// The spans of layers and function, as they ended.
    pub(crate) spans: Vec<Span>,
    /// The members that the layer monitor wrote about it; `None` without that layer.
    pub(crate) monitor: Option<Value>,
    /// The lines of output that are its own.
    pub(crate) lines: Vec<String>,
    /// The invocation that this one repeats; `None` if it is new.
    pub(crate) repeats: Option<u64>,
    /// `true` if no invocation of its process came before.
    pub(crate) is_first: bool,
    /// The id of its process; `None` until it is known.
    pub(super) pid: Option<u32>,
    /// `true` if the runtime has told of it itself. What the front knows of its process is a guess before.
    pub(super) is_told: bool,
    /// `true` if the request id is certain.
    pub(super) is_named: bool,
}

impl Record {
    /// Returns `true` if it failed, or its reply tells of a failure.
    pub(crate) fn is_failed(&self) -> bool {
        self.problem.is_some() || self.status.is_some_and(|status| status >= 500)
    }

    /// Returns the parts that lists show, as JSON. Its form is documented, and members are only added.
    pub(crate) fn summary(&self) -> Value {
        json!({
            "number": self.number,
            "requestId": self.request_id,
            "title": self.input.title(),
            "unit": self.unit,
            "function": self.function,
            "platform": self.platform,
            "deployment": self.deployment,
            "status": self.status,
            "us": self.took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            "running": self.took.is_none(),
            "failed": self.is_failed(),
            "coldStart": self.is_first,
            "epochMs": u64::try_from(self.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(0),
        })
    }

    /// Returns the whole record as JSON.
    pub(crate) fn whole(&self) -> Value {
        let mut all = self.summary();
        let pairs = |headers: &Headers| headers.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>();
        let body = |body: &Body| json!({"text": body.text(), "bytes": body.total, "cut": body.is_cut()});
        if let Input::Request { method, target, headers } = &self.input {
            all["request"] = json!({"method": method, "target": target, "headers": pairs(headers)});
        }
        all["body"] = body(&self.body);
        all["reply"] = body(&self.reply);
        all["replyHeaders"] = pairs(&self.reply_headers).into();
        all["start"] = self.start.iter().map(PhaseSpan::to_json).collect();
        all["spans"] = self.spans.iter().map(Span::to_json).collect();
        all["problem"] = self.problem.as_ref().map(Problem::to_json).into();
        all["monitor"] = self.monitor.clone().into();
        all["lines"] = self.lines.clone().into();
        all["repeats"] = self.repeats.into();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_body_the_first_bytes_are_kept_and_its_length() {
        let mut body = Body::of(&vec![b'x'; BODY - 1]);
        assert!(!body.is_cut());
        body.push(b"abc");
        assert_eq!((body.bytes.len(), body.total, body.is_cut()), (BODY, BODY as u64 + 2, true));
    }
}
