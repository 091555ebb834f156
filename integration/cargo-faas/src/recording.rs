//! A recording of the layer `record`, as something to send again. `layers/record/README.md` has the form.

use crate::event::{self, Request};
use crate::failure::Failure;
use faas_core::encoding::base64;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::SystemTime;

/// The version of the form that is read.
const VERSION: u64 = 1;

/// An invocation that is sent again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    /// A request to a server.
    Request { method: String, target: String, headers: Vec<(String, String)>, body: String },
    /// Any other event, as the text that is sent: JSON where it was recorded as JSON, else the text of its body.
    Event(String),
}

fn refused(why: &str) -> Failure {
    Failure::new("recording", why)
}

impl Recording {
    /// Reads a file of the layer's, or a line of its log.
    ///
    /// # Errors
    /// The text is the reason why it cannot be sent again.
    pub(crate) fn read(text: &str) -> Result<Recording, Failure> {
        let wrong = |why: &dyn std::fmt::Display| refused(&format!("expected a recording of the layer record: {why}"));
        let document: Value = serde_json::from_str(text).map_err(|error| wrong(&error))?;
        if document["version"] != VERSION {
            return Err(wrong(&format!("its version is {}, and this tool reads {VERSION}", document["version"])));
        }
        if let Some(event) = document.get("event") {
            return match event.get("json") {
                Some(json) => Ok(Recording::Event(json.to_string())),
                None => Ok(Recording::Event(body(event)?)),
            };
        }
        let http = document.get("http").ok_or_else(|| wrong(&"it has neither http nor event"))?;
        let text =
            |name: &str| http[name].as_str().map(str::to_owned).ok_or_else(|| wrong(&format!("http has no {name}")));
        let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
        let headers = http["headers"].as_array().into_iter().flatten().map(pair);
        let headers = headers.collect::<Option<Vec<_>>>().ok_or_else(|| wrong(&"headers are pairs of texts"))?;
        // The length is that of the body before its secrets were hidden, and the id is that of the recorded invocation.
        let left_out = ["content-length", "transfer-encoding", "x-request-id"];
        let stays = |name: &str| !left_out.iter().any(|other| name.eq_ignore_ascii_case(other));
        let headers = headers.into_iter().filter(|(name, _)| stays(name)).collect();
        Ok(Recording::Request { method: text("method")?, target: text("target")?, headers, body: body(http)? })
    }

    /// Returns it as an event of AWS Lambda; a request becomes one of API Gateway's.
    pub(crate) fn event(self) -> String {
        match self {
            Recording::Event(event) => event,
            Recording::Request { method, target, headers, body } => {
                let request = Request {
                    method: &method,
                    target: &target,
                    headers: &headers,
                    body: body.as_bytes(),
                    client: SocketAddr::from(([127, 0, 0, 1], 40_000)),
                    port: 8080,
                };
                event::build(request, SystemTime::now()).0.to_string()
            }
        }
    }
}

/// Returns the body, which has to be a text to be sent from here.
fn body(of: &Value) -> Result<String, Failure> {
    if let Some(bytes) = of["omitted"].as_u64() {
        let why = format!("its {bytes} bytes were not written down: raise maxBytes of the layer record");
        return Err(refused(&why));
    }
    let Some(coded) = of["base64"].as_str() else { return Ok(of["text"].as_str().unwrap_or_default().to_owned()) };
    let mut bytes = Vec::new();
    base64::decode_into(&mut bytes, coded.as_bytes()).map_err(|_| refused("its base64 is none"))?;
    String::from_utf8(bytes).map_err(|_| refused("its body is no text, and cannot be sent from here"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_what_was_recorded_but_for_the_length_of_its_body_and_its_id() {
        let recorded = json!({"faas": "recording", "version": 1, "more": 7, "http": {
            "method": "POST", "target": "/orders?page=2", "text": "{\"item\":\"tea\"}",
            "headers": [["Authorization", "*****"], ["Content-Length", "99"], ["X-Request-Id", "r-1"], ["content-type", "application/json"]],
        }});
        let recording = Recording::read(&recorded.to_string()).unwrap();
        let headers = [("Authorization", "*****"), ("content-type", "application/json")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let (method, target) = ("POST".to_owned(), "/orders?page=2".to_owned());
        let body = "{\"item\":\"tea\"}".to_owned();
        assert_eq!(recording, Recording::Request { method, target, headers, body: body.clone() });
        let event: Value = serde_json::from_str(&recording.event()).unwrap();
        assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!("/orders"), &json!("page=2")));
        assert_eq!((&event["body"], &event["headers"]["authorization"]), (&json!(body), &json!("*****")));
    }

    #[test]
    fn an_event_is_its_document_or_its_bytes() {
        for (event, expected) in [
            (json!({"json": {"n": 1}}), "{\"n\":1}"),
            (json!({"text": "\"a\""}), "\"a\""),
            (json!({"base64": "Ingi"}), "\"x\""),
        ] {
            let recorded = json!({"version": 1, "event": event}).to_string();
            assert_eq!(Recording::read(&recorded).unwrap(), Recording::Event(expected.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_sent_again_says_why() {
        for (recorded, why) in [
            (json!({"version": 2, "event": {"json": 1}}), "its version is 2, and this tool reads 1"),
            (json!({"a": 1}), "its version is null"),
            (json!({"version": 1}), "neither http nor event"),
            (
                json!({"version": 1, "event": {"omitted": 70000}}),
                "its 70000 bytes were not written down: raise maxBytes",
            ),
            (json!({"version": 1, "http": {"method": "GET"}}), "http has no target"),
            (json!({"version": 1, "event": {"base64": "//79"}}), "no text"),
        ] {
            let error = Recording::read(&recorded.to_string()).unwrap_err().to_string();
            assert!(error.starts_with("recording: ") && error.contains(why), "{error}");
        }
        assert!(Recording::read("{").is_err());
    }
}
