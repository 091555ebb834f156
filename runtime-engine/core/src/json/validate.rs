//! The one pass that decides whether a text is JSON (RFC 8259). It keeps no values: what it leaves behind is the
//! knowledge that every later step over the same bytes may be lax. Nothing is allocated: open brackets are bits of one
//! integer.

use super::error::{Error, ErrorKind};
use super::scan;

/// The most arrays and objects that are open at once. It is the same as in serde_json, so that a text accepted here can
/// also be read there.
const MAX_DEPTH: u32 = 127;

/// Returns the beginning and the end of the one value of `text`. `notes` is told of the ends on the way, so
/// that they need not be looked for again.
pub(super) fn validate(text: &str, notes: &mut impl Notes) -> Result<(usize, usize), Error> {
    let bytes = text.as_bytes();
    let start = scan::whitespace(bytes, 0);
    let end = value(bytes, start, notes)?;
    let rest = scan::whitespace(bytes, end);
    if rest < bytes.len() {
        return error(bytes, rest, ErrorKind::TextEnd);
    }
    Ok((start, end))
}

/// A listener that is told where values begin and end, in the order of the text. The check is compiled for each
/// implementation, so that calls without a body cost nothing.
pub(super) trait Notes {
    /// Notes that an array or object that is not empty begins at that byte.
    #[inline(always)]
    fn open(&mut self, _start: usize) {}

    /// Notes that the array or object that began last ends before that byte.
    #[inline(always)]
    fn close(&mut self, _end: usize) {}

    /// Notes that the value of a member of the whole object ends before that byte.
    #[inline(always)]
    fn member(&mut self, _end: usize) {}
}

/// The ends of the whole object's first members, as many as there is room for.
pub(super) struct Ends<'e> {
    places: &'e mut [usize],
    count: usize,
}

impl<'e> Ends<'e> {
    pub(super) fn new(places: &'e mut [usize]) -> Ends<'e> {
        Ends { places, count: 0 }
    }

    /// Returns how many ends have been noted.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

impl Notes for Ends<'_> {
    #[inline(always)]
    fn member(&mut self, end: usize) {
        if let Some(free) = self.places.get_mut(self.count) {
            *free = end;
            self.count += 1;
        }
    }
}

#[cold]
fn error<T>(bytes: &[u8], offset: usize, kind: ErrorKind) -> Result<T, Error> {
    Err(Error { offset, kind, found: bytes.get(offset).copied() })
}

/// Checks the value that begins at `at`; returns the index behind it.
fn value(bytes: &[u8], mut at: usize, notes: &mut impl Notes) -> Result<usize, Error> {
    // One bit for each open bracket, the innermost lowest: 1 for an object, 0 for an array.
    let mut open: u128 = 0;
    let mut depth = 0;
    loop {
        match bytes.get(at) {
            Some(b'"') => at = string(bytes, at + 1)?,
            Some(&bracket @ (b'{' | b'[')) => {
                if depth == MAX_DEPTH {
                    return error(bytes, at, ErrorKind::Depth);
                }
                let object = bracket == b'{';
                let first = scan::whitespace(bytes, at + 1);
                let empty = bytes.get(first) == Some(if object { &b'}' } else { &b']' });
                if empty {
                    at = first + 1;
                } else {
                    notes.open(at);
                    depth += 1;
                    open = open << 1 | object as u128;
                    at = if object { key(bytes, first)? } else { first };
                    continue;
                }
            }
            Some(b'-' | b'0'..=b'9') => at = number(bytes, at)?,
            Some(b't') => at = literal(bytes, at, b"true")?,
            Some(b'f') => at = literal(bytes, at, b"false")?,
            Some(b'n') => at = literal(bytes, at, b"null")?,
            _ => return error(bytes, at, ErrorKind::Value),
        }
        // A value is complete: close what it completes, up to the next comma.
        loop {
            if depth == 0 {
                return Ok(at);
            }
            let object = open & 1 == 1;
            if depth == 1 && object {
                notes.member(at);
            }
            at = scan::whitespace(bytes, at);
            match bytes.get(at) {
                Some(b',') => {
                    at = scan::whitespace(bytes, at + 1);
                    if object {
                        at = key(bytes, at)?;
                    }
                    break;
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                _ => return error(bytes, at, if object { ErrorKind::ObjectNext } else { ErrorKind::ArrayNext }),
            }
            at += 1;
            notes.close(at);
            depth -= 1;
            open >>= 1;
        }
    }
}

/// Checks `"key" :` from the quote on; returns the index of the value.
#[inline(always)]
fn key(bytes: &[u8], at: usize) -> Result<usize, Error> {
    if bytes.get(at) != Some(&b'"') {
        return error(bytes, at, ErrorKind::Key);
    }
    let colon = scan::whitespace(bytes, string(bytes, at + 1)?);
    if bytes.get(colon) != Some(&b':') {
        return error(bytes, colon, ErrorKind::Colon);
    }
    Ok(scan::whitespace(bytes, colon + 1))
}

/// Checks a string from behind its opening quote on; returns the index behind the closing one.
#[inline(always)]
fn string(bytes: &[u8], mut at: usize) -> Result<usize, Error> {
    loop {
        at = scan::string_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(bytes, at + 1)?,
            Some(_) => return error(bytes, at, ErrorKind::ControlCharacter),
            None => return error(bytes, at, ErrorKind::StringEnd),
        }
    }
}

/// Checks an escape from behind its backslash on; returns the index behind it.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Error> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => match hex4(bytes, at + 1)? {
            0xD800..=0xDBFF => {
                if bytes.get(at + 5..at + 7) != Some(b"\\u") {
                    return error(bytes, at + 5, ErrorKind::Surrogate);
                }
                match hex4(bytes, at + 7)? {
                    0xDC00..=0xDFFF => Ok(at + 11),
                    _ => error(bytes, at + 7, ErrorKind::Surrogate),
                }
            }
            0xDC00..=0xDFFF => error(bytes, at + 1, ErrorKind::Surrogate),
            _ => Ok(at + 5),
        },
        _ => error(bytes, at, ErrorKind::Escape),
    }
}

