//! The developer's tool.
