//! Finds the function that serves an event which is no request, by its kind, its source, and its type.
//!
//! Functions are found by the words of the event and not tried one after the other: a process may have thousands.

use crate::invocation::Invocation;
use crate::trigger::{Kind, resource};
use faas_abi::META_TRIGGER;
use faas_abi::host::Invocation as _;
use std::borrow::Cow;
use std::collections::HashMap;

/// The events that functions serve, requests left out.
#[derive(Debug, Default)]
pub(super) struct Events {
    by_source: HashMap<Box<str>, Owners>,
    of_any_source: Owners,
    /// `true` if any of them has a type.
    has_types: bool,
}

/// The owners of the events of one source.
#[derive(Debug, Default)]
struct Owners {
    by_type: HashMap<Box<str>, Vec<Owner>>,
    of_any_type: Vec<Owner>,
}

/// The owner of the events of a kind: at most one function for each kind, source and type.
#[derive(Debug)]
struct Owner {
    kind: &'static str,
    function: usize,
}

impl Events {
    /// Has the function serve the events of this kind, source and type. With `None` it serves those of every source, or
    /// every type.
    pub(super) fn add(&mut self, kind: Kind, source: Option<&str>, event_type: Option<&str>, function: usize) {
        let owners = match source {
            Some(source) => self.by_source.entry(source.into()).or_default(),
            None => &mut self.of_any_source,
        };
        let owners = match event_type {
            Some(event_type) => owners.by_type.entry(event_type.into()).or_default(),
            None => &mut owners.of_any_type,
        };
        self.has_types |= event_type.is_some();
        owners.push(Owner { kind: kind.word(), function });
    }

    /// Adds a filter as [`add`](Events::add) does, unless another function has the same already, whose number it
    /// returns then.
    pub(super) fn add_free(
        &mut self,
        kind: Kind,
        source: Option<&str>,
        event_type: Option<&str>,
        function: usize,
    ) -> Result<(), usize> {
        let owners = source.map_or(Some(&self.of_any_source), |source| self.by_source.get(source));
        let owners = owners.and_then(|owners| match event_type {
            Some(event_type) => owners.by_type.get(event_type),
            None => Some(&owners.of_any_type),
        });
        if let Some(owner) = owners.and_then(|owners| owners.iter().find(|owner| owner.kind == kind.word())) {
            return Err(owner.function);
        }
        self.add(kind, source, event_type, function);
        Ok(())
    }

    /// Returns the function that serves this event. One that names its source goes before one that does not, then one
    /// that takes the event as what it is before one that takes it as what it stands for, as a CloudEvent does for a
    /// message of a topic, and then one that names its type before one that does not. Where an event has several names,
    /// the first function of the manifest has it.
    pub(super) fn owner(&self, invocation: &Invocation) -> Option<usize> {
        let own = invocation.meta(META_TRIGGER);
        let others = invocation.other_kinds().iter().map(|kind| kind.word().as_bytes());
        let mut kinds = std::iter::once(own).chain(others);
        let sources = if self.by_source.is_empty() { Vec::new() } else { invocation.event_sources() };
        let types = if self.has_types { invocation.event_types() } else { Vec::new() };
        let words = sources.iter().flat_map(|name| resource::words(name));
        let named: Vec<&Owners> = words.filter_map(|word| self.by_source.get(word)).collect();
        let among = |owners: &[&Owners], kind: &[u8]| {
            let of_type = owners.iter().filter_map(|owners| owners.of_type(kind, &types)).min();
            of_type.or_else(|| owners.iter().filter_map(|owners| first(&owners.of_any_type, kind)).min())
        };
        let of_source = kinds.clone().find_map(|kind| among(&named, kind));
        of_source.or_else(|| kinds.find_map(|kind| among(&[&self.of_any_source], kind)))
    }
}

impl Owners {
    fn of_type(&self, kind: &[u8], types: &[Cow<'_, str>]) -> Option<usize> {
        let named = types.iter().filter_map(|name| self.by_type.get(&**name));
        named.filter_map(|owners| first(owners, kind)).min()
    }
}

/// Returns the function of this kind among these, of which each kind has one.
fn first(owners: &[Owner], kind: &[u8]) -> Option<usize> {
    owners.iter().find(|owner| owner.kind.as_bytes() == kind).map(|owner| owner.function)
}
