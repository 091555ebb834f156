//! The yml as the writer of a platform asks it. A key that it asks for is taken. A key for deployment files that is not
//! taken is reported with its line, so that nothing is dropped in silence.

use super::Options;
use crate::Spec;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::keys::{Effect, EventKey, Key, Object, SERVICE, Shape};
use crate::source::{Sources, Span};
use crate::tree::{Node, Value};
use crate::units::Unit;
use faas_core::platform;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// A service on one platform.
#[derive(Debug)]
pub(super) struct Site<'s> {
    pub(super) spec: &'s Spec,
    pub(super) sources: &'s Sources,
    /// The platform's name in this project.
    pub(super) platform: &'static str,
    pub(super) options: Options<'s>,
    taken: RefCell<BTreeSet<Span>>,
    found: RefCell<Diagnostics>,
}

impl<'s> Site<'s> {
    pub(super) fn new(spec: &'s Spec, sources: &'s Sources, platform: &'static str, options: Options<'s>) -> Site<'s> {
        let (taken, found) = (RefCell::default(), RefCell::default());
        Site { spec, sources, platform, options, taken, found }
    }

    /// Returns the name of the platform in sentences.
    pub(super) fn title(&self) -> &'static str {
        platform::named(self.platform).map_or(self.platform, |names| names.short)
    }

    /// Returns the text of the head of each file.
    pub(super) fn head(&self) -> String {
        let service = &self.spec.service;
        format!(
            "{} in stage {}, made from {} by `cargo faas templates`. Edit that, not this.",
            service.name,
            service.stage,
            self.sources.name(self.spec.tree.span.file)
        )
    }

    pub(super) fn take(&self, node: &Node) {
        self.taken.borrow_mut().insert(node.span);
    }

    /// Takes all keys of a mapping, and of mappings in it.
    pub(super) fn take_all(&self, node: &Node) {
        for entry in node.as_map().into_iter().flat_map(|map| map.entries()) {
            self.take(&entry.value);
            self.take_all(&entry.value);
        }
    }

    /// Returns the value of a key of a mapping, and takes the key; `None` if it is not there.
    pub(super) fn get<'n>(&self, node: &'n Node, key: &str) -> Option<&'n Node> {
        let value = node.get(key)?;
        self.take(value);
        Some(value)
    }

    /// Returns the text of a key of a mapping, and takes the key; `None` if it is not there.
    pub(super) fn text(&self, node: &Node, key: &str) -> Option<String> {
        self.get(node, key).and_then(|value| value.as_written(self.sources)).map(str::to_owned)
    }

    /// Returns the texts of a key that has one or a list of them.
    pub(super) fn texts(&self, node: &Node, key: &str) -> Vec<String> {
        let Some(value) = self.get(node, key) else { return Vec::new() };
        let one = |node: &Node| node.as_written(self.sources).map(str::to_owned);
        match value.as_list() {
            Some(list) => list.iter().filter_map(one).collect(),
            None => one(value).into_iter().collect(),
        }
    }

    /// Returns the value of a key of `provider`; `None` if it is not there.
    pub(super) fn provider(&self, key: &str) -> Option<&'s Node> {
        let spec: &'s Spec = self.spec;
        self.get(spec.tree.get("provider")?, key)
    }

    pub(super) fn provider_text(&self, key: &str) -> Option<String> {
        self.provider(key).and_then(|value| value.as_written(self.sources)).map(str::to_owned)
    }

    /// Returns the keys of a unit itself; `None` if `aggregation` does not have it.
    pub(super) fn of_unit(&self, unit: &Unit) -> Option<&'s Node> {
        let spec: &'s Spec = self.spec;
        if !unit.is_aggregation {
            return None;
        }
        spec.tree.get("aggregation").and_then(|all| all.get(&unit.name))
    }

    /// Returns the keys of a function; `None` if there is no such function.
    pub(super) fn of_function(&self, name: &str) -> Option<&'s Node> {
        let spec: &'s Spec = self.spec;
        spec.tree.get("functions").and_then(|all| all.get(name))
    }

    /// Returns the mapping of the domain; `None` if the yml names no domain.
    pub(super) fn domain(&self) -> Option<&'s Node> {
        let spec: &'s Spec = self.spec;
        self.get(spec.tree.get("custom")?, "customDomain")
    }

    /// Returns the host of the domain; `None` if the yml names no domain.
    pub(super) fn host(&self) -> Option<String> {
        self.domain().and_then(|domain| self.text(domain, "domainName")).filter(|host| host != "auto")
    }

    pub(super) fn add(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().add(diagnostic);
    }

    /// Reports a setting that the platform does not have, and that is left out.
    pub(super) fn lacks(&self, span: Span, message: impl Into<String>, help: &str) {
        self.add(Diagnostic::warning("not-on-platform", span, message).help(help));
    }

    /// Reports a setting that the platform refuses. No file is written then.
    pub(super) fn refuses(&self, span: Span, message: impl Into<String>, help: &str) {
        self.add(Diagnostic::error("refused-by-platform", span, message).help(help));
    }

    /// Returns all findings, those about left-over keys included.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.left_over(&SERVICE, &self.spec.tree);
        self.found.into_inner().into_sorted()
    }

    fn left_over(&self, object: &'static Object, node: &Node) {
        let Some(map) = node.as_map() else { return };
        for entry in map.entries() {
            let Some(key) = object.key(&entry.key) else { continue };
            self.left_over_key(key, &entry.key, &entry.value, entry.key_span);
        }
    }

    fn left_over_key(&self, key: &'static Key, name: &str, value: &Node, span: Span) {
        if value.value == Value::Null {
            return;
        }
        if key.effect == Effect::Deployment && !self.taken.borrow().contains(&value.span) {
            // The files of a package do not concern these files.
            if !matches!(name, "package" | "path") {
                let message = format!("`{name}` comes to nothing on {}", self.title());
                self.add(
                    Diagnostic::warning("not-on-platform", span, message).label("left out of the deployment files"),
                );
            }
            return;
        }
        // The keys in `package` are the packer's.
        if name != "package" {
            self.left_over_in(&key.shape, value);
        }
    }

    fn left_over_in(&self, shape: &'static Shape, node: &Node) {
        match (shape, &node.value) {
            (Shape::Object(object), Value::Map(_)) => self.left_over(object, node),
            (Shape::Map(_, of), Value::Map(map)) => {
                let named = map.entries().iter().filter(|entry| !entry.key.starts_with("x-"));
                named.for_each(|entry| self.left_over_in(of, &entry.value));
            }
            (Shape::List(of) | Shape::OneOrMany(of), Value::List(list)) => {
                list.iter().for_each(|node| self.left_over_in(of, node));
            }
            (Shape::OneOrMany(of), _) => self.left_over_in(of, node),
            (Shape::Event, Value::Map(map)) => {
                for entry in map.entries() {
                    if let Some(kind) = EventKey::of(&entry.key).filter(|kind| kind.nothing.is_empty()) {
                        self.left_over(kind.object, &entry.value);
                    }
                }
            }
            (Shape::Either(shapes), _) => {
                let fits = |shape: &&Shape| {
                    matches!(
                        (shape, &node.value),
                        (Shape::Object(_) | Shape::Map(..), Value::Map(_))
                            | (Shape::List(_) | Shape::OneOrMany(_), Value::List(_))
                    )
                };
                if let Some(shape) = shapes.iter().find(fits) {
                    self.left_over_in(shape, node);
                }
            }
            _ => {}
        }
    }
}
