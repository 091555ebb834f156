//! Events in the shapes that the platform documents, and those that only look alike.

use super::super::aws::testing::{body, kind, pairs, read, request, text};
use crate::trigger::{DecodedEvent, Kind, ReplyFormat, SpareView};

const GATEWAY: &str = "tencent:apigateway";
const URL: &str = "tencent:url";

fn gateway(members: &str) -> String {
    format!(
        r#"{{"requestContext":{{"serviceId":"service-1","path":"/shop/{{id}}","httpMethod":"POST","requestId":"r-1",
        "identity":{{"secretId":"s"}},"sourceIp":"192.0.2.7","stage":"release"}},
        "headers":{{"accept":"*/*","cookie":"a=1; b=2","host":"service-1.example","x-forwarded-for":"10.0.0.1"}},
        "httpMethod":"POST","path":"/shop/7","pathParameters":{{"id":"7"}},"queryString":{{"q":"a b"}},
        "queryStringParameters":{{"declared":"x"}},"headerParameters":{{"Refer":"y"}},"stageVariables":{{"stage":"release"}}
        {members}}}"#
    )
}

fn url(members: &str) -> String {
    format!(
        r#"{{"body":"hi","headers":{{"host":"1-x.ap-test.example","x-scf-remote-addr":"192.0.2.8",
        "x-forwarded-proto":"http"}},"httpMethod":"GET","path":"/a%2Fb","queryString":{{}}{members}}}"#
    )
}

