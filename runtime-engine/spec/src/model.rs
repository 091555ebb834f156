//! The service that a yml describes: functions with their events, and the settings they inherit. It is made of a tree
//! that fits the table of keys, so nothing here reports a wrong shape.

use crate::keys::EventKey;
use crate::source::{Sources, Span};
use crate::tree::{Map, Node, Value};
use serde::Serialize;
use std::time::Duration;

/// A service, on one platform and in one stage.
#[derive(Debug)]
pub struct Service {
    /// The name of the service.
    pub name: String,
    /// The stage that it is read for.
    pub stage: String,
    /// The settings that all functions have in common.
    pub provider: Common,
    /// The layers around everything, outermost first.
    pub layers: Vec<Layer>,
    /// The functions, in the order of the yml.
    pub functions: Vec<Function>,
    /// `true` if `/a` and `/a/` are two paths.
    pub strict_slash: bool,
    /// `true` if `/a` and `/A` are the same path.
    pub ignore_case: bool,
}

/// The settings that may stand at the provider, at a function, and at a unit.
#[derive(Clone, Debug, Default)]
pub struct Common {
    /// The time that an invocation may take; `None` if it is not set.
    pub timeout: Option<Placed<Duration>>,
    /// The number of invocations that run at once; `None` if it is not set.
    pub concurrency: Option<Placed<i64>>,
    /// The variables of the environment.
    pub environment: Vec<Variable>,
    /// The layers, outermost first.
    pub layers: Vec<Layer>,
}

/// A value and its place in the yml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value itself.
    pub value: T,
    /// The place of the value.
    pub span: Span,
}

/// A variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name of the variable.
    pub name: String,
    /// The value of the variable.
    pub value: String,
    /// The place of its name.
    pub span: Span,
}

/// A layer, as a function or unit has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The layer's library: `library` or `library.layer`.
    pub name: String,
    /// The configuration as JSON; empty without one.
    pub config: String,
    /// `true` if the layer is skipped when it fails.
    pub is_optional: bool,
    /// The place of the layer.
    pub span: Span,
}

/// The rule by which a failing function is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// The function is never left alone.
    Never,
    /// The function is left alone after this many failures in a row, for this long.
    After(u32, Duration),
}

/// The way in which a function is called for the records of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The number of records that run at once; `None` if it is not set.
    pub concurrency: Option<i64>,
    /// The treatment of a batch of which some records failed: `report`, `fail` or `log`. It is `None` if it is not set.
    pub failures: Option<String>,
}

/// A function of the service.
#[derive(Debug)]
pub struct Function {
    /// The name of the function.
    pub name: String,
    /// The place of its name.
    pub span: Span,
    /// The handler: `library` or `library.function`; empty for the function's name.
    pub handler: String,
    /// The settings of a kind that the provider and units have, too.
    pub common: Common,
    /// The configuration as JSON; empty without one.
    pub config: String,
    /// `true` if it starts on its first invocation.
    pub is_lazy: bool,
    /// The rule by which it is left alone; `None` leaves that to the runtime.
    pub fence: Option<Fence>,
    /// The way in which it is called for the records of a batch; `None` leaves that to the process.
    pub records: Option<Records>,
    /// The place where it is named the default, which serves the events that no other function claims; `None` if it is
    /// not.
    pub default: Option<Span>,
    /// `true` if it may be a deployment of its own.
    pub is_deployed: bool,
    /// The events that it serves. Without any it serves nothing by itself.
    pub events: Vec<Event>,
}

/// The schedule of a timer, in the words of the yml, for the tool that sets the timer up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The cron expression; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time between two events; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// The meaning of days of the month beside days of the week: `or` or `and`; `None` if it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<String>,
    /// The time zone; `None` if it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// An event that a function serves.
#[derive(Debug)]
pub struct Event {
    /// The kind of event, as the yml has it.
    pub key: &'static EventKey,
    /// The place of its kind.
    pub span: Span,
    /// The path of a request; `None` for every path, or if it is no request.
    pub path: Option<Placed<String>>,
    /// The methods of a request, in capitals; empty for every method.
    pub methods: Vec<String>,
    /// The source of the event; `None` for all events of its kind.
    pub source: Option<String>,
    /// The type of an event of a bus; `None` for every type.
    pub kind_type: Option<String>,
    /// The schedule of a timer; `None` if it is set at deployment, or if it is no timer.
    pub schedule: Option<Written>,
    /// The element of the yml with all its keys.
    pub node: Node,
}

