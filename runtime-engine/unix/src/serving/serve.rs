//! One invocation, from an accepted request to its response, on the thread that read the request.
//!
//! A call runs where it is while that is short; the threads beside it see to it that somebody watches the connections
//! meanwhile (`thread_pool`). A function whose calls wait for something else than this thread leaves it: the invocation
//! is kept (`pending`) and goes on when it is woken.

use super::Server;
use super::access_log::Access;
use super::in_flight::{Client, Current};
use super::link::{Link, write};
use super::pending::Pending;
use super::seats::Seat;
use super::worker::Worker;
use faas_abi::host::Given;
use faas_core::http1::{Framing, Message};
use faas_core::invocation::{Code, InvocationMetadata, Progress};
use faas_core::parking::block_on;
use faas_core::platform::BodyFrom;
use faas_core::serve::{Manner, response_head};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};

/// The size in bytes up to which a body is copied behind its head. That costs less than telling the system of two
/// places.
const COPY: usize = 4 << 10;
/// The size in bytes up to which the memory of a rendered reply is kept for the next one.
const KEPT: usize = 256 << 10;

impl Worker<'_> {
    /// Serves a request. Returns the connection if this worker is to go on with it.
    pub(super) fn serve(
        &mut self,
        client: Client,
        message: Message,
        metadata: &InvocationMetadata,
        manner: Manner,
        mut seat: Box<Seat>,
    ) -> Option<Arc<Link>> {
        let server = self.server;
        let process = server.runtime.process();
        let cold = process.enter();
        seat.place.reset();
        let invocation = seat.place.get_mut();
        invocation.renew(message, metadata, cold);
        invocation.set_peer(client.peer());
        if invocation.request_id().is_empty() {
            invocation.set_request_id(&server.ids.next());
        }
        let waits = server.waits.load(Relaxed);
        seat.flight.begin(client, manner, metadata);
        // This comes before the deadlines may give the invocation up: one that has begun is told of once, and ends
        // once.
        server.protocol.before(seat.place.get());
        server.shutdown.deadlines().begin(&seat.slot, &seat.place);
        let began = self.step_aside(seat.place.get().received_ns());
        if waits {
            // A place that no other thread holds any more has room for the next.
            let spare = self.spare.take().filter(|pending| Arc::strong_count(pending) == 1);
            let pending = spare.unwrap_or_else(|| Pending::new(server));
            pending.begin(server, seat);
            return self.run_pending(pending, began);
        }
        let is_mine = {
            let mut call = pin!(server.runtime.invoke(&mut seat.place));
            match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(is_mine) => is_mine,
                Poll::Pending => {
                    // The thread is held this once, and not its place: others may run meanwhile, on which this one may
                    // wait. Further calls of a function like this one leave their threads.
                    server.waits.store(!server.blocks, Relaxed);
                    let mut lent = server.lend(&seat.flight.place());
                    let is_mine = block_on(call);
                    server.take_back(&mut lent);
                    is_mine
                }
            }
        };
        self.finish(seat, is_mine, began)
    }

    /// Goes on with an invocation that was woken. Returns the connection if this worker is to go on with it.
    pub(super) fn resume(&mut self, pending: Arc<Pending>) -> Option<Arc<Link>> {
        let server = self.server;
        let began = self.step_aside(server.runtime.process().now_ns());
        self.run_pending(pending, began)
    }

    fn run_pending(&mut self, pending: Arc<Pending>, began: u64) -> Option<Arc<Link>> {
        match pending.run() {
            Some((seat, is_mine)) => {
                self.spare = Some(pending);
                self.finish(seat, is_mine, began)
            }
            None => {
                // It is kept until it is woken; the thread is free.
                self.server.admission.freed();
                self.step_back(began);
                None
            }
        }
    }

    /// Answers an invocation whose walk has ended, unless another thread has, and runs the work after the reply.
    fn finish(&mut self, mut seat: Box<Seat>, is_mine: bool, began: u64) -> Option<Arc<Link>> {
        let server = self.server;
        let process = server.runtime.process();
        let (mut mine, mut answered) = (None, false);
        if is_mine && let Some(Current { client, manner }) = seat.flight.end() {
            let ended = seat.place.get();
            server.protocol.after(process, ended.metadata(), ended.request_id(), ended.failure().is_some());
            // This comes before the response is out: a client that has read it may send the next request at once.
            server.admission.answered();
            mine = self.answer(server, &mut seat, client, manner);
            answered = true;
        }
        if answered && server.runtime.has_replied_work(&seat.place) {
            // The client has its response and may go on; this thread cannot yet.
            if let Some(link) = mine.take() {
                link.lock().claimed = false;
                server.look_again(&link);
            }
            self.after_reply(server, &mut seat);
        }
        process.leave();
        seat.charge = Default::default();
        seat.flight.forget_collected();
        if let Some(message) = seat.place.get_mut().clear() {
            self.reader.recycle(message);
        }
        if seat.scratch.capacity() > KEPT {
            seat.scratch = Vec::new();
        }
        match &self.seat {
            None => self.seat = Some(seat),
            Some(_) => server.seats.put(seat),
        }
        server.admission.freed();
        self.step_back(began);
        server.end_if_quiet();
        mine
    }

    /// Runs the work for after the reply, within its own budget.
    fn after_reply(&mut self, server: &Server, seat: &mut Seat) {
        let deadlines = server.shutdown.deadlines();
        deadlines.begin_replied(&seat.slot, &seat.place, server.replied_timeout);
        block_on(server.runtime.replied(&mut seat.place));
        seat.slot.end_replied();
    }

    /// Gives the client its answer. Returns the connection if this worker is to go on with it.
    fn answer(&mut self, server: &Server, seat: &mut Seat, client: Client, manner: Manner) -> Option<Arc<Link>> {
        let is_stream = matches!(seat.place.get().progress(), Progress::Streaming(_));
        let whole = seat.place.get().failure().is_none();
        match client {
            Client::Http2(recipient, _) => {
                if is_stream {
                    recipient.end(whole);
                    access(server, seat, "", None);
                } else {
                    let body = respond(server, seat);
                    access(server, seat, "", Some(body.as_slice().len()));
                    recipient.answer(&seat.response, body);
                }
                None
            }
            Client::Link(link) => {
                let mut state = link.lock();
                state.slot = None;
                // The writer did not wait for the room it has asked for.
                server.take_back(&mut state.lent);
                server.take_back(&mut state.lent_to_read);
                if is_stream {
                    state.connection.end_stream(whole);
                    server.flush(&link, &mut state, &mut self.rooms);
                    access(server, seat, &link.peer, None);
                } else {
                    let manner = server.settled(manner, state.connection.end_upload());
                    seat.head.clear();
                    let from = render(server, seat);
                    let body = match from {
                        BodyFrom::Reply => seat.place.get().reply().as_slice(),
                        BodyFrom::Scratch => &seat.scratch,
                    };
                    let framing = Framing::Length(body.len() as u64);
                    let log = &server.runtime.process().log;
                    response_head::head(&mut seat.head, &seat.response, manner, framing, log);
                    if server.config.access_log {
                        access(server, seat, &link.peer, Some(body.len()));
                    }
                    let mut body = if manner.has_body(seat.response.status) { body } else { &[] };
                    if body.len() <= COPY {
                        seat.head.extend_from_slice(body);
                        body = &[];
                    }
                    let written =
                        if state.connection.may_write() { write(&link.socket, &seat.head, body) } else { Ok(None) };
                    match written {
                        Ok(written) => {
                            let written = written.unwrap_or(0);
                            let (of_head, of_body) =
                                (written.min(seat.head.len()), written.saturating_sub(seat.head.len()));
                            let rest = body.len() - of_body;
                            state.connection.send(&seat.head[of_head..]);
                            if rest > 0 {
                                // The body is copied, unless it outlives the invocation by itself.
                                let body = take_body(seat, from);
                                state.connection.send_body(body, of_body);
                            }
                            state.connection.answered(manner.keep);
                            state.connection.touch(seat.place.get().received_ns());
                        }
                        Err(_) => {
                            let step = state.connection.end_of_input();
                            server.carry_out::<()>(&link, step);
                        }
                    }
                }
                drop(state);
                Some(link)
            }
        }
    }
}

