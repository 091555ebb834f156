//! The statements, by what they are about.

mod calls;
mod context;
mod failures;
mod logs;
mod streaming;
mod table;
