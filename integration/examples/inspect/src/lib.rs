//! Everything a function is told, as JSON. The keys and their order are a contract with the conformance tests.
#![forbid(unsafe_code)]

use handlers_sdk::{FaasContext, HttpView, Json, Pairs, function};
use serde::Serialize;
use std::collections::BTreeMap;

/// All values of `FaasContext`.
#[derive(Serialize)]
pub struct Seen {
    platform: String,
    trigger: String,
    request_id: String,
    function: String,
    version: String,
    region: String,
    cold_start: bool,
    deadline_ms: Option<u64>,
    remaining_ms: Option<u64>,
    trace: Trace,
    event_base64: String,
    http: Option<Http>,
    /// The member `word` of its configuration, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<String>,
    /// The variable `INSPECT_WORD`, if it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
}

#[derive(Serialize)]
struct Trace {
    traceparent: Option<String>,
    tracestate: Option<String>,
    platform: Option<String>,
}

#[derive(Serialize)]
struct Http {
    method: String,
    path: String,
    raw_path: String,
    raw_query: String,
    query: Vec<[String; 2]>,
    headers: Vec<[String; 2]>,
    cookies: Vec<String>,
    path_params: BTreeMap<String, String>,
    body_base64: String,
    client_ip: String,
    host: String,
    scheme: String,
}

fn texts(pairs: Pairs<'_>) -> Vec<[String; 2]> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    pairs.raw().map(|(name, value)| [text(name), text(value)]).collect()
}

fn http(view: HttpView<'_>) -> Http {
    Http {
        method: view.method().to_owned(),
        path: view.path().to_owned(),
        raw_path: view.raw_path().to_owned(),
        raw_query: view.raw_query().to_owned(),
        query: texts(view.queries()),
        headers: texts(view.headers()),
        cookies: texts(view.cookies()).into_iter().map(|[name, value]| format!("{name}={value}")).collect(),
        path_params: view.path_params().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body_base64: base64(view.body()),
        client_ip: view.client_ip().to_owned(),
        host: view.host().to_owned(),
        scheme: view.scheme().to_owned(),
    }
}

/// Returns bytes as base64 (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Answers with all it was told: an HTTP reply for an HTTP trigger, else bare JSON.
#[function]
pub fn inspect(ctx: FaasContext) -> Json<Seen> {
    Json(Seen {
        platform: ctx.platform().to_owned(),
        trigger: ctx.trigger().to_owned(),
        request_id: ctx.request_id().to_owned(),
        function: ctx.function().to_owned(),
        version: ctx.version().to_owned(),
        region: ctx.region().to_owned(),
        cold_start: ctx.is_cold_start(),
        deadline_ms: ctx.deadline_epoch_ms(),
        remaining_ms: ctx.remaining().map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
        trace: Trace {
            traceparent: ctx.traceparent().map(str::to_owned),
            tracestate: ctx.tracestate().map(str::to_owned),
            platform: ctx.trace().map(str::to_owned),
        },
        event_base64: base64(ctx.event()),
        http: ctx.http().map(http),
        word: ctx.config().get("word").ok().flatten(),
        variable: ctx.env("INSPECT_WORD").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::{base64, inspect};
    use handlers_sdk::testing::{App, Invoke};
    use std::time::Duration;

    #[test]
    fn an_event_is_told_without_http() {
        let answer = Invoke::event("hi").remaining(Duration::from_secs(2)).run(inspect::MODULE);
        assert_eq!(
            answer.text(),
            concat!(
                r#"{"platform":"test","trigger":"raw","request_id":"test-request","function":"inspect","version":"","region":"","#,
                r#""cold_start":true,"deadline_ms":1767323047000,"remaining_ms":2000,"#,
                r#""trace":{"traceparent":null,"tracestate":null,"platform":null},"event_base64":"aGk=","http":null}"#
            )
        );
    }

    #[test]
    fn a_request_is_told_with_repeats_in_order() {
        let invoke = Invoke::http("POST", "/a%20b?x=1&y=2&x=%33")
            .header("x-one", "1")
            .header("cookie", "a=1; b=2")
            .path_param("id", "7")
            .body("body");
        let answer = invoke.run(inspect::MODULE).json();
        let http = &answer["http"];
        assert_eq!(http["query"].to_string(), r#"[["x","1"],["y","2"],["x","3"]]"#);
        assert_eq!(http["headers"].to_string(), r#"[["x-one","1"],["cookie","a=1; b=2"]]"#);
        assert_eq!(http["cookies"].to_string(), r#"["a=1","b=2"]"#);
        assert_eq!(http["path_params"]["id"], "7");
        assert_eq!((&http["path"], &http["raw_path"]), (&"/a b".into(), &"/a%20b".into()));
        assert_eq!(http["body_base64"], "Ym9keQ==");
    }

    #[test]
    fn its_variable_is_told_if_it_is_set() {
        let app = App::builder().module(inspect::MODULE).config("INSPECT_WORD", "w").start().expect("starts");
        let answer = app.invoke(Invoke::event("")).json();
        assert_eq!((&answer["variable"], answer.get("word")), (&"w".into(), None));
        app.close();
    }

    #[test]
    fn base64_pads_as_the_rfc_says() {
        let vectors =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in vectors {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
