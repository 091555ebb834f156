//! A signed token (RFC 7515, RFC 7519) before anything of it is believed: three parts, a header without surprises,
//! claims.

use crate::algorithm::Algorithm;
use crate::unique;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The most bytes of a token. Servers bound a request's head at about as much.
pub(crate) const MOST_BYTES: usize = 16 * 1024;

/// The claims of a token.
pub(crate) type Claims = Map<String, Value>;

/// A token as it was sent, of which nothing is checked.
pub(crate) struct Token<'a> {
    pub(crate) algorithm: Algorithm,
    /// The id of the key, as the token itself gives it; `None` without one.
    pub(crate) key_id: Option<String>,
    /// The type of the token, in small letters, without `application/`.
    pub(crate) kind: Option<String>,
    /// The claims as JSON, exactly as they were read.
    pub(crate) claims_json: String,
    pub(crate) claims: Claims,
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl Token<'_> {
    /// Reads a token. The keys in its header (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
    ///
    /// # Errors
    /// The text is no token. The words may be told to the sender.
    pub(crate) fn read(text: &str) -> Result<Token<'_>, &'static str> {
        if text.len() > MOST_BYTES {
            return Err("the token is too long");
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, claims) = signed.split_once('.').ok_or(MALFORMED)?;
        // One more dot would be in the claims, where base64 has none.
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| MALFORMED);
        let header = unique::object(&decode(header)?).map_err(|_| MALFORMED)?;
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err("the token's header has an extension that is not understood");
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(MALFORMED),
        };
        let algorithm = text("alg")?.and_then(Algorithm::read).ok_or("the token's algorithm is not accepted")?;
        let claims_json = String::from_utf8(decode(claims)?).map_err(|_| MALFORMED)?;
        let kind = text("typ")?.map(kind);
        let key_id = text("kid")?.map(str::to_owned);
        let claims = unique::object(claims_json.as_bytes()).map_err(|_| MALFORMED)?;
        let signature = decode(signature)?;
        Ok(Token { algorithm, key_id, kind, claims_json, claims, signed: signed.as_bytes(), signature })
    }
}

const MALFORMED: &str = "the token is malformed";

/// Returns a `typ` in the form in which types are compared (RFC 7515 §4.1.9).
pub(crate) fn kind(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").map_or(typ.clone(), str::to_owned)
}

/// The present time, and the difference that clocks may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// The present time in seconds since 1970.
    pub(crate) now: f64,
    /// The difference that clocks may have, in seconds.
    pub(crate) leeway: f64,
}

/// Looks at `exp`, `nbf` and `iat` (RFC 7519 §4.1).
///
/// # Errors
/// The token is not good now, for this reason.
pub(crate) fn check_times(claims: &Claims, clock: Clock, needs_end: bool) -> Result<(), &'static str> {
    let moment = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or("a moment in the token is no number"),
    };
    match moment("exp")? {
        Some(end) if clock.now >= end + clock.leeway => return Err("the token has expired"),
        None if needs_end => return Err("the token never expires"),
        _ => {}
    }
    if moment("nbf")?.is_some_and(|begin| clock.now < begin - clock.leeway) {
        return Err("the token is not valid yet");
    }
    if moment("iat")?.is_some_and(|made| clock.now < made - clock.leeway) {
        return Err("the token is of the future");
    }
    Ok(())
}

/// Looks at `aud`. A token for a named audience is for no other one (RFC 7519 §4.1.3). So without an audience of our
/// own it may name none.
///
/// # Errors
/// The token is for others.
pub(crate) fn check_audience(claims: &Claims, ours: &[String]) -> Result<(), &'static str> {
    let is_ours = |value: &Value| value.as_str().is_some_and(|text| ours.iter().any(|our| our == text));
    let is_for_us = match claims.get("aud") {
        None => ours.is_empty(),
        Some(Value::Array(all)) => all.iter().any(is_ours),
        Some(one) => is_ours(one),
    };
    if is_for_us { Ok(()) } else { Err("the token is for another audience") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn a_token_is_good_from_its_beginning_to_its_end_give_or_take_the_leeway() {
        let check = |value: Value, now: f64| check_times(&claims(value), Clock { now, leeway: 10.0 }, true);
        let from_to = json!({"nbf": 100, "exp": 200.5});
        assert_eq!(check(from_to.clone(), 89.0), Err("the token is not valid yet"));
        assert_eq!((check(from_to.clone(), 90.0), check(from_to.clone(), 210.0)), (Ok(()), Ok(())));
        assert_eq!(check(from_to, 210.5), Err("the token has expired"));
        assert_eq!(check(json!({"exp": 1e300, "iat": 111}), 100.0), Err("the token is of the future"));
        assert_eq!(check(json!({}), 1.0), Err("the token never expires"));
        assert_eq!(check_times(&claims(json!({})), Clock { now: 1.0, leeway: 0.0 }, false), Ok(()));
        for wrong in [json!({"exp": "9999999999"}), json!({"exp": null}), json!({"exp": 9e9, "nbf": []})] {
            assert_eq!(check(wrong.clone(), 1.0), Err("a moment in the token is no number"), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_for_whom_it_names_and_only_for_them() {
        let check = |value: Value, ours: &[&str]| {
            let ours: Vec<String> = ours.iter().map(|our| (*our).to_owned()).collect();
            check_audience(&claims(value), &ours).is_ok()
        };
        assert!(check(json!({"aud": "a"}), &["a", "b"]) && check(json!({"aud": ["x", "b"]}), &["a", "b"]));
        assert!(check(json!({}), &[]));
        for (value, ours) in [
            (json!({"aud": "a"}), &[][..]),
            (json!({}), &["a"]),
            (json!({"aud": []}), &["a"]),
            (json!({"aud": [["a"]]}), &["a"]),
            (json!({"aud": "A"}), &["a"]),
            (json!({"aud": {"a": 1}}), &["a"]),
        ] {
            assert!(!check(value.clone(), ours), "{value} {ours:?}");
        }
    }
}
