//! The mistakes in a manifest: positions, paths, and the words for values that were found.

use crate::fields::lower_case;
use crate::json::{Value, ValueKind};
use crate::settings::distance;
use std::borrow::Cow;
use std::fmt;

/// The number of mistakes that are listed; of more only the number is told. It bounds the memory that a wrong text can
/// take.
const MOST_LISTED: usize = 1_000;

/// The number of characters of a text that are shown.
const MOST_SHOWN: usize = 60;

/// A place in a text. Both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line; lines end with a line feed.
    pub line: usize,
    /// The column, in characters from 1 on.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One thing that is wrong with a manifest. No value of a `config` or `environment` is ever in it; of a text that is no
/// JSON it shows one byte at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The place of the mistake in the text.
    pub position: Position,
    /// The path to the value, as `functions[2].events[0].http.path`; empty for the whole manifest.
    pub place: String,
    /// The problem: the expected and the found value.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if self.place.is_empty() { "" } else { ", " };
        write!(f, "{}{between}{}: {}", self.position, self.place, self.problem)
    }
}

impl std::error::Error for Mistake {}

/// Finds lines and columns of ascending offsets in one walk through a text.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    text: &'t [u8],
    offset: usize,
    position: Position,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t [u8]) -> Cursor<'t> {
        Cursor { text, offset: 0, position: Position { line: 1, column: 1 } }
    }

    /// Returns the position of a byte. A byte before the last one asked for is found by a walk from the beginning.
    pub(super) fn position(&mut self, offset: usize) -> Position {
        if offset < self.offset {
            *self = Cursor::new(self.text);
        }
        let passed = self.text.get(self.offset..offset).unwrap_or_default();
        // Every byte of a character but its first is 10xxxxxx.
        let mut characters = 0;
        let line_feed = passed.iter().rposition(|byte| {
            characters += usize::from(byte & 0xc0 != 0x80);
            *byte == b'\n'
        });
        match line_feed {
            None => self.position.column += characters,
            // The line feed has been counted, as columns count from 1.
            Some(end) => {
                self.position = Position { line: self.position.line + lines(&passed[..=end]), column: characters }
            }
        }
        self.offset = offset;
        self.position
    }
}

/// Returns the number of line feeds. It counts in pieces that one byte can count, of which compilers make vector code.
fn lines(bytes: &[u8]) -> usize {
    bytes.chunks(255).map(|piece| usize::from(piece.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>())).sum()
}

