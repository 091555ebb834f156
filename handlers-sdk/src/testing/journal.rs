//! The log of a test: the lines of functions, layers and the runtime, taken apart again.

use faas_core::json;
use faas_core::log::{Level, LineKind, Sink};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A line that a function, a layer or the runtime itself wrote to the log.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::testing::LogLine;
///
/// #[function]
/// fn order() {
///     handlers_sdk::info!({ item = "tea" }, "ordered");
/// }
///
/// let answer = Invoke::event("").run(order::MODULE);
/// let line: &LogLine = &answer.logs[0];
/// assert_eq!((line.entry.as_str(), line.level, line.field("item")), ("function order", 3, Some("tea")));
/// assert_eq!(line.request_id.as_deref(), Some("test-request"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLine {
    /// The level: 1 error, 2 warn, 3 info, 4 debug.
    pub level: u32,
    /// The place in the code that wrote it; `runtime` for the runtime's own lines.
    pub target: String,
    /// The entry of a module that wrote it, as `function hello`; empty for the runtime.
    pub entry: String,
    /// The text of the line.
    pub message: String,
    /// The names and values in their order. A value that is no text is its JSON.
    pub fields: Vec<(String, String)>,
    /// The request id of the invocation that it belongs to. It is `None` outside an invocation.
    pub request_id: Option<String>,
}

impl LogLine {
    /// Returns the value of the first field of that name. It is `None` if there is none.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// The journal, which keeps the lines of the runtime's log.
#[derive(Debug, Default)]
pub(super) struct Journal {
    lines: Mutex<Vec<LogLine>>,
    emitted: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    pub(super) fn lines(&self) -> Vec<LogLine> {
        lock(&self.lines).clone()
    }

    pub(super) fn emitted(&self) -> Vec<String> {
        lock(&self.emitted).clone()
    }
}

impl Sink for Journal {
    fn write(&self, line: &[u8], kind: LineKind) {
        match kind.level {
            Some(level) => lock(&self.lines).push(read(level, line)),
            None => lock(&self.emitted).push(String::from_utf8_lossy(line).trim_end_matches('\n').to_owned()),
        }
    }
}

/// Reads one of the log's lines of JSON: the runtime's own members, and the rest as fields.
fn read(level: Level, line: &[u8]) -> LogLine {
    let mut read = LogLine { level: level as u32, ..LogLine::default() };
    let Ok(object) = json::parse(line) else { return read };
    for (key, value) in object.members() {
        let text = value.as_str().map_or_else(|| value.text().to_owned(), |text| text.into_owned());
        match &*key.as_str() {
            "timestamp" | "level" | "tenantId" => {}
            "requestId" => read.request_id = Some(text),
            "logger" => read.target = text,
            "entry" => read.entry = text,
            "message" => read.message = text,
            name => read.fields.push((field_name(name).to_owned(), text)),
        }
    }
    read
}

/// Returns the name of a field as the code gave it. A field that is called as a member of the runtime's own, or is
/// there again, has a prefix in the line: `field.message`, `field.2.order`.
fn field_name(name: &str) -> &str {
    let Some(rest) = name.strip_prefix("field.") else { return name };
    match rest.split_once('.') {
        Some((number, again)) if number.parse::<usize>().is_ok() => again,
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faas_core::log::{Field, Format, Log, Origin};
    use std::sync::Arc;

    #[test]
    fn a_line_comes_out_as_it_was_said() {
        let journal = Arc::new(Journal::default());
        let log = Log::new(Level::Debug, Format::Json, journal.clone());
        let fields: [(&[u8], &[u8]); 3] = [(b"message", b"\"own\"\n"), (b"n", b"1"), (b"n", b"2")];
        let origin = Origin { request_id: b"r", target: b"here", entry: "function f", ..Origin::default() };
        log.write(Level::Warn, origin, b"a\nb", fields.into_iter().map(|(name, value)| Field::text(name, value)));
        log.say(Level::Trace, "not wanted");
        log.emit(b"{}");
        let text = |text: &str| text.to_owned();
        let line = LogLine {
            level: 2,
            target: text("here"),
            entry: text("function f"),
            message: text("a\nb"),
            fields: vec![(text("message"), text("\"own\"\n")), (text("n"), text("1")), (text("n"), text("2"))],
            request_id: Some(text("r")),
        };
        assert_eq!(line.field("n"), Some("1"));
        assert_eq!((journal.lines(), journal.emitted()), (vec![line], vec![text("{}")]));
    }
}