fn hex4(bytes: &[u8], at: usize) -> Result<u32, Error> {
    let mut process = 0;
    for index in at..at + 4 {
        match bytes.get(index).and_then(|&byte| (byte as char).to_digit(16)) {
            Some(digit) => process = process << 4 | digit,
            None => return error(bytes, index, ErrorKind::HexDigit),
        }
    }
    Ok(process)
}

fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Error> {
    for (index, expected) in word.iter().enumerate() {
        if bytes.get(at + index) != Some(expected) {
            return error(bytes, at + index, ErrorKind::Literal);
        }
    }
    Ok(at + word.len())
}

/// Checks a number from its sign or first digit on; returns the index behind it.
#[inline]
fn number(bytes: &[u8], start: usize) -> Result<usize, Error> {
    let integer = start + (bytes.get(start) == Some(&b'-')) as usize;
    let mut at = if bytes.get(integer) == Some(&b'0') {
        if let Some(b'0'..=b'9') = bytes.get(integer + 1) {
            return error(bytes, integer + 1, ErrorKind::LeadingZero);
        }
        integer + 1
    } else {
        digits(bytes, integer)?
    };
    // 308 digits before the point are below the largest float, 1.8e308, whatever they are.
    let mut large = at - integer > 308;
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let sign = matches!(bytes.get(at + 1), Some(b'+' | b'-')) as usize;
        at = digits(bytes, at + 1 + sign)?;
        large = true;
    }
    if large && is_out_of_range(&bytes[start..at]) {
        return error(bytes, start, ErrorKind::NumberRange);
    }
    Ok(at)
}

/// Reads at least one digit from `at` on; returns the index behind the last.
#[inline(always)]
fn digits(bytes: &[u8], at: usize) -> Result<usize, Error> {
    let mut end = at;
    while let Some(b'0'..=b'9') = bytes.get(end) {
        end += 1;
    }
    if end == at {
        return error(bytes, at, ErrorKind::Digit);
    }
    Ok(end)
}

