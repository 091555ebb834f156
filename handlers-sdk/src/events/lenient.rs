//! The lenient reading of members by the views. `null` is a member that is missing, and numbers, booleans and texts
//! stand for each other.

use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, Error as _, Unexpected, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A type that a member of a view may have.
pub(crate) trait Lenient: Default {
    /// Reads the value; `null` is its default.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads a member. The `deserialize_with` of every member names this.
pub(crate) fn member<'de, T: Lenient, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// A [`Lenient`] value where serde asks for a type.
pub(crate) struct Element<T>(pub(crate) T);

impl<'de, T: Lenient> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Element<T>, D::Error> {
        T::read(deserializer).map(Element)
    }
}

/// Reads a value of a type whose default stands for `null`.
pub(crate) fn or_default<'de, T: Default + DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl Lenient for Value {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }
}

impl<T: Lenient> Lenient for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<Element<T>>::deserialize(deserializer)?.map(|element| element.0))
    }
}

/// An element that is `null` is its default, so that places and counts stay.
impl<T: Lenient> Lenient for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        let elements = Option::<Vec<Element<T>>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(elements.into_iter().map(|element| element.0).collect())
    }
}

impl<T: Lenient> Lenient for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error> {
        let members = Option::<BTreeMap<String, Element<T>>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(members.into_iter().map(|(key, element)| (key, element.0)).collect())
    }
}

/// Reads a text, or the text of a number or boolean.
pub(crate) struct Text;

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<String, E> {
        Ok(truth.to_string())
    }

    fn visit_unit<E: de::Error>(self) -> Result<String, E> {
        Ok(String::new())
    }
}

impl Lenient for String {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(Text)
    }
}

/// Types that are read from their text: a number given as one reads the same. An empty text is a member that is
/// missing.
macro_rules! from_text {
    ($($type:ty: $what:literal),+ $(,)?) => {
        $(impl Lenient for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = deserializer.deserialize_any(Text)?;
                if text.is_empty() {
                    return Ok(<$type>::default());
                }
                text.parse().map_err(|_| D::Error::invalid_value(Unexpected::Str(&text), &$what))
            }
        })+
    };
}

from_text! {
    bool: "true or false",
    i64: "a whole number",
    u64: "a whole number of zero or more",
    f64: "a number",
}

#[cfg(test)]
mod tests {
    use super::{Element, Lenient};
    use std::collections::BTreeMap;

    fn read<T: Lenient>(json: &str) -> Result<T, String> {
        serde_json::from_str::<Element<T>>(json).map(|element| element.0).map_err(|error| error.to_string())
    }

    #[test]
    fn texts_numbers_and_truths_stand_for_each_other() {
        for (json, text) in [(r#""a""#, "a"), ("1", "1"), ("-1", "-1"), ("1.5", "1.5"), ("true", "true"), ("null", "")]
        {
            assert_eq!(read::<String>(json).as_deref(), Ok(text), "{json}");
        }
        for (json, number) in [("7", 7), (r#""7""#, 7), ("7.0", 7), (r#""""#, 0), ("null", 0)] {
            assert_eq!(read::<u64>(json), Ok(number), "{json}");
        }
        for (json, number) in [("-7", -7.0), (r#""1.25""#, 1.25), ("1480641523.477", 1_480_641_523.477)] {
            assert_eq!(read::<f64>(json), Ok(number), "{json}");
        }
        for (json, truth) in [("true", true), (r#""true""#, true), (r#""false""#, false), ("null", false)] {
            assert_eq!(read::<bool>(json), Ok(truth), "{json}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        let error = read::<u64>(r#""seven""#).expect_err("no number");
        assert!(
            error.starts_with("invalid value: string \"seven\", expected a whole number of zero or more"),
            "{error}"
        );
        let error = read::<String>("{}").expect_err("no text");
        assert_eq!(error, "invalid type: map, expected a text at line 1 column 2");
        assert!(read::<u64>("-1").is_err());
        assert!(read::<i64>("1.5").is_err());
        assert!(read::<bool>("1").is_err());
    }

    #[test]
    fn null_is_missing_in_lists_and_maps_too_and_keeps_its_place() {
        assert_eq!(read::<Vec<String>>("null"), Ok(vec![]));
        assert_eq!(read::<Vec<String>>(r#"["a",null,1]"#), Ok(vec!["a".to_owned(), String::new(), "1".to_owned()]));
        assert_eq!(read::<Option<Vec<u64>>>("null"), Ok(None));
        let map = BTreeMap::from([("a".to_owned(), String::new()), ("b".to_owned(), "2".to_owned())]);
        assert_eq!(read::<BTreeMap<String, String>>(r#"{"a":null,"b":2}"#), Ok(map));
    }
}
