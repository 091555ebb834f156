//! An HTTP reply in the JSON shape that the event's source expects.
//!
//! Names keep the case and the order they were set in. A part of a reply that a shape has no place for is written in
//! the closest way that HTTP allows; the file of each shape says how.

mod apigateway;
pub(crate) mod azure;
mod balancer;
mod headers;
mod plain;
mod web_action;

pub use apigateway::write_prelude;
pub(crate) use web_action::is_json;

use super::ReplyFormat;
use super::media_types::essence;
use crate::fields::{Fields, caseless_inline as caseless};
use crate::json::Writer;

/// The parts of a reply.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The headers, the content type among them.
    pub headers: &'a Fields,
    /// The cookies: each value is the whole text of a Set-Cookie header. The names are not read.
    pub cookies: &'a Fields,
    /// The bytes of the body.
    pub body: &'a [u8],
}

/// Writes the reply in a form. For [`ReplyFormat::Native`] and [`ReplyFormat::Bare`] the body alone is written.
pub fn write(form: ReplyFormat, parts: Parts<'_>, out: &mut Vec<u8>) {
    match form {
        ReplyFormat::ApiGatewayV1 if cfg!(feature = "aws-lambda") => apigateway::v1(parts, out),
        ReplyFormat::ApiGatewayV2 if cfg!(feature = "aws-lambda") => apigateway::v2(parts, out),
        ReplyFormat::Alb if cfg!(feature = "aws-lambda") => balancer::alb(parts, out),
        ReplyFormat::Lattice if cfg!(feature = "aws-lambda") => balancer::lattice(parts, out),
        ReplyFormat::Plain
            if cfg!(any(feature = "aliyun-fc", feature = "huawei-functiongraph", feature = "tencent-scf")) =>
        {
            plain::plain(parts, out)
        }
        ReplyFormat::Yandex if cfg!(feature = "yandex") => plain::yandex(parts, out),
        ReplyFormat::WebAction if cfg!(feature = "openwhisk") => web_action::write(parts, out),
        ReplyFormat::Azure if cfg!(feature = "azure-functions") => azure::write(parts, out),
        // The platform of such a form is not built in, so no event can ask for the form.
        ReplyFormat::ApiGatewayV1 | ReplyFormat::ApiGatewayV2 | ReplyFormat::Alb | ReplyFormat::Lattice => {}
        ReplyFormat::Plain | ReplyFormat::Yandex | ReplyFormat::WebAction | ReplyFormat::Azure => {}
        ReplyFormat::Native | ReplyFormat::Bare => out.extend_from_slice(parts.body),
    }
}

/// Writes the object that most shapes are: status, `members`, and body. The shapes differ in `members` alone.
fn object(parts: Parts<'_>, out: &mut Vec<u8>, members: impl FnOnce(&mut Writer<'_>)) {
    out.reserve(parts.body.len() + 512);
    let mut json = Writer::new(out);
    json.begin_object().key("statusCode").number(u64::from(parts.status));
    members(&mut json);
    body(&mut json, parts);
    json.end_object();
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

/// Returns `true` if the body may go into a JSON string. It has to be UTF-8, of a text's type or of no type, and
/// without a content encoding.
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
    let essence = essence(content_type);
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

#[cfg(test)]
mod testing {
    use super::*;

    pub(super) fn reply(form: ReplyFormat, headers: &[(&str, &str)], cookies: &[&str], body: &[u8]) -> String {
        let mut fields = Fields::default();
        headers.iter().for_each(|(name, value)| fields.add(name.as_bytes(), value.as_bytes()));
        let mut jar = Fields::default();
        cookies.iter().for_each(|cookie| jar.add(b"", cookie.as_bytes()));
        let mut out = Vec::new();
        write(form, Parts { status: 201, headers: &fields, cookies: &jar, body }, &mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::testing::reply;
    use super::*;

    #[test]
    fn where_no_http_reply_is_wanted_the_body_goes_alone() {
        assert_eq!(reply(ReplyFormat::Bare, &[("x-a", "1")], &["c=1"], b"[1]"), "[1]");
        assert_eq!(reply(ReplyFormat::Native, &[("x-a", "1")], &[], b"[1]"), "[1]");
    }

    #[test]
    fn bytes_that_are_no_text_go_as_base64() {
        assert!(
            reply(ReplyFormat::ApiGatewayV2, &[("content-type", "image/png")], &[], b"abc")
                .contains(r#""body":"YWJj","isBase64Encoded":true"#)
        );
        assert!(
            reply(ReplyFormat::ApiGatewayV2, &[("content-type", "text/plain")], &[], &[0xff])
                .contains(r#""body":"/w==","isBase64Encoded":true"#)
        );
        assert!(
            reply(
                ReplyFormat::ApiGatewayV2,
                &[("content-type", "application/problem+json"), ("content-encoding", "gzip")],
                &[],
                b"abc"
            )
            .contains("true")
        );
        assert!(
            reply(
                ReplyFormat::ApiGatewayV2,
                &[("content-type", "application/problem+json; charset=utf-8")],
                &[],
                b"{}"
            )
            .contains("false")
        );
    }
}
