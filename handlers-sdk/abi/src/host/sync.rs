//! The primitives of the code that is model checked: std's, or loom's under `--cfg loom`. No other code may use loom's.

#[cfg(loom)]
pub(super) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
#[cfg(not(loom))]
pub(super) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

/// Stores into a word that others change by `compare_exchange`.
///
/// Loom keeps a word's stores in a partial order, and lets an exchange succeed on a value that a store has replaced. No
/// machine does that: an exchange is adjacent to the value that it read. So there it is a swap.
pub(super) fn put(word: &AtomicU64, value: u64, order: Ordering) {
    #[cfg(not(loom))]
    word.store(value, order);
    #[cfg(loom)]
    word.swap(value, order);
}
