//! An axum application as it stands: router, state, a middleware, server-sent events, an upload. `app` mounts it as a
//! function; `main.rs` has axum serve it.
#![forbid(unsafe_code)]

// The page's code is compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/migrating.md")]
struct Migrating;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Form, MatchedPath, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, Sse};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use handlers_sdk::function;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Returns the application as a function: called once, at its start.
#[function(service)]
async fn app() -> Router {
    router()
}

/// The state that all requests share.
#[derive(Debug)]
struct Shop {
    name: &'static str,
    items: [&'static str; 3],
}

/// Returns the router with all routes.
pub fn router() -> Router {
    let shop = Arc::new(Shop { name: "corner", items: ["tea", "salt", "rope"] });
    Router::new()
        .route("/", get(async || "hello"))
        .route("/items", get(items).post(create))
        .route("/items/{id}", get(item).delete(async || StatusCode::NO_CONTENT))
        .route("/search", get(search))
        .route("/form", post(async |Form(item): Form<NewItem>| Json(item)))
        .route("/echo", post(echo))
        .route("/echo-headers", any(echo_headers))
        .route("/cookies", get(cookies))
        .route("/moved", get(async || Redirect::permanent("/items")))
        .route("/fails", get(fails))
        .route("/events", get(events))
        .route("/lines", get(lines))
        .route("/empty", get(async || ()))
        .route("/bytes", get(async || Bytes::from_static(b"\0\xff\x01")))
        .route("/upload", post(upload).layer(DefaultBodyLimit::disable()))
        .route("/mirror", post(mirror))
        .route("/path/{*rest}", get(async |Path(rest): Path<String>, uri: axum::http::Uri| format!("{rest} of {uri}")))
        .fallback(async |uri: axum::http::Uri| (StatusCode::NOT_FOUND, format!("no {}", uri.path())))
        .layer(middleware::from_fn(timed))
        .with_state(shop)
}

/// Runs around each request: it adds a header with the route, and one that says that it was timed.
async fn timed(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(route) = route.and_then(|route| route.parse().ok()) {
        headers.insert("x-route", route);
    }
    let timed = if began.elapsed().as_secs() < 3600 { "yes" } else { "no" };
    headers.insert("x-timed", timed.parse().expect("a word"));
    response
}

#[derive(Debug, Deserialize, Serialize)]
struct NewItem {
    name: String,
    #[serde(default)]
    count: u32,
}

/// An error that becomes JSON.
struct Problem(StatusCode, &'static str);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

async fn items(State(shop): State<Arc<Shop>>) -> Json<Value> {
    Json(json!({ "shop": shop.name, "items": shop.items }))
}

async fn create(
    Json(item): Json<NewItem>,
) -> (StatusCode, AppendHeaders<[(header::HeaderName, String); 1]>, Json<NewItem>) {
    let place = AppendHeaders([(header::LOCATION, format!("/items/{}", item.name))]);
    (StatusCode::CREATED, place, Json(item))
}

async fn item(State(shop): State<Arc<Shop>>, Path(id): Path<usize>) -> Result<String, Problem> {
    shop.items.get(id).map(|item| (*item).to_owned()).ok_or(Problem(StatusCode::NOT_FOUND, "no such item"))
}

#[derive(Debug, Deserialize, Serialize)]
struct Search {
    q: String,
    #[serde(default)]
    page: u32,
}

async fn search(Query(search): Query<Search>) -> Json<Search> {
    Json(search)
}

async fn echo(headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).cloned();
    let mut response = body.into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// Returns the method and the headers whose names begin with `x-`, with their repeats.
async fn echo_headers(request: Request) -> String {
    let own = request.headers().iter().filter(|(name, _)| name.as_str().starts_with("x-"));
    let lines = own.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("?")));
    format!("{} {:?}\n{}", request.method(), request.version(), lines.collect::<String>())
}

async fn cookies(headers: HeaderMap) -> (AppendHeaders<[(header::HeaderName, &'static str); 2]>, String) {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>();
    (AppendHeaders([(header::SET_COOKIE, "a=1; Path=/"), (header::SET_COOKIE, "b=2; HttpOnly")]), sent.join("; "))
}

async fn fails() -> Result<(), Problem> {
    Err(Problem(StatusCode::IM_A_TEAPOT, "short and stout"))
}

/// A stream of three numbers, one after the other.
struct Numbers(u32);

impl futures_core::Stream for Numbers {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0 += 1;
        Poll::Ready((self.0 <= 3).then(|| Ok(Event::default().event("number").data(self.0.to_string()))))
    }
}

async fn events() -> Sse<Numbers> {
    Sse::new(Numbers(0))
}

/// Returns a body that comes while time passes.
async fn lines() -> Body {
    let (sender, receiver) = tokio::sync::mpsc::channel::<String>(1);
    tokio::spawn(async move {
        for number in 1..=5 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            if sender.send(format!("line {number}\n")).await.is_err() {
                return;
            }
        }
    });
    Body::from_stream(Received(receiver))
}

struct Received(tokio::sync::mpsc::Receiver<String>);

impl futures_core::Stream for Received {
    type Item = Result<String, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|line| line.map(Ok))
    }
}

/// Counts an upload and adds up a checksum of it, part by part: FNV-1a of 64 bits.
async fn upload(body: Body) -> Result<Json<Value>, (StatusCode, String)> {
    let (mut body, mut bytes, mut hash) = (body, 0, 0xcbf2_9ce4_8422_2325_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            bytes += data.len();
            hash = data.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
        }
    }
    Ok(Json(json!({ "bytes": bytes, "hash": format!("{hash:016x}") })))
}

/// Sends back the body while it comes.
async fn mirror(body: Body) -> Body {
    body
}
