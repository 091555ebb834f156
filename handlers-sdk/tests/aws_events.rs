//! Every fixture event of `aws_lambda_events` that has a typed view, through that view: compared with the reading of
//! `serde_json`, and then with each member dropped, emptied and joined by one that nobody knows.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

#[path = "../../integration/fixtures/locate.rs"]
mod locate;

use handlers_sdk::testing::Invoke;
use handlers_sdk::{Error, Event, FaasContext, events, function};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The members of an event as rows, once as a view has them and once as the JSON does; each row has a column for each
/// member.
type Rows = Vec<Vec<Value>>;

/// A view in this test, and how its events are known.
struct Case {
    name: &'static str,
    /// Returns `true` if the event is one of the view's service.
    is: fn(&Value) -> bool,
    /// Reads the members through the view.
    read: fn(&[u8]) -> Result<Rows, Error>,
    /// Reads the members from the JSON.
    stands: fn(&Value) -> Rows,
    /// The number of fixtures that there are at least.
    least: usize,
    /// The members without which nothing tells the kind of the event.
    marks: &'static [&'static str],
}

fn named(event: &Value, member: &str, source: &str) -> bool {
    event["Records"][0][member] == source
}

/// Returns the members at these places of each record; a missing one is `""`, as in a view.
fn rows<'a>(records: impl IntoIterator<Item = &'a Value>, places: &[&str]) -> Rows {
    let member = |record: &Value, place| match record.pointer(place) {
        None | Some(Value::Null) => json!(""),
        Some(value) => value.clone(),
    };
    records.into_iter().map(|record| places.iter().map(|place| member(record, place)).collect()).collect()
}

fn records(event: &Value) -> &Vec<Value> {
    event["Records"].as_array().expect("a list")
}

