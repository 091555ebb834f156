//! An HTTP reply in the JSON shape that the event's source expects.
//!
//! Header names with one value go into the plain map; names with several, where the shape has a multi-value map, into
//! that one alone, since the platform merges both. Where it has none (payload 2.0) repeats are joined by a comma, as
//! HTTP allows for every header but `set-cookie`, which has a list of its own.

use super::Form;
use crate::fields::{Fields, caseless};
use crate::json::Writer;

/// What a reply consists of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// HTTP status.
    pub status: u16,
    /// Headers, content type among them.
    pub headers: &'a Fields,
    /// Whole Set-Cookie texts, as values.
    pub cookies: &'a Fields,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// Writes the reply. `form` is one of the JSON shapes; for the others the body alone is written.
pub fn write(form: Form, parts: Parts<'_>, out: &mut Vec<u8>) {
    match form {
        Form::ApiGatewayV1 => v1(parts, out),
        Form::ApiGatewayV2 => v2(parts, out),
        Form::Native | Form::Bare => out.extend_from_slice(parts.body),
    }
}

/// The prelude of a streamed HTTP reply on AWS: status, headers, cookies. Set-Cookie goes to `cookies`.
pub fn write_prelude(status: u16, headers: &Fields, cookies: &Fields, out: &mut Vec<u8>) {
    let mut json = Writer::new(out);
    json.begin_object().key("statusCode").number(u64::from(status));
    joined_headers(&mut json, headers);
    cookie_list(&mut json, headers, cookies);
    json.end_object();
}

fn v1(parts: Parts<'_>, out: &mut Vec<u8>) {
    out.reserve(parts.body.len() + 256);
    let mut json = Writer::new(out);
    json.begin_object().key("statusCode").number(u64::from(parts.status));
    split_headers(&mut json, parts.headers, parts.cookies);
    body(&mut json, parts);
    json.end_object();
}

fn v2(parts: Parts<'_>, out: &mut Vec<u8>) {
    out.reserve(parts.body.len() + 256);
    let mut json = Writer::new(out);
    json.begin_object().key("statusCode").number(u64::from(parts.status));
    joined_headers(&mut json, parts.headers);
    cookie_list(&mut json, parts.headers, parts.cookies);
    body(&mut json, parts);
    json.end_object();
}

/// `headers` with single values, `multiValueHeaders` with the names that repeat and with cookies.
fn split_headers(json: &mut Writer<'_>, headers: &Fields, cookies: &Fields) {
    json.key("headers").begin_object();
    for (index, (name, value)) in headers.iter().enumerate() {
        if !is_cookie(name) && first(headers, index) && repeats(headers, name) == 1 {
            json.key(name).string(value);
        }
    }
    json.end_object();
    let many = headers.iter().any(|(name, _)| is_cookie(name) || repeats(headers, name) > 1);
    if !many && cookies.is_empty() {
        return;
    }
    json.key("multiValueHeaders").begin_object();
    for (index, (name, _)) in headers.iter().enumerate() {
        if is_cookie(name) || !first(headers, index) || repeats(headers, name) == 1 {
            continue;
        }
        json.key(name).begin_array();
        for (_, value) in headers.iter().filter(|(other, _)| caseless(other, name)) {
            json.string(value);
        }
        json.end_array();
    }
    if !cookies.is_empty() || headers.iter().any(|(name, _)| is_cookie(name)) {
        json.key("set-cookie").begin_array();
        cookie_values(json, headers, cookies);
        json.end_array();
    }
    json.end_object();
}

fn joined_headers(json: &mut Writer<'_>, headers: &Fields) {
    json.key("headers").begin_object();
    let mut joined = Vec::new();
    for (index, (name, value)) in headers.iter().enumerate() {
        if is_cookie(name) || !first(headers, index) {
            continue;
        }
        json.key(name);
        if repeats(headers, name) == 1 {
            json.string(value);
            continue;
        }
        joined.clear();
        for (_, value) in headers.iter().filter(|(other, _)| caseless(other, name)) {
            joined.extend_from_slice(if joined.is_empty() { b"" } else { b", " });
            joined.extend_from_slice(value);
        }
        json.string(&joined);
    }
    json.end_object();
}

fn cookie_list(json: &mut Writer<'_>, headers: &Fields, cookies: &Fields) {
    if !cookies.is_empty() || headers.iter().any(|(name, _)| is_cookie(name)) {
        json.key("cookies").begin_array();
        cookie_values(json, headers, cookies);
        json.end_array();
    }
}

