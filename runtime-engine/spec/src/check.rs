//! Compares a tree with the table of keys. A mistake is reported with the value that was expected and, for mistakes
//! that people make often, with the shape that was meant.

use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::keys::{AGGREGATION, Effect, EventKey, FUNCTION, KINDS, Key, Object, PROVIDER, SERVICE, Shape};
use crate::source::{Sources, Span};
use crate::tree::{Entry, Map, Node, Value, quoted};
use faas_core::secrets::MARK;
use std::fmt;

/// The way to a value, as `functions.order.events[0].http.path`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'p> {
    /// The root, which is the whole yml.
    Root,
    /// The value of a key.
    Key(&'p Path<'p>, &'p str),
    /// An element of a list, by its number.
    Index(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => f.write_str("the service"),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Checks a whole yml, which was read of these sources.
pub fn check(root: &Node, sources: &Sources, found: &mut Diagnostics) {
    let mut check = Check { sources, found, takes_variables: false };
    let Some(map) = root.as_map() else {
        let message = format!("expected a service, found {}", root.describe());
        check.add(
            Diagnostic::error("wrong-shape", root.span, message).help("begin with a line such as `service: shop`"),
        );
        return;
    };
    check.keys(&SERVICE, map, root.span, Path::Root);
}

/// Checks the parts laid over a yml in other stages and on other platforms than those it is read for. Its variables are
/// not in place, so a value with one in it is taken as it is.
pub(crate) fn check_parts(
    root: &Node,
    stage: &str,
    platform: Option<&str>,
    sources: &Sources,
    found: &mut Diagnostics,
) {
    let mut check = Check { sources, found, takes_variables: true };
    let entries = |key: &str| root.get(key).and_then(Node::as_map).map(Map::entries).unwrap_or_default();
    if let Some(stages) = root.get("stages") {
        check.stages(stages, Path::Key(&Path::Root, "stages"), Some(stage));
    }
    if let Some(platforms) = root.get("platforms").filter(|platforms| platforms.as_map().is_none()) {
        check.wrong(
            &SERVICE.key("platforms").expect("it is in the table").shape,
            platforms,
            Path::Key(&Path::Root, "platforms"),
            &[],
        );
    }
    for entry in entries("platforms").iter().filter(|entry| !entry.key.starts_with("x-")) {
        let path = Path::Key(&Path::Key(&Path::Root, "platforms"), &entry.key);
        if !crate::platform::names().any(|name| name == entry.key) {
            check.unknown_platform(entry);
        }
        let is_laid_over = platform == Some(entry.key.as_str());
        match &entry.value.value {
            Value::Null => {}
            Value::Map(map) => {
                if let Some(stages) = map.get("stages") {
                    check.stages(stages, Path::Key(&path, "stages"), is_laid_over.then_some(stage));
                }
                if !is_laid_over {
                    check.part(map, path);
                }
            }
            _ => check.wrong(&Shape::Object(&SERVICE), &entry.value, path, &[]),
        }
    }
}

struct Check<'f> {
    sources: &'f Sources,
    found: &'f mut Diagnostics,
    /// `true` if variables are not in place yet.
    takes_variables: bool,
}

impl Check<'_> {
    fn add(&mut self, diagnostic: Diagnostic) {
        self.found.add(diagnostic);
    }

    /// Checks the keys of a mapping.
    fn keys(&mut self, object: &Object, map: &Map, span: Span, path: Path<'_>) {
        for entry in map.entries() {
            if entry.key.starts_with("x-") {
                continue;
            }
            match object.key(&entry.key) {
                Some(key) => self.entry(key, entry, path),
                None if object.is_open() => {}
                None => self.unknown(object, entry, path),
            }
        }
        for key in object.keys.iter().filter(|key| key.is_required && map.entry(key.name).is_none()) {
            let message = format!("{path} has no `{}`", key.name);
            let help = format!("add `{}: …`, {}", key.name, key.shape.words());
            self.add(Diagnostic::error("missing-key", span, message).help(help));
        }
    }

    fn entry(&mut self, key: &Key, entry: &Entry, path: Path<'_>) {
        let path = Path::Key(&path, key.name);
        // A key without a value is treated as a key left out, unless its value is required.
        if entry.value.value == Value::Null {
            if key.is_required {
                let message = format!("{path} has no value; expected {}", key.shape.words());
                self.add(Diagnostic::error("wrong-shape", entry.key_span, message));
            }
            return;
        }
        self.value(&key.shape, &entry.value, path);
        if let Effect::Nothing(why) = key.effect {
            let message = format!("`{}` has no effect here: {why}", key.name);
            self.add(Diagnostic::note("no-effect", entry.key_span, message));
        }
    }

    fn unknown(&mut self, object: &Object, entry: &Entry, path: Path<'_>) {
        let key = &entry.key;
        let message = match path {
            Path::Root => format!("`{key}` is no key of {}", object.what),
            _ => format!("{path}: `{key}` is no key of {}", object.what),
        };
        let mut diagnostic = Diagnostic::error("unknown-key", entry.key_span, message);
        if let Some(near) = nearest(key, object.keys.iter().map(|key| key.name)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        } else if let Some(place) = elsewhere(key, path) {
            diagnostic = diagnostic.help(place);
        } else if EventKey::of(key).is_some() && matches!(path, Path::Key(Path::Key(Path::Root, "functions"), _)) {
            diagnostic = diagnostic.help(format!("an event stands in a list:\n  events:\n    - {key}: …"));
        } else if key.starts_with('-') {
            let rest = key.trim_start_matches('-');
            diagnostic = diagnostic.help(format!("an element of a list begins with `- `: write `- {rest}:`"));
        } else {
            diagnostic = diagnostic.help(match path {
                Path::Root => "keys that begin with `x-` are free to use".to_owned(),
                _ => known(object),
            });
        }
        self.add(diagnostic);
    }

    /// Checks the parts that differ by stage. The part of the stage that the yml is read for is checked in its place.
    fn stages(&mut self, stages: &Node, path: Path<'_>, laid_over: Option<&str>) {
        let Some(map) = stages.as_map() else {
            self.wrong(&SERVICE.key("stages").expect("it is in the table").shape, stages, path, &[]);
            return;
        };
        for entry in map.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
            let path = Path::Key(&path, &entry.key);
            match &entry.value.value {
                Value::Null => {}
                Value::Map(_) if laid_over == Some(entry.key.as_str()) => {}
                Value::Map(map) => self.part(map, path),
                _ => self.wrong(&Shape::Object(&SERVICE), &entry.value, path, &[]),
            }
        }
    }

    fn unknown_platform(&mut self, entry: &Entry) {
        let message = format!("there is no platform `{}`", entry.key);
        let mut diagnostic = Diagnostic::error("unknown-platform", entry.key_span, message);
        diagnostic = match nearest(&entry.key, crate::platform::names()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic
                .help(format!("the platforms are {}", crate::platform::names().collect::<Vec<_>>().join(", "))),
        };
        self.add(diagnostic);
    }

    /// Checks a value against a shape.
    fn value(&mut self, shape: &Shape, node: &Node, path: Path<'_>) {
        if self.takes_variables && node.as_text().is_some_and(|text| text.contains("${")) {
            return;
        }
        if let (Some(tag), false) = (&node.tag, matches!(shape, Shape::Any | Shape::Environment)) {
            let message = format!("the tag `{tag}` means nothing here");
            let help = "tags such as `!Ref` are for the platform's own resources: keep them in `resources`";
            self.add(Diagnostic::error("unknown-tag", node.span, message).help(help));
            return;
        }
        let is_handed_on = matches!(shape, Shape::Any | Shape::Environment | Shape::Either(_) | Shape::OneOrMany(_));
        if !is_handed_on && node.as_text().is_some_and(names_secret) {
            let message = format!("{path}: a secret cannot stand here: this has to be known before a process starts");
            let help = "secrets are for `environment` and `config`; for what differs by place write `${env:NAME}`";
            self.add(Diagnostic::error("secret-place", node.span, message).help(help));
            return;
        }
        match (shape, &node.value) {
            (Shape::Int { least, most, .. }, Value::Text { is_given: true, .. })
                if node.as_int().is_some_and(|number| (*least..=*most).contains(&number)) => {}
            (Shape::Bool, Value::Text { is_given: true, .. }) if node.as_bool().is_some() => {}
            (Shape::Any, _) | (Shape::Bool, Value::Bool(_)) => {}
            (Shape::Text, Value::Text { text, .. }) if !text.is_empty() => {}
            // An id or a version that is written as a number is the text of that number.
            (Shape::Text, Value::Int(_) | Value::Float(_)) => {}
            (Shape::Name, Value::Int(_) | Value::Float(_)) if node.as_written(self.sources).is_some_and(is_name) => {}
            (Shape::Name, Value::Text { text, .. }) if is_name(text) => {}
            (Shape::Int { least, most, .. }, Value::Int(number)) if (least..=most).contains(&number) => {}
            (Shape::Int { .. }, Value::Text { text, .. }) if text.parse::<i64>().is_ok() => {
                let help = format!("write `{text}` without quotes");
                self.wrong(shape, node, path, &[help]);
            }
            (Shape::Time, Value::Int(seconds)) if *seconds >= 0 => {}
            (Shape::Time, Value::Text { text, .. }) if faas_core::settings::duration(text).is_some() => {}
            (Shape::Choice(words), Value::Text { text, .. }) => self.choice(words, text, shape, node, path),
            (Shape::Choice(words), Value::Bool(value)) => {
                let near = words.iter().find(|word| **word == if *value { "on" } else { "off" });
                let help = near.map(|word| format!("write `\"{word}\"`"));
                self.wrong(shape, node, path, help.as_slice());
            }
            (Shape::Route, Value::Text { text, .. }) if text.starts_with('/') => {}
            (Shape::Route, Value::Text { text, .. }) => {
                self.wrong(shape, node, path, &[format!("write `/{text}`")]);
            }
            (Shape::Method, Value::Text { text, .. }) if is_method(text) => {}
            (Shape::Method, Value::Text { text, .. }) => {
                let several: Vec<String> =
                    text.split([',', '|', ' ']).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
                let help = if several.len() > 1 && several.iter().all(|word| is_method(word)) {
                    vec![format!("several methods are a list: write `[{}]`", several.join(", "))]
                } else {
                    Vec::new()
                };
                self.wrong(shape, node, path, &help);
            }
            (Shape::Object(object), Value::Map(map)) => self.keys(object, map, node.span, path),
            (Shape::Map(_, of), Value::Map(map)) => {
                for entry in map.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
                    self.named(of, entry, path);
                }
            }
            (Shape::List(of), Value::List(list)) => {
                for (index, element) in list.iter().enumerate() {
                    self.value(of, element, Path::Index(&path, index));
                }
            }
            (Shape::OneOrMany(of), Value::List(list)) => {
                for (index, element) in list.iter().enumerate() {
                    self.value(of, element, Path::Index(&path, index));
                }
            }
            (Shape::OneOrMany(of), _) => self.value(of, node, path),
            (Shape::Either(shapes), value) => match shapes.iter().find(|shape| fits(shape, value)) {
                Some(shape) => self.value(shape, node, path),
                None => self.wrong(shape, node, path, &[]),
            },
            (Shape::Environment, Value::Map(map)) => self.environment(map, path),
            (Shape::Event, Value::Map(map)) => self.event(map, node, path),
            (Shape::Event, Value::Text { text, .. }) if EventKey::of(text).is_some() => {
                self.wrong(shape, node, path, &[format!("write `- {text}: true` for every event of the kind")]);
            }
            _ => self.wrong(shape, node, path, &hints(shape, node, path)),
        }
    }

    /// Checks an entry of a mapping from names.
    fn named(&mut self, of: &Shape, entry: &Entry, path: Path<'_>) {
        let path = Path::Key(&path, &entry.key);
        if !is_name(&entry.key) {
            let message = format!("expected a name of letters, digits, `_`, `.` and `-`, found {}", quoted(&entry.key));
            let diagnostic = Diagnostic::error("bad-name", entry.key_span, message);
            self.add(match nearest_name(&entry.key) {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            });
        }
        match (&entry.value.value, of) {
            (Value::Null, Shape::Object(object)) if object.keys.iter().any(|key| key.is_required) => {
                self.value(of, &entry.value, path);
            }
            // The line `order:` alone is a function without any keys.
            (Value::Null, _) => {}
            _ => self.value(of, &entry.value, path),
        }
    }

    /// Checks the part laid over the yml in a stage or on a platform: it has the keys of the yml without those that
    /// only the whole has.
    fn part(&mut self, map: &Map, path: Path<'_>) {
        for entry in map.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
            if entry.key == "stages" && matches!(path, Path::Key(Path::Key(Path::Root, "platforms"), _)) {
                continue;
            }
            let may_stand = |key: &&'static Key| !matches!(key.name, "service" | "platforms" | "stages");
            match SERVICE.key(&entry.key).filter(may_stand) {
                Some(key) => self.entry(key, entry, path),
                None => self.unknown(&SERVICE, entry, path),
            }
        }
    }

    fn choice(&mut self, words: &[&str], text: &str, shape: &Shape, node: &Node, path: Path<'_>) {
        if !words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            let near = nearest(text, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            self.wrong(shape, node, path, near.as_slice());
        }
    }

    fn environment(&mut self, map: &Map, path: Path<'_>) {
        for entry in map.entries() {
            let name = &entry.key;
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = format!("expected the name of a variable, found {}", quoted(name));
                self.add(Diagnostic::error("bad-name", entry.key_span, message));
            }
            match &entry.value.value {
                Value::List(_) | Value::Map(_) => {
                    let what = entry.value.describe();
                    let message = format!("{path}.{name}: expected a text, a number, true or false, found {what}");
                    let help = "a variable of the environment is a text: write structured values as JSON in quotes";
                    self.add(Diagnostic::error("wrong-shape", entry.value.span, message).help(help));
                }
                Value::Text { text, .. } if text.contains('\0') => {
                    let message = format!("{path}.{name}: expected a text without the character 0");
                    self.add(Diagnostic::error("wrong-shape", entry.value.span, message));
                }
                _ => {}
            }
        }
    }

    /// Checks an element of `events`: a mapping of one key.
    fn event(&mut self, map: &Map, node: &Node, path: Path<'_>) {
        let [entry] = map.entries() else {
            self.event_of_many(map, node, path);
            return;
        };
        let Some(kind) = EventKey::of(&entry.key) else {
            let message = format!("there is no kind of event `{}`", entry.key);
            let mut diagnostic = Diagnostic::error("unknown-event", entry.key_span, message);
            let known = KINDS.iter().map(|kind| kind.word);
            diagnostic = match (nearest(&entry.key, known.clone()), entry.key.as_str()) {
                (Some(near), _) => diagnostic.help(format!("did you mean `{near}`?")),
                (None, "httpApi" | "alb" | "functionUrl" | "url") => {
                    diagnostic.help("write `http`, whatever brings the requests")
                }
                (None, "sqs") => diagnostic.help("write `queue`"),
                (None, "sns") => diagnostic.help("write `topic`"),
                (None, _) => diagnostic.help(format!("the kinds are {}", known.collect::<Vec<_>>().join(", "))),
            };
            self.add(diagnostic);
            return;
        };
        let path = Path::Key(&path, kind.word);
        match &entry.value.value {
            Value::Map(map) => self.keys(kind.object, map, entry.value.span, path),
            // The value stands for every event of the kind.
            Value::Bool(true) | Value::Null => {}
            Value::Text { text, .. } if kind.kinds == ["http"] => {
                let help = match text.split_once(' ') {
                    Some((method, route)) => {
                        format!("write `http: {{method: {}, path: {route}}}`", method.to_lowercase())
                    }
                    None => format!("write `http: {{path: {text}}}`"),
                };
                self.wrong(&Shape::Object(kind.object), &entry.value, path, &[help]);
            }
            _ => self.wrong(&Shape::Object(kind.object), &entry.value, path, &[]),
        }
        if let Effect::Nothing(why) = kind.effect() {
            let message = format!("an event `{}` has no effect here: {why}", kind.word);
            self.add(Diagnostic::warning("no-effect", entry.key_span, message));
        }
    }

    /// Reports an event that has no key, or several.
    fn event_of_many(&mut self, map: &Map, node: &Node, path: Path<'_>) {
        let Some(first) = map.entries().first() else {
            self.wrong(&Shape::Event, node, path, &[]);
            return;
        };
        let others: Vec<&str> = map.entries()[1..].iter().map(|entry| entry.key.as_str()).collect();
        let is_unindented = first.value.value == Value::Null && EventKey::of(&first.key).is_some();
        let message = format!(
            "{path}: expected an event of one kind, found the keys `{}` and `{}`",
            first.key,
            others.join("`, `")
        );
        let mut diagnostic = Diagnostic::error("event-shape", first.key_span, message);
        for entry in &map.entries()[1..] {
            diagnostic = diagnostic.other(entry.key_span, "");
        }
        let kind = &first.key;
        diagnostic = diagnostic.help(if is_unindented {
            let lines: Vec<String> = others.iter().map(|other| format!("      {other}: …")).collect();
            format!("the keys of an event stand further in than its kind:\n  - {kind}:\n{}", lines.join("\n"))
        } else if map.entries().iter().all(|entry| EventKey::of(&entry.key).is_some()) {
            let lines: Vec<String> = map.entries().iter().map(|entry| format!("  - {}: …", entry.key)).collect();
            format!("each event is an element of its own:\n{}", lines.join("\n"))
        } else {
            "an event is a mapping of one key, its kind, as `- http: {path: /orders, method: get}`".to_owned()
        });
        self.add(diagnostic);
    }

    /// Reports a value that is not of its shape.
    fn wrong(&mut self, shape: &Shape, node: &Node, path: Path<'_>, help: &[String]) {
        let message = format!("{path}: expected {}, found {}", shape.words(), node.describe());
        let mut diagnostic = Diagnostic::error("wrong-shape", node.span, message);
        diagnostic.help.extend(help.iter().cloned());
        self.add(diagnostic);
    }
}

