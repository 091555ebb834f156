//! A text that is read as a whole, down to its innermost values: the check has noted where every array and object ends,
//! so that none is walked through again at each depth above it.

use super::error::Error;
use super::lens::{Elements, Key, Members, Value, parse_with};
use super::scan;
use super::validate::Notes;
use crate::text::Span;
use std::cell::Cell;

/// A valid JSON text, and where its arrays and objects end.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a [u8],
    value: Value<'a>,
    /// The arrays and objects that are not empty, in the order in which they begin.
    containers: Vec<Span>,
    /// The index of the container behind the one that was found last: of a text that is read in its order, the next.
    next: Cell<usize>,
}

impl<'a> Document<'a> {
    /// Checks a text as [`parse`](super::parse) does.
    ///
    /// # Errors
    /// It fails as [`parse`](super::parse) does.
    pub fn parse(text: &'a [u8]) -> Result<Document<'a>, Error> {
        let mut found = Containers::default();
        let (value, _) = parse_with(text, &mut found)?;
        if u32::try_from(text.len()).is_err() {
            // Places this far do not fit a span. Containers that are not known are walked through.
            found.spans.clear();
        }
        Ok(Document { text, value, containers: found.spans, next: Cell::new(0) })
    }

    /// Returns the one value of the text.
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    /// Returns the members of a value of this text, as [`Value::members`] does.
    pub fn members<'d>(&'d self, value: Value<'a>) -> impl Iterator<Item = (Key<'a>, Value<'a>)> + use<'a, 'd> {
        let mut members = value.members();
        std::iter::from_fn(move || self.next_member(&mut members))
    }

    /// Returns the elements of a value of this text, as [`Value::elements`] does.
    pub fn elements<'d>(&'d self, value: Value<'a>) -> impl Iterator<Item = Value<'a>> + use<'a, 'd> {
        let mut elements = value.elements();
        std::iter::from_fn(move || self.next_element(&mut elements))
    }

    #[inline(never)]
    fn next_member(&self, members: &mut Members<'a>) -> Option<(Key<'a>, Value<'a>)> {
        members.step(|bytes, at| self.value_end(bytes, at))
    }

    #[inline(never)]
    fn next_element(&self, elements: &mut Elements<'a>) -> Option<Value<'a>> {
        elements.step(|bytes, at| self.value_end(bytes, at))
    }

    /// Returns the index behind the value that begins at `at` of these bytes, a part of the text.
    #[inline]
    fn value_end(&self, bytes: &[u8], at: usize) -> usize {
        let known = match bytes.get(at) {
            Some(b'{' | b'[') => self.container(Span::of(self.text, bytes).start() + at),
            _ => None,
        };
        known.map_or_else(|| scan::value_end(bytes, at), |container| at + container.len())
    }

    /// Returns the container that begins at that byte of the text; `None` if it is empty.
    fn container(&self, start: usize) -> Option<Span> {
        let next = self.next.get();
        let index = match self.containers.get(next) {
            Some(container) if container.start() == start => next,
            _ => self.containers.binary_search_by_key(&start, |container| container.start()).ok()?,
        };
        self.next.set(index + 1);
        self.containers.get(index).copied()
    }
}

/// The containers that the check has come by.
#[derive(Default)]
struct Containers {
    spans: Vec<Span>,
    /// The indices of those that have not ended, outermost first.
    open: Vec<usize>,
}

impl Notes for Containers {
    #[inline]
    fn open(&mut self, start: usize) {
        self.open.push(self.spans.len());
        self.spans.push(Span::new(start, start));
    }

    #[inline]
    fn close(&mut self, end: usize) {
        if let Some(span) = self.open.pop().and_then(|index| self.spans.get_mut(index)) {
            *span = Span::new(span.start(), end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const TEXT: &str =
        r#" { "a" : [ {"b":[1,{"c":"}]"}]} , [] , [[2],{ }] ] ,"d":{"e":{"f":null}},"g":[{"h":1},{"i":2}]} "#;

    fn texts(document: &Document<'_>, value: Value<'_>) -> Vec<String> {
        let members = document.members(value).map(|(key, value)| format!("{}={}", key.as_str(), value.text()));
        members.chain(document.elements(value).map(|value| value.text().to_owned())).collect()
    }

    #[test]
    fn values_are_found_in_any_order() {
        let document = Document::parse(TEXT.as_bytes()).expect(TEXT);
        let at = |path: &[&str]| document.value().path(path).expect(TEXT);
        let (a, d, g) = (at(&["a"]), at(&["d"]), at(&["g"]));
        for _ in 0..2 {
            assert_eq!(texts(&document, g), [r#"{"h":1}"#, r#"{"i":2}"#]);
            assert_eq!(texts(&document, a), [r#"{"b":[1,{"c":"}]"}]}"#, "[]", "[[2],{ }]"]);
            assert_eq!(texts(&document, d), [r#"e={"f":null}"#]);
            assert_eq!(texts(&document, at(&["d", "e"])), ["f=null"]);
            assert_eq!(texts(&document, document.value()).len(), 3);
        }
        assert!(texts(&document, at(&["d", "e", "f"])).is_empty());
    }

    #[test]
    fn every_array_and_object_that_is_not_empty_is_known() {
        let document = Document::parse(TEXT.as_bytes()).expect(TEXT);
        assert_eq!(document.containers.len(), TEXT.matches(['{', '[']).count() - 2);
        for container in &document.containers {
            let text = container.read(TEXT.as_bytes());
            assert_eq!(parse(text).expect(TEXT).raw(), text, "no more and no less than a value");
        }
        for text in ["7", "{}", "[ ]", "\"[{\""] {
            assert!(Document::parse(text.as_bytes()).expect(text).containers.is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_as_ever() {
        for text in ["", "{", "[{\"a\":1,}]", "[[1]]x", "{\"a\":[1}"] {
            assert_eq!(Document::parse(text.as_bytes()).err(), parse(text.as_bytes()).err(), "{text}");
        }
    }
}
