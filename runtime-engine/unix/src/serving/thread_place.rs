//! The place of an invocation among those that run: held, lent to others while its call waits on its thread for a slow
//! client, or left, when the call has returned and is woken later. One word says which, so that no place is given away
//! twice, whoever comes first.

use super::Server;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

/// A thread runs the call.
const HELD: u8 = 0;
/// A thread stands in the call and waits; others may run meanwhile.
const LENT: u8 = 1;
/// No thread is in the call.
const LEFT: u8 = 2;

/// Where the place of an invocation is.
#[derive(Debug)]
pub(super) struct ThreadPlace(AtomicU8);

/// A place that is lent, if it is.
#[derive(Debug, Default)]
pub(super) struct Lent(Option<Arc<ThreadPlace>>);

impl ThreadPlace {
    /// The place of an invocation that has not begun.
    pub(super) fn new() -> Arc<ThreadPlace> {
        Arc::new(ThreadPlace(AtomicU8::new(LEFT)))
    }

    /// A thread runs the call, or runs it on.
    #[inline]
    pub(super) fn enter(&self) {
        self.0.store(HELD, SeqCst);
    }

    /// The call has returned: its place is its worker's to give away. If it is lent, it did not wait there after all.
    pub(super) fn leave(&self, server: &Server) {
        if self.0.swap(LEFT, SeqCst) == LENT {
            server.go_on_running();
        }
    }
}

impl Server {
    /// A call waits on its thread for its client: others may have their calls run meanwhile.
    pub(super) fn lend(&self, place: &Arc<ThreadPlace>) -> Lent {
        if place.0.compare_exchange(HELD, LENT, SeqCst, SeqCst).is_err() {
            return Lent::default();
        }
        self.pool.stall();
        self.admission.freed();
        self.news.ring();
        Lent(Some(place.clone()))
    }

    /// The same, for a connection that keeps what is lent: what it keeps already stays lent, whoever waits once more.
    pub(super) fn lend_once(&self, place: &Arc<ThreadPlace>, lent: &mut Lent) {
        if lent.0.is_none() {
            *lent = self.lend(place);
        }
    }

    /// It goes on, if it has waited and is still there.
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
