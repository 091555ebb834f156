//! The row of Google Cloud in the matrix, and the statements of `docs/conformance/google-cloud.md`.

mod conformance;
mod conformance_events;
mod conformance_life;
pub(crate) mod matrix;
pub(crate) mod run;

integration::statements!("docs/conformance/google-cloud.md", 1..=20);
