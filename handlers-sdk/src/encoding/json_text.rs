//! A text as a JSON string, for the documents this crate writes itself: errors and lines.

use std::fmt::Write;

/// Appends `text` with its quotes.
pub(crate) fn push(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // Text that needs no escape is appended at once. Every character that needs one is a single byte.
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::push;

    #[test]
    fn what_json_forbids_in_a_string_is_escaped() {
        let mut out = String::new();
        push(&mut out, "a\"b\\c\n\u{1}é");
        assert_eq!(out, r#""a\"b\\c\n\u0001é""#);
    }

    #[test]
    fn what_stands_between_escapes_stays_as_it_is() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            ("\"", r#""\"""#),
            ("\r\t", r#""\r\t""#),
            ("é\u{1f}日\u{7f}", "\"é\\u001f日\u{7f}\""),
        ] {
            let mut out = String::new();
            push(&mut out, text);
            assert_eq!(out, expected, "{text:?}");
        }
    }
}
