//! An HTTP request as the event of an API Gateway HTTP API, payload format 2.0, and the built-in one for `invoke`.
//!
//! Source of the fields: the developer guide's page on Lambda proxy integrations for HTTP APIs. Which bodies are text
//! it does not say; measured against the service they are those of `text/*` and `application/json`, `xml` and
//! `javascript`, and every other one, also without a content type, is base64.

use crate::stamp;
use faas_core::encoding::base64;
use faas_core::encoding::percent;
use faas_core::router::{Matching, Params, Router};
use serde_json::{Map, Value, json};
use serverless_spec::gateway;
use std::net::SocketAddr;
use std::time::SystemTime;

/// The event that `invoke` sends without another one: a browser asks for a greeting.
pub(crate) const BUILT_IN: &str = include_str!("event.json");

/// A request as it came from the network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// The method, such as `GET`.
    pub(crate) method: &'a str,
    /// The path and query as they were sent.
    pub(crate) target: &'a str,
    /// The headers in order, with names as they were sent.
    pub(crate) headers: &'a [(String, String)],
    /// The body with its framing undone.
    pub(crate) body: &'a [u8],
    /// The address of the client.
    pub(crate) client: SocketAddr,
    /// The port that the request came to.
    pub(crate) port: u16,
}

/// Builds the event, and the trace header that goes with it.
pub(crate) fn build(request: Request<'_>, now: SystemTime) -> (Value, String) {
    let epoch = stamp::epoch(now);
    let root = stamp::trace_root(epoch);
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    // HTTP APIs hand the path decoded, in `rawPath` too; the query stays as it came.
    let mut decoded = Vec::new();
    percent::decode_into(&mut decoded, path.as_bytes(), false);
    let path = String::from_utf8_lossy(&decoded);
    let (mut headers, cookies) = fields(request.headers);
    let client = request.client.ip().to_string();
    forwarded(&mut headers, &client, request.port, &root);
    let text = |name: &str| headers.get(name).and_then(Value::as_str).unwrap_or_default();
    let host = text("host");
    let domain = host.split(':').next().unwrap_or_default();
    let prefix = domain.split('.').next().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "requestContext": {
            "accountId": "111122223333",
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": prefix,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": client,
                "userAgent": text("user-agent"),
            },
            "requestId": stamp::gateway_request_id(),
            "routeKey": "$default",
            "stage": "$default",
            "time": stamp::request_time(epoch),
            "timeEpoch": u64::try_from(epoch.as_millis()).unwrap_or(u64::MAX),
        },
        "isBase64Encoded": false,
    });
    if !request.body.is_empty() {
        let (body, coded) = body(request.body, text("content-type"));
        event["body"] = body.into();
        event["isBase64Encoded"] = coded.into();
    }
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    let parameters = parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = parameters.into();
    }
    event["headers"] = headers.into();
    (event, stamp::trace_header(&root))
}

/// Returns the path of a request to a route of a manifest, with 1 for each of its parameters.
pub(crate) fn target_of(path: &str) -> String {
    let concrete = |segment| if str::starts_with(segment, [':', '*', '{']) { "1" } else { segment };
    path.split('/').map(concrete).collect::<Vec<_>>().join("/")
}

