//! Checks the names and the values of a CloudEvent's attributes, whichever mode brought them. It knows neither headers
//! nor JSON.

use super::time;
use crate::fields::caseless;
use std::borrow::Cow;

/// The reason why a request that says it is an event is not one, and the status to answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRefusal {
    /// The HTTP status: 400, or 415 for a format that is not read.
    pub status: u16,
    /// The reason: one sentence for the sender.
    pub reason: Cow<'static, str>,
}

impl EventRefusal {
    /// Makes the refusal of a malformed event.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> EventRefusal {
        EventRefusal { status: 400, reason: reason.into() }
    }

    /// Makes the refusal of an event in a format that is not read.
    pub fn format(reason: impl Into<Cow<'static, str>>) -> EventRefusal {
        EventRefusal { status: 415, reason: reason.into() }
    }
}

/// The attributes that every event has.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// The required attributes that have been seen, one bit each, in the order of [`REQUIRED`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Required(u8);

impl Required {
    /// Notes an attribute that has been seen; its name may be in any case.
    pub(super) fn note(&mut self, name: &[u8]) {
        if let Some(index) = REQUIRED.iter().position(|known| caseless(known.as_bytes(), name)) {
            self.0 |= 1 << index;
        }
    }

    /// Returns the first required attribute that has not been seen; `None` if all have.
    pub(super) fn missing(self) -> Option<&'static str> {
        REQUIRED.iter().enumerate().find(|(index, _)| self.0 & 1 << index == 0).map(|(_, name)| *name)
    }

    /// Checks that all required attributes have been seen. The error names the first that has not.
    pub(super) fn complete(self) -> Result<(), EventRefusal> {
        match self.missing() {
            None => Ok(()),
            Some(name) => Err(EventRefusal::new(format!("the attribute {name:?} is missing"))),
        }
    }
}

/// Checks an attribute: its name in lower case, and its canonical text.
///
/// # Errors
/// The name is no name of an attribute, or the text is no value that such an attribute may have.
pub(in crate::trigger) fn check(name: &[u8], value: &[u8]) -> Result<(), EventRefusal> {
    check_name(name)?;
    let refused = |what| Err(EventRefusal::new(format!("the attribute {:?} {what}", String::from_utf8_lossy(name))));
    let Ok(text) = std::str::from_utf8(value) else { return refused("is not UTF-8") };
    if !text.is_ascii() && text.chars().any(is_no_text) || value.iter().any(u8::is_ascii_control) {
        return refused("has characters that no attribute may have");
    }
    match name {
        b"specversion" if text != "1.0" => refused("is not \"1.0\""),
        b"id" | b"source" | b"type" | b"subject" | b"dataschema" | b"datacontenttype" if text.is_empty() => {
            refused("is empty")
        }
        b"time" if !time::is_timestamp(value) => refused("is no time of RFC 3339"),
        _ => Ok(()),
    }
}

/// Checks the name of an attribute alone.
///
/// # Errors
/// The name is no name of an attribute.
pub(super) fn check_name(name: &[u8]) -> Result<(), EventRefusal> {
    let letters = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !name.is_empty() && name.iter().all(letters) && name != b"data" {
        return Ok(());
    }
    Err(EventRefusal::new(format!("{:?} is no name of an attribute", String::from_utf8_lossy(name))))
}

/// Returns `true` for control characters, and for those that Unicode promises never to be characters.
fn is_no_text(character: char) -> bool {
    character.is_control() || matches!(character, '\u{fdd0}'..='\u{fdef}') || u32::from(character) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(name: &str, value: &[u8]) -> Option<String> {
        check(name.as_bytes(), value).err().map(|refusal| refusal.reason.into_owned())
    }

    #[test]
    fn names_are_lower_case_letters_and_digits() {
        for name in ["a", "7", "partitionkey", "comexampleextension1"] {
            assert_eq!(why(name, b"x"), None, "{name}");
        }
        for name in ["", "A", "a-b", "a_b", "a.b", "é", "data", "data_base64"] {
            assert_eq!(why(name, b"x"), Some(format!("{name:?} is no name of an attribute")));
        }
    }

    #[test]
    fn texts_have_no_controls_and_no_noncharacters() {
        for text in ["", "Euro € 😀", "a\u{a0}b", "\u{fffd}"] {
            assert_eq!(why("ext", text.as_bytes()), None, "{text}");
        }
        for text in ["a\nb", "\0", "\u{7f}", "\u{85}", "\u{fdd0}", "\u{fffe}", "\u{1ffff}", "\u{10fffe}"] {
            assert!(why("ext", text.as_bytes()).is_some_and(|why| why.contains("no attribute may have")), "{text:?}");
        }
        assert_eq!(why("ext", b"\xff"), Some("the attribute \"ext\" is not UTF-8".into()));
    }

    #[test]
    fn known_attributes_hold_what_the_specification_says() {
        for name in ["id", "source", "type", "subject", "dataschema", "datacontenttype"] {
            assert_eq!(why(name, b""), Some(format!("the attribute {name:?} is empty")));
        }
        for version in ["0.3", "1", "1.1", "1.0 ", ""] {
            assert_eq!(
                why("specversion", version.as_bytes()),
                Some("the attribute \"specversion\" is not \"1.0\"".into())
            );
        }
        assert_eq!(why("time", b"yesterday"), Some("the attribute \"time\" is no time of RFC 3339".into()));
        assert_eq!(why("time", b"2026-01-02T03:04:05.006007008+09:30"), None);
    }

    #[test]
    fn what_is_missing_is_named_in_order() {
        let mut required = Required::default();
        for (name, next) in [("SPECVERSION", "id"), ("id", "source"), ("other", "source"), ("source", "type")] {
            required.note(name.as_bytes());
            assert_eq!(required.missing(), Some(next));
        }
        required.note(b"type");
        assert_eq!(required.complete(), Ok(()));
    }
}
