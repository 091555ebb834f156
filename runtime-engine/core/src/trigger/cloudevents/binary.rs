//! Binary mode: attributes in `ce-` headers, the body is the data, its content type is the attribute `datacontenttype`.
//!
//! Header values cannot hold every text: other bytes are percent-coded, and some senders quote the value. The reader
//! undoes the quotes first and then the percent-coding, each once.

use super::attribute_name;
use super::attributes::{EventRefusal, Required, check};
use crate::encoding::percent;
use crate::fields::caseless;
use crate::http1::Message;
use crate::trigger::{Body, Data};

/// Appends the text of an attribute as the value of its header: space, `"`, `%` and all that is not visible ASCII is
/// percent-coded, and nothing else.
pub fn encode_header_value(out: &mut Vec<u8>, text: &[u8]) {
    percent::encode_into(out, text, |byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'%');
}

/// Calls `each` with every attribute, its name in lower case and its text decoded. The attribute `datacontenttype` is
/// the content type; a `ce-` header of that name is passed over.
///
/// # Errors
/// An attribute is malformed or stands there twice, or a required one is missing.
pub(super) fn read(request: &Message, mut each: impl FnMut(&[u8], &[u8])) -> Result<(), EventRefusal> {
    let mut required = Required::default();
    let (mut lower, mut decoded) = (Vec::new(), Vec::new());
    for (index, (header, value)) in request.headers().enumerate() {
        let Some(mut name) = attribute_name(header) else { continue };
        if name.iter().any(u8::is_ascii_uppercase) {
            lower.clear();
            lower.extend(name.iter().map(u8::to_ascii_lowercase));
            name = &lower;
        }
        if name == b"datacontenttype" {
            continue;
        }
        let value = if value.first() == Some(&b'"') || value.contains(&b'%') {
            decoded.clear();
            decode(&mut decoded, value);
            &decoded
        } else {
            value
        };
        check(name, value)?;
        if request.headers().take(index).any(|(other, _)| caseless(other, header)) {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(EventRefusal::new(format!("the attribute {name:?} is there twice")));
        }
        required.note(name);
        each(name, value);
    }
    required.complete()?;
    if let Some(content_type) = request.header("content-type").filter(|content_type| !content_type.is_empty()) {
        check(b"datacontenttype", content_type)?;
        each(b"datacontenttype", content_type);
    }
    Ok(())
}

/// Reads the attributes and the place of the data from a message in binary mode.
pub(super) fn data(request: &Message, data: &mut Data) -> Result<(), EventRefusal> {
    data.body = if request.body().is_empty() { Body::Empty } else { Body::Whole };
    read(request, |name, value| data.attributes.add(name, value))
}

/// Appends the text that a header's value stands for.
fn decode(out: &mut Vec<u8>, value: &[u8]) {
    match unquoted(value) {
        Some(text) => percent::decode_into(out, &text, false),
        None => percent::decode_into(out, value, false),
    }
}

