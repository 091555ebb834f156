//! The exit codes that mean the same in every way of serving. What a way alone knows stays with it.

/// The exit code if the start failed, or the platform's control plane is gone.
pub(crate) const FAILED: i32 = 1;
