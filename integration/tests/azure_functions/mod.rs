//! The row of Azure Functions in the matrix, and the statements of `docs/conformance/azure-functions.md`.

pub(crate) mod app;
mod conformance;
mod conformance_http;
pub(crate) mod matrix;
pub(crate) mod run;

integration::statements!("docs/conformance/azure-functions.md", 1..=20);
