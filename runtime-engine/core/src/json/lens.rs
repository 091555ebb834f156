//! Reading JSON without building a tree. [`parse`] checks the whole text once; from then on a [`Value`] is a slice of
//! it, and looking something up walks the bytes. No function here allocates, but for strings that hold escapes and are
//! asked for as a whole.
//!
//! What dozens of places call is `inline(never)`: in each of them its code would be there again.

use super::error::{Error, ErrorKind};
use super::escape::{is_escaped_form, unescape_into};
use super::scan;
use super::validate::{Ends, Notes, validate};
use std::borrow::Cow;
use std::fmt;

/// Checks that `text` is exactly one JSON value (RFC 8259), with whitespace around it or not, and lends it out.
///
/// The verdict is serde_json's for its own `Value`. Strings must be UTF-8 without lone surrogates, and numbers must fit
/// a 64-bit float. A byte order mark is refused, and at most 127 arrays and objects may be open at once. The one
/// difference: serde_json rounds floats with an error of a few units. Of the numbers that round to the largest one,
/// 1.7976931348623157e308, it refuses some, which are accepted here. Of those a little too large it takes some for the
/// largest, which are refused here.
///
/// # Errors
/// The error has the first place where the text stops being JSON, and what was expected there. Bytes that are not UTF-8
/// are reported before anything else.
pub fn parse(text: &[u8]) -> Result<Value<'_>, Error> {
    parse_with(text, &mut Ends::new(&mut [])).map(|(value, _)| value)
}

/// Reads a text as [`parse`] does; also tells `notes` of the ends, and returns where the value starts.
pub(super) fn parse_with<'a>(text: &'a [u8], notes: &mut impl Notes) -> Result<(Value<'a>, usize), Error> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let offset = error.valid_up_to();
        Error { offset, kind: ErrorKind::Utf8, found: text.get(offset).copied() }
    })?;
    let (start, end) = validate(text, notes)?;
    Ok((Value { text: slice(text, start, end) }, start))
}

/// Returns a part of `text` between places found by looking at ASCII bytes, which are character boundaries always.
#[inline]
fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// The kind of a [`Value`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// The value is `null`.
    Null,
    /// The value is `true` or `false`.
    Bool,
    /// The value is a number of any form.
    Number,
    /// The value is a string.
    String,
    /// The value is an array.
    Array,
    /// The value is an object.
    Object,
}

/// One valid JSON value, as a slice of the text it was read from. Copying it copies a pointer and a length.
///
/// A question that does not fit the value's kind is answered with `None` or an empty iterator, never with an error.
/// Each question reads the bytes anew: to visit many members of an object, use one [`members`](Self::members) loop
/// rather than many [`get`](Self::get)s.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    /// Exactly one valid value, without whitespace around it.
    text: &'a str,
}

impl<'a> Value<'a> {
    /// Returns the bytes of the value, without whitespace around it.
    #[inline]
    pub fn raw(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Returns the value's text: JSON that can be handed on as it was written.
    #[inline]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the kind of the value.
    #[inline]
    pub fn kind(&self) -> ValueKind {
        match self.raw().first() {
            Some(b'"') => ValueKind::String,
            Some(b'{') => ValueKind::Object,
            Some(b'[') => ValueKind::Array,
            Some(b't' | b'f') => ValueKind::Bool,
            Some(b'-' | b'0'..=b'9') => ValueKind::Number,
            _ => ValueKind::Null,
        }
    }

    /// Returns `true` if the value is `null`.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.kind() == ValueKind::Null
    }

    /// Returns the boolean; `None` if it is another kind of value.
    #[inline]
    pub fn as_bool(&self) -> Option<bool> {
        match self.raw().first() {
            Some(b't') => Some(true),
            Some(b'f') => Some(false),
            _ => None,
        }
    }

    /// Returns the number, if it is written as an integer (no point, no exponent, not `-0`) and fits.
    #[inline(never)]
    pub fn as_i64(&self) -> Option<i64> {
        if self.text == "-0" { None } else { self.text.parse().ok() }
    }

