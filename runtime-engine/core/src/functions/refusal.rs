//! The answer to an invocation that no function serves. There is no function for it, or its function may not run now.
//! To a request it is an HTTP response, in whatever envelope its platform wants; to any other event it is a failure, so
//! that the platform keeps the event or hands it out again.

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::platform::refusal_document;
use faas_abi::host::{Given, Invocation as _};
use faas_abi::{E_INTERNAL, LIST_REPLY_HEADER, OK, Status};

/// The reason why no function serves an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No function is there for this request or event.
    NoOwner(String),
    /// The path has functions, but not for this method. The text lists the methods that it has.
    Method(String),
    /// The client has asked what methods a path takes; the methods.
    Options(String),
    /// The function runs as many invocations as it may.
    Busy {
        /// The name of the function.
        function: String,
        /// The number of invocations that it may run at once.
        limit: usize,
    },
    /// The function has failed again and again and is left alone for a while.
    Fenced {
        /// The name of the function.
        function: String,
        /// The nanoseconds that are left of that while.
        left_ns: u64,
    },
}

impl Refusal {
    fn status(&self) -> u16 {
        match self {
            Refusal::NoOwner(_) => 404,
            Refusal::Method(_) => 405,
            Refusal::Options(_) => 204,
            Refusal::Busy { .. } => 429,
            Refusal::Fenced { .. } => 503,
        }
    }

    /// Returns the refusal in the words of a failure.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Refusal::NoOwner(what) => Failure::new("Runtime.NoFunction", format!("no function serves {what}")),
            Refusal::Method(allow) | Refusal::Options(allow) => {
                Failure::new("Runtime.MethodNotAllowed", format!("this path takes {allow}"))
            }
            Refusal::Busy { function, limit } => {
                let message = format!("function {function} runs as many invocations at once as it may, {limit}");
                Failure::new("Runtime.FunctionBusy", message)
            }
            Refusal::Fenced { function, .. } => {
                let message =
                    format!("function {function} has failed too often in a row and is left alone for a while");
                Failure::new("Runtime.FunctionFenced", message)
            }
        }
    }

    /// Answers the invocation; returns the status of a call that has.
    pub(crate) fn answer(&self, invocation: &mut Invocation) -> Status {
        let failure = self.failure();
        if !invocation.wants_http() {
            invocation.set_failure(failure);
            return E_INTERNAL;
        }
        let mut body = Vec::new();
        let mut head: Vec<(&[u8], String)> = vec![(b"cache-control", "no-store".to_owned())];
        match self {
            Refusal::Method(allow) | Refusal::Options(allow) => head.push((b"allow", allow.clone())),
            Refusal::Busy { .. } => head.push((b"retry-after", "1".to_owned())),
            Refusal::Fenced { left_ns, .. } => {
                head.push((b"retry-after", left_ns.div_ceil(1_000_000_000).max(1).to_string()));
            }
            Refusal::NoOwner(_) => {}
        }
        if self.status() != 204 {
            head.push((b"content-type", "application/json".to_owned()));
            refusal_document(&failure, invocation.request_id(), &mut body);
        }
        invocation.say(crate::log::Level::Debug, &format!("not served: {}", failure.message));
        let status = invocation.reply(u32::from(self.status()), Given::from(body));
        for (name, value) in head {
            invocation.add(LIST_REPLY_HEADER, name, value.as_bytes());
        }
        if status < 0 { status } else { OK }
    }
}