#[test]
fn the_api_gateways_event_is_a_request() {
    let event = gateway(r#","body":"{\"k\":\"ü\"}""#);
    assert_eq!((read(&event).kind, read(&event).form), (Kind::Http, ReplyFormat::Plain));
    let view = request(&event, GATEWAY);
    assert_eq!((text(view.method()), text(view.path()), text(view.route())), ("POST", "/shop/7", "/shop/{id}"));
    assert_eq!((pairs(&view.query).as_str(), text(view.raw_query())), ("q=a b", "q=a%20b"));
    assert_eq!((pairs(&view.params).as_str(), pairs(&view.cookies).as_str()), ("id=7", "a=1,b=2"));
    assert_eq!((text(view.host()), text(view.client_ip())), ("service-1.example", "192.0.2.7"));
    assert_eq!((text(view.scheme()), body(&event).as_str()), ("https", r#"{"k":"ü"}"#));
}

#[test]
fn a_query_holds_texts_lists_and_names_without_a_value() {
    let query = r#","queryString":{"one":"1","many":["a","b&c",3],"bare":true,"word":"true","none":null,"no":false}"#;
    for (event, source) in [(gateway(query), GATEWAY), (url(query), URL)] {
        let view = request(&event, source);
        assert_eq!(pairs(&view.query), "one=1,many=a,many=b&c,many=3,bare=,word=true,no=false");
        assert_eq!(text(view.raw_query()), "one=1&many=a&many=b%26c&many=3&bare=&word=true&no=false");
    }
}

#[test]
fn a_function_url_has_no_context_and_names_the_client_in_a_header() {
    let event = url("");
    let view = request(&event, URL);
    assert_eq!((text(view.path()), text(view.raw_path())), ("/a/b", "/a%2Fb"));
    assert_eq!((text(view.client_ip()), text(view.scheme())), ("192.0.2.8", "http"));
    assert_eq!((text(view.host()), body(&event).as_str()), ("1-x.ap-test.example", "hi"));
    let told = request(&url(r#","requestContext":{"sourceIp":"192.0.2.9"}"#), URL);
    assert_eq!(text(told.client_ip()), "192.0.2.9");
    // Either mark is enough.
    assert_eq!(kind(r#"{"httpMethod":"GET","path":"/","headers":{},"queryString":{}}"#), (Kind::Http, URL));
    assert_eq!(kind(r#"{"httpMethod":"GET","path":"/","headers":{"X-Scf-Remote-Addr":"a"}}"#), (Kind::Http, URL));
}

#[test]
fn a_body_is_text_unless_it_says_base64() {
    assert_eq!(body(&url(r#","body":"aGk=""#)), "aGk=");
    assert_eq!(body(&url(r#","body":"aGk=","isBase64Encoded":true"#)), "hi");
    assert_eq!(body(&url(r#","body":"no base64!","isBase64Encoded":true"#)), "no base64!");
    assert_eq!(body(&url(r#","body":null"#)), "");
}

#[test]
fn other_triggers_are_known_by_what_they_hold() {
    for (event, expected) in [
        (
            r#"{"Type":"Timer","TriggerName":"tick","Time":"2026-01-02T03:04:00Z","Message":"blue"}"#,
            (Kind::Timer, "tencent:timer"),
        ),
        (
            r#"{"Records":[{"cos":{"cosSchemaVersion":"1.0","cosNotificationId":"n","cosBucket":{"name":"b",
            "appid":"1250000000","region":"ap-test"},"cosObject":{"key":"/1250000000/b/a.txt","size":3,"url":"u","vid":"",
            "meta":{}}},"event":{"eventName":"cos:ObjectCreated:Put","eventVersion":"1.0","eventTime":1767323045,
            "eventSource":"qcs::cos","requestParameters":{"requestSourceIP":"192.0.2.1","requestHeaders":{}},
            "eventQueue":"q","reservedInfo":"","reqid":1}}]}"#,
            (Kind::Storage, "tencent:cos"),
        ),
        (
            r#"{"Records":[{"CMQ":{"type":"topic","topicOwner":1250000000,"topicName":"t","subscriptionName":"s",
            "publishTime":"2026-01-02T03:04:05Z","msgId":"m","requestId":"r","msgBody":"hello","msgTag":"a, b"}}]}"#,
            (Kind::Topic, "tencent:cmq"),
        ),
        (
            r#"{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"k","msgBody":"hello"}}]}"#,
            (Kind::Stream, "tencent:ckafka"),
        ),
        (r#"{"clslogs":{"data":"H4sI"}}"#, (Kind::Log, "tencent:cls")),
    ] {
        assert_eq!(kind(event), expected, "{event}");
    }
}

#[test]
fn what_only_looks_alike_is_left_to_others() {
    for event in [
        r#"{"Type":"Timer"}"#,
        r#"{"Type":"Notification","TriggerName":"t"}"#,
        r#"{"Records":[]}"#,
        r#"{"Records":[{"cos":null}]}"#,
        r#"{"Records":[{"cos":"x"}]}"#,
        r#"{"Records":{"cos":{}}}"#,
        r#"{"clslogs":null}"#,
        r#"{"queryString":{},"path":"/"}"#,
        r#"{"httpMethod":1,"path":"/","queryString":{}}"#,
    ] {
        assert_eq!(kind(event), (Kind::Raw, ""), "{event}");
    }
    for (event, source) in [
        (r#"{"resource":"/","httpMethod":"GET","path":"/","queryString":{},"headers":{}}"#, "aws:apigateway:v1"),
        (r#"{"requestContext":{"elb":{}},"httpMethod":"GET","path":"/","queryString":{}}"#, "aws:alb"),
        (r#"{"httpMethod":"GET","path":"/","queryParameters":{},"headers":{}}"#, "aliyun:apigateway"),
        (r#"{"httpMethod":"GET","path":"/","requestContext":{"apiId":"a"},"queryString":{}}"#, "huawei:apig"),
    ] {
        assert_eq!(kind(event), (Kind::Http, source), "{event}");
    }
}

#[test]
fn a_view_that_is_used_again_keeps_nothing() {
    let first = read(&gateway(r#","body":"full""#));
    let again = DecodedEvent::of_event(
        br#"{"httpMethod":"GET","path":"/","headers":{},"queryString":{}}"#,
        &mut SpareView::used(first.http.expect("a request")),
    );
    let view = again.http.expect("a request");
    for text in [view.raw_query(), view.route(), view.host(), view.client_ip()] {
        assert_eq!(text, b"");
    }
    assert!(view.headers.is_empty() && view.query.is_empty() && view.cookies.is_empty() && view.params.is_empty());
}
