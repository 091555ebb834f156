//! The call of a function, and the form in which the host writes it for a custom handler.
//!
//! Source: the repository `Azure/azure-functions-host`, `ScriptInvocationContextExtensions` and
//! `HttpRequestExtensions`. The metadata of the triggers is what their extensions document.

use crate::base64::encode;
use crate::wire::Headers;
use serde_json::{Value, json};

/// A client's request to the app.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method of the request.
    pub method: String,
    /// The path and query of the request.
    pub target: String,
    /// The header fields, in order.
    pub headers: Headers,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// `true` if the client sends it in chunks, so that its length is not known.
    pub is_chunked: bool,
    /// The parameters that the route of the function has found in the path.
    pub params: Vec<(String, String)>,
}

impl Request {
    /// Returns a request.
    pub fn new(method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: crate::wire::headers(headers),
            body: body.into(),
            is_chunked: false,
            params: Vec::new(),
        }
    }

    /// Returns the headers as they come through the front end.
    pub(super) fn front(&self) -> Headers {
        let mut headers: Headers = [
            ("Host", "shop.azurewebsites.net"),
            ("X-Forwarded-For", "192.0.2.7:54321"),
            ("X-Forwarded-Proto", "https"),
            ("DISGUISED-HOST", "shop.azurewebsites.net"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        headers.extend(self.headers.iter().cloned());
        if !self.body.is_empty() && !self.is_chunked {
            headers.push(("Content-Length".to_owned(), self.body.len().to_string()));
        }
        headers
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns decoded names and values, with repeated names joined by commas.
    pub(super) fn query(&self) -> Vec<(String, String)> {
        let mut query: Vec<(String, String)> = Vec::new();
        let text = self.target.split_once('?').map_or("", |(_, query)| query);
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name), decoded(value));
            match query.iter_mut().find(|(other, _)| *other == name) {
                Some((_, values)) => {
                    values.push(',');
                    values.push_str(&value);
                }
                None => query.push((name, value)),
            }
        }
        query
    }

    fn json(&self) -> Value {
        let mut headers: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in self.front() {
            match headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                Some((_, values)) => values.push(value),
                None => headers.push((name, vec![value])),
            }
        }
        let object = |pairs: Vec<(String, Value)>| Value::Object(pairs.into_iter().collect());
        let mut request = json!({
            "Url": format!("https://shop.azurewebsites.net{}", self.target),
            "Method": self.method,
            "Query": object(self.query().into_iter().map(|(name, value)| (name, value.into())).collect()),
            "Headers": object(headers.into_iter().map(|(name, values)| (name, values.into())).collect()),
            "Params": object(self.params.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()),
            "Identities": [{ "AuthenticationType": null, "IsAuthenticated": false, "Claims": [] }],
        });
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if self.body.is_empty() || self.is_chunked {
        } else if kind.starts_with("application/octet-stream") || kind.starts_with("multipart/") {
            request["Body"] = encode(&self.body).into();
        } else {
            request["Body"] = String::from_utf8_lossy(&self.body).into_owned().into();
        }
        request
    }
}

