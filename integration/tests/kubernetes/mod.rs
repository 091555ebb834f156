//! The row of Kubernetes in the matrix, and the statements of `docs/conformance/kubernetes.md`.

mod conformance;
pub(crate) mod matrix;
pub(crate) mod run;

integration::statements!("docs/conformance/kubernetes.md", 1..=9);
