//! The checks of the fuzz targets, one module for each. Each `check` takes any bytes, panics on a finding and on
//! nothing else.
//!
//! The other side of a comparison is written a second time, simply, or comes from another project. The code under test
//! is never asked for the right result.

pub mod arena;
pub mod event;
pub mod feed;
pub mod framing;
pub mod http1;
pub mod hyper;
pub mod json;
pub mod manifest;
pub mod module;
pub mod reply;
mod same_seeds;
pub mod service;
