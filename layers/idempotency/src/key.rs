//! The key of an invocation in the store, and the hash of its request.

use crate::record::Payload;
use crate::settings::{Field, Key, RecordKey, Settings};
use handlers_sdk::{HttpView, Invocation};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The key of an invocation, and the hash of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The key as its caller knows it.
    pub(crate) told: String,
    /// The key in the store.
    pub(crate) key: Vec<u8>,
    pub(crate) payload: Payload,
}

/// The result of the search for an invocation's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The invocation is not one that the layer looks at.
    NotAsked,
    /// The invocation has no key.
    Missing,
    /// The invocation has an invalid key, and these words describe it.
    Invalid(&'static str),
    Asked(Asked),
}

/// The most characters of a key, more than any that a client makes up.
const MAX_KEY: usize = 255;

/// A hash over parts, each with its length before it, so that no two lists of parts are alike.
#[derive(Default)]
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, part: &[u8]) -> &mut Parts {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    fn finish(self) -> Payload {
        self.0.finalize().into()
    }
}

/// Returns the value of the header: bare, or a string of structured fields (RFC 9651), as the draft of IETF has it.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    loop {
        match chars.next()? {
            '"' => return chars.as_str().is_empty().then_some(out),
            '\\' => out.push(chars.next().filter(|c| "\\\"".contains(*c))?),
            other => out.push(other),
        }
    }
}

fn header(http: HttpView<'_>, name: &str) -> Result<Option<String>, &'static str> {
    let mut values = http.headers().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("the header stands there more than once");
    }
    unquoted(value.trim()).map(Some).ok_or("its quotes do not fit")
}

/// Returns the value at that place, as text; `None` if there is none.
fn at(body: &[u8], pointer: &str) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    match json.pointer(pointer)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn payload(settings: &Settings, invocation: &Invocation<'_>) -> Payload {
    let (mut parts, body) = (Parts::default(), invocation.body());
    if let Some(http) = invocation.http() {
        parts.add(http.method().as_bytes()).add(http.raw_path().as_bytes());
    }
    let json = settings.payload.as_ref().and_then(|_| serde_json::from_slice::<Value>(body).ok());
    match settings.payload.as_ref().zip(json) {
        Some((places, json)) => {
            for place in places {
                let value = json.pointer(place).map(Value::to_string);
                parts.add(value.unwrap_or_default().as_bytes());
            }
        }
        None => {
            parts.add(invocation.http().map_or("", HttpView::raw_query).as_bytes()).add(body);
        }
    }
    parts.finish()
}

fn asked(settings: &Settings, invocation: &Invocation<'_>, kind: &str, told: String) -> Found {
    if told.is_empty() || told.len() > MAX_KEY {
        return Found::Invalid("it has to be of 1 to 255 bytes");
    }
    let mut parts = Parts::default();
    parts.add(invocation.service_name().as_bytes()).add(invocation.stage().as_bytes());
    parts.add(invocation.function().as_bytes()).add(invocation.tenant().unwrap_or_default().as_bytes());
    for field in &settings.scope {
        parts.add(match field {
            Field::Header(name) => invocation.http().and_then(|http| http.header(name)).unwrap_or_default().as_bytes(),
            Field::Extension(name) => invocation.extension(name).unwrap_or_default().as_bytes(),
        });
    }
    parts.add(kind.as_bytes()).add(told.as_bytes());
    let mut key = b"idempotency:".to_vec();
    key.extend(
        parts
            .finish()
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| b"0123456789abcdef"[usize::from(digit)]),
    );
    Found::Asked(Asked { told, key, payload: payload(settings, invocation) })
}

/// Returns the key of a request or an event.
pub(crate) fn of_invocation(settings: &Settings, invocation: &Invocation<'_>) -> Found {
    let http = invocation.http();
    if http.is_some_and(|http| !settings.methods.iter().any(|method| method == http.method())) {
        return Found::NotAsked;
    }
    let (kind, told) = match &settings.key {
        Key::Header(name) => {
            let Some(http) = http else { return Found::NotAsked };
            match header(http, name) {
                Ok(told) => ("header", told),
                Err(why) => return Found::Invalid(why),
            }
        }
        Key::Json(pointer) => ("json", at(invocation.body(), pointer)),
        Key::Request => ("request", Some(invocation.request_id().to_owned())),
    };
    told.map_or(Found::Missing, |told| asked(settings, invocation, kind, told))
}

/// Returns the key of a record of a batch.
pub(crate) fn of_record(settings: &Settings, invocation: &Invocation<'_>) -> Found {
    let (Some(key), Some(record)) = (&settings.record, invocation.record()) else { return Found::NotAsked };
    match key {
        RecordKey::Id => asked(settings, invocation, invocation.source(), record.id().to_owned()),
        RecordKey::Json(pointer) => match at(invocation.body(), pointer) {
            Some(told) => asked(settings, invocation, "record", told),
            None => Found::Missing,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Parts, at, unquoted};

    #[test]
    fn a_key_is_bare_or_a_string_of_structured_fields() {
        for (value, expected) in [
            ("8e03978e-40d5", Some("8e03978e-40d5")),
            (r#""8e03978e-40d5""#, Some("8e03978e-40d5")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            (r#""a"#, None),
            (r#""a"b"#, None),
            (r#""a\n""#, None),
            ("", Some("")),
        ] {
            assert_eq!(unquoted(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_place_is_a_pointer_and_null_is_nothing() {
        let body = br#"{"order":{"id":"a/1","n":[1,2]},"none":null}"#;
        assert_eq!(at(body, "/order/id").as_deref(), Some("a/1"));
        assert_eq!(at(body, "/order/n/1").as_deref(), Some("2"));
        assert_eq!((at(body, "/none"), at(body, "/order/x"), at(b"no JSON", "/order")), (None, None, None));
    }

    #[test]
    fn parts_are_told_apart_by_where_they_end() {
        let hash = |parts: &[&[u8]]| {
            let mut all = Parts::default();
            for part in parts {
                all.add(part);
            }
            all.finish()
        };
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"a"]), hash(&[b"a", b""]));
        assert_eq!(hash(&[b"a"]), hash(&[b"a"]));
    }
}