impl Event {
    /// Returns `true` for requests.
    pub fn is_http(&self) -> bool {
        self.key.kinds == ["http"]
    }
}

/// Makes the service of a tree that fits the table.
pub(crate) fn service(root: &Node, stage: &str, sources: &Sources) -> Service {
    let reader = Reader { sources };
    let name = match root.get("service") {
        Some(Node { value: Value::Map(map), .. }) => map.get("name").map(|name| reader.text(name)),
        other => other.map(|name| reader.text(name)),
    };
    let empty = Map::default();
    let provider = root.get("provider").and_then(Node::as_map).unwrap_or(&empty);
    let functions = root.get("functions").and_then(Node::as_map).unwrap_or(&empty);
    let routing = root.get("routing").and_then(Node::as_map).unwrap_or(&empty);
    let is = |key: &str, word: &str| reader.word(routing.get(key)).is_some_and(|found| found == word);
    Service {
        name: name.unwrap_or_default(),
        stage: stage.to_owned(),
        provider: reader.common(provider),
        layers: reader.layers(root.get("layers")),
        functions: named(functions).map(|(name, span, node)| reader.function(name, span, node)).collect(),
        strict_slash: is("trailingSlash", "strict"),
        ignore_case: is("case", "insensitive"),
    }
}

/// Returns the entries of a mapping from names, without those whose keys begin with `x-`.
pub(crate) fn named(map: &Map) -> impl Iterator<Item = (&str, Span, &Node)> {
    let entries = map.entries().iter().filter(|entry| !entry.key.starts_with("x-"));
    entries.map(|entry| (entry.key.as_str(), entry.key_span, &entry.value))
}

/// Reads the values of a tree.
pub(crate) struct Reader<'s> {
    pub(crate) sources: &'s Sources,
}

