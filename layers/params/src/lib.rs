//! Knows parameters and secrets for all functions and layers of the process, and for the secrets of its manifest: it
//! offers the service `faas.params`, over files, servers of one's own, Vault and AWS' extension. Values are kept for a
//! while, refreshed beside those who ask, and never written anywhere.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod entry;
mod settings;
mod source;
mod store;

use handlers_sdk::service::Offered;
use handlers_sdk::{Config, Error, Layer, layer};
use settings::Settings;
use std::fmt;
use std::sync::Arc;
use store::Store;

/// The layer, as it is configured.
pub struct Params {
    store: Arc<Store>,
    /// The service, which ends with the layer.
    _offered: Offered,
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Params").finish_non_exhaustive()
    }
}

#[layer(name = "params")]
impl Layer for Params {
    fn create(config: &Config) -> Result<Self, Error> {
        let store = Arc::new(Store::new(*config, Settings::read(config)?));
        let offered = config.offer_params(store.clone())?;
        Ok(Params { store, _offered: offered })
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        self.store.close();
    }
}
