//! HTTP/1.1 as bytes in and bytes out, for both directions: the table of contents.
//!
//! Nothing here reads a socket, a clock or the environment. A driver moves bytes into a [`Reader`] and out of a `Vec`
//! that the encoders of [`mod@write`] append to; what the bytes mean is decided here, once, for every driver.
//!
//! | file | holds |
//! |---|---|
//! | `reader` | [`Reader`]: the receive buffer and the state of the message in progress |
//! | `message` | [`Message`] and [`Head`]: what a driver sees of a message |
//! | `assemble` | [`Assembly`]: a message out of parts read elsewhere |
//! | `head` | the start line: request line, target forms, status line |
//! | `fields` | field lines of the header and of the trailer section |
//! | `recall` | the last heads of responses, for those that repeat them |
//! | `framing` | which body follows a head, and whether the connection lives on |
//! | `chunked` | [`chunked::Decoder`], over slices |
//! | `grammar` | character classes |
//! | `limits` | [`Limits`] |
//! | `refusal` | [`Refusal`]: why a message is not accepted, and the status that says so |
//! | `smuggling` | tests: requests that two recipients could read differently |
//! | `write` | encoders of heads, chunks and trailers |
//!
//! The rules are RFC 9112 (syntax, framing) and RFC 9110 (meaning), read strictly on both sides: where the RFC lets a
//! recipient repair a message, it is refused, because two recipients that repair differently are what request smuggling
//! lives on.
//!
//! Using it, in either direction:
//!
//! ```
//! use faas_core::http1::{Limits, ReadProgress, Reader};
//!
//! let mut wire: &[u8] = b"POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\n{}";
//! let mut reader = Reader::request(Limits::default());
//! let message = loop {
//!     match reader.poll()? {
//!         ReadProgress::More => {
//!             // a driver reads from its socket here, and calls `reader.eof()` when that gives 0
//!             let n = std::io::Read::read(&mut wire, reader.space(1024)).unwrap();
//!             reader.filled(n);
//!         }
//!         ReadProgress::Head => {} // here a server answers `Expect: 100-continue`
//!         ReadProgress::Complete => break reader.take().unwrap(),
//!     }
//! };
//! assert_eq!((message.method(), message.target(), message.body()), (&b"POST"[..], &b"/orders"[..], &b"{}"[..]));
//! reader.recycle(message); // the next message allocates nothing
//! # Ok::<(), faas_core::http1::Refusal>(())
//! ```

mod assemble;
pub mod chunked;
mod fields;
mod framing;
mod grammar;
mod head;
mod limits;
mod message;
mod reader;
mod recall;
mod refusal;
pub mod write;

#[cfg(test)]
mod smuggling;
#[cfg(test)]
mod testing;

pub use assemble::Assembly;
pub use framing::{Framing, decimal, request_framing, response_framing, status_has_body};
pub use head::Version;
pub use limits::Limits;
pub use message::{Head, Headers, Message};
pub use reader::{Eof, Part, ReadProgress, Reader};
pub use refusal::{Refusal, method_refusal};
