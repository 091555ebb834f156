//! Base64 as .NET reads and writes it: `Convert.FromBase64String` passes over white space and wants the padding.

use crate::base64;

/// Returns the bytes of a text, if .NET would take it for base64.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let is_white = |letter: char| matches!(letter, ' ' | '\t' | '\r' | '\n');
    base64::decode(&text.replace(is_white, ""))
}

/// Returns `true` if .NET's JSON reader makes a time of the text.
pub(super) fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let date = [0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(is_digit);
    let clock = [11, 12, 14, 15, 17, 18].into_iter().all(is_digit);
    let marks = bytes.get(4) == Some(&b'-') && bytes.get(10) == Some(&b'T') && bytes.get(13) == Some(&b':');
    (19..=40).contains(&bytes.len()) && date && clock && marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_white_space_is_passed_over() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"\xfb\xff", "+/8=")]
        {
            assert_eq!((base64::encode(bytes).as_str(), decode(text).as_deref()), (text, Some(bytes)));
        }
        assert_eq!(decode(" Zm 9\nv").as_deref(), Some(&b"foo"[..]));
        assert!(decode("two words").is_some(), "eight letters");
        for text in ["Zg", "Zg=", "Z===", "Zm9-", "Zm9v=", "a=b=", "gr\u{fc}n"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_known() {
        assert!(is_time("2026-01-02T03:04:05Z") && is_time("2026-01-02T03:04:05"));
        assert!(!is_time("2026-01-02") && !is_time("2026-01-02 03:04:05") && !is_time("abcdefghijTlmnopqrstuv"));
    }
}
