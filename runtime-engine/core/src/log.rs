//! Log lines: which are written, and how they look. The driver gives a [`Sink`] that moves bytes; nothing here does.
//!
//! Every line carries time, level and, inside an invocation, its request id; in JSON one object a line, with each key
//! once. In text, control characters are shown as escapes, so that no value can make a line. Bodies and secrets are
//! never logged by the runtime itself.

mod google;
pub mod mask;

use crate::encoding::calendar;
use crate::fields::lower_case;
use crate::json::Writer;
use mask::Mask;
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The level of a log line, with the numbers of `faas.h`: a smaller number is more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// An operation failed; the number in `faas.h` is 1.
    Error = 1,
    /// A state is not as it should be; the number is 2.
    Warn,
    /// An event is worth a line; the number is 3.
    Info,
    /// A detail helps to find a fault; the number is 4.
    Debug,
    /// The line has any other detail; the number is 5, and every number above counts as 5.
    Trace,
}

impl Level {
    /// Returns the level with this number of `faas.h`. 0 counts as 1, and a number above 5 as 5.
    pub fn of(number: u32) -> Level {
        match number {
            0 | 1 => Level::Error,
            2 => Level::Warn,
            3 => Level::Info,
            4 => Level::Debug,
            _ => Level::Trace,
        }
    }

    /// Reads a level from a word in any case; `FATAL` is an error. `None` means that the word names no level.
    pub fn parse(word: &str) -> Option<Level> {
        Some(match lower_case(word).as_str() {
            "error" | "fatal" => Level::Error,
            "warn" | "warning" => Level::Warn,
            "info" => Level::Info,
            "debug" => Level::Debug,
            "trace" => Level::Trace,
            _ => return None,
        })
    }

    /// Returns the word for the level in a line.
    pub fn word(self) -> &'static str {
        match self {
            Level::Error => "ERROR",
            Level::Warn => "WARN",
            Level::Info => "INFO",
            Level::Debug => "DEBUG",
            Level::Trace => "TRACE",
        }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Each line is a text: `time LEVEL request-id who: message name=value`.
    Text,
    /// Each line is one JSON object.
    Json,
    /// Each line is one JSON object with the names that Google Cloud's log knows.
    Google,
}

/// The facts of a finished line, for a sink that frames it.
#[derive(Clone, Copy, Debug)]
pub struct LineKind {
    /// The level of the line; `None` for a line that a module emitted as it is.
    pub level: Option<Level>,
    /// The form of the line.
    pub format: Format,
    /// The moment of the line, since 1970.
    pub time: Duration,
}

/// Moves finished lines. `line` ends with a newline.
pub trait Sink: Send + Sync {
    /// Writes the whole line at once, so that lines of several threads do not mix. Failures are dropped: a log that
    /// cannot be written is no reason to fail an invocation.
    fn write(&self, line: &[u8], kind: LineKind);

    /// Writes a text that the platform cuts its log by, as it is and to the process' own descriptors: standard output,
    /// and standard error too if `both`.
    fn mark(&self, _text: &[u8], _both: bool) {}
}

/// A named value beside a message.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The name of the field.
    pub name: &'a [u8],
    /// The value of the field.
    pub value: &'a [u8],
    /// `true` if the value is said to be JSON. A line of JSON has it as it stands if it is, and as a text if it is not.
    pub is_json: bool,
}

impl<'a> Field<'a> {
    /// Makes a field whose value is a text.
    pub fn text(name: &'a [u8], value: &'a [u8]) -> Field<'a> {
        Field { name, value, is_json: false }
    }
}

/// The writer of a line, and its invocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The request id; empty outside of an invocation.
    pub request_id: &'a [u8],
    /// The tenant; empty if the invocation is for no tenant.
    pub tenant: &'a [u8],
    /// The module's entry, e.g. `layer monitor`; empty for the runtime itself.
    pub entry: &'a str,
    /// The part of the entry that writes the line.
    pub target: &'a [u8],
    /// The invocation's `traceparent`; empty for a log that does not [show it](Log::shows_trace).
    pub trace: &'a [u8],
    /// The account or project that the trace belongs to; empty without a trace.
    pub account: &'a str,
}

