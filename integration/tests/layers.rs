//! The layers of `layers/` in the real runtimes, alone and stacked, on five platforms.

#[path = "layers/configuration.rs"]
mod configuration;
#[path = "layers/cors.rs"]
mod cors;
#[path = "layers/fronts.rs"]
mod fronts;
#[path = "layers/limit.rs"]
mod limit;
#[path = "layers/log.rs"]
mod log;
#[path = "layers/stacked.rs"]
mod stacked;
#[path = "layers/warmup.rs"]
mod warmup;