fn cookie_values(json: &mut Writer<'_>, headers: &Fields, cookies: &Fields) {
    for (_, value) in headers.iter().filter(|(name, _)| is_cookie(name)) {
        json.string(value);
    }
    for (_, value) in cookies.iter() {
        json.string(value);
    }
}

fn body(json: &mut Writer<'_>, parts: Parts<'_>) {
    json.key("body");
    let coded = !is_text(parts.headers, parts.body);
    if coded {
        json.base64(parts.body);
    } else {
        json.string(parts.body);
    }
    json.key("isBase64Encoded").bool(coded);
}

/// May the body go into a JSON string? What says it is text and is UTF-8 may; coded content may not.
pub fn is_text(headers: &Fields, body: &[u8]) -> bool {
    if body.is_empty() {
        return true;
    }
    if headers.get(b"content-encoding", caseless).is_some_and(|coding| !caseless(coding, b"identity")) {
        return false;
    }
    let says_text = headers.get(b"content-type", caseless).is_none_or(is_text_type);
    says_text && std::str::from_utf8(body).is_ok()
}

fn is_text_type(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let starts = |prefix: &[u8]| essence.len() >= prefix.len() && caseless(&essence[..prefix.len()], prefix);
    let ends =
        |suffix: &[u8]| essence.len() >= suffix.len() && caseless(&essence[essence.len() - suffix.len()..], suffix);
    starts(b"text/")
        || [
            "application/json",
            "application/javascript",
            "application/xml",
            "application/yaml",
            "application/x-www-form-urlencoded",
        ]
        .iter()
        .any(|known| caseless(essence, known.as_bytes()))
        || ends(b"+json")
        || ends(b"+xml")
        || ends(b"+yaml")
}

fn is_cookie(name: &[u8]) -> bool {
    caseless(name, b"set-cookie")
}

fn repeats(headers: &Fields, name: &[u8]) -> usize {
    headers.iter().filter(|(other, _)| caseless(other, name)).count()
}

/// Is it the first of its name?
fn first(headers: &Fields, index: usize) -> bool {
    let Some((name, _)) = headers.at(index) else { return false };
    !headers.iter().take(index).any(|(other, _)| caseless(other, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(form: Form, headers: &[(&str, &str)], cookies: &[&str], body: &[u8]) -> String {
        let mut fields = Fields::default();
        headers.iter().for_each(|(name, value)| fields.add(name.as_bytes(), value.as_bytes()));
        let mut jar = Fields::default();
        cookies.iter().for_each(|cookie| jar.add(b"", cookie.as_bytes()));
        let mut out = Vec::new();
        write(form, Parts { status: 201, headers: &fields, cookies: &jar, body }, &mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn a_name_stands_in_one_of_the_two_maps_of_payload_1() {
        let json = reply(
            Form::ApiGatewayV1,
            &[("Content-Type", "text/plain"), ("x-a", "1"), ("X-A", "2"), ("set-cookie", "c=1")],
            &["d=2"],
            b"hi",
        );
        assert_eq!(
            json,
            r#"{"statusCode":201,"headers":{"Content-Type":"text/plain"},"multiValueHeaders":{"x-a":["1","2"],"set-cookie":["c=1","d=2"]},"body":"hi","isBase64Encoded":false}"#
        );
    }

    #[test]
    fn payload_2_joins_repeats_and_lists_cookies() {
        let json = reply(Form::ApiGatewayV2, &[("x-a", "1"), ("x-a", "2"), ("set-cookie", "c=1")], &["d=2"], b"");
        assert_eq!(
            json,
            r#"{"statusCode":201,"headers":{"x-a":"1, 2"},"cookies":["c=1","d=2"],"body":"","isBase64Encoded":false}"#
        );
    }

    #[test]
    fn bytes_that_are_no_text_go_as_base64() {
        assert!(
            reply(Form::ApiGatewayV2, &[("content-type", "image/png")], &[], b"abc")
                .contains(r#""body":"YWJj","isBase64Encoded":true"#)
        );
        assert!(
            reply(Form::ApiGatewayV2, &[("content-type", "text/plain")], &[], &[0xff])
                .contains(r#""body":"/w==","isBase64Encoded":true"#)
        );
        assert!(
            reply(
                Form::ApiGatewayV2,
                &[("content-type", "application/problem+json"), ("content-encoding", "gzip")],
                &[],
                b"abc"
            )
            .contains("true")
        );
        assert!(
            reply(Form::ApiGatewayV2, &[("content-type", "application/problem+json; charset=utf-8")], &[], b"{}")
                .contains("false")
        );
    }
}
