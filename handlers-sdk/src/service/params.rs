//! Parameters and secrets that may change while the process runs, through the service `faas.params`: one layer knows where
//! they are kept, and all others ask it. The layer `params` is one.
//!
//! ```
//! use handlers_sdk::service::params::{Got, Source, Value, Watch};
//! use handlers_sdk::service::{ErrorKind, Offered};
//! use handlers_sdk::testing::{App, Invoke};
//! use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
//! use std::sync::Arc;
//!
//! /// A function that needs a password now and then. It asks each time, since the provider has it at hand.
//! #[function]
//! async fn sign(ctx: FaasContext) -> Result<String, Error> {
//!     let params = ctx.params().ok_or_else(|| Error::msg("expected a layer such as params"))?;
//!     let key = params.get("signing-key").await?;
//!     Ok(format!("signed with {key:?} of {} bytes", key.reveal().len()))
//! }
//!
//! /// A layer that knows one value, which never changes.
//! struct One(#[allow(dead_code, reason = "the service ends with the layer")] Offered);
//!
//! struct Known;
//!
//! impl Source for Known {
//!     fn get(&self, name: &str, answer: Got) {
//!         answer.give(if name == "signing-key" { Ok(Value::new("s3cr3t", 1)) } else { Err(ErrorKind::NotFound) });
//!     }
//!
//!     fn watch(&self, _name: &str, watch: Watch) {
//!         watch.tell(Ok(Value::new("s3cr3t", 1)));
//!     }
//! }
//!
//! #[layer(name = "one")]
//! impl Layer for One {
//!     fn create(config: &Config) -> Result<Self, Error> {
//!         config.offer_params(Arc::new(Known)).map(One)
//!     }
//! }
//!
//! let app = App::builder().module(One::MODULE).module(sign::MODULE).start().expect("it starts");
//! assert_eq!(app.invoke(Invoke::event("")).text(), "signed with Value { version: 1, .. } of 6 bytes");
//! ```

pub use crate::glue::service::params::{Got, Params, Value, Watching};
pub use crate::glue::service::watch::Watch;

use crate::call::config::Config;
use crate::error::Error;
use crate::glue::service::params;
use crate::service::Offered;
use std::sync::Arc;

/// A source of parameters and secrets. Values are never logged.
pub trait Source: Send + Sync + 'static {
    /// Gives the value of a name, from any thread. The method returns at once.
    fn get(&self, name: &str, answer: Got);

    /// Takes note of a watch that wants to hear of the value of a name now, and whenever it changes. The method returns
    /// at once.
    fn watch(&self, name: &str, watch: Watch);
}

impl Config {
    /// Returns the client for parameters and secrets, of the layer that offers the service `faas.params`. `None` if no
    /// layer offers it, or none has yet.
    pub fn params(&self) -> Option<Params> {
        params::find(self.entry())
    }

    /// Offers parameters to every function and layer of the process, and to the runtime for the secrets of a manifest,
    /// as the service `faas.params`. It is called in `create`, and the layer keeps the returned value.
    ///
    /// # Errors
    /// The host refuses, for instance because another layer offers it.
    pub fn offer_params(&self, source: Arc<impl Source>) -> Result<Offered, Error> {
        params::offer(self.entry(), source)
    }
}
