//! Amazon API Gateway: REST APIs and payload 1.0, HTTP APIs with payload 2.0, and function URLs, which share the
//! latter.
//!
//! HTTP APIs undo the path's percent-coding, in both payloads. REST APIs and function URLs hand it on as the client
//! sent it. `rawPath` keeps the stage in front unless it is `$default`, `path` of REST APIs has none: both stay as
//! handed. Queries of payload 1.0 are decoded; `rawQueryString` is coded, but a function URL has made spaces of the
//! plus signs.

use super::super::{Kind, ReplyFormat};
use super::members::{Event, Http, is};
use super::read::{body, both_maps, map, text};
use super::{HttpView, Request};
use crate::fields::{caseless_order, exact_order};
use crate::json::{Value, ValueKind as Json};

pub(super) fn recognise(event: &Event<'_>) -> Option<Request> {
    let (top, context) = (&event.top, &event.context);
    // Alibaba's HTTP trigger has the same members, and a version of its own.
    if context.http.is_some_and(|http| http.kind() == Json::Object && !is(top.version, "v1"))
        || (top.raw_path.is_some() && is(top.version, "2.0"))
    {
        let source = if is_function_url(event) { "aws:lambda-url" } else { "aws:apigateway:v2" };
        return Some(((Kind::Http, source), ReplyFormat::ApiGatewayV2, v2));
    }
    let method_and_path = top.http_method.is_some() && top.path.is_some();
    let rest = context.resource_id.is_some() || context.resource_path.is_some();
    // Other clouds' gateways send method and path too, but neither a resource nor this version.
    let v1_mark = top.resource.is_some() || rest || is(top.version, "1.0");
    if (method_and_path && v1_mark) || (top.resource.is_some() && rest) {
        return Some(((Kind::Http, "aws:apigateway:v1"), ReplyFormat::ApiGatewayV1, v1));
    }
    None
}

fn is_function_url(event: &Event<'_>) -> bool {
    event.context.domain.and_then(|name| name.as_str()).is_some_and(|name| name.contains(".lambda-url."))
}

fn v2(event: &Event<'_>, view: &mut HttpView) {
    let (top, context) = (&event.top, &event.context);
    let http = Http::of(context.http.iter().flat_map(Value::members));
    text(http.method, |t| view.set_method(t));
    let path = top.raw_path.or(http.path);
    if is_function_url(event) {
        text(path, |t| view.set_coded_path(t));
    } else {
        text(path, |t| view.set_decoded_path(t));
    }
    text(top.raw_query, |t| view.set_coded_query(t));
    view.decode_query();
    if view.query.is_empty() {
        map(top.query, &mut view.query);
        view.encode_query();
    }
    map(top.headers, &mut view.headers);
    cookies(event, view);
    map(top.params, &mut view.params);
    text(top.route.or(context.route), |t| view.set_route(t));
    text(http.protocol, |t| view.set_protocol(t));
    text(http.source_ip, |t| view.set_client_ip(t));
    finish(event, view);
}

/// Puts the cookies back into a header: the gateway takes the Cookie header apart, and readers of headers look for it.
fn cookies(event: &Event<'_>, view: &mut HttpView) {
    let mut joined = Vec::new();
    for cookie in event.top.cookies.iter().flat_map(|list| list.elements()) {
        text(Some(cookie), |t| {
            joined.extend_from_slice(if joined.is_empty() { b"" } else { b"; " });
            joined.extend_from_slice(t);
        });
    }
    if joined.is_empty() {
        return;
    }
    super::super::view::add_cookies(&mut view.cookies, &joined);
    if view.header(b"cookie").is_none() {
        view.headers.add(b"cookie", &joined);
    }
}

fn v1(event: &Event<'_>, view: &mut HttpView) {
    let (top, context) = (&event.top, &event.context);
    text(top.http_method.or(context.http_method), |t| view.set_method(t));
    let path = top.path.or(context.path);
    if is(top.version, "1.0") {
        text(path, |t| view.set_decoded_path(t));
    } else {
        text(path, |t| view.set_coded_path(t));
    }
    text(top.resource.or(context.resource_path), |t| view.set_route(t));
    text(context.protocol, |t| view.set_protocol(t));
    both_lists(event, view);
    finish(event, view);
}

/// Reads query, headers, cookies and parameters of payload 1.0, and of events that are built like it.
pub(super) fn both_lists(event: &Event<'_>, view: &mut HttpView) {
    let top = &event.top;
    both_maps(top.multi_query, top.query, &mut view.query, exact_order);
    view.encode_query();
    both_maps(top.multi_headers, top.headers, &mut view.headers, caseless_order);
    map(top.params, &mut view.params);
    let client = event.context.identity.and_then(|identity| identity.get("sourceIp"));
    text(client, |t| view.set_client_ip(t));
}

