//! OpenWhisk: the matrix and the statements of `docs/conformance/openwhisk.md`, for containers and for ActionLoop.

mod action_loop;
mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;
mod table;
mod web;
