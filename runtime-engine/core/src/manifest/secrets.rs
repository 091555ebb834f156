//! The secrets of a manifest: where they may stand, and how their values take the place of their names. How a secret is
//! written and looked up is [`secrets`](crate::secrets)' matter.

use super::Manifest;
use crate::failure::Failure;
use crate::process::Process;
use crate::secrets::{LookUp, MARK, ask, filled, is_name, names};
use std::collections::BTreeMap;
use std::fmt;

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

#[cfg(test)]
mod tests;
