//! A yml as a tree in which every key and value carries its place in the text, so that a finding can point at it.

mod json;
mod read;
mod scalar;

pub(crate) use scalar::plain;

pub use read::{MOST_BYTES, MOST_DEPTH, MOST_NODES, read};

use crate::source::{Sources, Span};
use faas_core::secrets::MARK;

/// A value and its place in the yml.
///
/// ```
/// use serverless_spec::diagnostic::Diagnostics;
/// use serverless_spec::source::Sources;
/// use serverless_spec::tree;
///
/// let mut sources = Sources::new();
/// let file = sources.add("serverless.yml", "service: shop\nlimits: { memory: 256 }\n");
/// let root = tree::read(&sources, file, &mut Diagnostics::default()).expect("it is YAML");
/// let memory = root.get("limits").and_then(|limits| limits.get("memory")).expect("it is there");
/// assert_eq!((memory.as_int(), sources.place(memory.span).line), (Some(256), 2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value of the node.
    pub value: Value,
    /// The place of the value. For a value that an alias repeats it is the place of the anchor.
    pub span: Span,
    /// A tag of the yml's own, such as `!GetAtt`; the tags of YAML itself have been applied.
    pub tag: Option<String>,
}

/// The value of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The empty value: `null`, `~`, or nothing at all.
    Null,
    /// A boolean, `true` or `false`.
    Bool(bool),
    /// A whole number. One that does not fit is a [`Float`](Value::Float).
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text, with or without quotes.
    Text {
        /// The text itself.
        text: String,
        /// `true` if it stands without quotes, on one line.
        is_plain: bool,
        /// `true` if it is the whole value of a variable that is a text by nature, as those of the environment are.
        /// Where a number or a boolean is expected, it counts as one if it reads like one.
        is_given: bool,
    },
    /// A list of nodes.
    List(Vec<Node>),
    /// A mapping from keys to nodes.
    Map(Map),
}

/// A mapping: its keys are texts, each there once, in the order of the yml.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The text of the key.
    pub key: String,
    /// The place of the key.
    pub key_span: Span,
    /// The value of the key.
    pub value: Node,
}

impl Map {
    /// Returns all entries, in the order of the yml.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the entry of a key; `None` if there is none.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Returns the value of a key; `None` if there is none, and also where the value is null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value).filter(|node| node.value != Value::Null)
    }

    /// Returns `true` if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(crate) fn entries_mut(&mut self) -> &mut Vec<Entry> {
        &mut self.entries
    }
}

/// Makes a text that stands nowhere in the yml.
pub(crate) fn text(text: String) -> Value {
    Value::Text { text, is_plain: false, is_given: false }
}

/// Makes a text of the tree that is taken as it is. A part that reads like the name of a secret would be one to the
/// runtime, so it is written as the text that it is.
pub(crate) fn literal(text: &str) -> String {
    text.replace(MARK, &format!("${MARK}"))
}

impl Node {
    pub(crate) fn new(value: Value, span: Span) -> Node {
        Node { value, span, tag: None }
    }

    /// Returns the text; `None` if it is no text.
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text { text, .. } = &self.value { Some(text) } else { None }
    }

    /// Returns a text, a number, or a boolean as it was written; `None` for any other value.
    pub fn as_written<'s>(&'s self, sources: &'s Sources) -> Option<&'s str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(sources.part(self.span)),
            _ => None,
        }
    }

    /// Returns the number; `None` if it is no whole number.
    pub fn as_int(&self) -> Option<i64> {
        match &self.value {
            Value::Int(number) => Some(*number),
            Value::Text { text, is_given: true, .. } => text.parse().ok(),
            _ => None,
        }
    }

    /// Returns the boolean; `None` if it is no boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Text { text, is_given: true, .. } => text.parse().ok(),
            _ => None,
        }
    }

    /// Returns the entries; `None` if it is no mapping.
    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = &self.value { Some(map) } else { None }
    }

    /// Returns the elements; `None` if it is no list.
    pub fn as_list(&self) -> Option<&[Node]> {
        if let Value::List(list) = &self.value { Some(list) } else { None }
    }

    /// Returns the value of a key; `None` if it is no mapping, has no such key, or the value is null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map().and_then(|map| map.get(key))
    }

    /// Returns a description of the value for "expected …, found …". Texts are quoted, and shortened.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::Text { text, .. } => quoted(text),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// The number of characters of a text that are shown.
const MOST_SHOWN: usize = 60;

/// Returns a text in quotes, its end left out if it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
    }
}