const CASES: [Case; 8] = [
    Case {
        name: "sqs",
        is: |event| named(event, "eventSource", "aws:sqs"),
        read: |event| {
            let row = |r: &events::aws::sqs::Record| {
                let attributes = r.message_attributes.values();
                let binary: Vec<_> =
                    attributes.clone().filter_map(|a| Some(a.binary_value.as_ref()?.as_str())).collect();
                let texts: Vec<_> = attributes.filter_map(|a| a.string_value.as_deref()).collect();
                let count = r.receive_count().map(|count| count.to_string()).unwrap_or_default();
                vec![
                    json!(r.message_id),
                    json!(r.body),
                    json!(r.event_source_arn),
                    json!(count),
                    json!(binary),
                    json!(texts),
                ]
            };
            Ok(events::aws::Sqs::parse(event)?.records.iter().map(row).collect())
        },
        stands: |event| {
            let places = ["/messageId", "/body", "/eventSourceARN", "/attributes/ApproximateReceiveCount"];
            let mut rows = rows(records(event), &places);
            for (row, record) in rows.iter_mut().zip(records(event)) {
                let attributes = record["messageAttributes"].as_object();
                for member in ["binaryValue", "stringValue"] {
                    let values = attributes.iter().flat_map(|all| all.values()).filter_map(|one| one.get(member));
                    row.push(values.filter(|value| !value.is_null()).cloned().collect());
                }
            }
            rows
        },
        least: 2,
        marks: &["/Records"],
    },
    Case {
        name: "sns",
        is: |event| named(event, "EventSource", "aws:sns"),
        read: |event| {
            let row = |r: &events::aws::sns::Record| {
                let subject = r.sns.subject.as_deref().unwrap_or_default();
                let values: Vec<_> = r.sns.message_attributes.values().map(|a| [&a.kind, &a.value]).collect();
                vec![
                    json!(r.event_subscription_arn),
                    json!(r.sns.message_id),
                    json!(r.sns.message),
                    json!(subject),
                    json!(r.sns.timestamp),
                    json!(r.sns.signing_cert_url),
                    json!(values),
                ]
            };
            Ok(events::aws::Sns::parse(event)?.records.iter().map(row).collect())
        },
        stands: |event| {
            let places = ["/EventSubscriptionArn", "/Sns/MessageId", "/Sns/Message", "/Sns/Subject", "/Sns/Timestamp"];
            let mut rows = rows(records(event), &places);
            for (row, record) in rows.iter_mut().zip(records(event)) {
                let sns = &record["Sns"];
                row.push(sns.get("SigningCertUrl").or(sns.get("SigningCertURL")).cloned().unwrap_or(json!("")));
                let attributes = sns["MessageAttributes"].as_object();
                row.push(
                    attributes.iter().flat_map(|all| all.values()).map(|a| json!([a["Type"], a["Value"]])).collect(),
                );
            }
            rows
        },
        least: 5,
        marks: &["/Records"],
    },
    Case {
        name: "s3",
        is: |event| named(event, "eventSource", "aws:s3"),
        read: |event| {
            let row = |r: &events::aws::s3::Record| {
                let (bucket, object) = (&r.s3.bucket, &r.s3.object);
                let tag = object.e_tag.as_deref().unwrap_or_default();
                vec![
                    json!(r.event_name),
                    json!(r.event_time),
                    json!(bucket.name),
                    json!(object.key),
                    json!(object.size),
                    json!(tag),
                    json!(r.request_parameters.source_ip_address),
                ]
            };
            Ok(events::aws::S3::parse(event)?.records.iter().map(row).collect())
        },
        stands: |event| {
            let object = ["/s3/bucket/name", "/s3/object/key", "/s3/object/size", "/s3/object/eTag"];
            let places = [&["/eventName", "/eventTime"][..], &object, &["/requestParameters/sourceIPAddress"]].concat();
            rows(records(event), &places)
        },
        least: 2,
        marks: &["/Records"],
    },
    Case {
        name: "eventbridge",
        is: |event| event.get("detail-type").is_some(),
        read: |event| {
            let e = events::aws::EventBridge::parse(event)?;
            let texts = [&e.id, &e.detail_type, &e.source, &e.account, &e.time, &e.region];
            let mut row: Vec<Value> = texts.into_iter().map(|text| json!(text)).collect();
            row.extend([json!(e.resources), e.detail]);
            Ok(vec![row])
        },
        stands: |event| {
            let texts = ["/id", "/detail-type", "/source", "/account", "/time", "/region"];
            let mut rows = rows([event], &texts);
            let resources = event.get("resources").cloned().unwrap_or(json!([]));
            rows[0].extend([resources, event["detail"].clone()]);
            rows
        },
        least: 18,
        marks: &[],
    },
    Case {
        name: "dynamodb",
        is: |event| named(event, "eventSource", "aws:dynamodb"),
        read: |event| {
            let row = |r: &events::aws::dynamodb::Record| {
                let d = &r.dynamodb;
                let time = d.approximate_creation_date_time;
                let image = d.new_image.iter().map(|(name, value)| (name.clone(), coded(value)));
                vec![
                    json!(r.event_id),
                    json!(r.event_name),
                    json!(d.sequence_number),
                    json!(d.size_bytes),
                    json!(time),
                    Value::Object(image.collect()),
                ]
            };
            Ok(events::aws::DynamoDb::parse(event)?.records.iter().map(row).collect())
        },
        stands: |event| {
            let places = ["/eventID", "/eventName", "/dynamodb/SequenceNumber", "/dynamodb/SizeBytes"];
            let mut rows = rows(records(event), &places);
            for (row, record) in rows.iter_mut().zip(records(event)) {
                row.push(json!(record["dynamodb"]["ApproximateCreationDateTime"].as_f64()));
                let image = record["dynamodb"]["NewImage"].clone();
                row.push(if image.is_null() { json!({}) } else { image });
            }
            rows
        },
        least: 2,
        marks: &["/Records"],
    },
    Case {
        name: "kinesis",
        is: |event| named(event, "eventSource", "aws:kinesis"),
        read: |event| {
            let row = |r: &events::aws::kinesis::Record| {
                let k = &r.kinesis;
                // Both fixtures have the same text.
                assert!(k.data.is_empty() || k.data.bytes().is_ok_and(|bytes| bytes == b"Hello World"));
                let time = json!(k.approximate_arrival_timestamp);
                vec![
                    json!(r.event_id),
                    json!(k.data.as_str()),
                    json!(k.sequence_number),
                    json!(k.encryption_type),
                    time,
                ]
            };
            Ok(events::aws::Kinesis::parse(event)?.records.iter().map(row).collect())
        },
        stands: |event| {
            let kinesis = ["/kinesis/data", "/kinesis/sequenceNumber", "/kinesis/encryptionType"];
            let time = ["/kinesis/approximateArrivalTimestamp"];
            rows(records(event), &[&["/eventID"][..], &kinesis, &time].concat())
        },
        least: 2,
        marks: &["/Records"],
    },
    Case {
        name: "kafka",
        is: |event| matches!(event["eventSource"].as_str(), Some("aws:kafka" | "SelfManagedKafka")),
        read: |event| {
            let coded = |text: &Option<events::Base64>| json!(text.as_ref().map_or("", events::Base64::as_str));
            let row = |r: &events::aws::kafka::Record| {
                let headers: Vec<_> = r.headers.iter().flat_map(|header| header.values()).collect();
                let headers: Vec<_> = headers.iter().map(|header| header.bytes().expect("bytes")).collect();
                let place = [r.partition, r.offset, r.timestamp].map(|number| json!(number));
                let [partition, offset, time] = place;
                vec![json!(r.topic), partition, offset, time, coded(&r.key), coded(&r.value), json!(headers)]
            };
            Ok(events::aws::Kafka::parse(event)?.all().map(row).collect())
        },
        stands: |event| {
            let records = event["records"].as_object().expect("by topic").values();
            let records: Vec<&Value> = records.flat_map(|list| list.as_array().expect("a list")).collect();
            let mut rows =
                rows(records.iter().copied(), &["/topic", "/partition", "/offset", "/timestamp", "/key", "/value"]);
            for (row, record) in rows.iter_mut().zip(records) {
                let headers = record["headers"].as_array().expect("a list").iter();
                row.push(headers.flat_map(|header| header.as_object().expect("a map").values().cloned()).collect());
            }
            rows
        },
        least: 1,
        marks: &[],
    },
    Case {
        name: "logs",
        is: |event| event.get("awslogs").is_some(),
        read: |event| {
            let e = events::aws::CloudWatchLogs::parse(event)?;
            let gzip = e.compressed()?;
            assert!(gzip.is_empty() || gzip.starts_with(b"\x1f\x8b"), "{gzip:?}");
            Ok(vec![vec![json!(e.awslogs.data.as_str())]])
        },
        stands: |event| rows([event], &["/awslogs/data"]),
        least: 1,
        marks: &["/awslogs"],
    },
];

