//! Findings about a yml, with their places, and the way they are shown.

use crate::source::{Place, Sources, Span};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};
use serde::Serialize;
use std::fmt;

/// The importance of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The yml is wrong, and nothing is made of it.
    Error,
    /// The key means something else than its author may think, or is without effect.
    Warning,
    /// A fact that a reader would like to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

/// One finding, and its place.
///
/// ```
/// use serverless_spec::diagnostic::{Diagnostic, render};
/// use serverless_spec::source::{Sources, Span};
///
/// let mut sources = Sources::new();
/// let file = sources.add("serverless.yml", "service: shop\nregion: mars\n");
/// let finding = Diagnostic::error("unknown-region", Span::new(file, 22, 26), "there is no region `mars`")
///     .label("expected a place on earth")
///     .help("did you mean `eu`?");
/// let shown = render(&finding, &sources, false);
/// assert!(shown.contains("serverless.yml:2:9") && shown.contains("did you mean `eu`?"), "{shown}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The importance of the finding.
    pub severity: Severity,
    /// A short name that never changes, for tools: `unknown-key`.
    pub code: &'static str,
    /// The finding in one sentence.
    pub message: String,
    /// The place of the finding.
    pub span: Span,
    /// The words at the place itself; may be empty.
    pub label: String,
    /// Other places that belong to it, each with its words.
    pub others: Vec<(Span, String)>,
    /// The hints on the right way to write it, or the reason. Each is a sentence or a few lines.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// Makes a finding that is an error.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, span, message)
    }

    /// Makes a finding that is a warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, span, message)
    }

    /// Makes a finding that is a note.
    pub fn note(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Note, code, span, message)
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        let (label, others, help) = (String::new(), Vec::new(), Vec::new());
        Diagnostic { severity, code, message: message.into(), span, label, others, help }
    }

    /// Adds words for the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// Adds another place, with its words.
    #[must_use]
    pub fn other(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.others.push((span, label.into()));
        self
    }

    /// Adds a hint. An empty text is left out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        let help = help.into();
        if !help.is_empty() {
            self.help.push(help);
        }
        self
    }

    /// Returns the place as people count.
    pub fn place(&self, sources: &Sources) -> Place {
        sources.place(self.span)
    }
}

/// The code of findings about values that readers of YAML 1.1 see differently.
pub(crate) const YAML_1_1: &str = "yaml-1-1";

/// The most findings that are listed. More are only counted, which bounds the cost of a wrong text.
const MOST_LISTED: usize = 500;

/// All findings about a yml.
#[derive(Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    left_out: usize,
}

impl Diagnostics {
    /// Adds one more finding.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        if self.all.len() < MOST_LISTED {
            self.all.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// Returns all findings that are listed, in the order of the texts.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.all.sort_by_key(|diagnostic| (diagnostic.span, diagnostic.severity));
        self.all.dedup();
        // A note that others read a value differently is of no use where the value is wrong anyway.
        let errors = self.all.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let wrong: Vec<Span> = errors.map(|diagnostic| diagnostic.span).collect();
        self.all.retain(|diagnostic| diagnostic.code != YAML_1_1 || wrong.binary_search(&diagnostic.span).is_err());
        self.all
    }

    /// Returns the number of findings that are not listed: those after the first 500 are only counted.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Returns `true` if there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// The longest line that is shown whole, in bytes. Longer ones are cut: a text on one line must not be repeated for
/// each finding.
const LONGEST_LINE: usize = 2_000;

/// Shows a finding with its lines: the text of a terminal, with colours if `colours` says so.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, colours: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code);
    let mut group = Group::with_title(title);
    let mut files = vec![diagnostic.span.file];
    files.extend(diagnostic.others.iter().map(|(span, _)| span.file));
    files.dedup();
    for file in files {
        let text = sources.text(file);
        let is_shown = |span: &Span| span.file == file && line_length(text, span.start as usize) <= LONGEST_LINE;
        let mut snippet = Snippet::source(text).path(sources.name(file));
        let mut shown = 0;
        if is_shown(&diagnostic.span) {
            let primary = AnnotationKind::Primary.span(first_line(text, diagnostic.span.range()));
            snippet = snippet.annotation(primary.label(some(&diagnostic.label)));
            shown += 1;
        }
        for (span, label) in diagnostic.others.iter().filter(|(span, _)| is_shown(span)) {
            let context = AnnotationKind::Context.span(first_line(text, span.range()));
            snippet = snippet.annotation(context.label(some(label)));
            shown += 1;
        }
        if shown > 0 {
            group = group.element(snippet);
        } else if diagnostic.span.file == file {
            let place = sources.place(diagnostic.span);
            let origin = annotate_snippets::Origin::path(sources.name(file)).line(place.line).char_column(place.column);
            group = group.element(Element::Origin(origin));
        }
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

fn some(label: &str) -> Option<&str> {
    Some(label).filter(|label| !label.is_empty())
}

fn line_length(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    let bytes = text.as_bytes();
    let before = bytes[..at].iter().rev().take(LONGEST_LINE + 1).take_while(|byte| **byte != b'\n').count();
    before + bytes[at..].iter().take(LONGEST_LINE + 1).take_while(|byte| **byte != b'\n').count()
}

/// Returns the part of a range that lies in its first line: of a range over many lines only that is underlined.
fn first_line(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let part = text.get(range.clone()).unwrap_or_default();
    let end = part.find(['\n', '\r']).map_or(range.end, |at| range.start + at);
    range.start.min(text.len())..end.min(text.len())
}

/// Returns the known word that is nearest to another one; `None` if no word is near.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // A word of this length is no slip of the pen, and a search for it would take long.
    if word.len() > 60 {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let allowed = (word.len() / 3).max(1);
    known
        .filter(|other| other.len().abs_diff(word.len()) <= allowed)
        .map(|other| (faas_core::settings::distance(&lower, &other.to_ascii_lowercase()), other))
        .filter(|(away, _)| *away <= allowed)
        .min_by_key(|(away, _)| *away)
        .map(|(_, other)| other)
}
