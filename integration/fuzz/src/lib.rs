//! What the fuzz targets check, one module a target. Each `check` takes any bytes, panics on a finding and on nothing else.
//!
//! Whatever stands on the other side of a comparison is written a second time, simply, or comes from another project:
//! nothing here calls the code under test to say what that code should have done.

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
pub mod service;