/// Returns the text in a quoted string (RFC 9110 §5.6.4); `None` if the value is not one.
fn unquoted(value: &[u8]) -> Option<Vec<u8>> {
    let inside = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut text = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return None,
            b'\\' => text.push(*bytes.next()?),
            other => text.push(*other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{attributes, reason, request};
    use super::*;

    fn encoded(text: &str) -> String {
        let mut out = Vec::new();
        encode_header_value(&mut out, text.as_bytes());
        String::from_utf8(out).expect("ASCII")
    }

    fn with<'a>(more: &[(&'a str, &'a [u8])], body: &[u8]) -> Message {
        let mut all = vec![("ce-specversion", &b"1.0"[..]), ("ce-id", b"1"), ("ce-source", b"/s"), ("ce-type", b"t")];
        all.extend_from_slice(more);
        request(&all, body)
    }

    fn subject(value: &[u8]) -> String {
        let mut found = Data::default();
        data(&with(&[("ce-subject", value)], b""), &mut found).expect("an event");
        attributes(&found).into_iter().find(|(name, _)| name == "subject").expect("it is there").1
    }

    #[test]
    fn exactly_what_a_header_cannot_hold_is_coded() {
        assert_eq!(encoded("Euro € 😀"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(encoded("100% \"x\""), "100%25%20%22x%22");
        assert_eq!(encoded("\u{7f}\t"), "%7F%09");
        let stays: String = (0x21..=0x7e_u8).map(char::from).filter(|letter| !matches!(letter, '"' | '%')).collect();
        assert_eq!(encoded(&stays), stays);
    }

    #[test]
    fn values_are_unquoted_and_decoded_once() {
        for (value, text) in [
            (&b"plain"[..], "plain"),
            (b"Euro%20%E2%82%AC", "Euro €"),
            (b"%f0%9f%98%80", "😀"),
            (b"%2541", "%41"),
            (b"100%", "100%"),
            (b"%zz", "%zz"),
            (b"%41%7E", "A~"),
            (br#""quoted text""#, "quoted text"),
            (br#""a\"b\\c\d""#, r#"a"b\cd"#),
            (br#""%22""#, "\""),
            (br#""a"b""#, r#""a"b""#),
            (br#""a\""#, r#""a\""#),
            (br#"""#, r#"""#),
            (br#"a"b"#, r#"a"b"#),
            ("grün € %E2%82%AC".as_bytes(), "grün € €"),
        ] {
            assert_eq!(subject(value), text, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn whatever_is_encoded_is_decoded_to_the_same() {
        for text in ["pot \"three\"", "Euro € 😀", "%41", "a\u{a0}b\u{10fffd}", "~,'/:"] {
            assert_eq!(subject(encoded(text).as_bytes()), text);
        }
    }

    #[test]
    fn what_decodes_to_no_text_is_refused() {
        for value in [&b"%C0%A0"[..], b"%FF", b"%ed%a0%80", b"\xff", b"caf\xe9"] {
            let message = with(&[("ce-subject", value)], b"");
            assert_eq!(reason(&message), (400, "the attribute \"subject\" is not UTF-8".into()));
        }
        let message = with(&[("ce-ext", b"a%0Ab")], b"");
        assert!(reason(&message).1.contains("no attribute may have"));
    }

    #[test]
    fn the_content_type_is_the_datas_and_its_own_header_counts_for_nothing() {
        let message = with(&[("ce-datacontenttype", b"a/b"), ("Content-Type", b"text/plain")], b"100C");
        let mut found = Data::default();
        data(&message, &mut found).expect("an event");
        let types: Vec<_> = attributes(&found).into_iter().filter(|(name, _)| name == "datacontenttype").collect();
        assert_eq!(types, [("datacontenttype".to_owned(), "text/plain".to_owned())]);
        assert!(matches!(found.body, Body::Whole));
    }

    #[test]
    fn extensions_come_in_lower_case_and_no_attribute_comes_twice() {
        let mut found = Data::default();
        data(&with(&[("CE-PartitionKey", b"k"), ("ce-level", b"7")], b""), &mut found).expect("an event");
        let more: Vec<_> = attributes(&found).into_iter().skip(4).collect();
        assert_eq!(more, [("partitionkey".into(), "k".into()), ("level".into(), "7".into())]);
        assert_eq!(
            reason(&with(&[("CE-ID", b"2")], b"")),
            (400, "the attribute \"id\" is there twice".into()),
            "the second outdoes the first in no reader, or in all"
        );
        for name in ["ce-a_b", "ce-a-b", "ce-", "ce-data"] {
            assert_eq!(reason(&with(&[(name, b"x")], b"")).0, 400, "{name}");
        }
    }

    #[test]
    fn an_empty_or_wrong_attribute_is_refused_by_name() {
        for (name, value, why) in [
            ("ce-subject", "", "the attribute \"subject\" is empty"),
            ("ce-time", "noon", "the attribute \"time\" is no time of RFC 3339"),
        ] {
            assert_eq!(reason(&with(&[(name, value.as_bytes())], b"")), (400, why.into()));
        }
        let old = [("ce-specversion", &b"0.3"[..]), ("ce-id", b"1"), ("ce-source", b"/s"), ("ce-type", b"t")];
        assert_eq!(reason(&request(&old, b"")), (400, "the attribute \"specversion\" is not \"1.0\"".into()));
        let empty = [("ce-specversion", &b"1.0"[..]), ("ce-id", b""), ("ce-source", b"/s"), ("ce-type", b"t")];
        assert_eq!(reason(&request(&empty, b"")), (400, "the attribute \"id\" is empty".into()));
    }
}
