//! Where values are kept. A source is asked for one name at a time, on a thread that may wait, and says no value in an error.

pub(crate) mod aws;
pub(crate) mod azure;
mod bearer;
pub(crate) mod files;
pub(crate) mod google;
pub(crate) mod plain;
pub(crate) mod vault;

use handlers_sdk::service::http::{Client, Reply, Request};
use handlers_sdk::service::{Error, ErrorKind};
use serde_json::Value;
use std::time::Duration;

/// What a source answers.
pub(crate) enum Found {
    Value(Vec<u8>),
    /// It has no such name.
    Nothing,
}

/// Why a source does not answer: the kind for whoever asks, and words for the log, without any value.
#[derive(Debug)]
pub(crate) struct Unknown {
    pub(crate) kind: ErrorKind,
    pub(crate) why: String,
}

impl Unknown {
    pub(crate) fn new(why: impl Into<String>) -> Unknown {
        Unknown { kind: ErrorKind::Failed, why: why.into() }
    }

    fn of(error: Error) -> Unknown {
        let kind = if error.kind() == ErrorKind::Deadline { ErrorKind::Deadline } else { ErrorKind::Failed };
        Unknown { kind, why: error.to_string() }
    }
}

/// How a source reaches others.
pub(crate) struct Reach {
    /// `None`: no layer offers to send requests.
    pub(crate) client: Option<Client>,
    pub(crate) timeout: Duration,
}

impl Reach {
    /// Sends a request and waits for its reply.
    pub(crate) fn send(&self, request: Request) -> Result<Reply, Unknown> {
        let client = self
            .client
            .ok_or_else(|| Unknown::new("no layer offers faas.http: name http-client before params in FAAS_LAYERS"))?;
        // A provider that does not keep to its own limit is not waited for.
        let limit = self.timeout + self.timeout / 4;
        match client.send(request.within(self.timeout)).wait_for(limit) {
            Some(ended) => ended.map_err(Unknown::of),
            None => Err(Unknown { kind: ErrorKind::Deadline, why: "it does not answer in time".to_owned() }),
        }
    }
}

/// A place where values are kept.
pub(crate) trait Source: Send + Sync {
    /// The value of a name, as it is there now.
    fn ask(&self, name: &str, reach: &Reach) -> Result<Found, Unknown>;
}

/// The JSON of a good reply; `Nothing` for 404.
fn json(reply: &Reply) -> Result<Option<Value>, Unknown> {
    match reply.status() {
        200 => reply.json().map(Some).map_err(|_| Unknown::new("it answers no JSON")),
        404 => Ok(None),
        status => Err(Unknown::new(format!("it answers {status}"))),
    }
}

/// A field of JSON as a value: a text as it is, anything else as it is written.
fn field(value: Option<&Value>) -> Found {
    match value {
        None | Some(Value::Null) => Found::Nothing,
        Some(Value::String(text)) => Found::Value(text.clone().into_bytes()),
        Some(other) => Found::Value(other.to_string().into_bytes()),
    }
}

/// A value that is an object as text: one of its fields.
fn field_of_text(text: &str, name: &str) -> Result<Found, Unknown> {
    let object: Value =
        serde_json::from_str(text).map_err(|_| Unknown::new("the value is no JSON, and has no field"))?;
    Ok(field(object.get(name)))
}

/// A name as a part of a query.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_name_in_a_query_is_one_value_of_it() {
        assert_eq!(escaped("/shop/db&x=1"), "%2Fshop%2Fdb%26x%3D1");
    }
}
