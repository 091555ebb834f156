//! The services of layers, as a configuration or context asks for them and offers them. The services themselves, in
//! [`service`](crate::service) and [`telemetry`](crate::telemetry), know of neither.

use crate::call::config::Config;
use crate::call::context::FaasContext;
use crate::error::Error;
use crate::service::Offered;
use crate::service::http::{Client, Transport};
use crate::service::kv::{Kv, Store};
use crate::service::params::{Params, Source};
use crate::service::table::{http, kv, params};
use crate::telemetry::{Gather, GatherSpans, Telemetry, table};
use std::sync::Arc;

impl Config {
    /// Returns the client for requests to others, of the layer that offers the service `faas.http`. It is `None` if no
    /// layer offers it, or no layer has offered it yet. Hooks and functions should ask their invocation instead: its
    /// requests end at its deadline.
    pub fn http_client(&self) -> Option<Client> {
        http::find(self.entry(), 0)
    }

    /// Offers to send requests of every function and layer of the process, as the service `faas.http`. It is called in
    /// `create`, and the layer keeps the returned value.
    ///
    /// # Errors
    /// The host refuses, for instance because another layer offers it.
    pub fn offer_http_client(&self, transport: Arc<impl Transport>) -> Result<Offered, Error> {
        http::offer(self.entry(), transport)
    }

    /// Offers a store to every function and layer of the process, as the service `faas.kv`. It is called in `create`,
    /// and the layer keeps the returned value.
    ///
    /// # Errors
    /// The host refuses, for instance because another layer offers it.
    pub fn offer_kv(&self, store: Arc<impl Store>) -> Result<Offered, Error> {
        kv::offer(self.entry(), store)
    }

    /// Returns the store of values by key, of the layer that offers the service `faas.kv`. It is `None` if no layer
    /// offers it, or no layer has offered it yet.
    pub fn kv(&self) -> Option<Kv> {
        kv::find(self.entry())
    }

    /// Returns the client for parameters and secrets, of the layer that offers the service `faas.params`. It is `None`
    /// if no layer offers it, or no layer has offered it yet.
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

    /// Offers a taker of spans to every function and layer of the process, as the service `faas.spans`. It is called in
    /// `create`, and the taker lives as long as the process.
    ///
    /// # Errors
    /// The host refuses, for instance because another layer takes them already.
    pub fn offer_spans(&self, gather: Arc<impl GatherSpans>) -> Result<(), Error> {
        table::spans::offer(self.entry(), gather)
    }

    /// Offers a gatherer to every function and layer of the process, as the service `faas.telemetry`. It is called in
    /// `create`, and the gatherer lives as long as the process.
    ///
    /// # Errors
    /// The host refuses, for instance because another layer gathers already.
    pub fn offer_telemetry(&self, gather: Arc<impl Gather>) -> Result<(), Error> {
        table::offer(self.entry(), gather)
    }

    /// Returns the gatherer of this process. It is `None` if no layer offers one, or no layer has offered one yet.
    pub fn telemetry(&self) -> Option<Telemetry> {
        table::find(self.entry())
    }
}

impl FaasContext {
    /// Returns the gatherer of this process; `None` if no layer offers one.
    pub fn telemetry(&self) -> Option<Telemetry> {
        table::find(self.held().entry())
    }
}
