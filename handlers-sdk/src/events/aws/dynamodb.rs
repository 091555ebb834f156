//! Batches of changes from a stream of DynamoDB.

use super::kinesis::Window;
use crate::events::found::Found;
use crate::events::lenient::{Element, Lenient, or_default};
use crate::events::view::{View, all_from, argument, members};
use crate::events::{Base64, view};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The attributes of an item by name.
///
/// ```
/// use handlers_sdk::events::aws::dynamodb::{Attribute, Item};
///
/// let item = Item::from([("Id".to_owned(), Attribute::N("101".to_owned()))]);
/// assert_eq!(item["Id"].as_number(), Some(101));
/// ```
pub type Item = BTreeMap<String, Attribute>;

members! {
    /// A batch of changes of one shard. Answer with [`BatchFailures`](super::BatchFailures) of sequence numbers.
    ///
    /// The last members are those of a tumbling window, as [`Kinesis`](super::Kinesis) has them.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::aws::DynamoDb;
    ///
    /// /// Lists the names of the items that are new.
    /// #[function]
    /// fn stocked(batch: DynamoDb) -> String {
    ///     let new = batch.records.iter().filter(|record| record.event_name == "INSERT");
    ///     new.filter_map(|record| record.dynamodb.new_image.get("Name")?.as_text()).collect()
    /// }
    ///
    /// assert_eq!(sample("aws/dynamodb").run(stocked::MODULE).text(), "tea");
    /// ```
    DynamoDb {
        /// The changes.
        records: Vec<Record> = "Records",
        /// The window, if there is one.
        window: Option<Window> = "window",
        /// The state that the window's last call returned.
        state: Value = "state",
        /// The window's shard.
        shard_id: String = "shardId",
        /// `true` if this is the window's last call.
        is_final_invoke_for_window: bool = "isFinalInvokeForWindow",
        /// `true` if the window ends early because its state is too big.
        is_window_terminated_early: bool = "isWindowTerminatedEarly",
    }

    /// A change, and the stream that it comes from.
    Record {
        /// The id of the change.
        event_id: String = "eventID",
        /// The name of the event: `INSERT`, `MODIFY` or `REMOVE`.
        event_name: String = "eventName",
        /// The version of this form, as in `1.1`.
        event_version: String = "eventVersion",
        /// The source of the event: `aws:dynamodb`.
        event_source: String = "eventSource",
        /// The stream.
        event_source_arn: String = "eventSourceARN",
        /// The region.
        aws_region: String = "awsRegion",
        /// The service, if it made the change itself, as when an item's time to live is over.
        user_identity: Option<Identity> = "userIdentity",
        /// The change itself, with the images of the item.
        dynamodb: Change = "dynamodb",
        /// The table, where a record comes by way of Kinesis.
        table_name: String = "tableName",
    }

    /// The identity of the one that did it.
    Identity {
        /// The kind: `Service`.
        kind: String = "type",
        /// The principal: `dynamodb.amazonaws.com`.
        principal_id: String = "principalId",
    }

    /// A change.
    Change {
        /// The time of the change, in seconds since 1970.
        approximate_creation_date_time: f64 = "ApproximateCreationDateTime",
        /// The item's key.
        keys: Item = "Keys",
        /// The item afterwards; empty if it is gone or the stream does not tell.
        new_image: Item = "NewImage",
        /// The item before; empty if it is new or the stream does not tell.
        old_image: Item = "OldImage",
        /// The number that names it in [`BatchFailures`](super::BatchFailures).
        sequence_number: String = "SequenceNumber",
        /// The size of the change in bytes.
        size_bytes: u64 = "SizeBytes",
        /// The parts of an item that the stream carries: `KEYS_ONLY`, `NEW_IMAGE`, `OLD_IMAGE` or `NEW_AND_OLD_IMAGES`.
        stream_view_type: String = "StreamViewType",
    }
}

argument!(DynamoDb);

/// The value of an attribute, with its type.
///
/// ```
/// use handlers_sdk::events::aws::dynamodb::Attribute;
///
/// let sizes: Attribute = serde_json::from_str(r#"{"L":[{"N":"1.5"},{"S":"large"}]}"#)?;
/// let Attribute::L(sizes) = sizes else { panic!("expected a list") };
/// assert_eq!((sizes[0].as_number(), sizes[1].as_text()), (Some(1.5), Some("large")));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Attribute {
    /// The attribute is a text.
    S(String),
    /// The attribute is a number of up to 38 digits, as text.
    N(String),
    /// The attribute is a string of bytes.
    B(Base64),
    /// The attribute is a boolean, `true` or `false`.
    Bool(bool),
    /// The attribute is null.
    #[default]
    Null,
    /// The attribute is a set of texts.
    Ss(Vec<String>),
    /// The attribute is a set of numbers, as texts.
    Ns(Vec<String>),
    /// The attribute is a set whose elements are strings of bytes.
    Bs(Vec<Base64>),
    /// The attribute is a list of attributes.
    L(Vec<Attribute>),
    /// The attribute is a map from names to attributes.
    M(Item),
    /// The attribute has another type: the name of the type, or an empty text if there is no name, and the value.
    Other(String, Value),
}