/// Returns `true` if a value of this kind can be of this shape. The check of the shape reports the exact mistake.
fn fits(shape: &Shape, value: &Value) -> bool {
    match (shape, value) {
        (Shape::Any | Shape::OneOrMany(_), _) => true,
        (Shape::Text | Shape::Name | Shape::Choice(_) | Shape::Route | Shape::Method, Value::Text { .. }) => true,
        (Shape::Text | Shape::Name, Value::Int(_) | Value::Float(_)) => true,
        (Shape::Bool, Value::Bool(_)) | (Shape::Int { .. }, Value::Int(_)) => true,
        (Shape::Bool | Shape::Int { .. }, Value::Text { is_given: true, .. }) => true,
        (Shape::Time, Value::Int(_) | Value::Text { .. }) => true,
        (Shape::Object(_) | Shape::Map(..) | Shape::Environment | Shape::Event, Value::Map(_)) => true,
        (Shape::List(_), Value::List(_)) => true,
        (Shape::Either(shapes), value) => shapes.iter().any(|shape| fits(shape, value)),
        _ => false,
    }
}

/// Returns a hint for each shape that people mean when they write another one.
fn hints(shape: &Shape, node: &Node, path: Path<'_>) -> Vec<String> {
    let help = match (shape, &node.value, path) {
        (Shape::List(Shape::Event), Value::Map(map), _) => events_as_mapping(map),
        (Shape::Object(object), Value::Text { text, .. }, Path::Key(Path::Root, "provider"))
            if object.key("name").is_some() =>
        {
            format!("write\n  provider:\n    name: {text}")
        }
        (Shape::Map(..), Value::List(_), Path::Key(_, key)) => {
            format!("write the names as keys:\n  {key}:\n    order: …")
        }
        (Shape::List(_), Value::Text { text, .. }, Path::Key(_, key)) => format!("write `{key}: [{text}]`"),
        (Shape::Name, Value::Text { text, .. }, _) => return nearest_name(text).into_iter().collect(),
        (Shape::Bool, Value::Text { text, .. }, _) => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" => "write `true`".to_owned(),
            "no" | "off" | "n" | "false" => "write `false`".to_owned(),
            _ => return Vec::new(),
        },
        (Shape::Int { .. } | Shape::Time, Value::Text { text, .. }, _) if text.contains('_') => {
            format!("write `{}`", text.replace('_', ""))
        }
        (Shape::Int { unit: "of MB", .. }, Value::Text { text, .. }, _) => {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            if digits.is_empty() {
                return Vec::new();
            }
            format!("write the number alone, in MB: `{digits}`")
        }
        (Shape::Time, Value::Float(number), _) => format!("write `{}ms`", (number * 1000.0).round()),
        _ => return Vec::new(),
    };
    vec![help]
}

