//! Fn's row of the matrix, and the statements of `docs/conformance/fn.md`.

mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;

integration::statements!("docs/conformance/fn.md", 1..=18);
