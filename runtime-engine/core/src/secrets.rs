//! Secrets: in a manifest `${secret:name}` stands in the place of a value, and stays a name until the process starts.
//! Here is where it stands, how it is looked up and what becomes of it; where secrets are kept is the driver's matter.
//! A value is never shown: the [mask](crate::log::mask) keeps it out of what leaves the process.

use crate::failure::Failure;
use crate::functions::manifest::Manifest;
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

/// The secrets of a manifest, after they have been looked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    known: BTreeMap<String, LookUp>,
    waiting: Vec<Place>,
}

/// Shows the names, and no value.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("known", &self.known).field("waiting", &self.waiting).finish()
    }
}

/// The place in a manifest where a secret may stand. Functions, variables and layers are named by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The configuration of a layer around all functions.
    CommonLayer(usize),
    /// The configuration of a function.
    Config(usize),
    /// A variable of a function.
    Variable(usize, usize),
    /// The configuration of a function's own layer.
    Layer(usize, usize),
}

impl Secrets {
    /// Returns the values that have been found.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.known.values().filter_map(|known| match known {
            LookUp::Found(value) => Some(value.as_str()),
            LookUp::Absent(_) => None,
        })
    }

    /// Returns `true` if the variable of that number of a function has a secret that has not been found yet.
    pub fn awaits_variable(&self, function: usize, variable: usize) -> bool {
        self.waiting.contains(&Place::Variable(function, variable))
    }
}

impl Manifest {
    /// Puts secrets in the place of their names, as far as `look_up` finds them. The modules that offer secrets are
    /// asked for the others, once they have been started.
    ///
    /// # Errors
    /// A text cannot be the name of a secret.
    pub fn fill_secrets(&mut self, look_up: &dyn Fn(&str) -> LookUp) -> Result<(), Failure> {
        let mut secrets = Secrets::default();
        for place in self.places() {
            for name in names(self.text(place)) {
                if !is_name(name) {
                    let message = format!(
                        "{}: expected the name of a secret of letters, digits, `_`, `-`, `.` and `/`, found {name:?}",
                        self.in_words(place)
                    );
                    return Err(Failure::new("Runtime.BadManifest", message));
                }
                if !secrets.known.contains_key(name) {
                    secrets.known.insert(name.to_owned(), look_up(name));
                }
            }
            self.fill(place, &mut secrets);
        }
        self.secrets = secrets;
        Ok(())
    }

    /// Looks for the secrets that have not been found. It looks among the values that the platform has sent since, and
    /// at the layer that offers `faas.params`. Returns `None` if all had been found before. Values that are found are
    /// hidden from the log.
    ///
    /// # Errors
    /// A secret is nowhere. The failure says what it is for, and where it was looked for.
    pub(crate) fn ask_modules_for_secrets(&self, process: &Process) -> Result<Option<Manifest>, Failure> {
        if self.secrets.waiting.is_empty() {
            return Ok(None);
        }
        let mut filled = self.clone();
        let mut secrets = std::mem::take(&mut filled.secrets);
        for (name, known) in &mut secrets.known {
            if let LookUp::Absent(places) = known {
                match ask(process, name) {
                    LookUp::Absent(more) => places.extend(more),
                    found => *known = found,
                }
            }
        }
        process.log.conceal(secrets.values());
        for place in std::mem::take(&mut secrets.waiting) {
            filled.fill(place, &mut secrets);
        }
        filled.all_found(&secrets, |_| true)?;
        Ok(Some(filled))
    }

    /// Checks that the secrets of layers around all functions are there. These layers are made before any module could
    /// be asked for a secret.
    ///
    /// # Errors
    /// A secret is nowhere. The failure says what it is for, and where it was looked for.
    pub(crate) fn secrets_of_layers_are_there(&self) -> Result<(), Failure> {
        self.all_found(&self.secrets, |place| matches!(place, Place::CommonLayer(_)))
    }

    fn all_found(&self, secrets: &Secrets, counts: impl Fn(Place) -> bool) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for place in secrets.waiting.iter().copied().filter(|place| counts(*place)) {
            for name in names(self.text(place)) {
                if let Some(LookUp::Absent(places)) = secrets.known.get(name) {
                    let (place, places) = (self.in_words(place), places.join(", "));
                    missing.push(format!("{place}: there is no secret {name:?}; looked for it in: {places}"));
                }
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Failure::new("Runtime.NoSecret", missing.join("; "))) }
    }

    /// Returns every place where a secret may stand.
    fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = (0..self.layers.len()).map(Place::CommonLayer).collect();
        for (function, spec) in self.functions.iter().enumerate() {
            places.push(Place::Config(function));
            places.extend((0..spec.environment.len()).map(|variable| Place::Variable(function, variable)));
            places.extend((0..spec.layers.len()).map(|layer| Place::Layer(function, layer)));
        }
        places
    }

    fn text(&self, place: Place) -> &str {
        match place {
            Place::CommonLayer(layer) => &self.layers[layer].config,
            Place::Config(function) => &self.functions[function].config,
            Place::Variable(function, variable) => &self.functions[function].environment[variable].1,
            Place::Layer(function, layer) => &self.functions[function].layers[layer].config,
        }
    }

    fn text_mut(&mut self, place: Place) -> &mut String {
        match place {
            Place::CommonLayer(layer) => &mut self.layers[layer].config,
            Place::Config(function) => &mut self.functions[function].config,
            Place::Variable(function, variable) => &mut self.functions[function].environment[variable].1,
            Place::Layer(function, layer) => &mut self.functions[function].layers[layer].config,
        }
    }

    /// Returns a place as people name it.
    fn in_words(&self, place: Place) -> String {
        let of = |function: usize| &self.functions[function];
        match place {
            Place::CommonLayer(layer) => format!("config of layer {}", self.layers[layer].name),
            Place::Config(function) => format!("function {}, config", of(function).name),
            Place::Variable(function, variable) => {
                format!("function {}, environment.{}", of(function).name, of(function).environment[variable].0)
            }
            Place::Layer(function, layer) => {
                format!("function {}, config of layer {}", of(function).name, of(function).layers[layer].name)
            }
        }
    }

    /// Puts the secrets of one text in place, or has it wait for those that are not found.
    fn fill(&mut self, place: Place, secrets: &mut Secrets) {
        let is_json = !matches!(place, Place::Variable(..));
        let text = self.text_mut(place);
        if !text.contains(MARK) {
            return;
        }
        match filled(text, is_json, &secrets.known) {
            Some(filled) => *text = filled,
            None => secrets.waiting.push(place),
        }
    }
}

/// Returns the names in a text, in its order.
fn names(text: &str) -> impl Iterator<Item = &str> {
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
fn filled(text: &str, is_json: bool, known: &BTreeMap<String, LookUp>) -> Option<String> {
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
fn ask(process: &Process, name: &str) -> LookUp {
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
mod tests;
