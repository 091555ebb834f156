//! What both binaries say of where they run.

#[path = "detection/mod.rs"]
mod detection;
