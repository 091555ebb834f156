//! The configuration of the layer.

use handlers_sdk::{Config, Error};
use serde::Deserialize;

/// The whole configuration of the layer.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Settings {
    /// The fewest bytes of a body that is compressed.
    pub(crate) min_bytes: usize,
    /// The most bytes of a body that is compressed: a larger one would hold up others.
    pub(crate) max_bytes: usize,
    /// The level of compression, 1 to 9.
    pub(crate) level: u8,
    /// The content types beside those that are known, `type/subtype` or `type/*`.
    pub(crate) types: Vec<String>,
    /// `true` if a REST API of AWS' API Gateway in front makes bytes of base64, as all other gateways do.
    pub(crate) rest_api: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { min_bytes: 1024, max_bytes: 2 << 20, level: 6, types: Vec::new(), rest_api: false }
    }
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let mut settings: Settings = config.deserialize()?;
        if !(1..=9).contains(&settings.level) {
            return Err(config.mistake("level", "a level from 1 to 9", settings.level));
        }
        if settings.max_bytes < settings.min_bytes {
            let expected = format!("at least minBytes, {}", settings.min_bytes);
            return Err(config.mistake("maxBytes", expected, settings.max_bytes));
        }
        for (index, kind) in settings.types.iter_mut().enumerate() {
            let parts = kind.split_once('/');
            if parts.is_none_or(|(kind, sub)| kind.is_empty() || sub.is_empty() || kind == "*" || sub.contains('/')) {
                let expected = "a content type such as application/x-font or image/*";
                return Err(config.mistake(&format!("types[{index}]"), expected, format!("{kind:?}")));
            }
            kind.make_ascii_lowercase();
        }
        Ok(settings)
    }

    /// Returns `true` if content of this type is worth compressing.
    pub(crate) fn takes(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let own = |own: &String| match own.strip_suffix('*') {
            Some(kind) => essence.starts_with(kind),
            None => *own == essence,
        };
        is_text(&essence) || self.types.iter().any(own)
    }
}

fn is_text(essence: &str) -> bool {
    const KNOWN: [&str; 10] = [
        "application/javascript",
        "application/json",
        "application/ld+json",
        "application/manifest+json",
        "application/wasm",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "image/svg+xml",
        "image/x-icon",
    ];
    essence.starts_with("text/") || KNOWN.contains(&essence) || essence.ends_with("+json") || essence.ends_with("+xml")
}