fn events_as_mapping(map: &Map) -> String {
    match map.entries() {
        [entry] if entry.key.starts_with('-') => {
            let kind = entry.key.trim_start_matches('-');
            format!("an element of a list begins with `- `, with a space: write `- {kind}:`")
        }
        entries => {
            let lines: Vec<String> = entries.iter().map(|entry| format!("    - {}: …", entry.key)).collect();
            format!("events are a list:\n  events:\n{}", lines.join("\n"))
        }
    }
}

/// Returns the right place of a key that stands in a wrong one; `None` if there is none.
fn elsewhere(key: &str, path: Path<'_>) -> Option<String> {
    let of = |object: &Object| object.key(key).is_some();
    let is_function = matches!(path, Path::Key(Path::Key(Path::Root, "functions"), _));
    let mut places = Vec::new();
    if of(&FUNCTION) && !is_function {
        places.push("a function");
    }
    if of(&PROVIDER) && !matches!(path, Path::Key(Path::Root, "provider")) {
        places.push("`provider`");
    }
    if of(&AGGREGATION) && !matches!(path, Path::Key(Path::Key(Path::Root, "aggregation"), _)) && !of(&FUNCTION) {
        places.push("a unit of `aggregation`");
    }
    if of(&SERVICE) && !matches!(path, Path::Root) {
        places.push("the beginning of a line: it is a key of the service");
    }
    (!places.is_empty()).then(|| format!("`{key}` belongs into {}", places.join(" or ")))
}

/// Returns the keys of a mapping as a text, if there are few.
fn known(object: &Object) -> String {
    if object.keys.len() > 14 || object.keys.is_empty() {
        return String::new();
    }
    format!("its keys are {}", object.keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", "))
}

/// Returns `true` if a text names a secret. `$${secret:` is only the text.
fn names_secret(text: &str) -> bool {
    text.match_indices(MARK).any(|(at, _)| !text[..at].ends_with('$'))
}

/// Returns `true` for a name as functions, units and libraries have them. It has the form of `library` or
/// `library.function`, since a function's name is its handler if no other is given.
pub(crate) fn is_name(text: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    text.split('.').all(is_part)
}

/// Returns the right form of a name that has valid characters, but a `.` without a part on each side; `None` for any
/// other text.
fn nearest_name(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').filter(|part| !part.is_empty()).collect();
    let name = parts.join(".");
    (name != text && is_name(&name)).then(|| format!("a `.` stands between two parts of a name: write `{name}`"))
}

/// Returns `true` for a method, a token of RFC 9110 §5.6.2.
fn is_method(text: &str) -> bool {
    text == "*" || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)))
}
