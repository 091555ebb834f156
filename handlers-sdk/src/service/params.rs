//! Parameters and secrets that may change while the process runs, through the service `faas.params`: one layer knows
//! where they are kept, and all others ask it. The layer `params` is one.
//!
//! ```
//! use handlers_sdk::service::params::{Got, Source, Value, Watch};
//! use handlers_sdk::service::{ServiceErrorKind, Offered};
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
//!         answer.give(if name == "signing-key" { Ok(Value::new("s3cr3t", 1)) } else { Err(ServiceErrorKind::NotFound) });
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

pub use crate::service::table::params::{Got, Params, Value, Watching};
pub use crate::service::table::watch::Watch;

/// A source of parameters and secrets. Values are never logged.
///
/// ```
/// # use handlers_sdk::service::Offered;
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::service::ServiceErrorKind;
/// use handlers_sdk::service::params::{Got, Source, Value, Watch};
/// use std::collections::HashMap;
///
/// /// Parameters that never change: a watch hears of each once.
/// struct Fixed(HashMap<&'static str, &'static str>);
///
/// impl Fixed {
///     fn find(&self, name: &str) -> Result<Value, ServiceErrorKind> {
///         self.0.get(name).map(|value| Value::new(*value, 1)).ok_or(ServiceErrorKind::NotFound)
///     }
/// }
///
/// impl Source for Fixed {
///     fn get(&self, name: &str, answer: Got) {
///         answer.give(self.find(name));
///     }
///
///     fn watch(&self, name: &str, watch: Watch) {
///         watch.tell(self.find(name));
///     }
/// }
/// # struct Provider(#[allow(dead_code)] Offered);
/// # #[layer(name = "provider")]
/// # impl Layer for Provider {
/// #     fn create(config: &Config) -> Result<Self, Error> {
/// #         config.offer_params(Arc::new(Fixed(HashMap::from([("region", "eu")])))).map(Provider)
/// #     }
/// # }
/// # #[function]
/// # async fn read(ctx: FaasContext, name: String) -> Result<Vec<u8>, Error> {
/// #     let params = ctx.params().ok_or_else(|| Error::msg("nobody knows"))?;
/// #     Ok(params.get(&name).await?.reveal().to_vec())
/// # }
/// # let app = App::builder().module(Provider::MODULE).module(read::MODULE).start().expect("starts");
/// # assert_eq!(app.invoke(Invoke::event("region")).text(), "eu");
/// ```
pub trait Source: Send + Sync + 'static {
    /// Gives the value of a name, from any thread. The method returns at once.
    fn get(&self, name: &str, answer: Got);

    /// Takes note of a watch that wants to hear of the value of a name now, and whenever it changes. The method returns
    /// at once.
    fn watch(&self, name: &str, watch: Watch);
}
