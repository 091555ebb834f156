//! A service as it is meant: functions with their events, and what they inherit. It is made of a tree that fits the table of
//! keys, so nothing here says what is wrong with a shape.

use crate::keys::EventKey;
use crate::source::{Sources, Span};
use crate::tree::{Map, Node, Value};
use serde::Serialize;
use std::time::Duration;

/// A service, on one platform and in one stage.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// What all functions have in common.
    pub provider: Common,
    /// Layers around everything, outermost first.
    pub layers: Vec<Layer>,
    /// Its functions, in the order of the yml.
    pub functions: Vec<Function>,
    /// `true` if `/a` and `/a/` are two paths.
    pub strict_slash: bool,
    /// `true` if `/a` and `/A` are the same path.
    pub ignore_case: bool,
}

/// What may stand at the provider, at a function, and at a unit.
#[derive(Clone, Debug, Default)]
pub struct Common {
    /// How long an invocation may take.
    pub timeout: Option<Placed<Duration>>,
    /// How many invocations run at once.
    pub concurrency: Option<Placed<i64>>,
    /// Variables of the environment.
    pub environment: Vec<Variable>,
    /// Layers, outermost first.
    pub layers: Vec<Layer>,
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where its name stands.
    pub span: Span,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `library` or `library.layer`.
    pub name: String,
    /// Its configuration, as JSON; empty: none.
    pub config: String,
    /// `true` if what fails in it is skipped.
    pub is_optional: bool,
    /// Where it stands.
    pub span: Span,
}

/// When a function is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Never.
    Never,
    /// After this many failures in a row, for this long.
    After(u32, Duration),
}

/// How a function is called for the records of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// How many records run at once.
    pub concurrency: Option<i64>,
    /// What becomes of a batch of which some records failed: `report`, `fail` or `log`.
    pub failures: Option<String>,
}

/// A function.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// `library` or `library.function`; empty: its name.
    pub handler: String,
    /// What it shares in kind with the provider and with units.
    pub common: Common,
    /// Its configuration, as JSON; empty: none.
    pub config: String,
    /// `true` if it starts on its first invocation.
    pub is_lazy: bool,
    /// When it is left alone; `None`: as the runtime does without a word.
    pub fence: Option<Fence>,
    /// How it is called for the records of a batch; `None`: as the process is set.
    pub records: Option<Records>,
    /// Where it says that it serves what no other function claims; `None`: it does not.
    pub default: Option<Span>,
    /// `true` if it may be a deployment of its own.
    pub is_deployed: bool,
    /// What it serves; empty: nothing by itself.
    pub events: Vec<Event>,
}

/// When a timer is due, in the words of the yml. It is for whoever sets the timer up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// A cron expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time between two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// What days of the month mean beside days of the week: `or` or `and`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<String>,
    /// The time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// An event that a function serves.
#[derive(Debug)]
pub struct Event {
    /// Its kind, as the yml has it.
    pub key: &'static EventKey,
    /// Where its kind stands.
    pub span: Span,
    /// The path of a request; `None`: every path, or it is no request.
    pub path: Option<Placed<String>>,
    /// The methods of a request, in capitals; empty: every one.
    pub methods: Vec<String>,
    /// What it comes from; `None`: everything of its kind.
    pub source: Option<String>,
    /// The type of an event of a bus; `None`: every type.
    pub kind_type: Option<String>,
    /// When a timer is due; `None`: whoever deploys it says, or it is no timer.
    pub schedule: Option<Written>,
    /// All that the yml says of it.
    pub node: Node,
}

impl Event {
    /// `true` for requests.
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

/// The entries of a mapping from names, without those that are free to use.
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

    /// A word of a choice.
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
            // `true` is the runtime's own.
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
        // midway's form.
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
