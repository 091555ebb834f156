//! The HTTP side: a thread of its own that accepts connections, reads requests, carries out scripted faults and keeps
//! the deadlines. The meaning of a call is not decided here.

use super::state::{Call, Delivery, Polled, State};
use super::wire::{Reply, Seen, peer_gone, read_request, write_all};
use super::{Ending, Fault};
use crate::acceptor::{self, Command, Next};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};

/// The state, and the waiters for its change.
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    due: Notify,
}

impl Shared {
    pub(super) fn new(state: State) -> Shared {
        Shared { state: Mutex::new(state), changed: Condvar::new(), due: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks without waking anybody.
    pub(super) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes something, and wakes every waiter for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let value = change(&mut self.lock());
        self.changed.notify_all();
        self.due.notify_one();
        value
    }

    /// Blocks until `found` finds something or the limit passes.
    pub(super) fn wait_until<T>(&self, limit: Duration, mut found: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let until = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(value) = found(&state) {
                return Some(value);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Starts the server on a free loopback port.
pub(super) fn start(
    shared: Arc<Shared>,
    commands: mpsc::UnboundedReceiver<Command>,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let deadlines = keep_deadlines(Arc::clone(&shared));
    acceptor::start("control-plane", commands, deadlines, move |stream, address| {
        tokio::spawn(serve(Arc::clone(&shared), stream, address));
        Next::Accept
    })
}

/// Sleeps to the next moment at which a limit passes.
async fn keep_deadlines(shared: Arc<Shared>) {
    loop {
        match shared.look(State::next_due) {
            None => shared.due.notified().await,
            Some(at) => tokio::select! {
                () = tokio::time::sleep_until(at.into()) => shared.change(|state| state.expire(Instant::now())),
                () = shared.due.notified() => {}
            },
        }
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr) {
    // Small replies would wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let (cutter, cut) = oneshot::channel();
    let number = shared.change(|state| state.connected(cutter));
    let ending = tokio::select! {
        biased;
        ending = cut => ending.unwrap_or(Ending::Close),
        ending = talk(&shared, &stream, address) => ending,
    };
    if ending == Ending::Reset {
        // Where it cannot be set the close is an orderly one, which the other side tells apart.
        let _ = stream.set_zero_linger();
    }
    drop(stream);
    shared.change(|state| state.disconnected(number));
}

/// Serves request after request, until the connection is to end.
async fn talk(shared: &Shared, stream: &TcpStream, address: SocketAddr) -> Ending {
    let mut buffer = Vec::new();
    loop {
        let request = match read_request(stream, &mut buffer).await {
            Ok(Some(request)) => request,
            Ok(None) => return Ending::Close,
            Err(error) => {
                if error.kind() == io::ErrorKind::InvalidData {
                    shared.change(|state| state.violations.push(error.to_string()));
                }
                return Ending::Close;
            }
        };
        if let Some(ending) = exchange(shared, stream, address, request).await {
            return ending;
        }
    }
}

/// Serves one request. Returns how the connection ends; `None` if it goes on.
async fn exchange(shared: &Shared, stream: &TcpStream, address: SocketAddr, request: Seen) -> Option<Ending> {
    let (place, call, fault) = shared.change(|state| {
        let call = (state.rules.route)(&request.method, &request.path);
        if request.header("host") != Some(&address.to_string()) {
            state.violations.push(format!("{}: Host is {:?}", request.line(), request.header("host")));
        }
        if let Err(status) = &call {
            state.violations.push(format!("{}: no such call ({status})", request.line()));
        }
        let fault = call.as_ref().ok().and_then(|call| state.take_fault(call.endpoint()));
        state.journal.push(request.clone());
        (state.journal.len() - 1, call, fault)
    });
    let mut event = None;
    let mut reply = match (&fault, call) {
        (Some(Fault::Reset), _) => return Some(Ending::Reset),
        (Some(Fault::Close), _) => return Some(Ending::Close),
        (Some(Fault::Never), _) => {
            peer_gone(stream).await;
            return Some(Ending::Close);
        }
        (Some(Fault::Garbage(bytes)), _) => {
            let _ = write_all(stream, bytes).await;
            return Some(Ending::Close);
        }
        (Some(Fault::Empty), _) => Reply::new(200, "{}"),
        (Some(Fault::Status(status)), Ok(Call::Poll)) => {
            // The reply has an id, so that the status alone says that it is no event.
            let headers = shared.look(|state| (state.rules.headers)("no-event"));
            Reply { headers, ..Reply::new(*status, r#"{"fault":true}"#) }
        }
        (Some(Fault::Status(status @ 300..)), call) => {
            if let Ok(Call::Answer { .. }) = call {
                shared.change(State::refuse_answer);
            }
            Reply::new(*status, r#"{"fault":true}"#)
        }
        (_, Err(status)) => Reply::new(status, ""),
        (_, Ok(Call::Ready)) => {
            shared.change(State::ready);
            Reply::new(200, "")
        }
        (_, Ok(Call::Poll)) => {
            let (reply, on_its_way) = poll(shared, stream).await?;
            event = on_its_way;
            reply
        }
        (_, Ok(Call::Answer { id, is_error })) => {
            let line = request.line();
            let status = shared.change(|state| state.answer(&line, id.as_deref(), is_error, &request.body));
            Reply::new(status, "")
        }
    };
    if fault == Some(Fault::Again) {
        shared.change(State::repeat);
    }
    if let Some(Fault::Status(status)) = fault {
        reply.status = status;
    }
    let status = reply.status;
    shared.change(|state| state.journal[place].status = Some(status));
    send(stream, &reply, event, fault.as_ref()).await
}

/// Returns the reply to a poll, which may be long in coming; `None` if nobody waits for it any more.
async fn poll<'a>(shared: &'a Shared, stream: &TcpStream) -> Option<(Reply, Option<OnItsWay<'a>>)> {
    let delivery = match shared.change(State::poll) {
        Polled::Nothing => return Some((Reply::new(204, ""), None)),
        Polled::Now(delivery) => delivery,
        Polled::Parked(number, receiver) => {
            let mut parked = Parked { shared, number, receiver };
            tokio::select! {
                biased;
                delivery = &mut parked.receiver => delivery.ok()?,
                () = peer_gone(stream) => return None,
            }
        }
    };
    let Delivery { headers, body } = delivery;
    Some((Reply { status: 200, headers, body }, Some(OnItsWay { shared, arrived: false })))
}

/// A parked poll. If its connection ends first, it is forgotten, and an event that it was just given is lost.
struct Parked<'a> {
    shared: &'a Shared,
    number: u64,
    receiver: oneshot::Receiver<Delivery>,
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.abandon(self.number);
            if self.receiver.try_recv().is_ok() {
                state.lost();
            }
        });
    }
}

/// An event between its delivery and the last byte of it. If the connection ends first, it is lost.
struct OnItsWay<'a> {
    shared: &'a Shared,
    arrived: bool,
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        if !self.arrived {
            self.shared.change(State::lost);
        }
    }
}

/// Sends a reply, whole or as a fault wants it. Returns how the connection ends; `None` if it goes on.
async fn send(stream: &TcpStream, reply: &Reply, event: Option<OnItsWay<'_>>, fault: Option<&Fault>) -> Option<Ending> {
    let (mut bytes, body) = reply.render();
    match fault {
        Some(Fault::HalfHead) => bytes.truncate(bytes.len() / 2),
        Some(Fault::HalfBody) => bytes.extend_from_slice(&body[..body.len() / 2]),
        _ => bytes.extend_from_slice(body),
    }
    let cut = matches!(fault, Some(Fault::HalfHead | Fault::HalfBody));
    if write_all(stream, &bytes).await.is_err() || cut {
        return Some(Ending::Close);
    }
    if let Some(mut event) = event {
        event.arrived = true;
    }
    (fault == Some(&Fault::CloseBehind)).then_some(Ending::Close)
}
