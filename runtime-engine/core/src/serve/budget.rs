//! The number of bytes of unfinished requests and unsent responses that a process holds, for all of its connections
//! together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The bytes of one connection that are not counted, so that an ordinary request costs no exchange of a shared number.
pub const UNCOUNTED: usize = 64 << 10;

/// The number, and its limit.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// Makes a budget of that many bytes.
    pub fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { limit, used: AtomicUsize::new(0) })
    }

    /// Returns how many bytes are counted.
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Returns `true` if more is held than is allowed, as unsent responses may.
    pub fn is_exhausted(&self) -> bool {
        self.used() > self.limit
    }
}

/// One holder's part of the budget; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Charge {
    budget: Option<Arc<Budget>>,
    bytes: usize,
}

impl Charge {
    /// Makes a charge that holds nothing yet.
    pub fn of(budget: &Arc<Budget>) -> Charge {
        Charge { budget: Some(budget.clone()), bytes: 0 }
    }

    /// Holds that many bytes from now on; `false`, and as before, if the budget does not allow them.
    #[must_use]
    pub fn resize(&mut self, bytes: usize) -> bool {
        self.change(bytes, true)
    }

    /// Holds that many bytes from now on, also beyond the budget: they exist already.
    pub fn force(&mut self, bytes: usize) {
        self.change(bytes, false);
    }

    fn change(&mut self, bytes: usize, limited: bool) -> bool {
        let bytes = if bytes <= UNCOUNTED { 0 } else { bytes };
        let Some(budget) = &self.budget else { return true };
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            let used = budget.used.fetch_add(more, Relaxed).saturating_add(more);
            if limited && used > budget.limit {
                budget.used.fetch_sub(more, Relaxed);
                return false;
            }
        } else if bytes < self.bytes {
            budget.used.fetch_sub(self.bytes - bytes, Relaxed);
        }
        self.bytes = bytes;
        true
    }

    /// Moves the bytes that are held here to a new holder.
    pub fn take(&mut self) -> Charge {
        Charge { budget: self.budget.clone(), bytes: std::mem::take(&mut self.bytes) }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes > 0
            && let Some(budget) = &self.budget
        {
            budget.used.fetch_sub(self.bytes, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_budget_is_refused_until_somebody_gives_back() {
        let budget = Budget::new(1 << 20);
        let (mut first, mut second) = (Charge::of(&budget), Charge::of(&budget));
        assert!(first.resize(700 << 10) && !second.resize(400 << 10));
        assert!(second.resize(UNCOUNTED), "a small request is always taken");
        let moved = first.take();
        assert!(!second.resize(400 << 10), "it is held elsewhere now");
        drop(moved);
        assert!(second.resize(400 << 10));
        second.force(2 << 20);
        assert!(budget.is_exhausted());
        drop(second);
        assert_eq!(budget.used(), 0);
    }
}
