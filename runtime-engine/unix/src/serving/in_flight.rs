//! The part of a seat's invocation that other threads may see: its client, the way to cancel it, and the stream it
//! opens.
//!
//! The first to send a head decides: the invocation's stream, or whoever answers for it. After that the other may only
//! break the connection off.

use super::link::{Link, tell};
use super::thread_place::ThreadPlace;
use super::uploads::FromClient;
use super::{Server, http2, room};
use faas_abi::host::Given;
use faas_abi::{CANCEL_PEER_GONE, E_CANCELLED, OK, PENDING, Status, Tok};
use faas_core::chain::Place;
use faas_core::flight::Slot;
use faas_core::http1::{Framing, Version};
use faas_core::invocation::{Code, Invocation, InvocationMetadata, Stream};
use faas_core::platform::Response;
use faas_core::serve::{Charge, Manner, response_head};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// No head of the answer is out.
const WHOLE: u8 = 0;
/// A stream's head is out, or on its way.
const STREAMING: u8 = 1;
/// Another thread answers the invocation.
const ABANDONED: u8 = 2;

/// The client that waits for the answer.
#[derive(Clone, Debug)]
pub(super) enum Client {
    /// The request came over a connection of HTTP/1.1.
    Link(Arc<Link>),
    /// The request came over HTTP/2; with the other side's address.
    Http2(Arc<dyn http2::Recipient>, Arc<str>),
}

impl Client {
    /// Returns the other side's address, which is empty over a Unix socket.
    pub(super) fn peer(&self) -> &str {
        match self {
            Client::Link(link) => &link.peer,
            Client::Http2(_, peer) => peer,
        }
    }
}

/// The invocation's client, and how the response goes out.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub(super) client: Client,
    pub(super) manner: Manner,
}

/// The invocation, as whoever answers for it sees it.
#[derive(Debug, Default)]
struct Answerable {
    /// The client that waits, and the manner of its answer; `None` once somebody has answered.
    current: Option<Current>,
    metadata: InvocationMetadata,
}

