//! The answer to one request over HTTP/2, from the thread that runs the request to its client: the bytes that wait to
//! be taken, the writer that waits for room, and the end when the client leaves.

use super::InProgress;
use super::upload::Upload;
use bytes::Bytes;
use faas_abi::host::Given;
use faas_abi::{E_CANCELLED, E_INVALID, OK, PENDING, Status};
use faas_core::platform;
use faas_core::serve::Charge;
use faas_core::serve::connection::STREAM_FULL;
use faas_unix::serving::http2::{Recipient, Waiting};
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// The most bytes of one part of a response: small enough to see how much its client takes.
pub(super) const PART: usize = 16 << 10;

fn bytes_of(given: Given) -> Bytes {
    match given {
        Given::Host(bytes) => bytes.into(),
        given @ Given::Module(_) => Bytes::from_owner(given),
    }
}

/// The answer to one request, from the server to its client.
pub(super) struct Reply {
    state: Mutex<State>,
    /// The request's body, if its invocation reads it.
    upload: Option<Arc<Upload>>,
}

struct State {
    head: Option<platform::Response>,
    parts: VecDeque<Bytes>,
    queued: usize,
    /// `true` once the answer has ended well, `false` once it has failed.
    ended: Option<bool>,
    /// `true` once the client is gone or takes no more.
    gone: bool,
    to_head: bool,
    /// The writer that waits for room; `None` if nobody waits.
    writer: Option<Waiting>,
    slot: Option<usize>,
    waiting: Option<Waker>,
    /// The moment when the client last took something; `None` while nothing is waiting.
    stalled_since: Option<Instant>,
    /// The bytes that the request is charged for, and then those of its response that wait.
    charge: Charge,
}

impl State {
    fn new(to_head: bool, charge: Charge) -> State {
        State {
            head: None,
            parts: VecDeque::new(),
            queued: 0,
            ended: None,
            gone: false,
            to_head,
            writer: None,
            slot: None,
            waiting: None,
            stalled_since: None,
            charge,
        }
    }

