//! Named texts as a type of the author's: path parameters, queries, forms.
//!
//! A struct or map takes the texts by name, a field of type `Vec` takes all of its name. Path parameters are also a
//! tuple, or one value, by their order. Whatever does not fit is named.

use crate::error::Error;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use std::borrow::Cow;
use std::fmt::{self, Display};

/// The list that the texts come from, for messages and for the meaning of their order.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    /// The word for one text of the list in messages, such as "path parameter".
    pub(crate) called: &'static str,
    /// `true` if the texts may be read by their order.
    pub(crate) ordered: bool,
}

/// Reads a value out of pairs.
///
/// # Errors
/// The pairs do not fit: status 400. Without any pair the argument counts as absent.
pub(crate) fn read<'a, T, I>(source: Source, pairs: I) -> Result<T, Error>
where
    T: DeserializeOwned,
    I: Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
{
    let mut fields = Fields { source, named: Vec::new() };
    for (name, value) in pairs {
        match fields.named.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) if !source.ordered => values.push(value),
            _ => fields.named.push((name, vec![value])),
        }
    }
    T::deserialize(&fields).map_err(|misfit| {
        let message = match misfit.name {
            Some(name) => format!("{} `{name}`: {}", source.called, misfit.why),
            None => format!("{}s: {}", source.called, misfit.why),
        };
        if fields.named.is_empty() { Error::absent(KIND, message) } else { Error::new(KIND, message).with_status(400) }
    })
}

const KIND: &str = "Runtime.UnmarshalError";

/// The reason why a text does not fit, and its name.
#[derive(Debug)]
struct Misfit {
    name: Option<String>,
    why: String,
}

impl Misfit {
    fn of(mut self, name: &str) -> Misfit {
        self.name.get_or_insert_with(|| name.to_owned());
        self
    }
}

impl Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: Display>(why: T) -> Misfit {
        Misfit { name: None, why: why.to_string() }
    }

    fn missing_field(name: &'static str) -> Misfit {
        Misfit { name: Some(name.to_owned()), why: "it is missing".to_owned() }
    }
}

/// The texts by name, in which every name stands once, unless the order counts.
struct Fields<'a> {
    source: Source,
    named: Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)>,
}

impl Fields<'_> {
    /// Returns the only text, for a type that is one value.
    fn only(&self) -> Result<Value<'_>, Misfit> {
        if !self.source.ordered {
            return Err(de::Error::custom("expected a struct or a map to read them into"));
        }
        self.check_count(1)?;
        let (name, values) = &self.named[0];
        Ok(Value { name, values })
    }

    fn check_count(&self, expected: usize) -> Result<(), Misfit> {
        if self.named.len() == expected {
            return Ok(());
        }
        let names: Vec<&str> = self.named.iter().map(|(name, _)| &**name).collect();
        let found =
            if names.is_empty() { "none".to_owned() } else { format!("{} ({})", names.len(), names.join(", ")) };
        Err(de::Error::custom(format_args!("expected {expected}, found {found}")))
    }
}

/// Writes the parts that both deserializers read alike, by the methods in which they differ.
macro_rules! alike {
    () => {
        fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.visit_unit()
        }

        fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Misfit> {
            visitor.visit_unit()
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _name: &'static str,
            visitor: V,
        ) -> Result<V::Value, Misfit> {
            visitor.visit_newtype_struct(self)
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _name: &'static str,
            _fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Misfit> {
            self.deserialize_map(visitor)
        }

        fn deserialize_tuple_struct<V: Visitor<'de>>(
            self,
            _name: &'static str,
            len: usize,
            visitor: V,
        ) -> Result<V::Value, Misfit> {
            self.deserialize_tuple(len, visitor)
        }

        fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.visit_unit()
        }
    };
}

macro_rules! only {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let only = self.only()?;
            only.$method(visitor).map_err(|misfit| misfit.of(only.name))
        })*
    };
}

impl<'de> Deserializer<'de> for &Fields<'_> {
    type Error = Misfit;

    alike!();

    only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_map(Entries { rest: &self.named, value: None })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.named.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if !self.source.ordered {
            return Err(de::Error::custom("expected a struct or a map to read them into"));
        }
        visitor.visit_seq(InOrder { rest: &self.named })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.check_count(len)?;
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let only = self.only()?;
        only.deserialize_enum(name, variants, visitor).map_err(|misfit| misfit.of(only.name))
    }
}

/// The texts by name, as a map or struct reads them.
struct Entries<'f, 'a> {
    rest: &'f [(Cow<'a, str>, Vec<Cow<'a, str>>)],
    value: Option<Value<'f>>,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some(((name, values), rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        self.value = Some(Value { name, values });
        let key: StrDeserializer<'_, Misfit> = (&**name).into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let value = self.value.take().ok_or_else(|| de::Error::custom("a value was asked for before its name"))?;
        seed.deserialize(value).map_err(|misfit| misfit.of(value.name))
    }
}

/// The texts in their order, as a tuple reads them.
struct InOrder<'f, 'a> {
    rest: &'f [(Cow<'a, str>, Vec<Cow<'a, str>>)],
}

impl<'de> de::SeqAccess<'de> for InOrder<'_, '_> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some(((name, values), rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        seed.deserialize(Value { name, values }).map(Some).map_err(|misfit| misfit.of(name))
    }
}

