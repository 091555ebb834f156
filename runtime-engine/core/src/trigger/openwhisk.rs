//! The arguments of OpenWhisk actions: requests of web actions, and events of the feeds that OpenWhisk's own packages
//! have. Any other arguments may still be an event of another source that somebody passes on.
//!
//! A web action gets the request beside its arguments, in members that begin with `__ow_`. A raw one gets query and
//! body as they came. Any other has them taken apart: what the query, a form or a JSON object held stands among the
//! arguments, with the parameters that are bound to the action. The view then tells all plain arguments as the query,
//! and the arguments as a JSON object or form as the body. Source: `docs/webactions.md` of `apache/openwhisk` and the
//! controller's `WebActions.scala`; the README files of its packages for Kafka and Cloudant.

use super::aws::read::{body_of, map, text};
use super::media_types::{self, essence, is_charset};
use super::reply::is_json;
use super::{Body, DecodedEvent, HttpView, Kind, ReplyFormat, SpareView};
use crate::encoding::percent;
use crate::fields::caseless;
use crate::json::{self, Value, ValueKind as Json, Writer};
use std::borrow::Cow;

/// The beginning of the names of the platform's own members.
const OWN: &str = "__ow_";

/// Reads the arguments of an action.
pub(super) fn read(event: &[u8], spare: &mut SpareView) -> DecodedEvent {
    let Ok(arguments) = json::parse(event) else { return DecodedEvent::raw() };
    let found = Found::in_arguments(arguments);
    if found.method.is_some_and(|method| method.kind() == Json::String) {
        let mut view = spare.take();
        fill(event, arguments, &found, &mut view);
        return DecodedEvent::request(Kind::Http, "openwhisk:web", ReplyFormat::WebAction, view);
    }
    if found.messages.is_some_and(is_kafka) {
        return DecodedEvent::bare(Kind::Stream, "openwhisk:kafka");
    }
    if found.seq.is_some() && found.changes.is_some_and(|changes| first_has(changes, &["rev"])) {
        return DecodedEvent::bare(Kind::Table, "openwhisk:cloudant");
    }
    DecodedEvent::of_event(event, spare)
}

/// The members that tell the kind of the arguments. Null counts as missing; of equal keys the last counts.
#[derive(Default)]
struct Found<'a> {
    method: Option<Value<'a>>,
    headers: Option<Value<'a>>,
    path: Option<Value<'a>>,
    query: Option<Value<'a>>,
    body: Option<Value<'a>>,
    messages: Option<Value<'a>>,
    seq: Option<Value<'a>>,
    changes: Option<Value<'a>>,
}

