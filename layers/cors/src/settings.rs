//! The configuration of the layer.

use crate::origins::{EXPECTED, Origins};
use handlers_sdk::{Config, Error, Span};
use serde::Deserialize;

/// The configuration, as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    allow_origins: Vec<String>,
    allow_methods: Vec<String>,
    allow_headers: Vec<String>,
    expose_headers: Vec<String>,
    allow_credentials: bool,
    allow_private_network: bool,
    max_age: Option<Span>,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            allow_origins: Vec::new(),
            // These are the methods that a page may send without asking.
            allow_methods: ["GET", "HEAD", "POST"].map(str::to_owned).to_vec(),
            allow_headers: Vec::new(),
            expose_headers: Vec::new(),
            allow_credentials: false,
            allow_private_network: false,
            max_age: None,
        }
    }
}

/// A list of names that a reply carries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// All names that are asked for, written as `*`.
    Asked,
    /// These names, as a header has them. The text may be empty.
    Listed(String),
}

/// The whole configuration, in the form that replies need.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) origins: Origins,
    pub(crate) methods: Names,
    pub(crate) headers: Names,
    /// The exposed headers, as the header of a reply has them.
    pub(crate) exposed: String,
    pub(crate) credentials: bool,
    pub(crate) private_network: bool,
    /// The age in whole seconds, as the header has it; `None` if the header is left out.
    pub(crate) max_age: Option<String>,
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        let origins = Origins::read(&written.allow_origins).map_err(|index| {
            let found = format!("{:?}", written.allow_origins[index]);
            config.mistake(&format!("allowOrigins[{index}]"), EXPECTED, found)
        })?;
        if written.allow_origins.is_empty() {
            return Err(config.mistake("allowOrigins", "at least one origin", "none"));
        }
        if written.allow_credentials && origins.is_any() {
            return Err(config.mistake("allowOrigins", "origins by name, since allowCredentials is true", "\"*\""));
        }
        if written.allow_credentials && written.expose_headers.iter().any(|name| name == "*") {
            return Err(config.mistake("exposeHeaders", "headers by name, since allowCredentials is true", "\"*\""));
        }
        Ok(Settings {
            methods: names(config, "allowMethods", "methods", &written.allow_methods)?,
            headers: names(config, "allowHeaders", "names of headers", &written.allow_headers)?,
            exposed: match names(config, "exposeHeaders", "names of headers", &written.expose_headers)? {
                Names::Asked => "*".to_owned(),
                Names::Listed(list) => list,
            },
            credentials: written.allow_credentials,
            private_network: written.allow_private_network,
            max_age: written.max_age.map(|age| age.0.as_secs().to_string()),
            origins,
        })
    }
}

fn names(config: &Config, key: &str, what: &str, list: &[String]) -> Result<Names, Error> {
    if list.iter().any(|name| name == "*") {
        return Ok(Names::Asked);
    }
    match list.iter().position(|name| !is_token(name)) {
        None => Ok(Names::Listed(list.join(", "))),
        Some(index) => {
            let expected = format!("\"*\" or {what}");
            Err(config.mistake(&format!("{key}[{index}]"), expected, format!("{:?}", list[index])))
        }
    }
}

/// Returns `true` if the text is a name as RFC 9110 §5.6.2 has it.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
