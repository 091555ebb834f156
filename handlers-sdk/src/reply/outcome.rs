//! The end of a call, and the way it is written to the host as the last step of an invocation in this module.

use crate::call::event::Event;
use crate::call::given::Value;
use crate::encoding::json_text;
use crate::error::Error;
use crate::ffi::held::Ending;
use crate::ffi::write::Given;
use crate::ffi::{Held, InvBytes, Reader, Writer};
use crate::host::bytes::{Bytes, Kept};
use crate::log::{self, Level};
use crate::reply::{Body, IntoReply, Reply};
#[cfg(feature = "tower")]
use faas_abi::LIST_REPLY_COOKIE;
use faas_abi::{E_CANCELLED, E_PANIC, LIST_REPLY_HEADER, META_REQUEST_ID, NUM_IS_HTTP, OK, Status};
use std::fmt::Display;

/// The end of a call.
pub enum Outcome {
    /// A phase or a record has ended well.
    Done,
    /// A stream has ended well.
    Streamed,
    /// A provider has made its value.
    Made(Value),
    /// The call has this reply.
    Reply(Answer),
    /// The call has this reply of an application.
    #[cfg(feature = "tower")]
    Http(Whole),
    /// The call failed with this status and error.
    Failed(Status, Error),
}

/// A reply whose body needs no invocation to be held any more.
pub struct Answer {
    reply: Reply,
    body: Given,
}

/// A reply of an application that goes out in one piece.
#[cfg(feature = "tower")]
pub struct Whole {
    pub(crate) status: u16,
    pub(crate) headers: ::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Outcome {
    /// Makes the end of a call from the value that an author's function returned.
    pub(crate) fn of<M>(held: &Held, value: impl IntoReply<M>) -> Outcome {
        match value.into_reply() {
            Ok(mut reply) => {
                let body = match std::mem::take(&mut reply.body) {
                    Body::Event(Event(bytes)) | Body::Shared(Bytes(Kept::Lent(bytes))) => lend(bytes, held),
                    other => other.into_given(),
                };
                Outcome::Reply(Answer { reply, body })
            }
            Err(error) => Outcome::failed(error),
        }
    }

    /// Makes the end of a call from the value that a provider returned.
    pub(crate) fn made(value: Result<Value, Error>) -> Outcome {
        value.map_or_else(Outcome::failed, Outcome::Made)
    }

    pub(crate) fn failed(error: Error) -> Outcome {
        Outcome::Failed(error.ends_with(), error)
    }

    pub(crate) fn panicked(panic: crate::panics::Panic) -> Outcome {
        Outcome::Failed(E_PANIC, panic.into_error())
    }

    pub(crate) fn cancelled() -> Outcome {
        Outcome::Failed(E_CANCELLED, Error::new("Runtime.Cancelled", "the invocation was cancelled before it ended"))
    }
}

impl Ending for Outcome {
    fn write(self, writer: &mut Writer<'_>, begun: bool) -> Status {
        match self {
            Outcome::Done | Outcome::Made(_) => OK,
            Outcome::Streamed if begun => OK,
            Outcome::Streamed => writer.stream_begin(200).min(OK),
            Outcome::Reply(Answer { reply, body }) => reply.write(body, writer),
            #[cfg(feature = "tower")]
            Outcome::Http(whole) => http(whole, writer),
            Outcome::Failed(status, error) => failure(status, &error, writer, begun),
        }
    }
}

/// Writes the reply of an application. The host refuses its head only for a line break or the like.
#[cfg(feature = "tower")]
fn http(whole: Whole, writer: &mut Writer<'_>) -> Status {
    for (name, value) in &whole.headers {
        let status = match name.as_str() {
            "set-cookie" => writer.add(LIST_REPLY_COOKIE, "", value),
            name => writer.add(LIST_REPLY_HEADER, name, value),
        };
        if status < 0 {
            writer.fail("Runtime.ReplyHeader", &format!("the host refuses the reply header {name:?}"), "");
            return status;
        }
    }
    writer.reply(u32::from(whole.status), Given::Owned(whole.body)).min(OK)
}

/// Lends bytes of the event to the reply, without a copy. Those of another invocation are copied, since they are not
/// ours to lend.
fn lend(bytes: InvBytes, held: &Held) -> Given {
    match bytes.lend_to(held) {
        Ok(lent) => Given::Lent(lent),
        Err(bytes) => Given::Owned(bytes.to_vec()),
    }
}

fn failure(status: Status, error: &Error, writer: &mut Writer<'_>, begun: bool) -> Status {
    let code = error.status().filter(|code| !begun && (200..=599).contains(code));
    if let Some(code) = code.filter(|_| writer.reader().num(NUM_IS_HTTP) != 0) {
        note(code, error, &writer.reader());
        return document(code, error.kind(), error.public_message(), writer);
    }
    writer.fail(error.kind(), error.message(), &error.placed_detail());
    status
}

/// Answers an HTTP trigger with an error, in the form in which the runtimes write theirs.
pub(super) fn document(code: u16, kind: &str, message: &str, writer: &mut Writer<'_>) -> Status {
    let mut body = String::from("{\"errorType\":");
    json_text::push(&mut body, kind);
    body.push_str(",\"errorMessage\":");
    json_text::push(&mut body, message);
    body.push_str(",\"requestId\":");
    json_text::push(&mut body, writer.reader().text(META_REQUEST_ID));
    body.push('}');
    writer.set(LIST_REPLY_HEADER, "content-type", "application/json");
    writer.reply(u32::from(code), Given::Owned(body.into_bytes())).min(OK)
}

/// Logs an error that is a reply: it is no failure, of which the host would leave a line. There is a line if it means
/// that the server has failed, or if the client does not read its message.
fn note(code: u16, error: &Error, reader: &Reader<'_>) {
    let level = if code >= 500 { Level::Error } else { Level::Info };
    if level == Level::Info && !error.is_internal() {
        return;
    }
    let place = error.location().map(ToString::to_string).unwrap_or_default();
    let entry = reader.entry();
    let (kind, message) = (error.kind(), error.message());
    let fields: [(&str, &dyn Display); 4] =
        [("errorType", &kind), ("status", &code), ("location", &place), ("cause", &error.detail())];
    log::write(Some(*reader), entry, level, entry.name(), format_args!("{kind}: {message}"), &fields);
}
