//! Apache OpenWhisk, as an action container and below the stock proxy, over both binaries.

#[path = "openwhisk/mod.rs"]
mod openwhisk;
