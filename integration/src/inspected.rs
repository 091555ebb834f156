//! The findings of the function `inspect`, read back from its reply.

use platform_emulators::base64;
use serde_json::Value;

/// The reply of `inspect`.
#[derive(Debug)]
pub struct Inspected(pub Value);

impl Inspected {
    /// Reads a bare reply of it.
    ///
    /// # Panics
    /// It is not JSON.
    pub fn read(reply: &[u8]) -> Inspected {
        match serde_json::from_slice(reply) {
            Ok(value) => Inspected(value),
            Err(error) => panic!("{error} in what inspect says: {:?}", String::from_utf8_lossy(reply)),
        }
    }

    /// Returns a text member.
    ///
    /// # Panics
    /// It is not there or no text.
    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("no text {name} in {}", self.0))
    }

    /// Returns a number member.
    ///
    /// # Panics
    /// It is not there, negative or no whole number.
    pub fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("no whole number {name} in {}", self.0))
    }

    /// Returns the event as the function saw it.
    ///
    /// # Panics
    /// It is not there or not base64.
    pub fn event(&self) -> Vec<u8> {
        decode_base64(self.text("event_base64"))
    }

    /// Returns the body of the HTTP view.
    ///
    /// # Panics
    /// There is no view or the body is not base64.
    pub fn body(&self) -> Vec<u8> {
        let text = self.0["http"]["body_base64"].as_str();
        decode_base64(text.unwrap_or_else(|| panic!("no HTTP body in {}", self.0)))
    }
}

/// Decodes base64 in the standard alphabet, with padding.
///
/// # Panics
/// The text is not base64.
pub fn decode_base64(text: &str) -> Vec<u8> {
    base64::decode(text).unwrap_or_else(|| panic!("{text:?} is not base64"))
}
