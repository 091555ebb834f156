//! The content of a deployment file, and its form as YAML or JSON.
//!
//! The YAML is read by parsers of both versions: PyYAML (CloudFormation, OpenWhisk's tools) takes YAML 1.1, in which
//! `on`, `010`, `1:30` and `2026-01-02` are no texts. So only words that are texts in both versions are written without
//! quotes. No maintained crate writes comments and tags beside that, which is why this one is here.

use crate::source::Sources;
use crate::tree::{Node, Value};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::fmt::Write;

/// A value of a deployment file.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// The empty value, `null`.
    Null,
    /// A boolean, `true` or `false`.
    Bool(bool),
    /// A whole number, as it is.
    Int(i64),
    /// A number as it is written: `0.25`.
    Number(String),
    /// A text, quoted where that is needed.
    Text(String),
    /// A list of values.
    List(Vec<Document>),
    /// A mapping, in the order of its entries.
    Mapping(Mapping),
    /// A value with a tag of YAML: `!GetAtt`.
    Tagged(String, Box<Document>),
}

/// A mapping, in the order in which its entries were put.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    key: String,
    value: Document,
    comment: Option<String>,
}

impl Mapping {
    /// Returns an empty mapping.
    pub fn new() -> Mapping {
        Mapping::default()
    }

    /// Returns the mapping with one more entry; an entry of the same key is replaced.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Document>) -> Mapping {
        self.put(key, value);
        self
    }

    /// Returns the mapping with all entries of another one behind its own.
    #[must_use]
    pub fn and(mut self, other: Mapping) -> Mapping {
        other.entries.into_iter().for_each(|entry| self.put(entry.key, entry.value));
        self
    }

    /// Puts an entry; an entry of the same key is replaced.
    pub fn put(&mut self, key: impl Into<String>, value: impl Into<Document>) {
        let (key, value) = (key.into(), value.into());
        match self.entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value,
            None => self.entries.push(Entry { key, value, comment: None }),
        }
    }

    /// Puts an entry if there is a value.
    pub fn put_some(&mut self, key: impl Into<String>, value: Option<impl Into<Document>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Puts an entry with a comment before it. JSON has no comments and leaves it out.
    pub fn put_noted(&mut self, key: impl Into<String>, value: impl Into<Document>, comment: impl Into<String>) {
        let key = key.into();
        self.put(key.clone(), value);
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) {
            entry.comment = Some(comment.into());
        }
    }

    /// Returns `true` if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns `true` if there is an entry of that key.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Returns the mapping; `None` if it is empty.
    pub fn some(self) -> Option<Mapping> {
        Some(self).filter(|map| !map.is_empty())
    }
}

impl From<Mapping> for Document {
    fn from(map: Mapping) -> Document {
        Document::Mapping(map)
    }
}

impl From<&str> for Document {
    fn from(text: &str) -> Document {
        Document::Text(text.to_owned())
    }
}

impl From<String> for Document {
    fn from(text: String) -> Document {
        Document::Text(text)
    }
}

impl From<i64> for Document {
    fn from(number: i64) -> Document {
        Document::Int(number)
    }
}

impl From<i32> for Document {
    fn from(number: i32) -> Document {
        Document::Int(number.into())
    }
}

impl From<bool> for Document {
    fn from(value: bool) -> Document {
        Document::Bool(value)
    }
}

impl<D: Into<Document>> From<Vec<D>> for Document {
    fn from(list: Vec<D>) -> Document {
        Document::List(list.into_iter().map(Into::into).collect())
    }
}

impl Document {
    /// Makes a value of one of the yml, handed on as it is, tags included.
    pub fn of(node: &Node, sources: &Sources) -> Document {
        let value = match &node.value {
            Value::Null => Document::Null,
            Value::Bool(value) => Document::Bool(*value),
            Value::Int(number) => Document::Int(*number),
            Value::Float(number) => {
                let written = node.as_written(sources).unwrap_or_default();
                // A number that only YAML can write becomes the nearest that JSON can.
                let is_json = serde_json::from_str::<serde_json::Number>(written).is_ok();
                Document::Number(if is_json { written.to_owned() } else { number.to_string() })
            }
            Value::Text { text, .. } => Document::Text(text.clone()),
            Value::List(list) => Document::List(list.iter().map(|node| Document::of(node, sources)).collect()),
            Value::Map(map) => {
                let mut out = Mapping::new();
                for entry in map.entries() {
                    out.put(entry.key.as_str(), Document::of(&entry.value, sources));
                }
                Document::Mapping(out)
            }
        };
        match &node.tag {
            Some(tag) => Document::Tagged(tag.clone(), Box::new(value)),
            None => value,
        }
    }

