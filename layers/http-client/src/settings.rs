//! The configuration of the layer.

use crate::proxy::Proxies;
use faas_tls::{Ca, Identity};
use handlers_sdk::{Config, Error, Span};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    timeout: Span,
    connect_timeout: Span,
    max_bytes: u64,
    concurrency: usize,
    max_idle: usize,
    idle_timeout: Span,
    ca: String,
    certificate: Option<String>,
    key: Option<String>,
    proxy: Option<String>,
    no_proxy: Option<String>,
    retry_safe: bool,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            timeout: Span(Duration::from_secs(30)),
            connect_timeout: Span(Duration::from_secs(5)),
            max_bytes: 10 << 20,
            concurrency: 16,
            max_idle: 16,
            idle_timeout: Span(Duration::from_secs(50)),
            ca: "mozilla".to_owned(),
            certificate: None,
            key: None,
            proxy: None,
            no_proxy: None,
            retry_safe: false,
        }
    }
}

/// The whole configuration of the layer.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_bytes: u64,
    pub(crate) concurrency: usize,
    pub(crate) max_idle: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) ca: Ca,
    /// The place of the system's list; `None` for the usual ones.
    pub(crate) ca_file: Option<PathBuf>,
    /// The certificate for servers that ask for one.
    pub(crate) identity: Option<Identity>,
    pub(crate) proxies: Proxies,
    pub(crate) retry_safe: bool,
}

/// The most requests at once. With more threads it would not be a layer that others share.
const MOST_AT_ONCE: usize = 256;
/// The longest time that can be set. A longer one would be for ever.
const LONGEST: Duration = Duration::from_secs(3600);

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        let time = |name: &str, Span(time): Span| match time {
            _ if time.is_zero() || time > LONGEST => {
                Err(config.mistake(name, "a time over zero and up to 1h", format!("{time:?}")))
            }
            time => Ok(time),
        };
        if !(1..=MOST_AT_ONCE).contains(&written.concurrency) {
            let expected = format!("a number from 1 to {MOST_AT_ONCE}");
            return Err(config.mistake("concurrency", expected, written.concurrency));
        }
        if written.max_bytes == 0 {
            return Err(config.mistake("maxBytes", "a number over zero", 0));
        }
        let ca =
            Ca::read(&written.ca).ok_or_else(|| config.mistake("ca", Ca::EXPECTED, format!("{:?}", written.ca)))?;
        let identity = Identity::read(written.certificate.as_deref(), written.key.as_deref());
        let identity = identity.map_err(|(name, expected)| config.mistake(name, expected, "another"))?;
        Ok(Settings {
            timeout: time("timeout", written.timeout)?,
            connect_timeout: time("connectTimeout", written.connect_timeout)?,
            max_bytes: written.max_bytes,
            concurrency: written.concurrency,
            max_idle: written.max_idle,
            idle_timeout: written.idle_timeout.0,
            ca,
            ca_file: config.env("SSL_CERT_FILE").map(PathBuf::from),
            identity,
            proxies: Proxies::read(config, written.proxy.as_deref(), written.no_proxy.as_deref())?,
            retry_safe: written.retry_safe,
        })
    }
}
