//! The place where the contract meets the crate: the tables of functions and layers, and the exported symbol. The host
//! calls in here, and from here the code of authors is called. It is the top of the crate: it may use every other module,
//! and none of them may use it. It reaches the host through [`ffi`](crate::ffi), whose invariants its `SAFETY` notes name.
#![allow(unsafe_code, reason = "the host calls the functions of these tables with pointers")]

pub(crate) mod class;
pub(crate) mod export;
pub(crate) mod function;
pub(crate) mod later;
pub(crate) mod layer;
pub(crate) mod waiting;
