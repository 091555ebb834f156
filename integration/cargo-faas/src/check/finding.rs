//! Findings about a file or a package: mistakes, and things worth knowing.

use serde::Serialize;
use serverless_spec::diagnostic::Severity;
use std::fmt;

/// One finding about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The severity of it.
    pub(crate) severity: Severity,
    /// The code of this kind of finding, which never changes.
    pub(crate) code: &'static str,
    /// The file that it is about: its path, in a package relative to that.
    pub(crate) file: String,
    /// The text, which says what was expected and what was found.
    pub(crate) message: String,
    /// The help for it; `None` if that goes without saying.
    pub(crate) help: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}: {}", self.severity, self.code, self.file, self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  = help: {help}"),
            None => Ok(()),
        }
    }
}

/// The findings of one check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding that is an error.
    pub(crate) fn error(&mut self, code: &'static str, file: &str, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, code, file, message.into())
    }

    /// Adds a finding that is a warning.
    pub(crate) fn warning(&mut self, code: &'static str, file: &str, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Warning, code, file, message.into())
    }

    /// Adds a finding that is a note.
    pub(crate) fn note(&mut self, code: &'static str, file: &str, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Note, code, file, message.into())
    }

    fn add(&mut self, severity: Severity, code: &'static str, file: &str, message: String) -> &mut Finding {
        let at = self.0.len();
        self.0.push(Finding { severity, code, file: file.to_owned(), message, help: None });
        &mut self.0[at]
    }

    /// Returns all findings, the worst first.
    pub(crate) fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.severity);
        self.0
    }

    /// Returns the number of errors.
    pub(crate) fn errors(&self) -> usize {
        self.0.iter().filter(|finding| finding.severity == Severity::Error).count()
    }
}

impl Finding {
    /// Adds help to the last finding.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}
