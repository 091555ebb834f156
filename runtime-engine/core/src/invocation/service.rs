//! Notes which function an invocation is for: by the names it can be told by, and by the settings that follow from it.

use super::Invocation;
use crate::fields::exact;
use crate::process::Process;
use crate::router::{Found, Router};
use crate::trigger::{Kind, cloudevents, resource};
use faas_abi::host::Invocation as _;
use faas_abi::{META_SOURCE, NUM_DEADLINE_NS};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// The function of an invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    /// Its number among the functions of the process; `usize::MAX` if the invocation is no function's.
    pub(crate) number: usize,
    /// `true` if its name counts before any that the platform gives: a manifest has named it, or the invocation is no
    /// function's, and the name is empty.
    pub(crate) is_named: bool,
}

impl Invocation {
    /// Notes that the invocation is this function's.
    pub(crate) fn serve_as(&mut self, name: &Arc<str>, served: Served) {
        if !Arc::ptr_eq(&self.function, name) {
            self.function = name.clone();
        }
        self.served = served;
        if let Some(flight) = &self.flight {
            flight.serves(served.number);
        }
    }

    /// Makes the invocation one that is no function's; `nobody` is the empty name.
    pub(crate) fn serve_as_nobody(&mut self, nobody: &Arc<str>) {
        self.serve_as(nobody, Served { number: usize::MAX, is_named: true });
    }

    /// Returns the number of its function among those of the process, which is `usize::MAX` if it is no function's.
    pub fn function_number(&self) -> usize {
        self.served.number
    }

    /// Limits it to this time from the moment its event was whole. A deadline that is earlier stands.
    pub(crate) fn limit(&mut self, process: &Process, limit: Duration) {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let moment = self.received_ns.saturating_add(nanos).max(process.now_ns());
        // Refused if it is later than the deadline that stands.
        let _ = self.set_num(NUM_DEADLINE_NS, moment);
    }

    /// Returns the name of the function that the platform has addressed with this very event. It is empty where the
    /// platform addresses the process.
    pub(crate) fn addressee(&self) -> &[u8] {
        self.fact(self.metadata.addressee)
    }

    /// Returns the names that the platform has for the function it calls, those of this event first. A function may
    /// have one of them.
    pub(crate) fn names(&self) -> [&[u8]; 4] {
        let identity = &self.process.identity;
        let (function, invoked_as) = (self.fact(self.metadata.function), self.fact(self.metadata.invoked_as));
        [function, invoked_as, identity.function.as_bytes(), identity.handler.as_bytes()]
    }

    /// Returns an attribute of a CloudEvent; `None` if the event has no such attribute, or is no CloudEvent.
    fn attribute(&self, name: &[u8]) -> Option<&[u8]> {
        self.decoded().data.as_ref()?.attributes.get(name, exact)
    }

    /// Returns the types that the event says it is of: a CloudEvent's own, or else all words that its source has for
    /// it.
    pub(crate) fn event_types(&self) -> Vec<Cow<'_, str>> {
        if let Some(told) = self.attribute(b"type") {
            return vec![String::from_utf8_lossy(told)];
        }
        let source = String::from_utf8_lossy(self.meta(META_SOURCE));
        resource::types(&source, self.event()).chain([source.clone()]).collect()
    }

    /// Returns the kinds that it is beside its own: those that a CloudEvent is by its type.
    pub(crate) fn other_kinds(&self) -> &'static [Kind] {
        let told = self.attribute(b"type").and_then(|told| std::str::from_utf8(told).ok());
        told.map_or(&[], cloudevents::kinds_of_type)
    }

    /// Returns the names of the event's source: those that it carries, and the word that its source is known by. A
    /// CloudEvent names its timer, or the document of Firestore's that has changed, beside its source.
    pub(crate) fn event_sources(&self) -> Vec<Cow<'_, str>> {
        let source = String::from_utf8_lossy(self.meta(META_SOURCE));
        let attributes = [&b"source"[..], b"timer", b"document"];
        let own = attributes.into_iter().filter_map(|name| self.attribute(name)).map(String::from_utf8_lossy);
        resource::names(&source, self.event()).chain(own).chain([source.clone()]).collect()
    }

    /// Looks for the route of the request. One that is found stands with its parameters over those of the platform.
    /// Returns `None` if the event has no request.
    pub(crate) fn route<'r>(&mut self, router: &'r Router) -> Option<Found<'r>> {
        // The search writes into memory of the place's own, and reads the request meanwhile.
        let mut params = std::mem::take(&mut self.params);
        let found = self.http_mut().map(|view| {
            let found = router.find(view.method(), view.raw_path(), &mut params);
            if let Found::Route { pattern, .. } = found {
                view.set_route(pattern.as_bytes());
                params.iter().for_each(|(name, value)| view.params.set(name, value, exact));
            }
            found
        });
        self.params = params;
        found
    }
}
