//! The configuration of a function or layer.

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::secret::Secret;
#[cfg(feature = "json")]
use crate::encoding::json_path;
use crate::error::Error;
use crate::ffi::Entry;
use crate::log::line::Line;
use crate::service::table::{self, Service};
use std::fmt;

/// The configuration of one function or layer: its own part, as JSON, and the values every entry sees.
///
/// ```
/// use handlers_sdk::testing::App;
/// use handlers_sdk::{Config, Error, Layer, layer};
///
/// struct Limit(u32);
///
/// #[layer(name = "limit")]
/// impl Layer for Limit {
///     fn create(config: &Config) -> Result<Self, Error> {
///         match config.get("most")?.unwrap_or(100) {
///             0 => Err(config.mistake("most", "1 or more", 0)),
///             most => Ok(Limit(most)),
///         }
///     }
/// }
///
/// let why = App::builder().configured(Limit::MODULE, r#"{"most":0}"#).start().expect_err("it limits all");
/// assert!(why.contains("most: expected 1 or more, found 0"), "{why}");
/// ```
#[derive(Clone, Copy)]
pub struct Config {
    entry: &'static Entry,
}

impl Config {
    pub(crate) fn of(entry: &'static Entry) -> Config {
        Config { entry }
    }

    pub(crate) fn entry(&self) -> &'static Entry {
        self.entry
    }

    /// Returns its own part, as JSON; empty if there is none.
    pub fn json(&self) -> &'static [u8] {
        self.entry.config_json()
    }

    /// Reads its own part as a type.
    ///
    /// ```
    /// # use handlers_sdk::{Config, Error, Layer, layer, testing::App};
    /// #[derive(Default, serde::Deserialize)]
    /// #[serde(default, deny_unknown_fields)]
    /// struct Banner {
    ///     text: String,
    /// }
    ///
    /// #[layer(name = "banner")]
    /// impl Layer for Banner {
    ///     fn create(config: &Config) -> Result<Self, Error> {
    ///         config.deserialize()
    ///     }
    /// }
    ///
    /// let why = App::builder().configured(Banner::MODULE, r#"{"txet":"hi"}"#).start().expect_err("a slip");
    /// assert!(why.contains("unknown field `txet`, expected `text`"), "{why}");
    /// ```
    ///
    /// # Errors
    /// The part is not of that shape. No configuration at all reads as `{}`.
    #[cfg(feature = "json")]
    pub fn deserialize<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        let json = if self.json().is_empty() { b"{}" } else { self.json() };
        serde_json::from_slice(json).map_err(|error| {
            // The host has seen that it is JSON, so a mistake has a place in it.
            let path = json_path::path(json, error.line(), error.column());
            let apart = if path.is_empty() { "" } else { ": " };
            let message = format!("configuration of {:?}: {path}{apart}{error}", self.entry.name());
            Error::internal("Runtime.ConfigError", message)
        })
    }

    /// Returns the error for a mistake in its own part, for `create`. The host says beside it where that part comes
    /// from. `key` is the place in it, such as `retry.times` or `names[2]`.
    pub fn mistake(&self, key: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        Error::new("Runtime.ConfigError", format!("{key}: expected {expected}, found {found}"))
    }

    /// Returns one key of its own part; `None` if it is not there or null.
    ///
    /// # Errors
    /// The configuration is no object, or the value is not of that shape.
    #[cfg(feature = "json")]
    pub fn get<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let mut all: std::collections::HashMap<String, serde_json::Value> = self.deserialize()?;
        let found = all.remove(key).filter(|value| !value.is_null());
        found.map(serde_json::from_value).transpose().map_err(|error| {
            Error::internal(
                "Runtime.ConfigError",
                format!("configuration of {:?}, key {key:?}: {error}", self.entry.name()),
            )
        })
    }

    /// Returns a configured or environment value that every entry sees, as it was at start. It is no JSON, so nothing
    /// is parsed. It is `None` if there is no such value, or it is no text.
    pub fn env(&self, key: &str) -> Option<&'static str> {
        self.entry.config(key).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Returns the value of [`env`](Self::env) as a secret, which is not shown by accident.
    pub fn secret(&self, key: &str) -> Option<Secret> {
        self.env(key).map(Secret::from)
    }

    /// Returns `true` if the host has this feature, an `F_*` bit of the contract.
    pub fn has_feature(&self, feature: u64) -> bool {
        self.entry.has(feature)
    }

    /// Returns the host's monotonic clock in nanoseconds: that of every entry.
    pub fn now_ns(&self) -> u64 {
        self.entry.now_ns()
    }

    /// Writes one line on the platform's log stream as it is, for instance a metric document. A line break ends it
    /// early.
    ///
    /// ```
    /// # use handlers_sdk::{Config, Error, Layer, layer, testing::App};
    /// struct Announces;
    ///
    /// #[layer(name = "announces")]
    /// impl Layer for Announces {
    ///     fn create(config: &Config) -> Result<Self, Error> {
    ///         config.emit(br#"{"metric":"starts","value":1}"#);
    ///         Ok(Announces)
    ///     }
    /// }
    ///
    /// let app = App::builder().module(Announces::MODULE).start().expect("starts");
    /// assert_eq!(app.emitted(), [r#"{"metric":"starts","value":1}"#]);
    /// ```
    pub fn emit(&self, line: &[u8]) {
        // Nearly no line holds a line break, and that is told of many bytes at once.
        let is_one = !line.contains(&b'\n');
        self.entry.emit(if is_one { line } else { line.split(|byte| *byte == b'\n').next().unwrap_or_default() });
    }

    /// Offers a service to every other entry.
    ///
    /// # Errors
    /// The host refuses, for instance because somebody else offers it.
    pub fn offer<S: Service>(&self, table: &'static S) -> Result<(), Error> {
        table::offer(self.entry, table)
    }

    /// Returns a copy of the table of a service that some entry offers; `None` if no entry does.
    pub fn service<S: Service>(&self) -> Option<S> {
        table::find(self.entry)
    }
}