impl<'a> Found<'a> {
    fn in_arguments(arguments: Value<'a>) -> Found<'a> {
        let mut found = Found::default();
        for (key, value) in arguments.members() {
            let place = match &*key.as_str() {
                "__ow_method" => &mut found.method,
                "__ow_headers" => &mut found.headers,
                "__ow_path" => &mut found.path,
                "__ow_query" => &mut found.query,
                "__ow_body" => &mut found.body,
                "messages" => &mut found.messages,
                "seq" => &mut found.seq,
                "changes" => &mut found.changes,
                _ => continue,
            };
            *place = (!value.is_null()).then_some(value);
        }
        found
    }
}

fn is_kafka(messages: Value<'_>) -> bool {
    first_has(messages, &["topic", "partition", "offset"])
}

/// Returns `true` if the first element of a list has these members.
fn first_has(list: Value<'_>, names: &[&str]) -> bool {
    list.elements().next().is_some_and(|first| names.iter().all(|name| first.get(name).is_some()))
}

fn fill(event: &[u8], arguments: Value<'_>, found: &Found<'_>, view: &mut HttpView) {
    // The method comes in small letters.
    text(found.method, |method| view.set_method(&method.to_ascii_uppercase()));
    // The path is the part behind the action's name, and `/` if no part follows.
    view.set_coded_path(b"/");
    text(found.path, |path| {
        if !path.is_empty() {
            view.set_coded_path(path);
        }
    });
    map(found.headers, &mut view.headers);
    view.read_way(b"https");
    if found.query.is_some() {
        text(found.query, |query| view.set_coded_query(query));
        view.decode_query();
    } else {
        for (key, value) in own(arguments) {
            text(Some(value), |value| view.query.add(key.as_bytes(), value));
        }
        view.encode_query();
    }
    let content_type = view.header(b"content-type").unwrap_or_default();
    view.body = match found.body {
        Some(body) => body_of(event, Some(body), is_coded(content_type)),
        None if found.query.is_some() => Body::Empty,
        None => taken_apart(arguments, content_type),
    };
}

/// Returns the arguments that are not the platform's own.
fn own(arguments: Value<'_>) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
    arguments.members().map(|(key, value)| (key.as_str(), value)).filter(|(key, _)| !key.starts_with(OWN))
}

/// Returns `true` if a body of that type comes in base64. A type that the controller's library calls binary does.
/// `application/json` does too, whatever its charset, but not the types that end in `+json`. With another parameter it
/// is another type for the controller, which is not binary.
fn is_coded(content_type: &[u8]) -> bool {
    let is_plain_json = || {
        caseless(essence(content_type), b"application/json") && media_types::parameters(content_type).all(is_charset)
    };
    !media_types::is_text(content_type) || is_plain_json()
}

/// Makes the body again that the controller has taken apart into arguments, as far as that is possible. It is empty if
/// its type is neither JSON nor a form.
fn taken_apart(arguments: Value<'_>, content_type: &[u8]) -> Body {
    let mut body = Vec::new();
    if is_json(content_type) {
        let mut json = Writer::new(&mut body);
        json.begin_object();
        for (key, value) in own(arguments) {
            json.key(&*key).raw(value.raw());
        }
        json.end_object();
    } else if caseless(essence(content_type), b"application/x-www-form-urlencoded") {
        for (key, value) in own(arguments) {
            text(Some(value), |value| {
                body.extend_from_slice(if body.is_empty() { b"" } else { b"&" });
                percent::encode_query_into(&mut body, key.as_bytes());
                body.push(b'=');
                percent::encode_query_into(&mut body, value);
            });
        }
    }
    if body.is_empty() { Body::Empty } else { Body::Own(body) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Fields;

    fn list(fields: &Fields) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>().join(",")
    }

    fn web(members: &str) -> (Box<HttpView>, String) {
        let event = format!(r#"{{"__ow_method":"post","__ow_path":"/a%20b/c"{members}}}"#);
        let decoded = read(event.as_bytes(), &mut SpareView::trusting(1));
        assert_eq!((decoded.kind, decoded.source, decoded.form), (Kind::Http, "openwhisk:web", ReplyFormat::WebAction));
        let view = decoded.http.expect("a request");
        let body = match &view.body {
            Body::Empty => &[],
            Body::Whole => event.as_bytes(),
            Body::Part(span) => span.read(event.as_bytes()),
            Body::Own(bytes) => bytes,
        };
        let body = String::from_utf8(body.to_vec()).expect("text");
        (view, body)
    }

    #[test]
    fn a_raw_web_action_has_the_request_as_it_came() {
        let (view, body) = web(r#","__ow_query":"x=1&y=%C3%BC&x=2","__ow_body":"plain \u00fc",
            "__ow_headers":{"host":"h.example","content-type":"text/plain","cookie":"a=1; b=2","x-forwarded-for":"1.2.3.4, 5.6.7.8",
            "x-forwarded-proto":"https"},"bound":"parameter""#);
        assert_eq!((view.method(), view.raw_path(), view.path()), (&b"POST"[..], &b"/a%20b/c"[..], &b"/a b/c"[..]));
        assert_eq!((view.raw_query(), list(&view.query).as_str()), (&b"x=1&y=%C3%BC&x=2"[..], "x=1,y=ü,x=2"));
        assert_eq!(list(&view.cookies), "a=1,b=2");
        assert_eq!((view.host(), view.client_ip(), view.scheme()), (&b"h.example"[..], &b"5.6.7.8"[..], &b"https"[..]));
        assert_eq!(body, "plain ü");
    }

    #[test]
    fn a_raw_body_is_base64_unless_its_type_is_a_text() {
        let body = |content_type: &str, body: &str| {
            web(&format!(r#","__ow_query":"","__ow_headers":{{{content_type}}},"__ow_body":"{body}""#)).1
        };
        for (content_type, expected) in [
            (r#""content-type":"application/json""#, "hey"),
            (r#""content-type":"application/json; charset=utf-8""#, "hey"),
            (r#""content-type":"application/json;charset=UTF-8""#, "hey"),
            (r#""content-type":"application/json; version=1""#, "aGV5"),
            (r#""content-type":"application/problem+json""#, "aGV5"),
            (r#""content-type":"application/problem+json; charset=utf-8""#, "aGV5"),
            (r#""content-type":"application/json-patch+json""#, "aGV5"),
            (r#""content-type":"application/merge-patch+json""#, "aGV5"),
            (r#""content-type":"application/vnd.api+json""#, "aGV5"),
            (r#""content-type":"application/vnd.shop+json""#, "hey"),
            (r#""content-type":"application/vnd.shop+json; charset=utf-8""#, "aGV5"),
            (r#""content-type":"application/vnd.shop+xml""#, "hey"),
            (r#""content-type":"application/soap+xml""#, "aGV5"),
            (r#""content-type":"application/x-yaml""#, "hey"),
            (r#""content-type":"text/x-own""#, "hey"),
            (r#""content-type":"text/x-own; charset=utf-8""#, "aGV5"),
            (r#""content-type":"text/event-stream""#, "aGV5"),
            (r#""content-type":"message/rfc822""#, "aGV5"),
            (r#""content-type":"multipart/form-data; boundary=x""#, "hey"),
            (r#""content-type":"multipart/form-data; boundary=x; charset=utf-8""#, "hey"),
            (r#""content-type":"image/svg+xml""#, "hey"),
            (r#""content-type":"image/png""#, "hey"),
            ("", "hey"),
            (r#""content-type":"text/plain""#, "aGV5"),
            (r#""content-type":"application/x-www-form-urlencoded""#, "aGV5"),
            (r#""content-type":"application/atom+xml""#, "aGV5"),
            (r#""content-type":"application/yaml;charset=UTF-8""#, "aGV5"),
        ] {
            assert_eq!(body(content_type, "aGV5"), expected, "{content_type}");
            assert_eq!(body(content_type, ""), "", "{content_type}");
        }
        assert_eq!(body(r#""content-type":"image/png""#, "no base64!"), "no base64!");
    }

    #[test]
    fn what_the_controller_took_apart_is_query_and_body_again() {
        let json = r#","__ow_headers":{"content-type":"application/json"},"__ow_user":"me""#;
        let (view, body) = web(&format!(r#"{json},"a":"1 2","b":[1, 2],"c":7,"d":{{"e":null}}"#));
        assert_eq!((view.raw_query(), list(&view.query).as_str()), (&b"a=1%202&c=7"[..], "a=1 2,c=7"));
        assert_eq!(body, r#"{"a":"1 2","b":[1, 2],"c":7,"d":{"e":null}}"#);
        let form = r#","__ow_headers":{"content-type":"application/x-www-form-urlencoded"}"#;
        assert_eq!(web(&format!(r#"{form},"a":"1&2","b":"""#)).1, "a=1%262&b=");
        let (view, body) = web(r#","__ow_headers":{},"q":"1""#);
        assert_eq!((list(&view.query).as_str(), body.as_str()), ("q=1", ""));
    }

    #[test]
    fn a_body_that_is_no_object_stands_for_itself() {
        let (_, body) = web(r#","__ow_headers":{"content-type":"application/json"},"__ow_body":[1, {"a":2}]"#);
        assert_eq!(body, r#"[1, {"a":2}]"#);
    }

    #[test]
    fn a_path_that_ends_with_the_actions_name_is_the_root() {
        let decoded = read(br#"{"__ow_method":"get","__ow_path":"","__ow_headers":null}"#, &mut SpareView::trusting(1));
        let view = decoded.http.expect("a request");
        assert_eq!((view.path(), view.raw_path(), view.method()), (&b"/"[..], &b"/"[..], &b"GET"[..]));
    }

    #[test]
    fn feeds_are_known_by_their_members() {
        let kind = |event: &str| {
            let decoded = read(event.as_bytes(), &mut SpareView::trusting(1));
            (decoded.kind, decoded.source, decoded.form)
        };
        let kafka = r#"{"messages":[{"partition":0,"key":null,"offset":421760,"topic":"mytopic","value":"v"}]}"#;
        assert_eq!(kind(kafka), (Kind::Stream, "openwhisk:kafka", ReplyFormat::Bare));
        let change = r#"{"dbname":"db","id":"6ca4","seq":"2-g1AA","changes":[{"rev":"2-da3f"}]}"#;
        assert_eq!(kind(change), (Kind::Table, "openwhisk:cloudant", ReplyFormat::Bare));
        let passed_on = r#"{"Records":[{"eventSource":"aws:sqs"}]}"#;
        assert_eq!(kind(passed_on), (Kind::Queue, "aws:sqs", ReplyFormat::Bare));
        for plain in ["{}", r#"{"messages":[]}"#, r#"{"messages":["a"]}"#, r#"{"seq":1,"changes":[]}"#, "[1]", "7", ""]
        {
            assert_eq!(kind(plain), (Kind::Raw, "", ReplyFormat::Bare), "{plain}");
        }
        assert_eq!(kind(r#"{"__ow_method":null,"__ow_path":"/"}"#).0, Kind::Raw);
    }
}
