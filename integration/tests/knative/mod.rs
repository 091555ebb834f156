//! The row of Knative in the matrix, and the statements of `docs/conformance/knative.md`.

mod conformance;
mod conformance_events;
mod conformance_modes;
pub(crate) mod matrix;
mod run;
mod table;
