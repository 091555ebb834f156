//! Amazon API Gateway: REST (payload 1.0) and HTTP (payload 2.0, which function URLs share).
//!
//! Fields may be null, missing or extra; only what marks the shape is needed. Paths: 1.0 hands the decoded path without
//! the stage, 2.0 the coded one. Queries: 1.0 has decoded values, the multi-value map with repeats; 2.0 the raw text.

use super::native::last_element;
use super::view::{Body, HttpView, add_cookie};
use super::{Form, Kind, Reading};
use crate::encoding::base64;
use crate::fields::{Fields, Span};
use crate::json::{Kind as Json, Value};

/// The members of the event that matter, found in one pass.
#[derive(Default)]
struct Members<'a> {
    version: Option<Value<'a>>,
    method: Option<Value<'a>>,
    resource: Option<Value<'a>>,
    path: Option<Value<'a>>,
    raw_path: Option<Value<'a>>,
    raw_query: Option<Value<'a>>,
    headers: Option<Value<'a>>,
    multi_headers: Option<Value<'a>>,
    query: Option<Value<'a>>,
    multi_query: Option<Value<'a>>,
    params: Option<Value<'a>>,
    cookies: Option<Value<'a>>,
    body: Option<Value<'a>>,
    base64: Option<Value<'a>>,
    context: Option<Value<'a>>,
    route: Option<Value<'a>>,
}

