//! The place of an invocation among those that run: held, lent to others while its call waits on its thread for a slow
//! client, or left, when the call has returned and is woken later. One atomic word holds the state, so that no place is
//! given away twice.

use super::Server;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

/// A thread runs the call.
const HELD: u8 = 0;
/// A thread stands in the call and waits; others may run meanwhile.
const LENT: u8 = 1;
/// No thread is in the call.
const LEFT: u8 = 2;

/// The state of an invocation's place.
#[derive(Debug)]
pub(super) struct ThreadPlace(AtomicU8);

/// A place that is lent; `None` if it is not.
#[derive(Debug, Default)]
pub(super) struct Lent(Option<Arc<ThreadPlace>>);

impl ThreadPlace {
    /// Makes the place of an invocation that has not begun.
    pub(super) fn new() -> Arc<ThreadPlace> {
        Arc::new(ThreadPlace(AtomicU8::new(LEFT)))
    }

    /// Notes that a thread runs the call, or runs it on.
    #[inline]
    pub(super) fn enter(&self) {
        self.0.store(HELD, SeqCst);
    }

    /// Notes that the call has returned, and no thread is in it any more. If the place was still lent, the loan ends: the
    /// thread no longer waits for a client.
    pub(super) fn leave(&self, server: &Server) {
        if self.0.swap(LEFT, SeqCst) == LENT {
            server.go_on_running();
        }
    }
}

impl Server {
    /// Notes that a call waits on its thread for its client: others may have their calls run meanwhile.
    pub(super) fn lend(&self, place: &Arc<ThreadPlace>) -> Lent {
        if place.0.compare_exchange(HELD, LENT, SeqCst, SeqCst).is_err() {
            return Lent::default();
        }
        self.pool.stall();
        self.admission.freed();
        self.news.ring();
        Lent(Some(place.clone()))
    }

    /// Lends as [`lend`](Server::lend) does, for a connection that keeps the place: if it keeps one already, that stays
    /// lent.
    pub(super) fn lend_once(&self, place: &Arc<ThreadPlace>, lent: &mut Lent) {
        if lent.0.is_none() {
            *lent = self.lend(place);
        }
    }

    /// Takes the place back when the call goes on, if it has waited and is still there.
    pub(super) fn take_back(&self, lent: &mut Lent) {
        let Some(place) = lent.0.take() else { return };
        if place.0.compare_exchange(LENT, HELD, SeqCst, SeqCst).is_ok() {
            self.go_on_running();
        }
    }

    fn go_on_running(&self) {
        self.admission.needs_thread();
        self.pool.go_on();
    }
}
