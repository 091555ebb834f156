//! API Gateway: it makes an event of a client's request, its body in base64, and a reply of the result. A result that
//! is no reply is a 500 for the client.

use crate::base64;
use crate::runtime_api::{Event, Kind, Plane};
use serde_json::{Map, Value, json};

/// The request of a client.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The request id of its event; `None` makes one up.
    pub id: Option<String>,
    /// The method of the request.
    pub method: String,
    /// The path of the request.
    pub path: String,
    /// The decoded query, in order.
    pub query: Vec<(String, String)>,
    /// The header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

/// The answer that the client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status of the answer.
    pub status: u16,
    /// The header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body, decoded if it came in base64.
    pub body: Vec<u8>,
    /// `true` if the body came in base64.
    pub coded: bool,
}

impl Request {
    /// Returns a request without query, headers and body.
    pub fn new(method: &str, path: &str) -> Request {
        Request { method: method.to_owned(), path: path.to_owned(), ..Request::default() }
    }
}

/// Returns the event that API Gateway makes of a request.
pub fn event(request: &Request) -> String {
    let mut headers: Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    headers.insert("x-real-ip".to_owned(), json!("192.0.2.7"));
    headers.insert("x-forwarded-for".to_owned(), json!("192.0.2.7"));
    let query: Map<String, Value> = request.query.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "body": base64::encode(&request.body),
        "requestContext": {"apiId": "api-1", "requestId": "gateway-1", "stage": "RELEASE"},
        "queryStringParameters": query,
        "httpMethod": request.method,
        "pathParameters": {},
        "headers": headers,
        "path": request.path,
        "isBase64Encoded": true,
    })
    .to_string()
}

/// Sends a client's request through API Gateway. A call that fails, or a result of another form, is answered with
/// status 500.
pub fn apig(plane: &Plane, request: &Request) -> Reply {
    let outcome = plane.invoke(Event { id: request.id.clone(), ..Event::from(event(request)) });
    let result = serde_json::from_slice::<Value>(&outcome.body).ok().filter(|_| outcome.kind == Kind::Result);
    result.as_ref().and_then(reply).unwrap_or_else(|| Reply {
        status: 500,
        headers: Vec::new(),
        body: format!("{:?}", outcome.kind).into_bytes(),
        coded: false,
    })
}

fn reply(result: &Value) -> Option<Reply> {
    let status = u16::try_from(result.get("statusCode")?.as_u64()?).ok()?;
    let text = result.get("body")?.as_str()?;
    let coded = result.get("isBase64Encoded")?.as_bool()?;
    let mut headers = Vec::new();
    for (name, value) in result.get("headers")?.as_object()? {
        headers.push((name.clone(), value.as_str()?.to_owned()));
    }
    let body = if coded { base64::decode(text)? } else { text.as_bytes().to_vec() };
    Some(Reply { status, headers, body, coded })
}
