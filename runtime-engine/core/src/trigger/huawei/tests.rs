//! Events in the shapes that the platform documents, and those that only look alike.

use super::super::aws::testing::{body, kind, pairs, read, request, text};
use crate::trigger::{DecodedEvent, Kind, ReplyFormat, SpareView};

const APIG: &str = "huawei:apig";

fn apig(members: &str) -> String {
    format!(
        r#"{{"body":"aGk=","requestContext":{{"apiId":"api-1","requestId":"r-1","stage":"RELEASE"}},
        "queryStringParameters":{{"q":"a b"}},"httpMethod":"PUT","pathParameters":{{"proxy":"a/b"}},
        "headers":{{"host":"api.example","cookie":"a=1","x-real-ip":"192.0.2.7",
        "x-forwarded-for":"192.0.2.8, 10.0.0.1","x-forwarded-proto":"http"}},"path":"/shop/a%20b","isBase64Encoded":true
        {members}}}"#
    )
}

#[test]
fn api_gateways_event_is_a_request() {
    let event = apig("");
    assert_eq!((read(&event).kind, read(&event).form), (Kind::Http, ReplyFormat::Plain));
    let view = request(&event, APIG);
    assert_eq!((text(view.method()), text(view.path()), text(view.raw_path())), ("PUT", "/shop/a b", "/shop/a%20b"));
    assert_eq!((pairs(&view.query).as_str(), text(view.raw_query())), ("q=a b", "q=a%20b"));
    assert_eq!((pairs(&view.params).as_str(), pairs(&view.cookies).as_str()), ("proxy=a/b", "a=1"));
    assert_eq!((text(view.host()), text(view.scheme())), ("api.example", "http"));
    assert_eq!(body(&event), "hi");
}

