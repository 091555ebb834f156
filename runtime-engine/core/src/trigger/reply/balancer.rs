//! Replies to load balancers: Application Load Balancer and VPC Lattice. Both want the status in words too.

use super::Parts;
use super::headers::{in_lists, once_each};
use crate::http1::write::reason;
use crate::json::Writer;

/// Writes both header maps, each of them whole: the target group reads `multiValueHeaders` if its switch for
/// multi-value headers is on, else `headers`, and ignores the other.
pub(super) fn alb(parts: Parts<'_>, out: &mut Vec<u8>) {
    super::object(parts, out, |json| {
        in_words(json, parts);
        in_lists(json, parts);
    });
}

/// Writes one header map of single values.
pub(super) fn lattice(parts: Parts<'_>, out: &mut Vec<u8>) {
    super::object(parts, out, |json| in_words(json, parts));
}

/// Writes the status in words, and the headers once each.
fn in_words(json: &mut Writer<'_>, parts: Parts<'_>) {
    let description = format!("{} {}", parts.status, reason(parts.status));
    json.key("statusDescription").string(description.trim_end());
    once_each(json, parts);
}

#[cfg(test)]
mod tests {
    use super::super::testing::reply;
    use crate::trigger::ReplyFormat;

    #[test]
    fn alb_gets_each_header_in_both_maps_and_the_status_in_words() {
        assert_eq!(
            reply(
                ReplyFormat::Alb,
                &[("Content-Type", "text/plain"), ("x-a", "1"), ("X-A", "2"), ("set-cookie", "c=1")],
                &["d=2"],
                b"hi"
            ),
            r#"{"statusCode":201,"statusDescription":"201 Created","headers":{"Content-Type":"text/plain","x-a":"1, 2","set-cookie":"c=1","Set-cookie":"d=2"},"multiValueHeaders":{"Content-Type":["text/plain"],"x-a":["1","2"],"set-cookie":["c=1","d=2"]},"body":"hi","isBase64Encoded":false}"#
        );
    }

    #[test]
    fn lattice_gets_one_map_of_single_values() {
        assert_eq!(
            reply(ReplyFormat::Lattice, &[("x-a", "1"), ("x-a", "2"), ("content-type", "image/png")], &[], b"abc"),
            r#"{"statusCode":201,"statusDescription":"201 Created","headers":{"x-a":"1, 2","content-type":"image/png"},"body":"YWJj","isBase64Encoded":true}"#
        );
    }

    #[test]
    fn each_of_many_cookies_has_a_spelling_of_its_own_in_a_map_of_single_values() {
        let cookies: Vec<String> = (0..20).map(|n| format!("c{n}=1")).collect();
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let json: serde_json::Value =
            serde_json::from_str(&reply(ReplyFormat::Lattice, &[], &cookies, b"")).expect("it is JSON");
        let headers = json["headers"].as_object().expect("headers are an object");
        assert_eq!(headers.len(), 20);
        assert!(headers.keys().all(|name| name.eq_ignore_ascii_case("set-cookie")));
    }
}