/// The part of a seat that other threads may see.
#[derive(Debug)]
pub(super) struct InFlight {
    slot: Arc<Slot>,
    answerable: Mutex<Answerable>,
    head: AtomicU8,
    /// The invocation's place among those that run.
    pub(super) place: Arc<ThreadPlace>,
    /// The bytes that a body is charged for while it is collected for its function.
    pub(super) collected: Mutex<Charge>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InFlight {
    /// Makes the part of a new seat, whose streams go to its clients from now on.
    pub(super) fn new(server: &Arc<Server>, slot: &Arc<Slot>, place: &mut Place) -> Arc<InFlight> {
        let flight = InFlight {
            slot: slot.clone(),
            answerable: Mutex::default(),
            head: AtomicU8::new(WHOLE),
            place: ThreadPlace::new(),
            collected: Mutex::new(Charge::of(&server.budget)),
        };
        let flight = Arc::new(flight);
        place.get_mut().set_stream(Box::new(ToClient {
            flight: flight.clone(),
            server: Arc::downgrade(server),
            response: Response::default(),
            head: Vec::new(),
            returns_soon: false,
        }));
        place
            .get_mut()
            .set_body_source(Arc::new(FromClient { flight: flight.clone(), server: Arc::downgrade(server) }));
        flight
    }

    /// Notes that an invocation begins, on a thread.
    #[inline]
    pub(super) fn begin(&self, client: Client, manner: Manner, metadata: &InvocationMetadata) {
        self.place.enter();
        self.head.store(WHOLE, SeqCst);
        let mut answerable = lock(&self.answerable);
        answerable.metadata = *metadata;
        answerable.current = Some(Current { client, manner });
    }

    /// Returns the invocation's place among those that run.
    pub(super) fn place(&self) -> Arc<ThreadPlace> {
        self.place.clone()
    }

    /// Returns the invocation's client and manner, while nobody has answered.
    pub(super) fn current(&self) -> Option<Current> {
        lock(&self.answerable).current.clone()
    }

    /// Returns `true` if the function that serves it says that its calls return soon, and never wait on their thread.
    pub(super) fn returns_soon(&self, server: &Server) -> bool {
        server.runtime.functions().returns_soon(self.slot.function())
    }

    /// Frees the charge of a body that was collected.
    pub(super) fn forget_collected(&self) {
        lock(&self.collected).force(0);
    }

    /// Notes that the invocation has ended. Returns its client and manner, unless another thread has answered.
    #[inline]
    pub(super) fn end(&self) -> Option<Current> {
        lock(&self.answerable).current.take()
    }

    /// Notes that another thread answers. Returns the client that is owed the answer, with the invocation's metadata,
    /// and `true` if the answer may still have a head.
    pub(super) fn abandon(&self) -> Option<(Current, InvocationMetadata, bool)> {
        let mut answerable = lock(&self.answerable);
        let current = answerable.current.take()?;
        Some((current, answerable.metadata, self.head.swap(ABANDONED, SeqCst) == WHOLE))
    }
}

impl Server {
    /// Tells the invocation in this slot that its client has left, or sends no more. Its module is told elsewhere.
    pub(super) fn peer_gone(&self, number: usize) {
        let canceller = self.seats.flight(number).and_then(|flight| flight.slot.canceller());
        if let Some(canceller) = canceller {
            self.background.run(move || canceller.fire(CANCEL_PEER_GONE));
        }
    }
}

/// The stream of a seat's invocations to its clients.
struct ToClient {
    flight: Arc<InFlight>,
    server: Weak<Server>,
    response: Response,
    head: Vec<u8>,
    /// `true` if the function's calls return soon, and never wait on their thread.
    returns_soon: bool,
}

impl ToClient {
    fn current(&self) -> Option<(Arc<Server>, Current)> {
        Some((self.server.upgrade()?, self.flight.current()?))
    }
}

impl Stream for ToClient {
    fn open(&mut self, invocation: &Invocation, code: Code) -> Status {
        let Some((server, Current { client, manner })) = self.current() else { return E_CANCELLED };
        if self.flight.head.compare_exchange(WHOLE, STREAMING, SeqCst, SeqCst).is_err() {
            return E_CANCELLED;
        }
        self.returns_soon = server.runtime.functions().returns_soon(invocation.function_number());
        server.protocol.stream_head(invocation, code, &mut self.response);
        let taken = match client {
            Client::Http2(recipient, _) => recipient.begin(&self.response),
            Client::Link(link) => {
                let chunked = manner.version == Version::Http11;
                let keep = manner.keep && chunked && !server.shutdown.deadlines().is_stopping();
                let manner = Manner { keep, ..manner };
                let framing = if chunked { Framing::Chunked } else { Framing::UntilClose };
                self.head.clear();
                response_head::head(&mut self.head, &self.response, manner, framing, &invocation.process().log);
                let mute = !manner.has_body(self.response.status);
                let mut state = link.lock();
                let taken = state.connection.begin_stream(&self.head, chunked, mute, keep);
                server.flush(&link, &mut state, &mut Vec::new());
                let taken = taken && !state.connection.is_closed();
                drop(state);
                server.let_go(&link);
                taken
            }
        };
        if taken { OK } else { E_CANCELLED }
    }

    fn write(&mut self, chunk: Given, room: *mut Tok) -> Status {
        let Some((server, Current { client, .. })) = self.current() else { return E_CANCELLED };
        let (place, returns_soon) = (&self.flight.place, self.returns_soon);
        match client {
            Client::Http2(recipient, _) => room::write(&server, &*recipient, chunk, room.addr(), place, returns_soon),
            Client::Link(link) => write(&server, &link, chunk, room.addr(), place, returns_soon),
        }
    }
}

/// Sends a part of a stream, and does not wait. The bytes that the socket does not take are kept up to a limit. Beyond
/// it the writer waits for its token, unless that is 0: then nobody waits. If `returns_soon`, the call does not wait on
/// its thread for that.
fn write(
    server: &Server,
    link: &Link,
    chunk: Given,
    room: usize,
    place: &Arc<ThreadPlace>,
    returns_soon: bool,
) -> Status {
    let mut rooms = Vec::new();
    let mut state = link.lock();
    if !state.connection.chunk(chunk) {
        return E_CANCELLED;
    }
    server.flush(link, &mut state, &mut rooms);
    let is_full = state.connection.is_full() && !state.connection.is_closed();
    if is_full && room != 0 {
        state.connection.wait_for_room(room);
        if !returns_soon {
            server.lend_once(place, &mut state.lent);
        }
    }
    let is_open = state.connection.is_streaming();
    drop(state);
    server.let_go(link);
    rooms.into_iter().for_each(|room| tell(room, OK));
    match (is_open, is_full) {
        (false, _) => E_CANCELLED,
        (true, true) => PENDING,
        (true, false) => OK,
    }
}
