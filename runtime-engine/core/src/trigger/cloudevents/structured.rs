//! Reads structured mode, an event as a JSON object. Attributes are its members, `data` is any JSON or a text, and
//! `data_base64` holds bytes.

use super::attributes::{EventRefusal, Required, check, check_name};
use super::essence;
use crate::encoding::base64;
use crate::fields::{caseless, exact};
use crate::json::{Value, ValueKind as Json};
use crate::text::Span;
use crate::trigger::{Body, Data};

/// The attribute that tells the content type of the data.
const CONTENT_TYPE: &[u8] = b"datacontenttype";

/// The most attributes of an event. There is a limit because each new one is compared with those before it.
const MOST: usize = 256;

/// The treatment of a mistake in an event, such as a member that is no attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rigour {
    /// The event is refused.
    Strict,
    /// The member, or the data, is passed over.
    Lenient,
}

/// Returns `true` if the object says that it is a CloudEvent: the required attributes are there and are texts, and the
/// version is 1.0.
pub(super) fn says_so(value: Value<'_>) -> bool {
    let mut required = Required::default();
    for (key, member) in value.members() {
        if member.kind() == Json::String && !(key == "specversion" && member.raw() != b"\"1.0\"") {
            required.note(key.as_str().as_bytes());
        }
    }
    required.missing().is_none()
}

/// Reads an event into `into`, or only checks it if that is `None`. `bytes` is the text that `value` is a part of: data
/// that needs no decoding is told as a part of it.
///
/// # Errors
/// The value is no event. In lenient reading that is only so if it is no object, or if a required attribute is missing.
pub(super) fn read(
    bytes: &[u8],
    value: Value<'_>,
    rigour: Rigour,
    into: Option<&mut Data>,
) -> Result<(), EventRefusal> {
    if value.kind() != Json::Object {
        return Err(EventRefusal::new("a CloudEvent is a JSON object"));
    }
    let mut own = Data::default();
    let mut event =
        Event { bytes, required: Required::default(), data: None, coded: None, into: into.unwrap_or(&mut own) };
    for (key, member) in value.members() {
        let read = event.member(key.as_str().as_bytes(), member);
        if rigour == Rigour::Strict {
            read?;
        }
    }
    event.required.complete()?;
    match event.body() {
        Ok(body) => {
            // By the format, data that stands there as JSON and has no content type is `application/json`.
            if event.data.is_some() && event.into.attributes.get(CONTENT_TYPE, exact).is_none() {
                event.into.attributes.add(CONTENT_TYPE, b"application/json");
            }
            event.into.body = body;
        }
        Err(refusal) if rigour == Rigour::Strict => return Err(refusal),
        Err(_) => {}
    }
    Ok(())
}

struct Event<'a, 'd> {
    bytes: &'a [u8],
    required: Required,
    data: Option<Value<'a>>,
    coded: Option<Value<'a>>,
    into: &'d mut Data,
}

impl<'a> Event<'a, '_> {
    fn member(&mut self, name: &[u8], value: Value<'a>) -> Result<(), EventRefusal> {
        let twice = || {
            let name = String::from_utf8_lossy(name).into_owned();
            EventRefusal::new(format!("the member {name:?} is there twice"))
        };
        match name {
            b"data" => return self.data.replace(value).map_or(Ok(()), |_| Err(twice())),
            b"data_base64" => return self.coded.replace(value).map_or(Ok(()), |_| Err(twice())),
            // A member that is null counts as missing, unless an earlier one of its name has a value. A reader that
            // takes the last one would miss that value.
            _ if value.is_null() && self.into.attributes.get(name, exact).is_some() => return Err(twice()),
            _ if value.is_null() => return check_name(name),
            _ => {}
        }
        let held;
        let text = match value.kind() {
            Json::String => {
                held = value.as_str().unwrap_or_default();
                held.as_bytes()
            }
            _ if known(name) => return Err(of_kind(name, "is no text")),
            Json::Bool => value.raw(),
            // Digits alone: a fraction or an exponent makes a number of another kind.
            Json::Number if value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => value.raw(),
            Json::Number => return Err(of_kind(name, "is no integer of 32 bits")),
            Json::Array | Json::Object | Json::Null => {
                return Err(of_kind(name, "is neither text nor number nor truth"));
            }
        };
        check(name, text)?;
        let attributes = &mut self.into.attributes;
        if attributes.get(name, exact).is_some() {
            return Err(twice());
        }
        if attributes.len() == MOST {
            return Err(EventRefusal::new("the event has more attributes than are read"));
        }
        self.required.note(name);
        attributes.add(name, text);
        Ok(())
    }

    fn body(&self) -> Result<Body, EventRefusal> {
        let coded = self.coded.filter(|coded| !coded.is_null());
        match (self.data, coded) {
            (None, None) => Ok(Body::Empty),
            (Some(_), Some(_)) => Err(EventRefusal::new("the event has both \"data\" and \"data_base64\"")),
            (None, Some(coded)) => {
                let text = coded.as_str().ok_or_else(|| EventRefusal::new("\"data_base64\" is no text"))?;
                let mut bytes = Vec::new();
                base64::decode_into(&mut bytes, text.as_bytes())
                    .map_err(|error| EventRefusal::new(format!("\"data_base64\" is no base64: {error}")))?;
                Ok(Body::Own(bytes))
            }
            (Some(data), None) if self.into.attributes.get(CONTENT_TYPE, exact).is_none_or(is_json) => {
                Ok(Body::Part(Span::of(self.bytes, data.raw())))
            }
            (Some(data), None) => text(self.bytes, data)
                .ok_or_else(|| EventRefusal::new("\"data\" of a content type that is not JSON is no text")),
        }
    }
}

