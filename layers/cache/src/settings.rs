//! The configuration of the layer.

use handlers_sdk::{Config, Error, Span};
use serde::Deserialize;
use std::time::Duration;

/// The treatment of requests that carry credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Credentials {
    /// They pass the cache by.
    Pass,
    /// Each value of the credentials has replies of its own.
    Key,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    ttl: Span,
    stale_if_error: Span,
    max_bytes: usize,
    max_entry_bytes: usize,
    query: Option<Vec<String>>,
    headers: Vec<String>,
    authorization: Credentials,
    cookies: Credentials,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            ttl: Span(Duration::ZERO),
            stale_if_error: Span(Duration::ZERO),
            max_bytes: 16 << 20,
            max_entry_bytes: 1 << 20,
            query: None,
            headers: Vec::new(),
            authorization: Credentials::Pass,
            cookies: Credentials::Pass,
        }
    }
}

/// The whole configuration of the layer.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The time for which a reply is good that does not say so itself.
    pub(crate) ttl: Duration,
    /// The additional time for which a reply may stand in for a failure.
    pub(crate) stale_if_error: Duration,
    pub(crate) max_bytes: usize,
    pub(crate) max_entry_bytes: usize,
    /// The parameters of the query that make a difference; `None` for all of them.
    pub(crate) query: Option<Vec<String>>,
    pub(crate) headers: Vec<String>,
    pub(crate) authorization: Credentials,
    pub(crate) cookies: Credentials,
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        if written.max_bytes == 0 {
            return Err(config.mistake("maxBytes", "a number over zero", 0));
        }
        if written.max_entry_bytes == 0 || written.max_entry_bytes > written.max_bytes {
            let expected = format!("a number over zero and up to maxBytes, {}", written.max_bytes);
            return Err(config.mistake("maxEntryBytes", expected, written.max_entry_bytes));
        }
        Ok(Settings {
            ttl: written.ttl.0,
            stale_if_error: written.stale_if_error.0,
            max_bytes: written.max_bytes,
            max_entry_bytes: written.max_entry_bytes,
            query: written.query,
            headers: written.headers,
            authorization: written.authorization,
            cookies: written.cookies,
        })
    }
}
