//! Which function an invocation is for: by what it can be told, and what follows from it.

use super::Invocation;
use crate::fields::exact;
use crate::functions::router::Params;
use crate::trigger::resource;
use crate::unit::Unit;
use faas_abi::host::Invocation as _;
use faas_abi::{META_SOURCE, NUM_DEADLINE_NS};
use std::sync::Arc;
use std::time::Duration;

/// The function of an invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    /// Its number among the functions of the process; `usize::MAX` if the invocation is no function's.
    pub(crate) number: usize,
    /// `true` if its name is one that a manifest gives it, which then is the function's name to everybody.
    pub(crate) is_named: bool,
}

impl Invocation {
    /// The invocation is this function's.
    pub(crate) fn serve_as(&mut self, name: &Arc<str>, served: Served) {
        if !Arc::ptr_eq(&self.function, name) {
            self.function = name.clone();
        }
        self.served = served;
        if let Some(flight) = &self.flight {
            flight.serves(served.number);
        }
    }

    /// The invocation is no function's.
    pub(crate) fn serve_as_nobody(&mut self) {
        self.serve_as(&Arc::from(""), Served { number: usize::MAX, is_named: true });
    }

    /// The number of its function among those of the process; `usize::MAX` if it is no function's.
    pub fn function_number(&self) -> usize {
        self.served.number
    }

    /// It may take this long from the moment its event was whole. A deadline that is earlier stands.
    pub(crate) fn limit(&mut self, unit: &Unit, limit: Duration) {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let moment = self.received_ns.saturating_add(nanos).max(unit.now_ns());
        // Refused if it is later than the deadline that stands.
        let _ = self.set_num(NUM_DEADLINE_NS, moment);
    }

    /// The name of the function that the platform has addressed with this very event; empty where it addresses the
    /// process.
    pub(crate) fn addressee(&self) -> &[u8] {
        self.fact(self.facts.addressee)
    }

    /// The names that the platform has for what it calls, of this event first: a function may have one of them.
    pub(crate) fn names(&self) -> [&[u8]; 4] {
        let identity = &self.unit.identity;
        let (function, invoked_as) = (self.fact(self.facts.function), self.fact(self.facts.invoked_as));
        [function, invoked_as, identity.function.as_bytes(), identity.handler.as_bytes()]
    }

    /// An attribute of a CloudEvent.
    pub(crate) fn attribute(&self, name: &[u8]) -> Option<&[u8]> {
        self.reading().data.as_ref()?.attributes.get(name, exact)
    }

    /// `true` if the event says that it is of this type, in whatever word its source has for it.
    pub(crate) fn is_of_type(&self, wanted: &str) -> bool {
        if let Some(told) = self.attribute(b"type") {
            return told == wanted.as_bytes();
        }
        let source = String::from_utf8_lossy(self.meta(META_SOURCE)).into_owned();
        source == wanted || resource::types(&source, self.event()).any(|told| told == wanted)
    }

    /// The request has matched a route of the process: its parameters stand over those of the platform.
    pub(crate) fn set_route(&mut self, pattern: &str, params: &Params) {
        let Some(view) = self.http_mut() else { return };
        view.set_route(pattern.as_bytes());
        for (name, value) in params.iter() {
            view.params.set(name, value, exact);
        }
    }
}
