//! CloudEvents, in whichever mode they came, and as replies.
//!
//! ```
//! use handlers_sdk::events::{CloudEvent, CloudEventReply};
//! use handlers_sdk::{Error, function};
//!
//! #[derive(serde::Deserialize)]
//! struct Boiled {
//!     pot: u32,
//! }
//!
//! #[function]
//! fn take_off(event: CloudEvent) -> Result<CloudEventReply, Error> {
//!     let boiled: Boiled = event.data_as()?;
//!     let id = format!("{}-taken", event.id());
//!     CloudEventReply::new(id, "/cook", "org.example.pot.taken").json(&serde_json::json!({ "pot": boiled.pot }))
//! }
//! # fn main() {}
//! ```
//!
//! A function that returns nothing says that the event is done. An error makes the sender repeat it, unless it is one
//! of kind `Runtime.UnmarshalError`, as [`CloudEvent::data_as`] gives: that is answered 400, and the event is given up.
//! For any other status return a [`Response`](crate::Response).

use super::base64;
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::json;
use crate::call::pairs::Pairs;
use crate::encoding::percent;
use crate::error::Error;
use crate::reply::{Body, IntoReply, Reply};
use faas_abi::LIST_ATTRIBUTE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::fmt;

/// A CloudEvent. It keeps its invocation open as a context does; returned by a function, it is the reply, unchanged.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::Invoke};
/// use handlers_sdk::events::CloudEvent;
///
/// #[function]
/// fn boiled(event: CloudEvent) -> Result<String, Error> {
///     let pot: u32 = event.data_as()?;
///     Ok(format!("pot {pot} boils on {}, says {}", event.subject().unwrap_or("a stove"), event.source()))
/// }
///
/// let attributes = [("id", "1"), ("source", "/kitchen"), ("type", "org.example.pot.boiled"), ("subject", "stove 2")];
/// let answer = Invoke::cloud_event(&attributes, "7").run(boiled::MODULE);
/// assert_eq!(answer.text(), "pot 7 boils on stove 2, says /kitchen");
/// ```
#[derive(Clone)]
pub struct CloudEvent {
    ctx: FaasContext,
}

impl FromInvocation for CloudEvent {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let event = CloudEvent { ctx: ctx.clone() };
        if event.attribute("specversion").is_some() {
            return Ok(event);
        }
        let message = format!("expected a CloudEvent, found an event of trigger {:?}", ctx.trigger());
        Err(Error::absent("Runtime.TriggerMismatch", message))
    }
}

impl CloudEvent {
    fn required(&self, name: &str) -> &str {
        self.attribute(name).unwrap_or_default()
    }

    /// Returns the id. Together with the source it tells the event from all others.
    pub fn id(&self) -> &str {
        self.required("id")
    }

    /// Returns the source, which is where it happened.
    pub fn source(&self) -> &str {
        self.required("source")
    }

    /// Returns the kind of the event: the attribute `type`.
    pub fn kind(&self) -> &str {
        self.required("type")
    }

    /// Returns the subject, which is the thing that it happened to; `None` without one.
    pub fn subject(&self) -> Option<&str> {
        self.attribute("subject")
    }

    /// Returns the time of the event, in RFC 3339; `None` without one.
    pub fn time(&self) -> Option<&str> {
        self.attribute("time")
    }

    /// Returns the content type of the data.
    pub fn data_content_type(&self) -> Option<&str> {
        self.attribute("datacontenttype")
    }

    /// Returns the address of the data's schema; `None` without one.
    pub fn data_schema(&self) -> Option<&str> {
        self.attribute("dataschema")
    }

    /// Returns an attribute, extensions among them, as its canonical text.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let value = self.ctx.held().reader().get(LIST_ATTRIBUTE, name)?;
        core::str::from_utf8(value).ok()
    }

    /// Returns all attributes as pairs of a name and its canonical text, with `specversion` and extensions among them.
    pub fn attributes(&self) -> Pairs<'_> {
        Pairs::new(self.ctx.held().reader(), LIST_ATTRIBUTE)
    }

    /// Returns the data: a body as it came, or of an event in JSON its `data`, with base64 undone.
    pub fn data(&self) -> &[u8] {
        self.ctx.body()
    }

    /// Returns the data, which is JSON, as a type of yours.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if the data is no JSON, or has another shape.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::read(self.data())
    }

    /// Returns a reply that is the same event.
    pub fn to_reply(&self) -> CloudEventReply {
        let mut reply = CloudEventReply::new("", "", "");
        reply.attributes.clear();
        for (name, value) in self.attributes().filter(|(name, _)| !matches!(*name, "specversion" | "datacontenttype")) {
            reply.attributes.push((name.to_owned(), value.to_owned()));
        }
        reply.content_type = self.data_content_type().map(str::to_owned);
        reply.data = self.data().to_vec();
        reply
    }
}

