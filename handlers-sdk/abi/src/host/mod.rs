//! The host's side of the contract, shared by both runtimes: everything that touches a module's pointers, behind types
//! that code without `unsafe` can use.
//!
//! - [`Given`]: bytes that carry their own release.
//! - [`Filter`]: a function of a module through which the pieces of a stream pass.
//! - [`token`]: completions that a module may misuse in any way without harm.
//! - [`Lease`]: one invocation, either the host's or lent to a module.
//! - [`Invocation`] and [`Context`]: the traits that a runtime implements; [`table`] turns them into a `faas_host`.
//! - [`check_library_file`]: whether the dynamic linker may be given a file.
//! - [`ServiceTable::param`]: the value of a name, asked of a provider of `faas.params`.
//! - [`CheckedModule`] and its instances: the entries that a module offers, verified before the first call.
//!
//! Nothing here decides in which order anything is called.

#[cfg(loom)]
pub mod calls;
#[cfg(not(loom))]
mod calls;
mod entry;
mod file;
mod filter;
mod given;
mod lease;
mod memory;
mod module;
mod params;
#[cfg(loom)]
pub mod slot;
#[cfg(not(loom))]
mod slot;
mod sync;
mod table;
pub mod token;

pub use entry::{FunctionInstance, GroupInstance, HeadHook, LayerInstance};
pub use file::check_library_file;
pub use filter::Filter;
pub use given::{Chunk, Given};
pub use lease::{Cancel, CancelHook, Lease, Stamped};
pub use memory::Memory;
pub use module::{CheckedModule, FunctionEntry, LayerEntry, Needs, Probe};
pub use table::{Context, Fields, HostTable, Invocation, LogField, ServiceTable, table};
