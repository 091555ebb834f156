//! The values that functions return, through their real tables.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{Answer, Invoke};
use handlers_sdk::{Bytes, Error, Event, Html, Json, Raw, Redirect, Request, abi, function};

#[function]
fn created() -> (u16, [(&'static str, String); 1], Json<u8>) {
    (201, [("Location", "/7".to_owned())], Json(7))
}

#[function]
fn typed() -> ([(&'static str, &'static str); 1], Json<u8>) {
    ([("Content-Type", "application/x+json")], Json(7))
}

type Pairs = Vec<(String, String)>;

#[function]
fn late_headers() -> Result<(u16, Pairs, String), Error> {
    Ok((202, vec![("x-a".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())], "text".to_owned()))
}

#[function]
fn bad_status() -> (u16, &'static str) {
    (99, "x")
}

#[function]
fn found(request: Request) -> Option<Json<u8>> {
    (request.path() == "/7").then_some(Json(7))
}

#[function]
fn found_with_status(Json(there): Json<bool>) -> (u16, Option<&'static str>) {
    (203, there.then_some("there"))
}

#[function]
fn found_at_all(event: Event) -> Option<Result<String, Error>> {
    (!event.is_empty()).then(|| Ok("there".to_owned()))
}

#[function]
fn bytes(body: Vec<u8>) -> Vec<u8> {
    body
}

#[function]
fn shared(body: Bytes) -> (u16, Bytes) {
    assert_eq!(body.clone(), body);
    (200, body)
}

#[function]
fn raw() -> Raw<Vec<u8>> {
    Raw(b"{}".to_vec())
}

#[function]
async fn page() -> (u16, Html<String>) {
    (404, Html("<p>".to_owned()))
}

#[function]
fn elsewhere(request: Request) -> Redirect {
    match request.path() {
        "/to" => Redirect::to("/new"),
        "/temporary" => Redirect::temporary("/new"),
        _ => Redirect::permanent("/new"),
    }
}

fn get(module: &'static abi::Module, path: &str) -> Answer {
    Invoke::http("GET", path).run(module)
}

/// Returns status, content type and body of an answer.
fn said(answer: &Answer) -> (u32, Option<&str>, String) {
    (answer.code, answer.header("content-type"), answer.text())
}

#[test]
fn status_and_headers_stand_in_front_of_a_reply() {
    let answer = get(created::MODULE, "/");
    assert_eq!(said(&answer), (201, Some("application/json"), "7".to_owned()));
    assert_eq!(answer.header("location"), Some("/7"));
    let answer = get(typed::MODULE, "/");
    assert_eq!(said(&answer), (abi::REPLY_VALUE, Some("application/x+json"), "7".to_owned()));
    let answer = get(late_headers::MODULE, "/");
    assert_eq!(said(&answer), (202, Some("text/plain; charset=utf-8"), "text".to_owned()));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "x-a").count(), 2);
    assert_eq!(get(bad_status::MODULE, "/").failed.expect("no status").kind, "Runtime.ReplyStatus");
}

#[test]
fn what_is_not_there_is_a_404_for_a_request_and_nothing_for_an_event() {
    assert_eq!(get(found::MODULE, "/7").text(), "7");
    let answer = get(found::MODULE, "/8");
    let document = r#"{"errorType":"Function.NotFound","errorMessage":"not found","requestId":"test-request"}"#;
    assert_eq!(said(&answer), (404, Some("application/json"), document.to_owned()));
    let answer = Invoke::event("").run(found_at_all::MODULE);
    assert_eq!(said(&answer), (abi::REPLY_VALUE, None, String::new()));
    assert_eq!(Invoke::event("x").run(found_at_all::MODULE).text(), "there");
    let with_status = |body: &str| Invoke::http("GET", "/").body(body).run(found_with_status::MODULE);
    assert_eq!(said(&with_status("true")), (203, Some("text/plain; charset=utf-8"), "there".to_owned()));
    assert_eq!(said(&with_status("false")), (203, None, String::new()), "a status of one's own stands");
}

#[test]
fn bytes_are_a_body_both_ways_and_raw_bytes_are_untouched() {
    let octets = Some("application/octet-stream");
    let answer = Invoke::http("POST", "/").body([0xff, 0]).run(bytes::MODULE);
    assert_eq!((answer.code, answer.header("content-type"), &*answer.body), (abi::REPLY_VALUE, octets, &[0xff, 0][..]));
    let answer = Invoke::http("POST", "/").body("abc").run(shared::MODULE);
    assert_eq!((answer.code, answer.header("content-type"), &*answer.body), (200, octets, &b"abc"[..]));
    assert_eq!(said(&get(raw::MODULE, "/")), (abi::REPLY_RAW, None, "{}".to_owned()));
}

#[test]
fn pages_and_redirects_say_what_they_are() {
    assert_eq!(said(&get(page::MODULE, "/")), (404, Some("text/html; charset=utf-8"), "<p>".to_owned()));
    for (path, status) in [("/to", 303), ("/temporary", 307), ("/permanent", 308)] {
        let answer = get(elsewhere::MODULE, path);
        assert_eq!((answer.code, answer.header("location")), (status, Some("/new")));
    }
}
