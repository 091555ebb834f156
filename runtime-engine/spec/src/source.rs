//! The texts that a service is read from, and places in them.

use std::fmt;

/// The number of a text in its [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A part of a text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text that it is a part of.
    pub file: FileId,
    /// The offset of the first byte.
    pub start: u32,
    /// The offset of the byte behind the last one.
    pub end: u32,
}

impl Span {
    /// Returns the part `start..end` of a text.
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        // Texts are at most `tree::MOST_BYTES` long.
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file, start: narrow(start), end: narrow(end.max(start)) }
    }

    /// Returns the part from the start of this one to the end of another one of the same text.
    #[must_use]
    pub fn to(self, end: Span) -> Span {
        Span { end: end.end.max(self.end), ..self }
    }

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One text, with its lines.
#[derive(Debug)]
struct Source {
    name: String,
    text: String,
    /// The offset of the first byte of each line.
    lines: Vec<u32>,
}

/// A place as people count: lines and columns from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the file, as it was given.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// All texts of a service: the yml, and the files that it takes parts from.
///
/// ```
/// use serverless_spec::source::{Sources, Span};
///
/// let mut sources = Sources::new();
/// let file = sources.add("serverless.yml", "service: shop\nstage: test\n");
/// let stage = Span::new(file, 21, 25);
/// assert_eq!(sources.part(stage), "test");
/// assert_eq!(sources.place(stage).to_string(), "serverless.yml:2:8");
/// ```
#[derive(Debug, Default)]
pub struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// Returns sources without any text.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds one more text, under its name in diagnostics.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect();
        self.all.push(Source { name: name.into(), text, lines });
        FileId(u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX))
    }

    fn source(&self, file: FileId) -> &Source {
        &self.all[file.0 as usize]
    }

    /// Returns the name of a text.
    pub fn name(&self, file: FileId) -> &str {
        &self.source(file).name
    }

    /// Returns the text of this number.
    pub fn text(&self, file: FileId) -> &str {
        &self.source(file).text
    }

    /// Returns the part of a text that a span covers.
    pub fn part(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or_default()
    }

    /// Returns the place where a span begins.
    pub fn place(&self, span: Span) -> Place {
        let source = self.source(span.file);
        let line = source.lines.partition_point(|start| *start <= span.start);
        let start = source.lines[line - 1] as usize;
        let before = source.text.get(start..span.start as usize).unwrap_or_default();
        Place { file: source.name.clone(), line, column: before.chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let mut sources = Sources::new();
        let file = sources.add("a.yml", "aé: 1\r\nb: 2\n");
        for (start, place) in [(0, "a.yml:1:1"), (3, "a.yml:1:3"), (8, "a.yml:2:1"), (13, "a.yml:3:1")] {
            assert_eq!(sources.place(Span::new(file, start, start)).to_string(), place);
        }
    }
}
