//! The setting `FAAS_DEBUG`: whether errors of panics carry backtraces, and whether callers read the messages that are
//! concealed from them otherwise. It is one for the whole library, and nothing in here knows what heeds it.

use crate::ffi::Entry;
use std::sync::atomic::{AtomicBool, Ordering};

/// `true` once an entry has been created with the setting.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Reads the setting from the configuration of an entry. An entry without it leaves it as another one has set it.
pub(crate) fn read(entry: &Entry) {
    if entry.config("FAAS_DEBUG").and_then(faas_abi::settings::switch).unwrap_or(false) {
        IS_ON.store(true, Ordering::Relaxed);
    }
}

/// Returns `true` if `FAAS_DEBUG` is configured.
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}
