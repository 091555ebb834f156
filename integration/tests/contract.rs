//! The promises and prohibitions of `faas.h`, seen through modules in C under both binaries.

#[path = "contract/calls.rs"]
mod calls;
#[cfg(target_arch = "x86_64")]
#[path = "contract/frozen.rs"]
mod frozen;
#[path = "contract/groups.rs"]
mod groups;
#[path = "contract/log.rs"]
mod log;
#[path = "contract/services.rs"]
mod services;
