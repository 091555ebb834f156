//! An invocation that may wait for something else than a thread: it is kept until it is woken, then run on by a thread
//! that is free.
//!
//! Its memory is used again for the next, so that one that turns out not to wait has cost no allocation.

use super::seats::Seat;
use super::{Server, Work};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

/// No thread runs the invocation, and it has not been woken.
const ASLEEP: u8 = 0;
/// The invocation is in the queue.
const QUEUED: u8 = 1;
/// A thread runs the invocation.
const RUNNING: u8 = 2;
/// A thread runs the invocation, and it has been woken meanwhile.
const WOKEN: u8 = 3;

/// The result of an invocation that has ended. It is its seat, and `true` if the worker that ran it has to answer;
/// otherwise the answer has been given, for instance at the deadline.
type Ended = (Box<Seat>, bool);

/// A place in which one call after the other runs.
trait Call: Send {
    /// Begins the next invocation.
    fn begin(&mut self, server: Arc<Server>, seat: Box<Seat>);
    /// Runs the call until it ends or waits. Returns `Pending`, too, if there is no call.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ended>;
}

struct Holder<M, F> {
    make: M,
    call: Pin<Box<Option<F>>>,
}

impl<M, F> Call for Holder<M, F>
where
    M: Fn(Arc<Server>, Box<Seat>) -> F + Send,
    F: Future<Output = Ended> + Send,
{
    fn begin(&mut self, server: Arc<Server>, seat: Box<Seat>) {
        self.call.as_mut().set(Some((self.make)(server, seat)));
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ended> {
        let Some(call) = self.call.as_mut().as_pin_mut() else { return Poll::Pending };
        let ended = std::task::ready!(call.poll(context));
        self.call.as_mut().set(None);
        Poll::Ready(ended)
    }
}

fn holder<M, F>(make: M) -> Box<dyn Call>
where
    M: Fn(Arc<Server>, Box<Seat>) -> F + Send + 'static,
    F: Future<Output = Ended> + Send + 'static,
{
    Box::new(Holder { make, call: Box::pin(None) })
}

/// The place for an invocation.
pub(super) struct Pending {
    server: Weak<Server>,
    state: AtomicU8,
    call: Mutex<Box<dyn Call>>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Pending {
    /// Makes a place with no invocation.
    pub(super) fn new(server: &Arc<Server>) -> Arc<Pending> {
        let call = holder(|server: Arc<Server>, mut seat: Box<Seat>| async move {
            let place = seat.flight.place();
            let is_mine = {
                let mut call = pin!(server.runtime.invoke(&mut seat.place));
                let poll = |context: &mut Context<'_>| {
                    place.enter();
                    let polled = call.as_mut().poll(context);
                    if polled.is_pending() {
                        place.leave(&server);
                    }
                    polled
                };
                poll_fn(poll).await
            };
            (seat, is_mine)
        });
        Arc::new(Pending { server: Arc::downgrade(server), state: AtomicU8::new(QUEUED), call: Mutex::new(call) })
    }

    fn call(&self) -> MutexGuard<'_, Box<dyn Call>> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the next invocation into the place, as one that a thread is about to run.
    pub(super) fn begin(&self, server: &Arc<Server>, seat: Box<Seat>) {
        self.state.store(QUEUED, SeqCst);
        self.call().begin(server.clone(), seat);
    }

    /// Runs the invocation until it ends or waits; `None` if it waits again, or has ended before.
    pub(super) fn run(self: &Arc<Self>) -> Option<Ended> {
        let mut call = self.call();
        let waker = Waker::from(self.clone());
        loop {
            self.state.store(RUNNING, SeqCst);
            if let Poll::Ready(ended) = call.poll(&mut Context::from_waker(&waker)) {
                return Some(ended);
            }
            // A wake from here on puts it into the queue.
            if self.state.compare_exchange(RUNNING, ASLEEP, SeqCst, SeqCst).is_ok() {
                return None;
            }
        }
    }
}

impl Wake for Pending {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state.load(SeqCst);
        loop {
            let next = match state {
                ASLEEP => QUEUED,
                RUNNING => WOKEN,
                _ => return,
            };
            match self.state.compare_exchange(state, next, SeqCst, SeqCst) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        if state == ASLEEP
            && let Some(server) = self.server.upgrade()
        {
            server.admission.resume(Work::Pending(self.clone()));
            server.news.ring();
        }
    }
}
