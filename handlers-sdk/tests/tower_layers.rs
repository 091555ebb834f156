//! Layers of tower's around functions: on the way in, on the way out, and instead of them.
#![cfg(feature = "tower")]
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::tower::Around;
use handlers_sdk::{Config, Error, FaasContext, Flow, Invocation, Layer, ReplyHead, Response, function, layer};
use http::{HeaderName, HeaderValue, StatusCode};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Middleware as tower-http writes it, over bodies of any kind: names the request, checks a header, marks the reply.
#[derive(Clone)]
struct Check(Ending);

#[derive(Clone, Copy)]
enum Ending {
    Well,
    /// It waits for a thing that never comes, after the reply.
    Waits,
    /// It fails on the way in.
    Fails,
}

#[derive(Clone)]
struct Checked<S> {
    inner: S,
    ending: Ending,
}

impl<S> tower_layer::Layer<S> for Check {
    type Service = Checked<S>;

    fn layer(&self, inner: S) -> Checked<S> {
        Checked { inner, ending: self.0 }
    }
}

impl<S, I, O> Service<http::Request<I>> for Checked<S>
where
    S: Service<http::Request<I>, Response = http::Response<O>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
    O: Default + Send + 'static,
{
    type Response = http::Response<O>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: http::Request<I>) -> Self::Future {
        const ID: HeaderName = HeaderName::from_static("x-request-id");
        if matches!(self.ending, Ending::Fails) {
            return Box::pin(async { Err("no luck".into()) });
        }
        if request.headers_mut().remove("authorization").is_none() {
            let mut reply = http::Response::new(O::default());
            *reply.status_mut() = StatusCode::UNAUTHORIZED;
            reply.headers_mut().insert("www-authenticate", HeaderValue::from_static("Bearer"));
            return Box::pin(async { Ok(reply) });
        }
        let target = request.uri().to_string();
        request.headers_mut().insert(ID, HeaderValue::from_static("7"));
        let (reply, ending) = (self.inner.call(request), self.ending);
        Box::pin(async move {
            let mut reply = reply.await.map_err(Into::into)?;
            if matches!(ending, Ending::Waits) {
                std::future::pending::<()>().await;
            }
            reply.headers_mut().insert(ID, HeaderValue::from_static("7"));
            reply.headers_mut().insert("x-target", HeaderValue::from_str(&target)?);
            reply.headers_mut().remove("x-internal");
            if reply.status() == StatusCode::IM_A_TEAPOT {
                *reply.status_mut() = StatusCode::OK;
            }
            Ok(reply)
        })
    }
}

struct Wrapping(Around<Check>);

#[layer(name = "wrapping")]
impl Layer for Wrapping {
    fn create(config: &Config) -> Result<Self, Error> {
        let ending = match config.env("ENDING") {
            Some("waits") => Ending::Waits,
            Some("fails") => Ending::Fails,
            _ => Ending::Well,
        };
        Ok(Wrapping(Around::new(Check(ending))))
    }

    async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        self.0.before_invoke(invocation).await
    }

    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        self.0.head(head)
    }
}

#[function]
fn seen(ctx: FaasContext) -> Result<Response, Error> {
    let header = |name| ctx.http().and_then(|http| http.header(name)).unwrap_or("none").to_owned();
    if ctx.body() == b"fail" {
        return Err(Error::new("Seen.Failed", "asked to"));
    }
    let reply = Response::text(format!("{} {}", header("x-request-id"), header("authorization")));
    Ok(reply.status(418).set_header("x-internal", "secret").set_header("x-kept", "yes"))
}

fn app(ending: &str) -> App {
    let app = App::builder().module(Wrapping::MODULE).module(seen::MODULE).config("ENDING", ending);
    app.start().expect("starts")
}

fn asked() -> Invoke {
    Invoke::http("GET", "/a/b?c=d").header("authorization", "secret")
}

#[test]
fn it_changes_the_request_on_the_way_in_and_the_reply_on_the_way_out() {
    let answer = app("").invoke(asked());
    assert_eq!((answer.status(), answer.text().as_str()), (200, "7 none"));
    let header = |name| answer.header(name);
    assert_eq!((header("x-request-id"), header("x-target")), (Some("7"), Some("/a/b?c=d")));
    assert_eq!((header("x-internal"), header("x-kept")), (None, Some("yes")));
}

#[test]
fn it_may_answer_itself() {
    let answer = app("").invoke(Invoke::http("GET", "/"));
    assert_eq!((answer.status(), answer.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(answer.header("x-kept"), None, "the function is not called");
}

#[test]
fn events_and_failures_pass_it_by() {
    let app = app("");
    assert_eq!(app.invoke(Invoke::event("raw")).text(), "none none");
    assert_eq!(app.invoke(asked().body("fail")).failed.expect("fails").kind, "Seen.Failed");
}

#[test]
fn what_it_cannot_do_is_said() {
    let app_that_fails = app("fails");
    let failed = app_that_fails.invoke(asked()).failed.expect("fails");
    assert_eq!((failed.kind.as_str(), failed.message.as_str()), ("Tower.Failed", "no luck"));
    let answer = app("waits").invoke(asked());
    assert_eq!(answer.status(), 418, "the reply goes out as it is");
    assert!(answer.logs.iter().any(|line| line.message.contains("waits on the way out")), "{:?}", answer.logs);
}
