//! Base64 of RFC 4648 §4 with padding, by a crate that the runtimes do not have: nothing here trusts the one that it
//! tests.

use base64::alphabet::STANDARD;
use base64::engine::{Engine as _, GeneralPurpose, GeneralPurposeConfig};

/// The bits behind the last whole byte may be anything, as for .NET and Go.
const ENGINE: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Returns the base64 of bytes.
pub fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Decodes a text; `None` if it is no base64.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_go_both_ways_and_garbage_does_not() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!((encode(bytes.as_bytes()).as_str(), decode(text).as_deref()), (text, Some(bytes.as_bytes())));
        }
        assert_eq!(decode("/+7/").as_deref(), Some(&b"\xff\xee\xff"[..]));
        for text in ["Zg", "Zg=", "Zg=a", "Z===", "Z g=", "Zg==Zg==", "Zm9-"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(encode(&[0xff, 0xee]), "/+4=");
    }
}
