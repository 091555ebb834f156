//! Hashes in the place of secrets, and the secrets that they are of.

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret that is too long to be guessed.
#[derive(Clone)]
pub(crate) struct Sha256([u8; SHA256_OUTPUT_LEN]);

impl Sha256 {
    /// Reads 64 hexadecimal digits; `None` if they are not that many.
    pub(crate) fn read(hex: &str) -> Option<Sha256> {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        if hex.len() != bytes.len() * 2 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(0..) {
            *byte = u8::from_str_radix(&hex[digits * 2..digits * 2 + 2], 16).ok()?;
        }
        Some(Sha256(bytes))
    }

    /// Returns the hash of a secret.
    pub(crate) fn of(secret: &[u8]) -> Sha256 {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, secret).as_ref());
        Sha256(bytes)
    }

    /// Returns `true` if it is the hash of this secret. The comparison takes constant time.
    pub(crate) fn is_of(&self, secret: &[u8]) -> bool {
        self.is(&Sha256::of(secret))
    }

    /// Returns `true` if both hashes are equal. The comparison takes constant time.
    pub(crate) fn is(&self, other: &Sha256) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
