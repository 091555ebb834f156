//! Reads the unit and its functions. Each object is walked once, into one place a key of its table; whatever does not
//! fit is noted and left out, and reading goes on behind it.

use super::keys::{self, ManifestKey, ManifestObject};
use super::mistake::{Cursor, Mistake, Mistakes, Path, did_you_mean, found, kind, quoted};
use super::whole::repeats;
use super::{
    EventSpec, FenceSetting, FunctionSpec, LONGEST, MOST_BYTES, MOST_FUNCTIONS, Manifest, RecordSpec, Secrets,
    StartWhen, VERSION,
};
use crate::json::{self, Document, Value, ValueKind};
use crate::modules::Name;
use crate::settings::{LayerName, RecordFailures, duration};
use crate::text::Span;
use std::borrow::Cow;
use std::time::Duration;

pub(super) fn read(text: &[u8]) -> Result<Manifest, Vec<Mistake>> {
    if let Some(problem) = no_json(text) {
        return Err(Mistakes::of(0, problem).in_order(text));
    }
    read_with(text, |reader, value| reader.manifest(value))
}

pub(super) fn read_triggers(text: &[u8]) -> Result<Vec<EventSpec>, Vec<Mistake>> {
    read_with(text, |reader, value| Some(reader.triggers(value)))
}

/// Returns the problem of a text that is too long, is empty or has a byte order mark; `None` for any other text.
fn no_json(text: &[u8]) -> Option<String> {
    if text.len() > MOST_BYTES {
        return Some(format!("expected at most {MOST_BYTES} bytes, found {}", text.len()));
    }
    if text.starts_with(b"\xef\xbb\xbf") {
        return Some("expected UTF-8 without a byte order mark, found one; save the file without it".to_owned());
    }
    text.trim_ascii().is_empty().then(|| "expected an object, found an empty text".to_owned())
}

/// Reads a text that has to be JSON.
fn read_with<T>(
    text: &[u8],
    read: impl for<'t> FnOnce(&mut Reader<'t>, Value<'t>) -> Option<T>,
) -> Result<T, Vec<Mistake>> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => return Err(Mistakes::of(error.offset, error.problem()).in_order(text)),
    };
    let mut reader = Reader { text, document: &document, cursor: Cursor::new(text), mistakes: Mistakes::default() };
    match read(&mut reader, document.value()) {
        Some(value) if reader.mistakes.count() == 0 => Ok(value),
        _ => Err(reader.mistakes.in_order(text)),
    }
}

/// Reads the one text of a manifest.
pub(super) struct Reader<'t> {
    text: &'t [u8],
    pub(super) document: &'t Document<'t>,
    /// The cursor that finds the positions of events, which are read in the order of the text.
    pub(super) cursor: Cursor<'t>,
    pub(super) mistakes: Mistakes,
}

/// One member of an object, with its key in the table.
#[derive(Clone, Copy)]
pub(super) struct Member<'t> {
    pub(super) key: &'static ManifestKey,
    pub(super) value: Value<'t>,
}

impl<'t> Reader<'t> {
    fn manifest(&mut self, value: Value<'t>) -> Option<Manifest> {
        let root = &Path::Root;
        if value.kind() != ValueKind::Object {
            self.mistakes.add(self.offset(value), root, || format!("expected an object, found {}", kind(value)));
            return None;
        }
        let [version, name, digest, layers, routing, default, functions] = self.members(value, root, &keys::MANIFEST);
        if let Some(version) = version.filter(|version| version.value.as_u64() != Some(VERSION)) {
            if version.value.as_i64().is_some() || version.value.as_u64().is_some() {
                // What else is wrong with the format of another version is not for this one to say.
                self.mistakes.clear();
                self.wrong(version, root);
                return None;
            }
            self.wrong(version, root);
        }
        let (strict_slash, caseless) = self.routing(routing, root);
        let mut manifest = Manifest {
            name: self.owned(name, root),
            digest: self.owned(digest, root),
            layers: self.layers(layers, root),
            strict_slash,
            caseless,
            default: None,
            functions: Vec::new(),
            secrets: Secrets::default(),
        };
        let default = default.and_then(|default| Some((default, self.string(default, root)?)));
        self.functions(functions, root, &mut manifest.functions);
        if let Some((member, name)) = default {
            manifest.default = manifest.functions.iter().position(|function| function.name == name);
            if manifest.default.is_none() {
                let names = manifest.functions.iter().map(|function| function.name.as_str());
                self.wrong_but(member, root, || did_you_mean(&name, names));
            }
        }
        Some(manifest)
    }

