//! Variables: `${env.X}`, `${self:provider.stage}`, `${file(a.yml):key}` and their like, put in place in the tree.
//! Nothing is ever put into the text of a yml, so that a value stays one value, whatever its text.

mod parse;

use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::source::{FileId, Sources, Span};
use crate::tree::{self, Entry, MOST_DEPTH, MOST_NODES, Map, Node, Value, literal, quoted};
use faas_core::secrets::{MARK, is_name};
use parse::{Part, Source};
use std::collections::{BTreeMap, HashMap};

/// The bytes of a text with variables that count as one value.
const COUNTED: usize = 64;

/// The sources that variables are taken from.
#[derive(Debug)]
pub struct Given<'g> {
    /// The environment, with what dotenv files add to it.
    pub environment: &'g BTreeMap<String, String>,
    /// The options of the command line.
    pub options: &'g BTreeMap<String, String>,
    /// The stage that the yml is read for.
    pub stage: &'g str,
    /// The files that the yml may take parts from.
    pub files: &'g dyn Files,
}

/// The files beside a yml.
pub trait Files: std::fmt::Debug {
    /// Returns the text of a file, by its path from the folder of the yml.
    ///
    /// # Errors
    /// The file cannot be read. The text says why.
    fn read(&self, path: &str) -> Result<String, String>;
}

/// Puts variables in place. Each one that cannot be put in place is an error, and null in the tree.
pub fn resolve(root: &Node, sources: &mut Sources, given: &Given<'_>, found: &mut Diagnostics) -> Node {
    let mut resolver = Resolver {
        root,
        sources,
        given,
        found,
        open: Vec::new(),
        files: HashMap::new(),
        nodes: 0,
        has_overflowed: false,
    };
    resolver.node(root, Mode::Strict, 0)
}

/// The treatment of unknown variables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// They are errors.
    Strict,
    /// They are left alone as the platform's own: `${AWS::Region}` in `resources`.
    Lenient,
}

struct Resolver<'r> {
    root: &'r Node,
    sources: &'r mut Sources,
    given: &'r Given<'r>,
    found: &'r mut Diagnostics,
    /// The variables that are being resolved, from the outside in.
    open: Vec<String>,
    files: HashMap<String, Option<Node>>,
    nodes: usize,
    has_overflowed: bool,
}

/// The result of a variable.
enum Found {
    /// The variable has this value.
    Node(Node),
    /// The variable has no value, and the next alternative counts.
    Nothing(Diagnostic),
    /// The variable has an error, which has been reported.
    Failed,
    /// The variable stays as it is.
    Kept,
}