    /// Returns the number, if it is written as an integer (no point, no exponent, no sign) and fits.
    #[inline(never)]
    pub fn as_u64(&self) -> Option<u64> {
        self.text.parse().ok()
    }

    /// Returns the number as the nearest float; `None` for any other kind of value.
    pub fn as_f64(&self) -> Option<f64> {
        if self.kind() == ValueKind::Number { self.text.parse().ok() } else { None }
    }

    /// Returns the string; `None` for any other kind of value. It is borrowed from the text if it holds no escapes.
    #[inline(never)]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        self.string_inside().map(|inside| unescaped(inside, scan::backslash(inside.as_bytes(), 0) < inside.len()))
    }

    /// Appends the string's UTF-8 bytes to `out`, its escapes undone. Returns whether the value is a string; if not,
    /// `out` stays as it is.
    pub fn append_str_to(&self, out: &mut Vec<u8>) -> bool {
        let Some(inside) = self.string_inside() else { return false };
        unescape_into(out, inside);
        true
    }

    /// Returns the text between the quotes of a string, escapes and all.
    #[inline]
    fn string_inside(&self) -> Option<&'a str> {
        self.text.strip_prefix('"')?.strip_suffix('"')
    }

    /// Returns the value of the member `key` of an object; `None` if there is no such member. If the key occurs more
    /// than once the **last** one counts, as it does in `serde_json::Value`; hence the whole object is walked in any
    /// case.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.members().filter(|(candidate, _)| *candidate == *key).last().map(|(_, value)| value)
    }

    /// Follows `keys` from object to object: `path(&["a", "b"])` is `get("a")` and then `get("b")`. No keys give the
    /// value itself.
    pub fn path(&self, keys: &[&str]) -> Option<Value<'a>> {
        keys.iter().try_fold(*self, |value, key| value.get(key))
    }

    /// Returns the members of an object in the order of the text, repeated keys included. Any other kind of value has
    /// no members.
    #[inline]
    pub fn members(&self) -> Members<'a> {
        Members { text: self.container(b'{'), at: 1 }
    }

    /// Returns the elements of an array. Any other kind of value has no elements.
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        Elements { text: self.container(b'['), at: 1 }
    }

    /// Returns the value's text, or nothing if it does not begin with this bracket.
    #[inline]
    fn container(&self, bracket: u8) -> &'a str {
        if self.raw().first() == Some(&bracket) { self.text } else { "" }
    }
}

/// ValueKind and length only: an event's content may not end up in a log by way of `{:?}`.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({:?}, {} bytes)", self.kind(), self.text.len())
    }
}

/// The key of a member. Comparing it with a `str` allocates nothing.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The text between the quotes.
    inside: &'a str,
    /// `true` if there is a backslash in it.
    escaped: bool,
}

impl<'a> Key<'a> {
    /// Returns the key's text, which is borrowed if it holds no escapes.
    #[inline]
    pub fn as_str(&self) -> Cow<'a, str> {
        unescaped(self.inside, self.escaped)
    }

    /// Returns the bytes between the key's quotes, escapes and all.
    #[inline]
    pub fn raw(&self) -> &'a [u8] {
        self.inside.as_bytes()
    }

    /// Appends the key's UTF-8 bytes to `out`, its escapes undone.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        unescape_into(out, self.inside);
    }
}

impl PartialEq<str> for Key<'_> {
    #[inline]
    fn eq(&self, text: &str) -> bool {
        if self.escaped { is_escaped_form(self.inside, text) } else { self.inside == text }
    }
}

impl PartialEq<&str> for Key<'_> {
    #[inline]
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

#[inline]
fn unescaped(inside: &str, escaped: bool) -> Cow<'_, str> {
    if escaped { Cow::Owned(decoded(inside)) } else { Cow::Borrowed(inside) }
}

