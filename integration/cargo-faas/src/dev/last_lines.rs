//! The last lines of a process, for the failure of one that does not start.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The number of lines of a process that does not start that are shown with the failure.
const KEPT: usize = 20;

/// The last lines of a process.
#[derive(Clone, Default)]
pub(super) struct LastLines(Arc<Last>);

#[derive(Default)]
struct Last {
    lines: Mutex<VecDeque<String>>,
    is_closed: AtomicBool,
    closed: Condvar,
}

impl LastLines {
    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub(super) fn push(&self, line: &str) {
        let mut lines = self.lines();
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// Says that no line comes any more.
    pub(super) fn close(&self) {
        // The lock is held, so that a reader that has just looked does not begin to wait.
        let lines = self.lines();
        self.0.is_closed.store(true, Ordering::SeqCst);
        drop(lines);
        self.0.closed.notify_all();
    }

    /// Returns the text: of a process that has ended all its lines, of another one those that are there.
    pub(super) fn text(&self) -> String {
        let is_open = |_: &mut VecDeque<String>| !self.0.is_closed.load(Ordering::SeqCst);
        let waited = self.0.closed.wait_timeout_while(self.lines(), Duration::from_secs(1), is_open);
        let (lines, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Vec::from(lines.clone()).join("\n")
    }
}
