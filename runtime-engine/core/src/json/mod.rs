//! JSON as the runtimes need it: read in place, written in one pass. It builds no tree and knows nothing of any
//! platform.
//!
//! | file | holds |
//! |---|---|
//! | `lens` | [`parse`], [`Value`] and its iterators: what callers read events with |
//! | `object` | [`Object`]: an object whose members are wanted at once |
//! | `document` | [`Document`]: a text that is read down to its innermost values |
//! | `validate` | the one pass that decides whether a text is JSON |
//! | `error` | [`Error`]: where a text stops being JSON and what was expected there |
//! | `writer` | [`Writer`]: appends JSON to a buffer |
//! | `escape` | strings both ways: [`escape_into`] and its inverse |
//! | `scan` | word-at-a-time searches the others are built on |

mod document;
mod error;
mod escape;
mod lens;
mod object;
mod scan;
mod validate;
mod writer;

pub use document::Document;
pub use error::{Error, ErrorKind};
pub use escape::escape_into;
pub use lens::{Elements, Key, Members, Value, ValueKind, parse};
pub use object::{Object, Outline};
pub use writer::{Writer, decimal_into};
