//! Events as senders of CloudEvents put them on the wire, and replies as they read them. The file is written from the
//! HTTP binding, and knows no platform.

use crate::wire::{Answer, Headers};
use serde_json::{Map, Value};

/// A request of a sender.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method of the request.
    pub method: String,
    /// The path and query, as they are sent.
    pub target: String,
    /// The headers of the sender.
    pub headers: Headers,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a request of any kind.
    pub fn new(method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: crate::wire::headers(headers),
            body: body.into(),
        }
    }

    /// Makes a POST of JSON without any sign of an event.
    pub fn json(body: impl Into<Vec<u8>>) -> Request {
        Request::new("POST", "/", &[("Content-Type", "application/json")], body)
    }

    /// Returns an event in binary mode: its attributes are percent-coded into headers, the content type among them is
    /// the header of that name.
    pub fn binary(attributes: &[(&str, &str)], data: impl Into<Vec<u8>>) -> Request {
        let mut request = Request::new("POST", "/", &[], data);
        for (name, value) in attributes {
            let header = match *name {
                "datacontenttype" => ("Content-Type".to_owned(), (*value).to_owned()),
                name => (format!("ce-{name}"), coded(value)),
            };
            request.headers.push(header);
        }
        request
    }

    /// Returns an event in structured mode.
    pub fn structured(event: &Value) -> Request {
        Request::new("POST", "/", &[("Content-Type", "application/cloudevents+json; charset=utf-8")], event.to_string())
    }

    /// Makes a request of events in batched mode.
    pub fn batch(events: &[Value]) -> Request {
        let events = Value::Array(events.to_vec());
        Request::new("POST", "/", &[("Content-Type", "application/cloudevents-batch+json")], events.to_string())
    }

    /// Returns an event given as JSON, in binary mode, as sdk-go sends it unless it is told otherwise: texts and JSON
    /// data alone.
    pub fn binary_of(event: &Value) -> Request {
        let none = Map::new();
        let members = event.as_object().unwrap_or(&none);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let attributes: Vec<(&str, String)> =
            members.iter().filter(|(name, _)| *name != "data").map(|(name, value)| (&**name, text(value))).collect();
        let attributes: Vec<_> = attributes.iter().map(|(name, value)| (*name, &**value)).collect();
        Request::binary(&attributes, members.get("data").map(Value::to_string).unwrap_or_default())
    }

    /// Returns the request with one more header.
    pub fn with(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the request to another path.
    pub fn to(mut self, target: &str) -> Request {
        target.clone_into(&mut self.target);
        self
    }
}

/// An event that came as a reply: attributes by name, the content type as `datacontenttype`, and the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The attributes of the event.
    pub attributes: Vec<(String, String)>,
    /// The data of the event.
    pub data: Vec<u8>,
}

impl Event {
    /// Reads a reply in binary mode.
    ///
    /// # Errors
    /// The answer is no event, or has a header that no event may have.
    pub fn read(answer: &Answer) -> Result<Event, String> {
        let mut event = Event { attributes: Vec::new(), data: answer.body.clone() };
        for (header, value) in &answer.headers {
            let header = header.to_ascii_lowercase();
            match header.strip_prefix("ce-") {
                Some("datacontenttype") => return Err("there is a header ce-datacontenttype".to_owned()),
                Some(name) => event.attributes.push((name.to_owned(), decoded(value)?)),
                None if header == "content-type" => {
                    event.attributes.push(("datacontenttype".to_owned(), value.clone()))
                }
                None => {}
            }
        }
        for name in ["specversion", "id", "source", "type"] {
            if event.attribute(name).is_none_or(str::is_empty) {
                return Err(format!("no attribute {name} in {:?}", answer.headers));
            }
        }
        if event.attribute("specversion") != Some("1.0") { Err("not version 1.0".to_owned()) } else { Ok(event) }
    }

    /// Returns an attribute of the event; `None` if it has no attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Percent-codes space, `"`, `%` and all but visible ASCII.
fn coded(text: &str) -> String {
    let coded = |byte: u8| match byte {
        b' ' | b'"' | b'%' | 0..=0x20 | 0x7f..=0xff => format!("%{byte:02X}"),
        visible => char::from(visible).to_string(),
    };
    text.bytes().map(coded).collect()
}

fn decoded(value: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        if !(0x21..=0x7e).contains(first) || *first == b'"' {
            return Err(format!("the header value {value:?} is not percent-coded"));
        }
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let code = tail.get(..2).and_then(|code| std::str::from_utf8(code).ok()?.parse_hex());
        bytes.push(code.ok_or_else(|| format!("a stray % in {value:?}"))?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|error| format!("{value:?}: {error}"))
}

trait Hex {
    fn parse_hex(&self) -> Option<u8>;
}

impl Hex for str {
    fn parse_hex(&self) -> Option<u8> {
        // A sign would pass the parser.
        self.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(self, 16).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)]) -> Answer {
        Answer { status: 200, headers: crate::wire::headers(headers), body: b"d".to_vec(), closes: false }
    }

    #[test]
    fn an_event_goes_out_and_comes_back() {
        let attributes =
            [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "t"), ("subject", "a \"€\"%")];
        let request = Request::binary(&attributes, "d");
        assert_eq!(request.headers[4], ("ce-subject".to_owned(), "a%20%22%E2%82%AC%22%25".to_owned()));
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let event = Event::read(&answer(&headers)).expect("an event");
        assert_eq!((event.attribute("subject"), &event.data[..]), (Some("a \"€\"%"), &b"d"[..]));
    }

    #[test]
    fn what_is_no_event_is_told() {
        let all = [("CE-SpecVersion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];
        assert!(Event::read(&answer(&all)).is_ok());
        for wrong in [
            &all[1..],
            &[all[0], all[1], all[2], ("ce-type", "")],
            &[("ce-specversion", "0.3"), all[1], all[2], all[3]],
            &[all[0], all[1], all[2], all[3], ("ce-datacontenttype", "a/b")],
            &[all[0], all[1], all[2], all[3], ("ce-subject", "a b")],
            &[all[0], all[1], all[2], all[3], ("ce-subject", "a%2")],
            &[all[0], all[1], all[2], all[3], ("ce-subject", "a%+1")],
            &[all[0], all[1], all[2], all[3], ("ce-subject", "%FF")],
        ] {
            assert!(Event::read(&answer(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_event_in_json_goes_out_in_headers() {
        let event = serde_json::json!({"specversion": "1.0", "id": "1", "datacontenttype": "application/json", "data": {"a": 1}});
        let request = Request::binary_of(&event);
        assert!(request.headers.contains(&("Content-Type".to_owned(), "application/json".to_owned())));
        assert_eq!((request.headers.len(), &request.body[..]), (3, &br#"{"a":1}"#[..]));
    }
}
