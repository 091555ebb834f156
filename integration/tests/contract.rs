//! What `faas.h` promises and forbids, seen through modules in C under both binaries.

#[path = "contract/calls.rs"]
mod calls;
