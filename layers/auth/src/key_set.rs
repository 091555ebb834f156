//! A set of public keys (RFC 7517). A key that is not for signatures of the algorithms here is left out, with the
//! reason.

use crate::algorithm::{Algorithm, Material};
use crate::token::Token;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::RsaPublicKeyComponents;
use serde_json::{Map, Value};

/// The most keys that are read: a token without the id of its key is tried with each that fits.
const MOST_KEYS: usize = 64;

struct Key {
    id: Option<String>,
    /// The only algorithm that the key is for; `None` if it names no algorithm.
    algorithm: Option<Algorithm>,
    material: Material,
}

/// The keys of a set.
pub(crate) struct KeySet(Vec<Key>);

/// The verdict of a set on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Signed,
    /// One of its keys is meant, and it has not signed this token.
    Forged,
    /// The token means a key that is not among these.
    UnknownKey,
}

impl KeySet {
    /// Makes a set of secrets that both sides have.
    pub(crate) fn of_secrets(secrets: impl Iterator<Item = Vec<u8>>) -> KeySet {
        KeySet(secrets.map(|secret| Key { id: None, algorithm: None, material: Material::Secret(secret) }).collect())
    }

    /// Reads `{"keys":[…]}`. Returns the reason for each key that is left out, too.
    ///
    /// # Errors
    /// The document has another form, or no key is left.
    pub(crate) fn read(document: &Value) -> Result<(KeySet, Vec<String>), String> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or("expected an object with a list `keys`")?;
        if keys.len() > MOST_KEYS {
            return Err(format!("expected at most {MOST_KEYS} keys, found {}", keys.len()));
        }
        let (mut usable, mut left_out) = (Vec::new(), Vec::new());
        for (index, key) in keys.iter().enumerate() {
            match Key::read(key) {
                Ok(key) => usable.push(key),
                Err(why) => left_out.push(format!("keys[{index}]: {why}")),
            }
        }
        if usable.is_empty() {
            return Err(format!("expected a public key for signatures, found none {left_out:?}"));
        }
        Ok((KeySet(usable), left_out))
    }

    /// Judges a token's signature. The id in a token is compared, and used for nothing else.
    pub(crate) fn judge(&self, token: &Token<'_>) -> Verdict {
        let of_id = |key: &&Key| match (&token.key_id, &key.id) {
            (Some(wanted), Some(id)) => wanted == id,
            // A key without an id may have signed any token, and any key a token without one.
            _ => true,
        };
        let mut fit = self.0.iter().filter(of_id).filter(|key| key.fits(token.algorithm)).peekable();
        if fit.peek().is_none() {
            return Verdict::UnknownKey;
        }
        let is_signed = fit.any(|key| key.material.has_signed(token.algorithm, token.signed, &token.signature));
        if is_signed { Verdict::Signed } else { Verdict::Forged }
    }

    /// Returns `true` if there is a key of this id.
    #[cfg(test)]
    fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id.as_deref() == Some(id))
    }
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|only| only == algorithm) && self.material.fits(algorithm)
    }

    fn read(key: &Value) -> Result<Key, String> {
        let key = key.as_object().ok_or("expected an object")?;
        let text = |name: &str| match key.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(format!("{name}: expected a text")),
        };
        if key.contains_key("d") {
            return Err("expected a public key, found a private one".to_owned());
        }
        if text("use")?.is_some_and(|purpose| purpose != "sig") {
            return Err("it is not for signatures".to_owned());
        }
        match key.get("key_ops") {
            None => {}
            Some(Value::Array(all)) if all.iter().any(|one| one == "verify") => {}
            Some(_) => return Err("it is not for the verification of signatures".to_owned()),
        }
        let material = material(key, text("kty")?.unwrap_or_default(), text("crv")?.unwrap_or_default())?;
        let algorithm = match text("alg")? {
            None => None,
            Some(name) => {
                let fits = Algorithm::read(name).filter(|algorithm| material.fits(*algorithm));
                Some(fits.ok_or_else(|| format!("alg: {name:?} is none that goes with the key"))?)
            }
        };
        Ok(Key { id: text("kid")?.map(str::to_owned), algorithm, material })
    }
}

