//! A count that many threads raise and lower, and that never stays above its limit. It waits for nothing.
//!
//! Whoever is refused has seen the limit reached by others that hold a place, and not by others that were just being
//! refused. Checked with loom (`tests/loom_limit.rs`).

#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The count and its limit.
#[derive(Debug)]
pub struct Limit {
    count: AtomicUsize,
    most: usize,
}

impl Limit {
    /// Makes a count that begins at zero.
    pub fn new(most: usize) -> Limit {
        Limit { count: AtomicUsize::new(0), most }
    }

    /// Takes a place. Returns `false` if all are taken.
    #[inline]
    pub fn take(&self) -> bool {
        loop {
            if self.count.fetch_add(1, SeqCst) < self.most {
                return true;
            }
            // This attempt was counted until now, and so may others have been that fail as well. The last of them to go
            // sees whether a place has become free meanwhile, and tries again: otherwise each could be refused for the
            // others' sake, and what they came for would wait for ever.
            if self.count.fetch_sub(1, SeqCst) > self.most {
                return false;
            }
        }
    }

    /// Takes a place even if none is free.
    #[inline]
    pub fn take_beyond(&self) {
        self.count.fetch_add(1, SeqCst);
    }

    /// Gives a place back to the limit.
    #[inline]
    pub fn give(&self) {
        self.count.fetch_sub(1, SeqCst);
    }

    /// Returns how many places are taken.
    #[inline]
    pub fn taken(&self) -> usize {
        self.count.load(SeqCst)
    }
}
