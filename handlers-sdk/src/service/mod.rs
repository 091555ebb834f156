//! Services of layers, as safe code asks for them and offers them: requests over HTTP ([`http`]), values by key
//! ([`kv`]), parameters and secrets ([`params`]). Numbers have a module of their own, [`telemetry`](crate::telemetry).
//!
//! A layer offers a service in `create`; functions and other layers, built by anyone and in any language, find it by
//! its name and call it across libraries. Each is asked for at the context or the configuration, and is `None` where no
//! layer offers it. A call is a [`Call`]: a future that any executor runs, this crate's own among them, and that
//! cancels the call when it is dropped. A service that this crate has no module for is a [`Service`](crate::Service).

pub mod http;
pub mod kv;
pub mod params;
pub(crate) mod table;

pub use crate::service_error::{ServiceError, ServiceErrorKind};
pub use table::call::Call;
pub use table::open::Responder;

use std::fmt;

/// A service that a layer offers. The layer keeps it: when it is dropped, with the layer, all calls that are open end
/// as cancelled, and so do those that come later.
///
/// ```
/// # use handlers_sdk::service::ServiceErrorKind;
/// # use handlers_sdk::service::http::{ClientRequest, Sent, Transport};
/// # use handlers_sdk::testing::App;
/// # use handlers_sdk::{Config, Error, Layer, Phase, layer};
/// # use std::sync::{Arc, Mutex};
/// use handlers_sdk::service::Offered;
/// # struct Refuses;
/// # impl Transport for Refuses { fn send(&self, _: ClientRequest, answer: Sent) { answer.give(Err(ServiceErrorKind::NotFound)) } }
///
/// /// Sends nothing more once the functions begin to close.
/// struct Client(Mutex<Option<Offered>>);
///
/// #[layer(name = "client")]
/// impl Layer for Client {
///     fn create(config: &Config) -> Result<Self, Error> {
///         let offered = config.offer_http_client(Arc::new(Refuses))?;
///         Ok(Client(Mutex::new(Some(offered))))
///     }
///
///     fn before_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
///         self.0.lock().map(|mut offered| *offered = None).map_err(|_| Error::msg("a thread has panicked"))
///     }
/// }
///
/// App::builder().module(Client::MODULE).start().expect("starts").close();
/// ```
#[must_use = "a service ends when it is dropped"]
pub struct Offered(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Offered {
    pub(crate) fn until(close: impl FnOnce() + Send + Sync + 'static) -> Offered {
        Offered(Some(Box::new(close)))
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        if let Some(close) = self.0.take() {
            close();
        }
    }
}

impl fmt::Debug for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offered").finish_non_exhaustive()
    }
}