#[inline(never)]
fn decoded(inside: &str) -> String {
    let mut text = Vec::new();
    unescape_into(&mut text, inside);
    // Runs and characters of a `str` are UTF-8, so nothing is ever replaced here.
    String::from_utf8(text).unwrap_or_default()
}

/// Returns the place of the next member or element from `at` on, behind a separator; `None` at the closing bracket.
#[inline]
fn next_item(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = scan::whitespace(bytes, at);
    if bytes.get(at) == Some(&b',') {
        at = scan::whitespace(bytes, at + 1);
    }
    match bytes.get(at) {
        None | Some(b'}' | b']') => None,
        Some(_) => Some(at),
    }
}

/// Iterator over the members of an object, see [`Value::members`].
#[derive(Clone)]
pub struct Members<'a> {
    /// The object, valid JSON by construction; empty if the value is no object.
    text: &'a str,
    /// The place behind the last member.
    at: usize,
}

impl<'a> Members<'a> {
    /// Returns the next member, whose value is known to end there, counted from the start of the object.
    #[inline]
    pub(super) fn next_until(&mut self, end: usize) -> Option<(Key<'a>, Value<'a>)> {
        self.step(|_, _| end)
    }

    /// Returns the next member. `value_end` is called with the bytes and the place in them where its value begins.
    #[inline(always)]
    pub(super) fn step(&mut self, value_end: impl FnOnce(&[u8], usize) -> usize) -> Option<(Key<'a>, Value<'a>)> {
        let bytes = self.text.as_bytes();
        let quote = next_item(bytes, self.at)?;
        let (key_end, escaped) = scan::string_end(bytes, quote + 1);
        let key = Key { inside: slice(self.text, quote + 1, key_end), escaped };
        let colon = scan::whitespace(bytes, key_end + 1);
        let start = scan::whitespace(bytes, colon + 1);
        let end = value_end(bytes, start);
        let value = Value { text: slice(self.text, start, end) };
        self.at = end;
        Some((key, value))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Key<'a>, Value<'a>);

    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        self.step(scan::value_end)
    }
}

impl std::iter::FusedIterator for Members<'_> {}

/// Iterator over the elements of an array, see [`Value::elements`].
#[derive(Clone)]
pub struct Elements<'a> {
    /// The array, valid JSON by construction; empty if the value is no array.
    text: &'a str,
    /// The place behind the last element.
    at: usize,
}

impl<'a> Elements<'a> {
    /// Returns the next element. `value_end` is called with the bytes and the place in them where it begins.
    #[inline(always)]
    pub(super) fn step(&mut self, value_end: impl FnOnce(&[u8], usize) -> usize) -> Option<Value<'a>> {
        let bytes = self.text.as_bytes();
        let start = next_item(bytes, self.at)?;
        let end = value_end(bytes, start);
        let value = Value { text: slice(self.text, start, end) };
        self.at = end;
        Some(value)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    #[inline(never)]
    fn next(&mut self) -> Option<Value<'a>> {
        self.step(scan::value_end)
    }
}

impl std::iter::FusedIterator for Elements<'_> {}

impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Members({} bytes left)", self.text.len().saturating_sub(self.at))
    }
}

