//! Base64 with the standard alphabet (RFC 4648 section 4): how JSON events carry bodies that are not text. The URL-safe
//! alphabet and line breaks are not accepted, because no platform sends them here.

use std::fmt;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The mark of a byte outside the alphabet. It is the only entry of [`DIGITS`] with the top bit set.
const NO_DIGIT: u8 = 0xFF;

/// The six bits a byte stands for, or [`NO_DIGIT`].
static DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 64 {
        digits[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// A text that is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// The number of bytes from the start of the text to the first one that does not belong there. It is the text's
    /// length if that breaks off in the middle of a byte.
    pub offset: usize,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid base64 at byte {}: expected groups of four from A-Z, a-z, 0-9, `+`, `/`, with or without `=` at the end",
            self.offset
        )
    }
}

impl std::error::Error for DecodeError {}

/// Appends the base64 form of `bytes`, padded with `=` to a multiple of four.
pub fn encode_into(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    let target = &mut out[start..];

    // Six bytes at a time fill eight digits; what is left goes three by three, and the last one or two on their own.
    let (sixes, rest) = bytes.as_chunks::<6>();
    let (eights, target_rest) = target.split_at_mut(sixes.len() * 8);
    for (six, eight) in sixes.iter().zip(eights.as_chunks_mut::<8>().0) {
        let [a, b, c, d, e, f] = *six;
        let bits = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        for (index, digit) in eight.iter_mut().enumerate() {
            *digit = ALPHABET[(bits >> (42 - 6 * index)) as usize & 63];
        }
    }
    for (group, four) in rest.chunks(3).zip(target_rest.chunks_mut(4)) {
        let byte = |index: usize| group.get(index).copied().unwrap_or(0) as u32;
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (index, digit) in four.iter_mut().take(group.len() + 1).enumerate() {
            *digit = ALPHABET[(bits >> (18 - 6 * index)) as usize & 63];
        }
    }
}

/// Appends the bytes that `text` encodes. The padding may be missing, whole; bits of the last digit that belong to no
/// byte are not looked at.
///
/// # Errors
/// The text has a byte outside the alphabet, whitespace included, or breaks off. Then `out` is as it was.
pub fn decode_into(out: &mut Vec<u8>, text: &[u8]) -> Result<(), DecodeError> {
    let digits = unpadded(text);
    let start = out.len();
    out.resize(start + digits.len() / 4 * 3 + (digits.len() % 4).saturating_sub(1), 0);
    if decode(&mut out[start..], digits) {
        return Ok(());
    }
    out.truncate(start);
    let offset = digits.iter().position(|&digit| DIGITS[digit as usize] == NO_DIGIT);
    Err(DecodeError { offset: offset.unwrap_or(digits.len()) })
}

/// Returns `text` without its padding, if it has exactly the padding that it should have. Otherwise it returns the text
/// as it is.
fn unpadded(text: &[u8]) -> &[u8] {
    if !text.len().is_multiple_of(4) {
        return text;
    }
    match text {
        [digits @ .., b'=', b'='] | [digits @ .., b'='] => digits,
        _ => text,
    }
}

