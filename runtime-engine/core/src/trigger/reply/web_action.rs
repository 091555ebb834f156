//! Replies of OpenWhisk web actions: `statusCode`, `headers` and `body`.
//!
//! No member says whether the body is base64: the controller tells by the content type, by the rules of its HTTP
//! library. The body is text if the library's list calls the type a text, or if the type names a charset. Any other
//! body is base64, and so is JSON that looks like base64. So a text gets its charset here. A body that is no text, but
//! whose type would make it one, goes as `application/octet-stream`: its bytes arrive under another type. Source:
//! `WebActions.scala` of `apache/openwhisk`.

use super::Parts;
use super::headers::lists;
use crate::fields::caseless;
use crate::json::Writer;
use crate::trigger::media_types::{essence, is_text, names_charset};
use std::borrow::Cow;

/// Writes the reply as a web action's result.
pub(super) fn write(parts: Parts<'_>, out: &mut Vec<u8>) {
    out.reserve(parts.body.len() + 256);
    let (content_type, coded) = typed(parts);
    let mut json = Writer::new(out);
    json.begin_object().key("statusCode").number(u64::from(parts.status));
    json.key("headers").begin_object();
    if let Some(content_type) = content_type {
        json.key("content-type").string(content_type);
    }
    for (name, value) in parts.headers.iter() {
        let apart = caseless(name, b"content-type") || caseless(name, b"set-cookie");
        if !apart && parts.headers.iter().filter(|(other, _)| caseless(other, name)).count() == 1 {
            json.key(name).string(value);
        }
    }
    lists(&mut json, parts.headers, parts.cookies, 2);
    json.end_object();
    if !parts.body.is_empty() {
        json.key("body");
        if coded {
            json.base64(parts.body);
        } else {
            json.string(parts.body);
        }
    }
    json.end_object();
}

/// Returns the content type to write, and `true` if the body goes in base64. The type is `None` if the reply is to have
/// none.
fn typed<'a>(parts: Parts<'a>) -> (Option<Cow<'a, [u8]>>, bool) {
    let own = parts.headers.get(b"content-type", caseless);
    if parts.body.is_empty() {
        return (own.map(Cow::Borrowed), false);
    }
    let encoding = parts.headers.get(b"content-encoding", caseless);
    let text =
        encoding.is_none_or(|encoding| caseless(encoding, b"identity")) && std::str::from_utf8(parts.body).is_ok();
    let Some(own) = own else {
        return if text { (None, false) } else { (Some(Cow::Borrowed(b"application/octet-stream")), true) };
    };
    if is_json(own) {
        let coded = !text || looks_like_base64(parts.body);
        return (Some(with_charset(own)), coded);
    }
    if text && (is_text(own) || super::is_text_type(own)) && !is_media(own) {
        return (Some(with_charset(own)), false);
    }
    let kept = !is_text(own);
    (Some(Cow::Borrowed(if kept { own } else { b"application/octet-stream" })), true)
}

/// Returns the type with a charset, so that the controller takes the body for a text. JSON is known without one.
fn with_charset(content_type: &[u8]) -> Cow<'_, [u8]> {
    if names_charset(content_type) || caseless(essence(content_type), b"application/json") {
        return Cow::Borrowed(content_type);
    }
    Cow::Owned([content_type, b"; charset=utf-8"].concat())
}

/// Returns `true` if the controller would take the body for base64.
fn looks_like_base64(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let letters = body.strip_suffix(b"==").or_else(|| body.strip_suffix(b"=")).unwrap_or(body);
    !body.is_empty()
        && body.len().is_multiple_of(4)
        && letters.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Returns `true` for `application/json` and for types that end in `+json`.
pub(crate) fn is_json(content_type: &[u8]) -> bool {
    let essence = essence(content_type);
    caseless(essence, b"application/json") || ends(essence, b"+json")
}

/// Returns `true` for pictures, sounds and the like. They are never text to the controller, `image/svg+xml` included.
fn is_media(content_type: &[u8]) -> bool {
    [&b"image/"[..], b"audio/", b"video/", b"font/", b"model/"]
        .iter()
        .any(|kind| starts(content_type.trim_ascii(), kind))
}

fn starts(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| caseless(start, prefix))
}

