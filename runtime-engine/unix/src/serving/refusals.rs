//! Requests that were not taken, counted. The first, the tenth, the hundredth and so on are warnings with the number so
//! far; all others are lines at debug.

use faas_core::failure::Failure;
use faas_core::log::{Level, Log, Origin};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts refusals, so that not each has a line.
#[derive(Debug, Default)]
pub(super) struct Refusals(AtomicU64);

impl Refusals {
    /// Counts one more refusal, and writes its line, with the request id that its client gave, if any.
    pub(super) fn say(&self, log: &Log, request_id: &[u8], failure: &Failure) {
        let count = self.0.fetch_add(1, Relaxed) + 1;
        // The first has a line, and then each time there are ten times as many: a flood of requests is no flood of
        // lines.
        let is_told = count.ilog10() != (count - 1).checked_ilog10().unwrap_or(u32::MAX);
        let level = if is_told { Level::Warn } else { Level::Debug };
        if log.enabled(level) {
            let origin = Origin { request_id, target: b"runtime", ..Origin::default() };
            let message = format!("request {count} that was not taken: {}", failure.message);
            log.write(level, origin, message.as_bytes(), std::iter::empty());
        }
    }
}
