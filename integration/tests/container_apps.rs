//! Azure Container Apps over both binaries.

#[path = "container_apps/mod.rs"]
mod container_apps;
