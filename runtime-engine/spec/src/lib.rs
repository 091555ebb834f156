//! `serverless.yml`: what a service is made of, read with places, checked whole, and turned into the manifests that the
//! runtimes read.
//!
//! It reads files only through what it is given, and never the environment.
#![forbid(unsafe_code)]

mod check;
pub mod diagnostic;
pub mod keys;
pub mod source;
pub mod tree;

pub use check::check;
