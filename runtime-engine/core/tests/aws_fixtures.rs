//! Every fixture event of `aws_lambda_events` and `lambda_http` through [`DecodedEvent::of_event`], compared with
//! golden files that were read against the events by eye, and then with members dropped, emptied and retyped.
//!
//! The golden files say what the function `inspect` answers, but for what changes from call to call; the tests over the
//! real binaries use the same ones. `FAAS_REWRITE=1 cargo test -p faas-core --test aws_fixtures` writes them anew; what
//! differs then is to be read like code.

#[path = "../../../integration/fixtures/locate.rs"]
mod locate;

use faas_core::fields::Fields;
use faas_core::trigger::{Body, DecodedEvent, HttpView, Kind, ReplyFormat, SpareView};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn integration() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../integration")
}

fn fixtures() -> Vec<locate::Fixture> {
    locate::all(&integration().join("fixtures"))
}

#[test]
fn every_fixture_is_read_as_its_golden_file_says() {
    let golden = integration().join("golden/aws");
    let write = std::env::var_os("FAAS_REWRITE").is_some();
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    for fixture in fixtures() {
        let file = golden.join(&fixture.name).with_extension("json");
        let seen = pretty(&seen(&fixture.event));
        if write {
            std::fs::create_dir_all(file.parent().expect("in a directory")).expect("a directory can be made");
            std::fs::write(&file, &seen).expect("a golden file can be written");
        }
        let wanted = std::fs::read_to_string(&file).unwrap_or_default();
        if wanted != seen {
            wrong.push(format!("{}\n  golden: {wanted}\n  now: {seen}", fixture.name));
        }
        names.insert(file);
    }
    assert!(wrong.is_empty(), "{} readings differ:\n{}", wrong.len(), wrong.join("\n"));
    let directories = std::fs::read_dir(&golden).expect("golden files are there");
    let files = directories.flat_map(|entry| std::fs::read_dir(entry.expect("listed").path()).expect("a directory"));
    let left: Vec<PathBuf> = files.map(|entry| entry.expect("listed").path()).filter(|f| !names.contains(f)).collect();
    assert!(left.is_empty(), "golden files of no fixture: {left:?}");
}

#[test]
fn lambda_http_sees_no_request_that_is_not_served_here() {
    let list = std::fs::read_to_string(integration().join("golden/lambda_http.txt")).expect("the list is there");
    let fixtures = fixtures();
    assert_eq!(list.lines().count(), fixtures.len(), "the list is older than the fixtures");
    let mut more = Vec::new();
    for (line, fixture) in list.lines().zip(fixtures) {
        let (name, verdict) = line.split_once(": ").expect("name and verdict");
        assert_eq!(name, fixture.name);
        let decoded = DecodedEvent::of_event(&fixture.event, &mut SpareView::trusting(1));
        let Some((method, path)) = verdict.split_once(' ') else {
            assert!(matches!(verdict, "refused" | "panics"), "{line}");
            if decoded.http.is_some() {
                more.push(format!("{name} {verdict}"));
            }
            continue;
        };
        match &decoded.http {
            Some(view) => {
                assert_eq!(text(view.method()), method, "{line}");
                // It puts the stage in front, whoever handed the path.
                assert!(path.ends_with(&text(view.raw_path())) || view.raw_path() == b"/", "{line}");
            }
            None => assert_eq!(decoded.kind, Kind::Authorizer, "{line}"),
        }
    }
    let expected = [
        "aws_lambda_events/example-apigw-console-request panics",
        "aws_lambda_events/example-vpc-lattice-v1-request refused",
    ];
    assert_eq!(more, expected, "served here and not there");
}

#[test]
fn an_event_with_one_member_spoilt_is_still_read_or_raw() {
    for fixture in fixtures() {
        let event: Value = serde_json::from_slice(&fixture.event).expect("fixtures are JSON");
        let whole = DecodedEvent::of_event(&fixture.event, &mut SpareView::trusting(1));
        let mut paths = Vec::new();
        collect(&event, &mut Vec::new(), &mut paths);
        for path in &paths {
            for spoil in SPOILS {
                let mut spoilt = event.clone();
                if !change(&mut spoilt, path, spoil) {
                    continue;
                }
                let text = spoilt.to_string();
                let decoded = DecodedEvent::of_event(text.as_bytes(), &mut SpareView::trusting(1));
                let place = format!("{} at {path:?}, now {text}", fixture.name);
                assert!(
                    decoded.kind == whole.kind || decoded.kind == Kind::Raw || less(whole.kind) == decoded.kind,
                    "{:?} became {:?}: {place}",
                    whole.kind,
                    decoded.kind
                );
                let has_request = matches!(decoded.kind, Kind::Http | Kind::WebSocket);
                assert_eq!(decoded.http.is_some(), has_request, "{place}");
                assert_eq!(decoded.form != ReplyFormat::Bare, has_request, "{place}");
                assert_eq!(decoded.source.is_empty(), decoded.kind == Kind::Raw, "{place}");
                if path.len() > 2 && path[0] != "requestContext" && path[0] != "Records" {
                    assert_eq!(decoded.kind, whole.kind, "{place}");
                }
                if let Some(view) = &decoded.http {
                    assert!(view.raw_path().is_ascii() && view.raw_query().is_ascii(), "{place}");
                }
            }
        }
    }
}

