//! The tables of the services that are agreed on: `faas_telemetry.h`, member by member.

use crate::tables::Table;
use crate::values::{Bytes, Pair, Status};
use core::ffi::c_void;

/// The name of the service whose table is [`Telemetry`].
pub const TELEMETRY: &str = "faas.telemetry";
/// Its major version.
pub const TELEMETRY_MAJOR: u32 = 1;

/// Adds, sets or observes a number.
pub type NumberFn =
    unsafe extern "C" fn(provider: *mut c_void, name: Bytes, value: f64, labels: *const Pair, count: usize);

/// Numbers and spans: `faas_telemetry`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas_telemetry.h, member by member")]
pub struct Telemetry {
    pub size: usize,
    pub provider: *mut c_void,
    pub counter: Option<NumberFn>,
    pub gauge: Option<NumberFn>,
    pub histogram: Option<NumberFn>,
    pub span_begin: Option<unsafe extern "C" fn(*mut c_void, Bytes, Bytes, *const Pair, usize) -> u64>,
    pub span_context: Option<unsafe extern "C" fn(*mut c_void, u64, *mut u8) -> Status>,
    pub span_event: Option<unsafe extern "C" fn(*mut c_void, u64, Bytes, *const Pair, usize)>,
    pub span_end: Option<unsafe extern "C" fn(*mut c_void, u64, u32, *const Pair, usize)>,
}

// SAFETY: a table is immutable from the moment it is offered, and `provider` belongs to its functions, which may be called
// from any thread.
unsafe impl Sync for Telemetry {}
// SAFETY: as above.
unsafe impl Send for Telemetry {}
// SAFETY: begins with `size`; every other member is a number, a nullable function pointer or a raw pointer.
unsafe impl Table for Telemetry {
    const FIRST_SIZE: usize = 72;
}
