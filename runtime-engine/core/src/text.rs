//! Bytes that grow at their end and never move once they have been shown, and the places of texts in them. What a text
//! means is not for this file to know.
//!
//! A module may keep an address that it was given for as long as its invocation lasts. So a text that has no room for
//! more goes on in a wider piece of memory, and the piece it has outgrown stays as it is until the text is cleared.
//! Every text is whole in the newest piece: reading one costs no more than reading a vector.

/// The least bytes of the first piece, so that a text of a few words is made at once.
const FIRST_BYTES: usize = 128;

/// The place of a text in a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The span of no text at all.
    pub const EMPTY: Span = Span { start: 0, len: 0 };

    /// Makes the span of `text[start..end]`. Buffers are far below 4 GiB: bodies have limits.
    pub fn new(start: usize, end: usize) -> Span {
        let start32 = u32::try_from(start).unwrap_or(u32::MAX);
        Span { start: start32, len: u32::try_from(end.saturating_sub(start)).unwrap_or(0) }
    }

    /// Makes the span of a part of `buffer`. It is empty if the bytes are not a part of the buffer.
    pub fn of(buffer: &[u8], part: &[u8]) -> Span {
        match part.as_ptr().addr().checked_sub(buffer.as_ptr().addr()) {
            Some(start) if start + part.len() <= buffer.len() => Span::new(start, start + part.len()),
            _ => Span::EMPTY,
        }
    }

    /// Returns the text in its buffer. It is empty if the buffer is shorter than the span.
    pub fn read(self, buffer: &[u8]) -> &[u8] {
        let start = self.start as usize;
        buffer.get(start..start + self.len as usize).unwrap_or_default()
    }

    /// Returns the number of bytes of the buffer before the text.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Returns `true` if there is no text.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Returns the number of bytes.
    pub fn len(self) -> usize {
        self.len as usize
    }
}

/// A text and the memory it has outgrown.
#[derive(Debug, Default)]
pub struct Text {
    bytes: Vec<u8>,
    outgrown: Option<Box<Outgrown>>,
}

/// A piece of memory that a text has outgrown, and those before it.
#[derive(Debug)]
#[allow(dead_code, reason = "the memory is there for modules, which have its address")]
struct Outgrown {
    piece: Vec<u8>,
    earlier: Option<Box<Outgrown>>,
}

impl Text {
    /// Returns the whole text.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns `true` if there is no byte.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends `more` and returns its place. The text that was there before does not move.
    #[inline]
    pub fn put(&mut self, more: &[u8]) -> Span {
        let start = self.bytes.len();
        if more.len() <= self.bytes.capacity() - start {
            self.bytes.extend_from_slice(more);
        } else {
            self.put_in_wider(more);
        }
        Span::new(start, self.bytes.len())
    }

    /// Appends the bytes that `write` appends and returns their place. It is only for a text that nobody has been shown
    /// yet: the bytes may move.
    pub fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.bytes.len();
        write(&mut self.bytes);
        Span::new(start, self.bytes.len())
    }

    /// Empties it and keeps the widest piece of its memory. All parts that were shown of it are gone.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        if self.outgrown.is_some() {
            self.let_go();
        }
    }

    #[cold]
    fn let_go(&mut self) {
        self.outgrown = None;
    }

    #[cold]
    fn put_in_wider(&mut self, more: &[u8]) {
        let capacity = (self.bytes.len() + more.len()).max(2 * self.bytes.capacity()).max(FIRST_BYTES);
        let mut wider = Vec::with_capacity(capacity);
        wider.extend_from_slice(&self.bytes);
        wider.extend_from_slice(more);
        let piece = std::mem::replace(&mut self.bytes, wider);
        if !piece.is_empty() {
            self.outgrown = Some(Box::new(Outgrown { piece, earlier: self.outgrown.take() }));
        }
    }
}

impl Clone for Text {
    fn clone(&self) -> Text {
        Text { bytes: self.bytes.clone(), outgrown: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_stays_where_it_was_while_the_text_grows() {
        let mut text = Text::default();
        let first = text.put(b"first");
        let shown = first.read(text.as_slice()).as_ptr().addr();
        let mut spans = vec![first];
        for number in 0..1000_u32 {
            spans.push(text.put(number.to_string().as_bytes()));
        }
        let mut pieces = std::iter::successors(text.outgrown.as_ref(), |outgrown| outgrown.earlier.as_ref());
        assert!(pieces.any(|of| of.piece.as_ptr().addr() == shown && of.piece.starts_with(b"first")));
        assert_eq!(first.read(text.as_slice()), b"first");
        assert_eq!(spans[1000].read(text.as_slice()), b"999");
    }

    #[test]
    fn a_cleared_text_keeps_its_widest_piece_alone() {
        let fill = |text: &mut Text| {
            for _ in 0..100 {
                text.put(&[b'x'; 100]);
            }
        };
        let mut text = Text::default();
        fill(&mut text);
        let capacity = text.bytes.capacity();
        text.clear();
        assert!(text.is_empty() && text.outgrown.is_none());
        fill(&mut text);
        assert!(text.bytes.capacity() == capacity && text.outgrown.is_none());
    }
}
