//! The place where the contract meets the crate: the tables of functions and layers, the exported symbol, the two ends
//! of a stream, typed values and services. It calls the code of authors, and reaches the host through
//! [`ffi`](crate::ffi), whose invariants its `SAFETY` notes name.
#![allow(unsafe_code, reason = "beside `ffi`, the one place of this crate that talks to the contract")]

pub(crate) mod class;
pub(crate) mod export;
pub(crate) mod function;
pub(crate) mod later;
pub(crate) mod layer;
pub(crate) mod spans;
pub(crate) mod telemetry;
pub(crate) mod waiting;