/// The texts of a line, without the values of secrets.
pub(crate) struct Hidden<'f> {
    pub(crate) message: Cow<'f, [u8]>,
    /// Each field as it was, and its value now.
    fields: Vec<(Field<'f>, Cow<'f, [u8]>)>,
}

/// A function that hands the fields of a line one after the other to a writer. With iterators in its place, each writer
/// would be compiled once for each type of iterator.
type Each<'f> = &'f dyn Fn(&mut dyn FnMut(Field<'_>));

impl Hidden<'_> {
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'_>> + Clone {
        self.fields.iter().map(|(field, value)| Field { value, ..*field })
    }
}

/// The log of a process: the least level of its lines, their form, and the sink that gets them.
#[derive(Clone)]
pub struct Log {
    level: Level,
    format: Format,
    sink: Arc<dyn Sink>,
    line: Arc<Mutex<Vec<u8>>>,
    mask: Arc<Mask>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("level", &self.level).field("format", &self.format).finish_non_exhaustive()
    }
}

impl Log {
    /// Makes a log of that level and format.
    pub fn new(level: Level, format: Format, sink: Arc<dyn Sink>) -> Log {
        Log { level, format, sink, line: Arc::new(Mutex::new(Vec::new())), mask: Arc::default() }
    }

    /// Returns `true` if a line of this level is written.
    pub fn enabled(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Returns the form of the log's lines.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns `true` if lines name the trace that they belong to. Other logs need not be given it, which saves its
    /// cost.
    pub fn shows_trace(&self) -> bool {
        self.format == Format::Google
    }

    /// Hides these values from now on: they are secrets.
    pub fn conceal<'v>(&self, mut values: impl Iterator<Item = &'v str>) {
        self.mask.add(&mut values);
    }

    /// Returns the mask that hides the values of secrets, for all other text that leaves the process.
    pub(crate) fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Returns a message and its fields without the values of secrets; `None` if this process has no secrets.
    pub(crate) fn hide<'h, 'f: 'h>(
        &self,
        message: &'h [u8],
        fields: impl Iterator<Item = Field<'f>>,
    ) -> Option<Hidden<'h>> {
        self.mask.is_on().then(|| Hidden {
            message: self.mask.hide(message),
            fields: fields.map(|field| (field, self.mask.hide(field.value))).collect(),
        })
    }

    /// Writes a line of the runtime's own.
    pub fn say(&self, level: Level, message: &str) {
        let origin = Origin { target: b"runtime", ..Origin::default() };
        self.write(level, origin, message.as_bytes(), std::iter::empty());
    }

    /// Writes a line if its level is wanted.
    pub fn write<'f>(
        &self,
        level: Level,
        origin: Origin<'_>,
        message: &[u8],
        fields: impl Iterator<Item = Field<'f>> + Clone,
    ) {
        if !self.enabled(level) {
            return;
        }
        match self.hide(message, fields.clone()) {
            None => self.put(level, origin, message, &|take| fields.clone().for_each(take)),
            Some(hidden) => self.put(level, origin, &hidden.message, &|take| hidden.fields().for_each(take)),
        }
    }

    fn put(&self, level: Level, origin: Origin<'_>, message: &[u8], fields: Each<'_>) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let entry = Entry { time, level, origin, message };
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.clear();
        match self.format {
            Format::Text => text(&mut line, entry, fields),
            Format::Json => json(&mut line, entry, fields),
            Format::Google => google::line(&mut line, entry, fields),
        }
        line.push(b'\n');
        self.sink.write(&line, LineKind { level: Some(level), format: self.format, time });
    }

    /// Writes a text that the platform cuts its log by: whole lines, newlines included. `both` is `true` to write it to
    /// standard error too.
    pub fn mark(&self, text: &[u8], both: bool) {
        self.sink.mark(text, both);
    }

    /// Writes a line as it is.
    pub fn emit(&self, content: &[u8]) {
        let content = &*self.mask.hide(content);
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.clear();
        if content.contains(&b'\n') {
            line.extend(content.iter().filter(|byte| **byte != b'\n'));
        } else {
            line.extend_from_slice(content);
        }
        line.push(b'\n');
        self.sink.write(&line, LineKind { level: None, format: self.format, time });
    }
}

