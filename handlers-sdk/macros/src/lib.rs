//! The attribute macros of handlers-sdk.