impl<'a> Members<'a> {
    fn of(event: Value<'a>) -> Members<'a> {
        let mut found = Members::default();
        for (key, value) in event.members() {
            let slot = match &*key.as_str() {
                "version" => &mut found.version,
                "httpMethod" => &mut found.method,
                "resource" => &mut found.resource,
                "path" => &mut found.path,
                "rawPath" => &mut found.raw_path,
                "rawQueryString" => &mut found.raw_query,
                "headers" => &mut found.headers,
                "multiValueHeaders" => &mut found.multi_headers,
                "queryStringParameters" => &mut found.query,
                "multiValueQueryStringParameters" => &mut found.multi_query,
                "pathParameters" => &mut found.params,
                "cookies" => &mut found.cookies,
                "body" => &mut found.body,
                "isBase64Encoded" => &mut found.base64,
                "requestContext" => &mut found.context,
                "routeKey" => &mut found.route,
                _ => continue,
            };
            *slot = (!value.is_null()).then_some(value);
        }
        found
    }
}

/// A reading if the event has one of the two shapes.
pub(super) fn recognise(event: &[u8], value: Value<'_>, view: HttpView) -> Option<Reading> {
    let members = Members::of(value);
    let context = members.context?;
    if let Some(http) = context.get("http").filter(|http| http.kind() == Json::Object) {
        let url = context.get("domainName").and_then(|name| name.as_str()).is_some_and(|n| n.contains(".lambda-url."));
        let source = if url { "aws:lambda-url" } else { "aws:apigateway:v2" };
        return Some(reading(source, Form::ApiGatewayV2, v2(event, &members, context, http, view)));
    }
    if members.method.is_some() && members.path.is_some() && is_v1(&members, context) {
        return Some(reading("aws:apigateway:v1", Form::ApiGatewayV1, v1(event, &members, context, view)));
    }
    None
}

/// REST events name their resource; the other JSON shapes with `httpMethod` do not.
fn is_v1(members: &Members<'_>, context: Value<'_>) -> bool {
    context.get("elb").is_none()
        && (members.resource.is_some()
            || context.get("resourceId").is_some()
            || members.version.and_then(|version| version.as_str()).as_deref() == Some("1.0"))
}

fn reading(source: &'static str, form: Form, view: HttpView) -> Reading {
    Reading { kind: Kind::Http, source, form, http: Some(view) }
}

fn v2(event: &[u8], members: &Members<'_>, context: Value<'_>, http: Value<'_>, mut view: HttpView) -> HttpView {
    view.clear();
    text(http.get("method"), |t| view.set_method(t));
    text(members.raw_path.or_else(|| http.get("path")), |t| view.set_raw_path(t));
    view.decode_path();
    text(members.raw_query, |t| view.set_raw_query(t));
    view.decode_query();
    if view.query.is_empty() {
        single(members.query, &mut view.query);
        view.encode_query();
    }
    single(members.headers, &mut view.headers);
    if let Some(cookies) = members.cookies {
        let mut joined = Vec::new();
        for cookie in cookies.elements() {
            text(Some(cookie), |t| {
                add_cookie(&mut view.cookies, t);
                joined.extend_from_slice(if joined.is_empty() { b"" } else { b"; " });
                joined.extend_from_slice(t);
            });
        }
        // The gateway takes the Cookie header apart; whoever reads headers finds it again.
        if !joined.is_empty() && view.header(b"cookie").is_none() {
            view.headers.add(b"cookie", &joined);
        }
    } else {
        view.read_cookies();
    }
    single(members.params, &mut view.params);
    text(members.route, |t| view.set_route(t));
    text(http.get("protocol"), |t| view.set_protocol(t));
    text(http.get("sourceIp"), |t| view.set_client_ip(t));
    finish(event, members, context, &mut view);
    view
}

fn v1(event: &[u8], members: &Members<'_>, context: Value<'_>, mut view: HttpView) -> HttpView {
    view.clear();
    text(members.method, |t| view.set_method(t));
    text(members.path, |t| {
        view.set_path(t);
        view.set_raw_path(t);
    });
    multi(members.multi_query, members.query, &mut view.query);
    view.encode_query();
    multi(members.multi_headers, members.headers, &mut view.headers);
    view.read_cookies();
    single(members.params, &mut view.params);
    text(members.resource, |t| view.set_route(t));
    text(context.get("protocol"), |t| view.set_protocol(t));
    text(context.path(&["identity", "sourceIp"]), |t| view.set_client_ip(t));
    finish(event, members, context, &mut view);
    view
}

/// What both have in common: host, scheme, client, body.
fn finish(event: &[u8], members: &Members<'_>, context: Value<'_>, view: &mut HttpView) {
    let host = view.header(b"host").map(<[u8]>::to_vec);
    match host {
        Some(host) => view.set_host(&host),
        None => text(context.get("domainName"), |t| view.set_host(t)),
    }
    let scheme =
        view.header(b"x-forwarded-proto").map_or_else(|| b"https".to_vec(), |value| last_element(value).to_vec());
    view.set_scheme(&scheme);
    if view.client_ip().is_empty()
        && let Some(client) = view.header(b"x-forwarded-for").map(|value| last_element(value).to_vec())
    {
        view.set_client_ip(&client);
    }
    view.body = body(event, members.body, members.base64.and_then(|flag| flag.as_bool()) == Some(true));
}

/// The body text of an event. Base64 that does not decode is taken as the text it is.
pub(super) fn body(event: &[u8], body: Option<Value<'_>>, coded: bool) -> Body {
    let Some(body) = body.filter(|body| body.kind() == Json::String) else { return Body::Empty };
    let raw = body.raw();
    let quoted = &raw[1..raw.len() - 1];
    let plain = !quoted.contains(&b'\\');
    if quoted.is_empty() {
        return Body::Empty;
    }
    if plain && !coded {
        return Body::Part(Span::of(event, quoted));
    }
    let mut own = Vec::new();
    if plain {
        own.reserve(quoted.len() / 4 * 3 + 3);
        return match base64::decode_into(&mut own, quoted) {
            Ok(()) => Body::Own(own),
            Err(_) => Body::Part(Span::of(event, quoted)),
        };
    }
    body.append_str_to(&mut own);
    if coded {
        let mut decoded = Vec::new();
        if base64::decode_into(&mut decoded, &own).is_ok() {
            return Body::Own(decoded);
        }
    }
    Body::Own(own)
}

/// Calls `set` with the text of a string, or of a number or boolean as it stands.
pub(super) fn text(value: Option<Value<'_>>, set: impl FnOnce(&[u8])) {
    let Some(value) = value else { return };
    match value.kind() {
        Json::String => {
            if let Some(text) = value.as_str() {
                set(text.as_bytes());
            }
        }
        Json::Number | Json::Bool => set(value.raw()),
        Json::Null | Json::Array | Json::Object => {}
    }
}

/// A map of single values.
pub(super) fn single(map: Option<Value<'_>>, out: &mut Fields) {
    let Some(map) = map else { return };
    for (key, value) in map.members() {
        text(Some(value), |text| out.add_pair_with(|name| key.append_to(name), |out| out.extend_from_slice(text)));
    }
}

/// A map of lists, or where it is missing its map of single values.
pub(super) fn multi(lists: Option<Value<'_>>, singles: Option<Value<'_>>, out: &mut Fields) {
    let Some(lists) = lists else { return single(singles, out) };
    for (key, values) in lists.members() {
        for value in values.elements() {
            text(Some(value), |text| out.add_pair_with(|name| key.append_to(name), |out| out.extend_from_slice(text)));
        }
    }
}
