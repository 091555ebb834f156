//! FunctionGraph's row of the matrix, for event functions and for HTTP functions, and the statements of
//! `docs/conformance/huawei-functiongraph.md`.

mod conformance;
pub(crate) mod matrix;
mod matrix_http;
pub(crate) mod run;

integration::statements!("docs/conformance/huawei-functiongraph.md", 1..=30);
