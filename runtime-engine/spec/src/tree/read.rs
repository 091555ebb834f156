//! YAML to a tree. Events come from the parser; this file adds places, limits, and the parts that YAML leaves to its
//! reader: aliases, merge keys, keys that stand twice, types of scalars.

use super::{Entry, Map, Node, Value, scalar};
use crate::diagnostic::{Diagnostic, Diagnostics, YAML_1_1};
use crate::source::{FileId, Sources, Span};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// The longest text that is read, in bytes.
pub const MOST_BYTES: usize = 4 << 20;
/// The number of lists and mappings that may lie in one another.
pub const MOST_DEPTH: usize = 64;
/// The number of values that a text may have, those that aliases repeat included.
pub const MOST_NODES: usize = 200_000;

/// Reads a text. Returns `None` if nothing can be made of it, which an error explains. Other findings are added as
/// well.
pub fn read(sources: &Sources, file: FileId, found: &mut Diagnostics) -> Option<Node> {
    let text = sources.text(file);
    if text.len() > MOST_BYTES {
        let message = format!("expected a text of at most {MOST_BYTES} bytes, found {}", text.len());
        found.add(Diagnostic::error("too-large", Span::new(file, 0, 0), message));
        return None;
    }
    // A byte order mark is no part of the text (YAML 1.2, chapter 5.2).
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let offsets = Offsets::new(&text[skipped..], skipped);
    let builder = Builder {
        file,
        text,
        offsets,
        found,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        documents: 0,
    };
    builder.run(Parser::new_from_str(&text[skipped..]))
}

/// Offsets from the parser's characters to bytes.
struct Offsets<'t> {
    text: &'t str,
    skipped: usize,
    is_ascii: bool,
    /// The byte offset of every 64th character.
    marks: Vec<usize>,
}

impl<'t> Offsets<'t> {
    const STEP: usize = 64;

    fn new(text: &'t str, skipped: usize) -> Offsets<'t> {
        let is_ascii = text.is_ascii();
        let marks = if is_ascii {
            Vec::new()
        } else {
            text.char_indices().step_by(Offsets::STEP).map(|(byte, _)| byte).collect()
        };
        Offsets { text, skipped, is_ascii, marks }
    }

    fn byte(&self, character: usize) -> usize {
        if self.is_ascii {
            return self.skipped + character.min(self.text.len());
        }
        let Some(mark) = self.marks.get(character / Offsets::STEP) else {
            return self.skipped + self.text.len();
        };
        let rest = self.text[*mark..].char_indices().nth(character % Offsets::STEP);
        self.skipped + rest.map_or(self.text.len(), |(byte, _)| mark + byte)
    }
}

/// A list or mapping that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    /// The key whose value comes next. `Some(None)` for a key that cannot be used, which an error has reported.
    key: Option<Option<(String, Span)>>,
    /// The place of each key of a mapping, in a map since there may be very many.
    keys: HashMap<String, Span>,
    /// The entries that `<<` adds, behind the mapping's own keys.
    merged: Vec<Entry>,
}

struct Builder<'t> {
    file: FileId,
    text: &'t str,
    offsets: Offsets<'t>,
    found: &'t mut Diagnostics,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
}

