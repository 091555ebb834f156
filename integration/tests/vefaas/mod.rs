//! The row of veFaaS in the matrix, and the statements of `docs/conformance/vefaas.md`.

mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;

integration::statements!("docs/conformance/vefaas.md", 1..=8);
