//! What is wrong or worth knowing, where, and how that is shown.

use crate::source::{Place, Sources, Span};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};
use std::fmt;

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is made of the yml.
    Error,
    /// It means something else than its author may think, or is without effect.
    Warning,
    /// Something that a reader would like to know.
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

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// A short name that never changes, for tools: `unknown-key`.
    pub code: &'static str,
    /// One sentence that says what is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What stands there, in words; may be empty.
    pub label: String,
    /// Other places that belong to it, each with its words.
    pub others: Vec<(Span, String)>,
    /// What to write instead, or why; each a sentence or a few lines.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, span, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, span, message)
    }

    /// A note.
    pub fn note(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Note, code, span, message)
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        let (label, others, help) = (String::new(), Vec::new(), Vec::new());
        Diagnostic { severity, code, message: message.into(), span, label, others, help }
    }

    /// With words for the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// With another place.
    #[must_use]
    pub fn other(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.others.push((span, label.into()));
        self
    }

    /// With something to do about it. An empty text is left out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        let help = help.into();
        if !help.is_empty() {
            self.help.push(help);
        }
        self
    }

    /// Where it is.
    pub fn place(&self, sources: &Sources) -> Place {
        sources.place(self.span)
    }
}

/// The code of what readers of YAML 1.1 see differently.
pub(crate) const YAML_1_1: &str = "yaml-1-1";

/// More are counted and not listed, which bounds what a wrong text can cost.
const MOST_LISTED: usize = 500;

/// All findings about a yml.
#[derive(Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    left_out: usize,
}

impl Diagnostics {
    /// One more.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        if self.all.len() < MOST_LISTED {
            self.all.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// All that are listed, in the order of the texts.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.all.sort_by_key(|diagnostic| (diagnostic.span, diagnostic.severity));
        self.all.dedup();
        // How others read a value is of no interest where it is wrong anyway.
        let errors = self.all.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let wrong: Vec<Span> = errors.map(|diagnostic| diagnostic.span).collect();
        self.all.retain(|diagnostic| diagnostic.code != YAML_1_1 || wrong.binary_search(&diagnostic.span).is_err());
        self.all
    }

    /// How many more there are than are listed.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// `true` if there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Lines that are longer are shown in part: a text on one line must not be repeated whole for each finding.
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

/// The part of a range that lies in its first line: what spans many lines is underlined in the first.
fn first_line(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let part = text.get(range.clone()).unwrap_or_default();
    let end = part.find(['\n', '\r']).map_or(range.end, |at| range.start + at);
    range.start.min(text.len())..end.min(text.len())
}

/// The known word that is nearest to one that is not known.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // What is this long is no slip of a word, and looking for it would take long.
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