/// Reads host, scheme, client and body. API Gateway speaks nothing but HTTPS.
pub(super) fn finish(event: &Event<'_>, view: &mut HttpView) {
    text(event.context.domain, |t| view.set_host(t));
    view.read_way(b"https");
    view.body = body(event, event.top.base64);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{body, kind, pairs, read, request, text};
    use crate::trigger::{Kind, ReplyFormat};

    const V1: &str = "aws:apigateway:v1";
    const V2: &str = "aws:apigateway:v2";
    const URL: &str = "aws:lambda-url";

    fn v1(members: &str) -> String {
        format!(
            r#"{{"resource":"/a/{{id}}","requestContext":{{"resourceId":"r"}},"httpMethod":"GET","path":"/a/1"{members}}}"#
        )
    }

    fn v2(members: &str) -> String {
        format!(r#"{{"version":"2.0","requestContext":{{"http":{{"method":"GET","path":"/p"}}}}{members}}}"#)
    }

    fn url(members: &str) -> String {
        let context = r#"{"domainName":"id.lambda-url.eu-west-2.on.aws","http":{"method":"GET","path":"/p"}}"#;
        format!(r#"{{"version":"2.0","requestContext":{context}{members}}}"#)
    }

    #[test]
    fn each_form_is_known_by_little() {
        assert_eq!(read(&v1("")).form, ReplyFormat::ApiGatewayV1);
        assert_eq!(read(&v2("")).form, ReplyFormat::ApiGatewayV2);
        assert_eq!(kind(r#"{"requestContext":{"http":{}}}"#), (Kind::Http, V2));
        assert_eq!(kind(r#"{"version":"2.0","rawPath":"/"}"#), (Kind::Http, V2));
        assert_eq!(kind(r#"{"httpMethod":"GET","path":"/","resource":"/"}"#), (Kind::Http, V1));
        assert_eq!(kind(r#"{"httpMethod":"GET","path":"/","version":"1.0"}"#), (Kind::Http, V1));
        assert_eq!(kind(r#"{"resource":"/","requestContext":{"resourcePath":"/"}}"#), (Kind::Http, V1));
        assert_eq!(kind(&url("")), (Kind::Http, URL));
    }

    #[test]
    fn only_http_apis_have_undone_the_coding_of_the_path() {
        let paths = |event: &str, source| {
            let view = request(event, source);
            (text(view.raw_path()).to_owned(), text(view.path()).to_owned())
        };
        let expect = |raw: &str, path: &str| (raw.to_owned(), path.to_owned());
        assert_eq!(paths(&v1(r#","path":"/a%2Fb%20c""#), V1), expect("/a%2Fb%20c", "/a/b c"));
        assert_eq!(paths(&url(r#","rawPath":"/a%2Fb%20c""#), URL), expect("/a%2Fb%20c", "/a/b c"));
        assert_eq!(paths(&v2(r#","rawPath":"/a b%20ü?""#), V2), expect("/a%20b%2520%C3%BC%3F", "/a b%20ü?"));
        assert_eq!(paths(&v1(r#","version":"1.0","path":"/a b""#), V1), expect("/a%20b", "/a b"));
    }

    #[test]
    fn the_stage_stays_in_front_where_it_is_handed() {
        assert_eq!(text(request(&v2(r#","rawPath":"/prod/a","stage":"prod""#), V2).path()), "/prod/a");
    }

    #[test]
    fn missing_parts_are_taken_from_the_context() {
        let view =
            request(r#"{"resource":"/x","requestContext":{"resourceId":"r","httpMethod":"PUT","path":"/s/x"}}"#, V1);
        assert_eq!((text(view.method()), text(view.path()), text(view.route())), ("PUT", "/s/x", "/x"));
        assert_eq!(text(request(&v2(""), V2).path()), "/p");
    }

    #[test]
    fn a_raw_query_is_read_with_repeats_empty_values_plus_and_percent() {
        let view = request(&v2(r#","rawQueryString":"a=1&a=2&b=&c&d=x+y%2B%20z&=e&%C3%BC=%26""#), V2);
        assert_eq!(pairs(&view.query), "a=1,a=2,b=,c=,d=x y+ z,=e,ü=&");
        assert_eq!(text(view.raw_query()), "a=1&a=2&b=&c&d=x+y%2B%20z&=e&%C3%BC=%26");
    }

    #[test]
    fn a_space_that_a_function_url_made_of_a_plus_is_coded_again() {
        let view = request(&url(r#","rawQueryString":"q=a b""#), URL);
        assert_eq!((text(view.raw_query()), pairs(&view.query).as_str()), ("q=a%20b", "q=a b"));
    }

    #[test]
    fn without_a_raw_query_the_map_is_one() {
        let view = request(&v2(r#","rawQueryString":null,"queryStringParameters":{"a":"1,2","b":3,"c":null}"#), V2);
        assert_eq!((text(view.raw_query()), pairs(&view.query).as_str()), ("a=1%2C2&b=3", "a=1,2,b=3"));
    }

    #[test]
    fn payload_1_merges_lists_and_single_values() {
        let view = request(
            &v1(r#","headers":{"A":"2","Only":"x","n":1},"multiValueHeaders":{"a":["1","2"],"e":[]},
                "queryStringParameters":{"q":"2","é":"a b&c"},"multiValueQueryStringParameters":{"q":["1","2"],"Q":["3"]}"#),
            V1,
        );
        assert_eq!(pairs(&view.headers), "a=1,a=2,Only=x,n=1");
        assert_eq!(pairs(&view.query), "q=1,q=2,Q=3,é=a b&c");
        assert_eq!(text(view.raw_query()), "q=1&q=2&Q=3&%C3%A9=a%20b%26c");
    }

    #[test]
    fn maps_that_are_null_lists_or_texts_are_empty_maps() {
        for map in ["null", "[]", "[1]", "\"x\"", "5", "true"] {
            let members = ["headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"];
            let members: String = members.iter().map(|name| format!(r#","{name}":{map}"#)).collect();
            for (event, source) in [(v1(&members), V1), (v2(&members), V2)] {
                let view = request(&event, source);
                assert!(view.headers.is_empty() && view.query.is_empty(), "{event}");
            }
        }
    }

    #[test]
    fn cookies_come_in_a_list_or_in_the_header() {
        let view = request(&v2(r#","cookies":["a=1","b=2; c=3",null,4],"headers":{}"#), V2);
        assert_eq!(pairs(&view.cookies), "a=1,b=2,c=3,4=");
        assert_eq!(pairs(&view.headers), "cookie=a=1; b=2; c=3; 4");
        let view = request(&v2(r#","cookies":["a=1"],"headers":{"Cookie":"a=1"}"#), V2);
        assert_eq!((pairs(&view.cookies).as_str(), pairs(&view.headers).as_str()), ("a=1", "Cookie=a=1"));
        for cookies in ["[]", "null", "\"a=9\"", "{}"] {
            let view = request(&v2(&format!(r#","cookies":{cookies},"headers":{{"cookie":"b=2"}}"#)), V2);
            assert_eq!(pairs(&view.cookies), "b=2", "{cookies}");
        }
        let view = request(&v1(r#","multiValueHeaders":{"Cookie":["a=1; b=2","c=3"]}"#), V1);
        assert_eq!(pairs(&view.cookies), "a=1,b=2,c=3");
    }

    #[test]
    fn the_host_is_the_headers_or_the_domain() {
        let named = r#"{"requestContext":{"domainName":"d.example","http":{}},"headers":{"Host":"h.example"}}"#;
        assert_eq!(text(request(named, V2).host()), "h.example");
        let bare = r#"{"requestContext":{"domainName":"d.example","http":{}}}"#;
        let view = request(bare, V2);
        assert_eq!((text(view.host()), text(view.scheme())), ("d.example", "https"));
    }

    #[test]
    fn the_client_is_the_contexts_or_the_last_hops() {
        let forwarded = r#""headers":{"X-Forwarded-For":"10.0.0.1, 10.0.0.2"}"#;
        let known = format!(r#"{{"requestContext":{{"http":{{"sourceIp":"192.0.2.1"}}}},{forwarded}}}"#);
        assert_eq!(text(request(&known, V2).client_ip()), "192.0.2.1");
        assert_eq!(text(request(&v2(&format!(",{forwarded}")), V2).client_ip()), "10.0.0.2");
        let identity = r#"{"resource":"/","requestContext":{"resourceId":"r","identity":{"sourceIp":"192.0.2.2"}}}"#;
        assert_eq!(text(request(identity, V1).client_ip()), "192.0.2.2");
    }

    #[test]
    fn a_body_is_text_or_base64_and_bad_base64_is_text() {
        for (members, expected) in [
            (r#""body":null"#, ""),
            (r#""body":"""#, ""),
            (r#""body":"plain ü""#, "plain ü"),
            (r#""body":"a\"\u00fc""#, "a\"ü"),
            (r#""body":"aGk=","isBase64Encoded":true"#, "hi"),
            (r#""body":"aGk","isBase64Encoded":true"#, "hi"),
            (r#""body":"aG\u006b=","isBase64Encoded":true"#, "hi"),
            (r#""body":"aGk=","isBase64Encoded":false"#, "aGk="),
            (r#""body":"aGk=","isBase64Encoded":null"#, "aGk="),
            (r#""body":"no base64!","isBase64Encoded":true"#, "no base64!"),
            (r#""body":"no \"base64\"","isBase64Encoded":true"#, "no \"base64\""),
            (r#""body":{"a": 1}"#, r#"{"a": 1}"#),
            (r#""body":[1, 2],"isBase64Encoded":true"#, "[1, 2]"),
            (r#""isBase64Encoded":true"#, ""),
        ] {
            assert_eq!(body(&v1(&format!(",{members}"))), expected, "{members}");
            assert_eq!(body(&v2(&format!(",{members}"))), expected, "{members}");
        }
    }

    #[test]
    fn route_parameters_and_protocol_are_told() {
        let view = request(
            r#"{"routeKey":"GET /a/{id}","pathParameters":{"id":"é","n":null},"requestContext":{"http":{"protocol":"HTTP/2"}}}"#,
            V2,
        );
        assert_eq!(
            (text(view.route()), pairs(&view.params).as_str(), text(view.protocol())),
            ("GET /a/{id}", "id=é", "HTTP/2")
        );
    }
}