    fn routing(&mut self, routing: Option<Member<'t>>, path: &Path<'_>) -> (bool, bool) {
        let Some(routing) = routing.filter(|routing| self.is(*routing, ValueKind::Object, path)) else {
            return (false, false);
        };
        let path = &Path::Key(path, routing.key.name);
        let [slash, case] = self.members(routing.value, path, &keys::ROUTING);
        let strict = slash.and_then(|slash| self.word(slash, path, ["ignore", "strict"]));
        let caseless = case.and_then(|case| self.word(case, path, ["sensitive", "insensitive"]));
        (strict == Some(1), caseless == Some(1))
    }

    fn functions(&mut self, functions: Option<Member<'t>>, path: &Path<'_>, all: &mut Vec<FunctionSpec>) {
        let Some(functions) = functions.filter(|functions| self.is(*functions, ValueKind::Array, path)) else { return };
        let path = &Path::Key(path, functions.key.name);
        let at = self.offset(functions.value);
        // Moving them to a larger place again and again would cost more than counting them.
        let count = self.document.elements(functions.value).count();
        let read = count.min(MOST_FUNCTIONS);
        let mut names = Vec::with_capacity(read);
        let mut events = Vec::new();
        all.reserve_exact(read);
        for (index, value) in self.document.elements(functions.value).take(read).enumerate() {
            let (function, name) = self.function(value, &Path::Index(path, index), &mut events);
            names.push(name);
            all.push(function);
        }
        if count == 0 {
            self.mistakes.add(at, path, || "expected at least one function, found an empty array".to_owned());
        } else if count > read {
            self.mistakes.add(at, path, || format!("expected at most {MOST_FUNCTIONS} functions, found {count}"));
        }
        self.names_occur_once(all, &names, path);
        self.events_have_one_owner(all, &events, path);
    }

    /// Reads a function. Says also where its name stands; of its events that goes to `events`.
    fn function(
        &mut self,
        value: Value<'t>,
        path: &Path<'_>,
        events: &mut Vec<(usize, usize)>,
    ) -> (FunctionSpec, usize) {
        if value.kind() != ValueKind::Object {
            self.mistakes.add(self.offset(value), path, || format!("expected an object, found {}", kind(value)));
        }
        let [name, handler, config, environment, timeout, concurrency, start, layers, fence, records, list] =
            self.members(value, path, &keys::FUNCTION);
        let name_at = name.map_or(0, |name| self.offset(name.value));
        let name = name.and_then(|name| self.function_name(name, path, handler.is_none()));
        let handler = match handler {
            Some(handler) => self.module_name(handler, path),
            None => name.clone(),
        };
        let function = FunctionSpec {
            name: name.unwrap_or_default().into_owned(),
            handler: handler.unwrap_or_default().into_owned(),
            config: config.map_or("", |config| config.value.text()).to_owned(),
            environment: self.environment(environment, path),
            timeout: timeout
                .and_then(|timeout| self.duration(timeout, path))
                .map(|limit| Some(limit).filter(|limit| !limit.is_zero())),
            concurrency: concurrency.and_then(|number| self.number(number, path)).and_then(|n| usize::try_from(n).ok()),
            start: match start.and_then(|start| self.word(start, path, ["eager", "lazy"])) {
                Some(1) => StartWhen::Lazy,
                _ => StartWhen::Eager,
            },
            layers: self.layers(layers, path),
            fence: fence.map_or(FenceSetting::Default, |fence| self.fence(fence, path)),
            records: records.map(|records| self.records(records, path)).unwrap_or_default(),
            events: self.events(list, path, events),
        };
        (function, name_at)
    }

