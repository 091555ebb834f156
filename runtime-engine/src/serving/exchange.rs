//! One request, and what becomes of it. Knows nothing of how requests and responses travel.

use super::outlet::{Outlet, Piece};
use super::seats::{Abandoned, Desk, Seat, Seats};
use super::signals::{heed, stopping};
use super::stage::Started;
use super::{Client, Server};
use crate::deadline::timed_out;
use crate::work;
use faas_abi::{CANCEL_CLOSING, CANCEL_DEADLINE, CANCEL_PEER_GONE};
use faas_core::failure::Failure;
use faas_core::http1::Message;
use faas_core::invocation::{Facts, Progress};
use faas_core::platform::{Answer, Response, Route};
use faas_core::unit::Unit;
use faas_core::watchdog::Slot;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};

/// What a request came to.
pub(super) enum Outcome {
    /// The invocation in this seat has a response. The seat is to be [`finish`]ed once that is out.
    Answer(Seat),
    /// A stream has begun.
    Stream(Response, Tap),
    /// The runtime's own words.
    Own(Response, Vec<u8>),
}

impl Outcome {
    fn own(answer: &Answer) -> Outcome {
        let mut response = Response::default();
        answer.head(&mut response);
        Outcome::Own(response, answer.body.as_bytes().to_vec())
    }

    fn refused(server: &Server, facts: &Facts, request: &Message, failure: &Failure) -> Outcome {
        let (mut response, mut body) = (Response::default(), Vec::new());
        let request_id = facts.request_id.read(request.bytes());
        server.protocol.refused(facts, request_id, failure, &mut response, &mut body);
        Outcome::Own(response, body)
    }

    fn failed(server: &Server, facts: &Facts, request_id: &[u8], failure: &Failure) -> Outcome {
        let (mut response, mut body) = (Response::default(), Vec::new());
        server.protocol.failed(facts, request_id, failure, &mut response, &mut body);
        Outcome::Own(response, body)
    }
}

/// The taking end of a stream. Dropped before the stream has ended, it cancels the invocation.
pub(super) struct Tap {
    outlet: Arc<Outlet>,
    slot: Arc<Slot>,
    client: Arc<Client>,
}

impl Tap {
    /// What comes next.
    pub(super) async fn next(&self) -> Piece {
        self.outlet.next().await
    }

    /// What comes next.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Piece> {
        self.outlet.poll_next(context)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // A seat gets its next invocation only after its stream has ended: this hits no other.
        if self.outlet.close() {
            self.client.server.stop.watchdog().cancel(&self.slot, CANCEL_PEER_GONE);
        }
    }
}

/// Answers a request. Dropped before that, the client is taken to be gone, and the invocation is cancelled.
pub(super) async fn exchange(client: &Arc<Client>, request: Message) -> Outcome {
    let server = &client.server;
    loop {
        match server.protocol.route(&server.unit, &request, server.state()) {
            Route::Own(answer) => return Outcome::own(&answer),
            Route::Health => return Outcome::own(&server.health()),
            Route::Invoke(facts) => return invoke(client, request, facts).await,
            Route::Rewritten(request, facts) => return invoke(client, *request, facts).await,
            Route::Signal(signal) => {
                if let Some(answer) = heed(client, signal).await {
                    return Outcome::own(&answer);
                }
            }
        }
    }
}

