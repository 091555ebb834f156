//! Reads the events that a function serves.

use super::keys::{self, KINDS};
use super::mistake::{Path, found};
use super::read::{Member, Reader};
use super::whole::repeats;
use super::{EventFilter, EventSpec};
use crate::json::{self, Value};
use crate::router::USUAL_METHODS;
use crate::trigger::Kind;
use std::borrow::Cow;

impl<'t> Reader<'t> {
    /// Reads the events of a function. `places` takes the index and the offset of each that could be read.
    pub(super) fn events(
        &mut self,
        member: Option<Member<'t>>,
        path: &Path<'_>,
        places: &mut Vec<(usize, usize)>,
    ) -> Vec<EventSpec> {
        let Some(member) = member.filter(|member| self.is(*member, json::ValueKind::Array, path)) else {
            return Vec::new();
        };
        self.list(member.value, &Path::Key(path, member.key.name), places)
    }

    /// Reads the triggers that a module says of a function, a whole text.
    pub(super) fn triggers(&mut self, value: Value<'t>) -> Vec<EventSpec> {
        if value.kind() != json::ValueKind::Array {
            let problem = || format!("expected an array of events, found {}", found(value));
            self.mistakes.add(self.offset(value), &Path::Root, problem);
        }
        self.list(value, &Path::Root, &mut Vec::new())
    }

    fn list(&mut self, list: Value<'t>, path: &Path<'_>, places: &mut Vec<(usize, usize)>) -> Vec<EventSpec> {
        let mut events = Vec::new();
        for (index, value) in self.document.elements(list).enumerate() {
            let Some(filter) = self.event(value, &Path::Index(path, index)) else { continue };
            let offset = self.offset(value);
            events.push(EventSpec { position: self.cursor.position(offset), filter });
            places.push((index, offset));
        }
        events
    }

    fn event(&mut self, value: Value<'t>, path: &Path<'_>) -> Option<EventFilter> {
        if value.kind() != json::ValueKind::Object {
            let problem = || format!("expected an object with the kind of the event, found {}", found(value));
            self.mistakes.add(self.offset(value), path, problem);
            return None;
        }
        let before = self.mistakes.count();
        let members = self.members(value, path, &keys::EVENT);
        let mut kinds = members.iter().zip(&KINDS).filter_map(|(member, kind)| Some(((*member)?, *kind)));
        let Some((member, kind)) = kinds.next() else {
            if self.mistakes.count() == before {
                let problem = || "expected the kind of the event, found no key".to_owned();
                self.mistakes.add(self.offset(value), path, problem);
            }
            return None;
        };
        if let Some((_, other)) = kinds.next() {
            let problem = || format!("expected one kind of event, found {:?} and {:?}", kind.word(), other.word());
            self.mistakes.add(self.offset(value), path, problem);
            return None;
        }
        self.filter(member, kind, path)
    }

    fn filter(&mut self, member: Member<'t>, kind: Kind, path: &Path<'_>) -> Option<EventFilter> {
        // `true` is an object without members.
        if member.value.as_bool() != Some(true) && !self.is(member, json::ValueKind::Object, path) {
            return None;
        }
        let value = member.value;
        let path = &Path::Key(path, member.key.name);
        let (source, event_type) = match kind {
            Kind::Http => return Some(self.http(value, path)),
            Kind::Event => {
                let [source, event_type] = self.members(value, path, &keys::BUS);
                (source, event_type)
            }
            Kind::Raw => {
                let [] = self.members(value, path, &keys::RAW);
                (None, None)
            }
            Kind::Timer => {
                let [source, cron, every, days, timezone] = self.members(value, path, &keys::TIMER);
                for schedule in [cron, every, days, timezone].into_iter().flatten() {
                    self.string(schedule, path);
                }
                (source, None)
            }
            Kind::Storage => {
                let [source, events] = self.members(value, path, &keys::STORAGE);
                if let Some(events) = events {
                    let is_text = |value: Value<'_>| value.as_str().is_some_and(|text| !text.is_empty());
                    if events.value.kind() != json::ValueKind::Array || !events.value.elements().all(is_text) {
                        self.wrong(events, path);
                    }
                }
                (source, None)
            }
            _ => {
                let [source] = self.members(value, path, &keys::SOURCE);
                (source, None)
            }
        };
        let mut text = |member: Option<Member<'t>>| Some(self.string(member?, path)?.into_owned());
        Some(EventFilter::Other { kind, source: text(source), event_type: text(event_type) })
    }

    fn http(&mut self, value: Value<'t>, path: &Path<'_>) -> EventFilter {
        let [route, method] = self.members(value, path, &keys::HTTP);
        let route = route.and_then(|route| {
            let text = self.string(route, path)?;
            if !text.starts_with('/') {
                self.wrong(route, path);
            }
            Some(text.into_owned())
        });
        EventFilter::Http { path: route, methods: method.map_or_else(Vec::new, |method| self.methods(method, path)) }
    }

    fn methods(&mut self, member: Member<'t>, path: &Path<'_>) -> Vec<Cow<'static, str>> {
        let value = member.value;
        if value.kind() != json::ValueKind::Array {
            if value.kind() != json::ValueKind::String {
                self.wrong(member, path);
                return Vec::new();
            }
            let method = self.method(value, &Path::Key(path, member.key.name));
            return method.into_iter().filter(|method| !is_every(method)).collect();
        }
        let path = &Path::Key(path, member.key.name);
        let mut methods = Vec::new();
        for (index, value) in self.document.elements(value).enumerate() {
            methods.push(self.method(value, &Path::Index(path, index)).unwrap_or_default());
        }
        if methods.is_empty() {
            let problem = || "expected at least one method, found an empty array".to_owned();
            self.mistakes.add(self.offset(value), path, problem);
        }
        // Those that could not be read are empty, and no repeats.
        let mut elements = self.document.elements(value).enumerate();
        for (_, again) in repeats(&methods, |method| &**method) {
            let element = elements.find(|(index, _)| *index == again);
            if let Some((_, value)) = element.filter(|_| !methods[again].is_empty()) {
                self.again(self.offset(value), path, "method", &methods[again]);
            }
        }
        if methods.iter().any(|method| is_every(method)) {
            return Vec::new();
        }
        methods
    }

    /// Reads a method of HTTP, which is written in capitals.
    fn method(&mut self, value: Value<'t>, path: &Path<'_>) -> Option<Cow<'static, str>> {
        let text = value.as_str().unwrap_or_default();
        if text.is_empty() || !text.bytes().all(is_token) {
            let problem = || format!("expected a method such as GET, found {}", found(value));
            self.mistakes.add(self.offset(value), path, problem);
            return None;
        }
        let usual = USUAL_METHODS.iter().find(|usual| **usual == text);
        Some(usual.map_or_else(|| Cow::Owned(text.to_ascii_uppercase()), |usual| Cow::Borrowed(*usual)))
    }
}

/// Returns `true` if the word stands for every method.
fn is_every(method: &str) -> bool {
    matches!(method, "ANY" | "*")
}

/// Returns `true` for a byte that may be in a method (RFC 9110, 5.6.2 and 9.1).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
