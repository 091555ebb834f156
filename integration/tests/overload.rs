//! More work than fits, and clients that mean harm, over both binaries: the bounds, the refusals, and service for
//! everybody else. `docs/limits.md` names the bounds.

#[path = "overload/concurrency.rs"]
mod concurrency;
#[path = "overload/idle.rs"]
mod idle;
#[path = "overload/memory.rs"]
mod memory;
#[path = "overload/mixed.rs"]
mod mixed;
#[path = "overload/pressure.rs"]
mod pressure;
#[path = "overload/protocol.rs"]
mod protocol;
#[path = "overload/refusals.rs"]
mod refusals;
#[path = "overload/slow.rs"]
mod slow;
#[path = "overload/small.rs"]
mod small;
#[path = "overload/stopping.rs"]
mod stopping;
#[path = "overload/storm.rs"]
mod storm;
#[path = "overload/stuck.rs"]
mod stuck;
#[path = "overload/table.rs"]
mod table;
