//! The result of a custom handler, as the Azure Functions host reads it: `Outputs` by binding, `Logs`, `ReturnValue`.
//!
//! Where a binding's value is a string, the host first tries to read it as base64 and takes the bytes if that works,
//! and its JSON reader makes a time of what looks like one. A text of either look therefore goes as the base64 of its
//! bytes, which comes out as the same text. The body of an HTTP reply is never read so: what is no text there reaches
//! the client as base64. Source: the repository `Azure/azure-functions-host`, `HttpScriptInvocationResultExtensions`
//! and `HttpBinding`.

use super::headers::{cookie_values, joined};
use super::{Parts, is_json, is_text};
use crate::json::{self, Value, ValueKind, Writer};

/// The output binding that the host's templates give HTTP functions.
pub(crate) const HTTP_OUTPUT: &str = "res";
/// The output binding whose value is `ReturnValue`.
const RETURN: &str = "$return";

/// The parts of an HTTP reply that were lost on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The number of cookies that had no place: the host takes one.
    pub(crate) cookies: usize,
    /// `true` if the client gets the body as base64.
    pub(crate) coded: bool,
}

/// Writes the reply, for a binding of the usual name.
pub(super) fn write(parts: Parts<'_>, out: &mut Vec<u8>) {
    http(parts, HTTP_OUTPUT, &[], out);
}

/// Writes an HTTP reply as the value of the binding `output`, and returns the parts that were lost.
pub(crate) fn http(parts: Parts<'_>, output: &str, logs: &[String], out: &mut Vec<u8>) -> Lost {
    out.reserve(parts.body.len() + 256);
    let mut json = Writer::new(out);
    json.begin_object().key("Outputs").begin_object();
    let mut lost = Lost::default();
    if output != RETURN {
        json.key(output);
        lost = response(&mut json, parts);
    }
    json.end_object();
    lines(&mut json, &[], logs);
    json.key("ReturnValue");
    if output == RETURN {
        lost = response(&mut json, parts);
    } else {
        json.null();
    }
    json.end_object();
    lost
}

fn response(json: &mut Writer<'_>, parts: Parts<'_>) -> Lost {
    json.begin_object().key("statusCode").number(u64::from(parts.status));
    json.key("headers").begin_object();
    joined(json, parts.headers);
    // The host takes a name once, in whatever spelling.
    let mut cookies = cookie_values(parts.headers, parts.cookies);
    if let Some(cookie) = cookies.next() {
        json.key("Set-Cookie").string(cookie);
    }
    json.end_object().key("body");
    let coded = !is_text(parts.headers, parts.body);
    if coded {
        json.base64(parts.body);
    } else {
        json.string(parts.body);
    }
    json.end_object();
    Lost { cookies: cookies.count(), coded }
}

/// The declared form of a reply's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The output is a value in JSON.
    Value,
    /// The output is a text, whatever it looks like.
    Text,
}

impl Said {
    /// Returns the form that the content type declares; without one, `otherwise`.
    pub(crate) fn by(content_type: Option<&[u8]>, otherwise: Said) -> Said {
        match content_type {
            Some(content_type) if is_json(content_type) => Said::Value,
            Some(_) => Said::Text,
            None => otherwise,
        }
    }
}

/// Writes a reply as `ReturnValue`: JSON as it is, a text as a string, bytes that are neither as base64. A reply that
/// is declared to be JSON and is not goes as a text.
pub(crate) fn value(reply: &[u8], said: Said, logs: &[String], out: &mut Vec<u8>) {
    out.reserve(reply.len() + 64);
    let mut json = Writer::new(out);
    json.begin_object().key("Outputs").begin_object().end_object();
    lines(&mut json, &[], logs);
    json.key("ReturnValue");
    match (said == Said::Value).then(|| json::parse(reply).ok()).flatten() {
        Some(value) => match value.as_str() {
            Some(inner) => text(&mut json, inner.as_bytes()),
            None => _ = json.raw(value.raw()),
        },
        None if reply.is_empty() && said == Said::Value => _ = json.null(),
        None if std::str::from_utf8(reply).is_ok() => text(&mut json, reply),
        None => _ = json.base64(reply),
    }
    json.end_object();
}

