//! The console at `/_faas`: its callers, and its answers. Pages are made on the server; one small script keeps them up
//! to date.

mod api;
mod form;
mod guard;
mod html;
mod invocation;
mod list;
mod live;
mod plan;
mod send;
mod state;
mod waterfall;

use super::app::App;
use super::deployment::Deployment;
use super::tee::{Out, full};
use bytes::Bytes;
use form::Form;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;

/// The path of the console.
const ROOT: &str = "/_faas";

/// The most bytes of a form or of an invocation's order; a longer one is answered 413.
const BODY: usize = 8 << 20;

const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");

/// Returns `true` if a path is the console's.
pub(crate) fn is_its(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A refusal, or a redirect.
enum Instead {
    Status(StatusCode, String),
    See(String),
}

impl Instead {
    fn not_found(what: &str) -> Instead {
        Instead::Status(StatusCode::NOT_FOUND, format!("there is no {what}"))
    }

    fn no_function(name: &str, deployment: &Deployment) -> Instead {
        Instead::wrong(deployment.no_function(name))
    }

    fn wrong(why: impl std::fmt::Display) -> Instead {
        Instead::Status(StatusCode::BAD_REQUEST, why.to_string())
    }
}

/// Answers a request to the console.
pub(crate) async fn answer(app: Arc<App>, request: Request<Incoming>, client: SocketAddr) -> Response<Out> {
    let is_post = request.method() == Method::POST;
    let answered = match guard::check(request.headers(), is_post, client) {
        Ok(()) => route(&app, request).await,
        Err(why) => Err(Instead::Status(StatusCode::FORBIDDEN, why.to_owned())),
    };
    let mut response = answered.unwrap_or_else(|instead| match instead {
        Instead::Status(status, why) => {
            let mut response = typed("text/plain; charset=utf-8", format!("{why}\n"));
            *response.status_mut() = status;
            response
        }
        Instead::See(place) => {
            let mut response = typed("text/plain; charset=utf-8", format!("see {place}\n"));
            *response.status_mut() = StatusCode::SEE_OTHER;
            if let Ok(place) = HeaderValue::from_str(&place) {
                response.headers_mut().insert("location", place);
            }
            response
        }
    });
    guard::fence(response.headers_mut());
    response
}

async fn route(app: &Arc<App>, request: Request<Incoming>) -> Result<Response<Out>, Instead> {
    let path = request.uri().path().strip_prefix(ROOT).unwrap_or_default().trim_end_matches('/').to_owned();
    let query = Form::read(request.uri().query().unwrap_or_default().as_bytes());
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    if request.method() == Method::POST {
        let body = Limited::new(request.into_body(), BODY).collect().await;
        let too_large = |_| Instead::Status(StatusCode::PAYLOAD_TOO_LARGE, format!("more than {BODY} bytes"));
        let body: Bytes = body.map_err(too_large)?.to_bytes();
        return match parts[..] {
            ["send"] => send::post(app, &Form::read(&body)).await,
            ["replay"] => send::replay(app, &Form::read(&body)).await,
            ["api", "invoke"] => api::invoke(app, &body).await,
            _ => Err(Instead::not_found("such page to post to")),
        };
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Err(Instead::Status(StatusCode::METHOD_NOT_ALLOWED, "only GET and POST".to_owned()));
    }
    match parts[..] {
        [] => Ok(page(list::page(app))),
        ["invocations", number] => {
            let record = number.parse().ok().and_then(|number| app.store.get(number));
            let record =
                record.ok_or_else(|| Instead::not_found("such invocation: it is no longer kept, or never was"))?;
            Ok(page(if query.has("part") { invocation::live(&record) } else { invocation::page(app, &record) }))
        }
        ["compare"] => invocation::compare(app, &query.all("with")).map(page),
        ["send"] => Ok(page(send::page(app, &query))),
        ["plan"] => Ok(page(plan::page(app))),
        ["processes"] => Ok(page(state::page(app, query.has("part")))),
        ["logs"] => Ok(page(state::logs(app, &query))),
        ["console.css"] => Ok(typed("text/css; charset=utf-8", STYLE)),
        ["console.js"] => Ok(typed("text/javascript; charset=utf-8", SCRIPT)),
        ["api", "changes"] => Ok(live::changes(app)),
        ["api", "logs"] => live::logs(app, &query),
        ["api", "state"] => Ok(json(&app.state())),
        ["api", "invocations"] => Ok(json(&app.store.records().iter().map(|record| record.summary()).collect())),
        ["api", "invocations", number] => {
            let record = number.parse().ok().and_then(|number| app.store.get(number));
            record.map(|record| json(&record.whole())).ok_or_else(|| Instead::not_found("such invocation"))
        }
        _ => Err(Instead::not_found("such page")),
    }
}

fn typed(kind: &'static str, text: impl Into<Bytes>) -> Response<Out> {
    let mut response = Response::new(full(text));
    response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    response
}

fn page(text: String) -> Response<Out> {
    typed("text/html; charset=utf-8", text)
}

fn json(value: &serde_json::Value) -> Response<Out> {
    typed("application/json", value.to_string())
}
