//! The statements, by their subjects.

mod calls;
mod context;
mod failures;
mod logs;
mod streaming;
mod table;
