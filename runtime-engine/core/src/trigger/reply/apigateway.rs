//! Replies to API Gateway, and the prelude of a stream, which is written the same way.

use super::Parts;
use super::headers::{cookie_list, joined, split};
use crate::fields::Fields;
use crate::json::Writer;

/// Writes a reply of payload 1.0. A name with one value stands in `headers`, and one with several in
/// `multiValueHeaders`. No name stands in both, since the gateway merges the two.
pub(super) fn v1(parts: Parts<'_>, out: &mut Vec<u8>) {
    super::object(parts, out, |json| split(json, parts.headers, parts.cookies));
}

/// Writes a reply of payload 2.0, which has no lists of values. Repeats are joined, and the cookies have a list of
/// their own.
pub(super) fn v2(parts: Parts<'_>, out: &mut Vec<u8>) {
    super::object(parts, out, |json| apart(json, parts.headers, parts.cookies));
}

/// Writes the prelude of a streamed HTTP reply on AWS: status, headers and cookies. A header Set-Cookie goes to
/// `cookies`.
pub fn write_prelude(status: u16, headers: &Fields, cookies: &Fields, out: &mut Vec<u8>) {
    let mut json = Writer::new(out);
    json.begin_object().key("statusCode").number(u64::from(status));
    apart(&mut json, headers, cookies);
    json.end_object();
}

/// Writes the headers, each name once, and the list of cookies beside them.
fn apart(json: &mut Writer<'_>, headers: &Fields, cookies: &Fields) {
    json.key("headers").begin_object();
    joined(json, headers);
    json.end_object();
    cookie_list(json, headers, cookies);
}

#[cfg(test)]
mod tests {
    use super::super::testing::reply;
    use super::*;
    use crate::trigger::ReplyFormat;

    #[test]
    fn a_name_stands_in_one_of_the_two_maps_of_payload_1() {
        let json = reply(
            ReplyFormat::ApiGatewayV1,
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
        let json =
            reply(ReplyFormat::ApiGatewayV2, &[("x-a", "1"), ("x-a", "2"), ("set-cookie", "c=1")], &["d=2"], b"");
        assert_eq!(
            json,
            r#"{"statusCode":201,"headers":{"x-a":"1, 2"},"cookies":["c=1","d=2"],"body":"","isBase64Encoded":false}"#
        );
    }

    #[test]
    fn an_empty_value_keeps_its_place_among_the_joined() {
        let json = reply(ReplyFormat::ApiGatewayV2, &[("x-a", ""), ("x-a", "2"), ("x-a", ""), ("x-b", "")], &[], b"");
        assert!(json.contains(r#""headers":{"x-a":", 2, ","x-b":""}"#), "{json}");
    }

    #[test]
    fn a_prelude_is_a_reply_without_its_body() {
        let mut headers = Fields::default();
        headers.add(b"content-type", b"text/plain");
        headers.add(b"Set-Cookie", b"a=1");
        let mut out = Vec::new();
        write_prelude(200, &headers, &Fields::default(), &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            r#"{"statusCode":200,"headers":{"content-type":"text/plain"},"cookies":["a=1"]}"#
        );
    }
}