/// Returns an attribute's value as it stands in the event.
fn coded(value: &events::aws::dynamodb::Attribute) -> Value {
    use events::aws::dynamodb::Attribute as A;
    let texts = |list: &[events::Base64]| list.iter().map(|one| json!(one.as_str())).collect::<Value>();
    match value {
        A::S(text) => json!({"S": text}),
        A::N(number) => json!({"N": number}),
        A::B(bytes) => json!({"B": bytes.as_str()}),
        A::Bool(truth) => json!({"BOOL": truth}),
        A::Null => json!({"NULL": true}),
        A::Ss(list) => json!({"SS": list}),
        A::Ns(list) => json!({"NS": list}),
        A::Bs(list) => json!({"BS": texts(list)}),
        A::L(list) => json!({"L": list.iter().map(coded).collect::<Value>()}),
        A::M(item) => json!({"M": Value::Object(item.iter().map(|(name, v)| (name.clone(), coded(v))).collect())}),
        other => json!({"other": format!("{other:?}")}),
    }
}

/// Returns all fixtures of all views.
fn fixtures() -> Vec<(&'static Case, String, Value)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../integration/fixtures");
    let mut found = Vec::new();
    for fixture in locate::all(&directory) {
        let event: Value = serde_json::from_slice(&fixture.event).expect("fixtures are JSON");
        for case in CASES.iter().filter(|case| (case.is)(&event)) {
            found.push((case, fixture.name.clone(), event.clone()));
        }
    }
    for case in &CASES {
        let count = found.iter().filter(|(of, ..)| of.name == case.name).count();
        assert!(count >= case.least, "only {count} fixtures of {}", case.name);
    }
    found
}

#[test]
fn every_fixture_is_read_as_its_json_says() {
    for (case, name, event) in fixtures() {
        let read = (case.read)(event.to_string().as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, (case.stands)(&event), "{name}");
    }
}