impl fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Elements({} bytes left)", self.text.len().saturating_sub(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value<'_> {
        parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn a_value_knows_its_kind_and_its_bytes() {
        let table = [
            (" null ", ValueKind::Null, "null"),
            ("true", ValueKind::Bool, "true"),
            ("\tfalse\n", ValueKind::Bool, "false"),
            ("-1", ValueKind::Number, "-1"),
            ("0.5", ValueKind::Number, "0.5"),
            (r#" "a b" "#, ValueKind::String, r#""a b""#),
            (" [ 1 , 2 ] ", ValueKind::Array, "[ 1 , 2 ]"),
            ("\r{ }", ValueKind::Object, "{ }"),
        ];
        for (text, kind, raw) in table {
            assert_eq!(value(text).kind(), kind, "{text}");
            assert_eq!(value(text).raw(), raw.as_bytes(), "{text}");
            assert_eq!(value(text).text(), raw);
            assert_eq!(value(text).is_null(), kind == ValueKind::Null, "{text}");
        }
    }

    #[test]
    fn numbers_come_out_in_the_types_that_hold_them() {
        let table = [
            ("0", Some(0), Some(0), Some(0.0)),
            ("-0", None, None, Some(-0.0)),
            ("200", Some(200), Some(200), Some(200.0)),
            ("-7", Some(-7), None, Some(-7.0)),
            ("9223372036854775807", Some(i64::MAX), Some(i64::MAX as u64), Some(9223372036854775807.0)),
            ("-9223372036854775808", Some(i64::MIN), None, Some(-9223372036854775808.0)),
            ("18446744073709551615", None, Some(u64::MAX), Some(18446744073709551615.0)),
            ("18446744073709551616", None, None, Some(18446744073709551616.0)),
            ("1.0", None, None, Some(1.0)),
            ("1e2", None, None, Some(100.0)),
            ("1e-999", None, None, Some(0.0)),
            ("\"1\"", None, None, None),
            ("true", None, None, None),
            ("[1]", None, None, None),
            ("null", None, None, None),
        ];
        for (text, signed, unsigned, float) in table {
            assert_eq!(value(text).as_i64(), signed, "{text}");
            assert_eq!(value(text).as_u64(), unsigned, "{text}");
            assert_eq!(value(text).as_f64(), float, "{text}");
        }
        assert!(value("-0").as_f64().is_some_and(f64::is_sign_negative));
    }

    #[test]
    fn a_question_that_does_not_fit_the_kind_is_answered_with_nothing() {
        for text in ["null", "true", "1", r#""{\"a\":1}""#, "[{\"a\":1}]"] {
            assert!(value(text).get("a").is_none(), "{text}");
            assert!(value(text).members().next().is_none(), "{text}");
        }
        for text in ["null", "true", "1", r#""[1]""#, r#"{"a":[1]}"#] {
            assert!(value(text).elements().next().is_none(), "{text}");
            assert!(value(text).as_bool().is_none() || text == "true");
        }
        let mut out = b"kept".to_vec();
        assert!(!value("[\"a\"]").append_str_to(&mut out));
        assert_eq!(out, b"kept");
        assert!(value("1").as_str().is_none());
    }

    #[test]
    fn a_string_without_escapes_is_borrowed_and_one_with_escapes_is_decoded() {
        assert!(matches!(value(r#""zażółć""#).as_str(), Some(Cow::Borrowed("zażółć"))));
        let escaped = value(r#""a\"b\\\/\u0041\ud83d\ude00\n""#);
        assert_eq!(escaped.as_str().as_deref(), Some("a\"b\\/A😀\n"));
        let mut out = b">".to_vec();
        assert!(escaped.append_str_to(&mut out));
        assert!(value("\"\"").append_str_to(&mut out));
        assert_eq!(out, ">a\"b\\/A😀\n".as_bytes());
        assert_eq!(value(r#""\"""#).as_str().as_deref(), Some("\""));
        assert_eq!(value(r#""\\""#).as_str().as_deref(), Some("\\"));
    }

    #[test]
    fn the_last_of_several_equal_keys_wins() {
        let object = value(r#"{"a":1,"b":2,"a":3,"\u0061":4,"A":5}"#);
        assert_eq!(object.get("a").and_then(|v| v.as_u64()), Some(4));
        assert_eq!(object.get("b").and_then(|v| v.as_u64()), Some(2));
        assert!(object.get("c").is_none());
        assert_eq!(object.members().count(), 5);
    }

    #[test]
    fn a_path_goes_from_object_to_object() {
        let event = value(r#"{"requestContext":{"http":{"method":"GET"},"stage":null}}"#);
        let method = event.path(&["requestContext", "http", "method"]);
        assert_eq!(method.and_then(|v| v.as_str()).as_deref(), Some("GET"));
        assert!(event.path(&["requestContext", "stage"]).is_some_and(|v| v.is_null()));
        assert!(event.path(&["requestContext", "stage", "x"]).is_none());
        assert!(event.path(&["nothing", "x"]).is_none());
        assert_eq!(event.path(&[]).map(|v| v.raw()), Some(event.raw()));
    }

    #[test]
    fn a_key_is_compared_by_its_decoded_text() {
        let object = value(r#"{"headers":1,"he\u0061ders":2,"":3,"a\\b":4,"😀":5,"\ud83d\ude00":6,"headersX":7}"#);
        let keys: Vec<Key<'_>> = object.members().map(|(key, _)| key).collect();
        for (key, text) in keys.iter().zip(["headers", "headers", "", "a\\b", "😀", "😀", "headersX"]) {
            assert!(*key == text, "{key:?}");
            assert_eq!(key.as_str(), text);
            let mut out = Vec::new();
            key.append_to(&mut out);
            assert_eq!(out, text.as_bytes());
        }
        assert!(keys[1] != "he\\u0061ders" && keys[1] != "header" && keys[1] != "headersX");
        assert!(keys[3] != "a\\\\b");
        assert_eq!((keys[1].raw(), keys[2].raw()), (&br"he\u0061ders"[..], &b""[..]));
        assert!(matches!(keys[0].as_str(), Cow::Borrowed(_)));
    }

    #[test]
    fn iteration_steps_over_whitespace_brackets_and_quotes_inside_strings() {
        let text = " { \"a\" : \"x,}]\\\"\" ,\n\"b\": [ 1 , [ ] , { } , \"]\" ] , \"}\":{\"a\":{\"b\":[{}]}},\"n\" :-1.5e3\t} ";
        let members: Vec<(String, &[u8])> =
            value(text).members().map(|(key, value)| (key.as_str().into_owned(), value.raw())).collect();
        let expected: [(&str, &[u8]); 4] = [
            ("a", br#""x,}]\"""#),
            ("b", br#"[ 1 , [ ] , { } , "]" ]"#),
            ("}", br#"{"a":{"b":[{}]}}"#),
            ("n", b"-1.5e3"),
        ];
        assert_eq!(members.len(), expected.len());
        for ((key, raw), (expected_key, expected_raw)) in members.iter().zip(expected) {
            assert_eq!((key.as_str(), *raw), (expected_key, expected_raw));
        }
        let list = value(text).get("b").expect("b is there");
        let elements: Vec<&[u8]> = list.elements().map(|element| element.raw()).collect();
        assert_eq!(elements, [&b"1"[..], b"[ ]", b"{ }", br#""]""#]);
    }

    #[test]
    fn an_exhausted_iterator_stays_exhausted() {
        let list = value("[1,2 ]");
        let mut elements = list.elements();
        assert_eq!(elements.by_ref().count(), 2);
        assert!(elements.next().is_none() && elements.next().is_none());
        let mut members = value("{ \"a\" : {} }").members();
        assert_eq!(members.by_ref().count(), 1);
        assert!(members.next().is_none() && members.next().is_none());
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_wherever_they_stand() {
        for bytes in
            [&b"\"\xff\""[..], b"{\"\xc3\":1}", b"\"\xed\xa0\x80\"", b"\"\xc0\x80\"", b"\xfe", b"\"\xc3\\u00a9\""]
        {
            let error = parse(bytes).map(|_| ()).expect_err("not UTF-8");
            assert_eq!(error.kind, ErrorKind::Utf8);
            assert_eq!(error.found, Some(bytes[error.offset]));
            assert!(!bytes[error.offset].is_ascii());
        }
    }

    #[test]
    fn debug_output_shows_no_content() {
        let secret = value(r#"{"password":"hunter2"}"#);
        assert_eq!(format!("{secret:?}"), "Value(Object, 22 bytes)");
        assert!(!format!("{:?}", secret.members()).contains("hunter2"));
    }
}
