//! One structured line: a flat JSON object, for layers that write documents of their own on the log stream.

use crate::encoding::json_text;
#[cfg(feature = "json")]
use crate::encoding::time;
use std::fmt::Write;
#[cfg(feature = "json")]
use std::time::SystemTime;

/// A line in the making. Members stand in the order they are added; names are the caller's and are not checked for
/// repeats.
///
/// ```
/// let mut line = handlers_sdk::Line::new();
/// line.text("phase", "Invoke").number("us", 41).flag("cold_start", true);
/// assert_eq!(line.finish(), r#"{"phase":"Invoke","us":41,"cold_start":true}"#);
/// ```
#[derive(Clone, Debug)]
pub struct Line {
    text: String,
}

impl Default for Line {
    fn default() -> Line {
        Line::new()
    }
}

impl Line {
    /// Returns an empty object.
    pub fn new() -> Line {
        let mut text = String::with_capacity(256);
        text.push('{');
        Line { text }
    }

    fn key(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        json_text::push(&mut self.text, name);
        self.text.push(':');
    }

    /// Adds a member that is a text.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Line {
        self.key(name);
        json_text::push(&mut self.text, value);
        self
    }

    /// Adds a member that is a whole number.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Line {
        self.key(name);
        let _ = write!(self.text, "{value}");
        self
    }

    /// Adds a member that is `true` or `false`.
    pub fn flag(&mut self, name: &str, value: bool) -> &mut Line {
        self.key(name);
        self.text.push_str(if value { "true" } else { "false" });
        self
    }

    /// Adds a member that is a time, in UTC to the millisecond: `2026-01-02T03:04:05.678Z`.
    #[cfg(feature = "json")]
    pub fn time(&mut self, name: &str, at: SystemTime) -> &mut Line {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = time::rfc3339(i64::try_from(since.as_secs()).unwrap_or(0));
        let whole = seconds.strip_suffix('Z').unwrap_or("1970-01-01T00:00:00");
        self.text(name, &format!("{whole}.{:03}Z", since.subsec_millis()))
    }

    /// Adds a member whose value is JSON already.
    pub fn json(&mut self, name: &str, value: &str) -> &mut Line {
        self.key(name);
        self.text.push_str(value);
        self
    }

    /// Ends the object, and returns the whole line.
    pub fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}
