//! The request of an HTTP trigger as the `http` crates have it, and whole applications over it.
//!
//! | item | is |
//! |---|---|
//! | [`Body`] | the request's body, read piece by piece: an `http_body::Body` |
//! | [`ClientAddress`] | who sent the request, among its extensions |
//! | `http::Request<Body>` | an argument of a function |
//! | `#[function(service)]` | a function that makes an `axum::Router` or another `tower_service::Service`, which then serves every request (feature `tower`) |

mod body;
mod request;
#[cfg(feature = "tower")]
pub(crate) mod service;

pub use body::Body;
pub use request::ClientAddress;
