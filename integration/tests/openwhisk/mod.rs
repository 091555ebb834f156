//! OpenWhisk: the matrix and the statements of `docs/conformance/openwhisk.md`, for containers and for ActionLoop.

mod action_loop;
mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;
mod web;

integration::statements!("docs/conformance/openwhisk.md", 1..=27);
