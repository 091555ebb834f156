//! Percent-coding: undone in object keys, done in the headers of CloudEvents.

/// Decodes `%41` to `A` and `+` to a space. Text that is no code stays as it is. Bytes that are not UTF-8 then become
/// U+FFFD.
#[cfg(feature = "json")]
pub(crate) fn decoded(text: &str) -> String {
    undone(text, b' ')
}

/// Decodes a path, in which `+` stands for itself.
#[cfg(feature = "json")]
pub(crate) fn decoded_path(text: &str) -> String {
    undone(text, b'+')
}

#[cfg(feature = "json")]
fn undone(text: &str, plus: u8) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) => plus,
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            _ => *first,
        });
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(feature = "json")]
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Returns the value of a header, in which space, `"`, `%` and all but visible ASCII are percent-coded.
pub(crate) fn in_header(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::{decoded, in_header};

    #[test]
    fn codes_are_undone_and_all_else_stays() {
        for (coded, plain) in [
            ("", ""),
            ("a+b", "a b"),
            ("Happy%20Face.jpg", "Happy Face.jpg"),
            ("1%2B1%3d2", "1+1=2"),
            ("%C3%BC/%e2%82%ac", "ü/€"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%+f%%41", "%zz% f%A"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decoded(coded), plain, "{coded}");
        }
    }

    #[test]
    fn a_plus_is_itself_in_a_path() {
        assert_eq!(super::decoded_path("a+b%20c"), "a+b c");
    }

    #[test]
    fn exactly_what_a_header_cannot_hold_is_coded() {
        assert_eq!(in_header("Euro € 😀"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(in_header("100% \"x\"\u{7f}~,'/:"), "100%25%20%22x%22%7F~,'/:");
    }
}