/// The way to a value. It lives on the stack of the reader and is written only into mistakes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'p> {
    /// The whole text itself.
    Root,
    /// A member of an object.
    Key(&'p Path<'p>, &'p str),
    /// An element of an array.
    Index(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(parent, key) if !is_word(key) => write!(f, "{parent}[{}]", quoted(key)),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Returns `true` if a key may stand in a path without quotes.
fn is_word(key: &str) -> bool {
    key.len() <= MOST_SHOWN && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// All mistakes of one text, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    found: Vec<(usize, String, String)>,
    left_out: usize,
}

impl Mistakes {
    /// Makes the list of a single mistake of the whole text, found at that byte.
    pub(super) fn of(offset: usize, problem: String) -> Mistakes {
        let mut mistakes = Mistakes::default();
        mistakes.list(offset, &Path::Root, problem);
        mistakes
    }

    /// Adds one more mistake, at that byte. `problem` is called only if the mistake is listed.
    pub(super) fn add(&mut self, offset: usize, path: &Path<'_>, problem: impl FnOnce() -> String) {
        if self.found.len() < MOST_LISTED {
            self.list(offset, path, problem());
        } else {
            self.left_out += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn list(&mut self, offset: usize, path: &Path<'_>, problem: String) {
        // Most are found in order. A sort's code would be many times the rest of this file.
        let at = self.found.partition_point(|(other, ..)| *other <= offset);
        self.found.insert(at, (offset, path.to_string(), problem));
    }

    /// Returns the number of mistakes so far.
    pub(super) fn count(&self) -> usize {
        self.found.len() + self.left_out
    }

    /// Forgets all mistakes so far.
    pub(super) fn clear(&mut self) {
        *self = Mistakes::default();
    }

    /// Returns the mistakes in the order of the text, with lines and columns.
    pub(super) fn in_order(self, text: &[u8]) -> Vec<Mistake> {
        let mut cursor = Cursor::new(text);
        let mut list: Vec<Mistake> = self
            .found
            .into_iter()
            .map(|(offset, place, problem)| Mistake { position: cursor.position(offset), place, problem })
            .collect();
        if self.left_out > 0 {
            let problem =
                format!("expected nothing more, found {} further mistakes, which are not listed", self.left_out);
            list.push(Mistake { position: cursor.position, place: String::new(), problem });
        }
        list
    }
}

/// Describes a value in words: a text in quotes, a number, `true`, `false` or `null` as they stand, else the kind.
pub(super) fn found(value: Value<'_>) -> String {
    match value.as_str() {
        Some(text) => quoted(&text),
        None if matches!(value.kind(), ValueKind::Array | ValueKind::Object) => kind(value).to_owned(),
        None => shortened(value.text()).into_owned(),
    }
}

/// Returns the kind of a value, for messages where the value itself may be a secret.
pub(super) fn kind(value: Value<'_>) -> &'static str {
    match value.kind() {
        ValueKind::Null => "null",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a string",
        ValueKind::Array => "an array",
        ValueKind::Object => "an object",
    }
}

/// Returns a text in quotes, with its end left out if it is long.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text))
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MOST_SHOWN) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// Returns the question whether another word was meant, to stand behind the word that was found. It is empty if no
/// known word is near. Case makes no difference.
pub(super) fn did_you_mean<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> String {
    // What is this long is no slip of a word, and looking for it would take long.
    if word.len() > MOST_SHOWN {
        return String::new();
    }
    let lower = lower_case(word);
    let near = known
        .filter(|other| other.len().abs_diff(word.len()) <= allowed(word))
        .map(|other| (distance(&lower, &lower_case(other)), other))
        .min();
    match near {
        Some((away, other)) if away <= allowed(word) => format!("; did you mean {}?", quoted(other)),
        _ => String::new(),
    }
}

/// Returns the number of letters that may differ from a word that was meant.
fn allowed(word: &str) -> usize {
    (word.len() / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_a_line_feed_and_columns_are_characters() {
        let text = "żó\r\n😀x\n\ny";
        let mut cursor = Cursor::new(text.as_bytes());
        for (offset, line, column) in
            [(0, 1, 1), (2, 1, 2), (5, 1, 4), (6, 2, 1), (10, 2, 2), (12, 3, 1), (13, 4, 1), (14, 4, 2)]
        {
            assert_eq!(cursor.position(offset), Position { line, column }, "{offset}");
        }
        assert_eq!(cursor.position(10), Position { line: 2, column: 2 }, "backwards");
    }

    #[test]
    fn a_near_word_is_asked_for_and_a_far_one_is_not() {
        let known = ["name", "handler", "timeout", "for"];
        let hint = |word: &str| did_you_mean(word, known.into_iter());
        assert_eq!(hint("timout"), "; did you mean \"timeout\"?");
        assert_eq!(hint("TIMEOUT"), "; did you mean \"timeout\"?");
        assert_eq!(hint("nmae"), "; did you mean \"name\"?");
        for far in ["colour", "", "id", &"timeout".repeat(100)] {
            assert_eq!(hint(far), "", "{far}");
        }
    }

    #[test]
    fn more_mistakes_than_are_listed_are_counted() {
        let mut mistakes = Mistakes::default();
        for offset in (0..MOST_LISTED + 7).rev() {
            mistakes.add(offset, &Path::Root, || "wrong".to_owned());
        }
        let text = vec![b' '; MOST_LISTED + 7];
        let list = mistakes.in_order(&text);
        assert_eq!(list.len(), MOST_LISTED + 1);
        assert_eq!(list[0].position.column, 8);
        assert!(list[MOST_LISTED].problem.contains("found 7 further mistakes"), "{}", list[MOST_LISTED]);
    }
}
