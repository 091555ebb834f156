//! A yml as a tree in which everything has its place.

mod json;
mod read;
mod scalar;

pub(crate) use scalar::plain;

pub use read::{MOST_BYTES, MOST_DEPTH, MOST_NODES, read};

use crate::source::{Sources, Span};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands; of a value that an alias repeats, where the anchor is.
    pub span: Span,
    /// A tag of the yml's own, such as `!GetAtt`; the tags of YAML itself have been applied.
    pub tag: Option<String>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number. One that does not fit is a [`Float`](Value::Float).
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text {
        /// The text.
        text: String,
        /// `true` if it stands without quotes, on one line.
        is_plain: bool,
        /// `true` if it is the whole value of a variable that is a text by nature, as those of the environment are. It counts
        /// as a number, or as true or false, where one is expected and it reads like one.
        is_given: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping.
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
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Map {
    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key; `None` also where the value is null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value).filter(|node| node.value != Value::Null)
    }

    /// `true` without an entry.
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

/// A text that stands nowhere by itself.
pub(crate) fn text(text: String) -> Value {
    Value::Text { text, is_plain: false, is_given: false }
}

impl Node {
    pub(crate) fn new(value: Value, span: Span) -> Node {
        Node { value, span, tag: None }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text { text, .. } = &self.value { Some(text) } else { None }
    }

    /// The text of a text, a number, or a truth value, as it was written.
    pub fn as_written<'s>(&'s self, sources: &'s Sources) -> Option<&'s str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(sources.part(self.span)),
            _ => None,
        }
    }

    /// The number, if it is a whole one.
    pub fn as_int(&self) -> Option<i64> {
        match &self.value {
            Value::Int(number) => Some(*number),
            Value::Text { text, is_given: true, .. } => text.parse().ok(),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Text { text, is_given: true, .. } => text.parse().ok(),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = &self.value { Some(map) } else { None }
    }

    /// The elements, if it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        if let Value::List(list) = &self.value { Some(list) } else { None }
    }

    /// The value of a key, if it is a mapping that has it, and the value is not null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map().and_then(|map| map.get(key))
    }

    /// What it is, in words, for "expected …, found …". Texts are quoted, and shortened.
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

/// How many characters of a text are shown.
const MOST_SHOWN: usize = 60;

/// A text in quotes, its end left out if it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
    }
}