/// The content of a line, apart from its fields.
#[derive(Clone, Copy)]
struct Entry<'a> {
    /// The moment of the line, since 1970.
    time: Duration,
    level: Level,
    origin: Origin<'a>,
    message: &'a [u8],
}

impl Entry<'_> {
    /// Returns the time of the line as [`timestamp`] writes it.
    fn stamp(&self) -> Vec<u8> {
        let mut stamp = Vec::with_capacity(24);
        timestamp(&mut stamp, self.time);
        stamp
    }
}

fn text(line: &mut Vec<u8>, entry: Entry<'_>, fields: Each<'_>) {
    let Entry { time, level, origin, message } = entry;
    timestamp(line, time);
    line.push(b' ');
    line.extend_from_slice(level.word().as_bytes());
    line.push(b' ');
    visible(line, if origin.request_id.is_empty() { b"-" } else { origin.request_id });
    line.push(b' ');
    visible(line, if origin.entry.is_empty() { origin.target } else { origin.entry.as_bytes() });
    line.extend_from_slice(b": ");
    visible(line, message);
    fields(&mut |field| {
        line.push(b' ');
        visible(line, field.name);
        line.push(b'=');
        visible(line, field.value);
    });
}

/// Appends a text with its control characters in the forms of Rust's literals (`\n`, `\x1b`, `\u{9b}`), and bytes that
/// are no UTF-8 as `\xff`. Nothing in it can begin a line, move a terminal's cursor or change the order of the signs
/// that are shown.
pub(crate) fn visible(line: &mut Vec<u8>, text: &[u8]) {
    // Every byte is looked at, since that can be done with many at once.
    if text.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
        return line.extend_from_slice(text);
    }
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            visible_character(line, character);
        }
        for byte in chunk.invalid() {
            escaped_byte(line, *byte);
        }
    }
}

fn visible_character(line: &mut Vec<u8>, character: char) {
    match character {
        '\n' => line.extend_from_slice(b"\\n"),
        '\r' => line.extend_from_slice(b"\\r"),
        '\t' => line.extend_from_slice(b"\\t"),
        '\0'..'\u{20}' | '\u{7f}' => escaped_byte(line, u8::try_from(character).unwrap_or_default()),
        // The upper control characters, the separators of lines and paragraphs, and what turns the direction of a text.
        '\u{80}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            line.extend_from_slice(character.escape_unicode().to_string().as_bytes());
        }
        _ => line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn escaped_byte(line: &mut Vec<u8>, byte: u8) {
    let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 15)];
    line.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte)]);
}

/// The members of a JSON line that are the runtime's own, whether or not a line has them.
const OWN: [&str; 7] = ["timestamp", "level", "requestId", "tenantId", "logger", "entry", "message"];

/// Appends a module's fields to a JSON object, each key once. A field that is called as a member of the runtime's own
/// (`own`) goes under `field.<name>`, and so does one that begins with `field.`. The second field of one name goes
/// under `field.2.<name>`, the third under `field.3.<name>`.
fn add_fields(json: &mut Writer<'_>, own: &[&str], fields: Each<'_>) {
    const PREFIX: &[u8] = b"field.";
    let mut index = 0;
    fields(&mut |Field { name, value, is_json }| {
        let (mut earlier, mut place) = (0, 0);
        fields(&mut |other| {
            earlier += usize::from(place < index && other.name == name);
            place += 1;
        });
        index += 1;
        let is_free = !name.starts_with(PREFIX) && !own.iter().any(|own| own.as_bytes() == name);
        match earlier {
            0 if is_free => json.key(name),
            0 => json.key([PREFIX, name].concat()),
            _ => json.key([PREFIX, (earlier + 1).to_string().as_bytes(), b".", name].concat()),
        };
        if is_json && crate::json::parse(value).is_ok() {
            add_json(json, value);
        } else {
            json.string(value);
        }
    });
}

/// Appends a value that is JSON, in one line: outside of its strings a control character is space.
fn add_json(json: &mut Writer<'_>, value: &[u8]) {
    if value.iter().any(u8::is_ascii_control) {
        let space = |byte: &u8| if byte.is_ascii_control() { b' ' } else { *byte };
        json.raw(&value.iter().map(space).collect::<Vec<u8>>());
    } else {
        json.raw(value);
    }
}