/// Undoes the percent-coding of a text, and makes a space of each plus sign, as in queries.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let code = |rest: &std::str::Bytes<'_>| {
            let mut ahead = rest.clone();
            let pair = [ahead.next()?, ahead.next()?];
            u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()
        };
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match code(&rest) {
                Some(code) => {
                    bytes.push(code);
                    rest.nth(1);
                }
                None => bytes.push(byte),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A value of an input binding or of the metadata.
#[derive(Clone, Debug)]
pub enum Bound {
    /// The request of a client.
    Request(Request),
    /// A value that is a text.
    Text(String),
    /// A value of JSON. An object is written as it is, everything else as a text that holds its JSON.
    Json(Value),
    /// A value that is bytes.
    Bytes(Vec<u8>),
    /// A value that is written by hand, as the documentation's samples are.
    Plain(Value),
}

impl Bound {
    fn json(&self) -> Value {
        match self {
            Bound::Request(request) => request.json(),
            Bound::Text(text) => Value::String(text.clone()).to_string().into(),
            Bound::Json(value @ Value::Object(_)) | Bound::Plain(value) => value.clone(),
            Bound::Json(value) => value.to_string().into(),
            Bound::Bytes(bytes) => encode(bytes).into(),
        }
    }
}

/// An output binding.
#[derive(Clone, Debug)]
pub struct Output {
    /// The name of the binding; `$return` is the return value.
    pub name: String,
    /// `true` if it is the reply to an HTTP request.
    pub is_http: bool,
    /// `true` if it has the `dataType` `binary`.
    pub is_binary: bool,
}

/// A call of a function.
#[derive(Clone, Debug)]
pub struct Call {
    /// The folder of the function.
    pub function: String,
    /// The input bindings, the trigger first.
    pub data: Vec<(String, Bound)>,
    /// The metadata that the host has for the trigger.
    pub metadata: Vec<(String, Bound)>,
    /// The output bindings.
    pub outputs: Vec<Output>,
}

impl Call {
    /// Returns a call by some trigger, without outputs.
    pub fn new(function: &str, name: &str, value: Bound) -> Call {
        Call {
            function: function.to_owned(),
            data: vec![(name.to_owned(), value)],
            metadata: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Makes a call by an HTTP request, whose reply is the output `res`.
    pub fn http(function: &str, request: Request) -> Call {
        let query = request.query().into_iter().map(|(name, value)| (name, Bound::Text(value))).collect();
        Call { metadata: query, ..Call::new(function, "req", Bound::Request(request)) }.http_output("res")
    }

    /// Makes a call by a message of a queue.
    pub fn queue(function: &str, message: &str) -> Call {
        Call::new(function, "job", Bound::Text(message.to_owned())).knows(&[
            ("DequeueCount", json!(1)),
            ("Id", json!("a1")),
            ("PopReceipt", json!("p1")),
            ("InsertionTime", json!("2026-01-02T03:04:05+00:00")),
        ])
    }

    /// Makes a call by the clock.
    pub fn timer(function: &str) -> Call {
        let timer = json!({
            "Schedule": { "AdjustForDST": true },
            "ScheduleStatus": { "Last": "2026-01-02T03:04:00Z", "Next": "2026-01-02T03:05:00Z", "LastUpdated": "2026-01-02T03:04:00Z" },
            "IsPastDue": false,
        });
        Call::new(function, "timer", Bound::Json(timer))
    }

    /// Makes a call by a blob of these bytes, with the `dataType` `binary` or without.
    pub fn blob(function: &str, content: Bound) -> Call {
        Call::new(function, "blob", content).knows(&[
            ("Uri", json!("https://store.blob.core.windows.net/in/a.txt")),
            ("Properties", json!({ "Length": 3, "ContentType": "text/plain" })),
            ("Metadata", json!({})),
            ("name", json!("a.txt")),
        ])
    }

    /// Makes a call by an event of Event Grid, in either of its schemas.
    pub fn event_grid(function: &str, event: Value) -> Call {
        let data = event["data"].clone();
        Call::new(function, "event", Bound::Json(event)).knows(&[("data", data)])
    }

    /// Makes a call by events of an event hub.
    pub fn event_hub(function: &str, events: Value) -> Call {
        Call::new(function, "events", Bound::Json(events)).knows(&[
            ("PartitionContext", json!({ "PartitionId": "0", "ConsumerGroup": "$Default" })),
            ("SequenceNumberArray", json!([1, 2])),
            ("OffsetArray", json!(["0", "48"])),
        ])
    }

    /// Makes a call by a message of Service Bus.
    pub fn service_bus(function: &str, message: &str) -> Call {
        Call::new(function, "message", Bound::Text(message.to_owned())).knows(&[
            ("MessageId", json!("m1")),
            ("DeliveryCount", json!(1)),
            ("SequenceNumber", json!(7)),
            ("ApplicationProperties", json!({ "colour": "red" })),
        ])
    }

    /// Makes a call by changed documents of Cosmos DB.
    pub fn cosmos_db(function: &str) -> Call {
        let documents = json!([{ "id": "1", "_rid": "r", "_self": "s", "_etag": "e", "_ts": 1767323045 }]);
        Call::new(function, "documents", Bound::Json(documents))
    }

    /// Returns the call with more metadata.
    pub fn knows(mut self, metadata: &[(&str, Value)]) -> Call {
        let bound = |(name, value): &(&str, Value)| ((*name).to_owned(), Bound::Json(value.clone()));
        self.metadata.extend(metadata.iter().map(bound));
        self
    }

    /// Returns the call with one more input.
    pub fn input(mut self, name: &str, value: Bound) -> Call {
        self.data.push((name.to_owned(), value));
        self
    }

    /// Returns the call with one more output, of any kind but HTTP.
    pub fn output(mut self, name: &str) -> Call {
        self.outputs.push(Output { name: name.to_owned(), is_http: false, is_binary: false });
        self
    }

    /// Returns the call with one more output for the reply to a request.
    pub fn http_output(mut self, name: &str) -> Call {
        self.outputs.push(Output { name: name.to_owned(), is_http: true, is_binary: false });
        self
    }

    /// Returns the request, if it is the only input and its reply the only output: then forwarding and proxying concern
    /// it. It is `None` otherwise.
    pub(super) fn request_alone(&self) -> Option<&Request> {
        match (&self.data[..], &self.outputs[..]) {
            ([(_, Bound::Request(request))], [output]) if output.is_http => Some(request),
            _ => None,
        }
    }

    /// Returns the envelope. It is written by hand for the order of its members, which the host keeps.
    pub fn envelope(&self) -> String {
        let members = |pairs: &[(String, Bound)]| {
            let member = |(name, value): &(String, Bound)| format!("{}:{}", json!(name), value.json());
            pairs.iter().map(member).collect::<Vec<_>>().join(",")
        };
        let mut metadata = self.metadata.clone();
        let sys = json!({ "MethodName": self.function, "UtcNow": "2026-01-02T03:04:05Z", "RandGuid": "0" });
        metadata.push(("sys".to_owned(), Bound::Json(sys)));
        format!("{{\"Data\":{{{}}},\"Metadata\":{{{}}}}}", members(&self.data), members(&metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_objects_is_coded_twice() {
        let call = Call::new("Paint", "job", Bound::Text("red".to_owned()))
            .input("n", Bound::Json(json!(5)))
            .input("l", Bound::Json(json!([1, 2])))
            .input("o", Bound::Json(json!({ "a": 1 })))
            .input("b", Bound::Bytes(b"hi".to_vec()))
            .input("p", Bound::Plain(json!("plain")));
        let data =
            r#"{"Data":{"job":"\"red\"","n":"5","l":"[1,2]","o":{"a":1},"b":"aGk=","p":"plain"},"Metadata":{"sys":"#;
        let envelope = call.envelope();
        assert!(envelope.starts_with(data), "{envelope}");
        assert!(serde_json::from_str::<Value>(&envelope).is_ok());
    }

    #[test]
    fn a_request_has_its_body_only_with_a_length_and_its_repeats_joined() {
        let request = Request::new("POST", "/api/x?a=1&b=%32+x&a=2", &[("X-A", "1"), ("x-a", "2")], "text");
        let json = request.json();
        assert_eq!(json["Query"], json!({ "a": "1,2", "b": "2 x" }));
        assert_eq!((&json["Headers"]["X-A"], &json["Body"]), (&json!(["1", "2"]), &json!("text")));
        let chunked = Request { is_chunked: true, ..request.clone() };
        assert!(chunked.json().get("Body").is_none());
        assert_eq!(json["Params"], json!({}));
        let routed = Request { params: vec![("id".to_owned(), "7".to_owned())], ..request };
        assert_eq!(routed.json()["Params"], json!({ "id": "7" }));
        let bytes = Request::new("POST", "/api/x", &[("Content-Type", "application/octet-stream")], [0xff]);
        assert_eq!(bytes.json()["Body"], "/w==");
    }

    #[test]
    fn only_a_request_alone_is_forwarded() {
        let request = || Request::new("GET", "/api/x", &[], "");
        assert!(Call::http("X", request()).request_alone().is_some());
        assert!(Call::http("X", request()).output("queue").request_alone().is_none());
        assert!(Call::queue("X", "m").http_output("res").request_alone().is_none());
    }
}