    /// Reads the name of a function, which names its code, too, if it has no handler.
    fn function_name(&mut self, name: Member<'t>, path: &Path<'_>, names_code: bool) -> Option<Cow<'t, str>> {
        let text = self.string(name, path)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !text.bytes().all(is_name) {
            self.wrong(name, path);
            return None;
        }
        if names_code && Name::split(&text).is_err() {
            self.wrong_but(name, path, || ", which names no library; say which with \"handler\"".to_owned());
        }
        Some(text)
    }

    /// Reads the name of a module: `library` or `library.entry`.
    fn module_name(&mut self, member: Member<'t>, path: &Path<'_>) -> Option<Cow<'t, str>> {
        let text = self.string(member, path)?;
        match Name::split(&text) {
            Ok(_) => Some(text),
            Err(why) => {
                self.wrong_but(member, path, || format!(": {why}"));
                None
            }
        }
    }

    fn environment(&mut self, member: Option<Member<'t>>, path: &Path<'_>) -> Vec<(String, String)> {
        let Some(member) = member else { return Vec::new() };
        let path = &Path::Key(path, member.key.name);
        if member.value.kind() != ValueKind::Object {
            // A text in its place may be a secret.
            let problem = || format!("expected {}, found {}", member.key.expects, kind(member.value));
            self.mistakes.add(self.offset(member.value), path, problem);
            return Vec::new();
        }
        let mut variables = Vec::new();
        let mut offsets = Vec::new();
        for (key, value) in self.document.members(member.value) {
            let at = self.key_offset(key);
            let name = key.as_str();
            let here = &Path::Key(path, &name);
            // What follows the sign may be a secret.
            if let Some(end) = name.find(['=', '\0']) {
                let shown = quoted(&format!("{}…", &name[..end]));
                self.mistakes.add(at, path, || format!("expected a name without `=` and NUL, found {shown}"));
                continue;
            }
            if name.is_empty() {
                self.mistakes.add(at, path, || "expected a name that is not empty, found \"\"".to_owned());
                continue;
            }
            let text = match value.kind() {
                ValueKind::String => value.as_str().unwrap_or_default(),
                ValueKind::Number | ValueKind::Bool => Cow::Borrowed(value.text()),
                _ => {
                    let problem = || format!("expected a string, a number or a boolean, found {}", kind(value));
                    self.mistakes.add(self.offset(value), here, problem);
                    Cow::default()
                }
            };
            if text.contains('\0') {
                let problem = || "expected a text without NUL, found one with it".to_owned();
                self.mistakes.add(self.offset(value), here, problem);
            }
            variables.push((name.into_owned(), text.into_owned()));
            offsets.push(at);
        }
        for (_, again) in repeats(&variables, |(name, _)| name.as_str()) {
            self.again(offsets[again], path, "name", &variables[again].0);
        }
        variables
    }

    fn layers(&mut self, member: Option<Member<'t>>, path: &Path<'_>) -> Vec<LayerName> {
        let Some(member) = member.filter(|member| self.is(*member, ValueKind::Array, path)) else { return Vec::new() };
        let path = &Path::Key(path, member.key.name);
        let mut layers = Vec::new();
        let mut offsets = Vec::new();
        for (index, value) in self.document.elements(member.value).enumerate() {
            if let Some(layer) = self.layer(value, &Path::Index(path, index)) {
                layers.push(layer);
                offsets.push(self.offset(value));
            }
        }
        // With another configuration a layer may well stand there again.
        for (_, again) in repeats(&layers, |layer| (layer.name.as_str(), layer.config.as_str())) {
            self.again(offsets[again], path, "layer", &layers[again].name);
        }
        layers
    }

    fn layer(&mut self, value: Value<'t>, path: &Path<'_>) -> Option<LayerName> {
        let name = &keys::LAYER.keys[0];
        match value.kind() {
            ValueKind::String => {
                let name = self.layer_name(value, name, path)?;
                Some(LayerName { name: name.into_owned(), required: true, config: String::new() })
            }
            ValueKind::Object => {
                let [name, config, optional] = self.members(value, path, &keys::LAYER);
                let optional = optional.and_then(|optional| {
                    if optional.value.as_bool().is_none() {
                        self.wrong(optional, path);
                    }
                    optional.value.as_bool()
                });
                let name =
                    name.and_then(|name| self.layer_name(name.value, name.key, &Path::Key(path, name.key.name)))?;
                let config = config.map_or("", |config| config.value.text()).to_owned();
                Some(LayerName { name: name.into_owned(), required: optional != Some(true), config })
            }
            _ => {
                let problem = || format!("expected a name or an object, found {}", found(value));
                self.mistakes.add(self.offset(value), path, problem);
                None
            }
        }
    }

    /// Reads the name of a layer; `path` leads to it.
    fn layer_name(&mut self, value: Value<'t>, key: &'static ManifestKey, path: &Path<'_>) -> Option<Cow<'t, str>> {
        let text = value.as_str().unwrap_or_default();
        let why = match Name::split(&text) {
            Ok(_) if !text.ends_with('?') => return Some(text),
            Ok(_) => ": an optional layer is an object with \"optional\": true",
            Err(why) if value.kind() == ValueKind::String => &format!(": {why}"),
            Err(_) => "",
        };
        let problem = || format!("expected {}, found {}{why}", key.expects, found(value));
        self.mistakes.add(self.offset(value), path, problem);
        None
    }

    fn records(&mut self, records: Member<'t>, path: &Path<'_>) -> RecordSpec {
        if !self.is(records, ValueKind::Object, path) {
            return RecordSpec::default();
        }
        let path = &Path::Key(path, records.key.name);
        let [concurrency, failures] = self.members(records.value, path, &keys::RECORDS);
        let failures = failures.and_then(|failures| self.word(failures, path, RecordFailures::WORDS));
        RecordSpec {
            concurrency: concurrency.and_then(|number| self.number(number, path)).and_then(|n| usize::try_from(n).ok()),
            failures: failures.and_then(|word| RecordFailures::parse(RecordFailures::WORDS[word])),
        }
    }

    fn fence(&mut self, fence: Member<'t>, path: &Path<'_>) -> FenceSetting {
        match fence.value.kind() {
            ValueKind::Bool if fence.value.as_bool() == Some(false) => FenceSetting::Off,
            ValueKind::Object => {
                let path = &Path::Key(path, fence.key.name);
                let [failures, pause] = self.members(fence.value, path, &keys::FENCE);
                let failures = failures.and_then(|member| match u32::try_from(self.number(member, path)?) {
                    Ok(failures) => Some(failures),
                    Err(_) => {
                        self.wrong(member, path);
                        None
                    }
                });
                let pause = pause.and_then(|member| {
                    let pause = self.duration(member, path)?;
                    if pause.is_zero() {
                        self.wrong_but(member, path, || "; it has to be more than 0".to_owned());
                    }
                    Some(pause)
                });
                match (failures, pause) {
                    (Some(failures), Some(pause)) => FenceSetting::Of { failures, pause },
                    _ => FenceSetting::Default,
                }
            }
            _ => {
                self.wrong(fence, path);
                FenceSetting::Default
            }
        }
    }

    /// Reads the members of an object by the table of its keys. Any other kind of value has no members. Unknown keys,
    /// repeated ones and missing ones are mistakes.
    pub(super) fn members<const N: usize>(
        &mut self,
        value: Value<'t>,
        path: &Path<'_>,
        object: &'static ManifestObject<N>,
    ) -> [Option<Member<'t>>; N] {
        let mut members = [None; N];
        if value.kind() != ValueKind::Object {
            return members;
        }
        for (key, value) in self.document.members(value) {
            let mut known = object.keys.iter().zip(&mut members);
            match known.find(|(known, _)| key == *known.name) {
                Some((known, place @ None)) => *place = Some(Member { key: known, value }),
                Some((known, Some(_))) => self.again(self.key_offset(key), path, "key", known.name),
                None if key.as_str().starts_with("x-") => {}
                None => self.unknown(key, path, object),
            }
        }
        let missing = object.keys.iter().zip(&members).filter(|(key, member)| key.required && member.is_none());
        for (key, _) in missing {
            let problem = || format!("expected the key {:?} ({}), found none", key.name, key.expects);
            self.mistakes.add(self.offset(value), path, problem);
        }
        members
    }

    fn unknown<const N: usize>(&mut self, key: json::Key<'t>, path: &Path<'_>, object: &'static ManifestObject<N>) {
        let at = self.key_offset(key);
        let names = || object.keys.iter().map(|key| key.name);
        self.mistakes.add(at, path, || {
            let key = key.as_str();
            let hint = did_you_mean(&key, names());
            let hint = match &hint[..] {
                "" if N == 0 => "; it has no keys".to_owned(),
                "" => format!("; its keys are {}", names().collect::<Vec<_>>().join(", ")),
                _ => hint,
            };
            format!("expected a key of {}, found {}{hint}", object.what, quoted(&key))
        });
    }

    /// Notes a name or key that stands a second time where it may stand once.
    pub(super) fn again(&mut self, at: usize, path: &Path<'_>, what: &str, name: &str) {
        self.mistakes.add(at, path, || format!("expected each {what} once, found {} again", quoted(name)));
    }

    /// Reads a text that is not empty. Anything else is a mistake.
    pub(super) fn string(&mut self, member: Member<'t>, path: &Path<'_>) -> Option<Cow<'t, str>> {
        let text = member.value.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(member, path);
        }
        text
    }

    /// Reads a text whose key may be left out; it is empty then.
    fn owned(&mut self, member: Option<Member<'t>>, path: &Path<'_>) -> String {
        member.and_then(|member| self.string(member, path)).unwrap_or_default().into_owned()
    }

    /// Reads one of the words; returns its index.
    fn word<const N: usize>(&mut self, member: Member<'t>, path: &Path<'_>, words: [&str; N]) -> Option<usize> {
        let text = member.value.as_str();
        let index = text.as_deref().and_then(|text| words.iter().position(|word| *word == text));
        if index.is_none() {
            self.wrong_but(member, path, || did_you_mean(text.as_deref().unwrap_or_default(), words.into_iter()));
        }
        index
    }

    /// Reads a whole number of at least 1. Anything else is a mistake.
    fn number(&mut self, member: Member<'t>, path: &Path<'_>) -> Option<u64> {
        let number = member.value.as_u64().filter(|number| *number > 0);
        if number.is_none() {
            self.wrong(member, path);
        }
        number
    }

    fn duration(&mut self, member: Member<'t>, path: &Path<'_>) -> Option<Duration> {
        let text = member.value.as_str();
        let seconds = || member.value.as_u64().map(Duration::from_secs);
        let found = text.as_deref().map_or_else(seconds, duration).filter(|duration| *duration <= LONGEST);
        if found.is_none() {
            self.wrong(member, path);
        }
        found
    }

    /// Returns `true` if the value is of that kind. Any other kind is a mistake.
    pub(super) fn is(&mut self, member: Member<'t>, kind: ValueKind, path: &Path<'_>) -> bool {
        let is = member.value.kind() == kind;
        if !is {
            self.wrong(member, path);
        }
        is
    }

    /// Notes a value that does not fit.
    pub(super) fn wrong(&mut self, member: Member<'t>, path: &Path<'_>) {
        self.wrong_but(member, path, String::new);
    }

    /// Notes a value that does not fit, with more to say of it.
    fn wrong_but(&mut self, member: Member<'t>, path: &Path<'_>, more: impl FnOnce() -> String) {
        let Member { key, value } = member;
        let problem = || format!("expected {}, found {}{}", key.expects, found(value), more());
        self.mistakes.add(self.offset(value), &Path::Key(path, key.name), problem);
    }

    /// Returns the byte at which a value begins.
    pub(super) fn offset(&self, value: Value<'t>) -> usize {
        Span::of(self.text, value.raw()).start()
    }

    /// Returns the offset at which a key begins, with its quote.
    fn key_offset(&self, key: json::Key<'t>) -> usize {
        Span::of(self.text, key.raw()).start().saturating_sub(1)
    }
}