async fn invoke(client: &Arc<Client>, request: Message, facts: Facts) -> Outcome {
    let server = &client.server;
    let started = match server.stage.started() {
        Some(started) => started,
        None => match server.started_for(client).await {
            Ok(started) => started,
            Err((failure, true)) => return Outcome::refused(server, &facts, &request, &failure),
            Err((failure, false)) => {
                return Outcome::failed(server, &facts, facts.request_id.read(request.bytes()), &failure);
            }
        },
    };
    let Some(mut seat) = server.seats.take(&started.runtime, &server.protocol, &server.stop) else {
        let failure =
            Failure::new("Runtime.Overloaded", "as many invocations as this instance serves at once are running");
        return Outcome::refused(server, &facts, &request, &failure);
    };
    let cold = server.unit.enter();
    // After that: whoever closes looks at the two in the other order.
    if server.closed.load(SeqCst) {
        server.unit.leave();
        server.seats.put(seat);
        return Outcome::refused(server, &facts, &request, &stopping());
    }
    seat.place.reset();
    let invocation = seat.place.get_mut();
    invocation.renew(request, facts, cold);
    invocation.set_peer(&client.peer);
    if facts.request_id.is_empty() {
        invocation.set_request_id(&server.ids.next());
    }
    server.protocol.before(seat.place.get());
    if facts.deadline.is_some() {
        seat.desk.abandoned.may_be(&facts);
    }
    server.stop.watchdog().begin(&seat.desk.slot, &seat.place);
    let (port, abandoned, slot) = (seat.desk.port.clone(), seat.desk.abandoned.clone(), seat.desk.slot.clone());
    let mut flight = Flight::new(client.clone(), started, facts, seat);
    let ended = tokio::select! {
        biased;
        ended = &mut flight => ended,
        (head, outlet) = port.opened() => {
            let tap = Tap { outlet, slot, client: client.clone() };
            flight.land_alone();
            return Outcome::Stream(head, tap);
        }
        request_id = abandoned.told() => {
            // The call goes on by itself, and its seat is lost.
            if let Some(call) = flight.call.take() {
                tokio::spawn(late(server.unit.clone(), server.seats.clone(), call));
            }
            return Outcome::failed(server, &facts, &request_id, &timed_out());
        }
    };
    match ended {
        Some(seat) => match settle(server, seat) {
            Settled::Reply(seat) => Outcome::Answer(seat),
            Settled::Streamed(seat, stream) => {
                // All of it is in the queue already.
                finish_alone(client, seat);
                match stream {
                    Some((head, outlet)) => Outcome::Stream(head, Tap { outlet, slot, client: client.clone() }),
                    None => Outcome::own(&Answer::text(500, "the stream has been taken")),
                }
            }
            Settled::TooLate => {
                back(&server.unit, &server.seats);
                // It is about to say so, and the protocol has heard of the end by then.
                let request_id = abandoned.told().await;
                Outcome::failed(server, &facts, &request_id, &timed_out())
            }
        },
        None => {
            lost(server, &slot, &facts);
            let failure =
                Failure::new("Runtime.Internal", "a thread of the pool ended in the middle of the invocation");
            Outcome::failed(server, &facts, b"", &failure)
        }
    }
}

/// An invocation's thread is gone, and its place and request id with it.
fn lost(server: &Server, slot: &Slot, facts: &Facts) {
    if server.stop.watchdog().claim(slot) {
        server.protocol.after(&server.unit, facts, b"", true);
        server.unit.leave();
    } else {
        back(&server.unit, &server.seats);
    }
}

/// The end of a call that the watchdog has taken away. Holds nothing that the end of the process waits for.
async fn late(unit: Arc<Unit>, seats: Arc<Seats>, call: Call) {
    call.await;
    back(&unit, &seats);
}

/// A call that the watchdog has taken away has ended.
fn back(unit: &Unit, seats: &Seats) {
    // In this order: one that is in flight must not be taken for one that does not end.
    seats.come_back();
    unit.leave();
}

type Call = Pin<Box<dyn Future<Output = Option<Seat>> + Send>>;

/// A running invocation.
struct Flight {
    client: Arc<Client>,
    facts: Facts,
    slot: Arc<Slot>,
    abandoned: Arc<Abandoned>,
    call: Option<Call>,
}

impl Flight {
    fn new(client: Arc<Client>, started: &Started, facts: Facts, seat: Seat) -> Flight {
        let (slot, abandoned) = (seat.desk.slot.clone(), seat.desk.abandoned.clone());
        let (runtime, way) = (started.runtime.clone(), started.way.clone());
        let call = async move {
            let Seat { place, desk } = seat;
            let place = work::invoke(&runtime, &way, place).await?;
            Some(Seat { place, desk })
        };
        Flight { client, facts, slot, abandoned, call: Some(Box::pin(call)) }
    }

