//! Functions and layers in a test, without a runtime's program: the runtime's own lifecycle, router, layers and
//! platforms over the modules' own tables, and nothing that sleeps.
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
//! | for | there is |
//! |---|---|
//! | one function, one event | [`Invoke`]`::…::run` |
//! | layers, several functions, routes, configuration | [`App`] |
//! | requests to others, values by key, parameters and secrets | [`FakeHttp`], [`FakeKv`], [`FakeParams`] |
//! | an invocation that waits, a cancel | [`App::begin`], [`Running`], [`Gate`] |
//! | deadlines | [`Builder::timeout`], [`Invoke::remaining`], and [`App::advance`], which moves the clock |
//! | the reader of a stream | [`Reader`] |
//! | what a platform sends and gets | [`Invoke::on`], [`Answer::on_platform`] |
//! | what is injected | [`Builder::provide`], [`Builder::override_provider`], [`Invoke::provide`] |
//! | an event of every trigger of every platform | [`sample`], [`samples`] |

mod answer;
mod app;
mod builder;
mod fakes;
mod gate;
mod invoke;
mod journal;
mod offered;
mod parts;
mod platform;
mod provided;
mod reader;
mod running;
mod samples;
mod shelf;

pub use answer::{Answer, Failed, PlatformReply};
pub use app::App;
pub use builder::Builder;
pub use fakes::{FakeHttp, FakeKv, FakeParams};
pub use gate::Gate;
pub use invoke::Invoke;
pub use journal::LogLine;
pub use offered::{functions, layer};
pub use reader::Reader;
pub use running::Running;
pub use samples::{Sample, sample, samples};
