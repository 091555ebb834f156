//! The lock around [`Control`] and the two ways to wait for a change of it: threads on a condition variable, the
//! deadline task on a notification.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};

use super::control::Control;
use crate::acceptor::Command;

pub(crate) struct Shared {
    control: Mutex<Control>,
    changed: Condvar,
    /// The condition that is notified when the next deadline is nearer than the one the deadline task sleeps to.
    pub(crate) deadlines: Notify,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
}

impl Shared {
    pub(crate) fn new(control: Control, commands: mpsc::UnboundedSender<Command>) -> Shared {
        Shared { control: Mutex::new(control), changed: Condvar::new(), deadlines: Notify::new(), commands }
    }

    fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Looks without waking anybody.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Control) -> T) -> T {
        look(&self.lock())
    }

    /// Changes something, and wakes every waiter for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Control) -> T) -> T {
        let mut control = self.lock();
        let value = change(&mut control);
        let rewatch = control.rewatch;
        drop(control);
        self.changed.notify_all();
        if rewatch {
            self.deadlines.notify_one();
        }
        value
    }

    /// Blocks until `found` finds something or the limit passes.
    pub(crate) fn wait_until<T>(&self, limit: Duration, mut found: impl FnMut(&mut Control) -> Option<T>) -> Option<T> {
        let until = Instant::now() + limit;
        let mut control = self.lock();
        loop {
            if let Some(value) = found(&mut control) {
                return Some(value);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            control = self.changed.wait_timeout(control, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }
}