impl Resolver<'_> {
    fn node(&mut self, node: &Node, mode: Mode, depth: usize) -> Node {
        if !self.has_room(1, node.span, depth) {
            return Node::new(Value::Null, node.span);
        }
        let value = match &node.value {
            Value::Text { text, .. } => {
                self.doubt(text, node.span, mode);
                if !text.contains("${") {
                    return node.clone();
                }
                return self.text(text, node, mode, depth);
            }
            Value::List(list) => Value::List(list.iter().map(|element| self.node(element, mode, depth + 1)).collect()),
            Value::Map(map) => {
                let mut resolved = Map::default();
                for entry in map.entries() {
                    let is_platforms = depth == 0 && entry.key == "resources";
                    let mode = if is_platforms { Mode::Lenient } else { mode };
                    let value = self.node(&entry.value, mode, depth + 1);
                    resolved.push(Entry { key: entry.key.clone(), key_span: entry.key_span, value });
                }
                Value::Map(resolved)
            }
            other => other.clone(),
        };
        Node { value, span: node.span, tag: node.tag.clone() }
    }

    /// Counts more values at this depth. Returns `false` if there is no room: variables can make very much of a short
    /// text.
    fn has_room(&mut self, count: usize, span: Span, depth: usize) -> bool {
        self.nodes = self.nodes.saturating_add(count);
        let has_room = self.nodes <= MOST_NODES && depth <= MOST_DEPTH;
        if !has_room && !std::mem::replace(&mut self.has_overflowed, true) {
            let message = format!(
                "expected at most {MOST_NODES} values, {MOST_DEPTH} deep, with all variables in place; a text with variables is one for each {COUNTED} bytes"
            );
            self.found.add(Diagnostic::error("too-many-values", span, message));
        }
        has_room
    }

    /// Reports a text that looks like a variable and is not a variable.
    fn doubt(&mut self, text: &str, span: Span, mode: Mode) {
        if mode == Mode::Lenient {
            return;
        }
        if let Some(at) = text.find("{$")
            && text[at + 2..].starts_with(|first: char| first.is_ascii_alphabetic())
        {
            let rest: String = text[at + 2..].chars().take_while(|next| *next != '}').collect();
            let message = format!("`{{${rest}` is no variable: the sign `$` stands before the brace");
            let help = format!("write `${{{rest}}}`");
            self.found.add(Diagnostic::error("variable-shape", self.within(span, "{$"), message).help(help));
        }
        if let (Some(start), Some(end)) = (text.find("{{"), text.find("}}"))
            && !text[..start].ends_with('$')
            && let Some(name) = text.get(start + 2..end).map(str::trim)
            && parse::is_known_source(name)
        {
            let message = format!("`{{{{{name}}}}}` is no variable");
            let help = format!("write `${{{name}}}`");
            self.found.add(Diagnostic::error("variable-shape", self.within(span, "{{"), message).help(help));
        }
    }

    /// Returns the part of a span in which a piece of its text stands as it is written; the whole span if there is none.
    fn within(&self, span: Span, piece: &str) -> Span {
        self.after(span, &mut Some(0), piece)
    }

    /// Returns the part of a span in which the next piece of its text stands, at or behind the byte `from` of the span,
    /// and moves `from` behind it. A piece that is not there, as where the text is written with escapes, has the whole
    /// span, and nothing is looked for behind it.
    fn after(&self, span: Span, from: &mut Option<usize>, piece: &str) -> Span {
        let found = from.and_then(|from| Some(from + self.sources.part(span)[from..].find(piece)?));
        *from = found.map(|at| at + piece.len());
        match found {
            None => span,
            Some(at) => {
                let start = span.start as usize + at;
                Span::new(span.file, start, start + piece.len())
            }
        }
    }

    /// Resolves a text with variables in it.
    fn text(&mut self, text: &str, node: &Node, mode: Mode, depth: usize) -> Node {
        // Variables can lead to one text again and again, and each time all of it is read: its length counts.
        if !self.has_room(1 + text.len() / COUNTED, node.span, depth) {
            return Node::new(Value::Null, node.span);
        }
        let parts = match parse::parse(text) {
            Ok(parts) => parts,
            Err(fault) => {
                if mode == Mode::Lenient {
                    return node.clone();
                }
                let span = self.within(node.span, &text[fault.at..]);
                self.found.add(Diagnostic::error("variable-shape", span, fault.message).help(fault.help));
                return Node::new(Value::Null, node.span);
            }
        };
        if let [Part::Variable { written, alternatives }] = &parts[..] {
            let span = self.within(node.span, written);
            return match self.variable(alternatives, written, span, mode, depth) {
                Found::Node(found) => found,
                Found::Kept => node.clone(),
                Found::Nothing(_) | Found::Failed => Node::new(Value::Null, node.span),
            };
        }
        let mut whole = String::new();
        let mut has_failed = false;
        let mut from = Some(0);
        for part in &parts {
            let (written, alternatives) = match part {
                Part::Text(text) => {
                    whole.push_str(&if mode == Mode::Strict { literal(text) } else { text.clone() });
                    continue;
                }
                Part::Variable { written, alternatives } => (written, alternatives),
            };
            let span = self.after(node.span, &mut from, written);
            match self.variable(alternatives, written, span, mode, depth) {
                Found::Kept => whole.push_str(written),
                Found::Node(found) => match found.as_written(self.sources) {
                    Some(text) => whole.push_str(text),
                    None if found.value == Value::Null => {}
                    None => {
                        let message = format!("`{written}` is {}, and cannot be a part of a text", found.describe());
                        self.found
                            .add(Diagnostic::error("variable-type", span, message).other(found.span, "it stands here"));
                        has_failed = true;
                    }
                },
                Found::Nothing(_) | Found::Failed => has_failed = true,
            }
        }
        let value = if has_failed { Value::Null } else { tree::text(whole) };
        Node::new(value, node.span)
    }

    /// Resolves a variable to the first of its alternatives that has a value. If no alternative has a value, an error
    /// explains the first.
    fn variable(&mut self, alternatives: &[Source], written: &str, span: Span, mode: Mode, depth: usize) -> Found {
        match self.first(alternatives, written, span, mode, depth) {
            Found::Nothing(why) => {
                self.found.add(why);
                Found::Failed
            }
            found => found,
        }
    }

    fn first(&mut self, alternatives: &[Source], written: &str, span: Span, mode: Mode, depth: usize) -> Found {
        let mut first = None;
        for alternative in alternatives {
            match self.source(alternative, written, span, mode, depth) {
                Found::Nothing(why) => first = first.or(Some(why)),
                found => return found,
            }
        }
        first.map_or(Found::Failed, Found::Nothing)
    }

    fn source(&mut self, source: &Source, written: &str, span: Span, mode: Mode, depth: usize) -> Found {
        let given = |text: &str| {
            let (text, is_plain, is_given) = (literal(text), true, true);
            Found::Node(Node::new(Value::Text { text, is_plain, is_given }, span))
        };
        let absent = |message: String| {
            let help = "a value to take instead stands behind a comma: `${env:NAME, value}`";
            Found::Nothing(Diagnostic::error("unresolved", span, message).help(help))
        };
        match source {
            Source::Literal(text, is_quoted) => {
                let value = if *is_quoted { tree::text(text.clone()) } else { tree::plain(text) };
                // A number or a word has its text only where it is written, and here it is a part of a variable.
                match value {
                    Value::Int(_) | Value::Float(_) | Value::Bool(_) => given(text),
                    value => Found::Node(Node::new(value, span)),
                }
            }
            Source::Nested(text) => match parse::parse(text).as_deref() {
                Ok([Part::Variable { alternatives, written }]) if self.has_room(1, span, depth) => {
                    self.first(alternatives, written, span, mode, depth + 1)
                }
                _ => {
                    let nested = Node::new(tree::text(text.clone()), span);
                    Found::Node(self.text(text, &nested, mode, depth + 1))
                }
            },
            Source::Stage => given(self.given.stage),
            Source::Env(name) => match self.name(name, span, mode, depth) {
                None => Found::Failed,
                // As in midway, a variable that is set to an empty text is not set.
                Some(name) => match self.given.environment.get(&name).filter(|value| !value.is_empty()) {
                    Some(value) => given(value),
                    None => absent(format!("the environment has no variable `{name}`")),
                },
            },
            Source::Opt(name) => match self.name(name, span, mode, depth) {
                None => Found::Failed,
                Some(name) => match self.given.options.get(&name) {
                    Some(value) => given(value),
                    None => absent(format!("there is no option `--{name}` on the command line")),
                },
            },
            Source::Secret(name) => match self.name(name, span, mode, depth) {
                None => Found::Failed,
                Some(name) if !is_name(&name) => {
                    let message = format!("{} cannot be the name of a secret", quoted(&name));
                    let help = "it has letters, digits, `_`, `-`, `.` and `/`, and leads out of no folder";
                    self.found.add(Diagnostic::error("secret-name", span, message).help(help));
                    Found::Failed
                }
                Some(name) => Found::Node(Node::new(tree::text(format!("{MARK}{name}}}")), span)),
            },
            Source::This(path) => match self.name(path, span, mode, depth) {
                None => Found::Failed,
                Some(path) => self.this(&path, span, mode, depth),
            },
            Source::File { path, key } => match (self.name(path, span, mode, depth), self.name(key, span, mode, depth))
            {
                (Some(path), Some(key)) => self.file(&path, &key, span, mode, depth),
                _ => Found::Failed,
            },
            Source::Unknown(_) if mode == Mode::Lenient => Found::Kept,
            Source::Unknown(word) => {
                let message = format!("`{written}` names no source of values");
                let known = ["env", "self", "file", "stage", "opt", "secret"];
                let help = match nearest(word, known.into_iter()) {
                    Some(near) if word.trim_end_matches([':', '.']) == near => {
                        format!("say which behind it, as `${{{near}{}}}`", if near == "file" { "(path):key" } else { ":name" })
                    }
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "values come from `${env:NAME}`, `${self:path}`, `${file(path):key}`, `${stage}`, `${opt:name}` and \
                             `${secret:name}`; for the text itself write `$${`"
                        .to_owned(),
                };
                self.found.add(Diagnostic::error("unknown-variable", span, message).help(help));
                Found::Failed
            }
        }
    }

    /// Resolves a name or path, which may have variables in it. Returns `None` if an error has been reported.
    fn name(&mut self, text: &str, span: Span, mode: Mode, depth: usize) -> Option<String> {
        if !text.contains("${") {
            return Some(text.to_owned());
        }
        let node = Node::new(tree::text(text.to_owned()), span);
        let resolved = self.text(text, &node, mode, depth + 1);
        resolved.as_written(self.sources).map(str::to_owned)
    }

    /// Finds a value of the yml itself.
    fn this(&mut self, path: &str, span: Span, mode: Mode, depth: usize) -> Found {
        let chain = format!("self:{path}");
        if self.open.contains(&chain) {
            let message = format!("`{chain}` is made of itself: {} → {chain}", self.open.join(" → "));
            self.found.add(Diagnostic::error("endless-variable", span, message));
            return Found::Failed;
        }
        self.open.push(chain);
        let found = self.follow(self.root, path, "the yml", span, mode, depth);
        self.open.pop();
        found
    }

    /// Finds a value of another file.
    fn file(&mut self, path: &str, key: &str, span: Span, mode: Mode, depth: usize) -> Found {
        let chain = format!("file({path}):{key}");
        if self.open.contains(&chain) {
            let message = format!("`{chain}` is made of itself: {} → {chain}", self.open.join(" → "));
            self.found.add(Diagnostic::error("endless-variable", span, message));
            return Found::Failed;
        }
        if !self.files.contains_key(path) {
            let text = match self.given.files.read(path) {
                Ok(text) => text,
                Err(why) => {
                    let message = format!("the file {} cannot be read: {why}", quoted(path));
                    return Found::Nothing(Diagnostic::error("unreadable-file", span, message));
                }
            };
            let is_tree = [".yml", ".yaml", ".json"].iter().any(|end| path.to_ascii_lowercase().ends_with(end));
            let file: FileId = self.sources.add(path, text);
            let node = if is_tree {
                tree::read(self.sources, file, self.found)
            } else {
                let text = self.sources.text(file).trim_end().to_owned();
                let whole = Span::new(file, 0, text.len());
                Some(Node::new(Value::Text { text, is_plain: false, is_given: true }, whole))
            };
            self.files.insert(path.to_owned(), node);
        }
        let Some(Some(node)) = self.files.get(path).cloned() else { return Found::Failed };
        self.open.push(chain);
        let found = self.follow(&node, key, path, span, mode, depth);
        self.open.pop();
        found
    }

    /// Follows a path of keys and numbers, which may lead through variables.
    fn follow(&mut self, from: &Node, path: &str, whose: &str, span: Span, mode: Mode, depth: usize) -> Found {
        let mut node = from.clone();
        let steps: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
        for (index, step) in steps.iter().enumerate() {
            if let Some(text) = node.as_text().filter(|text| text.contains("${")).map(str::to_owned) {
                node = self.text(&text, &node, mode, depth + 1);
            }
            let next = match &node.value {
                Value::Map(map) => map.entry(step).map(|entry| entry.value.clone()),
                Value::List(list) => step.parse().ok().and_then(|at: usize| list.get(at)).cloned(),
                _ => None,
            };
            node = match next {
                Some(next) => next,
                None => {
                    let so_far = steps[..=index].join(".");
                    let message = format!("{whose} has no `{so_far}`");
                    let mut diagnostic = Diagnostic::error("unresolved", span, message);
                    if step.contains(':') {
                        let meant = path.replace(':', ".");
                        diagnostic = diagnostic.help(format!("the keys of a path are parted by points: `{meant}`"));
                    } else if let Some(map) = node.as_map()
                        && let Some(near) = nearest(step, map.entries().iter().map(|entry| entry.key.as_str()))
                    {
                        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                    }
                    return Found::Nothing(diagnostic);
                }
            };
        }
        Found::Node(self.node(&node, mode, depth + 1))
    }
}
