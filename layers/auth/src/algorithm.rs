//! The algorithms of signatures (RFC 7518, RFC 8037), each with the one kind of key that it goes with. The key
//! determines the algorithm. The word of a token only chooses among the keys that fit.

use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use ring::{digest, hmac};

/// The ways in which a token may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

use Algorithm::*;

/// The algorithms by their names. `Ed25519` is RFC 9864's name of `EdDSA` with that curve.
const NAMES: [(&str, Algorithm); 13] = [
    ("HS256", Hs256),
    ("HS384", Hs384),
    ("HS512", Hs512),
    ("RS256", Rs256),
    ("RS384", Rs384),
    ("RS512", Rs512),
    ("PS256", Ps256),
    ("PS384", Ps384),
    ("PS512", Ps512),
    ("ES256", Es256),
    ("ES384", Es384),
    ("EdDSA", EdDsa),
    ("Ed25519", EdDsa),
];

impl Algorithm {
    /// The algorithms with a public key.
    pub(crate) const PUBLIC: [Algorithm; 9] = [Rs256, Rs384, Rs512, Ps256, Ps384, Ps512, Es256, Es384, EdDsa];

    /// Finds an algorithm by its name, in its own case. `none` is the name of no algorithm.
    pub(crate) fn read(name: &str) -> Option<Algorithm> {
        NAMES.iter().find(|(other, _)| *other == name).map(|(_, algorithm)| *algorithm)
    }

    /// Returns `true` if the key is a secret that both sides have.
    pub(crate) fn is_secret(self) -> bool {
        self.least_secret().is_some()
    }

    /// Returns the fewest bytes of such a secret (RFC 7518 §3.2); `None` for an algorithm with a public key.
    pub(crate) fn least_secret(self) -> Option<usize> {
        match self {
            Hs256 => Some(digest::SHA256_OUTPUT_LEN),
            Hs384 => Some(digest::SHA384_OUTPUT_LEN),
            Hs512 => Some(digest::SHA512_OUTPUT_LEN),
            _ => None,
        }
    }
}

/// The key that signatures are verified with.
#[derive(Clone)]
pub(crate) enum Material {
    Secret(Vec<u8>),
    /// The modulus and the exponent, big-endian.
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// The point of the curve, uncompressed.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Material {
    /// Returns `true` if it is a key for signatures of this algorithm.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Material::Secret(_) => algorithm.is_secret(),
            Material::Rsa(_) => matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512),
            Material::P256(_) => algorithm == Es256,
            Material::P384(_) => algorithm == Es384,
            Material::Ed25519(_) => algorithm == EdDsa,
        }
    }

    /// Returns `true` if this is the key's signature of the message. A key that does not fit has signed nothing.
    pub(crate) fn has_signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let rsa: &signature::RsaParameters = match algorithm {
            Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return self.has_signed_shortly(algorithm, message, signature),
        };
        matches!(self, Material::Rsa(key) if key.verify(rsa, message, signature).is_ok())
    }

    fn has_signed_shortly(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let is_of = |curve: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(curve, key).verify(message, signature).is_ok()
        };
        match (self, algorithm) {
            (Material::Secret(secret), Hs256) => is_mac(hmac::HMAC_SHA256, secret, message, signature),
            (Material::Secret(secret), Hs384) => is_mac(hmac::HMAC_SHA384, secret, message, signature),
            (Material::Secret(secret), Hs512) => is_mac(hmac::HMAC_SHA512, secret, message, signature),
            (Material::P256(key), Es256) => is_of(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Material::P384(key), Es384) => is_of(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Material::Ed25519(key), EdDsa) => is_of(&signature::ED25519, key),
            _ => false,
        }
    }
}

/// Returns `true` if this is the code of the message. The comparison takes constant time.
fn is_mac(algorithm: hmac::Algorithm, secret: &[u8], message: &[u8], mac: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(algorithm, secret), message, mac).is_ok()
}
