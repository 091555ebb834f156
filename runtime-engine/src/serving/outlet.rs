//! A streamed reply on its way from a function to a connection: a queue bounded by bytes.
//!
//! The function's thread fills it, the connection's task empties it. Full, the function is told to wait for room; a
//! client that leaves ends the function's writing.

use faas_abi::host::Given;
use faas_abi::host::token::complete;
use faas_abi::{E_CANCELLED, E_INVALID, E_UNSUPPORTED, OK, PENDING, Status, Tok};
use faas_core::invocation::{Code, Invocation, Stream};
use faas_core::platform::{Response, Serving};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Bytes that may wait for a client.
const FULL: usize = 256 << 10;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(room: usize, status: Status) {
    if room != 0 {
        complete(std::ptr::without_provenance_mut::<Tok>(room), status);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// What comes next of a stream.
#[derive(Debug)]
pub(super) enum Piece {
    /// Bytes.
    Chunk(Given),
    /// The end.
    End,
    /// It failed in the middle: the client must not take it for whole.
    Broken,
}

/// One stream.
#[derive(Debug, Default)]
pub(super) struct Outlet(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Given>,
    queued: usize,
    /// Ended, and was it well?
    ended: Option<bool>,
    client_gone: bool,
    /// Address of the token that waits for room, 0 for none. Not a pointer to anything.
    room: usize,
    reader: Option<Waker>,
}

impl Outlet {
    fn write(&self, chunk: Given, room: *mut Tok) -> Status {
        // Memory of the invocation may be gone before the client has taken it.
        let chunk = if chunk.is_borrowed() { Given::from(chunk.as_slice().to_vec()) } else { chunk };
        let mut state = lock(&self.0);
        if state.client_gone {
            return E_CANCELLED;
        }
        if state.room != 0 || state.ended.is_some() {
            return E_INVALID;
        }
        let length = chunk.as_slice().len();
        if length == 0 {
            return OK;
        }
        if room.is_null() && state.queued >= FULL {
            return E_INVALID;
        }
        state.queued += length;
        state.chunks.push_back(chunk);
        let waits = state.queued >= FULL && !room.is_null();
        if waits {
            state.room = room.addr();
        }
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        if waits { PENDING } else { OK }
    }

    /// No more comes.
    pub(super) fn end(&self, well: bool) {
        let mut state = lock(&self.0);
        state.ended.get_or_insert(well);
        let room = std::mem::take(&mut state.room);
        let reader = state.reader.take();
        drop(state);
        tell(room, E_CANCELLED);
        wake(reader);
    }

    /// Nobody takes anything any more. True: the function has not ended yet.
    pub(super) fn close(&self) -> bool {
        let mut state = lock(&self.0);
        state.client_gone = true;
        let chunks = std::mem::take(&mut state.chunks);
        let room = std::mem::take(&mut state.room);
        let running = state.ended.is_none();
        drop(state);
        drop(chunks);
        tell(room, E_CANCELLED);
        running
    }

    /// What comes next.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Piece> {
        let mut state = lock(&self.0);
        if let Some(chunk) = state.chunks.pop_front() {
            state.queued -= chunk.as_slice().len();
            let room = if state.queued < FULL / 2 { std::mem::take(&mut state.room) } else { 0 };
            drop(state);
            tell(room, OK);
            return Poll::Ready(Piece::Chunk(chunk));
        }
        match state.ended {
            Some(true) => Poll::Ready(Piece::End),
            Some(false) => Poll::Ready(Piece::Broken),
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// What comes next.
    pub(super) async fn next(&self) -> Piece {
        poll_fn(|context| self.poll_next(context)).await
    }
}

/// Where the streams of one seat begin, one after the other.
#[derive(Debug, Default)]
pub(super) struct Port(Mutex<Mouth>);

#[derive(Debug, Default)]
struct Mouth {
    outlet: Option<Arc<Outlet>>,
    /// Of a stream that nobody has picked up.
    head: Option<Response>,
    waiting: Option<Waker>,
}

impl Port {
    /// The stream that the seat's function begins.
    pub(super) async fn opened(&self) -> (Response, Arc<Outlet>) {
        poll_fn(|context| {
            let mut mouth = lock(&self.0);
            match (mouth.head.take(), &mouth.outlet) {
                (Some(head), Some(outlet)) => Poll::Ready((head, outlet.clone())),
                _ => {
                    mouth.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The function has ended: so does its stream, if it began one. Gives the stream if nobody has picked it up.
    pub(super) fn end(&self, well: bool) -> Option<(Response, Arc<Outlet>)> {
        let mut mouth = lock(&self.0);
        mouth.waiting = None;
        let head = mouth.head.take();
        let outlet = mouth.outlet.take();
        drop(mouth);
        let outlet = outlet?;
        outlet.end(well);
        Some((head?, outlet))
    }

    /// Ends the stream, if there is one, of a function that does not end.
    pub(super) fn cut(&self) {
        if let Some(outlet) = lock(&self.0).outlet.clone() {
            outlet.end(false);
        }
    }
}

/// What an invocation streams into.
pub(super) struct ToClient {
    pub(super) port: Arc<Port>,
    pub(super) protocol: Arc<dyn Serving>,
}

impl Stream for ToClient {
    fn open(&mut self, invocation: &Invocation, code: Code) -> Status {
        let mut head = Response::default();
        self.protocol.stream_head(invocation, code, &mut head);
        let mut mouth = lock(&self.port.0);
        mouth.head = Some(head);
        mouth.outlet = Some(Arc::default());
        let waiting = mouth.waiting.take();
        drop(mouth);
        wake(waiting);
        OK
    }

    fn write(&mut self, chunk: Given, room: *mut Tok) -> Status {
        let outlet = lock(&self.port.0).outlet.clone();
        outlet.map_or(E_UNSUPPORTED, |outlet| outlet.write(chunk, room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faas_abi::host::token::Token;

    fn bytes(length: usize) -> Given {
        Given::from(vec![b'x'; length])
    }

    fn next(outlet: &Outlet) -> Poll<Piece> {
        outlet.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn told(token: &Token) -> Poll<Status> {
        token.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_full_queue_asks_to_wait_and_says_when_there_is_room() {
        let (outlet, token) = (Outlet::default(), Token::new());
        assert_eq!(outlet.write(bytes(10), token.arm()), OK);
        assert_eq!(outlet.write(bytes(FULL), token.arm()), PENDING);
        assert_eq!(outlet.write(bytes(1), token.arm()), E_INVALID, "it was told to wait");
        let token = Token::new();
        let outlet = Outlet::default();
        assert_eq!(outlet.write(bytes(FULL), token.arm()), PENDING);
        assert!(told(&token).is_pending());
        assert!(matches!(next(&outlet), Poll::Ready(Piece::Chunk(chunk)) if chunk.as_slice().len() == FULL));
        assert_eq!(told(&token), Poll::Ready(OK));
        assert!(next(&outlet).is_pending());
    }

    #[test]
    fn everything_written_comes_before_the_end_and_a_failure_is_no_end() {
        let outlet = Outlet::default();
        assert_eq!(outlet.write(bytes(3), std::ptr::null_mut()), OK);
        outlet.end(false);
        outlet.end(true);
        assert!(matches!(next(&outlet), Poll::Ready(Piece::Chunk(_))));
        assert!(matches!(next(&outlet), Poll::Ready(Piece::Broken)), "the first end counts");
    }

    #[test]
    fn a_client_that_leaves_ends_the_writing() {
        let (outlet, token) = (Outlet::default(), Token::new());
        assert_eq!(outlet.write(bytes(FULL), token.arm()), PENDING);
        assert!(outlet.close(), "the function is still running");
        assert_eq!(told(&token), Poll::Ready(E_CANCELLED));
        assert_eq!(outlet.write(bytes(1), std::ptr::null_mut()), E_CANCELLED);
        outlet.end(true);
        assert!(!outlet.close());
    }
}