fn material(key: &Map<String, Value>, kind: &str, curve: &str) -> Result<Material, String> {
    let bytes = |name: &str| {
        let coded = key.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name}: expected a text"))?;
        URL_SAFE_NO_PAD.decode(coded).map_err(|_| format!("{name}: expected base64url"))
    };
    let exactly = |name: &str, length: usize| {
        let bytes = bytes(name)?;
        let wrong = || format!("{name}: expected {length} bytes, found {}", bytes.len());
        if bytes.len() == length { Ok(bytes) } else { Err(wrong()) }
    };
    let point = |length: usize| Ok::<_, String>([vec![4], exactly("x", length)?, exactly("y", length)?].concat());
    Ok(match (kind, curve) {
        ("RSA", _) => {
            let (n, e) = (bytes("n")?, bytes("e")?);
            let significant = n.iter().position(|byte| *byte != 0).map_or(0, |zeros| n.len() - zeros);
            if !(256..=1024).contains(&significant) {
                return Err(format!("n: expected 2048 to 8192 bits, found {}", significant * 8));
            }
            Material::Rsa(RsaPublicKeyComponents { n: n[n.len() - significant..].to_vec(), e })
        }
        ("EC", "P-256") => Material::P256(point(32)?),
        ("EC", "P-384") => Material::P384(point(48)?),
        ("OKP", "Ed25519") => Material::Ed25519(exactly("x", 32)?),
        ("oct", _) => return Err("expected a public key, found a secret, which goes into `secrets`".to_owned()),
        ("", _) => return Err("kty: expected RSA, EC or OKP".to_owned()),
        _ => return Err(format!("{kind} {curve} is of no use here")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn coded(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0x81; bytes])
    }

    #[test]
    fn what_is_no_key_for_signatures_is_left_out_with_the_reason() {
        let good = json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": coded(32), "y": coded(32)});
        for (key, reason) in [
            (json!(7), "expected an object"),
            (json!({"kty": "oct", "k": coded(32)}), "found a secret"),
            (json!({"kty": "EC", "crv": "P-256", "x": coded(32), "y": coded(32), "d": coded(32)}), "a private one"),
            (json!({"kty": "EC", "crv": "P-256", "x": coded(31), "y": coded(32)}), "x: expected 32 bytes, found 31"),
            (json!({"kty": "EC", "crv": "P-256", "x": "a=", "y": coded(32)}), "x: expected base64url"),
            (json!({"kty": "EC", "crv": "P-521", "x": coded(66), "y": coded(66)}), "EC P-521 is of no use here"),
            (json!({"kty": "OKP", "crv": "X25519", "x": coded(32)}), "OKP X25519 is of no use here"),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": coded(32), "use": "enc"}), "not for signatures"),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": coded(32), "key_ops": ["sign"]}), "not for the verification"),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": coded(32), "alg": "RS256"}), "none that goes with the key"),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": coded(32), "kid": 1}), "kid: expected a text"),
            (json!({"kty": "RSA", "n": coded(128), "e": "AQAB"}), "n: expected 2048 to 8192 bits, found 1024"),
            (json!({"kty": "RSA", "n": coded(2048), "e": "AQAB"}), "n: expected 2048 to 8192 bits"),
            (json!({"kty": "RSA", "n": coded(256)}), "e: expected a text"),
            (json!({}), "kty: expected RSA, EC or OKP"),
        ] {
            let (set, left_out) = KeySet::read(&json!({"keys": [key, good]})).expect("one is good");
            assert!(set.has("a") && set.0.len() == 1, "{key}");
            assert!(left_out.len() == 1 && left_out[0].contains(reason), "{key}: {left_out:?}");
        }
        for document in [json!({}), json!([]), json!({"keys": {}}), json!({"keys": []}), json!({"keys": [7]})] {
            assert!(KeySet::read(&document).is_err(), "{document}");
        }
        assert!(KeySet::read(&json!({"keys": vec![good; 65]})).is_err());
    }
}
