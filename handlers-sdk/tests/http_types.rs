//! The types of the crate `http` as arguments and replies.
#![cfg(feature = "http")]
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Bytes, function};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};

#[function]
fn echo(method: Method, uri: Uri, request: Request<Bytes>) -> Response<Bytes> {
    let headers = request.headers().len();
    let reply = Response::builder().status(StatusCode::ACCEPTED).header("x-seen", format!("{method} {uri} {headers}"));
    let reply = reply.header(header::SET_COOKIE, "a=b").header(header::CONTENT_TYPE, "text/x");
    reply.body(request.into_body()).expect("its parts fit")
}

#[function]
fn headers(mut headers: HeaderMap) -> (StatusCode, HeaderMap, &'static str) {
    let kept = headers.remove("x-a").unwrap_or(HeaderValue::from_static("none"));
    (StatusCode::CREATED, HeaderMap::from_iter([(HeaderName::from_static("x-a"), kept)]), "made")
}

#[function]
fn missing() -> Result<StatusCode, StatusCode> {
    Err(StatusCode::NOT_FOUND)
}

#[function]
fn nothing() -> Result<StatusCode, StatusCode> {
    Ok(StatusCode::NO_CONTENT)
}

#[function]
async fn upper(body: bytes::Bytes) -> bytes::Bytes {
    body.to_ascii_uppercase().into()
}

#[test]
fn a_request_goes_in_and_a_response_comes_out() {
    let answer = Invoke::http("PUT", "/x?a=1").header("X-A", "b").body("body").run(echo::MODULE);
    assert_eq!((answer.status(), answer.text().as_str()), (202, "body"));
    assert_eq!((answer.header("x-seen"), answer.header("content-type")), (Some("PUT /x?a=1 1"), Some("text/x")));
    assert_eq!(answer.cookies, ["a=b"]);
}

#[test]
fn status_and_headers_stand_in_front_of_a_reply() {
    let answer = Invoke::http("GET", "/").header("X-A", "b").run(headers::MODULE);
    assert_eq!((answer.status(), answer.header("x-a"), &*answer.text()), (201, Some("b"), "made"));
    assert_eq!(Invoke::http("GET", "/").run(nothing::MODULE).status(), 204);
    let answer = Invoke::http("GET", "/").run(missing::MODULE);
    assert_eq!((answer.status(), answer.json()["errorMessage"].as_str()), (404, Some("Not Found")));
}

#[test]
fn bytes_of_the_crate_bytes_are_a_body_both_ways() {
    let app = App::builder().module(upper::MODULE).start().expect("it starts");
    assert_eq!(app.invoke(Invoke::event("abc")).body, b"ABC");
}
