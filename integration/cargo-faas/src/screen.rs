//! The output for people: plain lines on standard output, with colour only where that is a terminal. Nothing is decided
//! here.

use crate::failure::Failure;
use std::io::{IsTerminal, Write};
use std::time::Duration;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";

/// The place that lines go to, and whether they may be coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    colour: bool,
    /// `true` if lines go to standard error.
    aside: bool,
}

impl Screen {
    /// Makes a screen on the standard output.
    pub(crate) fn new() -> Screen {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let able = std::env::var_os("TERM").is_some_and(|value| value != "dumb");
        Screen { colour: wanted && able && std::io::stdout().is_terminal(), aside: false }
    }

    /// Makes a screen on the standard error, for output to people while the standard output has an answer for programs.
    pub(crate) fn aside() -> Screen {
        Screen { colour: false, aside: true }
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.colour { format!("{colour}{text}\x1b[0m") } else { text.to_owned() }
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
        self.line(&format!("{}{text}", self.paint(BOLD, &format!("{label:<10}"))));
    }

    /// Writes more lines that belong to the label above.
    pub(crate) fn under(self, text: &str) {
        for line in text.lines() {
            self.line(&format!("{:10}{line}", ""));
        }
    }

    /// Writes a line that came from the runtime.
    pub(crate) fn passed_on(self, name: &str, text: &str) {
        self.line(&self.paint(DIM, &format!("{name} | {text}")));
    }

    /// Writes the reason why the tool ends.
    pub(crate) fn failed(self, failure: &Failure) {
        let text = format!("{} {failure}", self.paint(RED, "failed:"));
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
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

/// Returns a number of bytes in words.
pub(crate) fn bytes(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

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