    fn push(&mut self, body: Given) {
        // The invocation's memory may be freed before the client has taken it.
        let body = if body.is_borrowed() { Given::from(body.as_slice().to_vec()) } else { body };
        let mut bytes = bytes_of(body);
        if bytes.is_empty() || self.to_head {
            return;
        }
        self.queued += bytes.len();
        self.charge.force(self.queued);
        self.stalled_since.get_or_insert_with(Instant::now);
        while bytes.len() > PART {
            self.parts.push_back(bytes.split_to(PART));
        }
        self.parts.push_back(bytes);
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

impl Reply {
    /// Makes an answer that has not begun. `upload` is the request's body, if its invocation reads it.
    pub(super) fn new(to_head: bool, charge: Charge, upload: Option<Arc<Upload>>) -> Arc<Reply> {
        Arc::new(Reply { state: Mutex::new(State::new(to_head, charge)), upload })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    pub(super) fn poll_head(&self, context: &mut Context<'_>) -> Poll<platform::Response> {
        let mut state = self.state();
        match state.head.take() {
            Some(head) => Poll::Ready(head),
            None => {
                state.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_part(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let mut state = self.state();
        if let Some(part) = state.parts.pop_front() {
            state.queued -= part.len();
            let queued = state.queued;
            state.charge.force(queued);
            state.stalled_since = (queued > 0).then(Instant::now);
            let writer = if queued < STREAM_FULL / 2 { state.writer.take() } else { None };
            drop(state);
            if let Some(writer) = writer {
                writer.go_on();
            }
            return Poll::Ready(Some(Ok(part)));
        }
        match state.ended {
            Some(true) => Poll::Ready(None),
            Some(false) => Poll::Ready(Some(Err(Broken))),
            None => {
                state.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Returns `true` if the client has taken nothing for that long.
    pub(super) fn is_stuck(&self, now: Instant, limit: Duration) -> bool {
        self.state().stalled_since.is_some_and(|since| now.duration_since(since) > limit)
    }
}

impl Recipient for Reply {
    fn answer(&self, response: &platform::Response, body: Given) {
        self.change(|state| {
            state.head = Some(platform::Response { status: response.status, headers: response.headers.clone() });
            state.push(body);
            state.ended = Some(true);
            state.slot = None;
        });
    }

    fn begin(&self, response: &platform::Response) -> bool {
        let mut gone = false;
        self.change(|state| {
            gone = state.gone;
            state.head = Some(platform::Response { status: response.status, headers: response.headers.clone() });
        });
        !gone
    }

    fn chunk(&self, chunk: Given, is_last: bool) -> Status {
        let mut status = OK;
        self.change(|state| {
            if state.gone {
                status = E_CANCELLED;
            } else if state.writer.is_some() && !is_last || state.ended.is_some() {
                status = E_INVALID;
            } else {
                state.push(chunk);
                if state.queued >= STREAM_FULL {
                    status = PENDING;
                }
            }
        });
        status
    }

    fn wait(&self, writer: Waiting) {
        let mut state = self.state();
        let is_over = state.gone || state.ended.is_some();
        if !is_over && state.queued >= STREAM_FULL / 2 {
            state.writer = Some(writer);
            return;
        }
        drop(state);
        if !is_over {
            writer.go_on();
        }
    }

    fn part(&self) -> Result<Vec<u8>, Status> {
        self.upload.as_ref().map_or(Ok(Vec::new()), |upload| upload.part())
    }

    fn wait_for_part(&self, reader: Waiting) {
        if let Some(upload) = &self.upload {
            upload.wait(reader);
        }
    }

    fn end(&self, whole: bool) {
        let mut writer = None;
        self.change(|state| {
            state.ended.get_or_insert(whole);
            state.slot = None;
            writer = state.writer.take();
        });
        drop(writer);
    }

    fn runs_in(&self, slot: usize) {
        self.state().slot = Some(slot);
    }
}

/// The end of a reply that its client takes from. If it is dropped before the reply has ended, the client is taken to
/// be gone.
pub(super) struct Taker {
    pub(super) request: InProgress,
    pub(super) reply: Arc<Reply>,
}

impl Taker {
    /// Returns an empty body, and throws away all bytes that come for it.
    pub(super) fn discard(self) -> Payload {
        let mut state = self.reply.state();
        state.to_head = true;
        state.parts.clear();
        state.queued = 0;
        state.stalled_since = None;
        state.charge.force(0);
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.go_on();
        }
        Payload::Reply(self)
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let client = &self.request.0;
        client.open().retain(|other| !Arc::ptr_eq(other, &self.reply));
        let mut state = self.reply.state();
        state.gone = true;
        state.parts.clear();
        state.charge.force(0);
        let (slot, writer) = (state.slot.take(), state.writer.take());
        drop(state);
        drop(writer);
        if let Some(upload) = &self.reply.upload {
            upload.give_up();
        }
        if let Some(slot) = slot {
            client.desk.peer_gone(slot);
        }
    }
}

/// The body of a response.
pub(super) enum Payload {
    Whole(Bytes),
    Reply(Taker),
}

/// The error of a stream that failed in its middle; the connection's other streams go on.
#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the function failed in the middle of its reply")
    }
}

impl std::error::Error for Broken {}

impl Body for Payload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Payload::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Payload::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Payload::Reply(taker) => taker.reply.poll_part(context).map(|part| part.map(|part| part.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Payload::Whole(bytes) => bytes.is_empty(),
            Payload::Reply(taker) => {
                let state = taker.reply.state();
                state.queued == 0 && state.ended == Some(true)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Payload::Reply(taker) => {
                let state = taker.reply.state();
                if state.ended == Some(true) { SizeHint::with_exact(state.queued as u64) } else { SizeHint::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Given {
        Given::from(text.as_bytes().to_vec())
    }

    fn part(reply: &Reply) -> Poll<Option<Result<Bytes, String>>> {
        let part = reply.poll_part(&mut Context::from_waker(Waker::noop()));
        part.map(|part| part.map(|part| part.map_err(|broken| broken.to_string())))
    }

    #[test]
    fn everything_written_comes_before_the_end_of_two_ends_the_first_counts_and_none_is_written_behind_it() {
        let reply = Reply::new(false, Charge::default(), None);
        assert_eq!(part(&reply), Poll::Pending);
        assert_eq!(reply.chunk(text("a"), false), OK);
        reply.end(false);
        reply.end(true);
        assert_eq!(reply.chunk(text("b"), true), E_INVALID);
        assert_eq!(part(&reply), Poll::Ready(Some(Ok(Bytes::from_static(b"a")))));
        assert_eq!(part(&reply), Poll::Ready(Some(Err(Broken.to_string()))));
    }

    #[test]
    fn a_full_reply_asks_to_wait_and_one_whose_client_has_left_takes_nothing() {
        let reply = Reply::new(false, Charge::default(), None);
        assert_eq!(reply.chunk(Given::from(vec![b'x'; STREAM_FULL - 1]), false), OK);
        assert_eq!(reply.chunk(text("x"), false), PENDING);
        reply.state().gone = true;
        assert_eq!(reply.chunk(text("x"), false), E_CANCELLED);
        assert!(!reply.begin(&platform::Response::default()), "nobody is there to read a head");
    }
}