impl Line {
    /// Writes the line on the platform's log stream.
    pub fn emit(self, config: &Config) {
        config.emit(self.finish().as_bytes());
    }
}

impl fmt::Debug for Config {
    /// Values may be secret, so only the entry's name is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("of", &self.entry.name()).finish_non_exhaustive()
    }
}

impl FromInvocation for Config {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(ctx.config())
    }
}

/// The function's own part of the configuration as a type, read once for each function of the process.
///
/// ```
/// use handlers_sdk::{Configured, Secret, function, testing::App};
///
/// #[derive(serde::Deserialize)]
/// struct Greeting {
///     word: String,
///     key: Option<Secret>,
/// }
///
/// #[function]
/// fn greet(Configured(greeting): Configured<Greeting>, name: String) -> String {
///     format!("{}, {name}", greeting.word)
/// }
///
/// let app = App::builder().configured(greet::MODULE, r#"{"word":"hello"}"#).start().expect("it starts");
/// assert_eq!(app.invoke(handlers_sdk::testing::Invoke::event("ann")).text(), "hello, ann");
/// ```
#[cfg(feature = "json")]
#[derive(Debug)]
pub struct Configured<T: 'static>(pub &'static T);

#[cfg(feature = "json")]
impl<T> Clone for Configured<T> {
    fn clone(&self) -> Self {
        *self
    }
}

#[cfg(feature = "json")]
impl<T> Copy for Configured<T> {}

#[cfg(feature = "json")]
impl<T: serde::de::DeserializeOwned + Send + Sync> FromInvocation for Configured<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let entry = ctx.held().entry();
        if let Some(value) = entry.configured.get() {
            return Ok(Configured(value));
        }
        let value = ctx.config().deserialize()?;
        Ok(Configured(entry.configured.keep(value)))
    }
}