/// Returns the bytes that a JSON string stands for; `None` if the data is no string.
fn text(bytes: &[u8], data: Value<'_>) -> Option<Body> {
    let raw = data.raw();
    let quoted = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if !quoted.contains(&b'\\') {
        return Some(Body::Part(Span::of(bytes, quoted)));
    }
    let mut own = Vec::new();
    data.append_str_to(&mut own);
    Some(Body::Own(own))
}

fn of_kind(name: &[u8], what: &str) -> EventRefusal {
    EventRefusal::new(format!("the attribute {:?} {what}", String::from_utf8_lossy(name)))
}

/// Returns `true` for the attributes whose type the specification tells: all of them are texts.
fn known(name: &[u8]) -> bool {
    matches!(
        name,
        b"specversion" | b"id" | b"source" | b"type" | b"datacontenttype" | b"dataschema" | b"subject" | b"time"
    )
}

/// Returns `true` for a content type of JSON: `*/json` or `*/*+json`.
fn is_json(content_type: &[u8]) -> bool {
    let essence = essence(content_type);
    let Some(slash) = essence.iter().position(|byte| *byte == b'/') else { return false };
    let subtype = &essence[slash + 1..];
    let suffix = subtype.len().checked_sub(5).map(|at| &subtype[at..]);
    caseless(subtype, b"json") || suffix.is_some_and(|suffix| caseless(suffix, b"+json"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::attributes;
    use super::*;
    use crate::json::parse;

    fn event(members: &str) -> String {
        format!(r#"{{"specversion":"1.0","id":"b","source":"x","type":"t"{members}}}"#)
    }

    fn strict(text: &str) -> Result<Data, String> {
        let mut data = Data::default();
        let value = parse(text.as_bytes()).expect("JSON");
        read(text.as_bytes(), value, Rigour::Strict, None).map_err(|refusal| refusal.reason.into_owned())?;
        read(text.as_bytes(), value, Rigour::Strict, Some(&mut data)).expect("the same again");
        Ok(data)
    }

    fn body(members: &str) -> Option<Vec<u8>> {
        let text = event(members);
        match strict(&text).expect(members).body {
            Body::Empty => None,
            Body::Whole => panic!("the data is never the whole event"),
            Body::Part(span) => Some(span.read(text.as_bytes()).to_vec()),
            Body::Own(bytes) => Some(bytes),
        }
    }

    #[test]
    fn attributes_become_their_canonical_texts_and_null_is_none() {
        let data = strict(&event(r#","subject":null,"flag":true,"n":-7,"text":"a\"€","none":null"#)).expect("an event");
        let more: Vec<_> = attributes(&data).into_iter().skip(4).collect();
        let expected = [("flag", "true"), ("n", "-7"), ("text", "a\"€")];
        assert_eq!(more, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn json_data_is_taken_as_it_stands_and_a_text_is_not_parsed_again() {
        for content_type in ["", r#","datacontenttype":"application/json""#, r#","datacontenttype":"A/B+JSON; x=y""#] {
            for data in [r#"{"a": 1}"#, "null", "[ ]", "7", r#""{\"a\":1}""#] {
                assert_eq!(
                    body(&format!(r#"{content_type},"data":{data}"#)).as_deref(),
                    Some(data.as_bytes()),
                    "{data}"
                );
            }
        }
        assert_eq!(body(""), None, "absent is not null");
    }

    #[test]
    fn data_that_stands_there_as_json_is_json() {
        let content_type = |members: &str| {
            let data = strict(&event(members)).expect("an event");
            data.attributes.get(CONTENT_TYPE, exact).map(|text| String::from_utf8_lossy(text).into_owned())
        };
        assert_eq!(content_type(r#","data":1"#).as_deref(), Some("application/json"));
        assert_eq!(content_type(r#","data":1,"datacontenttype":"a/b+json""#).as_deref(), Some("a/b+json"));
        assert_eq!((content_type(r#","data_base64":"AAE=""#), content_type("")), (None, None));
    }

    #[test]
    fn text_data_is_the_text_and_bytes_come_in_base64() {
        assert_eq!(body(r#","datacontenttype":"text/plain","data":"100C""#).as_deref(), Some(&b"100C"[..]));
        assert_eq!(body(r#","data":"a\n\u20ac","datacontenttype":"text/xml""#).as_deref(), Some("a\n€".as_bytes()));
        assert_eq!(body(r#","data_base64":"AAE=""#).as_deref(), Some(&[0, 1][..]));
        assert_eq!(body(r#","data_base64":null"#), None);
        assert_eq!(body(r#","data":null,"data_base64":null"#).as_deref(), Some(&b"null"[..]));
    }

    #[test]
    fn what_is_no_event_is_refused_by_name() {
        for (members, why) in [
            (r#","X":1"#, r#""X" is no name of an attribute"#),
            (r#","a_b":"x""#, r#""a_b" is no name of an attribute"#),
            (r#","a-b":null"#, r#""a-b" is no name of an attribute"#),
            (r#","n":2147483648"#, r#"the attribute "n" is no integer of 32 bits"#),
            (r#","n":-2147483649"#, r#"the attribute "n" is no integer of 32 bits"#),
            (r#","n":1.5"#, r#"the attribute "n" is no integer of 32 bits"#),
            (r#","n":1e2"#, r#"the attribute "n" is no integer of 32 bits"#),
            (r#","o":{}"#, r#"the attribute "o" is neither text nor number nor truth"#),
            (r#","o":[]"#, r#"the attribute "o" is neither text nor number nor truth"#),
            (r#","subject":7"#, r#"the attribute "subject" is no text"#),
            (r#","subject":"""#, r#"the attribute "subject" is empty"#),
            (r#","time":"noon""#, r#"the attribute "time" is no time of RFC 3339"#),
            (r#","e":"a\n""#, r#"the attribute "e" has characters that no attribute may have"#),
            (r#","e":1,"e":2"#, r#"the member "e" is there twice"#),
            (r#","e":1,"e":null"#, r#"the member "e" is there twice"#),
            (r#","id":"c""#, r#"the member "id" is there twice"#),
            (r#","data":1,"data":2"#, r#"the member "data" is there twice"#),
            (r#","data":1,"data_base64":"AAE=""#, r#"the event has both "data" and "data_base64""#),
            (r#","data_base64":7"#, r#""data_base64" is no text"#),
            (r#","datacontenttype":"text/plain","data":{}"#, r#""data" of a content type that is not JSON is no text"#),
        ] {
            assert_eq!(strict(&event(members)).err().as_deref(), Some(why), "{members}");
        }
        let why = strict(&event(r#","data_base64":"%""#)).expect_err("no base64");
        assert!(why.starts_with(r#""data_base64" is no base64"#), "{why}");
        for missing in ["specversion", "id", "source", "type"] {
            let text = event("").replacen(&format!("\"{missing}\""), "\"other\"", 1);
            let expected = format!("the attribute {missing:?} is missing");
            assert_eq!(strict(&text).err(), Some(expected.clone()));
            let text = text.replacen("\"other\":", &format!("\"{missing}\":null,\"other\":"), 1);
            assert_eq!(strict(&text).err(), Some(expected), "null is none");
        }
    }

    #[test]
    fn the_largest_integers_are_numbers() {
        let data = strict(&event(r#","a":2147483647,"b":-2147483648,"c":0"#)).expect("an event");
        assert_eq!(data.attributes.len(), 7);
    }

    #[test]
    fn so_many_attributes_are_no_event() {
        let more = |count: usize| (0..count).map(|n| format!(r#","e{n}":1"#)).collect::<String>();
        assert!(strict(&event(&more(MOST - 4))).is_ok());
        assert_eq!(
            strict(&event(&more(MOST - 3))).err().as_deref(),
            Some("the event has more attributes than are read")
        );
    }
}
