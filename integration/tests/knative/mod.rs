//! The row of Knative in the matrix, and the statements of `docs/conformance/knative.md`.

mod conformance;
mod conformance_events;
mod conformance_modes;
pub(crate) mod matrix;
pub(crate) mod run;

integration::statements!("docs/conformance/knative.md", 1..=23);