/// Writes a reply that has the host's own form already, an object with `Outputs` or `ReturnValue`. These two go as they
/// are, and its `Logs` before `logs`. Returns `false` for any other reply, and writes nothing then.
pub(crate) fn own(reply: &[u8], logs: &[String], out: &mut Vec<u8>) -> bool {
    if reply.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return false;
    }
    let (mut outputs, mut said, mut returned) = (None, None, None);
    let Ok(value) = json::parse(reply) else { return false };
    for (key, value) in value.members() {
        match &*key.as_str() {
            "Outputs" => outputs = Some(value),
            "Logs" => said = Some(value),
            "ReturnValue" => returned = Some(value),
            _ => {}
        }
    }
    if outputs.is_none() && returned.is_none() {
        return false;
    }
    out.reserve(reply.len() + 64);
    let said: Vec<Value<'_>> = said.iter().flat_map(Value::elements).collect();
    let mut json = Writer::new(out);
    json.begin_object().key("Outputs").raw(outputs.map_or(b"{}", |outputs| outputs.raw()));
    lines(&mut json, &said, logs);
    json.key("ReturnValue").raw(returned.map_or(b"null", |returned| returned.raw())).end_object();
    true
}

/// Writes the member `Logs`. The host reads texts alone, so a line of the reply that is no text goes as its JSON text.
fn lines(json: &mut Writer<'_>, own: &[Value<'_>], logs: &[String]) {
    json.key("Logs").begin_array();
    for line in own {
        if line.kind() == ValueKind::String {
            json.raw(line.raw());
        } else {
            json.string(line.raw());
        }
    }
    for line in logs {
        json.string(line);
    }
    json.end_array();
}

fn text(json: &mut Writer<'_>, text: &[u8]) {
    if may_be_base64(text) || may_be_time(text) {
        json.base64(text);
    } else {
        json.string(text);
    }
}

/// Returns `true` if the host may take the text for base64, where it passes over white space.
fn may_be_base64(text: &[u8]) -> bool {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let digits = text.iter().filter(|byte| !is_space(byte)).count();
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    digits > 0 && digits.is_multiple_of(4) && text.iter().all(|byte| is_space(&byte) || is_digit(byte))
}

/// Returns `true` if the host's JSON reader may take the text for a time: `2026-01-02T03:04:05`, or `/Date(0)/`.
fn may_be_time(text: &[u8]) -> bool {
    let is_iso = (19..=40).contains(&text.len()) && text[0].is_ascii_digit() && text[10] == b'T';
    is_iso || text.starts_with(b"/Date(")
}

#[cfg(test)]
mod tests {
    use super::super::testing::reply;
    use super::*;
    use crate::fields::Fields;
    use crate::trigger::ReplyFormat;