impl Attribute {
    /// Returns the text; `None` if the attribute is no text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Attribute::S(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, as in `value.as_number::<u64>()`; `None` if the attribute is no number of that type.
    pub fn as_number<T: std::str::FromStr>(&self) -> Option<T> {
        match self {
            Attribute::N(number) => number.parse().ok(),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Attribute, D::Error> {
        deserializer.deserialize_any(OfType)
    }
}

impl Lenient for Attribute {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attribute, D::Error> {
        or_default(deserializer)
    }
}

/// Reads `{"S":"text"}`: an object whose one member names the type.
struct OfType;

impl<'de> Visitor<'de> for OfType {
    type Value = Attribute;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute's value, as in {\"S\":\"text\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Attribute, A::Error> {
        let Some(name) = members.next_key::<String>()? else {
            return Ok(Attribute::Other(String::new(), Value::Null));
        };
        let attribute = match &*name {
            "S" => Attribute::S(next(&mut members)?),
            "N" => Attribute::N(next(&mut members)?),
            "B" => Attribute::B(next(&mut members)?),
            "BOOL" => Attribute::Bool(next(&mut members)?),
            "NULL" => {
                members.next_value::<de::IgnoredAny>()?;
                Attribute::Null
            }
            "SS" => Attribute::Ss(next(&mut members)?),
            "NS" => Attribute::Ns(next(&mut members)?),
            "BS" => Attribute::Bs(next(&mut members)?),
            "L" => Attribute::L(next(&mut members)?),
            "M" => Attribute::M(next(&mut members)?),
            _ => Attribute::Other(name, members.next_value()?),
        };
        while members.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
        Ok(attribute)
    }
}

fn next<'de, T: Lenient, A: MapAccess<'de>>(members: &mut A) -> Result<T, A::Error> {
    Ok(members.next_value::<Element<T>>()?.0)
}

impl View for DynamoDb {
    const EXPECTED: &'static str = "an event of aws:dynamodb";

    fn is_sure(&self) -> bool {
        all_from("aws:dynamodb", self.records.iter().map(|record| &*record.event_source))
    }

    fn accepts(found: &Found) -> bool {
        view::records_of("aws:dynamodb", found)
    }
}

#[cfg(test)]
mod tests {
    use super::{Attribute, DynamoDb};
    use serde_json::json;

    fn read(json: &str) -> Attribute {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn every_type_of_attribute_is_read() {
        let text = |text: &str| Attribute::S(text.to_owned());
        for (json, attribute) in [
            (r#"{"S":"a"}"#, text("a")),
            (r#"{"S":1}"#, text("1")),
            (r#"{"S":null}"#, text("")),
            (r#"{"N":"3.14159"}"#, Attribute::N("3.14159".to_owned())),
            (r#"{"N":35}"#, Attribute::N("35".to_owned())),
            (r#"{"B":"AAE="}"#, Attribute::B("AAE=".to_owned().into())),
            (r#"{"BOOL":true}"#, Attribute::Bool(true)),
            (r#"{"BOOL":"false"}"#, Attribute::Bool(false)),
            (r#"{"NULL":true}"#, Attribute::Null),
            (r#"{"NULL":null}"#, Attribute::Null),
            (r#"{"SS":["a","b"]}"#, Attribute::Ss(vec!["a".to_owned(), "b".to_owned()])),
            (r#"{"SS":null}"#, Attribute::Ss(vec![])),
            (r#"{"NS":["1",2]}"#, Attribute::Ns(vec!["1".to_owned(), "2".to_owned()])),
            (r#"{"BS":["AAE="]}"#, Attribute::Bs(vec!["AAE=".to_owned().into()])),
            (r#"{"L":[{"S":"a"},null]}"#, Attribute::L(vec![text("a"), Attribute::Null])),
            (r#"{"M":{"a":{"M":{}}}}"#, Attribute::M([("a".to_owned(), Attribute::M([].into()))].into())),
            (r#"{"V":[1]}"#, Attribute::Other("V".to_owned(), json!([1]))),
            (r#"{}"#, Attribute::Other(String::new(), json!(null))),
            (r#"{"S":"a","N":"1"}"#, text("a")),
        ] {
            assert_eq!(read(json), attribute, "{json}");
        }
        assert!(serde_json::from_str::<Attribute>("1").is_err());
        assert!(serde_json::from_str::<Attribute>(r#"{"S":[]}"#).is_err());
    }

    #[test]
    fn texts_and_numbers_are_at_hand() {
        assert_eq!(read(r#"{"S":"a"}"#).as_text(), Some("a"));
        assert_eq!(read(r#"{"N":"35"}"#).as_number::<u8>(), Some(35));
        assert_eq!(read(r#"{"N":"1.5"}"#).as_number::<u8>(), None);
        assert_eq!(read(r#"{"N":"1.5"}"#).as_text(), None);
        assert_eq!(read(r#"{"S":"35"}"#).as_number::<u8>(), None);
    }

    #[test]
    fn a_change_is_read_with_its_images() {
        let event = br#"{"Records":[{"eventSource":"aws:dynamodb","eventName":"REMOVE","userIdentity":{"type":"Service"},
            "dynamodb":{"ApproximateCreationDateTime":1480642020,"Keys":{"id":{"N":"7"}},"NewImage":null,"SizeBytes":"54"}}]}"#;
        let record = &DynamoDb::parse(event).expect("DynamoDB").records[0];
        assert_eq!(record.dynamodb.keys["id"].as_number(), Some(7));
        assert_eq!((record.dynamodb.new_image.len(), record.dynamodb.size_bytes), (0, 54));
        assert_eq!(record.dynamodb.approximate_creation_date_time, 1_480_642_020.0);
        assert_eq!(record.user_identity.as_ref().expect("the service").kind, "Service");
    }

    #[test]
    fn what_is_nested_without_end_is_an_error() {
        let depth = 10_000;
        let deep = format!("{}null{}", r#"{"L":["#.repeat(depth), "]}".repeat(depth));
        assert!(serde_json::from_str::<Attribute>(&deep).is_err());
    }
}
