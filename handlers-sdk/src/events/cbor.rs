//! CBOR (RFC 8949), as far as Tablestore's changes need it, read as JSON: bytes become base64, tags are passed over.

use super::base64;
use crate::error::Error;
use serde_json::{Map, Number, Value};

/// The depth to which maps and lists may lie in each other; the events have five levels.
const DEPTH: u32 = 32;

const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

/// The byte that ends a value without a size.
const BREAK: u8 = 0xff;

/// Reads one value, which has to be all there is.
///
/// # Errors
/// It is `Runtime.UnmarshalError` if the bytes are no CBOR. The message has the number of the first wrong byte.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Error> {
    let mut cbor = Cbor { rest: bytes };
    let value = cbor.value(DEPTH).filter(|_| cbor.rest.is_empty());
    value.ok_or_else(|| {
        let place = bytes.len() - cbor.rest.len();
        let message = format!("expected CBOR, found what is none at byte {place} of {}", bytes.len());
        Error::new("Runtime.UnmarshalError", message).with_status(400)
    })
}

struct Cbor<'a> {
    rest: &'a [u8],
}

impl<'a> Cbor<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(count).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    /// Returns the major type of a value, the five bits beside it, and the number they announce. The number is `None`
    /// if the value goes on until a break.
    fn head(&mut self) -> Option<(u8, u8, Option<u64>)> {
        let first = *self.take(1)?.first()?;
        let (major, low) = (first >> 5, first & 0x1f);
        let number = match low {
            0..=23 => Some(u64::from(low)),
            24..=27 => Some(self.take(1 << (low - 24))?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))),
            31 => None,
            _ => return None,
        };
        Some((major, low, number))
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        let deeper = depth.checked_sub(1)?;
        let (major, low, number) = self.head()?;
        Some(match (major, number) {
            (0, Some(number)) => number.into(),
            (NEGATIVE, Some(number)) => match i64::try_from(number) {
                Ok(number) => (-1 - number).into(),
                Err(_) => (-1 - i128::from(number)).to_string().into(),
            },
            (BYTES, size) => base64::encode(&self.pieces(BYTES, size)?).into(),
            (TEXT, size) => String::from_utf8(self.pieces(TEXT, size)?).ok()?.into(),
            (LIST, size) => {
                let mut list = Vec::new();
                self.each(size, |cbor| {
                    list.push(cbor.value(deeper)?);
                    Some(())
                })?;
                list.into()
            }
            (MAP, size) => {
                let mut map = Map::new();
                self.each(size, |cbor| {
                    let Value::String(key) = cbor.value(deeper)? else { return None };
                    map.insert(key, cbor.value(deeper)?);
                    Some(())
                })?;
                map.into()
            }
            (TAG, Some(_)) => self.value(deeper)?,
            (SIMPLE, Some(number)) => match low {
                20 => false.into(),
                21 => true.into(),
                22 | 23 => Value::Null,
                25 => float(half(u16::try_from(number).ok()?)),
                26 => float(f64::from(f32::from_bits(u32::try_from(number).ok()?))),
                27 => float(f64::from_bits(number)),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Returns a text or bytes, in one piece or in several.
    fn pieces(&mut self, major: u8, size: Option<u64>) -> Option<Vec<u8>> {
        if let Some(size) = size {
            return Some(self.take(size)?.to_vec());
        }
        let mut whole = Vec::new();
        self.each(None, |cbor| match cbor.head()? {
            (kind, _, Some(size)) if kind == major => {
                whole.extend_from_slice(cbor.take(size)?);
                Some(())
            }
            _ => None,
        })?;
        Some(whole)
    }

    /// Reads `size` elements, or up to a break. Each is at least a byte, so a size that is only claimed costs nothing.
    fn each(&mut self, size: Option<u64>, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        match size {
            Some(size) => (0..size).try_for_each(|_| element(self)),
            None => loop {
                if *self.rest.first()? == BREAK {
                    return self.take(1).map(|_| ());
                }
                element(self)?;
            },
        }
    }
}

/// Returns a number. JSON has no word for infinity and the like, which become `null`.
fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Returns a float of 16 bits.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn values_are_read_as_json() {
        // The values are those of appendix A of RFC 8949.
        for (coded, json) in [
            (&b"\x00"[..], "0"),
            (b"\x18\x64", "100"),
            (b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
            (b"\x38\x63", "-100"),
            (b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "\"-18446744073709551616\""),
            (b"\xf9\x3e\x00", "1.5"),
            (b"\xf9\xc4\x00", "-4.0"),
            (b"\xf9\x00\x01", "5.960464477539063e-8"),
            (b"\xfa\x47\xc3\x50\x00", "100000.0"),
            (b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", "1.1"),
            (b"\xf9\x7c\x00", "null"),
            (b"\xf4", "false"),
            (b"\xf5", "true"),
            (b"\xf6", "null"),
            (b"\xf7", "null"),
            (b"\xc1\x1a\x51\x4b\x67\xb0", "1363896240"),
            (b"\x44\x01\x02\x03\x04", "\"AQIDBA==\""),
            (b"\x64\x49\x45\x54\x46", "\"IETF\""),
            (b"\x83\x01\x02\x03", "[1,2,3]"),
            (b"\xa2\x61\x61\x01\x61\x62\x82\x02\x03", "{\"a\":1,\"b\":[2,3]}"),
            (b"\x7f\x65strea\x64ming\xff", "\"streaming\""),
            (b"\x9f\x01\x82\x02\x03\xff", "[1,[2,3]]"),
            (b"\xbf\x61\x61\x01\xff", "{\"a\":1}"),
        ] {
            assert_eq!(read(coded).expect(json).to_string(), json);
        }
    }

    #[test]
    fn what_is_torn_deep_or_followed_by_more_is_refused() {
        for torn in [
            &b""[..],
            b"\x18",
            b"\x64ab",
            b"\x82\x01",
            b"\x9f\x01",
            b"\xa1\x01\x01",
            b"\x00\x00",
            b"\x1c",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00",
            b"\x61\xff",
        ] {
            assert!(read(torn).is_err(), "{torn:x?}");
        }
        assert!(read(&[0x81; 10_000]).is_err());
        let error = read(b"\x82\x01").expect_err("torn");
        assert_eq!(error.message(), "expected CBOR, found what is none at byte 2 of 2");
    }
}
