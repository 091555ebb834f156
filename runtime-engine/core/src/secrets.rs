//! Secrets: `${secret:name}` stands in the place of a value, and stays a name until the process starts. Here is how it is
//! written in a text, how it is looked up and what becomes of it; where secrets are kept is the driver's matter, and
//! which texts may have them [`manifest`](crate::manifest)'s. A value is never shown: the [mask](crate::log::mask) keeps
//! it out of what leaves the process.

use crate::failure::Failure;
use crate::json::escape_into;
use crate::process::Process;
use faas_abi::E_NOT_FOUND;
use faas_abi::services::{PARAMS, PARAMS_MAJOR};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The beginning of a secret in a value. `$${secret:` is this text itself.
pub const MARK: &str = "${secret:";

/// The time that a provider of `faas.params` has for each secret. If `FAAS_INIT_TIMEOUT` is less, that ends the start
/// first.
const PROVIDER_LIMIT: Duration = Duration::from_secs(10);

/// The result of looking for a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum LookUp {
    /// The secret is there, with this value.
    Found(String),
    /// The places that were looked at, in words, each with why it is not there if there is more to say than that.
    Absent(Vec<String>),
}

/// Shows it without the value.
impl fmt::Debug for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookUp::Found(value) => write!(f, "Found({} bytes)", value.len()),
            LookUp::Absent(places) => f.debug_tuple("Absent").field(places).finish(),
        }
    }
}

/// Returns the names in a text, in its order.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Secret(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Secret(&'t str),
}

/// Takes a text apart. A name without its closing brace is text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.find(MARK).unwrap_or(rest.len());
        if at == 0 {
            let behind = &rest[MARK.len()..];
            let Some(end) = behind.find('}') else { return Some(Piece::Text(std::mem::take(&mut rest))) };
            rest = &behind[end + 1..];
            return Some(Piece::Secret(&behind[..end]));
        }
        // Of `$${secret:` one sign is left out, and the rest is text.
        if rest[..at].ends_with('$') && at < rest.len() {
            if at > 1 {
                let (before, behind) = rest.split_at(at - 1);
                rest = behind;
                return Some(Piece::Text(before));
            }
            let (escaped, behind) = rest[1..].split_at(MARK.len());
            rest = behind;
            return Some(Piece::Text(escaped));
        }
        let (before, behind) = rest.split_at(at);
        rest = behind;
        Some(Piece::Text(before))
    })
}

/// Returns the text with its secrets in place; `None` if one has not been found. In a text of JSON a secret stands
/// within a string.
pub(crate) fn filled(text: &str, is_json: bool, known: &BTreeMap<String, LookUp>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Secret(name) => match known.get(name)? {
                LookUp::Absent(_) => return None,
                LookUp::Found(value) if is_json => {
                    let mut escaped = Vec::with_capacity(value.len());
                    escape_into(&mut escaped, value.as_bytes());
                    filled.push_str(&String::from_utf8_lossy(&escaped));
                }
                LookUp::Found(value) => filled.push_str(value),
            },
        }
    }
    Some(filled)
}

/// Returns `true` if a text can name a secret: a path of a file in a folder, with no way out of it.
pub fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    name.len() <= 253 && name.split('/').all(is_part)
}

/// Returns the names of the variables of the environment that may hold a secret. They are its own name, and the name in
/// capitals with `_` for any character that is neither letter nor digit.
pub fn variables(name: &str) -> Vec<String> {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let capitals: String = name.chars().map(letter).collect();
    if capitals == name { vec![capitals] } else { vec![name.to_owned(), capitals] }
}

/// Looks for a secret among the values that the platform has sent since, and at the layer that offers `faas.params`.
pub(crate) fn ask(process: &Process, name: &str) -> LookUp {
    if let Some(value) = variables(name).iter().find_map(|variable| process.given(variable.as_bytes())) {
        return LookUp::Found(value.to_owned());
    }
    let Some(params) = process.services.find(PARAMS.as_bytes(), PARAMS_MAJOR) else {
        return LookUp::Absent(vec![format!("the service {PARAMS} (no layer offers it)")]);
    };
    let why = match params.param(name.as_bytes(), PROVIDER_LIMIT) {
        Ok(value) => match String::from_utf8(value) {
            Ok(value) if !value.contains('\0') => return LookUp::Found(value),
            _ => " (its value is no text)".to_owned(),
        },
        Err(E_NOT_FOUND) => String::new(),
        Err(status) => format!(" ({})", Failure::of_status(status, "it").message),
    };
    LookUp::Absent(vec![format!("the service {PARAMS}{why}")])
}

#[cfg(test)]
mod tests {
    use super::variables;

    #[test]
    fn a_name_stands_for_two_variables_or_for_one() {
        assert_eq!(variables("db/pass-word"), ["db/pass-word", "DB_PASS_WORD"]);
        assert_eq!(variables("KEY"), ["KEY"]);
    }
}
