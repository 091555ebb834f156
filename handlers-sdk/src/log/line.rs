//! One structured line: a flat JSON object, for layers that write documents of their own on the log stream.

use crate::call::config::Config;
use crate::encoding::json_text;
use std::fmt::Write;

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
    /// An empty object.
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

    /// A text.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Line {
        self.key(name);
        json_text::push(&mut self.text, value);
        self
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Line {
        self.key(name);
        let _ = write!(self.text, "{value}");
        self
    }

    /// True or false.
    pub fn flag(&mut self, name: &str, value: bool) -> &mut Line {
        self.key(name);
        self.text.push_str(if value { "true" } else { "false" });
        self
    }

    /// A value that is JSON already.
    pub fn json(&mut self, name: &str, value: &str) -> &mut Line {
        self.key(name);
        self.text.push_str(value);
        self
    }

    /// The whole line.
    pub fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }

    /// Writes it on the platform's log stream.
    pub fn emit(self, config: &Config) {
        config.emit(self.finish().as_bytes());
    }
}
