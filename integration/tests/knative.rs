//! Knative and CloudEvents over both binaries.

#[path = "knative/mod.rs"]
mod knative;
