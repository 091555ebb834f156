//! Batches of records of Kafka: Amazon MSK and clusters of one's own.

use crate::error::Error;
use crate::events::Base64;
use crate::events::found::Found;
use crate::events::lenient::Lenient;
use crate::events::view::{View, argument, members};
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

members! {
    /// A batch of records, by topic and partition.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::aws::Kafka;
    ///
    /// /// Reads the header `tenant` of the first record.
    /// #[function]
    /// fn tenant(batch: Kafka) -> Result<Vec<u8>, Error> {
    ///     let header = batch.all().next().and_then(|record| record.header("tenant"));
    ///     header.map_or(Ok(Vec::new()), |header| header.bytes())
    /// }
    ///
    /// assert_eq!(sample("aws/kafka").run(tenant::MODULE).text(), "acme");
    /// ```
    Kafka {
        /// The source of the event: `aws:kafka` or `SelfManagedKafka`.
        event_source: String = "eventSource",
        /// The cluster of MSK; empty for one's own.
        event_source_arn: String = "eventSourceArn" | "eventSourceARN",
        /// The brokers, with commas between them.
        bootstrap_servers: String = "bootstrapServers",
        /// The records of each topic's partition: the key is as `mytopic-0`. See [`Kafka::all`].
        records: BTreeMap<String, Vec<Record>> = "records",
    }

    /// A record.
    Record {
        /// Its topic.
        topic: String = "topic",
        /// Its partition.
        partition: i64 = "partition",
        /// Its place in the partition.
        offset: i64 = "offset",
        /// The time of the event, in milliseconds since 1970.
        timestamp: i64 = "timestamp",
        /// The meaning of the time: `CREATE_TIME` or `LOG_APPEND_TIME`.
        timestamp_type: String = "timestampType",
        /// The key, if it has one.
        key: Option<Base64> = "key",
        /// The value; a record without one says that its key is deleted.
        value: Option<Base64> = "value",
        /// The headers in their order, each a map of one name.
        headers: Vec<BTreeMap<String, Header>> = "headers",
        /// The schema of the key; `None` without a schema registry.
        key_schema: Option<Schema> = "keySchemaMetadata",
        /// The schema of the value; `None` without a schema registry.
        value_schema: Option<Schema> = "valueSchemaMetadata",
    }

    /// A schema.
    Schema {
        /// The format of the data: `AVRO`, `JSON` or `PROTOBUF`.
        data_format: String = "dataFormat",
        /// Its id in the registry.
        schema_id: String = "schemaId",
    }
}

argument!(Kafka);

impl Kafka {
    /// Returns the records of all partitions: those of one partition in their order.
    pub fn all(&self) -> impl Iterator<Item = &Record> {
        self.records.values().flatten()
    }
}

impl Record {
    /// Returns the first header of that name.
    pub fn header(&self, name: &str) -> Option<&Header> {
        self.headers.iter().find_map(|header| header.get(name))
    }
}

/// The value of a header as given: AWS lists its bytes as numbers, signed or not; a text is base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// The bytes.
    Bytes(Vec<u8>),
    /// The bytes in base64.
    Coded(Base64),
}

impl Header {
    /// Returns the bytes.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if a text is no base64.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        match self {
            Header::Bytes(bytes) => Ok(bytes.clone()),
            Header::Coded(coded) => coded.bytes(),
        }
    }
}

impl Default for Header {
    fn default() -> Header {
        Header::Bytes(Vec::new())
    }
}

impl Lenient for Header {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Header, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Header::default()),
            Value::String(coded) => Ok(Header::Coded(Base64::from(coded))),
            Value::Array(numbers) => numbers.iter().map(byte).collect::<Result<_, _>>().map(Header::Bytes),
            _ => Err(D::Error::invalid_type(Unexpected::Other("another value"), &"a header's bytes as numbers")),
        }
    }
}

/// Reads one byte of a header. Java's bytes are signed, and so AWS writes 0xFF as -1. A `null` counts as 0.
fn byte<E: serde::de::Error>(number: &Value) -> Result<u8, E> {
    let given = if number.is_null() { Some(0) } else { number.as_i64() };
    let byte =
        given.and_then(|number| u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned)));
    byte.ok_or_else(|| E::invalid_value(Unexpected::Other("another value"), &"a byte, -128 to 255"))
}

impl View for Kafka {
    const EXPECTED: &'static str = "an event of aws:kafka or SelfManagedKafka";

    fn is_sure(&self) -> bool {
        is_kafka(&self.event_source)
    }

    fn accepts(found: &Found) -> bool {
        match found {
            Found::Topics => true,
            Found::Source(source) => is_kafka(source),
            _ => false,
        }
    }
}

fn is_kafka(source: &str) -> bool {
    matches!(source, "aws:kafka" | "SelfManagedKafka")
}

#[cfg(test)]
mod tests {
    use super::{Header, Kafka};

    #[test]
    fn records_are_read_with_key_value_and_headers() {
        let event = br#"{"eventSource":"SelfManagedKafka","records":{"t-0":[
            {"topic":"t","partition":"0","offset":15,"timestamp":1595035749700,"key":"aw==","value":null,
             "headers":[{"a":[104,-1,255]},{"b":"aGk="},{"a":[1]},{"n":null}],"valueSchemaMetadata":{"schemaId":1234}}],
            "t-1":null,"t-2":[null]}}"#;
        let batch = Kafka::parse(event).expect("Kafka");
        let record = &batch.records["t-0"][0];
        assert_eq!((record.partition, record.offset, record.timestamp), (0, 15, 1_595_035_749_700));
        assert_eq!(record.key.as_ref().expect("a key").bytes().expect("base64"), b"k");
        assert_eq!(record.value, None);
        for (name, bytes) in [("a", &b"h\xff\xff"[..]), ("b", b"hi"), ("n", b"")] {
            assert_eq!(record.header(name).expect(name).bytes().expect("bytes"), bytes);
        }
        assert_eq!(record.header("c"), None);
        assert_eq!(record.headers[2]["a"], Header::Bytes(vec![1]));
        assert_eq!(record.value_schema.as_ref().expect("a schema").schema_id, "1234");
        assert_eq!(batch.all().count(), 2);
    }

    #[test]
    fn another_event_or_a_header_of_no_bytes_is_refused() {
        for (event, found) in [
            (r#"{"eventSource":"aws:mq","messages":[]}"#, "one of aws:mq"),
            (r#"{"deliveryStreamArn":"a","records":[]}"#, "an object with the members deliveryStreamArn, records"),
            (
                r#"{"eventSource":"aws:kafka","records":{"t":[{"headers":[{"a":[256]}]}]}}"#,
                "one that does not fit: invalid value: another value, expected a byte, -128 to 255 at line 1 column 66",
            ),
        ] {
            let error = Kafka::parse(event.as_bytes()).expect_err(event);
            assert_eq!(error.message(), format!("expected an event of aws:kafka or SelfManagedKafka, found {found}"));
        }
        assert!(Kafka::parse(br#"{"eventSource":null,"records":{}}"#).is_ok());
    }
}
