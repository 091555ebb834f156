//! A function's answer as an HTTP response, by the rules of API Gateway's payload format 2.0: an object with
//! `statusCode` is taken apart, any other JSON is the body of a 200, and so is a text that is no JSON. Streamed answers
//! carry head and body apart.

use faas_core::encoding::base64;
use faas_core::http1::write::{is_header_name, is_header_value};
use platform_emulators::aws_lambda::{Answer, Kind};
use serde_json::Value;
use std::fmt;

/// The content type of a streamed answer that begins with its head as JSON.
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";

/// The type that the gateway assumes for a body without one.
const PLAIN: &str = "text/plain;charset=UTF-8";

/// The type of a body that is neither JSON nor text.
const BYTES: &str = "application/octet-stream";

/// An HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status, 200 to 599.
    pub(crate) status: u16,
    /// The headers in order, cookies included, without framing.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, its base64 undone.
    pub(crate) body: Vec<u8>,
}

/// The reason why an answer makes no response. The gateway then answers 500, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// The invocation failed, with this error type and message.
    Failed(String),
    /// The head of a stream is not JSON.
    NotJson(String),
    /// A member has a wrong type.
    Member {
        /// The name of the member.
        name: &'static str,
        /// The type that it should have.
        expected: &'static str,
        /// The type that it has.
        found: String,
    },
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Failed(why) => f.write_str(why),
            Unusable::NotJson(why) => write!(f, "the stream's head is not JSON: {why}"),
            Unusable::Member { name, expected, found } => {
                write!(f, "the answer's {name}: expected {expected}, found {found}")
            }
        }
    }
}

impl std::error::Error for Unusable {}

/// Makes the response, as the gateway makes it of the outcome of an invocation.
pub(crate) fn of(answer: &Answer) -> Result<Reply, Unusable> {
    match answer.kind {
        Kind::Response => buffered(&answer.body),
        Kind::Stream if answer.error_type.is_some() => {
            let error = answer.stream_error.as_deref().unwrap_or_default();
            Err(Unusable::Failed(format!("the stream ended early: {}", error_words(error))))
        }
        Kind::Stream => streamed(answer.header("content-type").unwrap_or_default(), &answer.body),
        _ => Err(Unusable::Failed(error_words(&answer.body))),
    }
}

/// Returns `type: message` of an error's JSON, or the text as it is if it has another form.
pub(crate) fn error_words(body: &[u8]) -> String {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    match (error["errorType"].as_str(), error["errorMessage"].as_str()) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (None, Some(message)) => message.to_owned(),
        _ => String::from_utf8_lossy(body).trim_end().to_owned(),
    }
}

fn buffered(body: &[u8]) -> Result<Reply, Unusable> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        // A function may reply with a text, as on every other platform.
        let kind = if std::str::from_utf8(body).is_ok() { PLAIN } else { BYTES };
        return Ok(Reply {
            status: 200,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.to_vec(),
        });
    };
    if answer.get("statusCode").is_none() {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        return Ok(Reply { status: 200, headers, body: body.to_vec() });
    }
    let body = match (&answer["body"], answer["isBase64Encoded"].as_bool()) {
        (Value::Null, _) => Vec::new(),
        (Value::String(text), Some(true)) => {
            let mut bytes = Vec::new();
            base64::decode_into(&mut bytes, text.as_bytes())
                .map_err(|_| member("body", "base64, as isBase64Encoded says", &answer["body"]))?;
            bytes
        }
        (Value::String(text), _) => text.clone().into_bytes(),
        (other, _) => return Err(member("body", "a string", other)),
    };
    head(&answer, body)
}

fn streamed(content_type: &str, body: &[u8]) -> Result<Reply, Unusable> {
    if content_type != WITH_PRELUDE {
        return Ok(Reply {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.to_vec(),
        });
    }
    // The head's JSON ends with eight zero bytes, and holds none itself.
    let end = body.windows(8).position(|eight| eight == [0; 8]);
    let end = end.ok_or_else(|| Unusable::NotJson("no eight zero bytes end the stream's head".to_owned()))?;
    let prelude: Value = serde_json::from_slice(&body[..end]).map_err(|error| Unusable::NotJson(error.to_string()))?;
    head(&prelude, body[end + 8..].to_vec())
}

/// Makes a reply of status, headers and cookies of an answer with this body.
fn head(answer: &Value, body: Vec<u8>) -> Result<Reply, Unusable> {
    let status = match &answer["statusCode"] {
        Value::Null => Some(200),
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u16::try_from(number).ok()),
    };
    let status = status.filter(|status| (200..=599).contains(status));
    let status = status.ok_or_else(|| member("statusCode", "a status from 200 to 599", &answer["statusCode"]))?;
    let mut headers = Vec::new();
    match &answer["headers"] {
        Value::Null => {}
        Value::Object(map) => {
            for (name, value) in map {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(_) | Value::Bool(_) => value.to_string(),
                    other => return Err(member("headers", "text, number or boolean values", other)),
                };
                if !is_header_name(name.as_bytes()) || !is_header_value(text.as_bytes()) {
                    return Err(member(
                        "headers",
                        "names and values that HTTP allows",
                        &format!("{name}: {text}").into(),
                    ));
                }
                // Framing is the gateway's own.
                if !["content-length", "transfer-encoding", "connection"]
                    .iter()
                    .any(|own| name.eq_ignore_ascii_case(own))
                {
                    headers.push((name.clone(), text));
                }
            }
        }
        other => return Err(member("headers", "an object", other)),
    }
    if !body.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("content-type".to_owned(), PLAIN.to_owned()));
    }
    let none = Vec::new();
    for cookie in answer["cookies"].as_array().unwrap_or(&none) {
        let text = cookie.as_str().filter(|text| is_header_value(text.as_bytes()));
        let text = text.ok_or_else(|| member("cookies", "texts that HTTP allows", cookie))?;
        headers.push(("set-cookie".to_owned(), text.to_owned()));
    }
    Ok(Reply { status, headers, body })
}

