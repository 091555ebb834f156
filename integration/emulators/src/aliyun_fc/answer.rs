//! The outcomes for callers: of a call through the API, and of a request to a custom domain.

use super::wire::Head;
use std::io;
use std::process::ExitStatus;

/// The way in which a call ended, as the platform sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The function returned a result.
    Success,
    /// The runtime said that the function failed.
    FunctionError,
    /// The process ended during the call.
    Exited,
    /// The time of the function was over.
    TimedOut,
    /// The answer was one that the platform does not take, for this reason.
    BadResponse(String),
    /// The initializer failed; the instance is given up.
    InitFailed(String),
    /// The platform refused to send it, in these words.
    InvalidArgument(String),
    /// The instance has as many calls as it may have, so the platform makes another.
    Busy,
    /// The instance is given up or told to stop.
    Gone,
}

impl Kind {
    /// Returns the text of `X-Fc-Error-Type`; `None` if it is no error.
    pub fn error_type(&self) -> Option<&'static str> {
        match self {
            Kind::Success => None,
            Kind::FunctionError => Some("HandledInvocationError"),
            _ => Some("UnhandledInvocationError"),
        }
    }
}

/// The answer that the caller of the API gets.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The way in which it ended.
    pub kind: Kind,
    /// The request id, from `X-Fc-Request-Id`.
    pub request_id: String,
    /// The runtime's status and headers, which the caller does not get.
    pub head: Option<Head>,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The text of `X-Fc-Log-Result`, decoded: the call's own lines, the last 4 KB. `None` unless the instance takes
    /// one call at a time.
    pub log: Option<String>,
}

impl Answer {
    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the runtime's status; 0 if the answer has no status.
    pub fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |head| head.status)
    }

    pub(super) fn without(kind: Kind, request_id: &str) -> Answer {
        Answer { kind, request_id: request_id.to_owned(), head: None, body: Vec::new(), log: None }
    }
}

/// The answer that a client of a custom domain gets.
#[derive(Clone, Debug)]
pub struct Response {
    /// The way in which it ended.
    pub kind: Kind,
    /// The request id, from `X-Fc-Request-Id`.
    pub request_id: String,
    /// The status; 0 if the function set no status.
    pub status: u16,
    /// The headers that are passed on.
    pub headers: Vec<(String, String)>,
    /// The text of `x-fc-status`, which is not passed on.
    pub said: Option<String>,
    /// The pieces of the body as they came.
    pub pieces: Vec<Vec<u8>>,
}

impl Response {
    /// Returns the body.
    pub fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body()).into_owned()
    }

    /// Returns the first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The end of an instance.
#[derive(Debug)]
pub struct Stopped {
    /// The status that `/pre-stop` was answered with, or why it was not; `None` if it is not configured.
    pub pre_stop: Option<io::Result<u16>>,
    /// The exit of the process; `None` if it did not end.
    pub status: Option<ExitStatus>,
}

/// Returns the function's headers that a client gets.
pub(super) fn passed_on(head: &Head) -> Vec<(String, String)> {
    let kept = head.headers.iter().filter(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let own =
            matches!(&*name, "connection" | "content-length" | "date" | "keep-alive" | "server" | "transfer-encoding");
        let saved = name == "content-disposition" && value.trim().starts_with("attachment");
        !(own || saved || name.starts_with("x-fc-"))
    });
    kept.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_neither_the_connections_headers_nor_the_platforms() {
        let names = ["Date", "X-Fc-Status", "x-own", "Keep-Alive", "Content-Disposition", "content-disposition"];
        let values = ["d", "200", "1", "k", "attachment; filename=a", "inline"];
        let headers = names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
        let kept = passed_on(&Head { status: 200, headers, bytes: 0 });
        let kept: Vec<_> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(kept, [("x-own", "1"), ("content-disposition", "inline")]);
    }
}
