//! VolcEngine veFaaS over both binaries.

#[path = "vefaas/mod.rs"]
mod vefaas;
