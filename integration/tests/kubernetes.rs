//! Kubernetes over both binaries.

#[path = "kubernetes/mod.rs"]
mod kubernetes;
