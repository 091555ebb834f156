//! The call that a function serves, as the function sees it: its context, the event, and the arguments made of them.

pub(crate) mod body_stream;
#[cfg(feature = "json")]
pub(crate) mod claims;
pub(crate) mod config;
#[cfg(feature = "json")]
pub(crate) mod content_type;
pub(crate) mod context;
pub(crate) mod detached;
pub(crate) mod event;
pub(crate) mod extract;
#[cfg(feature = "json")]
pub(crate) mod fields;
#[cfg(feature = "json")]
pub(crate) mod form;
pub(crate) mod given;
pub(crate) mod http_view;
#[cfg(feature = "json")]
pub(crate) mod json;
pub(crate) mod pairs;
pub(crate) mod reads;
pub(crate) mod record;
pub(crate) mod request;
pub(crate) mod secret;
mod services;
#[cfg(feature = "json")]
pub(crate) mod span;
