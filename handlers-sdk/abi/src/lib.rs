//! The contract between a runtime (the host) and a module: `include/faas.h` and its Rust mirror.
//!
//! The header is the contract and holds the prose: compatibility policy, ownership, threads. [`constants`], [`values`]
//! and [`tables`] mirror it item by item, without std or any dependency, so that the smallest module can use them.
//! A test compiles the header as C and compares every size and offset with `v1.layout`, which may only grow.
//!
//! [`settings`] names the variables of the environment that hosts and modules read. [`services`] mirrors the tables of the services that modules have agreed on among themselves, in headers of their
//! own.
//!
//! With the feature `host` comes the other side, `host`: the only code that dereferences a module's pointers, kept
//! behind safe types so that both runtimes share it and contain none of it.
#![cfg_attr(not(feature = "host"), no_std)]

pub mod constants;
#[cfg(feature = "host")]
pub mod host;
pub mod services;
pub mod settings;
pub mod tables;
pub mod values;

pub use constants::*;
pub use tables::{Function, Host, HostCalls, HostCtx, Inv, Layer, Module, ModuleEntry, Tok};
pub use values::{Buf, Bytes, Field, Pair, Status};

/// The name of the one symbol a module exports, as the linker sees it.
pub const ENTRY_SYMBOL: &str = "faas_module_v1";
