//! Field lines, of the header section and of the trailer section: read line by line, kept as offsets.
//!
//! A line is looked at again only when it is whole or has reached its limit, so that a peer that sends single bytes
//! costs no more than twice the work of one that sends all at once.

use super::Refusal;
use super::grammar;

/// The place of a field, in bytes from the start of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    name: u32,
    name_end: u32,
    value: u32,
    value_end: u32,
}

impl Field {
    /// Makes a field whose parts stand there.
    pub(super) fn at(name: std::ops::Range<usize>, value: std::ops::Range<usize>) -> Field {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Field {
            name: place(name.start),
            name_end: place(name.end),
            value: place(value.start),
            value_end: place(value.end),
        }
    }

    /// Returns the name with the value that stands there.
    pub(super) fn with_value(self, value: std::ops::Range<usize>) -> Field {
        let Field { value, value_end, .. } = Field::at(0..0, value);
        Field { value, value_end, ..self }
    }

    /// Returns where its line begins.
    #[inline]
    pub(super) fn start(&self) -> usize {
        self.name as usize
    }

    /// Returns the length of its name, in bytes.
    #[inline]
    pub(super) fn name_len(&self) -> usize {
        (self.name_end - self.name) as usize
    }

    /// Returns where its value stands.
    pub(super) fn value_range(&self) -> std::ops::Range<usize> {
        self.value as usize..self.value_end as usize
    }

    /// Returns the field where its line, or one before it, begins at `to` instead of at `from`.
    #[inline]
    pub(super) fn moved(&self, from: usize, to: usize) -> Field {
        // A section is never longer than `u32::MAX`, and what is moved lies in one.
        let by = (to as u32).wrapping_sub(from as u32);
        let Field { name, name_end, value, value_end } = *self;
        let place = |at: u32| at.wrapping_add(by);
        Field { name: place(name), name_end: place(name_end), value: place(value), value_end: place(value_end) }
    }

    #[inline]
    pub(super) fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.name as usize..self.name_end as usize]
    }

    #[inline]
    pub(super) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.value as usize..self.value_end as usize]
    }
}

/// The position up to which the lines of a section were read.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Start of the first line that is not read yet.
    pub(super) line: usize,
    /// The position up to which that line was searched for its end.
    searched: usize,
}

impl Lines {
    /// Returns `true` if the line in progress is worth another look: always the first time, later only when its end has
    /// come.
    pub(super) fn worth_reading(&mut self, bytes: &[u8], full: bool) -> bool {
        if full || self.searched <= self.line || bytes[self.searched..].contains(&b'\n') {
            return true;
        }
        self.searched = bytes.len();
        false
    }

    /// Notes that the line in progress goes on past `bytes`.
    pub(super) fn unfinished(&mut self, bytes: &[u8]) {
        self.searched = bytes.len();
    }
}

/// One field line at the front of `bytes[from..]`.
pub(super) enum Line {
    /// Its end has not come.
    Unfinished,
    /// The empty line that ends a section; the offset behind it.
    Empty(usize),
    /// A field, and the offset behind its line.
    Field(Field, usize),
}

/// Reads the line that begins at `from`; `number` counts lines from 1, for errors.
pub(super) fn read_line(bytes: &[u8], from: usize, number: usize) -> Result<Line, Refusal> {
    let line = &bytes[from..];
    let name = grammar::token_len(line);
    match line.get(name) {
        None => return Ok(Line::Unfinished),
        Some(b':') if name > 0 => {}
        Some(b'\r') if name == 0 => {
            return match line.get(1) {
                None => Ok(Line::Unfinished),
                Some(b'\n') => Ok(Line::Empty(from + 2)),
                Some(_) => Err(Refusal::BareCarriageReturn),
            };
        }
        Some(b'\n') if name == 0 => return Err(Refusal::BareLineFeed),
        Some(b' ' | b'\t') if name == 0 => return Err(Refusal::FoldedHeader { line: number }),
        Some(b' ' | b'\t') => return Err(Refusal::SpaceBeforeColon { line: number }),
        Some(&found) => return Err(Refusal::BadHeaderName { line: number, found }),
    }
    let mut value = name + 1;
    while let Some(b' ' | b'\t') = line.get(value) {
        value += 1;
    }
    let end = value + grammar::value_len(&line[value..]);
    let next = match line_end(line, end)? {
        LineEnd::Unfinished => return Ok(Line::Unfinished),
        LineEnd::At(next) => next,
        LineEnd::Other(found) => return Err(Refusal::BadHeaderValue { line: number, found }),
    };
    let mut value_end = end;
    while value_end > value && matches!(line[value_end - 1], b' ' | b'\t') {
        value_end -= 1;
    }
    // A section is never longer than `u32::MAX`: the reader clamps its limits to that.
    let offset = |at: usize| (from + at) as u32;
    let field = Field { name: offset(0), name_end: offset(name), value: offset(value), value_end: offset(value_end) };
    Ok(Line::Field(field, from + next))
}

/// The bytes where a line should end.
pub(super) enum LineEnd {
    Unfinished,
    /// CR LF; the offset behind it.
    At(usize),
    Other(u8),
}

/// Looks for CR LF at `at`; a CR or LF alone is refused.
#[inline]
pub(super) fn line_end(bytes: &[u8], at: usize) -> Result<LineEnd, Refusal> {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Ok(LineEnd::At(at + 2)),
        (None, _) | (Some(b'\r'), None) => Ok(LineEnd::Unfinished),
        (Some(b'\r'), Some(_)) => Err(Refusal::BareCarriageReturn),
        (Some(b'\n'), _) => Err(Refusal::BareLineFeed),
        (Some(&found), _) => Ok(LineEnd::Other(found)),
    }
}

/// The trailer section of a chunked body. Its fields are kept apart from the headers and mean nothing to the framing.
#[derive(Debug, Default)]
pub(super) struct Trailers {
    lines: Lines,
    pub(super) fields: Vec<Field>,
}

impl Trailers {
    pub(super) fn reset(&mut self) {
        self.lines = Lines::default();
        self.fields.clear();
    }

    /// Reads on; gives the length of the section once it is whole. `bytes` begins where the section begins.
    pub(super) fn advance(
        &mut self,
        bytes: &[u8],
        max_bytes: usize,
        max_fields: usize,
    ) -> Result<Option<usize>, Refusal> {
        let full = bytes.len() >= max_bytes;
        let bytes = &bytes[..bytes.len().min(max_bytes)];
        if !self.lines.worth_reading(bytes, full) {
            return Ok(None);
        }
        loop {
            match read_line(bytes, self.lines.line, self.fields.len() + 1)? {
                Line::Unfinished if full => return Err(Refusal::TrailersTooLarge { limit: max_bytes }),
                Line::Unfinished => {
                    self.lines.unfinished(bytes);
                    return Ok(None);
                }
                Line::Empty(end) => return Ok(Some(end)),
                Line::Field(..) if self.fields.len() == max_fields => {
                    return Err(Refusal::TooManyHeaders { limit: max_fields });
                }
                Line::Field(field, next) => {
                    self.fields.push(field);
                    self.lines.line = next;
                }
            }
        }
    }
}