/// Writes the access line of an invocation that is being answered.
fn access(server: &Server, seat: &Seat, client: &str, bytes: Option<usize>) {
    let invocation = seat.place.get();
    let status = match invocation.progress() {
        Progress::Streaming(Code::Http(status)) => status,
        Progress::Streaming(_) => 200,
        _ => seat.response.status,
    };
    server.access(&Access {
        request_id: invocation.request_id(),
        message: invocation.message(),
        client,
        status,
        bytes,
        received_ns: invocation.received_ns(),
    });
}

/// Renders status, headers and body. Returns where the body lies.
fn render(server: &Server, seat: &mut Seat) -> BodyFrom {
    seat.scratch.clear();
    server.protocol.respond(seat.place.get(), &mut seat.response, &mut seat.scratch)
}

/// Renders the response; returns its body in a form that outlives the invocation.
fn respond(server: &Server, seat: &mut Seat) -> Given {
    let from = render(server, seat);
    take_body(seat, from)
}

fn take_body(seat: &mut Seat, from: BodyFrom) -> Given {
    match from {
        BodyFrom::Scratch => Given::from(std::mem::take(&mut seat.scratch)),
        BodyFrom::Reply if seat.place.get().reply().is_borrowed() => {
            Given::from(seat.place.get().reply().as_slice().to_vec())
        }
        BodyFrom::Reply => seat.place.get_mut().take_reply(),
    }
}
