//! Function Compute's row of the matrix, and the statements of `docs/conformance/aliyun-fc.md`.

mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;

integration::statements!("docs/conformance/aliyun-fc.md", 1..=23);
