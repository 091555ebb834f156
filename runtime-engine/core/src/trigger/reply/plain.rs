//! Replies of four members, which most platforms have taken over from each other: `statusCode`, `headers`, `body`,
//! `isBase64Encoded`.
//!
//! A header stands once, its values joined; several cookies stand under one name in several spellings, which the
//! clients of these platforms read alike.

use super::Parts;
use super::headers::{in_lists, once_each};

/// Writes the four members and no other: Alibaba's API gateway refuses more.
pub(super) fn plain(parts: Parts<'_>, out: &mut Vec<u8>) {
    super::object(parts, out, |json| once_each(json, parts));
}

/// Writes the four members and `multiValueHeaders`, which keeps repeats.
pub(super) fn yandex(parts: Parts<'_>, out: &mut Vec<u8>) {
    super::object(parts, out, |json| {
        once_each(json, parts);
        in_lists(json, parts);
    });
}

#[cfg(test)]
mod tests {
    use super::super::testing::reply;
    use crate::trigger::ReplyFormat;

    #[test]
    fn four_members_are_all_there_is() {
        assert_eq!(
            reply(ReplyFormat::Plain, &[("content-type", "text/plain"), ("x-a", "1"), ("x-a", "2")], &[], b"hi"),
            r#"{"statusCode":201,"headers":{"content-type":"text/plain","x-a":"1, 2"},"body":"hi","isBase64Encoded":false}"#
        );
    }

    #[test]
    fn yandex_keeps_repeats_beside_them() {
        let text = reply(ReplyFormat::Yandex, &[("x-a", "1"), ("x-a", "2")], &["c=1"], b"");
        assert!(text.contains(r#""multiValueHeaders":{"x-a":["1","2"],"#), "{text}");
    }
}