impl<'t> Builder<'t> {
    fn run(mut self, mut parser: Parser<'t, saphyr_parser::StrInput<'t>>) -> Option<Node> {
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let at = self.offsets.byte(error.marker().index());
                    self.unreadable(at, error.info());
                    return None;
                }
            };
            let span = self.span(&span);
            match event {
                Event::DocumentStart(_) => {
                    self.documents += 1;
                    if self.documents > 1 {
                        let message = "expected one document, found another one";
                        self.error(
                            Diagnostic::error("second-document", span, message)
                                .help("leave out the line `---`, or keep the second document in a file of its own"),
                        );
                        return None;
                    }
                }
                Event::Alias(anchor) => self.alias(anchor, span)?,
                Event::Scalar(text, style, anchor, tag) => {
                    self.count(span)?;
                    let node = self.scalar(text, style, tag, span);
                    if anchor > 0 {
                        self.anchors.insert(anchor, node.clone());
                    }
                    self.put(node);
                }
                Event::SequenceStart(anchor, tag) => self.begin(Value::List(Vec::new()), anchor, tag, span)?,
                Event::MappingStart(anchor, tag) => self.begin(Value::Map(Map::default()), anchor, tag, span)?,
                Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        if self.root.is_none() {
            let message = "expected a service, found an empty text";
            let help = "a service begins with a line such as `service: shop`";
            self.error(Diagnostic::error("empty", Span::new(self.file, 0, 0), message).help(help));
        }
        self.root
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        self.found.add(diagnostic);
    }

    fn span(&self, span: &saphyr_parser::Span) -> Span {
        Span::new(self.file, self.offsets.byte(span.start.index()), self.offsets.byte(span.end.index()))
    }

    /// Reports that the parser gave up at this byte.
    fn unreadable(&mut self, at: usize, why: &str) {
        let at = at.min(self.text.len());
        let line_start = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let line_end = self.text[at..].find('\n').map_or(self.text.len(), |end| at + end);
        let line = &self.text[line_start..line_end];
        let indent = &line[..line.len() - line.trim_start().len()];
        let mut help = Vec::new();
        let mut span = Span::new(self.file, at, at);
        if let Some(tab) = indent.find('\t') {
            span = Span::new(self.file, line_start + tab, line_start + tab + 1);
            help.push("indent with spaces: YAML takes no tab there".to_owned());
        } else if indent.is_empty() && self.first_key_is_indented() {
            help.push("begin it in the same column as the first key of the yml".to_owned());
        } else if line.contains("{{") {
            help.push("a value that begins with `{` is a mapping in YAML: put `\"…\"` around it".to_owned());
        } else if line.trim_start().starts_with(['@', '`', '%']) || line.contains(": @") || line.contains(": %") {
            help.push("a value does not begin with this character: put `\"…\"` around it".to_owned());
        } else if let Some((key, value)) = line.split_once(": ").filter(|(_, value)| value.contains(": ")) {
            help.push(format!(
                "`: ` within a value begins a mapping: write `{}: {}`",
                key.trim_start(),
                super::quoted(value.trim())
            ));
        }
        let mut diagnostic = Diagnostic::error("no-yaml", span, format!("this is no YAML: {why}"));
        diagnostic.help = help;
        self.error(diagnostic);
    }

    fn first_key_is_indented(&self) -> bool {
        let written = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        self.text.lines().find(written).is_some_and(|line| line.starts_with(' '))
    }

    /// Counts one more value; `None` if there are too many.
    fn count(&mut self, span: Span) -> Option<()> {
        self.nodes += 1;
        if self.nodes <= MOST_NODES {
            return Some(());
        }
        let message = format!("expected at most {MOST_NODES} values, those that aliases repeat included");
        self.error(Diagnostic::error("too-many-values", span, message));
        None
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, tag: Option<Cow<'_, Tag>>, span: Span) -> Node {
        let is_plain = style == ScalarStyle::Plain;
        let mut value = if is_plain {
            scalar::plain(&text)
        } else {
            Value::Text { text: text.clone().into_owned(), is_plain: false, is_given: false }
        };
        let own_tag = tag.and_then(|tag| {
            if !tag.is_yaml_core_schema() {
                return Some(format!("{}{}", tag.handle, tag.suffix));
            }
            match tag.suffix.as_str() {
                "str" => value = Value::Text { text: text.clone().into_owned(), is_plain: false, is_given: false },
                "int" | "float" | "bool" | "null" => value = scalar::plain(&text),
                _ => {}
            }
            None
        });
        if is_plain
            && own_tag.is_none()
            && let Some(other) = scalar::in_yaml_1_1(&text)
        {
            let here = if matches!(value, Value::Int(_)) { "a decimal number" } else { "a text" };
            let message = format!("`{text}` is {here} here, and {other} to readers of YAML 1.1");
            let help = match value {
                Value::Int(number) => format!("write `\"{text}\"` for the text or `{number}` for the number"),
                _ => format!("write `\"{text}\"` for the text, or what is meant: `true`, `false`, a number"),
            };
            self.error(Diagnostic::warning(YAML_1_1, span, message).help(help));
        }
        Node { value, span, tag: own_tag }
    }

    fn begin(&mut self, value: Value, anchor: usize, tag: Option<Cow<'_, Tag>>, span: Span) -> Option<()> {
        self.count(span)?;
        if self.open.len() >= MOST_DEPTH {
            let message = format!("expected lists and mappings at most {MOST_DEPTH} deep in one another");
            self.error(Diagnostic::error("too-deep", span, message));
            return None;
        }
        let tag = tag.filter(|tag| !tag.is_yaml_core_schema()).map(|tag| format!("{}{}", tag.handle, tag.suffix));
        let node = Node { value, span, tag };
        self.open.push(Open { node, anchor, key: None, keys: HashMap::new(), merged: Vec::new() });
        Some(())
    }

    fn close(&mut self, end: Span) -> Option<()> {
        let mut open = self.open.pop()?;
        if let Value::Map(map) = &mut open.node.value {
            for entry in open.merged {
                if !open.keys.contains_key(&entry.key) {
                    open.keys.insert(entry.key.clone(), entry.key_span);
                    map.push(entry);
                }
            }
        }
        // The parser ends a block where the next one begins. The part that is shown ends with its last line.
        let span = open.node.span.to(end);
        let part = self.text.get(span.range()).unwrap_or_default();
        let kept = part.trim_end().len();
        open.node.span = Span::new(self.file, span.start as usize, span.start as usize + kept);
        if open.anchor > 0 {
            self.anchors.insert(open.anchor, open.node.clone());
        }
        self.put(open.node);
        Some(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Option<()> {
        let Some(node) = self.anchors.get(&anchor) else {
            let message = "this alias stands within what it repeats";
            self.error(Diagnostic::error("endless-alias", span, message));
            return None;
        };
        let (node, size) = (node.clone(), size(node));
        self.nodes += size;
        if self.nodes > MOST_NODES {
            let message = format!("expected at most {MOST_NODES} values, those that aliases repeat included");
            let help = "each alias is read as if its value stood there";
            self.error(Diagnostic::error("too-many-values", span, message).help(help));
            return None;
        }
        self.put(node);
        Some(())
    }

    /// Puts a value that is whole into the list or mapping that is open.
    fn put(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        let map = match &mut open.node.value {
            Value::List(list) => return list.push(node),
            Value::Map(map) => map,
            _ => return,
        };
        match open.key.take() {
            None => {
                let key = key_text(&node, self.text);
                if key.is_none() {
                    let message = format!("expected a key that is a text, found {}", node.describe());
                    let mut diagnostic = Diagnostic::error("bad-key", node.span, message);
                    if self.text.get(node.span.range()).is_some_and(|part| part.starts_with('{')) {
                        diagnostic = diagnostic.help(
                            "a value that begins with `{` is a mapping in YAML: put `\"…\"` around it, \
                             and write variables as `${…}`",
                        );
                    }
                    self.found.add(diagnostic);
                }
                open.key = Some(key.map(|key| (key, node.span)));
            }
            Some(None) => {}
            Some(Some((key, key_span))) if key == "<<" => match merged(node) {
                Some(entries) => open.merged.extend(entries),
                None => {
                    let message = "expected a mapping or a list of mappings behind `<<`";
                    self.found.add(Diagnostic::error("bad-merge", key_span, message));
                }
            },
            Some(Some((key, key_span))) => match open.keys.get(&key) {
                Some(first) => {
                    let message = format!("the key `{key}` stands twice");
                    let diagnostic = Diagnostic::error("duplicate-key", key_span, message)
                        .label("a second time")
                        .other(*first, "the first time");
                    self.found.add(diagnostic);
                }
                None => {
                    open.keys.insert(key.clone(), key_span);
                    map.push(Entry { key, key_span, value: node });
                }
            },
        }
    }
}

/// Returns the text of a key: a text, or a number or word as it is written. It is `None` for any other value.
fn key_text(node: &Node, text: &str) -> Option<String> {
    match &node.value {
        Value::Text { text, .. } => Some(text.clone()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => text.get(node.span.range()).map(str::to_owned),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// Returns the entries that `<<` adds; `None` if its value is no mapping.
fn merged(node: Node) -> Option<Vec<Entry>> {
    match node.value {
        Value::Map(mut map) => Some(std::mem::take(map.entries_mut())),
        Value::List(list) => {
            let mut all = Vec::new();
            for element in list {
                let Value::Map(mut map) = element.value else { return None };
                all.append(map.entries_mut());
            }
            Some(all)
        }
        _ => None,
    }
}

/// Returns how many values a node has, itself included.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(list) => 1 + list.iter().map(size).sum::<usize>(),
        Value::Map(map) => 1 + map.entries().iter().map(|entry| size(&entry.value)).sum::<usize>(),
        _ => 1,
    }
}