impl IntoReply for CloudEvent {
    fn into_reply(self) -> Result<Reply, Error> {
        self.to_reply().into_reply()
    }
}

impl fmt::Debug for CloudEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudEvent").field("attributes", &self.attributes()).finish_non_exhaustive()
    }
}

/// A CloudEvent as the reply to an event or a request: attributes in `ce-` headers, the data as the body. Where the
/// platform has no headers for a reply, make it [`structured`](CloudEventReply::structured).
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::events::CloudEventReply;
///
/// #[function]
/// fn ring(pot: String) -> CloudEventReply {
///     let event = CloudEventReply::new("1", "/kitchen", "org.example.bell.rung");
///     event.attribute("subject", pot).data("text/plain", "ding")
/// }
///
/// let answer = Invoke::http("POST", "/").body("pot 7").run(ring::MODULE);
/// assert_eq!((answer.header("ce-subject"), answer.text().as_str()), (Some("pot%207"), "ding"));
/// ```
#[derive(Clone, Debug)]
pub struct CloudEventReply {
    attributes: Vec<(String, String)>,
    content_type: Option<String>,
    data: Vec<u8>,
    structured: bool,
}

impl CloudEventReply {
    /// Returns an event without data; `kind` is the attribute `type`.
    pub fn new(id: impl Into<String>, source: impl Into<String>, kind: impl Into<String>) -> CloudEventReply {
        let reply = CloudEventReply { attributes: Vec::new(), content_type: None, data: Vec::new(), structured: false };
        reply.attribute("id", id).attribute("source", source).attribute("type", kind)
    }

    /// Adds one more attribute, `subject`, `time`, or an extension: lower-case letters and digits. The data's content
    /// type is given with the data.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> CloudEventReply {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// Sets the data and its content type.
    #[must_use]
    pub fn data(mut self, content_type: impl Into<String>, data: impl Into<Vec<u8>>) -> CloudEventReply {
        self.content_type = Some(content_type.into());
        self.data = data.into();
        self
    }

    /// Sets the data as JSON.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub fn json<T: Serialize>(self, data: &T) -> Result<CloudEventReply, Error> {
        Ok(self.data("application/json", json::write(data)?))
    }

    /// Makes the reply one JSON document, with the attributes in it.
    #[must_use]
    pub fn structured(mut self) -> CloudEventReply {
        self.structured = true;
        self
    }

    /// Refuses an event that a reader would refuse.
    fn check(&self) -> Result<(), Error> {
        let refused = |message: String| Err(Error::new("Runtime.ReplyEvent", message));
        for (index, (name, value)) in self.attributes.iter().enumerate() {
            let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if name.is_empty()
                || !name.bytes().all(legal)
                || matches!(&**name, "data" | "datacontenttype" | "specversion")
            {
                return refused(format!("{name:?} is no attribute that a reply may set"));
            }
            if value.chars().any(char::is_control) {
                return refused(format!("the attribute {name:?} of the reply has control characters"));
            }
            if value.is_empty() && matches!(&**name, "id" | "source" | "type" | "subject" | "dataschema" | "time") {
                return refused(format!("the attribute {name:?} of the reply is empty"));
            }
            if self.attributes[..index].iter().any(|(other, _)| other == name) {
                return refused(format!("the attribute {name:?} of the reply is there twice"));
            }
        }
        Ok(())
    }

    fn document(&self) -> Result<Vec<u8>, Error> {
        let mut document = serde_json::Map::new();
        document.insert("specversion".to_owned(), "1.0".into());
        for (name, value) in &self.attributes {
            document.insert(name.clone(), value.as_str().into());
        }
        if let Some(content_type) = &self.content_type {
            document.insert("datacontenttype".to_owned(), content_type.as_str().into());
        }
        let content_type = self.content_type.as_deref().unwrap_or_default();
        let text = std::str::from_utf8(&self.data).ok().filter(|_| !content_type.is_empty());
        match text {
            None if self.data.is_empty() => {}
            // The text is taken as it stands: numbers keep their digits, members their order.
            Some(text) if is_json(content_type) && serde_json::from_str::<&RawValue>(text).is_ok() => {
                let mut out = json::write(&document)?;
                out.pop();
                out.extend_from_slice(b",\"data\":");
                out.extend_from_slice(&self.data);
                out.push(b'}');
                return Ok(out);
            }
            Some(text) if !is_json(content_type) => {
                document.insert("data".to_owned(), text.into());
            }
            _ => {
                document.insert("data_base64".to_owned(), base64::encode(&self.data).into());
            }
        }
        json::write(&document)
    }
}