#[test]
fn a_body_that_does_not_decode_is_the_text_it_is() {
    for (members, expected) in [
        (r#","body":"{\"plain\":\"json\"}""#, r#"{"plain":"json"}"#),
        (r#","body":"plain text""#, "plain text"),
        (r#","body":"aGk=","isBase64Encoded":false"#, "aGk="),
        (r#","body":"aGk=","isBase64Encoded":null"#, "aGk="),
        (r#","body":"""#, ""),
        (r#","body":null"#, ""),
    ] {
        assert_eq!(body(&apig(members)), expected, "{members}");
    }
}

#[test]
fn the_client_is_the_contexts_or_a_headers() {
    let ip = |event: &str| text(request(event, APIG).client_ip()).to_owned();
    let context = r#","requestContext":{"apiId":"a","sourceIp":"192.0.2.1"}"#;
    assert_eq!(ip(&apig(context)), "192.0.2.1");
    assert_eq!(ip(&apig("")), "192.0.2.7");
    assert_eq!(ip(&apig(r#","headers":{"X-Real-Ip":"192.0.2.9:80","X-Forwarded-For":"192.0.2.8"}"#)), "192.0.2.9");
    // What a client has sent comes first in the list: the gateway's word is the last.
    assert_eq!(ip(&apig(r#","headers":{"X-Forwarded-For":"192.0.2.8, 10.0.0.1:7"}"#)), "10.0.0.1");
    assert_eq!(ip(&apig(r#","headers":{}"#)), "");
}

#[test]
fn members_may_be_missing() {
    let view = request(r#"{"httpMethod":"GET","requestContext":{"apiId":"a"}}"#, APIG);
    assert_eq!((text(view.path()), view.headers.len()), ("/", 0));
    let view = request(&apig(r#","queryStringParameters":{"a":["1","2"]},"headers":null"#), APIG);
    assert_eq!((pairs(&view.query).as_str(), view.headers.len()), ("a=1,a=2", 0));
}

#[test]
fn other_triggers_are_known_by_what_they_hold() {
    for (event, expected) in [
        (
            r#"{"version":"v1.0","time":"2026-01-02T03:04:00+08:00","trigger_type":"TIMER","trigger_name":"t",
            "user_event":"blue"}"#,
            (Kind::Timer, "huawei:timer"),
        ),
        (
            r#"{"event_version":"v1.0","event_time":1767323045,"trigger_type":"KAFKA","region":"cn-test",
            "instance_id":"i","records":[{"messages":["one","two"],"topic_id":"t"}]}"#,
            (Kind::Stream, "huawei:kafka"),
        ),
        (
            r#"{"record":[{"event_version":"1.0","smn":{"topic_urn":"urn:smn:t","timestamp":"2026-01-02T03:04:05Z",
            "message_attributes":null,"message":"hello","type":"notification","message_id":"m","subject":"s"},
            "event_subscription_urn":"urn","event_source":"smn"}],"functionname":"f","requestId":"r"}"#,
            (Kind::Topic, "huawei:smn"),
        ),
        (
            r#"{"Records":[{"eventVersion":"2.0","eventSource":"OBS","awsRegion":"cn-test","eventTime":"t",
            "eventName":"ObjectCreated:Put","s3":{"configurationId":"c","bucket":{"name":"b"},"object":{"key":"a%2Fb",
            "size":3,"eTag":"e","versionId":"v","sequencer":"s"}}}]}"#,
            (Kind::Storage, "huawei:obs"),
        ),
        (
            r#"{"ShardID":"shardId-0000000000","Message":{"next_partition_cursor":"c","records":[{"partition_key":"k",
            "data":"aGk=","sequence_number":"1"}],"millis_behind_latest":""},"Tag":"latest","StreamName":"dis-1"}"#,
            (Kind::Stream, "huawei:dis"),
        ),
        (r#"{"lts":{"data":"eyJsb2dzIjoiW10ifQ=="}}"#, (Kind::Log, "huawei:lts")),
        (
            r#"{"cts":{"time":"t","user":{"name":"u","id":"i","domain":{"name":"d","id":"i"}},"service_type":"FunctionGraph",
            "trace_name":"createFunction","trace_type":"ConsoleAction"}}"#,
            (Kind::Event, "huawei:cts"),
        ),
        (
            r#"{"records":[{"event_name":"insert","event_version":"1.0","event_source":"dds","region":"cn-test",
            "dds":{"size_bytes":"100","token":"{}","full_document":"{}","ns":"{}"},"event_source_id":"e"}]}"#,
            (Kind::Table, "huawei:dds"),
        ),
    ] {
        assert_eq!(kind(event), expected, "{event}");
    }
}

#[test]
fn what_only_looks_alike_is_left_to_others() {
    for event in [
        r#"{"trigger_type":"MOON"}"#,
        r#"{"record":[]}"#,
        r#"{"record":[{"smn":null}]}"#,
        r#"{"Records":[{"s3":{},"eventSource":"moon"}]}"#,
        r#"{"Records":[{"eventSource":"OBS"}]}"#,
        r#"{"records":[{"dds":"x"}]}"#,
        r#"{"ShardID":"s"}"#,
        r#"{"ShardID":"s","Message":"text"}"#,
        r#"{"lts":{}}"#,
        r#"{"cts":"x"}"#,
        r#"{"httpMethod":"GET","path":"/","requestContext":{"stage":"RELEASE"}}"#,
        r#"{"requestContext":{"apiId":"a"}}"#,
    ] {
        assert_eq!(kind(event), (Kind::Raw, ""), "{event}");
    }
    for (event, expected) in [
        (r#"{"Records":[{"s3":{},"eventSource":"aws:s3"}]}"#, (Kind::Storage, "aws:s3")),
        (
            r#"{"resource":"/","httpMethod":"GET","path":"/","requestContext":{"apiId":"a"}}"#,
            (Kind::Http, "aws:apigateway:v1"),
        ),
        (
            r#"{"version":"2.0","rawPath":"/","requestContext":{"apiId":"a","http":{"method":"GET"}}}"#,
            (Kind::Http, "aws:apigateway:v2"),
        ),
        (r#"{"requestContext":{"apiId":"a","connectionId":"c"}}"#, (Kind::WebSocket, "aws:apigateway:websocket")),
        (r#"{"eventSource":"aws:kafka","records":{}}"#, (Kind::Stream, "aws:kafka")),
        (r#"{"deliveryStreamArn":"arn","records":[{"dds":{}}]}"#, (Kind::Stream, "aws:firehose")),
    ] {
        assert_eq!(kind(event), expected, "{event}");
    }
}

#[test]
fn a_view_that_is_used_again_keeps_nothing() {
    let first = read(&apig(""));
    let again = DecodedEvent::of_event(
        br#"{"httpMethod":"GET","requestContext":{"apiId":"a"}}"#,
        &mut SpareView::used(first.http.expect("a request")),
    );
    let view = again.http.expect("a request");
    for text in [view.raw_query(), view.host(), view.client_ip()] {
        assert_eq!(text, b"");
    }
    assert!(view.headers.is_empty() && view.query.is_empty() && view.cookies.is_empty() && view.params.is_empty());
}
