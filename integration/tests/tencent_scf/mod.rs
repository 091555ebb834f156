//! SCF's row of the matrix, for event functions and for web functions, and the statements of
//! `docs/conformance/tencent-scf.md`.

mod conformance;
pub(crate) mod matrix;
mod matrix_web;
pub(crate) mod run;

integration::statements!("docs/conformance/tencent-scf.md", 1..=31);
