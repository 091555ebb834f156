//! The host's side of the contract, shared by both runtimes: everything that touches a module's pointers, behind types
//! that code without `unsafe` can use.
//!
//! - [`Given`]: bytes that carry their own release.
//! - [`token`]: completions that a module may misuse in any way without harm.
//! - [`Lease`]: one invocation, either the host's or lent to a module.
//! - [`Invocation`] and [`Context`]: what a runtime implements; [`table`] turns them into a `faas_host`.
//! - [`CheckedModule`] and its instances: what a module offers, verified before the first call.
//!
//! Nothing here decides in which order anything is called.

mod entry;
mod given;
mod lease;
mod memory;
mod module;
mod table;
pub mod token;

pub use entry::{FunctionInstance, HeadHook, LayerInstance};
pub use given::Given;
pub use lease::{Cancel, Lease};
pub use memory::Memory;
pub use module::{CheckedModule, FunctionEntry, LayerEntry, Needs, Probe};
pub use table::{Context, Fields, HostTable, Invocation, ServiceTable, table};
