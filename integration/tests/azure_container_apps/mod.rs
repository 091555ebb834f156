//! The row of Azure Container Apps in the matrix, and its differences from plain HTTP, whose statements it shares.

mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;