/// The texts that stand under one name.
#[derive(Clone, Copy)]
struct Value<'f> {
    name: &'f str,
    values: &'f [Cow<'f, str>],
}

impl<'f> Value<'f> {
    fn text(self) -> Result<&'f str, Misfit> {
        match self.values {
            [one] => Ok(one),
            many => Err(de::Error::custom(format_args!("expected one value, found {}", many.len()))),
        }
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let text = self.text()?;
            match text.parse::<$type>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(de::Error::custom(format_args!("expected {}, found {text:?}", stringify!($type)))),
            }
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.visit_str(self.text()?)
        })*
    };
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Misfit;

    alike!();

    parsed! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
        deserialize_char visit_char char;
    }

    texts! {
        deserialize_any deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_seq(Repeats { name: self.name, rest: self.values })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Misfit> {
        Err(de::Error::custom("a text has no fields of its own"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_enum(self.text()?.into_deserializer())
    }
}

/// The values of one name, as a list reads them.
struct Repeats<'f> {
    name: &'f str,
    rest: &'f [Cow<'f, str>],
}

impl<'de> de::SeqAccess<'de> for Repeats<'_> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some((_, rest)) = self.rest.split_first() else { return Ok(None) };
        let value = Value { name: self.name, values: &self.rest[..1] };
        self.rest = rest;
        seed.deserialize(value).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    const PATH: Source = Source { called: "path parameter", ordered: true };
    const QUERY: Source = Source { called: "query value", ordered: false };

    fn from<T: DeserializeOwned>(source: Source, pairs: &[(&str, &str)]) -> Result<T, String> {
        let pairs = pairs.iter().map(|(name, value)| (Cow::from(*name), Cow::from(*value)));
        read(source, pairs).map_err(|error| error.message().to_owned())
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Up,
        Down,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Id(u64);

    #[derive(Debug, Deserialize, PartialEq)]
    struct Search {
        q: String,
        page: Option<u32>,
        #[serde(default)]
        tag: Vec<String>,
        #[serde(default)]
        exact: bool,
        order: Option<Order>,
        id: Option<Id>,
    }

    #[test]
    fn a_struct_takes_texts_by_name_and_repeats_as_a_list() {
        let pairs = [
            ("tag", "a"),
            ("q", "tea"),
            ("tag", "b"),
            ("page", "2"),
            ("exact", "true"),
            ("order", "down"),
            ("id", "7"),
            ("more", "x"),
        ];
        let tag = vec!["a".to_owned(), "b".to_owned()];
        let expected =
            Search { q: "tea".into(), page: Some(2), tag, exact: true, order: Some(Order::Down), id: Some(Id(7)) };
        assert_eq!(from(QUERY, &pairs), Ok(expected));
        let least = Search { q: String::new(), page: None, tag: Vec::new(), exact: false, order: None, id: None };
        assert_eq!(from(QUERY, &[("q", "")]), Ok(least));
        let map: BTreeMap<String, String> = from(QUERY, &[("a", "1"), ("b", "2")]).expect("a map");
        assert_eq!(map["b"], "2");
    }

    #[test]
    fn path_parameters_are_a_value_a_tuple_or_a_struct() {
        assert_eq!(from(PATH, &[("id", "7")]), Ok(7_u8));
        assert_eq!(from(PATH, &[("id", "7")]), Ok(Id(7)));
        assert_eq!(from(PATH, &[("order", "up")]), Ok(Order::Up));
        assert_eq!(from(PATH, &[("shop", "x"), ("id", "7")]), Ok(("x".to_owned(), 7_i64)));
        assert_eq!(from(PATH, &[("shop", "x"), ("shop", "y")]), Ok(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(from(PATH, &[("q", "tea"), ("page", "1")]).map(|search: Search| search.page), Ok(Some(1)));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let search = |pairs: &[(&str, &str)]| from::<Search>(QUERY, pairs).expect_err("it does not fit");
        assert_eq!(search(&[("page", "1")]), "query value `q`: it is missing");
        assert_eq!(search(&[("q", ""), ("page", "two")]), r#"query value `page`: expected u32, found "two""#);
        assert_eq!(
            search(&[("q", ""), ("page", "1"), ("page", "2")]),
            "query value `page`: expected one value, found 2"
        );
        assert_eq!(
            search(&[("q", ""), ("order", "left")]),
            "query value `order`: unknown variant `left`, expected `up` or `down`"
        );
        assert_eq!(from::<u8>(PATH, &[("id", "x")]), Err(r#"path parameter `id`: expected u8, found "x""#.to_owned()));
        assert_eq!(from::<u8>(PATH, &[]), Err("path parameters: expected 1, found none".to_owned()));
        let two = [("shop", "x"), ("id", "7")];
        assert_eq!(from::<u8>(PATH, &two), Err("path parameters: expected 1, found 2 (shop, id)".to_owned()));
        assert_eq!(from::<(u8, u8, u8)>(PATH, &two), Err("path parameters: expected 3, found 2 (shop, id)".to_owned()));
        let bad: Result<(String, u8), _> = from(PATH, &[("shop", "x"), ("id", "y")]);
        assert_eq!(bad, Err(r#"path parameter `id`: expected u8, found "y""#.to_owned()));
        assert_eq!(
            from::<u8>(QUERY, &[("a", "1")]),
            Err("query values: expected a struct or a map to read them into".to_owned())
        );
    }
}
