//! Sends requests over HTTP for all functions and layers of the process: it offers the service `faas.http`, with
//! connections that are kept, TLS, and limits. Nothing of it begins before the first request: no thread, no file, no
//! configuration of TLS.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod connection;
mod exchange;
mod fault;
mod head;
mod pool;
mod proxy;
mod reply;
mod sender;
mod settings;
mod stop;
mod url;

use handlers_sdk::service::Offered;
use handlers_sdk::{Config, Error, Layer, Phase, layer};
use sender::Sender;
use settings::Settings;
use std::fmt;
use std::sync::Arc;

/// The layer, with its settings.
pub struct HttpClient {
    sender: Arc<Sender>,
    /// The service, which ends with the layer.
    _offered: Offered,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

#[layer(name = "http-client")]
impl Layer for HttpClient {
    fn create(config: &Config) -> Result<Self, Error> {
        let sender = Arc::new(Sender::new(&Settings::read(config)?));
        let offered = config.offer_http_client(sender.clone())?;
        Ok(HttpClient { sender, _offered: offered })
    }

    fn suspend(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        self.sender.let_go();
        Ok(())
    }
}

impl Drop for HttpClient {
    fn drop(&mut self) {
        self.sender.close();
    }
}