#[test]
fn an_event_cut_short_anywhere_is_raw() {
    for fixture in fixtures() {
        let whole = fixture.event.trim_ascii_end();
        for end in (0..whole.len()).step_by(61) {
            let decoded = DecodedEvent::of_event(&whole[..end], &mut SpareView::trusting(1));
            assert_eq!(decoded.kind, Kind::Raw, "{} cut at {end}", fixture.name);
        }
    }
}

/// Returns the kind of an event without the one member that makes it special. A WebSocket's without its connection is
/// one of payload 1.0, and a schedule's without its source is one of the bus.
fn less(kind: Kind) -> Kind {
    match kind {
        Kind::WebSocket => Kind::Http,
        Kind::Timer => Kind::Event,
        other => other,
    }
}

/// The values that are put in a member's place; `None` takes it away.
const SPOILS: [Option<fn() -> Value>; 7] = [
    None,
    Some(|| Value::Null),
    Some(|| json!(true)),
    Some(|| json!(-1.5)),
    Some(|| json!("ü %zz?#")),
    Some(|| json!([null, 1, ["x"], {}])),
    Some(|| json!({"": null, "x": {"y": []}})),
];

/// Collects the paths of all members and elements. Of a long list it takes the first two elements.
fn collect(value: &Value, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let mut go = |key: String, value: &Value| {
        path.push(key);
        paths.push(path.clone());
        collect(value, path, paths);
        path.pop();
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| go(key.clone(), value)),
        Value::Array(list) => list.iter().take(2).enumerate().for_each(|(n, value)| go(n.to_string(), value)),
        _ => {}
    }
}

/// Spoils the value at the path. Returns `false` if that changes nothing.
fn change(value: &mut Value, path: &[String], spoil: Option<fn() -> Value>) -> bool {
    let [key, rest @ ..] = path else { return false };
    if rest.is_empty() && spoil.is_none() {
        return match value {
            Value::Object(members) => members.remove(key).is_some(),
            _ => false,
        };
    }
    let inner = match value {
        Value::Object(members) => members.get_mut(key),
        Value::Array(list) => key.parse::<usize>().ok().and_then(|n| list.get_mut(n)),
        _ => None,
    };
    match (inner, spoil) {
        (Some(inner), Some(spoil)) if rest.is_empty() => {
            let before = std::mem::replace(inner, spoil());
            before != *inner
        }
        (Some(inner), _) => change(inner, rest, spoil),
        (None, _) => false,
    }
}

/// Returns the reading of an event as `inspect` would tell it.
fn seen(event: &[u8]) -> Value {
    let decoded = DecodedEvent::of_event(event, &mut SpareView::trusting(1));
    let reply = match decoded.form {
        ReplyFormat::Native => "native",
        ReplyFormat::ApiGatewayV1 => "apigateway-v1",
        ReplyFormat::ApiGatewayV2 => "apigateway-v2",
        ReplyFormat::Alb => "alb",
        ReplyFormat::Lattice => "lattice",
        ReplyFormat::Bare => "bare",
        other => panic!("no event of AWS is answered as {other:?}"),
    };
    let http = decoded.http.as_ref().map(|view| request(event, view));
    json!({"trigger": decoded.kind.word(), "source": decoded.source, "reply": reply, "http": http})
}

fn request(event: &[u8], view: &HttpView) -> Value {
    let body: &[u8] = match &view.body {
        Body::Empty => &[],
        Body::Whole => event,
        Body::Part(span) => span.read(event),
        Body::Own(bytes) => bytes,
    };
    let params: Map<String, Value> =
        pairs(&view.params).into_iter().map(|[name, value]| (name, value.into())).collect();
    let mut coded = Vec::new();
    faas_core::encoding::base64::encode_into(&mut coded, body);
    json!({
        "method": text(view.method()),
        "path": text(view.path()),
        "raw_path": text(view.raw_path()),
        "raw_query": text(view.raw_query()),
        "query": pairs(&view.query),
        "headers": pairs(&view.headers),
        "cookies": pairs(&view.cookies).iter().map(|pair| pair.join("=")).collect::<Vec<_>>(),
        "path_params": params,
        "body_base64": text(&coded),
        "client_ip": text(view.client_ip()),
        "host": text(view.host()),
        "scheme": text(view.scheme()),
        "route": text(view.route()),
        "protocol": text(view.protocol()),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the fixtures are text")
}

fn pairs(fields: &Fields) -> Vec<[String; 2]> {
    fields.iter().map(|(name, value)| [text(name), text(value)]).collect()
}

/// Writes one member and one pair a line.
fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write_pretty(value, 0, &mut out);
    out.push('\n');
    out
}

fn write_pretty(value: &Value, depth: usize, out: &mut String) {
    let (open, close, items): (char, char, Vec<(String, &Value)>) = match value {
        Value::Object(members) if !members.is_empty() => {
            ('{', '}', members.iter().map(|(key, value)| (format!("{}: ", json!(key)), value)).collect())
        }
        Value::Array(list) if list.iter().any(Value::is_array) => {
            ('[', ']', list.iter().map(|value| (String::new(), value)).collect())
        }
        flat => return write!(out, "{flat}").expect("a string takes all"),
    };
    out.push(open);
    for (n, (key, value)) in items.into_iter().enumerate() {
        out.push_str(if n == 0 { "\n" } else { ",\n" });
        write!(out, "{:1$}{key}", "", (depth + 1) * 2).expect("a string takes all");
        write_pretty(value, depth + 1, out);
    }
    write!(out, "\n{:1$}{close}", "", depth * 2).expect("a string takes all");
}
