//! What `faas.h` promises and forbids, seen through modules in C under both binaries.

#[path = "contract/calls.rs"]
mod calls;
#[path = "contract/log.rs"]
mod log;
#[path = "contract/services.rs"]
mod services;