    /// Nobody waits for it any more, but its stream does go on.
    fn land_alone(&mut self) {
        let Some(mut call) = self.call.take() else { return };
        let (client, abandoned) = (self.client.clone(), self.abandoned.clone());
        let (facts, slot) = (self.facts, self.slot.clone());
        tokio::spawn(async move {
            let seat = tokio::select! {
                biased;
                seat = &mut call => seat,
                _ = abandoned.told() => {
                    let (unit, seats) = (client.server.unit.clone(), client.server.seats.clone());
                    drop(client);
                    return late(unit, seats, call).await;
                }
            };
            match seat.map(|seat| settle(&client.server, seat)) {
                Some(Settled::Reply(seat) | Settled::Streamed(seat, _)) => finish_alone(&client, seat),
                Some(Settled::TooLate) => back(&client.server.unit, &client.server.seats),
                None => lost(&client.server, &slot, &facts),
            }
        });
    }
}

impl Future for Flight {
    type Output = Option<Seat>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(call) = &mut self.call else { return Poll::Pending };
        let seat = std::task::ready!(call.as_mut().poll(context));
        self.call = None;
        Poll::Ready(seat)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.call.is_some() {
            self.client.server.stop.watchdog().cancel(&self.slot, CANCEL_PEER_GONE);
            self.land_alone();
        }
    }
}

/// What an ended invocation came to.
enum Settled {
    /// Its response is made.
    Reply(Seat),
    /// Its stream has ended; here it is, if nobody has picked it up.
    Streamed(Seat, Option<(Response, Arc<Outlet>)>),
    /// The watchdog has taken it away.
    TooLate,
}

fn settle(server: &Server, mut seat: Seat) -> Settled {
    if !server.stop.watchdog().claim(&seat.desk.slot) {
        return Settled::TooLate;
    }
    let cancelled = seat.place.cancelled();
    let invocation = seat.place.get_mut();
    if invocation.failure().is_some() {
        match cancelled {
            CANCEL_DEADLINE => invocation.set_failure(timed_out()),
            CANCEL_CLOSING => {
                invocation.set_failure(Failure::new("Runtime.Closing", "the instance is stopping; try another"));
            }
            _ => {}
        }
    }
    server.protocol.after(&server.unit, invocation.facts(), invocation.request_id(), invocation.failure().is_some());
    if let Progress::Streaming(_) = invocation.progress() {
        let stream = seat.desk.port.end(invocation.failure().is_none());
        return Settled::Streamed(seat, stream);
    }
    let Desk { response, scratch, .. } = &mut seat.desk;
    seat.desk.from = server.protocol.respond(seat.place.get(), response, scratch);
    Settled::Reply(seat)
}

/// The response is out: work after it, and the seat is free again. Gives the request's memory back.
pub(super) fn finish(client: &Arc<Client>, mut seat: Seat) -> Option<Message> {
    let server = &client.server;
    if server.has_replied_work() {
        finish_alone(client, seat);
        return None;
    }
    let message = seat.clear();
    server.unit.leave();
    server.seats.put(seat);
    message
}

/// As [`finish`], for nobody who waits.
fn finish_alone(client: &Arc<Client>, seat: Seat) {
    let client = client.clone();
    tokio::spawn(async move {
        let server = &client.server;
        let Seat { mut place, desk } = seat;
        if server.has_replied_work()
            && let Some(started) = server.stage.started()
        {
            match work::replied(&started.runtime, &started.way, place).await {
                Some(back) => place = back,
                None => return server.unit.leave(),
            }
        }
        let mut seat = Seat { place, desk };
        seat.clear();
        server.unit.leave();
        server.seats.put(seat);
    });
}
