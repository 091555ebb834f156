//! The fronts that make events of clients' requests, and replies of results: the function URL, and the API gateway,
//! whose service has ended and whose events live on.

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
    /// The decoded query: repeats become a list, and a name with `None` has no value.
    pub query: Vec<(String, Option<String>)>,
    /// The header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: String,
}

/// The answer that the client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status of the answer.
    pub status: u16,
    /// The header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: String,
}

impl Request {
    /// Returns a request without query, headers and body.
    pub fn new(method: &str, path: &str) -> Request {
        Request { method: method.to_owned(), path: path.to_owned(), ..Request::default() }
    }

    fn query(&self) -> Map<String, Value> {
        let mut map = Map::new();
        for (name, value) in &self.query {
            let new = value.as_ref().map_or(Value::Bool(true), |value| json!(value));
            match map.get_mut(name) {
                None => {
                    map.insert(name.clone(), new);
                }
                Some(Value::Array(list)) => list.push(new),
                Some(one) => *one = json!([one.take(), new]),
            }
        }
        map
    }

    fn headers(&self) -> Map<String, Value> {
        self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect()
    }
}

/// Sends a request through the function URL. The event has no `requestContext`, and the client's address stands in its
/// header `x-scf-remote-addr`. A result without `statusCode` is the JSON body of a reply with status 200. A call that
/// fails, or a result that is no reply, is answered with status 430.
pub fn url(plane: &Plane, request: &Request) -> Reply {
    let mut headers = request.headers();
    headers.insert("x-scf-remote-addr".to_owned(), json!("192.0.2.7"));
    let event = json!({
        "body": request.body,
        "headers": headers,
        "httpMethod": request.method,
        "path": request.path,
        "queryString": request.query(),
    });
    let outcome = plane.invoke(Event { id: request.id.clone(), ..Event::from(event.to_string()) });
    if outcome.kind != Kind::Result {
        return failed(430, outcome.kind);
    }
    match serde_json::from_slice::<Value>(&outcome.body) {
        Ok(result) if result.get("statusCode").is_some() => {
            integrated(&result).unwrap_or_else(|| failed(430, outcome.kind))
        }
        Ok(_) => Reply {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: outcome.text(),
        },
        Err(_) => failed(430, outcome.kind),
    }
}

/// Sends a request through the API gateway, which is configured for integrated responses. A call that fails, or a
/// result of another form, is answered with status 502.
pub fn gateway(plane: &Plane, request: &Request) -> Reply {
    let event = json!({
        "requestContext": {
            "serviceId": "service-1", "path": "/shop/{id}", "httpMethod": request.method, "requestId": "gateway-1",
            "identity": {}, "sourceIp": "192.0.2.8", "stage": "release",
        },
        "headers": request.headers(),
        "body": request.body,
        "httpMethod": request.method,
        "path": request.path,
        "pathParameters": {"id": "7"},
        "queryString": request.query(),
        "queryStringParameters": {},
        "headerParameters": {},
        "stageVariables": {"stage": "release"},
    });
    let outcome = plane.invoke(Event { id: request.id.clone(), ..Event::from(event.to_string()) });
    let result = serde_json::from_slice::<Value>(&outcome.body).ok().filter(|_| outcome.kind == Kind::Result);
    result.as_ref().and_then(integrated).unwrap_or_else(|| failed(502, outcome.kind))
}

fn integrated(result: &Value) -> Option<Reply> {
    let status = u16::try_from(result["statusCode"].as_u64()?).ok()?;
    let mut headers = Vec::new();
    for (name, value) in result["headers"].as_object()? {
        headers.push((name.clone(), value.as_str()?.to_owned()));
    }
    result["isBase64Encoded"].as_bool()?;
    Some(Reply { status, headers, body: result["body"].as_str()?.to_owned() })
}

fn failed(status: u16, kind: Kind) -> Reply {
    let headers = vec![("x-scf-error-type".to_owned(), "ScfCommonError".to_owned())];
    Reply { status, headers, body: format!("{kind:?}") }
}
