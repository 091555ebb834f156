//! The configuration of the layer.

use crate::link::Server;
use crate::redis::Limits;
use faas_tls::{Ca, Identity, Tls};
use handlers_sdk::{Config, Error, Secret, Span};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    redis: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    database: Option<u32>,
    ca: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    prefix: String,
    timeout: Span,
    connections: usize,
    max_value_bytes: usize,
    max_bytes: usize,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            redis: None,
            username: None,
            password: None,
            database: None,
            ca: None,
            certificate: None,
            key: None,
            prefix: String::new(),
            timeout: Span(Duration::from_secs(1)),
            connections: 4,
            max_value_bytes: 1 << 20,
            max_bytes: 16 << 20,
        }
    }
}

/// The place where values are kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Memory { max_bytes: usize },
    Redis(Server),
}

/// The whole configuration of the layer.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    pub(crate) prefix: Vec<u8>,
    pub(crate) limits: Limits,
}

/// The longest time-out that can be set. A function that waits longer for a value would rather fail.
const LONGEST: Duration = Duration::from_secs(60);
const MOST_CONNECTIONS: usize = 64;
/// The most bytes of a prefix, so that enough of a key is left for its user.
const LONGEST_PREFIX: usize = 256;
/// The most bytes of a value: Redis itself keeps no longer one.
const MOST_VALUE_BYTES: usize = 512 << 20;

/// Returns `true` for `host:port`, with brackets around an IPv6 address.
fn is_address(text: &str) -> bool {
    let is_host = |host: &str| !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/@".contains(c));
    text.rsplit_once(':').is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok_and(|port| port != 0))
}

/// Returns `true` for TLS, and the address behind the scheme.
fn scheme(text: &str) -> (bool, &str) {
    match text.strip_prefix("rediss://") {
        Some(address) => (true, address),
        None => (false, text.strip_prefix("redis://").unwrap_or(text)),
    }
}

impl Written {
    /// Reads the configuration of TLS; `None` for a connection in the clear.
    fn tls(&self, config: &Config, is_wanted: bool) -> Result<Option<Arc<Tls>>, Error> {
        let given = [("ca", &self.ca), ("certificate", &self.certificate), ("key", &self.key)];
        if !is_wanted {
            return match given.iter().find(|(_, value)| value.is_some()) {
                Some((name, _)) => Err(config.mistake(name, "redis beside it that begins with rediss://", "another")),
                None => Ok(None),
            };
        }
        let ca = self.ca.as_deref().unwrap_or("mozilla");
        let ca = Ca::read(ca).ok_or_else(|| config.mistake("ca", Ca::EXPECTED, format!("{ca:?}")))?;
        let identity = Identity::read(self.certificate.as_deref(), self.key.as_deref());
        let identity = identity.map_err(|(name, expected)| config.mistake(name, expected, "another"))?;
        Ok(Some(Arc::new(Tls::new(ca, config.env("SSL_CERT_FILE").map(PathBuf::from), identity))))
    }
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        let (is_tls, address) = scheme(written.redis.as_deref().unwrap_or_default());
        let tls = written.tls(config, is_tls)?;
        let place = match written.redis {
            Some(_) if is_address(address) => Place::Redis(Server {
                address: address.to_owned(),
                tls,
                username: written.username,
                password: written.password,
                database: written.database.unwrap_or(0),
            }),
            Some(found) => {
                let expected = "an address such as cache.internal:6379 or rediss://cache.internal:6380";
                return Err(config.mistake("redis", expected, format!("{found:?}")));
            }
            None => {
                let of_redis = [
                    ("username", written.username.is_some()),
                    ("password", written.password.is_some()),
                    ("database", written.database.is_some()),
                ];
                if let Some((name, _)) = of_redis.iter().find(|(_, is_there)| *is_there) {
                    return Err(config.mistake(name, "redis beside it", "none"));
                }
                Place::Memory { max_bytes: written.max_bytes }
            }
        };
        if let Place::Redis(Server { username: Some(_), password: None, .. }) = &place {
            return Err(config.mistake("username", "a password beside it", "none"));
        }
        let within = |name: &str, number: usize, most: usize| match number {
            number if (1..=most).contains(&number) => Ok(number),
            other => Err(config.mistake(name, format!("a number of 1 to {most}"), other)),
        };
        if written.timeout.0.is_zero() || written.timeout.0 > LONGEST {
            let found = format!("{:?}", written.timeout.0);
            return Err(config.mistake("timeout", "a time over zero and up to 60s", found));
        }
        if written.prefix.len() > LONGEST_PREFIX {
            return Err(config.mistake("prefix", "a text of at most 256 bytes", written.prefix.len()));
        }
        within("maxBytes", written.max_bytes, usize::MAX)?;
        Ok(Settings {
            place,
            prefix: written.prefix.into_bytes(),
            limits: Limits {
                timeout: written.timeout.0,
                connections: within("connections", written.connections, MOST_CONNECTIONS)?,
                max_value_bytes: within("maxValueBytes", written.max_value_bytes, MOST_VALUE_BYTES)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{is_address, scheme};

    #[test]
    fn the_scheme_says_whether_it_is_tls() {
        assert_eq!(scheme("rediss://a:1"), (true, "a:1"));
        assert_eq!((scheme("redis://a:1"), scheme("a:1")), ((false, "a:1"), (false, "a:1")));
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert!(["localhost:6379", "192.0.2.1:1", "[::1]:6379", "a.b-c_d:65535"].into_iter().all(is_address));
        for text in ["", "localhost", ":6379", "a:0", "a:65536", "a:b", "redis://a:6379", "u@a:1", "a b:1"] {
            assert!(!is_address(text), "{text}");
        }
    }
}
