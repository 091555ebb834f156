//! OpenFaaS, behind of-watchdog and in its place, over both binaries.

#[path = "openfaas/mod.rs"]
mod openfaas;