impl Reader<'_> {
    fn text(&self, node: &Node) -> String {
        node.as_written(self.sources).unwrap_or_default().to_owned()
    }

    fn optional_text(&self, node: Option<&Node>) -> Option<String> {
        node.map(|node| self.text(node))
    }

    /// Returns a word of a choice; `None` without one.
    fn word(&self, node: Option<&Node>) -> Option<String> {
        node.map(|node| self.text(node).to_ascii_lowercase())
    }

    fn time(&self, node: Option<&Node>) -> Option<Placed<Duration>> {
        let node = node?;
        let value = match node.as_int() {
            Some(seconds) => Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
            None => faas_core::settings::duration(node.as_text()?)?,
        };
        Some(Placed { value, span: node.span })
    }

    pub(crate) fn common(&self, map: &Map) -> Common {
        let number = |node: &Node| node.as_int().map(|value| Placed { value, span: node.span });
        Common {
            timeout: self.time(map.get("timeout")),
            concurrency: map.get("concurrency").and_then(number),
            environment: self.environment(map.get("environment")),
            layers: self.layers(map.get("layers")),
        }
    }

    fn environment(&self, node: Option<&Node>) -> Vec<Variable> {
        let Some(map) = node.and_then(Node::as_map) else { return Vec::new() };
        let variable = |(name, span, node): (&str, Span, &Node)| {
            // A variable without a value is one that is not set.
            let value = node.as_written(self.sources)?;
            Some(Variable { name: name.to_owned(), value: value.to_owned(), span })
        };
        let entries = map.entries().iter().map(|entry| (entry.key.as_str(), entry.key_span, &entry.value));
        entries.filter_map(variable).collect()
    }

    fn layers(&self, node: Option<&Node>) -> Vec<Layer> {
        match node.map(|node| &node.value) {
            Some(Value::List(list)) => list.iter().map(|node| self.layer(None, node.span, node)).collect(),
            Some(Value::Map(map)) => named(map).map(|(name, span, node)| self.layer(Some(name), span, node)).collect(),
            _ => Vec::new(),
        }
    }

    fn layer(&self, key: Option<&str>, span: Span, node: &Node) -> Layer {
        let Some(map) = node.as_map() else {
            let name = key.map_or_else(|| self.text(node), str::to_owned);
            return Layer { name, config: String::new(), is_optional: false, span };
        };
        let name = self.optional_text(map.get("name")).or(key.map(str::to_owned)).unwrap_or_default();
        let is_optional = map.get("optional").and_then(Node::as_bool).unwrap_or(false);
        Layer { name, config: self.config(map.get("config")), is_optional, span }
    }

    fn config(&self, node: Option<&Node>) -> String {
        node.map(|node| node.to_json(self.sources)).unwrap_or_default()
    }

    fn function(&self, name: &str, span: Span, node: &Node) -> Function {
        let empty = Map::default();
        let map = node.as_map().unwrap_or(&empty);
        let fence = map.get("fence").and_then(|fence| match &fence.value {
            Value::Map(fence) => {
                let failures = fence.get("failures").and_then(Node::as_int)?;
                let time = self.time(fence.get("for"))?;
                Some(Fence::After(u32::try_from(failures).ok()?, time.value))
            }
            // `true` means the runtime's own rule.
            _ => fence.as_bool().filter(|is_on| !is_on).map(|_| Fence::Never),
        });
        let records = map.get("records").and_then(Node::as_map).map(|records| Records {
            concurrency: records.get("concurrency").and_then(Node::as_int),
            failures: self.word(records.get("failures")),
        });
        let events = map.get("events").and_then(Node::as_list).unwrap_or_default();
        Function {
            name: name.to_owned(),
            span,
            handler: self.optional_text(map.get("handler")).unwrap_or_default(),
            common: self.common(map),
            config: self.config(map.get("config")),
            is_lazy: self.word(map.get("start")).is_some_and(|word| word == "lazy"),
            fence,
            records,
            default: map.get("default").filter(|node| node.as_bool() == Some(true)).map(|node| node.span),
            is_deployed: map.get("isDeploy").and_then(Node::as_bool).unwrap_or(true),
            events: events.iter().filter_map(|event| self.event(event)).collect(),
        }
    }

    fn event(&self, node: &Node) -> Option<Event> {
        let entry = node.as_map()?.entries().first()?;
        let key = EventKey::of(&entry.key)?;
        if key.kinds.is_empty() {
            return None;
        }
        let empty = Map::default();
        let map = entry.value.as_map().unwrap_or(&empty);
        let methods = match map.get("method").map(|node| (&node.value, node)) {
            Some((Value::List(list), _)) => list.iter().map(|method| self.text(method)).collect(),
            Some((_, method)) => vec![self.text(method)],
            None => Vec::new(),
        };
        let is_any = methods.iter().any(|method| matches!(method.to_ascii_lowercase().as_str(), "any" | "all" | "*"));
        let placed = |node: &Node| Placed { value: self.text(node), span: node.span };
        Some(Event {
            key,
            span: entry.key_span,
            path: map.get("path").filter(|_| key.kinds == ["http"]).map(placed),
            methods: if is_any {
                Vec::new()
            } else {
                methods.iter().map(|method| method.to_ascii_uppercase()).collect()
            },
            source: if key.source.is_empty() { None } else { self.optional_text(map.get(key.source)) },
            kind_type: self.optional_text(map.get("type")).filter(|_| key.kinds == ["event"]),
            schedule: if key.kinds == ["timer"] { self.schedule(map) } else { None },
            node: entry.value.clone(),
        })
    }

    fn schedule(&self, map: &Map) -> Option<Written> {
        let text = |key: &str| self.optional_text(map.get(key)).map(|text| text.trim().to_owned());
        let (mut cron, mut every) = (text("cron"), text("every"));
        // This is the form of midway.
        if let Some(value) = text("value") {
            match self.word(map.get("type")).as_deref() {
                Some("every" | "interval") => every = Some(value),
                _ => cron = Some(value),
            }
        }
        if let Some(span) = cron.as_deref().and_then(|cron| cron.strip_prefix("@every")) {
            every = Some(span.trim().to_owned());
            cron = None;
        }
        let is_said = cron.is_some() || every.is_some();
        let (days, timezone) = (self.word(map.get("days")), text("timezone"));
        is_said.then_some(Written { cron, every, days, timezone })
    }
}