#[cold]
fn is_out_of_range(number: &[u8]) -> bool {
    let parsed = std::str::from_utf8(number).ok().and_then(|text| text.parse::<f64>().ok());
    !parsed.is_some_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_and_offset(text: &str) -> Option<(ErrorKind, usize)> {
        validate(text, &mut Ends::new(&mut [])).err().map(|error| (error.kind, error.offset))
    }

    #[test]
    fn valid_texts_are_accepted() {
        let table = [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1",
            "-1",
            "10",
            "0.5",
            "-0.5e1",
            "1e5",
            "1E+5",
            "1e-5",
            "12.50",
            "0e0",
            "1.7e308",
            "-1.7e308",
            "1e-999",
            "0e999999999999",
            r#""""#,
            r#""a""#,
            r#""\"\\\/\b\f\n\r\t\u0041""#,
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00""#,
            r#""\u0000""#,
            "\"\u{7f}\u{80}\u{10ffff}\"",
            "[]",
            "[ ]",
            "{}",
            "{ \n}",
            "[1]",
            "[1,2]",
            "[ 1 , 2 ]",
            r#"{"a":1}"#,
            r#"{ "a" : 1 , "b" : [ ] }"#,
            "[[],{},[{}]]",
            r#"{"":{"":[{"":""}]}}"#,
            " \t\r\n1 \t\r\n",
            r#"{"a":1,"a":2}"#,
        ];
        for text in table {
            assert_eq!(kind_and_offset(text), None, "{text}");
        }
    }

    #[test]
    fn invalid_texts_are_refused_at_the_offending_byte() {
        use ErrorKind as K;
        let table = [
            ("", K::Value, 0),
            ("  ", K::Value, 2),
            ("\u{feff}1", K::Value, 0),
            ("\u{a0}1", K::Value, 0),
            ("\u{b}1", K::Value, 0),
            ("nul", K::Literal, 3),
            ("nulL", K::Literal, 3),
            ("True", K::Value, 0),
            ("truex", K::TextEnd, 4),
            ("tru e", K::Literal, 3),
            ("NaN", K::Value, 0),
            ("-", K::Digit, 1),
            ("-a", K::Digit, 1),
            ("-Infinity", K::Digit, 1),
            ("+1", K::Value, 0),
            (".5", K::Value, 0),
            ("01", K::LeadingZero, 1),
            ("-00", K::LeadingZero, 2),
            ("1.", K::Digit, 2),
            ("1.e5", K::Digit, 2),
            ("1e", K::Digit, 2),
            ("1e+", K::Digit, 3),
            ("1e5.5", K::TextEnd, 3),
            ("0x10", K::TextEnd, 1),
            ("1e999", K::NumberRange, 0),
            ("[-1e999]", K::NumberRange, 1),
            ("1 2", K::TextEnd, 2),
            ("1,", K::TextEnd, 1),
            ("[", K::Value, 1),
            ("[1", K::ArrayNext, 2),
            ("[1,", K::Value, 3),
            ("[1,]", K::Value, 3),
            ("[,1]", K::Value, 1),
            ("[1 2]", K::ArrayNext, 3),
            ("[1}", K::ArrayNext, 2),
            ("]", K::Value, 0),
            ("[]]", K::TextEnd, 2),
            ("{", K::Key, 1),
            ("{]", K::Key, 1),
            ("{1:2}", K::Key, 1),
            ("{,}", K::Key, 1),
            (r#"{"a"}"#, K::Colon, 4),
            (r#"{"a" 1}"#, K::Colon, 5),
            (r#"{"a":}"#, K::Value, 5),
            (r#"{"a":1"#, K::ObjectNext, 6),
            (r#"{"a":1]"#, K::ObjectNext, 6),
            (r#"{"a":1,}"#, K::Key, 7),
            (r#"{"a":1 "b":2}"#, K::ObjectNext, 7),
            (r#"{'a':1}"#, K::Key, 1),
            ("[1] // note", K::TextEnd, 4),
            (r#"""#, K::StringEnd, 1),
            (r#""abc"#, K::StringEnd, 4),
            (r#""abc\"#, K::Escape, 5),
            (r#""\x""#, K::Escape, 2),
            (r#""\U0041""#, K::Escape, 2),
            (r#""\u004""#, K::HexDigit, 6),
            (r#""\u004g""#, K::HexDigit, 6),
            (r#""\u+041""#, K::HexDigit, 3),
            (r#""\ud800""#, K::Surrogate, 7),
            (r#""\ud800\n""#, K::Surrogate, 7),
            (r#""\ud800\u0041""#, K::Surrogate, 9),
            (r#""\ud800\ud800""#, K::Surrogate, 9),
            (r#""\udc00""#, K::Surrogate, 3),
            ("\"a\nb\"", K::ControlCharacter, 2),
            ("\"0123456789\u{1f}\"", K::ControlCharacter, 11),
            ("\"\u{0}\"", K::ControlCharacter, 1),
        ];
        for (text, kind, offset) in table {
            assert_eq!(kind_and_offset(text), Some((kind, offset)), "{text}");
        }
    }

    #[test]
    fn one_hundred_and_twenty_seven_open_brackets_are_the_most() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = |depth: usize| open.repeat(depth) + "0" + &close.repeat(depth);
            assert_eq!(kind_and_offset(&nested(127)), None);
            assert_eq!(kind_and_offset(&nested(128)), Some((ErrorKind::Depth, 127 * open.len())));
            assert_eq!(kind_and_offset(&open.repeat(100_000)), Some((ErrorKind::Depth, 127 * open.len())));
        }
        let mixed = r#"[{"a":"#.repeat(63) + "[]" + &"}]".repeat(63);
        assert_eq!(kind_and_offset(&mixed), None);
    }

    #[test]
    fn a_number_of_many_digits_is_accepted_while_a_float_can_hold_it() {
        assert_eq!(kind_and_offset(&"9".repeat(308)), None);
        assert_eq!(kind_and_offset(&("1".to_owned() + &"0".repeat(308))), None);
        assert_eq!(kind_and_offset(&"9".repeat(309)), Some((ErrorKind::NumberRange, 0)));
        assert_eq!(kind_and_offset(&("0.".to_owned() + &"9".repeat(5000))), None);
    }

    #[test]
    fn every_truncation_of_a_text_is_refused() {
        let text = r#"{"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00é"],"b":{"c":false}}"#;
        assert_eq!(kind_and_offset(text), None);
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
            assert!(kind_and_offset(&text[..end]).is_some(), "{}", &text[..end]);
        }
    }
}