    /// Returns the value as YAML, after a comment of these lines.
    pub fn to_yaml(&self, head: &str) -> String {
        let mut out = String::new();
        comment(&mut out, head, 0);
        match self {
            Document::Mapping(map) if !map.is_empty() => entries(&mut out, map, 0),
            Document::List(list) if !list.is_empty() => elements(&mut out, list, 0),
            other => {
                inline(&mut out, other);
                out.push('\n');
            }
        }
        out
    }

    /// Returns the value as JSON. Tags are left out: no deployment file in JSON takes them.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).map_or_else(|error| error.to_string(), |text| text + "\n")
    }

    /// Returns the value as JSON on one line.
    pub fn to_json_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| error.to_string())
    }
}

/// Writes several values, each as a YAML document of its own.
pub fn documents(head: &str, all: &[Document]) -> String {
    let mut out = String::new();
    comment(&mut out, head, 0);
    for (number, document) in all.iter().enumerate() {
        if number > 0 {
            out.push_str("---\n");
        }
        out.push_str(&document.to_yaml(""));
    }
    out
}

fn comment(out: &mut String, text: &str, depth: usize) {
    for line in text.lines() {
        // A control character cannot stand in a comment either.
        let line: String = line.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        let _ = writeln!(out, "{:depth$}# {}", "", line.trim_end());
    }
}

fn entries(out: &mut String, map: &Mapping, depth: usize) {
    for entry in &map.entries {
        comment(out, entry.comment.as_deref().unwrap_or_default(), depth);
        let key = scalar(&entry.key);
        // A long key has to be announced by `?`.
        if key.len() > 1_000 {
            let _ = write!(out, "{:depth$}? {key}\n{:depth$}:", "", "");
        } else {
            let _ = write!(out, "{:depth$}{key}:", "");
        }
        value(out, &entry.value, depth);
    }
}

fn elements(out: &mut String, list: &[Document], depth: usize) {
    for element in list {
        match element {
            // The first key stands beside the dash.
            Document::Mapping(map) if !map.is_empty() => {
                let mut inner = String::new();
                entries(&mut inner, map, depth + 2);
                if inner.trim_start().starts_with('#') {
                    let _ = writeln!(out, "{:depth$}-", "");
                    out.push_str(&inner);
                } else {
                    let _ = write!(out, "{:depth$}- {}", "", &inner[depth + 2..]);
                }
            }
            _ => {
                let _ = write!(out, "{:depth$}-", "");
                value(out, element, depth);
            }
        }
    }
}

/// Writes a value behind a key or a dash.
fn value(out: &mut String, document: &Document, depth: usize) {
    let (tag, document) = match document {
        Document::Tagged(tag, inner) => (format!(" {tag}"), &**inner),
        other => (String::new(), other),
    };
    out.push_str(&tag);
    match document {
        Document::Mapping(map) if !map.is_empty() => {
            out.push('\n');
            entries(out, map, depth + 2);
        }
        Document::List(list) if !list.is_empty() => {
            out.push('\n');
            elements(out, list, depth + 2);
        }
        other => {
            out.push(' ');
            inline(out, other);
            out.push('\n');
        }
    }
}

/// Writes a value that fits on the line.
fn inline(out: &mut String, document: &Document) {
    match document {
        Document::Null => out.push_str("null"),
        Document::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Document::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Document::Number(number) => out.push_str(number),
        Document::Text(text) => out.push_str(&scalar(text)),
        Document::List(_) => out.push_str("[]"),
        Document::Mapping(_) => out.push_str("{}"),
        Document::Tagged(tag, inner) => {
            out.push_str(tag);
            out.push(' ');
            inline(out, inner);
        }
    }
}

