//! Fn Project over both binaries, against the strict agent.

#[path = "fn_project/mod.rs"]
mod fn_project;
