//! The numbers of `faas.h`, under the header's names without their prefix where a Rust path says the rest.
//!
//! Meanings and shapes stand in the header, beside each number; a test holds every value against the compiled header.
#![allow(missing_docs, reason = "each constant is documented where it is defined for every language: include/faas.h")]

pub const MAGIC: u64 = 0x4641_4153_2d41_4249;
pub const MAJOR: u32 = 1;
pub const MINOR: u32 = 1;
pub const TEXT: u32 = 0;
pub const JSON: u32 = 1;
pub const OK: i32 = 0;
pub const PENDING: i32 = 1;
pub const END: i32 = 2;
pub const E_INVALID: i32 = -1;
pub const E_UNSUPPORTED: i32 = -2;
pub const E_CANCELLED: i32 = -3;
pub const E_DEADLINE: i32 = -4;
pub const E_TOO_BIG: i32 = -5;
pub const E_PANIC: i32 = -6;
pub const E_USER: i32 = -7;
pub const E_INTERNAL: i32 = -8;
pub const E_NOT_FOUND: i32 = -9;
pub const E_CONFLICT: i32 = -10;
pub const RUNTIME_START: u32 = 0;
pub const FUNCTION_START: u32 = 1;
pub const INVOKE: u32 = 2;
pub const CLOSE: u32 = 3;
pub const SUSPEND: u32 = 4;
pub const RESUME: u32 = 5;
pub const REPLIED: u32 = 6;
pub const RECORD: u32 = 7;
pub const F_MAY_BLOCK: u64 = 1 << 0;
pub const F_STREAM_OUT: u64 = 1 << 1;
pub const F_STREAM_IN: u64 = 1 << 2;
pub const F_CONCURRENT: u64 = 1 << 3;
pub const F_SUSPEND: u64 = 1 << 4;
pub const F_REPLIED: u64 = 1 << 5;
pub const F_RECORDS: u64 = 1 << 6;
pub const F_UPGRADE: u64 = 1 << 7;
pub const IS_BLOCKING: u32 = 1 << 0;
pub const IS_INLINE: u32 = 1 << 1;
pub const IS_REENTRANT: u32 = 1 << 2;
pub const IS_ABORTING: u32 = 1 << 3;
pub const IS_DEFAULT: u32 = 1 << 4;
pub const IS_WHOLE_BODY: u32 = 1 << 5;
pub const IS_PER_RECORD: u32 = 1 << 6;
pub const IS_REQUIRED: u32 = 1 << 7;
pub const LIST_HEADER: u32 = 0;
pub const LIST_QUERY: u32 = 1;
pub const LIST_COOKIE: u32 = 2;
pub const LIST_PATH_PARAM: u32 = 3;
pub const LIST_PLATFORM: u32 = 4;
pub const LIST_EXTENSION: u32 = 5;
pub const LIST_REPLY_HEADER: u32 = 6;
pub const LIST_REPLY_COOKIE: u32 = 7;
pub const LIST_RECORD: u32 = 8;
pub const LIST_FAILED_RECORD: u32 = 9;
pub const LIST_ATTRIBUTE: u32 = 10;
pub const LIST_REPLY_TRAILER: u32 = 11;
/// The times at which each call of the invocation began and ended, since [`NUM_TIMED`] was set.
pub const LIST_CALL: u32 = 12;
pub const META_REQUEST_ID: u32 = 1;
pub const META_FUNCTION: u32 = 2;
pub const META_VERSION: u32 = 3;
pub const META_SERVICE: u32 = 4;
pub const META_STAGE: u32 = 5;
pub const META_PLATFORM: u32 = 6;
pub const META_REGION: u32 = 7;
pub const META_TRIGGER: u32 = 8;
pub const META_SOURCE: u32 = 9;
pub const META_INVOKED_AS: u32 = 10;
pub const META_TENANT: u32 = 11;
pub const META_ACCOUNT: u32 = 12;
pub const META_HANDLER: u32 = 13;
pub const META_TRACEPARENT: u32 = 20;
pub const META_TRACESTATE: u32 = 21;
pub const META_TRACE: u32 = 22;
pub const META_METHOD: u32 = 30;
pub const META_PATH: u32 = 31;
pub const META_RAW_PATH: u32 = 32;
pub const META_RAW_QUERY: u32 = 33;
pub const META_HOST: u32 = 34;
pub const META_SCHEME: u32 = 35;
pub const META_CLIENT_IP: u32 = 36;
pub const META_PROTOCOL: u32 = 37;
pub const META_ROUTE: u32 = 38;
pub const META_CONTENT_TYPE: u32 = 39;
pub const META_CLIENT_CONTEXT: u32 = 40;
pub const META_IDENTITY: u32 = 41;
pub const META_ERROR_KIND: u32 = 50;
pub const META_ERROR_MESSAGE: u32 = 51;
pub const META_ERROR_DETAIL: u32 = 52;
pub const META_RECORD_ID: u32 = 60;
pub const META_RECORD_GROUP: u32 = 61;
pub const NUM_DEADLINE_EPOCH_MS: u32 = 1;
pub const NUM_REMAINING_MS: u32 = 2;
pub const NUM_COLD_START: u32 = 3;
pub const NUM_ATTEMPT: u32 = 4;
pub const NUM_MEMORY_MB: u32 = 5;
pub const NUM_IS_HTTP: u32 = 6;
pub const NUM_REPLY_STATUS: u32 = 7;
pub const NUM_REPLY_BYTES: u32 = 8;
pub const NUM_STREAMED: u32 = 9;
pub const NUM_RECEIVED_NS: u32 = 10;
pub const NUM_IN_FLIGHT: u32 = 11;
pub const NUM_DEADLINE_NS: u32 = 12;
pub const NUM_REPLY_CODE: u32 = 13;
pub const NUM_STREAMED_IN: u32 = 14;
pub const NUM_STARTED_NS: u32 = 15;
pub const NUM_RECORD_INDEX: u32 = 16;
/// Settable by a function: 1 means that its phase has work in REPLIED for this invocation, whatever its `phases` say.
pub const NUM_AFTER_REPLY: u32 = 17;
/// Settable by a layer: 1 means that the host notes calls in [`LIST_CALL`] from here on.
pub const NUM_TIMED: u32 = 18;
pub const NUM_TAKES_FILTERS: u32 = 19;
pub const REPLY_RAW: u32 = 0;
pub const REPLY_VALUE: u32 = 1;
pub const CANCEL_DEADLINE: u32 = 1;
pub const CANCEL_PEER_GONE: u32 = 2;
pub const CANCEL_CLOSING: u32 = 3;

/// Returns the bit that stands for a phase in a mask.
pub const fn phase_bit(phase: u32) -> u32 {
    1 << phase
}