fn ends(text: &[u8], suffix: &[u8]) -> bool {
    text.len().checked_sub(suffix.len()).is_some_and(|at| caseless(&text[at..], suffix))
}

#[cfg(test)]
mod tests {
    use super::super::testing::reply;
    use crate::trigger::ReplyFormat;

    fn of(headers: &[(&str, &str)], cookies: &[&str], body: &[u8]) -> String {
        reply(ReplyFormat::WebAction, headers, cookies, body)
    }

    #[test]
    fn repeats_and_cookies_are_lists() {
        assert_eq!(
            of(
                &[("content-type", "text/plain"), ("x-a", "1"), ("X-A", "2"), ("x-b", "3"), ("set-cookie", "c=1")],
                &["d=2"],
                b"hi"
            ),
            r#"{"statusCode":201,"headers":{"content-type":"text/plain; charset=utf-8","x-b":"3","x-a":["1","2"],"set-cookie":["c=1","d=2"]},"body":"hi"}"#
        );
    }

    #[test]
    fn without_a_body_there_is_none() {
        assert_eq!(of(&[], &[], b""), r#"{"statusCode":201,"headers":{}}"#);
        assert_eq!(
            of(&[("content-type", "text/html")], &[], b""),
            r#"{"statusCode":201,"headers":{"content-type":"text/html"}}"#
        );
    }

    /// Returns content type and body of a reply.
    fn told(content_type: &str, body: &[u8]) -> (String, String) {
        let json: serde_json::Value =
            serde_json::from_str(&of(&[("Content-Type", content_type)], &[], body)).expect("it is JSON");
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        (text(&json["headers"]["content-type"]), text(&json["body"]))
    }

    #[test]
    fn a_text_says_its_charset_and_goes_as_it_is() {
        for (content_type, expected) in [
            ("text/html", "text/html; charset=utf-8"),
            ("text/html;charset=UTF-8", "text/html;charset=UTF-8"),
            ("application/json", "application/json"),
            ("application/problem+json", "application/problem+json; charset=utf-8"),
            ("application/atom+xml", "application/atom+xml; charset=utf-8"),
            ("application/yaml", "application/yaml; charset=utf-8"),
            ("application/x-own; charset=utf-8", "application/x-own; charset=utf-8"),
        ] {
            assert_eq!(told(content_type, "ü".as_bytes()), (expected.to_owned(), "ü".to_owned()));
        }
    }

    #[test]
    fn bytes_go_in_base64_under_a_type_that_the_controller_decodes() {
        for (content_type, body, expected) in [
            ("image/png", &b"abc"[..], "image/png"),
            ("image/svg+xml", b"abc", "image/svg+xml"),
            ("image/svg+xml; charset=utf-8", b"abc", "image/svg+xml; charset=utf-8"),
            ("application/octet-stream", b"abc", "application/octet-stream"),
            ("application/x-own", b"abc", "application/x-own"),
            ("application/json", b"ab\xff", "application/json"),
            ("text/plain", b"ab\xff", "application/octet-stream"),
            ("application/x-own; charset=latin1", b"ab\xff", "application/octet-stream"),
        ] {
            let coded = if body == b"abc" { "YWJj" } else { "YWL/" };
            assert_eq!(told(content_type, body), (expected.to_owned(), coded.to_owned()), "{content_type}");
        }
        assert_eq!(
            of(&[], &[], b"ab\xff"),
            r#"{"statusCode":201,"headers":{"content-type":"application/octet-stream"},"body":"YWL/"}"#
        );
        assert!(
            of(&[("content-type", "text/css"), ("content-encoding", "gzip")], &[], b"abc").contains(r#""body":"YWJj""#)
        );
    }

    #[test]
    fn json_that_looks_like_base64_is_base64() {
        for (body, coded) in [("1234", "MTIzNA=="), ("true", "dHJ1ZQ=="), (" null ", "IG51bGwg")] {
            assert_eq!(told("application/json", body.as_bytes()).1, coded, "{body}");
        }
        for body in ["123", "[1]", "{}", "\"abcdef\"", "12=4", "1234="] {
            assert_eq!(told("application/json", body.as_bytes()).1, body);
        }
    }
}
