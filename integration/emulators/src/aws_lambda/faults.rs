//! Scripted faults: the faults of the next call of an endpoint, and the queue they wait in. The server carries them
//! out.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::payloads::{Refusal, error_json};
use super::reply::Reply;

/// The place where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A connection, as soon as it is accepted.
    Connect,
    /// GET `/invocation/next`.
    Next,
    /// POST `/invocation/{id}/response`.
    Response,
    /// POST `/invocation/{id}/error`.
    Error,
    /// POST `/init/error`.
    InitError,
    /// GET `/restore/next`.
    RestoreNext,
    /// POST `/restore/error`.
    RestoreError,
    /// POST `/extension/register`.
    Register,
    /// GET `/extension/event/next`.
    ExtensionNext,
    /// Any other call that the control plane serves.
    Other,
}

/// A fault that happens once.
///
/// The first group strikes when the head of the request is read: the call does not reach the state machine, so a poll
/// hit by it took no event. The second group lets the call through and harms only the reply, so an event may be lost
/// with it, and a post has been taken although its sender cannot know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset and new ones are refused until [`super::Aws::listen`].
    Refuse,
    /// The connection is reset (RST).
    Reset,
    /// No reply ever comes, and the connection stays open.
    Never,
    /// This status and the platform's error body. A post hit by it settles its invocation as failed, as the platform
    /// does when it refuses an answer for good, so that the next poll gets the next event.
    Status(u16),
    /// These bytes instead of a reply, then the end of the connection.
    Garbage(Vec<u8>),

    /// The request is read whole and taken, then the connection ends without a reply. A poll is closed unanswered and
    /// takes no event.
    CloseAfterRequest,
    /// The request is taken, its reply cut in the middle of the head.
    HalfHead,
    /// The request is taken, its reply cut in the middle of the body.
    HalfBody,
    /// A whole reply that promises nothing about the connection, which then ends.
    CloseKeepAlive,
    /// The reply comes late, by this time.
    Delay(Duration),
    /// A poll only, one invocation at a time: after this event was answered it is delivered once more, with the same
    /// id.
    DuplicateDelivery,
}

/// The way in which a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The connection is closed in order (FIN).
    Close,
    /// The connection is reset (RST).
    Reset,
    /// The connection stays open and silent.
    Hang,
}

/// The bytes that the server writes on a connection in place of HTTP's, before it ends it.
#[derive(Clone, Debug)]
pub(crate) struct Takeover {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ending: Ending,
}

impl Takeover {
    pub(crate) fn silent(ending: Ending) -> Takeover {
        Takeover { bytes: Vec::new(), ending }
    }
}

/// The faults that wait, in one queue for each endpoint.
#[derive(Debug, Default)]
pub(crate) struct Script {
    queues: HashMap<Endpoint, VecDeque<Fault>>,
}

impl Script {
    pub(crate) fn push(&mut self, endpoint: Endpoint, fault: Fault) {
        self.queues.entry(endpoint).or_default().push_back(fault);
    }

    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        self.queues.get_mut(&endpoint)?.pop_front()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum()
    }
}

impl Fault {
    /// Returns the treatment of the connection where the fault strikes before the call is taken; `None` for every other
    /// fault.
    pub(crate) fn before(&self) -> Option<Takeover> {
        match self {
            Fault::Refuse | Fault::Reset => Some(Takeover::silent(Ending::Reset)),
            Fault::Never => Some(Takeover::silent(Ending::Hang)),
            Fault::Garbage(bytes) => Some(Takeover { bytes: bytes.clone(), ending: Ending::Close }),
            _ => None,
        }
    }

    /// Returns the treatment of the connection where the fault harms the reply; `None` when the reply is sent as it is.
    pub(crate) fn after(&self, reply: &Reply) -> Option<Takeover> {
        let (head, mut body) = match self {
            Fault::CloseAfterRequest => return Some(Takeover::silent(Ending::Close)),
            Fault::HalfHead | Fault::HalfBody | Fault::CloseKeepAlive => reply.render(),
            _ => return None,
        };
        let mut bytes = head;
        match self {
            Fault::HalfHead => bytes.truncate(bytes.len() / 2),
            Fault::HalfBody => body.truncate(body.len() / 2),
            _ => {}
        }
        if !matches!(self, Fault::HalfHead) {
            bytes.append(&mut body);
        }
        Some(Takeover { bytes, ending: Ending::Close })
    }
}

/// Returns the reply of [`Fault::Status`].
pub(crate) fn scripted(status: u16) -> Reply {
    let refusal = Refusal::Scripted { status };
    Reply::json(status, error_json(refusal.error_type(), &refusal.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_in_the_order_queued_and_once_each() {
        let mut script = Script::default();
        script.push(Endpoint::Next, Fault::Reset);
        script.push(Endpoint::Next, Fault::Never);
        script.push(Endpoint::Response, Fault::Status(500));
        assert_eq!(script.waiting(), 3);
        assert_eq!(script.take(Endpoint::Next), Some(Fault::Reset));
        assert_eq!(script.take(Endpoint::Next), Some(Fault::Never));
        assert_eq!(script.take(Endpoint::Next), None);
        assert_eq!(script.waiting(), 1);
    }

    #[test]
    fn a_reply_is_cut_in_its_head_or_in_its_body() {
        let reply = Reply::json(202, "{\"status\":\"OK\"}\n".into());
        let text =
            |fault: Fault| String::from_utf8(fault.after(&reply).expect("it harms the reply").bytes).expect("text");
        let whole = text(Fault::CloseKeepAlive);
        assert!(whole.ends_with("\r\n\r\n{\"status\":\"OK\"}\n"), "{whole}");
        assert!(whole.contains("Content-Length: 16\r\n") && !whole.contains("Connection"), "{whole}");
        assert!(text(Fault::HalfBody).ends_with("\r\n\r\n{\"status"));
        assert!(!text(Fault::HalfHead).contains("\r\n\r\n"));
        assert_eq!(text(Fault::CloseAfterRequest), "");
    }
}
