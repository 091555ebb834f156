//! A text that is one JSON object, for whoever wants its members next: where their values end was found out by the
//! check.

use super::error::Error;
use super::lens::{Key, Members, Value, parse_with};
use super::validate::Ends;

/// The number of members that are found without a second walk; those behind them are found like any others.
const KNOWN: usize = 32;

/// The room for the ends that the check finds, to be lent to [`Object::parse`].
#[derive(Debug, Default)]
pub struct Outline([usize; KNOWN]);

/// A valid JSON value, and where the values of its first members end if it is an object.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a, 'o> {
    value: Value<'a>,
    /// Counted from the start of the value.
    ends: &'o [usize],
}

impl<'a, 'o> Object<'a, 'o> {
    /// Checks a text as [`parse`](super::parse) does.
    ///
    /// # Errors
    /// It fails as [`parse`](super::parse) does.
    pub fn parse(text: &'a [u8], outline: &'o mut Outline) -> Result<Object<'a, 'o>, Error> {
        let mut ends = Ends::new(&mut outline.0);
        let (value, start) = parse_with(text, &mut ends)?;
        let count = ends.count();
        let ends = &mut outline.0[..count];
        ends.iter_mut().for_each(|end| *end -= start);
        Ok(Object { value, ends })
    }

    /// Returns the value that the object is.
    #[inline]
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    /// Returns the members, as [`Value::members`] does.
    #[inline]
    pub fn members(&self) -> impl Iterator<Item = (Key<'a>, Value<'a>)> + use<'a, 'o> {
        let mut members: Members<'a> = self.value.members();
        let mut ends = self.ends.iter();
        std::iter::from_fn(move || match ends.next() {
            Some(end) => members.next_until(*end),
            None => members.next(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn same(text: &str) {
        let mut outline = Outline::default();
        let object = Object::parse(text.as_bytes(), &mut outline).expect(text);
        let value = parse(text.as_bytes()).expect(text);
        assert_eq!(object.value().raw(), value.raw());
        let read = |members: &mut dyn Iterator<Item = (Key<'_>, Value<'_>)>| -> Vec<(String, String)> {
            members.map(|(key, value)| (key.as_str().into_owned(), value.text().to_owned())).collect()
        };
        assert_eq!(read(&mut object.members()), read(&mut value.members()), "{text}");
    }

    #[test]
    fn the_members_are_those_that_a_walk_finds() {
        for text in [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            "\n { \"a\" : {\"b\":[{},{\"c\":\"}\"}]} , \"d\":[ [ ] ],\"e\\\"\" :\"x\\\\\" ,\"f\":-1.5e3 } ",
            r#"{"a":{},"a":[],"b":null,"c":"","d":{"e":1,"f":2}}"#,
            "[1,{\"a\":2}]",
            "[{\"a\":2}]",
            "7",
        ] {
            same(text);
        }
        for count in [KNOWN - 1, KNOWN, KNOWN + 1, 3 * KNOWN] {
            let members: Vec<_> = (0..count).map(|at| format!("\"k{at}\": {{\"n\":[{at}]}}")).collect();
            same(&format!("{{{}}}", members.join(" ,")));
        }
    }

    #[test]
    fn what_is_no_json_is_refused_as_ever() {
        for text in ["", "{", "{\"a\":1,}", "{\"a\":1}x"] {
            let error = Object::parse(text.as_bytes(), &mut Outline::default()).expect_err(text);
            assert_eq!(Some(error), parse(text.as_bytes()).err());
        }
    }
}
