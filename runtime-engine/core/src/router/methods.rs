//! The methods of routes, each a bit of one word.

use crate::fields::caseless;
use std::fmt;

/// The methods of RFC 9110 and `PATCH` (RFC 5789). Their places are their bits.
pub(crate) const USUAL: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

const CONNECT: u64 = 1;
pub(super) const GET: u64 = 1 << 2;
pub(super) const HEAD: u64 = 1 << 3;
pub(super) const OPTIONS: u64 = 1 << 4;
const TRACE: u64 = 1 << 8;

/// The usual methods that a route for any method takes. The runtimes serve neither `CONNECT` nor `TRACE`.
pub(super) const ANY: u64 = ((1 << USUAL.len()) - 1) & !(CONNECT | TRACE);

/// The methods that there are bits for: the usual ones, and others that routes name.
#[derive(Debug, Default)]
pub(super) struct Methods {
    /// Their bits come after those of the usual ones, in this order.
    others: Vec<String>,
}

/// A method that has no bit.
#[derive(Debug, PartialEq)]
pub(super) enum Unusable {
    /// It is not the name of one method.
    Name,
    /// All bits for methods are taken.
    Full,
}

impl Methods {
    /// Returns the bit of a request's method, which is 0 if no route names the method.
    pub(super) fn bit(&self, method: &[u8]) -> u64 {
        match method {
            b"GET" => GET,
            b"HEAD" => HEAD,
            b"OPTIONS" => OPTIONS,
            b"POST" => 1 << 6,
            b"PUT" => 1 << 7,
            b"DELETE" => 1 << 1,
            b"PATCH" => 1 << 5,
            b"CONNECT" => CONNECT,
            b"TRACE" => TRACE,
            _ => match self.others.iter().position(|other| other.as_bytes() == method) {
                Some(place) => 1 << (USUAL.len() + place),
                None => 0,
            },
        }
    }

    /// Returns the bit of a route's method, and makes one for a new method. The usual methods are taken in any case,
    /// others as they are written.
    pub(super) fn take(&mut self, method: &str) -> Result<u64, Unusable> {
        if let Some(place) = USUAL.iter().position(|usual| caseless(usual.as_bytes(), method.as_bytes())) {
            return Ok(1 << place);
        }
        // These mean any method elsewhere, and nobody who writes them means a method of that name.
        let means_any = ["*", "ANY", "ALL"].iter().any(|any| caseless(any.as_bytes(), method.as_bytes()));
        if method.is_empty() || means_any || !method.bytes().all(is_token) {
            return Err(Unusable::Name);
        }
        match self.bit(method.as_bytes()) {
            0 if USUAL.len() + self.others.len() == u64::BITS as usize => Err(Unusable::Full),
            0 => {
                self.others.push(method.to_owned());
                Ok(self.bit(method.as_bytes()))
            }
            bit => Ok(bit),
        }
    }

    /// Returns the name of a bit's method.
    pub(super) fn name(&self, bit: u64) -> &str {
        let place = bit.trailing_zeros() as usize;
        USUAL.get(place).copied().unwrap_or_else(|| &self.others[place - USUAL.len()])
    }
}

/// Returns `true` for a character of a token (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The methods that a path has. They are written as the header `Allow` lists them (RFC 9110 section 10.2.1): by name,
/// each once, with a comma and a space between two.
#[derive(Clone, Copy)]
pub struct Allow<'r> {
    pub(super) bits: u64,
    pub(super) methods: &'r Methods,
}

impl<'r> Allow<'r> {
    /// Returns the methods in the order of their names.
    pub fn methods(&self) -> Vec<&'r str> {
        let bits = (0..u64::BITS).map(|place| 1 << place).filter(|bit| self.bits & bit != 0);
        // In place rather than by a sort, whose code would be many times the rest of this file.
        bits.map(|bit| self.methods.name(bit)).fold(Vec::new(), |mut names: Vec<&str>, name| {
            names.insert(names.partition_point(|other| *other < name), name);
            names
        })
    }
}

impl fmt::Display for Allow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.methods().join(", "))
    }
}

impl fmt::Debug for Allow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.methods()).finish()
    }
}

impl PartialEq for Allow<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.methods() == other.methods()
    }
}

impl Eq for Allow<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_methods_have_their_places_and_are_taken_in_any_case() {
        let mut methods = Methods::default();
        for (place, name) in USUAL.iter().enumerate() {
            assert_eq!(methods.bit(name.as_bytes()), 1 << place, "{name}");
            assert_eq!(methods.take(&name.to_ascii_lowercase()), Ok(1 << place), "{name}");
            assert_eq!(methods.name(1 << place), *name);
        }
        assert!(USUAL.is_sorted());
        assert_eq!(methods.bit(b"get"), 0, "a request's method is taken as it is (RFC 9110 section 9.1)");
    }

    #[test]
    fn other_methods_are_kept_as_they_are_written() {
        let mut methods = Methods::default();
        assert_eq!(methods.bit(b"PROPFIND"), 0);
        let bit = methods.take("PROPFIND").expect("a method");
        assert_eq!(methods.take("PROPFIND"), Ok(bit));
        assert_eq!(methods.bit(b"PROPFIND"), bit);
        assert_ne!(methods.take("propfind"), Ok(bit));
        let allow = Allow { bits: bit | GET | OPTIONS | HEAD | 1 << 6, methods: &methods };
        assert_eq!(allow.to_string(), "GET, HEAD, OPTIONS, POST, PROPFIND");
    }

    #[test]
    fn what_is_not_one_method_is_refused() {
        let mut methods = Methods::default();
        for text in ["", "get,post", "GET POST", "*", "any", "ALL", "GÉT"] {
            assert_eq!(methods.take(text), Err(Unusable::Name), "{text}");
        }
    }

    #[test]
    fn there_are_bits_for_64_methods() {
        let mut methods = Methods::default();
        for number in USUAL.len()..64 {
            assert_eq!(methods.take(&format!("M{number}")), Ok(1 << number));
        }
        assert_eq!(methods.take("M64"), Err(Unusable::Full));
        assert_eq!(methods.take("M63"), Ok(1 << 63));
        assert_eq!(Allow { bits: u64::MAX, methods: &methods }.methods().len(), 64);
    }
}
