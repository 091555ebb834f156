//! Events: the reading of any bytes, and a reply in every form.
//!
//! An input is an event, and behind a NUL byte, which no JSON holds, a reply as `reply` describes it. Without one the
//! event is answered with its own request.

use crate::reply;
use faas_core::encoding::{base64, percent};
use faas_core::fields::Fields;
use faas_core::trigger::{Body, DecodedEvent, HttpView, Kind, ReplyFormat, SpareView};
use serde_json::Value as Tree;

/// Reads the event and replies to it.
pub fn check(input: &[u8]) {
    let (event, answer) = match input.iter().position(|&byte| byte == 0) {
        Some(at) => (&input[..at], Some(&input[at + 1..])),
        None => (input, None),
    };
    let decoded = DecodedEvent::of_event(event, &mut SpareView::default());
    consistent(&decoded, event);
    used_again(&decoded, event);
    let asked = match &decoded.http {
        Some(view) => {
            coded_and_decoded_agree(view);
            let tree: Tree = serde_json::from_slice(event).expect("an event with a request in it is JSON");
            body_is(view, event, &tree, decoded.source);
            view
        }
        None => &HttpView::default(),
    };
    match answer {
        Some(text) => reply::check(&reply::Reply::of_text(text)),
        None => reply::check(&reply::Reply::of_request(asked, body(asked, event))),
    }
}

fn consistent(decoded: &DecodedEvent, event: &[u8]) {
    let request = matches!(decoded.kind, Kind::Http | Kind::WebSocket);
    assert_eq!(decoded.http.is_some(), request);
    assert_eq!(decoded.form == ReplyFormat::Bare, !request);
    assert_ne!(decoded.form, ReplyFormat::Native, "no event is HTTP itself");
    assert_eq!(decoded.source.is_empty(), decoded.kind == Kind::Raw);
    if decoded.kind != Kind::Raw {
        let tree: Tree = serde_json::from_slice(event).expect("only JSON is recognised");
        assert!(tree.is_object(), "only objects are recognised");
    }
}

/// Checks that a view whose memory was in use shows nothing of its old content.
fn used_again(fresh: &DecodedEvent, event: &[u8]) {
    let mut used = HttpView::default();
    for set in [
        HttpView::set_method,
        HttpView::set_coded_path,
        HttpView::set_raw_query,
        HttpView::set_host,
        HttpView::set_scheme,
        HttpView::set_client_ip,
        HttpView::set_protocol,
        HttpView::set_route,
    ] {
        set(&mut used, b"old");
    }
    for fields in [&mut used.headers, &mut used.query, &mut used.cookies, &mut used.params] {
        fields.add(b"old", b"old");
    }
    used.body = Body::Own(b"old".to_vec());
    let mut spare = SpareView::default();
    spare.put(Box::new(used));
    let again = DecodedEvent::of_event(event, &mut spare);
    assert_eq!((again.kind, again.source, again.form), (fresh.kind, fresh.source, fresh.form));
    assert_eq!(
        again.http.map(|view| told(&view, body(&view, event))),
        fresh.http.as_ref().map(|view| told(view, body(view, event)))
    );
}

/// Returns all values of a view.
fn told(view: &HttpView, body: &[u8]) -> Vec<Vec<u8>> {
    let texts = [
        view.method(),
        view.path(),
        view.raw_path(),
        view.raw_query(),
        view.host(),
        view.scheme(),
        view.client_ip(),
        view.protocol(),
        view.route(),
        body,
    ];
    let mut told: Vec<Vec<u8>> = texts.iter().map(|text| text.to_vec()).collect();
    for fields in [&view.headers, &view.query, &view.cookies, &view.params] {
        assert_eq!(fields.iter().count(), fields.len());
        told.push(fields.len().to_string().into_bytes());
        told.extend(fields.iter().flat_map(|(name, value)| [name.to_vec(), value.to_vec()]));
    }
    told
}

/// Checks that the coded path and query are a URI's, and mean the same as the decoded ones.
pub fn coded_and_decoded_agree(view: &HttpView) {
    let (path, query) = (view.raw_path(), view.raw_query());
    assert!(path.iter().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(byte)), "{}", path.escape_ascii());
    assert!(query.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'), "{}", query.escape_ascii());
    let mut decoded = Vec::new();
    percent::decode_into(&mut decoded, path, false);
    assert_eq!(view.path(), decoded, "{}", path.escape_ascii());
    let mut pairs = Fields::default();
    for (name, value) in percent::pairs(query) {
        pairs.add_pair_with(|out| percent::decode_into(out, name, true), |out| percent::decode_into(out, value, true));
    }
    assert!(pairs.iter().eq(view.query.iter()), "the query and its coded form: {}", query.escape_ascii());
}

/// Returns the request's bytes, in the event or in the view.
fn body<'a>(view: &'a HttpView, event: &'a [u8]) -> &'a [u8] {
    match &view.body {
        Body::Empty => &[],
        Body::Whole => panic!("no event is a request's body as a whole"),
        Body::Part(span) => {
            let part = span.read(event);
            assert_eq!(part.len(), span.len(), "a part lies inside");
            part
        }
        Body::Own(bytes) => bytes,
    }
}

/// Checks that the body is the one that the event holds, as `serde_json` reads it.
fn body_is(view: &HttpView, event: &[u8], tree: &Tree, source: &str) {
    let seen = body(view, event);
    let flag = if source == "aws:vpc-lattice:v1" { "is_base64_encoded" } else { "isBase64Encoded" };
    match &tree["body"] {
        Tree::Null => assert_eq!(seen, b""),
        Tree::String(text) if tree[flag] == true && seen != text.as_bytes() => {
            // Padding may be missing, and the bits behind the last byte are not looked at.
            let mut coded = Vec::new();
            base64::encode_into(&mut coded, seen);
            let digits = |text: &[u8]| text.iter().copied().filter(|&byte| byte != b'=').collect::<Vec<u8>>();
            let (coded, text) = (digits(&coded), digits(text.as_bytes()));
            assert_eq!(coded.len(), text.len());
            let sure = coded.len().saturating_sub(1);
            assert_eq!(coded[..sure], text[..sure]);
        }
        Tree::String(text) => assert_eq!(seen, text.as_bytes()),
        other => {
            let read: Tree = serde_json::from_slice(seen).expect("a body that is no text is its JSON");
            assert_eq!(read, *other);
        }
    }
}
