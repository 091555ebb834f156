//! OpenFaaS: the matrix and the statements of `docs/conformance/openfaas.md`, in the watchdog's place and behind it.

mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;
mod watchdog;

integration::statements!("docs/conformance/openfaas.md", 1..=10);