/// Returns the names and values of the parameters that a route has in the path of [`target_of`]. A rest without a name
/// is `proxy`, as in the routes that are deployed to API Gateway, which demands one.
fn parameters_of(path: &str) -> Map<String, Value> {
    /// The router's name for a rest without one.
    const UNNAMED: &str = "*";
    let mut router = Router::new(Matching::default());
    let mut found = Params::new();
    // A pattern that is wrong has no parameters. The tool refuses it before.
    if router.add(path, &[], 0).is_ok() {
        router.find(b"GET", target_of(path).as_bytes(), &mut found);
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let pair = |(name, value)| {
        let name = text(name);
        (if name == UNNAMED { "proxy".to_owned() } else { name }, text(value).into())
    };
    found.iter().map(pair).collect()
}

/// Returns a request to a route of a manifest, with 1 for each of its parameters, as JSON. A function that runs alone
/// has no routes, so the event brings the parameters, as API Gateway does.
pub(crate) fn of_route(method: &str, path: &str) -> String {
    let target = target_of(path);
    let mut headers =
        vec![("host".to_owned(), "localhost:8080".to_owned()), ("user-agent".to_owned(), "cargo-faas".to_owned())];
    let has_body = matches!(method, "POST" | "PUT" | "PATCH");
    if has_body {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let request = Request {
        method,
        target: &target,
        headers: &headers,
        body: if has_body { b"{}" } else { b"" },
        client: SocketAddr::from(([127, 0, 0, 1], 40_000)),
        port: 8080,
    };
    let mut event = build(request, SystemTime::now()).0;
    let parameters = parameters_of(path);
    // Of two routes the last one has the rest of the path.
    if let Some(route) = gateway::route("aws-lambda", path).routes.last() {
        let named = path.rsplit('/').next().unwrap_or_default().trim_matches(['*', '{', '}', '+']);
        let rest = if named.is_empty() { "proxy" } else { named };
        let key = format!("{method} {}", route.replace("{proxy+}", &format!("{{{rest}+}}")));
        event["requestContext"]["routeKey"] = key.clone().into();
        event["routeKey"] = key.into();
    }
    if !parameters.is_empty() {
        event["pathParameters"] = parameters.into();
    }
    event.to_string()
}

/// Returns the headers with names in lower case and repeats joined by a comma, and the cookies apart.
fn fields(sent: &[(String, String)]) -> (Map<String, Value>, Vec<String>) {
    let mut headers = Map::new();
    let mut cookies = Vec::new();
    for (name, value) in sent {
        let name = name.to_ascii_lowercase();
        match &*name {
            "cookie" => {
                cookies.extend(value.split(';').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned));
            }
            // These fields concern this connection, which ends at the gateway.
            "connection" | "keep-alive" | "transfer-encoding" | "te" | "upgrade" | "expect" => {}
            _ => append(&mut headers, name, value),
        }
    }
    (headers, cookies)
}

/// Adds the headers that the gateway adds on the way.
fn forwarded(headers: &mut Map<String, Value>, client: &str, port: u16, root: &str) {
    append(headers, "x-forwarded-for".to_owned(), client);
    headers.insert("x-forwarded-port".to_owned(), port.to_string().into());
    headers.insert("x-forwarded-proto".to_owned(), "http".into());
    headers.insert("x-amzn-trace-id".to_owned(), format!("Root={root}").into());
}

fn append(map: &mut Map<String, Value>, name: String, value: &str) {
    match map.get_mut(&name) {
        Some(Value::String(list)) => {
            list.push(',');
            list.push_str(value);
        }
        _ => {
            map.insert(name, value.into());
        }
    }
}

/// Returns decoded names and values, with repeats joined by a comma.
fn parameters(query: &str) -> Map<String, Value> {
    let mut map = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        append(&mut map, decoded(name), &decoded(value));
    }
    map
}

