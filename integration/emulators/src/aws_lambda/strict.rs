//! Breaches of the protocol that the control plane itself lets pass (or answers without naming them): each becomes one
//! line of [`super::Aws::violations`]. This file only looks, and never decides.

use hyper::header::{CONTENT_LENGTH, EXPECT, HOST, TRAILER, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Version};

use super::payloads;
use super::posts::{BodyEnd, ERROR_BODY, ERROR_TYPE, Sent};
use crate::base64;

/// Returns the breaches in the head of any request.
pub(crate) fn head(parts: &Parts) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |what: &str| found.push(format!("{} {}: {what}", parts.method, parts.uri));
    if parts.version != Version::HTTP_11 {
        note(&format!("{:?} instead of HTTP/1.1", parts.version));
    }
    if parts.uri.scheme().is_some() {
        note("the target is absolute, as for a proxy");
    }
    if !parts.headers.contains_key(HOST) {
        note("no Host");
    }
    if parts.headers.contains_key(EXPECT) {
        note("Expect is sent");
    }
    let length = parts.headers.get(CONTENT_LENGTH);
    let framed = length.is_some() || chunked(&parts.headers);
    if parts.method == Method::POST && !framed {
        note("neither Content-Length nor chunked");
    }
    if parts.method == Method::GET && framed && length.is_none_or(|length| length != "0") {
        note("a GET with a body");
    }
    found
}

/// Returns `true` if the body is sent chunked.
pub(crate) fn chunked(headers: &HeaderMap) -> bool {
    headers.get(TRANSFER_ENCODING).is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

/// Returns the breaches of a response, once it is read. `streaming` is `true` if its mode header says so.
pub(crate) fn response(headers: &HeaderMap, sent: &Sent, streaming: bool) -> Vec<String> {
    let mut found = Vec::new();
    match (streaming, chunked(headers)) {
        (true, false) => found.push("a stream without Transfer-Encoding: chunked".to_owned()),
        (false, true) => found.push("a chunked response without the mode header".to_owned()),
        _ => {}
    }
    let announced: Vec<String> = headers
        .get_all(TRAILER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    if streaming {
        for name in [ERROR_TYPE, ERROR_BODY] {
            if !announced.iter().any(|each| each == name) {
                found.push(format!("a stream does not announce the trailer {name}"));
            }
        }
    }
    for (name, value) in &sent.trailers {
        if !announced.contains(name) {
            found.push(format!("the trailer {name} was not announced"));
        }
        match name.as_str() {
            ERROR_TYPE => found.extend(error_type(value)),
            ERROR_BODY => match base64::decode(value) {
                Some(body) => found.extend(error_body("the trailer's error", &body)),
                None => found.push(format!("the trailer {name} is not base64: {value}")),
            },
            _ => {}
        }
    }
    found
}

/// Returns the breaches of an error report, once it is read; `what` names the call.
pub(crate) fn error(what: &str, sent: &Sent) -> Vec<String> {
    let mut found: Vec<String> = sent.header(ERROR_TYPE).and_then(error_type).into_iter().collect();
    if sent.end == BodyEnd::Whole {
        found.extend(error_body(what, &sent.body));
    }
    found
}

fn error_type(value: &str) -> Option<String> {
    let breach = !payloads::is_error_type(value);
    breach.then(|| format!("the error type {value:?} does not match (Runtime|Function)\\.[A-Z][A-Za-z]+"))
}

fn error_body(what: &str, body: &[u8]) -> Option<String> {
    let json: serde_json::Value = match serde_json::from_slice(body) {
        Ok(json) => json,
        Err(error) => return Some(format!("the body of {what} is not JSON: {error}")),
    };
    ["errorType", "errorMessage"]
        .into_iter()
        .find(|member| !json[*member].is_string())
        .map(|member| format!("the body of {what} has no text {member}: {json}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn sent(body: &'static str, trailers: &[(&str, &str)]) -> Sent {
        let trailers = trailers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = Bytes::from_static(body.as_bytes());
        Sent { headers: Vec::new(), size: body.len(), body, trailers, end: BodyEnd::Whole }
    }

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn a_stream_as_the_protocol_wants_it_has_no_breach() {
        let announced = "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body";
        let headers = headers(&[("transfer-encoding", "chunked"), ("trailer", announced)]);
        let trailers =
            [(ERROR_TYPE, "Function.Broken"), (ERROR_BODY, "eyJlcnJvclR5cGUiOiJUIiwiZXJyb3JNZXNzYWdlIjoibSJ9")];
        assert_eq!(response(&headers, &sent("hello", &trailers), true), Vec::<String>::new());
    }

    #[test]
    fn unannounced_trailers_and_wrong_framing_are_breaches() {
        let found = response(&headers(&[]), &sent("x", &[(ERROR_BODY, "not base64!")]), true);
        assert_eq!(found.len(), 5, "{found:?}");
        assert_eq!(response(&headers(&[("transfer-encoding", "chunked")]), &sent("x", &[]), false).len(), 1);
    }

    #[test]
    fn an_error_body_needs_both_members() {
        assert_eq!(error("/error", &sent(r#"{"errorType":"T","errorMessage":"m"}"#, &[])), Vec::<String>::new());
        for body in [r#"{"errorType":"T"}"#, r#"{"errorMessage":"m","errorType":1}"#, "junk", "[]"] {
            assert_eq!(error("/error", &sent(body, &[])).len(), 1, "{body}");
        }
    }

    #[test]
    fn heads_are_looked_at_whole() {
        let request = |method, uri, fields: &[(&'static str, &'static str)]| {
            let mut request = hyper::Request::builder().method(method).uri(uri).body(()).expect("a request");
            *request.headers_mut() = headers(fields);
            request.into_parts().0
        };
        let clean = request(Method::POST, "/x", &[("host", "a"), ("content-length", "1")]);
        assert_eq!(head(&clean), Vec::<String>::new());
        let bad = request(Method::POST, "http://a/x", &[("expect", "100-continue")]);
        assert_eq!(head(&bad).len(), 4, "{:?}", head(&bad));
        let get = request(Method::GET, "/x", &[("host", "a"), ("content-length", "3")]);
        assert_eq!(head(&get).len(), 1);
    }
}
