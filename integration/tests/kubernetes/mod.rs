//! The row of Kubernetes in the matrix, and the statements of `docs/conformance/kubernetes.md`.

mod conformance;
mod matrix;
mod run;
mod table;
