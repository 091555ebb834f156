//! Functions and layers in a test, without a runtime: the same tables and calls, a host of a few hundred lines.
//!
//! ```
//! use handlers_sdk::testing::Invoke;
//! use handlers_sdk::{Response, function};
//!
//! #[function]
//! fn hello(request: handlers_sdk::Request) -> Response {
//!     Response::text(format!("hello, {}", request.query("name").unwrap_or("world")))
//! }
//!
//! let answer = Invoke::http("GET", "/?name=ada").run(hello::MODULE);
//! assert_eq!(answer.status(), 200);
//! assert_eq!(answer.text(), "hello, ada");
//! ```
//!
//! [`App`] has layers around functions, keeps them between invocations, and can cancel.

mod app;
mod host;
mod inv;
mod invoke;
mod onion;
mod records;

pub use app::{App, Builder, Running, layer};
pub use host::LogLine;
pub use invoke::{Answer, Failed, Invoke};
