//! Google Cloud Run and functions over both binaries.

#[path = "google_cloud/mod.rs"]
mod google_cloud;
