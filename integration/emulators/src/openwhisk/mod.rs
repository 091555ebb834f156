//! Apache OpenWhisk around an action: the invoker that initialises a container and sends it activations, and the proxy
//! of the stock images that runs an action as its child and speaks ActionLoop with it.
//!
//! ```no_run
//! use platform_emulators::openwhisk::{Activation, Init, Invoker, Options, Outcome};
//! use std::process::Command;
//!
//! let invoker = Invoker::spawn(Command::new("target/debug/bootstrap"), Options::default())?;
//! assert_eq!(invoker.init(&Init::default()).expect("an answer").status, 200);
//! let outcome = invoker.run(&Activation::of(r#"{"n":1}"#));
//! assert_eq!(outcome, Outcome::Success(serde_json::json!({"n": 1})));
//! assert_eq!(invoker.violations(), Vec::<String>::new());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `activation` | the messages to a container, and the reading of its answers |
//! | `invoker` | the HTTP side of a container, and the log by its sentinels |
//! | `proxy` | the parent of an ActionLoop child, in the order of `openwhisk-runtime-go` |
//! | `child` | the pipes to that child |
//!
//! Sources: `docs/actions-new.md` and the invoker of `apache/openwhisk`; `openwhisk/*.go` of
//! `apache/openwhisk-runtime-go`.

mod activation;
mod child;
mod invoker;
mod proxy;

pub use activation::{Activation, Init, Outcome};
pub use invoker::{Invoker, Options};
pub use proxy::{Proxy, Said, Started};

/// The line that ends an activation's part of a log.
pub const SENTINEL: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
