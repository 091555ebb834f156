//! The output for people: plain lines on standard output, and the reason of a failure on standard error, each with colour
//! only where that output is a terminal. Nothing is decided here.

use crate::failure::Failure;
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::time::Duration;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";

/// The place that lines go to, and whether they may be coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    colour: bool,
    /// `true` if standard error may have colours.
    error_colour: bool,
    /// `true` if lines go to standard error.
    aside: bool,
}

impl Screen {
    /// Makes a screen on the standard output.
    pub(crate) fn new() -> Screen {
        let (no_colour, terminal) = (std::env::var_os("NO_COLOR"), std::env::var_os("TERM"));
        let may = has_colour(no_colour.as_deref(), terminal.as_deref());
        let (out, error) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Screen { colour: may && out, error_colour: may && error, aside: false }
    }

    /// Makes a screen on the standard error, for output to people while the standard output has an answer for programs.
    pub(crate) fn aside() -> Screen {
        Screen { colour: false, error_colour: false, aside: true }
    }

    /// Writes a line as it is. A closed output is no reason to fail.
    pub(crate) fn line(self, text: &str) {
        let _ = match self.aside {
            false => writeln!(std::io::stdout().lock(), "{text}"),
            true => writeln!(std::io::stderr().lock(), "{text}"),
        };
    }

    /// Returns `true` if the output may have colours.
    pub(crate) fn has_colours(self) -> bool {
        self.colour
    }

    /// Writes a labelled line of the tool's own.
    pub(crate) fn head(self, label: &str, text: &str) {
        self.line(&format!("{}{text}", paint(self.colour, BOLD, &format!("{label:<10}"))));
    }

    /// Returns `true` if the standard error may have colours.
    pub(crate) fn has_error_colours(self) -> bool {
        self.error_colour
    }

    /// Writes more lines that belong to the label above.
    pub(crate) fn under(self, text: &str) {
        for line in text.lines() {
            self.line(&format!("{:10}{line}", ""));
        }
    }

    /// Writes a line that came from the runtime.
    pub(crate) fn passed_on(self, name: &str, text: &str) {
        self.line(&paint(self.colour, DIM, &format!("{name} | {text}")));
    }

    /// Writes the reason why the tool ends.
    pub(crate) fn failed(self, failure: &Failure) {
        let _ = writeln!(std::io::stderr().lock(), "{}", self.failure(failure));
    }

    fn failure(self, failure: &Failure) -> String {
        format!("{} {failure}", paint(self.error_colour, RED, "failed:"))
    }
}

fn paint(has_colour: bool, colour: &str, text: &str) -> String {
    if has_colour { format!("{colour}{text}\x1b[0m") } else { text.to_owned() }
}

/// Returns `true` if a terminal may get colours, by the values of `NO_COLOR` and `TERM`.
fn has_colour(no_colour: Option<&OsStr>, terminal: Option<&OsStr>) -> bool {
    no_colour.is_none_or(OsStr::is_empty) && terminal.is_some_and(|terminal| terminal != "dumb")
}

/// Returns a duration with three digits and a unit.
pub(crate) fn duration(time: Duration) -> String {
    let us = time.as_secs_f64() * 1e6;
    match us {
        us if us < 999.5 => format!("{us:.0} us"),
        us if us < 99_950.0 => format!("{:.1} ms", us / 1e3),
        us if us < 999_500.0 => format!("{:.0} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

/// Returns a number of things in words: `1 error`, `2 errors`.
pub(crate) fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Returns a number of bytes in words.
pub(crate) fn bytes(count: usize) -> String {
    many(count, "byte")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_red_where_the_standard_error_is_a_terminal_whatever_the_standard_output_is() {
        let failure = Failure::new("build", "no");
        for (colour, error_colour, text) in
            [(true, false, "failed: build: no"), (false, true, "\x1b[31mfailed:\x1b[0m build: no")]
        {
            assert_eq!(Screen { colour, error_colour, aside: false }.failure(&failure), text);
        }
    }

    #[test]
    fn variables_may_forbid_colours() {
        let has = |no_colour: Option<&str>, terminal: Option<&str>| {
            has_colour(no_colour.map(OsStr::new), terminal.map(OsStr::new))
        };
        assert!(has(None, Some("xterm")) && has(Some(""), Some("xterm")));
        assert!(!has(Some("1"), Some("xterm")) && !has(None, Some("dumb")) && !has(None, None));
    }

    #[test]
    fn durations_keep_about_three_digits() {
        for (us, text) in [
            (0, "0 us"),
            (999, "999 us"),
            (1_000, "1.0 ms"),
            (12_340, "12.3 ms"),
            (99_960, "100 ms"),
            (999_600, "1.00 s"),
            (1_500_000, "1.50 s"),
        ] {
            assert_eq!(duration(Duration::from_micros(us)), text);
        }
    }
}
