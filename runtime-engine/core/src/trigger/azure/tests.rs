//! Envelopes in the forms that the host's serialiser gives them.

use super::*;
use crate::fields::Fields;
use crate::http1::Assembly;

fn message(body: &str) -> Message {
    let mut assembly = Assembly::request(Vec::new(), b"POST", b"/Paint", b"");
    assembly.body().extend_from_slice(body.as_bytes());
    assembly.finish()
}

/// Returns kind, source and body of an envelope with these members.
fn seen(data: &str, metadata: &str) -> (Kind, &'static str, String) {
    let message = message(&format!(r#"{{"Data":{{{data}}},"Metadata":{{{metadata}}}}}"#));
    let reading = read(&message, &mut SpareView::trusting(1));
    let body = match reading.data.as_ref().map(|data| &data.body) {
        None | Some(Body::Whole) => message.body(),
        Some(Body::Empty) => &[],
        Some(Body::Part(span)) => span.read(message.body()),
        Some(Body::Own(bytes)) => bytes,
    };
    (reading.kind, reading.source, String::from_utf8_lossy(body).into_owned())
}

fn request(members: &str) -> (Box<HttpView>, Message) {
    let message = message(&format!(r#"{{"Data":{{"req":{{{members}}}}},"Metadata":{{}}}}"#));
    let reading = read(&message, &mut SpareView::trusting(1));
    assert_eq!(
        (reading.kind, reading.source, reading.form),
        (Kind::Http, "azure:http", ReplyFormat::Azure),
        "{members}"
    );
    (reading.http.expect("a request"), message)
}

/// Returns a text as a JSON string.
fn coded(text: &str) -> String {
    let mut out = Vec::new();
    json::Writer::new(&mut out).string(text);
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn list(fields: &Fields) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect();
    pairs.join(",")
}

#[test]
fn an_envelope_is_an_object_with_two_objects() {
    assert!(Envelope::of(br#" {"Metadata":{},"Data":{"a":1},"more":null}"#).is_some());
    for body in [
        "",
        "[]",
        "{}",
        r#"{"Data":{}}"#,
        r#"{"Data":{},"Metadata":null}"#,
        r#"{"Data":[],"Metadata":{}}"#,
        r#"{"data":{},"metadata":{}}"#,
        r#"{"Data":{},"Metadata":{}} x"#,
    ] {
        assert!(Envelope::of(body.as_bytes()).is_none(), "{body}");
    }
}

#[test]
fn the_retry_count_is_the_attempt() {
    for (metadata, attempt) in [
        (r#"{"RetryContext":{"RetryCount":2,"MaxRetryCount":3,"Exception":null}}"#, 2),
        (r#"{"RetryContext":null}"#, 0),
        (r#"{"RetryContext":{"RetryCount":-1}}"#, 0),
        ("{}", 0),
    ] {
        let body = format!(r#"{{"Data":{{}},"Metadata":{metadata}}}"#);
        assert_eq!(Envelope::of(body.as_bytes()).expect("an envelope").attempt(), attempt, "{metadata}");
    }
}

#[test]
fn each_trigger_is_known_by_its_marks() {
    let document = r#""[{\"id\":\"1\",\"_rid\":\"r\",\"_etag\":\"e\",\"_ts\":1}]""#;
    let grid =
        r#"{"id":"1","topic":"t","subject":"s","eventType":"E","eventTime":"2026-01-02T03:04:05Z","data":{"a":1}}"#;
    for (value, metadata, kind, source) in [
        (
            r#"{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}"#,
            "",
            Kind::Timer,
            "azure:timer",
        ),
        (r#""\"m\"""#, r#""DequeueCount":"1","Id":"\"i\"""#, Kind::Queue, "azure:queue"),
        (r#""\"m\"""#, r#""MessageId":"\"i\"","DeliveryCount":"1""#, Kind::Queue, "azure:servicebus"),
        (r#""[\"m\"]""#, r#""MessageIdArray":"[]","DeliveryCountArray":"[]""#, Kind::Queue, "azure:servicebus"),
        (r#""\"m\"""#, r#""PartitionContext":{},"Offset":"1""#, Kind::Stream, "azure:eventhub"),
        (r#""\"m\"""#, r#""Uri":"\"u\"","Properties":{},"Metadata":{},"name":"\"n\"""#, Kind::Storage, "azure:blob"),
        (grid, r#""data":{"a":1}"#, Kind::Event, "azure:eventgrid"),
        (document, "", Kind::Table, "azure:cosmosdb"),
        (r#""\"m\"""#, r#""sys":{}"#, Kind::Raw, ""),
        (r#"{"anything":1}"#, "", Kind::Raw, ""),
        (r#""[]""#, "", Kind::Raw, ""),
    ] {
        let found = seen(&format!(r#""trigger":{value}"#), metadata);
        assert_eq!((found.0, found.1), (kind, source), "{value} {metadata}");
    }
    assert_eq!(seen("", "").0, Kind::Raw);
}

#[test]
fn one_coding_is_undone_and_plain_values_pass() {
    for (value, body) in [
        (r#""\"hello \\\"you\\\"\"""#, "hello \"you\""),
        (r#""\"\"""#, ""),
        (r#""5""#, "5"),
        (r#""[1,2]""#, "[1,2]"),
        (r#""null""#, "null"),
        (r#""true""#, "true"),
        (r#""\"{\\\"a\\\":1}\"""#, r#"{"a":1}"#),
        (r#"{"a": 1}"#, r#"{"a": 1}"#),
        (r#""not coded""#, "not coded"),
        ("5", "5"),
        ("[1, 2]", "[1, 2]"),
        ("null", "null"),
        (r#""Z3LDvG4=""#, "grün"),
    ] {
        assert_eq!(seen(&format!(r#""trigger":{value},"other":"1""#), "").2, body, "{value}");
    }
}

#[test]
fn a_cloud_event_has_its_attributes_and_its_data() {
    let event = r#"{"specversion":"1.0","type":"t","source":"/s","id":"1","data":{"a": 1}}"#;
    let once = coded(event);
    for value in [event, &once, &coded(&once)] {
        let found = seen(&format!(r#""event":{value}"#), "");
        assert_eq!((found.0, found.1, found.2.as_str()), (Kind::Event, "azure:eventgrid", r#"{"a": 1}"#), "{value}");
        let message = message(&format!(r#"{{"Data":{{"event":{value}}},"Metadata":{{}}}}"#));
        let data = read(&message, &mut SpareView::trusting(1)).data.expect("it has data");
        assert_eq!(data.attributes.get(b"source", crate::fields::exact), Some(&b"/s"[..]));
    }
}

#[test]
fn a_request_is_told_whole() {
    let (view, _) = request(
        r#""Url":"https://shop.example/api/Door%20s?k=1&k=%32&y","Method":"PUT","Query":{"k":"1,2","y":""},
           "Headers":{"Accept":["*/*"],"X-Two":["1","2"],"Cookie":["a=1; b=2"],"Host":["shop.example"],
                      "X-Forwarded-For":["192.0.2.1:5000, 192.0.2.7:54321"]},
           "Params":{"id":7,"name":"x"},"Identities":[]"#,
    );
    assert_eq!(
        (view.method(), view.path(), view.raw_path()),
        (&b"PUT"[..], &b"/api/Door s"[..], &b"/api/Door%20s"[..])
    );
    assert_eq!((view.raw_query(), list(&view.query).as_str()), (&b"k=1&k=%32&y"[..], "k=1,k=2,y="));
    assert_eq!(
        (view.host(), view.scheme(), view.client_ip()),
        (&b"shop.example"[..], &b"https"[..], &b"192.0.2.7"[..])
    );
    assert_eq!(view.headers.iter().filter(|(name, _)| *name == b"X-Two").count(), 2);
    assert_eq!((list(&view.cookies).as_str(), list(&view.params).as_str()), ("a=1,b=2", "id=7,name=x"));
    assert!(matches!(view.body, Body::Empty), "none is sent");
}

#[test]
fn a_query_that_the_address_lacks_is_an_object_or_its_json() {
    for query in [r#"{"a":"1","b":"x y"}"#, r#""{\"a\":\"1\",\"b\":\"x y\"}""#] {
        let (view, _) = request(&format!(r#""Url":"http://localhost:7071/api/Door","Method":"GET","Query":{query}"#));
        assert_eq!((list(&view.query).as_str(), view.raw_query()), ("a=1,b=x y", &b"a=1&b=x%20y"[..]), "{query}");
    }
    for query in [r#""{}""#, "{}", "null", r#""no json""#] {
        let (view, _) = request(&format!(r#""Url":"http://localhost:7071","Method":"GET","Query":{query}"#));
        assert_eq!((view.query.len(), view.path(), view.host()), (0, &b"/"[..], &b"localhost:7071"[..]), "{query}");
    }
}

#[test]
fn bodies_of_two_kinds_are_in_base64() {
    for (content_type, body, expected) in [
        ("text/plain", "aGk=", "aGk="),
        ("application/octet-stream", "aGk=", "hi"),
        ("Multipart/form-data; boundary=x", "aGk=", "hi"),
        ("application/json", r#"{\"a\":1}"#, r#"{"a":1}"#),
        ("application/octet-stream", "no base64!", "no base64!"),
    ] {
        let (view, message) = request(&format!(
            r#""Url":"http://h/","Method":"POST","Headers":{{"Content-Type":["{content_type}"]}},"Body":"{body}""#
        ));
        let found = match &view.body {
            Body::Part(span) => span.read(message.body()).to_vec(),
            Body::Own(bytes) => bytes.clone(),
            Body::Empty | Body::Whole => panic!("{content_type} {body}"),
        };
        assert_eq!(found, expected.as_bytes(), "{content_type} {body}");
    }
}
