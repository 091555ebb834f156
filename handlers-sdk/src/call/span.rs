//! A span of time in a configuration.

use faas_abi::settings;
use serde::de::{Deserialize, Deserializer, Unexpected, Visitor};
use std::fmt;
use std::time::Duration;

/// A span of time in a configuration: a whole number of seconds, or a text such as `500ms`, `30s` or `1m30s`.
///
/// ```
/// use handlers_sdk::Span;
/// use std::time::Duration;
///
/// let spans: Vec<Span> = serde_json::from_str(r#"[90, "1m30s"]"#)?;
/// assert_eq!(spans, [Span(Duration::from_secs(90)); 2]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Seconds;

        impl Visitor<'_> for Seconds {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 30s, 500ms or 1m30s, or a whole number of seconds")
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Span, E> {
                Ok(Span(Duration::from_secs(seconds)))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                let found = settings::duration(text).map(Span);
                found.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        from.deserialize_any(Seconds)
    }
}