    fn returned(reply: &[u8], said: Said) -> String {
        let mut out = Vec::new();
        value(reply, said, &[], &mut out);
        let text = String::from_utf8(out).expect("JSON is UTF-8");
        let rest = text.strip_prefix(r#"{"Outputs":{},"Logs":[],"ReturnValue":"#).expect("the three members");
        rest.strip_suffix('}').expect("an object").to_owned()
    }

    #[test]
    fn an_http_reply_is_the_value_of_its_binding() {
        assert_eq!(
            reply(ReplyFormat::Azure, &[("content-type", "text/plain"), ("x-a", "1"), ("X-A", "2")], &["c=1"], b"hi"),
            r#"{"Outputs":{"res":{"statusCode":201,"headers":{"content-type":"text/plain","x-a":"1, 2","Set-Cookie":"c=1"},"body":"hi"}},"Logs":[],"ReturnValue":null}"#
        );
    }

    #[test]
    fn a_binding_of_the_return_value_has_it_there() {
        let mut out = Vec::new();
        let (headers, cookies) = (Fields::default(), Fields::default());
        let parts = Parts { status: 200, headers: &headers, cookies: &cookies, body: b"" };
        http(parts, "$return", &["one".to_owned()], &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            r#"{"Outputs":{},"Logs":["one"],"ReturnValue":{"statusCode":200,"headers":{},"body":""}}"#
        );
    }

    #[test]
    fn what_is_lost_is_told() {
        let mut headers = Fields::default();
        headers.add(b"Set-Cookie", b"a=1");
        headers.add(b"Content-Type", b"image/png");
        let mut cookies = Fields::default();
        cookies.add(b"", b"b=2");
        cookies.add(b"", b"c=3");
        let mut out = Vec::new();
        let lost =
            http(Parts { status: 200, headers: &headers, cookies: &cookies, body: b"abc" }, "out", &[], &mut out);
        assert_eq!(lost, Lost { cookies: 2, coded: true });
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains(r#""Set-Cookie":"a=1""#) && text.contains(r#""body":"YWJj""#), "{text}");
    }

    #[test]
    fn a_value_is_json_a_text_or_bytes() {
        for (reply, expected) in [
            (&b""[..], "null"),
            (b"{\"a\": 1}", "{\"a\": 1}"),
            (b" [1] ", "[1]"),
            (b"null", "null"),
            (b"12345678", "12345678"),
            (b"three words", "\"three words\""),
            (b"\"fine!\"", "\"fine!\""),
            ("gr\u{fc}n".as_bytes(), "\"gr\u{fc}n\""),
            (&[0xff, 0xfe], "\"//4=\""),
        ] {
            assert_eq!(returned(reply, Said::Value), expected, "{reply:?}");
        }
    }

    #[test]
    fn a_text_stays_one_whatever_it_looks_like() {
        for (reply, expected) in [
            ("[1,2,3]", r#""[1,2,3]""#),
            ("1.10", r#""1.10""#),
            (" 5 ", r#"" 5 ""#),
            ("{}", r#""{}""#),
            ("\"quoted\"", r#""\"quoted\"""#),
            ("", r#""""#),
            // What the host would take for base64 goes as base64 of the text.
            ("null", r#""bnVsbA==""#),
            ("true", r#""dHJ1ZQ==""#),
        ] {
            assert_eq!(returned(reply.as_bytes(), Said::Text), expected, "{reply}");
        }
        assert_eq!(returned(&[0xff, 0xfe], Said::Text), "\"//4=\"");
    }

    #[test]
    fn a_content_type_says_what_bytes_are_and_counts_more_than_how_they_were_made() {
        for otherwise in [Said::Value, Said::Text] {
            assert_eq!(Said::by(None, otherwise), otherwise);
            assert_eq!(Said::by(Some(b"Application/JSON; charset=utf-8"), otherwise), Said::Value);
            assert_eq!(Said::by(Some(b"application/problem+json"), otherwise), Said::Value);
            assert_eq!(Said::by(Some(b"text/plain; charset=utf-8"), otherwise), Said::Text);
        }
    }

    #[test]
    fn a_text_that_the_host_would_decode_goes_coded() {
        for (reply, expected) in [
            ("abcd", "YWJjZA=="),
            ("\"test\"", "dGVzdA=="),
            ("ab cd\n", "YWIgY2QK"),
            ("00001234", "MDAwMDEyMzQ="),
            ("a===", "YT09PQ=="),
            ("2026-01-02T03:04:05Z", "MjAyNi0wMS0wMlQwMzowNDowNVo="),
            ("/Date(0)/", "L0RhdGUoMCkv"),
        ] {
            assert_eq!(returned(reply.as_bytes(), Said::Value), format!("\"{expected}\""), "{reply}");
        }
        for reply in ["abc", "abcde", "ab-d", "2026-01-02", " "] {
            assert_eq!(returned(reply.as_bytes(), Said::Value), format!("\"{reply}\""));
        }
    }

    #[test]
    fn the_hosts_own_form_goes_as_it_is() {
        let written = |reply: &str| {
            let mut out = Vec::new();
            own(reply.as_bytes(), &["ours".to_owned()], &mut out)
                .then(|| String::from_utf8(out).expect("JSON is UTF-8"))
        };
        for (reply, expected) in [
            (
                r#" {"Outputs":{"done":["cmVk"]},"Logs":["theirs",2],"more":1}"#,
                r#"{"Outputs":{"done":["cmVk"]},"Logs":["theirs","2","ours"],"ReturnValue":null}"#,
            ),
            (r#"{"ReturnValue":"abcd"}"#, r#"{"Outputs":{},"Logs":["ours"],"ReturnValue":"abcd"}"#),
            (r#"{"Outputs":null,"Logs":null}"#, r#"{"Outputs":null,"Logs":["ours"],"ReturnValue":null}"#),
        ] {
            assert_eq!(written(reply).as_deref(), Some(expected));
        }
        for reply in ["", "{}", "[]", "{", r#"{"outputs":{}}"#, r#"{"Logs":[]}"#, r#""Outputs""#] {
            assert_eq!(written(reply), None, "{reply}");
        }
    }
}