/// The words that some reader of YAML takes for another value than a text, in lower case.
const NO_TEXTS: [&str; 10] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "none"];

/// Returns a text as YAML, in quotes if it needs them.
fn scalar(text: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+@:".contains(&byte);
    let first = text.as_bytes().first().copied().unwrap_or_default();
    let is_plain = (first.is_ascii_alphabetic() || first == b'/' || text.starts_with("./") || text.starts_with("../"))
        && text.split(' ').all(|word| !word.is_empty() && !word.ends_with(':') && word.bytes().all(is_word))
        && !NO_TEXTS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    let fits_quotes = text.chars().all(|char| matches!(char, ' '..='~') || char.is_alphanumeric());
    if fits_quotes && (!text.contains('\'') || text.contains(['"', '\\'])) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            ' '..='~' => out.push(char),
            char if char.is_alphanumeric() => out.push(char),
            char => {
                let code = u32::from(char);
                let _ = if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
            }
        }
    }
    out.push('"');
    out
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Document::Null => to.serialize_unit(),
            Document::Bool(value) => to.serialize_bool(*value),
            Document::Int(number) => to.serialize_i64(*number),
            Document::Number(number) => {
                // The number is raw, so that it stays as it is written.
                let raw = serde_json::value::RawValue::from_string(number.clone());
                raw.map_err(serde::ser::Error::custom)?.serialize(to)
            }
            Document::Text(text) => to.serialize_str(text),
            Document::List(list) => {
                let mut out = to.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|element| out.serialize_element(element))?;
                out.end()
            }
            Document::Mapping(map) => {
                let mut out = to.serialize_map(Some(map.entries.len()))?;
                map.entries.iter().try_for_each(|entry| out.serialize_entry(&entry.key, &entry.value))?;
                out.end()
            }
            Document::Tagged(_, inner) => inner.serialize(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_nothing_but_a_text_stands_without_quotes() {
        for plain in [
            "order",
            "a b",
            "/users",
            "./order.zip",
            "provided.al2023",
            "x86_64",
            "user@host",
            "e3",
            "AWS::S3::Bucket",
            "a:b",
        ] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in [
            "",
            "on",
            "Yes",
            "n",
            "~",
            "010",
            "1:30",
            "1e3",
            "0x1f",
            "2026-01-02",
            ".5",
            ".inf",
            "=",
            "<<",
            "a: b",
            "a #b",
            "- a",
            "!a",
            "*a",
            "&a",
            "{a}",
            "[a",
            "a ",
            " a",
            "@a",
            "%a",
            "null",
            "a,b",
            "NaN: 1",
            "-1",
            "?",
        ] {
            assert_eq!(scalar(quoted), format!("'{quoted}'"));
        }
        assert_eq!(scalar("it's"), "\"it's\"");
        assert_eq!(scalar("'\\"), "'''\\'");
        assert_eq!(scalar("a\nb\u{85}\u{1f600}"), "\"a\\nb\\u0085\\U0001f600\"");
        assert_eq!(scalar("größe"), "'größe'");
    }

    #[test]
    fn values_stand_below_their_keys_in_the_order_in_which_they_were_put() {
        let mut inner = Mapping::new().with("b", 1).with("a", vec!["x", "on"]);
        inner.put_noted("c", Mapping::new(), "why\ntwo lines");
        let document = Document::List(vec![inner.into(), Document::List(Vec::new()), Document::Null]);
        let tagged = Document::Tagged("!GetAtt".to_owned(), Box::new("Queue.Arn".into()));
        let text = Document::from(Mapping::new().with("list", document).with("tagged", tagged)).to_yaml("head");
        let expected = "# head\nlist:\n  - b: 1\n    a:\n      - x\n      - 'on'\n    # why\n    # two lines\n    c: {}\n  - []\n  - null\ntagged: !GetAtt Queue.Arn\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_number_stays_as_it_is_written() {
        let document = Document::from(Mapping::new().with("cpu", Document::Number("0.250".to_owned())).with("m", 7));
        assert_eq!(document.to_json_line(), r#"{"cpu":0.250,"m":7}"#);
        assert_eq!(document.to_yaml(""), "cpu: 0.250\nm: 7\n");
    }
}
