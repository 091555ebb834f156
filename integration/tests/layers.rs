//! The layers of `layers/` in the real runtimes, alone and stacked, on five platforms.

#[path = "layers/auth.rs"]
mod auth;
#[path = "layers/cache.rs"]
mod cache;
#[path = "layers/compress.rs"]
mod compress;
#[path = "layers/configuration.rs"]
mod configuration;
#[path = "layers/cors.rs"]
mod cors;
#[path = "layers/errant.rs"]
mod errant;
#[path = "layers/fronts.rs"]
mod fronts;
#[path = "layers/http_client.rs"]
mod http_client;
#[path = "layers/idempotency.rs"]
mod idempotency;
#[path = "layers/limit.rs"]
mod limit;
#[path = "layers/log.rs"]
mod log;
#[path = "layers/metrics.rs"]
mod metrics;
#[path = "layers/params.rs"]
mod params;
#[path = "layers/recipes.rs"]
mod recipes;
#[path = "layers/record.rs"]
mod record;
#[path = "layers/stacked.rs"]
mod stacked;
#[path = "layers/telemetry.rs"]
mod telemetry;
#[path = "layers/trace.rs"]
mod trace;
#[path = "layers/warmup.rs"]
mod warmup;
#[path = "layers/waterfall.rs"]
mod waterfall;
