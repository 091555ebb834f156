//! Clients that take nothing of their responses, once the memory for unsent responses is used up: they give way to
//! others.
//!
//! As long as there is memory, a client may take as long as its own time limit allows. Without it every other
//! invocation would be refused meanwhile, for the sake of clients that may never read.

use super::Server;
use super::link::Link;
use faas_core::serve::Step;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The time in nanoseconds after which a client that has taken nothing may be given up: one second.
const STALLED_NS: u64 = 1_000_000_000;
/// The least time in nanoseconds between two looks through the connections: each request that is refused asks for one.
const LOOK_NS: u64 = 100_000_000;

impl Server {
    /// Returns `true` if there is memory for the response of one more invocation. If there is too little, clients that
    /// have taken nothing of theirs for a second are given up, the longest first, until there is enough.
    pub(super) fn has_memory(&self) -> bool {
        !self.budget.is_exhausted() || self.give_up_stalled_readers()
    }

    fn give_up_stalled_readers(&self) -> bool {
        let now = self.runtime.process().now_ns();
        let looked = self.stalled_looked_at.load(Relaxed);
        let is_due = now.saturating_sub(looked) >= LOOK_NS || looked == 0;
        if !is_due || self.stalled_looked_at.compare_exchange(looked, now, Relaxed, Relaxed).is_err() {
            return false;
        }
        let mut stalled: Vec<(u64, Arc<Link>)> = Vec::new();
        for link in self.table.all() {
            // A connection whose lock is held is at work.
            let Some(state) = link.try_lock() else { continue };
            let since = state.connection.stalled_since().filter(|_| !state.claimed);
            drop(state);
            self.let_go(&link);
            if let Some(since) = since.filter(|since| now.saturating_sub(*since) >= STALLED_NS) {
                stalled.push((since, link));
            }
        }
        while self.budget.is_exhausted() {
            let longest = stalled.iter().enumerate().min_by_key(|(_, (since, _))| *since).map(|(index, _)| index);
            let Some((since, link)) = longest.map(|index| stalled.swap_remove(index)) else { return false };
            let Some(mut state) = link.try_lock() else { continue };
            if state.claimed || state.connection.stalled_since() != Some(since) {
                drop(state);
                self.let_go(&link);
                continue;
            }
            let step = state.connection.end(Step::Abort);
            self.end_connection(&link, state, step);
        }
        true
    }
}
