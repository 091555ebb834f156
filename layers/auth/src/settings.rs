//! The configuration of the layer, as it is written.

use crate::rules::Access;
use handlers_sdk::{Secret, Span};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

const fn seconds(seconds: u64) -> Span {
    Span(Duration::from_secs(seconds))
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Written {
    pub(crate) jwt: Option<Jwt>,
    pub(crate) api_key: Option<ApiKey>,
    pub(crate) basic: Option<Basic>,
    pub(crate) realm: String,
    pub(crate) routes: Vec<Route>,
    pub(crate) events: Events,
}

impl Default for Written {
    fn default() -> Written {
        let (jwt, api_key, basic) = (None, None, None);
        Written { jwt, api_key, basic, realm: "faas".to_owned(), routes: Vec::new(), events: Events::Platform }
    }
}

/// The treatment of events that are no requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Events {
    /// They are let in where the platform alone can hand one over. Elsewhere they are checked as requests are.
    Platform,
    Pass,
    Refuse,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Jwt {
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) cookie: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Issuer {
    pub(crate) issuer: Option<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) algorithms: Option<Vec<String>>,
    pub(crate) types: Vec<String>,
    pub(crate) leeway: Span,
    pub(crate) require_exp: bool,
    pub(crate) secrets: Option<Vec<Secret>>,
    pub(crate) keys: Option<Vec<Value>>,
    pub(crate) keys_file: Option<String>,
    pub(crate) keys_url: Option<String>,
    pub(crate) lifetime: Span,
    pub(crate) keep_for: Span,
    pub(crate) cooldown: Span,
    pub(crate) timeout: Span,
}

impl Default for Issuer {
    fn default() -> Issuer {
        Issuer {
            issuer: None,
            audiences: Vec::new(),
            algorithms: None,
            types: Vec::new(),
            leeway: seconds(30),
            require_exp: true,
            secrets: None,
            keys: None,
            keys_file: None,
            keys_url: None,
            lifetime: seconds(10 * 60),
            keep_for: seconds(24 * 3600),
            cooldown: seconds(30),
            timeout: seconds(5),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ApiKey {
    #[serde(default = "api_key_header")]
    pub(crate) header: String,
    pub(crate) keys: Vec<Key>,
}

fn api_key_header() -> String {
    "x-api-key".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) sha256: Secret,
    #[serde(default)]
    pub(crate) claims: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Basic {
    pub(crate) users: Vec<User>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: Secret,
    #[serde(default)]
    pub(crate) claims: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Route {
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    pub(crate) path: String,
    #[serde(default = "required")]
    pub(crate) access: Access,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    #[serde(default)]
    pub(crate) claims: Map<String, Value>,
}

fn required() -> Access {
    Access::Required
}
