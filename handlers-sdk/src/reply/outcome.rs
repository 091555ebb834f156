//! How a call ended, and how that is written to the host: the last thing that happens to an invocation in here.

use crate::call::event::Event;
use crate::encoding::json_text;
use crate::error::Error;
use crate::ffi::held::Ending;
use crate::ffi::write::Given;
use crate::ffi::{Held, Reader, Writer};
use crate::log::{self, Level};
use crate::reply::{Body, IntoReply, Reply};
use faas_abi::*;
use std::fmt::Display;

/// How a call ended.
pub enum Outcome {
    /// A phase or a record is through.
    Done,
    /// A stream is through.
    Streamed,
    /// There is a reply.
    Reply(Answer),
    /// It failed.
    Failed(Status, Error),
}

/// A reply whose body needs no invocation to be held any more.
pub struct Answer {
    reply: Reply,
    body: Given,
}

impl Outcome {
    /// Of what an author's function returned.
    pub(crate) fn of(held: &Held, value: impl IntoReply) -> Outcome {
        match value.into_reply(&|| held.reader().num(NUM_IS_HTTP) != 0) {
            Ok(mut reply) => {
                let body = match std::mem::take(&mut reply.body) {
                    Body::Event(event) => lend(event, held),
                    other => other.into_given(),
                };
                Outcome::Reply(Answer { reply, body })
            }
            Err(error) => Outcome::failed(error),
        }
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
            Outcome::Done => OK,
            Outcome::Streamed if begun => OK,
            Outcome::Streamed => writer.stream_begin(200).min(OK),
            Outcome::Reply(Answer { reply, body }) => reply.write(body, writer),
            Outcome::Failed(status, error) => failure(status, &error, writer, begun),
        }
    }
}

/// The event as the reply to itself: no copy. Another invocation's event is not ours to lend.
fn lend(event: Event, held: &Held) -> Given {
    match event.0.lend_to(held) {
        Ok(lent) => Given::Lent(lent),
        Err(bytes) => Given::Owned(bytes.to_vec()),
    }
}

fn failure(status: Status, error: &Error, writer: &mut Writer<'_>, begun: bool) -> Status {
    let code = error.status().filter(|code| !begun && (200..=599).contains(code));
    if let Some(code) = code.filter(|_| writer.reader().num(NUM_IS_HTTP) != 0) {
        note(code, error, &writer.reader());
        let mut body = String::from("{\"error\":");
        json_text::push(&mut body, error.kind());
        body.push_str(",\"message\":");
        json_text::push(&mut body, error.public_message());
        body.push('}');
        writer.set(LIST_REPLY_HEADER, "content-type", "application/json");
        return writer.reply(u32::from(code), Given::Owned(body.into_bytes())).min(OK);
    }
    writer.fail(error.kind(), error.message(), &error.placed_detail());
    status
}

/// An error that is a reply is no failure, of which the host would leave a line. Here is the line of one that says the
/// server has failed, or whose message the client does not read.
fn note(code: u16, error: &Error, reader: &Reader<'_>) {
    let level = if code >= 500 { Level::Error } else { Level::Info };
    if level == Level::Info && !error.is_internal() {
        return;
    }
    let place = error.location().map(ToString::to_string).unwrap_or_default();
    let entry = reader.entry();
    let message = format_args!("{}: {}", error.kind(), error.message());
    let fields: [(&str, &dyn Display); 4] =
        [("errorType", &error.kind()), ("status", &code), ("location", &place), ("cause", &error.detail())];
    log::write(Some(*reader), entry, level, entry.name(), message, &fields);
}
