//! Writing JSON straight into a buffer: commas are set by themselves, strings are escaped on the way. The writer keeps
//! no tree and no stack, so it cannot tell a bracket that is never closed; whoever opens one closes it.
//!
//! What dozens of places call is `inline(never)`, which keeps its code from being in each of them.

use super::escape::escape_into;
use crate::encoding::base64;

/// Appends JSON to a buffer that the caller owns.
///
/// Calls follow the grammar: inside an object each [`key`](Self::key) is followed by one value; each `begin_` has its
/// `end_`. Every method gives the writer back, so that a small object reads as one chain.
///
/// ```
/// # use faas_core::json::Writer;
/// let mut out = Vec::new();
/// let mut json = Writer::new(&mut out);
/// json.begin_object().key("statusCode").number(200).key("body").string("a \"b\"").end_object();
/// assert_eq!(out, br#"{"statusCode":200,"body":"a \"b\""}"#);
/// ```
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// `true` if a value stands before the next one in the same array or object.
    comma: bool,
}

impl<'a> Writer<'a> {
    /// Makes a writer whose first value is appended to `out` as it is, without a comma.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    /// Begins an item: sets the comma before it, if one is due, and makes the next item need one.
    #[inline]
    fn item(&mut self) -> &mut Vec<u8> {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
        self.out
    }

    #[inline(never)]
    fn begin(&mut self, bracket: u8) -> &mut Self {
        self.item().push(bracket);
        self.comma = false;
        self
    }

    #[inline(never)]
    fn end(&mut self, bracket: u8) -> &mut Self {
        self.out.push(bracket);
        self.comma = true;
        self
    }

    /// Writes the `{` that an object begins with.
    pub fn begin_object(&mut self) -> &mut Self {
        self.begin(b'{')
    }

    /// Writes the `}` that an object ends with.
    pub fn end_object(&mut self) -> &mut Self {
        self.end(b'}')
    }

    /// Writes the `[` that an array begins with.
    pub fn begin_array(&mut self) -> &mut Self {
        self.begin(b'[')
    }

    /// Writes the `]` that an array ends with.
    pub fn end_array(&mut self) -> &mut Self {
        self.end(b']')
    }

    /// Writes the key of the member whose value is written next. It takes text or bytes, as [`string`](Self::string)
    /// does.
    pub fn key(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        self.put_key(key.as_ref());
        self
    }

    #[inline(never)]
    fn put_key(&mut self, key: &[u8]) {
        self.put_string(key);
        self.out.push(b':');
        self.comma = false;
    }

    /// Writes a string of text or bytes, escaped. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub fn string(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.put_string(text.as_ref());
        self
    }

    #[inline(never)]
    fn put_string(&mut self, text: &[u8]) {
        let out = self.item();
        out.reserve(text.len() + 2);
        out.push(b'"');
        escape_into(out, text);
        out.push(b'"');
    }

    /// Writes a string of the base64 form of `bytes`, in which platforms carry bodies that are not text.
    pub fn base64(&mut self, bytes: &[u8]) -> &mut Self {
        let out = self.item();
        out.push(b'"');
        base64::encode_into(out, bytes);
        out.push(b'"');
        self
    }

    /// Writes a number without a sign.
    #[inline(never)]
    pub fn number(&mut self, number: u64) -> &mut Self {
        decimal_into(self.item(), number);
        self
    }

    /// Writes a number that may be negative.
    pub fn signed(&mut self, number: i64) -> &mut Self {
        let out = self.item();
        if number < 0 {
            out.push(b'-');
        }
        decimal_into(out, number.unsigned_abs());
        self
    }

    /// Writes the value `true` or `false`.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.raw(word)
    }

    /// Writes the value `null`.
    pub fn null(&mut self) -> &mut Self {
        self.raw(b"null")
    }

    /// Writes a value that is valid JSON already, such as [`Value::raw`](super::Value::raw). It is not checked.
    #[inline(never)]
    pub fn raw(&mut self, value: &[u8]) -> &mut Self {
        self.item().extend_from_slice(value);
        self
    }
}

/// Appends `number` in decimal digits.
pub fn decimal_into(out: &mut Vec<u8>, mut number: u64) {
    // u64::MAX has 20 digits.
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out));
        String::from_utf8(out).expect("written JSON is UTF-8")
    }

    #[test]
    fn commas_stand_between_items_and_nowhere_else() {
        let text = written(|json| {
            json.begin_object();
            json.key("empty").begin_object().end_object();
            json.key("list").begin_array().number(1).begin_array().end_array().string("x").begin_object();
            json.key("a").null().end_object().bool(true).end_array();
            json.key("last").bool(false).end_object();
        });
        assert_eq!(text, r#"{"empty":{},"list":[1,[],"x",{"a":null},true],"last":false}"#);
    }

    #[test]
    fn a_scalar_may_stand_alone_and_behind_other_bytes_of_the_buffer() {
        assert_eq!(written(|json| _ = json.null()), "null");
        let mut out = b"data: ".to_vec();
        Writer::new(&mut out).string("x");
        assert_eq!(out, b"data: \"x\"");
    }

    #[test]
    fn keys_and_strings_are_escaped() {
        let text = written(|json| _ = json.begin_object().key("a\"b").string(b"\x01\xff\n").end_object());
        assert_eq!(text, "{\"a\\\"b\":\"\\u0001\u{fffd}\\n\"}");
    }

    #[test]
    fn numbers_are_written_in_full_range() {
        let text = written(|json| {
            json.begin_array().number(0).number(9).number(10).number(1234567890).number(u64::MAX);
            json.signed(0).signed(-1).signed(42).signed(i64::MAX).signed(i64::MIN).end_array();
        });
        let expected = "[0,9,10,1234567890,18446744073709551615,0,-1,42,9223372036854775807,-9223372036854775808]";
        assert_eq!(text, expected);
    }

    #[test]
    fn raw_values_and_bytes_take_their_place_in_the_list() {
        let text = written(|json| _ = json.begin_array().raw(b"{\"a\":1}").base64(b"\xff\xfe").raw(b"2").end_array());
        assert_eq!(text, r#"[{"a":1},"//4=",2]"#);
    }
}
