//! The full runtime: tokio and hyper around faas-core.