fn json(line: &mut Vec<u8>, entry: Entry<'_>, fields: Each<'_>) {
    let Entry { level, origin, message, .. } = entry;
    let mut json = Writer::new(line);
    json.begin_object();
    json.key("timestamp").string(entry.stamp());
    json.key("level").string(level.word());
    for (key, value) in [("requestId", origin.request_id), ("tenantId", origin.tenant), ("logger", origin.target)] {
        if !value.is_empty() {
            json.key(key).string(value);
        }
    }
    if !origin.entry.is_empty() {
        json.key("entry").string(origin.entry);
    }
    json.key("message").string(message);
    add_fields(&mut json, &OWN, fields);
    json.end_object();
}

/// Appends a time since 1970 in the form `2026-01-02T03:04:05.678Z`.
pub fn timestamp(out: &mut Vec<u8>, time: Duration) {
    let seconds = time.as_secs();
    let (year, month, day) = calendar::date(seconds / 86_400);
    let of_day = seconds % 86_400;
    digits(out, year, 4);
    for (separator, value) in
        [(b'-', month), (b'-', day), (b'T', of_day / 3600), (b':', of_day / 60 % 60), (b':', of_day % 60)]
    {
        out.push(separator);
        digits(out, value, 2);
    }
    out.push(b'.');
    digits(out, u64::from(time.subsec_millis()), 3);
    out.push(b'Z');
}

