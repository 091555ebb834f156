//! News of connections that one thread was told and nobody has looked at yet.
//!
//! The system tells several at a time. The thread that it told looks at the first; the others lie here for the thread
//! that comes first: that one again, or another if an invocation holds it up.

use crate::sys::Event;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(super) struct ReadyList {
    count: AtomicUsize,
    list: Mutex<VecDeque<Event>>,
}

impl ReadyList {
    fn list(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps events for later; returns `true` if there were any.
    pub(super) fn keep(&self, events: impl Iterator<Item = Event>) -> bool {
        let mut events = events.peekable();
        if events.peek().is_none() {
            return false;
        }
        let mut list = self.list();
        list.extend(events);
        self.count.store(list.len(), SeqCst);
        true
    }

    /// Returns `true` if every event has been looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(SeqCst) == 0
    }

    /// Returns the event that has been lying here for longest.
    pub(super) fn next(&self) -> Option<Event> {
        if self.is_empty() {
            return None;
        }
        let mut list = self.list();
        let event = list.pop_front();
        self.count.store(list.len(), SeqCst);
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_first_is_looked_at_first() {
        let ready = ReadyList::default();
        let event = |token| Event { token, ended: false };
        assert!(!ready.keep(std::iter::empty()) && ready.next().is_none());
        assert!(ready.keep([event(1), event(2)].into_iter()));
        assert!(ready.keep([event(3)].into_iter()));
        let order: Vec<_> = std::iter::from_fn(|| ready.next()).map(|event| event.token).collect();
        assert_eq!(order, [1, 2, 3]);
    }
}