fn member(name: &'static str, expected: &'static str, found: &Value) -> Unusable {
    let mut found = found.to_string();
    if let Some((cut, _)) = found.char_indices().nth(60) {
        found.replace_range(cut.., "…");
    }
    Unusable::Member { name, expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Reply { status, headers, body: body.to_vec() }
    }

    #[test]
    fn json_without_a_status_is_the_body_of_a_200() {
        for body in [r#"{"hello":"world"}"#, r#""text""#, "[1, 2]", "null", "7"] {
            let expected = reply(200, &[("content-type", "application/json")], body.as_bytes());
            assert_eq!(buffered(body.as_bytes()), Ok(expected), "{body}");
        }
    }

    #[test]
    fn a_text_and_bytes_that_are_no_json_are_the_body_of_a_200() {
        assert_eq!(buffered(b"hello world"), Ok(reply(200, &[("content-type", PLAIN)], b"hello world")));
        assert_eq!(buffered(b""), Ok(reply(200, &[("content-type", PLAIN)], b"")));
        assert_eq!(buffered(b"\xff\xfe"), Ok(reply(200, &[("content-type", BYTES)], b"\xff\xfe")));
    }

    #[test]
    fn an_answer_with_a_status_is_taken_apart() {
        for (answer, expected) in [
            (r#"{"statusCode":204}"#, reply(204, &[], b"")),
            (r#"{"statusCode":"404","body":"no"}"#, reply(404, &[("content-type", PLAIN)], b"no")),
            (
                r#"{"statusCode":201,"headers":{"Content-Type":"image/png","x-n":3,"content-length":"9"},
                    "cookies":["a=1; Path=/","b=2"],"body":"AAE=","isBase64Encoded":true}"#,
                reply(
                    201,
                    &[
                        ("Content-Type", "image/png"),
                        ("x-n", "3"),
                        ("set-cookie", "a=1; Path=/"),
                        ("set-cookie", "b=2"),
                    ],
                    b"\0\x01",
                ),
            ),
            (r#"{"statusCode":200,"body":null,"headers":null,"cookies":null}"#, reply(200, &[], b"")),
        ] {
            assert_eq!(buffered(answer.as_bytes()), Ok(expected), "{answer}");
        }
    }

    #[test]
    fn what_the_gateway_cannot_use_is_named() {
        for (answer, words) in [
            (r#"{"statusCode":99}"#, "the answer's statusCode: expected a status from 200 to 599, found 99"),
            (r#"{"statusCode":{}}"#, "the answer's statusCode: expected a status from 200 to 599, found {}"),
            (r#"{"statusCode":200,"body":{}}"#, "the answer's body: expected a string, found {}"),
            (
                r#"{"statusCode":200,"body":"*","isBase64Encoded":true}"#,
                "the answer's body: expected base64, as isBase64Encoded says, found \"*\"",
            ),
            (r#"{"statusCode":200,"headers":[]}"#, "the answer's headers: expected an object, found []"),
            (
                r#"{"statusCode":200,"headers":{"a":"b\r\nc: d"}}"#,
                "the answer's headers: expected names and values that HTTP allows, found \"a: b\\r\\nc: d\"",
            ),
            (r#"{"statusCode":200,"cookies":[1]}"#, "the answer's cookies: expected texts that HTTP allows, found 1"),
        ] {
            assert_eq!(buffered(answer.as_bytes()).unwrap_err().to_string(), words, "{answer}");
        }
    }

    #[test]
    fn a_stream_has_its_head_before_eight_zero_bytes() {
        let body = b"{\"statusCode\":418,\"headers\":{\"content-type\":\"text/plain\"}}\0\0\0\0\0\0\0\0tea\0";
        assert_eq!(streamed(WITH_PRELUDE, body), Ok(reply(418, &[("content-type", "text/plain")], b"tea\0")));
        assert!(matches!(streamed(WITH_PRELUDE, b"{}"), Err(Unusable::NotJson(_))));
        let raw = streamed("application/octet-stream", b"x");
        assert_eq!(raw, Ok(reply(200, &[("content-type", "application/octet-stream")], b"x")));
    }

    #[test]
    fn errors_are_told_in_one_line() {
        assert_eq!(error_words(br#"{"errorMessage":"m","errorType":"T"}"#), "T: m");
        assert_eq!(error_words(b"plain\n"), "plain");
    }
}
