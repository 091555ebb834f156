//! Bytes that an event carries as base64.

use super::lenient::{Lenient, Text};
use crate::error::Error;
use serde::{Deserialize, Deserializer};
use std::fmt;

/// Bytes in base64, as given; they are decoded when they are asked for.
///
/// ```
/// use handlers_sdk::events::Base64;
///
/// let coded = Base64::from("aGk_".to_owned());
/// assert_eq!((coded.as_str(), coded.bytes()?), ("aGk_", b"hi?".to_vec()));
/// assert!(Base64::from("no base64!".to_owned()).bytes().is_err());
/// # Ok::<(), handlers_sdk::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base64(String);

impl Base64 {
    /// Returns the text as it stands in the event.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bytes. Both alphabets (RFC 4648 §4 and §5) are read, with padding or without.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if the text is no base64.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        decode(self.0.as_bytes()).map_err(|place| {
            let message = format!("expected base64, found what is none at byte {place} of {}", self.0.len());
            Error::new("Runtime.UnmarshalError", message)
        })
    }
}

impl From<String> for Base64 {
    fn from(coded: String) -> Base64 {
        Base64(coded)
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Base64, D::Error> {
        deserializer.deserialize_any(Text).map(Base64)
    }
}

impl Lenient for Base64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Base64, D::Error> {
        Base64::deserialize(deserializer)
    }
}

/// Encodes bytes as base64 (RFC 4648 §4), with padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Decodes base64 (RFC 4648 §4), with or without padding. The error is the index in bytes at which the text stops being
/// base64.
fn decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    let digits = match text {
        [digits @ .., b'=', b'='] | [digits @ .., b'='] if text.len().is_multiple_of(4) => digits,
        digits => digits,
    };
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for (n, group) in digits.chunks(4).enumerate() {
        if group.len() == 1 {
            return Err(n * 4);
        }
        let mut bits = 0u32;
        for (k, byte) in group.iter().enumerate() {
            bits = bits << 6 | value(*byte).ok_or(n * 4 + k)?;
        }
        // Left to right in 24 bits, however many digits there were; the bits that fill up the last byte are not looked
        // at.
        bits <<= 6 * (4 - group.len());
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Ok(out)
}

fn value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::{Base64, decode, encode};

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        for (bytes, coded) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"\xfb\xff", "+/8=")]
        {
            assert_eq!((&*encode(bytes), decode(coded.as_bytes()).as_deref()), (coded, Ok(bytes)));
        }
    }

    #[test]
    fn base64_of_every_length_is_decoded() {
        for (coded, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zg", b"f"),
            ("Zm8=", b"fo"),
            ("Zm8", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg==", b"foob"),
            ("+/+/", b"\xfb\xff\xbf"),
            ("-_-_", b"\xfb\xff\xbf"),
        ] {
            assert_eq!(decode(coded.as_bytes()).as_deref(), Ok(bytes), "{coded}");
        }
    }

    #[test]
    fn what_is_no_base64_is_refused_with_its_place() {
        for (coded, place) in [("Z", 0), ("Zm9vZ", 4), ("Zm 9", 2), ("Zg=", 2), ("====", 0), ("Zm9vü", 4)] {
            assert_eq!(decode(coded.as_bytes()), Err(place), "{coded}");
        }
        let error = Base64::from("Zm 9".to_owned()).bytes().expect_err("no base64");
        assert_eq!(error.kind(), "Runtime.UnmarshalError");
        assert_eq!(error.message(), "expected base64, found what is none at byte 2 of 4");
    }
}
