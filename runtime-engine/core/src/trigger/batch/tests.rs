//! The records of each source: id, group, payload, attempt, attributes.

use super::*;
use crate::http1::Assembly;
use crate::invocation::InvocationMetadata;
use crate::trigger::{DecodedEvent, MessageFormat, SpareView};

/// Returns the bytes as text.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns `id|group|attempt|payload` of each record, and its attributes as `name=value` behind that.
fn records(batch: &Batch, body: &[u8]) -> Vec<String> {
    let record = |number| {
        let bytes = batch.bytes(number, body);
        let content = batch.open(number, bytes);
        let payload = match &content.data.body {
            Body::Empty => &[],
            Body::Whole => bytes,
            Body::Part(span) => span.read(bytes),
            Body::Own(own) => own,
        };
        let attempt = content.attempt.map_or("-".to_owned(), |attempt| attempt.to_string());
        let attributes = content.data.attributes.iter().chain(content.attributes.iter());
        let attributes = attributes.map(|(name, value)| format!(" {}={}", shown(name), shown(value)));
        let (id, group) = (shown(batch.id(number)), shown(batch.group(number)));
        format!("{id}|{group}|{attempt}|{}{}", shown(payload), attributes.collect::<String>())
    };
    (0..batch.len()).map(record).collect()
}

/// Returns source, partial failure and records of an event that is recognised by its own look.
fn read(event: &str) -> (&'static str, Partial, Vec<String>) {
    let event = event.as_bytes();
    let source = DecodedEvent::of_event(event, &mut SpareView::default()).source;
    let batch = Batch::of(source.as_bytes(), event, event).unwrap_or_else(|| panic!("no batch: {source}"));
    (source, batch.partial(), records(&batch, event))
}

#[test]
fn a_message_of_sqs_has_its_body_and_a_group_only_in_a_fifo_queue() {
    let message = |queue: &str| {
        format!(
            r#"{{"Records":[{{"messageId":"m1","receiptHandle":"r","body":"{{\"a\":1}}","eventSource":"aws:sqs",
            "eventSourceARN":"arn:aws:sqs:eu-west-1:1:{queue}","attributes":{{"ApproximateReceiveCount":"3","MessageGroupId":"g"}},
            "messageAttributes":{{"kind":{{"stringValue":"job","dataType":"String"}},"raw":{{"binaryValue":"aGk=","dataType":"Binary"}}}}}},
            {{"messageId":"m2","body":"plain","eventSource":"aws:sqs"}}]}}"#
        )
    };
    let attributes = "ApproximateReceiveCount=3 MessageGroupId=g kind=job raw=hi";
    for (queue, group) in [("jobs.fifo", "g"), ("jobs", "")] {
        let expected = vec![format!("m1|{group}|2|{{\"a\":1}} {attributes}"), "m2||-|plain".to_owned()];
        assert_eq!(read(&message(queue)), ("aws:sqs", Partial::Ids, expected));
    }
}

