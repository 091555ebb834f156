//! The configuration of the layer.

use handlers_sdk::{Config, Error, Span};
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    key: String,
    rate: Option<u32>,
    per: Span,
    burst: Option<u32>,
    concurrency: Option<u32>,
    max_keys: usize,
}

impl Default for Written {
    fn default() -> Written {
        let per = Span(Duration::from_secs(1));
        Written { key: "client".to_owned(), rate: None, per, burst: None, concurrency: None, max_keys: 10_000 }
    }
}

/// The property whose values are counted apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Client,
    Header(String),
    Path,
    Route,
    Function,
    All,
}

impl Key {
    fn read(text: &str) -> Option<Key> {
        Some(match text {
            "client" => Key::Client,
            "path" => Key::Path,
            "route" => Key::Route,
            "function" => Key::Function,
            "all" => Key::All,
            _ => Key::Header(text.strip_prefix("header:").filter(|name| !name.is_empty())?.to_owned()),
        })
    }
}

/// The rate of invocations: how many in which time, and how many at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) count: u32,
    pub(crate) per: Duration,
    pub(crate) burst: u32,
}

/// The whole configuration of the layer.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) key: Key,
    pub(crate) rate: Option<Rate>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) max_keys: usize,
}

/// The longest time of a rate. A longer one would be a quota, for which no instance lives long enough.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        let key = Key::read(&written.key).ok_or_else(|| {
            let expected = "client, path, route, function, all, or a header such as header:x-api-key";
            config.mistake("key", expected, format!("{:?}", written.key))
        })?;
        let positive = |name: &str, number: Option<u32>| match number {
            Some(0) => Err(config.mistake(name, "a number over zero", 0)),
            other => Ok(other),
        };
        let concurrency = positive("concurrency", written.concurrency)?;
        let burst = positive("burst", written.burst)?;
        let rate = positive("rate", written.rate)?.map(|count| Rate {
            count,
            per: written.per.0,
            burst: burst.unwrap_or(count),
        });
        if rate.is_none() && burst.is_some() {
            return Err(config.mistake("burst", "a rate beside it", "none"));
        }
        if rate.is_none() && concurrency.is_none() {
            return Err(config.mistake("rate", "a rate, or a concurrency", "neither"));
        }
        if written.per.0.is_zero() || written.per.0 > LONGEST {
            return Err(config.mistake("per", "a time over zero and up to 24h", format!("{:?}", written.per.0)));
        }
        if written.max_keys == 0 {
            return Err(config.mistake("maxKeys", "a number over zero", 0));
        }
        Ok(Settings { key, rate, concurrency, max_keys: written.max_keys })
    }
}
