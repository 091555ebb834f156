//! The configuration of the layer.

use crate::machine::{Keep, StoreDown};
use handlers_sdk::{Config, Error, Span};
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    key: String,
    record: Option<String>,
    methods: Vec<String>,
    require_key: bool,
    scope: Vec<String>,
    payload: Option<Vec<String>>,
    expiry: Span,
    lease: Span,
    on_crash: OnCrash,
    keep: Keep,
    store_down: StoreDown,
    max_reply_bytes: usize,
}

/// The fate of a claim whose process has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnCrash {
    Retry,
    Refuse,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            key: "header:Idempotency-Key".to_owned(),
            record: None,
            methods: vec!["POST".to_owned(), "PATCH".to_owned()],
            require_key: false,
            scope: Vec::new(),
            payload: None,
            expiry: Span(Duration::from_secs(24 * 3600)),
            lease: Span(Duration::from_secs(300)),
            on_crash: OnCrash::Retry,
            keep: Keep::Success,
            store_down: StoreDown::Refuse,
            max_reply_bytes: 256 * 1024,
        }
    }
}

/// The source of the key of a request or an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The value of a request's header.
    Header(String),
    /// The value at a place in the body, or in the data of an event.
    Json(String),
    /// The platform's id of the invocation.
    Request,
}

/// The source of the key of a record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordKey {
    /// The record's id, which its source gives it.
    Id,
    /// The value at a place in its payload.
    Json(String),
}

/// A field whose value keeps the keys of one caller from those of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Header(String),
    Extension(String),
}

/// The whole configuration of the layer.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) key: Key,
    pub(crate) record: Option<RecordKey>,
    pub(crate) methods: Vec<String>,
    pub(crate) require_key: bool,
    pub(crate) scope: Vec<Field>,
    /// The places in the body that make a difference; `None` for the whole body.
    pub(crate) payload: Option<Vec<String>>,
    pub(crate) expiry: Duration,
    /// The time that a claim stands where there is no deadline.
    pub(crate) lease: Duration,
    /// `true` if a claim stands as long as the result of a call.
    pub(crate) claims_stand: bool,
    pub(crate) keep: Keep,
    pub(crate) store_down: StoreDown,
    pub(crate) max_reply_bytes: usize,
}

/// The longest time that can be set, longer than any platform tries again.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 3600);

/// Returns a JSON Pointer (RFC 6901) into a document; `None` if the text is no pointer.
fn pointer(text: &str) -> Option<String> {
    text.starts_with('/').then(|| text.to_owned())
}

fn named(text: &str, kind: &str) -> Option<String> {
    text.strip_prefix(kind).filter(|name| !name.is_empty()).map(str::to_owned)
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        let key = match written.key.as_str() {
            "request" => Some(Key::Request),
            text => named(text, "header:").map(Key::Header).or_else(|| pointer(text).map(Key::Json)),
        };
        let key = key.ok_or_else(|| {
            let expected = "request, a header such as header:Idempotency-Key, or a place such as /order/id";
            config.mistake("key", expected, format!("{:?}", written.key))
        })?;
        let record =
            match written.record.as_deref() {
                None => None,
                Some("id") => Some(RecordKey::Id),
                Some(text) => Some(pointer(text).map(RecordKey::Json).ok_or_else(|| {
                    config.mistake("record", "id, or a place such as /order/id", format!("{text:?}"))
                })?),
            };
        let mut scope = Vec::new();
        for (index, text) in written.scope.iter().enumerate() {
            let field =
                named(text, "header:").map(Field::Header).or_else(|| named(text, "extension:").map(Field::Extension));
            scope.push(field.ok_or_else(|| {
                let expected = "a header such as header:Authorization, or what a layer left, such as extension:user";
                config.mistake(&format!("scope[{index}]"), expected, format!("{text:?}"))
            })?);
        }
        for (index, place) in written.payload.iter().flatten().enumerate() {
            if pointer(place).is_none() {
                return Err(config.mistake(
                    &format!("payload[{index}]"),
                    "a place such as /order/id",
                    format!("{place:?}"),
                ));
            }
        }
        for (index, method) in written.methods.iter().enumerate() {
            if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
                let found = format!("{method:?}");
                return Err(config.mistake(&format!("methods[{index}]"), "a method in capitals, such as POST", found));
            }
        }
        for (name, span) in [("expiry", written.expiry.0), ("lease", written.lease.0)] {
            if span.is_zero() || span > LONGEST {
                return Err(config.mistake(name, "a time over zero and up to 400 days", format!("{span:?}")));
            }
        }
        Ok(Settings {
            key,
            record,
            methods: written.methods,
            require_key: written.require_key,
            scope,
            payload: written.payload,
            expiry: written.expiry.0,
            lease: written.lease.0,
            claims_stand: written.on_crash == OnCrash::Refuse,
            keep: written.keep,
            store_down: written.store_down,
            max_reply_bytes: written.max_reply_bytes,
        })
    }
}