/// Undoes percent-coding and plus signs; a percent sign that codes nothing stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let (byte, used) = match (first, digit(0), digit(1)) {
            // Two hexadecimal digits make one byte.
            (b'%', Some(high), Some(low)) => ((high * 16 + low) as u8, 2),
            (b'+', ..) => (b' ', 0),
            _ => (first, 0),
        };
        bytes.push(byte);
        rest = &after[used..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the body member, and whether it is base64.
fn body(bytes: &[u8], content_type: &str) -> (String, bool) {
    if is_text(content_type)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return (text.to_owned(), false);
    }
    let mut coded = Vec::new();
    base64::encode_into(&mut coded, bytes);
    (String::from_utf8_lossy(&coded).into_owned(), true)
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/") || ["application/json", "application/xml", "application/javascript"].contains(&&*kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn event(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let client = SocketAddr::from(([192, 0, 2, 7], 40_000));
        let request = Request { method, target, headers: &headers, body, client, port: 8080 };
        build(request, UNIX_EPOCH + Duration::from_millis(1_584_039_838_390)).0
    }

    #[test]
    fn a_request_has_all_members_of_payload_2_0() {
        let mut event = event(
            "POST",
            "/my/path%20x?a=1&a=2&b=%C3%A9+z&c",
            &[
                ("Host", "localhost:8080"),
                ("User-Agent", "agent"),
                ("X-List", "one"),
                ("x-list", "two"),
                ("Cookie", "c1=v1; c2=v2"),
                ("cookie", "c3=v3"),
                ("Connection", "keep-alive"),
                ("X-Forwarded-For", "203.0.113.9"),
                ("Content-Type", "application/json; charset=utf-8"),
            ],
            b"{\"n\":1}",
        );
        let id = event["requestContext"]["requestId"].take();
        assert_eq!(id.as_str().map(str::len), Some(16));
        let trace = event["headers"]["x-amzn-trace-id"].take();
        assert!(trace.as_str().is_some_and(|trace| trace.starts_with("Root=1-5e6a879e-")), "{trace}");
        let expected = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/my/path x",
            "rawQueryString": "a=1&a=2&b=%C3%A9+z&c",
            "cookies": ["c1=v1", "c2=v2", "c3=v3"],
            "headers": {
                "host": "localhost:8080",
                "user-agent": "agent",
                "x-list": "one,two",
                "content-type": "application/json; charset=utf-8",
                "x-forwarded-for": "203.0.113.9,192.0.2.7",
                "x-forwarded-port": "8080",
                "x-forwarded-proto": "http",
                "x-amzn-trace-id": null,
            },
            "queryStringParameters": {"a": "1,2", "b": "é z", "c": ""},
            "requestContext": {
                "accountId": "111122223333",
                "apiId": "local",
                "domainName": "localhost",
                "domainPrefix": "localhost",
                "http": {
                    "method": "POST",
                    "path": "/my/path x",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.7",
                    "userAgent": "agent",
                },
                "requestId": null,
                "routeKey": "$default",
                "stage": "$default",
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_584_039_838_390_u64,
            },
            "body": "{\"n\":1}",
            "isBase64Encoded": false,
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let event = event("GET", "/", &[("host", "h")], b"");
        for member in ["body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"] {
            assert!(event.get(member).is_none(), "{member}");
        }
        assert_eq!(event["rawQueryString"], "");
    }

    #[test]
    fn a_request_to_a_route_has_its_key_and_its_parameters() {
        for (path, raw, key, parameters) in [
            ("/notes", "/notes", "GET /notes", Value::Null),
            ("/", "/", "GET /", Value::Null),
            ("/notes/:id", "/notes/1", "GET /notes/{id}", json!({"id": "1"})),
            ("/a/{b}/c/{d}", "/a/1/c/1", "GET /a/{b}/c/{d}", json!({"b": "1", "d": "1"})),
            ("/files/*", "/files/1", "GET /files/{proxy+}", json!({"proxy": "1"})),
            ("/files/:of/*name", "/files/1/1", "GET /files/{of}/{name+}", json!({"of": "1", "name": "1"})),
        ] {
            let event: Value = serde_json::from_str(&of_route("GET", path)).unwrap();
            assert_eq!((&event["rawPath"], &event["routeKey"]), (&json!(raw), &json!(key)), "{path}");
            assert_eq!(event["requestContext"]["routeKey"], event["routeKey"], "{path}");
            assert_eq!(event.get("pathParameters").cloned().unwrap_or_default(), parameters, "{path}");
        }
    }

    #[test]
    fn bodies_that_are_not_text_are_base64() {
        for (content_type, bytes, body, coded) in [
            ("text/plain", &b"hi"[..], "hi", false),
            ("TEXT/HTML; charset=utf-8", b"hi", "hi", false),
            ("application/xml", b"<a/>", "<a/>", false),
            ("text/plain", b"\xff", "/w==", true),
            ("application/x-www-form-urlencoded", b"a=1", "YT0x", true),
            ("application/octet-stream", b"\0\x01", "AAE=", true),
            ("", b"hi", "aGk=", true),
        ] {
            let event = event("POST", "/", &[("host", "h"), ("content-type", content_type)], bytes);
            assert_eq!(
                (event["body"].as_str(), event["isBase64Encoded"].as_bool()),
                (Some(body), Some(coded)),
                "{content_type}"
            );
        }
    }

    #[test]
    fn queries_are_decoded_and_broken_coding_is_kept() {
        for (query, name, value) in
            [("a%3Db=c%26d", "a=b", "c&d"), ("p=100%", "p", "100%"), ("p=%zz%4", "p", "%zz%4"), ("a=b=c", "a", "b=c")]
        {
            assert_eq!(parameters(query)[name], value, "{query}");
        }
        assert!(parameters("").is_empty() && parameters("&&").is_empty());
    }

    #[test]
    fn the_built_in_event_is_payload_2_0() {
        let event: Value = serde_json::from_str(BUILT_IN).unwrap();
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["requestContext"]["http"]["path"], event["rawPath"]);
        let query = event["rawQueryString"].as_str().unwrap();
        assert_eq!(event["queryStringParameters"], Value::from(parameters(query)));
    }
}
