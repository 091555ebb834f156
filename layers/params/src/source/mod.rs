//! The sources of values. A source is asked for one name at a time, on a thread that may wait, and never puts a value
//! into an error.

pub(crate) mod aws;
pub(crate) mod azure;
mod bearer;
pub(crate) mod files;
pub(crate) mod google;
pub(crate) mod plain;
pub(crate) mod vault;

use handlers_sdk::service::http::{Client, ClientReply, ClientRequest};
use handlers_sdk::service::{ServiceError, ServiceErrorKind};
use serde_json::Value;
use std::time::Duration;

/// The answer of a source.
pub(crate) enum Found {
    Value(Vec<u8>),
    /// The source has no such name.
    Nothing,
}

/// The reason why a source does not answer: the kind for the caller, and words for the log, without any value.
#[derive(Debug)]
pub(crate) struct Unknown {
    pub(crate) kind: ServiceErrorKind,
    pub(crate) why: String,
}

impl Unknown {
    pub(crate) fn new(why: impl Into<String>) -> Unknown {
        Unknown { kind: ServiceErrorKind::Failed, why: why.into() }
    }

    fn of(error: ServiceError) -> Unknown {
        let kind = if error.kind() == ServiceErrorKind::Deadline {
            ServiceErrorKind::Deadline
        } else {
            ServiceErrorKind::Failed
        };
        Unknown { kind, why: error.to_string() }
    }
}

/// The way in which a source reaches others.
pub(crate) struct Reach {
    /// The client for requests; `None` if no layer offers to send them.
    pub(crate) client: Option<Client>,
    pub(crate) timeout: Duration,
}

impl Reach {
    /// Sends a request and waits for its reply.
    pub(crate) fn send(&self, request: ClientRequest) -> Result<ClientReply, Unknown> {
        let client = self
            .client
            .ok_or_else(|| Unknown::new("no layer offers faas.http: name http-client before params in FAAS_LAYERS"))?;
        // A provider that does not keep its own limit is not waited for.
        let limit = self.timeout + self.timeout / 4;
        match client.send(request.within(self.timeout)).wait_for(limit) {
            Some(ended) => ended.map_err(Unknown::of),
            None => Err(Unknown { kind: ServiceErrorKind::Deadline, why: "it does not answer in time".to_owned() }),
        }
    }
}

/// A place where values are kept.
pub(crate) trait Source: Send + Sync {
    /// Returns the present value of a name.
    fn ask(&self, name: &str, reach: &Reach) -> Result<Found, Unknown>;
}

/// Returns the JSON of a good reply; `None` for 404.
fn json(reply: &ClientReply) -> Result<Option<Value>, Unknown> {
    match reply.status() {
        200 => reply.json().map(Some).map_err(|_| Unknown::new("it answers no JSON")),
        404 => Ok(None),
        status => Err(Unknown::new(format!("it answers {status}"))),
    }
}

/// Returns a field of JSON as a value: a text as it is, anything else as it is written.
fn field(value: Option<&Value>) -> Found {
    match value {
        None | Some(Value::Null) => Found::Nothing,
        Some(Value::String(text)) => Found::Value(text.clone().into_bytes()),
        Some(other) => Found::Value(other.to_string().into_bytes()),
    }
}

/// Returns one field of a value that is an object as text.
fn field_of_text(text: &str, name: &str) -> Result<Found, Unknown> {
    let object: Value =
        serde_json::from_str(text).map_err(|_| Unknown::new("the value is no JSON, and has no field"))?;
    Ok(field(object.get(name)))
}

/// Returns a name as a part of a query.
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