impl IntoReply for CloudEventReply {
    fn into_reply(self) -> Result<Reply, Error> {
        self.check()?;
        if self.structured {
            let content_type = Some("application/cloudevents+json; charset=utf-8");
            return Ok(Reply::http(200, content_type, Vec::new(), Vec::new(), Body::Owned(self.document()?)));
        }
        let mut headers = vec![("ce-specversion".to_owned(), "1.0".to_owned())];
        headers.extend(self.attributes.iter().map(|(name, value)| (format!("ce-{name}"), percent::in_header(value))));
        headers.extend(self.content_type.map(|content_type| ("content-type".to_owned(), content_type)));
        Ok(Reply::http(200, None, headers, Vec::new(), Body::Owned(self.data)))
    }
}

/// Returns `true` for a JSON content type: `*/json` or `*/*+json`.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.split_once('/').is_some_and(|(_, subtype)| subtype == "json" || subtype.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(reply: CloudEventReply) -> String {
        String::from_utf8(reply.document().expect("JSON")).expect("UTF-8")
    }

    fn reply() -> CloudEventReply {
        CloudEventReply::new("1", "/s", "t")
    }

    #[test]
    fn data_goes_into_a_document_as_what_it_is() {
        let json = document(reply().data("application/json", &br#"{"b":1.0,"a":[]}"#[..]));
        let head = r#"{"datacontenttype":"application/json","id":"1","source":"/s","specversion":"1.0","type":"t""#;
        assert_eq!(json, format!(r#"{head},"data":{{"b":1.0,"a":[]}}}}"#));
        let text = document(reply().data("text/plain; charset=utf-8", &b"1\n"[..]));
        assert!(text.contains(r#""data":"1\n","#), "{text}");
        let bytes = document(reply().data("image/png", &b"\xff\x00"[..]));
        assert!(bytes.contains(r#""data_base64":"/wA=""#), "{bytes}");
        let broken = document(reply().data("a/b+json", &b"{"[..]));
        assert!(broken.contains(r#""data_base64":"ew==""#), "{broken}");
        let none = document(reply());
        assert_eq!(none, r#"{"id":"1","source":"/s","specversion":"1.0","type":"t"}"#);
    }

    #[test]
    fn what_readers_would_refuse_is_not_sent() {
        for (reply, why) in [
            (CloudEventReply::new("", "/s", "t"), "the attribute \"id\" of the reply is empty"),
            (reply().attribute("subject", ""), "the attribute \"subject\" of the reply is empty"),
            (reply().attribute("Level", "7"), "\"Level\" is no attribute that a reply may set"),
            (reply().attribute("a_b", "7"), "\"a_b\" is no attribute that a reply may set"),
            (reply().attribute("data", "7"), "\"data\" is no attribute that a reply may set"),
            (reply().attribute("datacontenttype", "a/b"), "\"datacontenttype\" is no attribute that a reply may set"),
            (reply().attribute("id", "2"), "the attribute \"id\" of the reply is there twice"),
            (reply().attribute("e", "a\nb"), "the attribute \"e\" of the reply has control characters"),
        ] {
            let error = reply.into_reply().expect_err(why);
            assert_eq!((error.kind(), error.message()), ("Runtime.ReplyEvent", why));
        }
        assert!(reply().attribute("level", "").into_reply().is_ok());
    }
}