#[test]
fn every_fixture_is_served_with_any_member_dropped_emptied_or_added() {
    for (case, name, event) in fixtures() {
        let mut places = BTreeSet::new();
        collect(&event, String::new(), &mut places);
        assert!(!places.is_empty(), "{name}");
        for place in places {
            let (parent, key) = place.rsplit_once('/').expect("a pointer");
            for change in ["drop", "null", "extra"] {
                let mut changed = event.clone();
                let Some(Value::Object(members)) = changed.pointer_mut(parent) else { continue };
                let key = key.replace("~1", "/").replace("~0", "~");
                match change {
                    "drop" => drop(members.remove(&key).expect("it is there")),
                    "null" => drop(members.insert(key, Value::Null)),
                    _ => drop(members.insert("nobody knows".to_owned(), json!({"x": [1, null]}))),
                }
                let result = (case.read)(changed.to_string().as_bytes());
                if change == "drop" && case.marks.contains(&&*place) {
                    let error = result.expect_err("nothing says what it is");
                    assert_eq!(error.kind(), "Runtime.UnmarshalError");
                } else if change != "extra" || typed(parent) {
                    assert!(result.is_ok(), "{name}, {change} at {place}: {:?}", result.err());
                }
            }
        }
    }
}

/// Returns `true` if the value is one of the view's types, and not a map whose values have all one type.
fn typed(place: &str) -> bool {
    let is_header = place.rsplit_once('/').is_some_and(|(list, _)| list.ends_with("/headers"));
    !(is_header || place.ends_with("/attributes") || place == "/records")
}

/// Collects the places of all members, as JSON pointers; of lists too.
fn collect(value: &Value, at: String, places: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                places.insert(place.clone());
                collect(value, place, places);
            }
        }
        Value::Array(list) => {
            for (n, value) in list.iter().enumerate() {
                collect(value, format!("{at}/{n}"), places);
            }
        }
        _ => {}
    }
}

#[test]
fn a_view_refuses_every_fixture_of_another_and_names_both() {
    for (case, name, event) in fixtures() {
        let event = event.to_string();
        for other in CASES.iter().filter(|other| other.name != case.name) {
            let error = (other.read)(event.as_bytes()).expect_err(&name);
            assert_eq!(error.kind(), "Runtime.UnmarshalError", "{name} as {}", other.name);
            let (expected, found) = error.message().split_once(", found ").expect("both");
            let word = |text: &str, of: &str| text.to_lowercase().contains(of);
            let (wanted, had) =
                (other.name.replace("logs", "cloudwatch logs"), case.name.replace("logs", "cloudwatch logs"));
            assert!(word(expected, &wanted) && word(found, &had), "{name} as {}: {error}", other.name);
        }
    }
}

#[test]
fn a_record_that_comes_by_way_of_kinesis_is_read_alone() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../integration/fixtures");
    let name = "aws_lambda_events/example-dynamodb-event-record-with-optional-fields";
    let fixture = locate::all(&directory).into_iter().find(|fixture| fixture.name == name).expect("it is there");
    let record: events::aws::dynamodb::Record = serde_json::from_slice(&fixture.event).expect("a record");
    assert_eq!((&*record.table_name, record.dynamodb.size_bytes, record.user_identity), ("examples", 292, None));
    assert_eq!(record.dynamodb.new_image["created"].as_text(), Some("2022-02-16T15:12:00.14Z"));
}

#[function]
fn jobs(ctx: FaasContext, batch: events::aws::Sqs, event: Event) -> Result<events::aws::BatchFailures, Error> {
    assert_eq!(ctx.body(), &event[..], "the bytes stay beside the view");
    Ok(batch.records.iter().filter(|message| message.body == "bad").map(|message| &message.message_id).collect())
}

#[test]
fn a_function_takes_a_view_and_answers_with_what_failed() {
    let record = |id: &str, body: &str| json!({"messageId": id, "body": body, "eventSource": "aws:sqs"});
    let event = json!({"Records": [record("1", "good"), record("2", "bad")]}).to_string();
    let answer = Invoke::event(event).run(jobs::MODULE);
    assert_eq!(answer.failed, None);
    assert_eq!(answer.text(), r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
    let event = json!({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}).to_string();
    let failed = format!("{:?}", Invoke::event(event).run(jobs::MODULE).failed.expect("refused"));
    assert!(failed.contains("Runtime.UnmarshalError"), "{failed}");
    assert!(failed.contains("expected an event of aws:sqs, found one of aws:sns"), "{failed}");
}
