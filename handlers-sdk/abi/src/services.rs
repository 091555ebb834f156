//! The tables of the services that are agreed on: `faas_http.h`, `faas_telemetry.h`, `faas_kv.h` and `faas_params.h`,
//! member by member. The headers say what each member means, and the rules S1 to S5 of `faas.h` say when provider and
//! consumer are there.
//!
//! ```
//! use faas_abi::services::{HTTP, HTTP_MAJOR, Http};
//! use faas_abi::{Bytes, Host};
//!
//! /// The provider of requests over HTTP, if one stands further out.
//! ///
//! /// # Safety
//! /// `host` must be the table that `create` was given.
//! unsafe fn http<'a>(host: &'a Host) -> Option<&'a Http> {
//!     let service = host.service?;
//!     // SAFETY: called with the table's own context; the name is lent for the call.
//!     let table = unsafe { service(host.ctx, Bytes::of(HTTP.as_bytes()), HTTP_MAJOR) };
//!     // SAFETY: null, or the table of that service, which lives as long as the process (faas.h, S4).
//!     unsafe { table.cast::<Http>().as_ref() }
//! }
//! # let _ = http;
//! ```

use crate::tables::Table;
use crate::values::{Buf, Bytes, Pair, Status};
use core::ffi::c_void;

/// The name of the service whose table is [`Http`].
pub const HTTP: &str = "faas.http";
/// The major version of that service.
pub const HTTP_MAJOR: u32 = 1;
/// The name of the service whose table is [`Telemetry`].
pub const TELEMETRY: &str = "faas.telemetry";
/// The major version of that service.
pub const TELEMETRY_MAJOR: u32 = 1;
/// The name under which whoever takes spans offers a [`Telemetry`].
pub const SPANS: &str = "faas.spans";
/// The major version of that service.
pub const SPANS_MAJOR: u32 = 1;
/// The name of the extension that has the `traceparent` of the function's own span.
pub const FUNCTION_SPAN: &str = "faas.function-span";
/// The name of the service whose table is [`Kv`].
pub const KV: &str = "faas.kv";
/// The major version of that service.
pub const KV_MAJOR: u32 = 1;
/// The name of the service whose table is [`Params`].
pub const PARAMS: &str = "faas.params";
/// The major version of that service.
pub const PARAMS_MAJOR: u32 = 1;

/// The outcome of a span that ended without a word about it.
pub const SPAN_UNSET: u32 = 0;
/// The outcome of a span that has ended well.
pub const SPAN_OK: u32 = 1;
/// The outcome of a span that has ended in failure.
pub const SPAN_ERROR: u32 = 2;
/// The number of bytes of a `traceparent`.
pub const TRACEPARENT_BYTES: u32 = 55;

/// The type of the function that hears how a request over HTTP ended.
pub type HttpFn = unsafe extern "C" fn(arg: *mut c_void, status: Status, reply: *const HttpReply);

/// The type of the function that hears a value by key, or a parameter, with its version.
pub type ValueFn = unsafe extern "C" fn(arg: *mut c_void, status: Status, value: Buf, version: u64);

/// The type of the functions that add, set or observe a number.
pub type NumberFn =
    unsafe extern "C" fn(provider: *mut c_void, name: Bytes, value: f64, labels: *const Pair, count: usize);

/// A request over HTTP to others: `faas_http_request`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas_http.h, member by member")]
pub struct HttpRequest {
    pub size: usize,
    pub method: Bytes,
    pub url: Bytes,
    pub headers: *const Pair,
    pub header_count: usize,
    pub body: Buf,
    pub deadline_ns: u64,
    pub most_bytes: u64,
}

/// The reply to a request: `faas_http_reply`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas_http.h, member by member")]
pub struct HttpReply {
    pub size: usize,
    pub status: u64,
    pub headers: *const Pair,
    pub header_count: usize,
    pub body: Buf,
}

/// Requests over HTTP to others: `faas_http`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas_http.h, member by member")]
pub struct Http {
    pub size: usize,
    pub provider: *mut c_void,
    pub send: Option<unsafe extern "C" fn(*mut c_void, *const HttpRequest, Option<HttpFn>, *mut c_void) -> u64>,
    pub cancel: Option<unsafe extern "C" fn(*mut c_void, u64)>,
}

/// Takes numbers and spans: `faas_telemetry`.
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

/// Values by key that outlive an invocation: `faas_kv`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas_kv.h, member by member")]
pub struct Kv {
    pub size: usize,
    pub provider: *mut c_void,
    pub get: Option<unsafe extern "C" fn(*mut c_void, Bytes, Option<ValueFn>, *mut c_void)>,
    pub put: Option<unsafe extern "C" fn(*mut c_void, Bytes, Buf, u64, Option<ValueFn>, *mut c_void)>,
    pub put_if_absent: Option<unsafe extern "C" fn(*mut c_void, Bytes, Buf, u64, Option<ValueFn>, *mut c_void)>,
    pub put_if_version: Option<unsafe extern "C" fn(*mut c_void, Bytes, u64, Buf, u64, Option<ValueFn>, *mut c_void)>,
    pub remove: Option<unsafe extern "C" fn(*mut c_void, Bytes, u64, Option<ValueFn>, *mut c_void)>,
}

/// Parameters and secrets, which may change: `faas_params`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas_params.h, member by member")]
pub struct Params {
    pub size: usize,
    pub provider: *mut c_void,
    pub get: Option<unsafe extern "C" fn(*mut c_void, Bytes, Option<ValueFn>, *mut c_void)>,
    pub watch: Option<unsafe extern "C" fn(*mut c_void, Bytes, Option<ValueFn>, *mut c_void) -> u64>,
    pub unwatch: Option<unsafe extern "C" fn(*mut c_void, u64)>,
}

/// Tables of services: each with its size in minor version 0 of its major.
macro_rules! service_tables {
    ($($of:ty, $first:literal);* $(;)?) => {$(
        // SAFETY: a table is immutable from the moment it is offered, and `provider` belongs to its functions, which
        // may be called from any thread (faas.h, S4 and S5).
        unsafe impl Sync for $of {}
        // SAFETY: as above.
        unsafe impl Send for $of {}
        // SAFETY: begins with `size`; every other member is a number, a nullable function pointer or a raw pointer.
        unsafe impl Table for $of {
            const FIRST_SIZE: usize = $first;
        }
    )*};
}

service_tables! {
    Http, 32;
    Telemetry, 72;
    Kv, 56;
    Params, 40;
}

// SAFETY: as for the tables of services; it is lent for one call.
unsafe impl Table for HttpRequest {
    const FIRST_SIZE: usize = 104;
}
// SAFETY: as above.
unsafe impl Table for HttpReply {
    const FIRST_SIZE: usize = 64;
}