fn digits(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Kept;

    fn stamp(seconds: u64) -> String {
        let mut out = Vec::new();
        timestamp(&mut out, Duration::from_millis(seconds * 1000 + 7));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn timestamps_are_utc_with_leap_days() {
        assert_eq!(stamp(0), "1970-01-01T00:00:00.007Z");
        assert_eq!(stamp(951_782_400), "2000-02-29T00:00:00.007Z");
        assert_eq!(stamp(1_709_251_199), "2024-02-29T23:59:59.007Z");
        assert_eq!(stamp(4_102_444_800), "2100-01-01T00:00:00.007Z");
    }

    #[test]
    fn a_json_line_is_one_object_with_the_request_id() {
        let sink = Arc::new(Kept::default());
        let log = Log::new(Level::Info, Format::Json, sink.clone());
        let origin = Origin { request_id: b"id-1", target: b"shop", entry: "function order", ..Origin::default() };
        log.write(Level::Info, origin, b"two\nlines \"quoted\"", [Field::text(b"n", b"1")].into_iter());
        log.write(Level::Debug, origin, b"not wanted", std::iter::empty());
        let lines = sink.lines();
        assert_eq!(lines.len(), 1);
        let (head, rest) = lines[0].split_at(lines[0].find(",\"level\"").unwrap());
        assert!(head.starts_with("{\"timestamp\":\"20"), "{head}");
        assert_eq!(
            rest,
            ",\"level\":\"INFO\",\"requestId\":\"id-1\",\"logger\":\"shop\",\"entry\":\"function order\",\"message\":\"two\\nlines \\\"quoted\\\"\",\"n\":\"1\"}\n"
        );
    }

    /// Returns the one line that these make, from its level on.
    fn written(format: Format, origin: Origin<'_>, message: &[u8], fields: &[(&[u8], &[u8])]) -> String {
        let sink = Arc::new(Kept::default());
        Log::new(Level::Info, format, sink.clone()).write(
            Level::Warn,
            origin,
            message,
            fields.iter().map(|(name, value)| Field::text(name, value)),
        );
        let lines = sink.lines();
        let start = lines[0].find("WARN").expect("the level is there");
        lines[0][start..].to_owned()
    }

    #[test]
    fn a_text_line_stays_one_line() {
        let line = written(Format::Text, Origin { target: b"runtime", ..Origin::default() }, b"first\nsecond", &[]);
        assert_eq!(line, "WARN - runtime: first\\nsecond\n");
        let sink = Arc::new(Kept::default());
        Log::new(Level::Info, Format::Text, sink.clone()).emit(b"{\"raw\":\n1}");
        assert_eq!(sink.lines(), ["{\"raw\":1}\n"]);
    }

    #[test]
    fn control_characters_are_visible_wherever_they_come_from() {
        for (raw, shown) in [
            (&b"a\nb"[..], "a\\nb"),
            (b"a\rb", "a\\rb"),
            (b"a\tb", "a\\tb"),
            (b"\x1b[31mred", "\\x1b[31mred"),
            (b"\0\x08\x7f", "\\x00\\x08\\x7f"),
            ("\u{9b}31m caf\u{e9}".as_bytes(), "\\u{9b}31m caf\u{e9}"),
            ("\u{2028}\u{202e}".as_bytes(), "\\u{2028}\\u{202e}"),
            (b"\x9b31m \xff", "\\x9b31m \\xff"),
            ("C:\\new \u{1f980}".as_bytes(), "C:\\new \u{1f980}"),
        ] {
            let origin = Origin { request_id: raw, target: raw, ..Origin::default() };
            let line = written(Format::Text, origin, raw, &[(raw, raw)]);
            assert_eq!(line, format!("WARN {shown} {shown}: {shown} {shown}={shown}\n"));
        }
    }

    #[test]
    fn each_key_of_a_json_line_stands_once_and_the_runtimes_value_under_its_own_name() {
        let origin = Origin { request_id: b"id", tenant: b"t", target: b"shop", entry: "e", ..Origin::default() };
        let names = ["level", "message", "timestamp", "requestId", "tenantId", "logger", "entry"];
        let fields: Vec<_> = names.iter().map(|name| (name.as_bytes(), &b"forged"[..])).collect();
        let line = written(Format::Json, origin, b"m", &fields);
        for name in names {
            assert_eq!(
                line.matches(&format!("\"{name}\":")).count(),
                usize::from(!["level", "timestamp"].contains(&name)),
                "{line}"
            );
            assert!(line.contains(&format!("\"field.{name}\":\"forged\"")), "{line}");
        }
        // Outside of an invocation there is no request id, and a field cannot pass for one.
        let line = written(Format::Json, Origin::default(), b"m", &[(b"requestId", b"forged")]);
        assert!(
            line.ends_with(
                r#""message":"m","field.requestId":"forged"}
"#
            ),
            "{line}"
        );
    }

    #[test]
    fn fields_of_one_name_stand_under_names_of_their_own() {
        let fields = [(&b"n"[..], &b"1"[..]), (b"n", b"2"), (b"n", b"3"), (b"field.2.n", b"4"), (b"field.n", b"5")];
        let line = written(Format::Json, Origin::default(), b"m", &fields);
        let expected = r#""n":"1","field.2.n":"2","field.3.n":"3","field.field.2.n":"4","field.field.n":"5"}"#;
        assert!(line.trim_end().ends_with(expected), "{line}");
    }

    #[test]
    fn a_field_that_is_json_stands_as_it_is_in_a_line_of_json_and_one_that_is_not_as_a_text() {
        let field = |name: &'static str, value: &'static str| Field {
            name: name.as_bytes(),
            value: value.as_bytes(),
            is_json: true,
        };
        let fields = [
            field("n", "3.50"),
            field("o", "{\"a\":\n [true, null]}"),
            field("bad", "{\"a\":"),
            field("two", "1 2"),
            field("message", "\"x\""),
            field("none", ""),
            Field::text(b"t", b"3"),
        ];
        let sink = Arc::new(Kept::default());
        for format in [Format::Json, Format::Google, Format::Text] {
            Log::new(Level::Info, format, sink.clone()).write(Level::Info, Origin::default(), b"m", fields.into_iter());
        }
        let lines = sink.lines();
        let expected =
            r#""n":3.50,"o":{"a":  [true, null]},"bad":"{\"a\":","two":"1 2","field.message":"x","none":"","t":"3"}"#;
        assert!(lines[0].trim_end().ends_with(expected), "{}", lines[0]);
        assert!(lines[1].trim_end().ends_with(expected), "{}", lines[1]);
        assert!(lines[2].contains(r#"n=3.50 o={"a":\n [true, null]} bad={"a": two=1 2"#), "{}", lines[2]);
        assert!(lines.iter().all(|line| line.matches('\n').count() == 1));
    }
}