#[test]
fn records_of_streams_are_ordered_by_key_and_known_by_sequence_number() {
    let kinesis = r#"{"Records":[{"eventSource":"aws:kinesis","eventID":"shardId-0:49","kinesis":{"kinesisSchemaVersion":"1.0",
        "partitionKey":"p","sequenceNumber":"49","data":"aGVsbG8=","approximateArrivalTimestamp":1.5}}]}"#;
    let expected = "49|p|-|hello kinesisSchemaVersion=1.0 partitionKey=p sequenceNumber=49 approximateArrivalTimestamp=1.5 eventID=shardId-0:49";
    assert_eq!(read(kinesis), ("aws:kinesis", Partial::Checkpoint, vec![expected.to_owned()]));
    let record = r#"{"eventSource":"aws:dynamodb","dynamodb":{"Keys":{"id":{"N":"7"}},"SequenceNumber":"11"}}"#;
    let expected = format!(r#"11|{{"id":{{"N":"7"}}}}|-|{record}"#);
    assert_eq!(read(&format!(r#"{{"Records":[{record}]}}"#)), ("aws:dynamodb", Partial::Checkpoint, vec![expected]));
}

#[test]
fn the_other_batches_of_aws_know_no_partial_failure() {
    let sns = r#"{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"n1","TopicArn":"arn:t","Subject":null,"Message":"hi",
        "MessageAttributes":{"k":{"Type":"String","Value":"v"}}}}]}"#;
    assert_eq!(read(sns), ("aws:sns", Partial::None, vec!["n1||-|hi TopicArn=arn:t k=v".to_owned()]));
    let object = r#"{"eventSource":"aws:s3","responseElements":{"x-amz-request-id":"R1"},"s3":{}}"#;
    let unnamed = r#"{"eventSource":"aws:s3"}"#;
    let expected = vec![format!("R1||-|{object}"), format!("1||-|{unnamed}")];
    assert_eq!(read(&format!(r#"{{"Records":[{object},{unnamed}]}}"#)), ("aws:s3", Partial::None, expected));
    for (event_source, word) in [("aws:kafka", "aws:kafka"), ("SelfManagedKafka", "self-managed-kafka")] {
        let kafka = format!(
            r#"{{"eventSource":"{event_source}","records":{{"t-0":[{{"topic":"t","partition":0,"offset":15,"timestamp":1,
            "key":"aw==","value":"dg==","headers":[{{"h":[104,-61,-69]}}]}}],"t-1":[{{"topic":"t","partition":1,"offset":2}}]}}}}"#
        );
        let expected = vec![
            "t-0-15|t-0|-|v topic=t partition=0 offset=15 timestamp=1 key=k h=hû".to_owned(),
            "t-1-2|t-1|-| topic=t partition=1 offset=2".to_owned(),
        ];
        assert_eq!(read(&kafka), (word, Partial::None, expected));
    }
    let mq = r#"{"eventSource":"aws:mq","messages":[{"messageID":"ID:1","data":"dg==","redelivered":true,"properties":{"i":"1"}}]}"#;
    let expected = "ID:1||1|v messageID=ID:1 redelivered=true i=1";
    assert_eq!(read(mq), ("aws:mq", Partial::None, vec![expected.to_owned()]));
    let rmq = r#"{"eventSource":"aws:rmq","rmqMessagesByQueue":{"q::/":[{"basicProperties":{"messageId":"m","priority":1},"redelivered":false,"data":"dg=="},
        {"basicProperties":{},"data":"dw=="}]}}"#;
    let expected = vec!["m||0|v messageId=m priority=1".to_owned(), "1||-|w".to_owned()];
    assert_eq!(read(rmq), ("aws:rmq", Partial::None, expected));
    let change = r#"{"event":{"_id":{"_data":"d1"}}}"#;
    let expected = vec![format!("d1||-|{change}")];
    assert_eq!(
        read(&format!(r#"{{"eventSource":"aws:docdb","events":[{change}]}}"#)),
        ("aws:docdb", Partial::None, expected)
    );
}

#[test]
fn batches_of_tencent() {
    let kafka =
        r#"{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"k","msgBody":"{\"a\":1}"}}]}"#;
    let expected = r#"t-1-36|t-1|-|{"a":1} topic=t partition=1 offset=36 key=k"#;
    assert_eq!(read(kafka), ("tencent:ckafka", Partial::None, vec![expected.to_owned()]));
    let topic =
        r#"{"Records":[{"CMQ":{"type":"topic","topicName":"t","msgId":"7","msgBody":"hi","msgTag":["a","b"]}}]}"#;
    let expected = "7||-|hi type=topic topicName=t msgId=7 msgTag=a msgTag=b";
    assert_eq!(read(topic), ("tencent:cmq", Partial::None, vec![expected.to_owned()]));
    let object = r#"{"cos":{},"event":{"reqid":17}}"#;
    let expected = vec![format!("17||-|{object}")];
    assert_eq!(read(&format!(r#"{{"Records":[{object}]}}"#)), ("tencent:cos", Partial::None, expected));
}

#[test]
fn batches_of_huawei() {
    let topic = r#"{"record":[{"event_source":"smn","smn":{"topic_urn":"urn:t","message":"hi","message_id":"m","subject":"s",
        "message_attributes":{"a":"1"}}}]}"#;
    let expected = "m||-|hi topic_urn=urn:t subject=s a=1";
    assert_eq!(read(topic), ("huawei:smn", Partial::None, vec![expected.to_owned()]));
    let stream = r#"{"ShardID":"s","Message":{"records":[{"partition_key":"p","data":"dg==","sequence_number":"9"}]}}"#;
    let expected = "9|p|-|v partition_key=p sequence_number=9";
    assert_eq!(read(stream), ("huawei:dis", Partial::None, vec![expected.to_owned()]));
    let kafka = r#"{"trigger_type":"KAFKA","records":[{"topic_id":"t","messages":["one","{\"a\":2}"]},{"topic_id":"u","messages":["three"]}]}"#;
    let expected = ["0|t|-|one", r#"1|t|-|{"a":2}"#, "2|u|-|three"].map(str::to_owned).to_vec();
    assert_eq!(read(kafka), ("huawei:kafka", Partial::None, expected));
    let object = r#"{"eventSource":"OBS","s3":{},"responseElements":{"x-amz-request-id":"R"}}"#;
    let expected = vec![format!("R||-|{object}")];
    assert_eq!(read(&format!(r#"{{"Records":[{object}]}}"#)), ("huawei:obs", Partial::None, expected));
    let change = r#"{"event_source":"dds","dds":{"token":"tok"}}"#;
    let expected = vec![format!("tok||-|{change}")];
    assert_eq!(read(&format!(r#"{{"records":[{change}]}}"#)), ("huawei:dds", Partial::None, expected));
}

#[test]
fn batches_of_alibaba() {
    let wrapped = [
        r#"{"specversion":"1.0","id":"e1","source":"s","type":"k","data":{"topic":"t","partition":3,"offset":8,"key":"k","value":"{\"a\":1}"}}"#,
        r#"{"specversion":"1.0","id":"e2","source":"s","type":"r","data":{"topic":"t","systemProperties":{"KEYS":"x"},"userProperties":{"u":"1"},"body":"hi"}}"#,
        r#"{"specversion":"1.0","id":"e3","source":"s","type":"m","data":{"requestId":"q","messageId":"i","messageBody":"ho"}}"#,
        r#"{"specversion":"1.0","id":"e4","source":"s","type":"o","data":{"b":2}}"#,
    ];
    let mut event = Vec::new();
    let mut writer = crate::json::Writer::new(&mut event);
    writer.begin_array();
    wrapped.iter().for_each(|text| {
        writer.string(text);
    });
    writer.end_array();
    let (source, partial, found) = read(&shown(&event));
    assert_eq!((source, partial), ("aliyun:eventbridge", Partial::None));
    let common = |id: &str, kind: &str| {
        format!(" specversion=1.0 id={id} source=s type={kind} datacontenttype=application/json")
    };
    let expected = [
        format!(r#"e1|t-3|-|{{"a":1}}{} topic=t partition=3 offset=8 key=k"#, common("e1", "k")),
        format!("e2||-|hi{} topic=t KEYS=x u=1", common("e2", "r")),
        format!("e3||-|ho{} messageId=i requestId=q", common("e3", "m")),
        format!(r#"e4||-|{{"b":2}}{}"#, common("e4", "o")),
    ];
    assert_eq!(found, expected);
    // The same as objects, and a message of a queue alone.
    let objects = read(&format!("[{}]", wrapped.join(",")));
    assert_eq!(objects, ("aliyun:eventbridge", Partial::None, expected.to_vec()));
    let alone = wrapped[2].replace(r#""type":"m""#, r#""type":"mns:Queue:SendMessage""#);
    let expected = expected[2].replace("type=m", "type=mns:Queue:SendMessage");
    assert_eq!(read(&alone), ("aliyun:eventbridge", Partial::None, vec![expected]));
    let rabbit = r#"[{"specversion":"1.0","id":"e5","source":"s","type":"amqp:Queue:SendMessage","data":{"envelope":{},"body":{"a":1},"props":{"messageId":"i"}}}]"#;
    let expected = r#"e5||-|{"a":1} specversion=1.0 id=e5 source=s type=amqp:Queue:SendMessage datacontenttype=application/json messageId=i"#;
    assert_eq!(read(rabbit), ("aliyun:eventbridge", Partial::None, vec![expected.to_owned()]));
    let topic = r#"{"TopicOwner":"1","Message":"hi","TopicName":"t","MessageId":"m","MessageMD5":"x"}"#;
    let expected = "m||-|hi TopicOwner=1 TopicName=t MessageId=m MessageMD5=x";
    assert_eq!(read(topic), ("aliyun:mns", Partial::None, vec![expected.to_owned()]));
    let object = r#"{"eventSource":"acs:oss","responseElements":{"requestId":"R"}}"#;
    let expected = vec![format!("R||-|{object}")];
    assert_eq!(read(&format!(r#"{{"events":[{object}]}}"#)), ("aliyun:oss", Partial::None, expected));
    let domain = r#"{"eventSource":"cdn","traceId":"T"}"#;
    let expected = vec![format!("T||-|{domain}")];
    assert_eq!(read(&format!(r#"{{"events":[{domain}]}}"#)), ("aliyun:cdn", Partial::None, expected));
}

#[test]
fn rows_of_tablestore_are_ordered_by_primary_key_in_both_of_its_forms() {
    let json = r#"{"Version":"v","Records":[{"Type":"PUT","PrimaryKey":[1]},{"Type":"DEL","PrimaryKey":[1]}]}"#;
    let (source, partial, found) = read(json);
    assert_eq!((source, partial), ("aliyun:tablestore", Partial::None));
    assert_eq!(found[1], r#"1|[1]|-|{"Type":"DEL","PrimaryKey":[1]}"#);
    let cbor: &[u8] = b"\xa2\x67Version\x61v\x67Records\x82\xa1\x6aPrimaryKey\x81\x01\xa1\x6aPrimaryKey\x81\x02";
    let source = DecodedEvent::of_event(cbor, &mut SpareView::default()).source;
    let batch = Batch::of(source.as_bytes(), cbor, cbor).expect("a batch");
    let groups: Vec<&[u8]> = (0..batch.len()).map(|record| batch.group(record)).collect();
    assert_eq!(groups, [b"\x81\x01", b"\x81\x02"]);
    assert_eq!(batch.bytes(1, cbor), b"\xa1\x6aPrimaryKey\x81\x02");
}

#[test]
fn messages_of_yandex() {
    let event = |event_type: &str, details: &str| {
        format!(
            r#"{{"messages":[{{"event_metadata":{{"event_id":"e","event_type":"yandex.cloud.events.{event_type}"}},"details":{details}}}]}}"#
        )
    };
    let queue = |name: &str| {
        let details = r#""message":{"message_id":"m","body":"hi","attributes":{"ApproximateReceiveCount":"2","MessageGroupId":"g"},
            "message_attributes":{"a":{"data_type":"String","string_value":"1"}}}"#;
        event("messagequeue.QueueMessage", &format!(r#"{{"queue_id":"yrn:{name}",{details}}}"#))
    };
    for (name, group) in [("q.fifo", "g"), ("q", "")] {
        let expected = format!("m|{group}|1|hi ApproximateReceiveCount=2 MessageGroupId=g a=1");
        assert_eq!(read(&queue(name)), ("yandex:ymq", Partial::None, vec![expected]));
    }
    let iot = event("iot.IoTMessage", r#"{"device_id":"d","mqtt_topic":"$x","payload":"dg=="}"#);
    let expected = "e|$x|-|v device_id=d mqtt_topic=$x";
    assert_eq!(read(&iot), ("yandex:iot", Partial::None, vec![expected.to_owned()]));
    let (source, _, found) = read(&event("storage.ObjectCreate", r#"{"object_id":"o"}"#));
    assert_eq!((source, found[0].starts_with("e||-|{\"event_metadata\"")), ("yandex:storage", true));
}

/// Reads a message of this shape, with what its trigger's value or its body is.
fn of_message(headers: &[(&str, &str)], body: &str, format: MessageFormat) -> (&'static str, Option<Vec<String>>) {
    let mut assembly = Assembly::request(Vec::new(), b"POST", b"/", b"");
    headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
    assembly.body().extend_from_slice(body.as_bytes());
    let message = assembly.finish();
    let metadata = InvocationMetadata { format, ..InvocationMetadata::default() };
    let mut invocation = crate::invocation::Invocation::new(crate::testing::process().0, "f".into());
    invocation.renew(message, &metadata, false);
    let source = invocation.decoded().source;
    let body = faas_abi::host::Invocation::body(&invocation);
    (source, invocation.batch().map(|batch| records(batch, body)))
}

#[test]
fn lists_of_azure_are_batches_and_single_values_are_none() {
    let bus = r#"{"Data":{"m":"[\"one\",{\"a\":2}]"},"Metadata":{"DeliveryCountArray":[1,4],"MessageIdArray":["i1","i2"],
        "SessionIdArray":["s",null]}}"#;
    let expected = ["i1|s|0|one", r#"i2||3|{"a":2}"#].map(str::to_owned).to_vec();
    assert_eq!(of_message(&[], bus, MessageFormat::Azure), ("azure:servicebus", Some(expected)));
    let hub = r#"{"Data":{"m":["one","two"]},"Metadata":{"PartitionContext":{},"SequenceNumberArray":"[7,8]","PartitionKeyArray":["p","p"]}}"#;
    let expected = ["7|p|-|one", "8|p|-|two"].map(str::to_owned).to_vec();
    assert_eq!(of_message(&[], hub, MessageFormat::Azure), ("azure:eventhub", Some(expected)));
    let documents = r#"{"Data":{"d":"[{\"id\":\"x\",\"_rid\":\"r\",\"_etag\":\"e\"}]"},"Metadata":{}}"#;
    let expected = vec![r#"x|x|-|{"id":"x","_rid":"r","_etag":"e"}"#.to_owned()];
    assert_eq!(of_message(&[], documents, MessageFormat::Azure), ("azure:cosmosdb", Some(expected)));
    let single = r#"{"Data":{"m":"\"one\""},"Metadata":{"DeliveryCount":1,"MessageId":"i"}}"#;
    assert_eq!(of_message(&[], single, MessageFormat::Azure), ("azure:servicebus", None));
}

#[test]
fn a_batch_of_cloudevents_over_http_has_their_data_and_attributes() {
    let body = r#"[{"specversion":"1.0","id":"1","source":"/s","type":"t","partitionkey":"p","data":{"a":1}},
        {"specversion":"1.0","id":"2","source":"/s","type":"t","data_base64":"aGk="}]"#;
    let headers = [("content-type", "application/cloudevents-batch+json")];
    let expected = [
        r#"1|p|-|{"a":1} specversion=1.0 id=1 source=/s type=t partitionkey=p datacontenttype=application/json"#,
        "2||-|hi specversion=1.0 id=2 source=/s type=t",
    ];
    let expected = expected.map(str::to_owned).to_vec();
    assert_eq!(of_message(&headers, body, MessageFormat::CloudEvent), ("cloudevents:batch", Some(expected)));
}

#[test]
fn an_event_of_pubsub_is_a_batch_of_its_message_and_no_other_cloudevent_alone_is_one() {
    let headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];
    let body = r#"{"message":{"data":"aGk=","attributes":{"tenant":"acme"},"messageId":"7","orderingKey":"k"},
        "subscription":"projects/p/subscriptions/s","deliveryAttempt":3}"#;
    let expected = vec!["7|k|2|hi tenant=acme".to_owned()];
    assert_eq!(of_message(&headers, body, MessageFormat::CloudEvent), ("cloudevents", Some(expected)));
    for other in [r#"{"message":{"data":"aGk="}}"#, r#"{"subscription":"s"}"#, "hi", "[]"] {
        assert_eq!(of_message(&headers, other, MessageFormat::CloudEvent), ("cloudevents", None), "{other}");
    }
}

#[test]
fn what_is_no_batch_or_is_broken_has_no_records() {
    for event in ["", "{}", "null", r#"{"Records":{}}"#, r#"{"Records":null}"#, "{\"Records\":["] {
        for source in SOURCES.iter().flat_map(|family| family.iter()) {
            let batch = Batch::of(source.word.as_bytes(), event.as_bytes(), event.as_bytes());
            let count = batch.as_ref().map_or(0, Batch::len);
            // A message of a topic is any object.
            assert!(count == 0 || source.word == "aliyun:mns", "{}: {count} of {event}", source.word);
        }
    }
    for source in ["aws:eventbridge", "aliyun:timer", "http", "", "new:thing"] {
        assert!(Batch::of(source.as_bytes(), b"{\"Records\":[]}", b"{\"Records\":[]}").is_none(), "{source}");
    }
}

#[test]
fn records_that_are_not_what_their_source_promises_are_taken_apart_all_the_same() {
    for source in SOURCES.iter().flat_map(|family| family.iter()) {
        for record in
            ["", "null", "1", "[]", "{}", "\"text\"", "{\"a\":", r#"{"Sns":1,"kinesis":[],"body":{}}"#, "\u{1}"]
        {
            let mut content = Content::default();
            (source.open)(record.as_bytes(), &mut content);
        }
    }
    let nulls = r#"{"Records":[null,{"messageId":null,"body":null,"attributes":null,"eventSource":"aws:sqs"}]}"#;
    let batch = Batch::of(b"aws:sqs", nulls.as_bytes(), nulls.as_bytes()).expect("a batch");
    assert_eq!(records(&batch, nulls.as_bytes()), ["0||-|", "1||-|"]);
}

#[test]
fn every_source_has_its_row_in_the_page_about_records() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/records.md"))
        .expect("the test runs in the repository");
    let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    let lacks: Vec<&str> = SOURCES
        .iter()
        .flat_map(|family| family.iter())
        .map(|source| source.word)
        .filter(|word| !rows.iter().any(|row| row.contains(&format!("`{word}`"))))
        .collect();
    assert!(lacks.is_empty(), "docs/records.md has no row of {lacks:?}");
}
