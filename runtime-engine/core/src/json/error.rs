//! The error of the JSON reader. It names a place and an expectation, and quotes at most one byte of the text, because
//! event bodies may not reach a log.

use std::fmt;

/// The reason why a text is not JSON, and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// The number of bytes from the start of the text to the offending byte. It is the length of the text if that ends
    /// too early.
    pub offset: usize,
    /// The thing that should have stood there.
    pub kind: ErrorKind,
    /// The byte that stands there; `None` at the end of the text.
    pub found: Option<u8>,
}

/// The thing that the reader expected at [`Error::offset`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An object, array, string, number, `true`, `false` or `null`.
    Value,
    /// The rest of `true`, `false` or `null`.
    Literal,
    /// A digit: after `-`, after `.`, after the `e` of an exponent.
    Digit,
    /// No further digit, because a number with more than one digit may not begin with 0.
    LeadingZero,
    /// A number that a 64-bit float can hold.
    NumberRange,
    /// The key of a member, or `}` directly after `{`.
    Key,
    /// The `:` between a key and its value.
    Colon,
    /// A `,` or `}` after a member.
    ObjectNext,
    /// A `,` or `]` after an element.
    ArrayNext,
    /// The quote that ends a string, or more of the string.
    StringEnd,
    /// An escaped form of a control character (below 0x20).
    ControlCharacter,
    /// The character of an escape after a backslash: `"`, `\`, `/`, `b`, `f`, `n`, `r`, `t` or `u`.
    Escape,
    /// Four hexadecimal digits after `\u`.
    HexDigit,
    /// A surrogate pair: a low surrogate after a high one, and neither alone.
    Surrogate,
    /// Text that is well-formed UTF-8.
    Utf8,
    /// No deeper nesting: at most 127 arrays and objects may be open at once.
    Depth,
    /// The end of the text after its one value.
    TextEnd,
}

impl ErrorKind {
    fn expected(self) -> &'static str {
        match self {
            Self::Value => "a value",
            Self::Literal => "`true`, `false` or `null`",
            Self::Digit => "a digit",
            Self::LeadingZero => "a number without leading zeros",
            Self::NumberRange => "a number within the range of a 64-bit float",
            Self::Key => "a key in double quotes",
            Self::Colon => "`:` after the key",
            Self::ObjectNext => "`,` or `}` after the member",
            Self::ArrayNext => "`,` or `]` after the element",
            Self::StringEnd => "`\"` to end the string",
            Self::ControlCharacter => "control characters to be escaped in a string",
            Self::Escape => "one of `\"\\/bfnrtu` after a backslash",
            Self::HexDigit => "four hexadecimal digits after `\\u`",
            Self::Surrogate => "a high surrogate escape and then a low one",
            Self::Utf8 => "well-formed UTF-8",
            Self::Depth => "at most 127 nested arrays and objects",
            Self::TextEnd => "nothing after the value",
        }
    }
}

impl Error {
    /// Returns the expected and the found value, without the place.
    pub(crate) fn problem(&self) -> String {
        let expected = self.kind.expected();
        match self.found {
            None => format!("expected {expected}, found the end of the text"),
            Some(byte) if byte.is_ascii_graphic() => format!("expected {expected}, found `{}`", byte as char),
            Some(byte) => format!("expected {expected}, found byte {byte:#04x}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid JSON at byte {}: {}", self.offset, self.problem())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_where_what_was_expected_and_what_was_found() {
        let message = |offset, kind, found| Error { offset, kind, found }.to_string();
        assert_eq!(
            message(3, ErrorKind::Colon, Some(b'}')),
            "invalid JSON at byte 3: expected `:` after the key, found `}`"
        );
        assert_eq!(
            message(0, ErrorKind::Value, None),
            "invalid JSON at byte 0: expected a value, found the end of the text"
        );
        assert_eq!(
            message(9, ErrorKind::ControlCharacter, Some(10)),
            "invalid JSON at byte 9: expected control characters to be escaped in a string, found byte 0x0a"
        );
    }
}
