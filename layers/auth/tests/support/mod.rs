//! Tokens, and the keys that sign them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use std::time::SystemTime;

/// Returns the present time in seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key of Ed25519 under a name. The same name gives the same key.
pub(crate) struct Signer {
    id: String,
    pair: Ed25519KeyPair,
}

impl Signer {
    pub(crate) fn new(id: &str) -> Signer {
        let seed = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).expect("a seed");
        Signer { id: id.to_owned(), pair }
    }

    /// Returns the public half, as a key of a set.
    pub(crate) fn public(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": base64url(self.pair.public_key().as_ref())})
    }

    /// Signs these claims, which expire in an hour unless they say otherwise.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut claims = claims.clone();
        claims.as_object_mut().expect("claims").entry("exp").or_insert_with(|| (now() + 3600).into());
        self.sign_text(&json!({"alg": "EdDSA", "kid": self.id}).to_string(), &claims.to_string())
    }

    /// Signs a header and claims as they are.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
        let signature = self.pair.sign(signed.as_bytes());
        format!("{signed}.{}", base64url(signature.as_ref()))
    }
}

/// Returns a set of the public keys of these signers.
pub(crate) fn set(signers: &[&Signer]) -> Value {
    json!({"keys": signers.iter().map(|signer| signer.public()).collect::<Vec<_>>()})
}