/// Fills `target`, which has the length that `digits` need. Returns `false` if a byte is not a digit or one is left
/// over.
fn decode(target: &mut [u8], digits: &[u8]) -> bool {
    let (eights, rest) = digits.as_chunks::<8>();
    let (sixes, target_rest) = target.split_at_mut(eights.len() * 6);
    let mut seen = 0;
    for (eight, six) in eights.iter().zip(sixes.as_chunks_mut::<6>().0) {
        let mut bits = 0;
        for &digit in eight {
            let value = DIGITS[digit as usize];
            seen |= value;
            bits = bits << 6 | value as u64;
        }
        let [_, _, a, b, c, d, e, f] = bits.to_be_bytes();
        *six = [a, b, c, d, e, f];
    }
    for (four, three) in rest.chunks(4).zip(target_rest.chunks_mut(3)) {
        let mut bits = 0;
        for index in 0..4 {
            let value = four.get(index).map_or(0, |&digit| DIGITS[digit as usize]);
            seen |= value;
            bits = bits << 6 | value as u32;
        }
        three.copy_from_slice(&bits.to_be_bytes()[1..][..three.len()]);
    }
    seen < 64 && digits.len() % 4 != 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = b"before".to_vec();
        encode_into(&mut out, bytes);
        String::from_utf8(out).expect("base64 is ASCII").strip_prefix("before").expect("kept").to_owned()
    }

    fn decoded(text: &[u8]) -> Result<Vec<u8>, usize> {
        let mut out = b"before".to_vec();
        let result = decode_into(&mut out, text);
        let appended = out.strip_prefix(b"before").expect("kept").to_vec();
        assert!(result.is_ok() || appended.is_empty(), "a failure appends nothing");
        result.map(|()| appended).map_err(|error| error.offset)
    }

    #[test]
    fn the_examples_of_rfc_4648_go_both_ways() {
        let table = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, text) in table {
            assert_eq!(encoded(plain.as_bytes()), text);
            assert_eq!(decoded(text.as_bytes()), Ok(plain.as_bytes().to_vec()));
            assert_eq!(decoded(text.trim_end_matches('=').as_bytes()), Ok(plain.as_bytes().to_vec()));
        }
        assert_eq!(encoded(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    #[test]
    fn bytes_of_every_length_come_back() {
        let bytes: Vec<u8> = (0..300_u32).map(|index| (index * 167 + index / 7) as u8).collect();
        for length in 0..bytes.len() {
            let plain = &bytes[..length];
            let text = encoded(plain);
            assert_eq!(text.len(), length.div_ceil(3) * 4);
            assert_eq!(decoded(text.as_bytes()), Ok(plain.to_vec()));
            assert_eq!(decoded(text.trim_end_matches('=').as_bytes()), Ok(plain.to_vec()));
        }
    }

    #[test]
    fn garbage_is_refused_at_its_place() {
        let table: &[(&[u8], usize)] = &[
            (b"A", 1),
            (b"AAAAA", 5),
            (b"AAAAAAAAA", 9),
            (b"=", 0),
            (b"==", 0),
            (b"====", 0),
            (b"A===", 1),
            (b"AA=", 2),
            (b"AAA==", 3),
            (b"AAAA=", 4),
            (b"AAAA====", 4),
            (b"AA==AAAA", 2),
            (b"AA==AA==", 2),
            (b"AAA-", 3),
            (b"_AAA", 0),
            (b"AAAAAAAA AAA", 8),
            (b"AAAA\nAAAA", 4),
            (b"AAAAAAA\x00", 7),
            (b"AAAAAA\xff\xff", 6),
            ("AAAé".as_bytes(), 3),
        ];
        for &(text, offset) in table {
            assert_eq!(decoded(text), Err(offset), "{:?}", text.escape_ascii().to_string());
        }
    }

    #[test]
    fn every_byte_outside_the_alphabet_is_refused_at_every_position() {
        for byte in (0..=255_u8).filter(|byte| !ALPHABET.contains(byte)) {
            for position in 0..19 {
                let mut text = [b'x'; 22];
                text[position] = byte;
                assert_eq!(decoded(&text), Err(position), "{byte:#x}");
            }
        }
    }

    #[test]
    fn bits_behind_the_last_byte_are_not_looked_at() {
        assert_eq!(decoded(b"Zh=="), Ok(b"f".to_vec()));
        assert_eq!(decoded(b"Zm9"), Ok(b"fo".to_vec()));
    }

    #[test]
    fn the_message_names_the_place() {
        assert!(DecodeError { offset: 7 }.to_string().starts_with("invalid base64 at byte 7: expected "));
    }
}
