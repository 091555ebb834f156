//! JSON strings both ways: text to its escaped form, and escaped form to text. Nothing here decides whether a string is
//! valid; the reading side expects what `validate` has accepted and is merely safe on anything else.

use super::scan;

/// Appends `text` to `out` as the inside of a JSON string (without quotes): `"`, `\` and control characters escaped,
/// all else as it is. Bytes that are not UTF-8 are replaced by U+FFFD, as `String::from_utf8_lossy` does.
pub fn escape_into(out: &mut Vec<u8>, text: &[u8]) {
    match std::str::from_utf8(text) {
        Ok(valid) => escape_str(out, valid),
        Err(_) => {
            for chunk in text.utf8_chunks() {
                escape_str(out, chunk.valid());
                if !chunk.invalid().is_empty() {
                    out.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
        }
    }
}

fn escape_str(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    loop {
        let special = scan::string_special(bytes, copied);
        out.extend_from_slice(&bytes[copied..special]);
        let Some(&byte) = bytes.get(special) else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend([HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]);
            }
        }
        copied = special + 1;
    }
}

/// Walks through the text of `inside`, a valid JSON string without its quotes. `each` gets runs without an escape as
/// they stand, and the UTF-8 of each escaped character. It stops the walk by returning `false`. Says whether it came to
/// the end.
#[inline(always)]
fn walk(inside: &str, mut each: impl FnMut(&[u8]) -> bool) -> bool {
    let bytes = inside.as_bytes();
    let mut at = 0;
    loop {
        let backslash = scan::backslash(bytes, at);
        if !each(&bytes[at..backslash]) {
            return false;
        }
        if backslash == bytes.len() {
            return true;
        }
        let (char, length) = unescape(&bytes[backslash + 1..]);
        // Nearly all escapes are ASCII; a slice of known length keeps their copy a single store.
        let go_on = match u8::try_from(char) {
            Ok(byte) if byte.is_ascii() => each(&[byte]),
            _ => each(char.encode_utf8(&mut [0; 4]).as_bytes()),
        };
        if !go_on {
            return false;
        }
        at = (backslash + 1 + length).min(bytes.len());
    }
}

/// Appends the text of `inside`, a valid JSON string without its quotes.
pub(super) fn unescape_into(out: &mut Vec<u8>, inside: &str) {
    out.reserve(inside.len());
    walk(inside, |bytes| {
        out.extend_from_slice(bytes);
        true
    });
}

/// Returns `true` if `text` is the text of `inside`, a valid JSON string without its quotes.
pub(super) fn is_escaped_form(inside: &str, text: &str) -> bool {
    let mut rest = text.as_bytes();
    let fits = walk(inside, |bytes| match rest.strip_prefix(bytes) {
        Some(tail) => {
            rest = tail;
            true
        }
        None => false,
    });
    fits && rest.is_empty()
}

/// Returns the character of the escape behind a backslash, and the number of bytes that make it up.
fn unescape(escape: &[u8]) -> (char, usize) {
    let char = match escape.first() {
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => {
            let unit = hex4(escape, 1);
            if !(0xD800..0xDC00).contains(&unit) {
                return (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 5);
            }
            let low = hex4(escape, 7).wrapping_sub(0xDC00) & 0x3FF;
            let pair = 0x1_0000 + ((unit - 0xD800) << 10 | low);
            return (char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
        }
        Some(&byte) => byte as char,
        None => char::REPLACEMENT_CHARACTER,
    };
    (char, 1)
}

fn hex4(bytes: &[u8], at: usize) -> u32 {
    let digits = bytes.get(at..at + 4).unwrap_or_default();
    digits.iter().fold(0, |unit, &byte| unit << 4 | (byte as char).to_digit(16).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &[u8]) -> String {
        let mut out = Vec::new();
        escape_into(&mut out, text);
        String::from_utf8(out).expect("escaped text is UTF-8")
    }

    fn unescaped(inside: &str) -> String {
        let mut out = Vec::new();
        unescape_into(&mut out, inside);
        String::from_utf8(out).expect("unescaped text is UTF-8")
    }

    #[test]
    fn only_quotes_backslashes_and_control_characters_are_escaped() {
        let table: &[(&[u8], &str)] = &[
            (b"", ""),
            (b"plain text / 100%", "plain text / 100%"),
            (b"\"", "\\\""),
            (b"\\", "\\\\"),
            (b"a\nb\rc\td\x08e\x0cf", "a\\nb\\rc\\td\\be\\ff"),
            (b"\0\x01\x0b\x1f\x7f", "\\u0000\\u0001\\u000b\\u001f\u{7f}"),
            ("żółw 🐢\u{2028}".as_bytes(), "żółw 🐢\u{2028}"),
            (b"0123456789abcdef\"0123456789abcdef", "0123456789abcdef\\\"0123456789abcdef"),
        ];
        for &(text, expected) in table {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_become_replacement_characters() {
        for bytes in [&b"\xff"[..], b"a\xc3", b"\xc3\"", b"\xf0\x9f\x98 \xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xc0\xaf"]
        {
            let lossy = String::from_utf8_lossy(bytes);
            assert_eq!(escaped(bytes), lossy.replace('"', "\\\""));
        }
    }

    #[test]
    fn escapes_are_undone() {
        let table = [
            ("", ""),
            ("plain", "plain"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"a\u0041b", "aAb"),
            (r"\u00e9\u20AC", "é€"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\uDBFF\uDFFF", "\u{10ffff}"),
            (r"\u0000", "\0"),
            (r"é\né", "é\né"),
        ];
        for (inside, text) in table {
            assert_eq!(unescaped(inside), text, "{inside}");
            assert!(is_escaped_form(inside, text), "{inside}");
            assert!(!is_escaped_form(inside, &format!("{text}x")), "{inside}");
            if let Some((last, _)) = text.char_indices().next_back() {
                assert!(!is_escaped_form(inside, &text[..last]), "{inside}");
            }
        }
    }

    #[test]
    fn every_character_survives_both_ways() {
        for char in (0..=0x10_ffff).filter_map(char::from_u32) {
            let text = char.to_string();
            assert_eq!(unescaped(&escaped(text.as_bytes())), text);
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            assert_eq!(unescaped(&units), text);
        }
    }

    #[test]
    fn an_invalid_escape_ends_without_a_panic_and_without_growing() {
        for inside in ["\\", "\\u", "\\u12", "\\ud800", "\\ud800\\u", "\\ué", "\\é", "\\ud800é\\n", "\\\\\\"] {
            let mut out = Vec::new();
            unescape_into(&mut out, inside);
            // An escape cut off at its start becomes U+FFFD, three bytes for one.
            assert!(out.len() <= inside.len() + 2, "{inside}");
            assert!(!is_escaped_form(inside, inside), "{inside}");
        }
    }
}
