//! A layer of tower's around everything further in: middleware over the heads of requests and responses.
//!
//! A tower layer calls the service it wraps; here the runtime calls, on the way in and on the way out. So the
//! middleware runs as a future that pauses where it calls the service inside: it is begun in `before_invoke`, and goes
//! on in `head`, with the reply's status and headers.
//!
//! ```
//! use handlers_sdk::tower::Around;
//! use handlers_sdk::{Config, Error, Flow, Invocation, Layer, ReplyHead, layer};
//! # use handlers_sdk::tower::Further;
//! # #[derive(Clone)]
//! # struct SetResponseHeaderLayer(http::HeaderName, http::HeaderValue);
//! # impl SetResponseHeaderLayer {
//! #     fn overriding(name: http::HeaderName, value: http::HeaderValue) -> Self { SetResponseHeaderLayer(name, value) }
//! # }
//! # struct SetResponseHeader<S>(S, http::HeaderName, http::HeaderValue);
//! # impl<S> tower_layer::Layer<S> for SetResponseHeaderLayer {
//! #     type Service = SetResponseHeader<S>;
//! #     fn layer(&self, inner: S) -> Self::Service { SetResponseHeader(inner, self.0.clone(), self.1.clone()) }
//! # }
//! # impl<S, B> tower_service::Service<http::Request<B>> for SetResponseHeader<S>
//! # where S: tower_service::Service<http::Request<B>, Response = http::Response<B>>, S::Future: Send + 'static {
//! #     type Response = http::Response<B>;
//! #     type Error = S::Error;
//! #     type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;
//! #     fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
//! #         self.0.poll_ready(cx)
//! #     }
//! #     fn call(&mut self, request: http::Request<B>) -> Self::Future {
//! #         let (reply, name, value) = (self.0.call(request), self.1.clone(), self.2.clone());
//! #         Box::pin(async move {
//! #             let mut reply = reply.await?;
//! #             reply.headers_mut().insert(name, value);
//! #             Ok(reply)
//! #         })
//! #     }
//! # }
//!
//! /// `tower_http::set_header::SetResponseHeaderLayer`, for every function.
//! struct Secure(Around<SetResponseHeaderLayer>);
//!
//! #[layer(name = "secure")]
//! impl Layer for Secure {
//!     fn create(_: &Config) -> Result<Self, Error> {
//!         let name = http::header::STRICT_TRANSPORT_SECURITY;
//!         let value = http::HeaderValue::from_static("max-age=63072000");
//!         Ok(Secure(Around::new(SetResponseHeaderLayer::overriding(name, value))))
//!     }
//!
//!     async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
//!         self.0.before_invoke(invocation).await
//!     }
//!
//!     fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
//!         self.0.head(head)
//!     }
//! }
//! ```
//!
//! # What fits
//! Middleware that works with methods, paths and headers: headers of requests and responses, request ids, authorization,
//! CORS, redirects, status rewriting. Bodies are `()`, so that what works with bodies (compression, limits of bodies,
//! tracing of bodies) does not compile here: a hook of a layer has the whole body, or none.
//!
//! # What does not
//! - A changed method or path is not handed on: the function has been chosen by then.
//! - On the way out the middleware must answer at once, since a reply's head does not wait. A time-out does not go off
//!   there; the runtime has deadlines.
//! - A failure of the invocation passes it by. Headers for error replies are set in a layer's `invoke_failed`.
//! - It is called for requests alone: any other event passes it by.

use crate::error::Error;
use crate::layer::Flow;
use crate::layer::invocation::{Invocation, List};
use crate::layer::reply_head::ReplyHead;
use crate::reply::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Running = Pin<Box<dyn Future<Output = Result<http::Response<()>, BoxError>> + Send>>;

/// The place where the middleware and the service inside exchange request and reply.
#[derive(Debug, Default)]
struct Meeting {
    request: Option<http::Request<()>>,
    reply: Option<http::Response<()>>,
}

#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Meeting>>);

impl Shared {
    fn meeting(&self) -> MutexGuard<'_, Meeting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The service that a wrapped layer stands around: everything further in. Middleware that is written for no other
/// service names it.
///
/// ```
/// use handlers_sdk::tower::{Around, Further};
/// use tower_layer::layer_fn;
///
/// // Middleware by a closure; this one changes nothing, since it returns the service inside as it is.
/// let nothing = Around::new(layer_fn(|further: Further| further));
/// assert!(format!("{nothing:?}").starts_with("Around"));
/// ```
#[derive(Clone, Debug)]
pub struct Further(Shared);

/// The reply of the service inside, which is ready when the runtime has it. It is the future of [`Further`], which
/// middleware without a future of its own hands on.
///
/// ```
/// use handlers_sdk::tower::{Around, Further, Reply};
/// use std::convert::Infallible;
/// use std::task::{Context, Poll};
///
/// /// Middleware that marks requests, and hands on the reply as it is.
/// struct Marks(Further);
///
/// impl tower_service::Service<http::Request<()>> for Marks {
///     type Response = http::Response<()>;
///     type Error = Infallible;
///     type Future = Reply;
///
///     fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
///         self.0.poll_ready(context)
///     }
///
///     fn call(&mut self, mut request: http::Request<()>) -> Reply {
///         request.headers_mut().insert("x-marked", http::HeaderValue::from_static("1"));
///         self.0.call(request)
///     }
/// }
///
/// Around::new(tower_layer::layer_fn(Marks));
/// ```
#[derive(Debug)]
pub struct Reply(Shared);

impl tower_service::Service<http::Request<()>> for Further {
    type Response = http::Response<()>;
    type Error = Infallible;
    type Future = Reply;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<()>) -> Reply {
        self.0.meeting().request = Some(request);
        Reply(self.0.clone())
    }
}

impl Future for Reply {
    type Output = Result<http::Response<()>, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        // No waker is kept: the code that brings the reply polls right after.
        self.0.meeting().reply.take().map_or(Poll::Pending, |reply| Poll::Ready(Ok(reply)))
    }
}

/// Middleware that is paused until there is a reply.
struct Paused {
    /// The number of the [`Around`] that it belongs to.
    of: usize,
    running: Running,
    shared: Shared,
}

/// All middleware that is paused in one invocation.
#[derive(Default)]
struct AllPaused(Mutex<Vec<Paused>>);

/// A layer of tower's around everything further in. See the module for what fits.
///
/// ```
/// # use handlers_sdk::{Config, Error, Flow, Invocation, Layer, ReplyHead, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::tower::{Around, Further};
/// use std::convert::Infallible;
/// use std::future::{Ready, ready};
/// use std::task::{Context, Poll};
///
/// /// Middleware that lets nobody through.
/// struct Closed;
///
/// impl tower_service::Service<http::Request<()>> for Closed {
///     type Response = http::Response<()>;
///     type Error = Infallible;
///     type Future = Ready<Result<Self::Response, Infallible>>;
///
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
///         Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, _: http::Request<()>) -> Self::Future {
///         ready(Ok(http::Response::builder().status(503).body(()).expect("a status")))
///     }
/// }
///
/// impl tower_layer::Layer<Further> for Closed {
///     type Service = Closed;
///
///     fn layer(&self, _: Further) -> Closed {
///         Closed
///     }
/// }
///
/// struct Gate(Around<Closed>);
///
/// #[layer(name = "gate")]
/// impl Layer for Gate {
///     fn create(_: &Config) -> Result<Self, Error> {
///         Ok(Gate(Around::new(Closed)))
///     }
///
///     async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         self.0.before_invoke(invocation).await
///     }
///
///     fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
///         self.0.head(head)
///     }
/// }
/// # #[function]
/// # fn hello() -> &'static str { "hello" }
///
/// let app = App::builder().module(Gate::MODULE).module(hello::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("GET", "/")).status(), 503);
/// ```
pub struct Around<L> {
    layer: L,
    number: usize,
}

impl<L> fmt::Debug for Around<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<L, S> Around<L>
where
    L: tower_layer::Layer<Further, Service = S>,
    S: tower_service::Service<http::Request<()>, Response = http::Response<()>> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    /// Wraps a layer, once, in `create`.
    pub fn new(layer: L) -> Around<L> {
        static NUMBERS: AtomicUsize = AtomicUsize::new(0);
        Around { layer, number: NUMBERS.fetch_add(1, Ordering::Relaxed) }
    }

    /// Runs the way in, for `before_invoke`: the middleware runs until it calls the service inside, or answers itself.
    ///
    /// # Errors
    /// The middleware fails, or the request that it made is not possible.
    pub async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let Some(request) = request(invocation) else { return Ok(Flow::Continue) };
        let before = request.headers().clone();
        let shared = Shared::default();
        let mut service = self.layer.layer(Further(shared.clone()));
        let mut running: Running = Box::pin(async move {
            poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
            service.call(request).await.map_err(Into::into)
        });
        let ended = poll_fn(|context| match running.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if shared.meeting().request.is_some() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await;
        if let Some(ended) = ended {
            return answer(invocation, &ended.map_err(failed)?);
        }
        if let Some(request) = shared.meeting().request.take() {
            hand_on(invocation, &before, request.headers())?;
        }
        let paused = Paused { of: self.number, running, shared };
        if invocation.value::<AllPaused>().is_none() {
            invocation.set_value(AllPaused::default())?;
        }
        if let Some(all) = invocation.value::<AllPaused>() {
            all.0.lock().unwrap_or_else(PoisonError::into_inner).push(paused);
        }
        Ok(Flow::Continue)
    }

    /// Runs the way out, for `head`: the middleware goes on with the reply's status and headers, and the reply takes
    /// its changes.
    ///
    /// # Errors
    /// The middleware fails, or it did not answer at once.
    pub fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        let paused = head.value::<AllPaused>().and_then(|all| {
            let mut all = all.0.lock().unwrap_or_else(PoisonError::into_inner);
            let found = all.iter().position(|paused| paused.of == self.number)?;
            Some(all.swap_remove(found))
        });
        let Some(Paused { mut running, shared, .. }) = paused else { return Ok(()) };
        let mut reply = http::Response::new(());
        *reply.status_mut() = http::StatusCode::from_u16(head.status()).unwrap_or_default();
        *reply.headers_mut() = map(head.headers());
        let (status, headers) = (reply.status(), reply.headers().clone());
        shared.meeting().reply = Some(reply);
        let Poll::Ready(ended) = running.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            return Err(Error::msg("the wrapped layer waits on the way out, where a reply's head does not"));
        };
        let reply = ended.map_err(failed)?;
        if reply.status() != status {
            head.set_status(reply.status().as_u16())?;
        }
        for name in changed(&headers, reply.headers()) {
            if headers.contains_key(name) {
                head.remove_header(name.as_str())?;
            }
            for value in reply.headers().get_all(name) {
                head.add_header(name.as_str(), text(name, value)?)?;
            }
        }
        Ok(())
    }
}

/// Returns the head of the request; `None` if the event is no request. Headers that are not legal are left out.
fn request(invocation: &Invocation<'_>) -> Option<http::Request<()>> {
    let http = invocation.http()?;
    let mut target = if http.raw_path().is_empty() { http.path() } else { http.raw_path() }.to_owned();
    if !http.raw_query().is_empty() {
        target.push('?');
        target.push_str(http.raw_query());
    }
    let mut request = http::Request::new(());
    *request.method_mut() = http.method().parse().ok()?;
    *request.uri_mut() = target.parse().unwrap_or_default();
    *request.headers_mut() = map(http.headers());
    Some(request)
}

fn map<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    pairs
        .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?)))
        .collect()
}

/// Returns the names whose values differ.
fn changed<'a>(before: &'a HeaderMap, after: &'a HeaderMap) -> impl Iterator<Item = &'a HeaderName> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    gone.chain(after.keys().filter(|name| !before.get_all(*name).iter().eq(after.get_all(*name).iter())))
}

/// Hands on the request's headers as the middleware has changed them.
fn hand_on(invocation: &mut Invocation<'_>, before: &HeaderMap, after: &HeaderMap) -> Result<(), Error> {
    for name in changed(before, after) {
        if before.contains_key(name) {
            invocation.remove(List::Header, name.as_str())?;
        }
        for value in after.get_all(name) {
            invocation.add(List::Header, name.as_str(), text(name, value)?)?;
        }
    }
    Ok(())
}

/// Answers with the middleware's own reply, which has no body.
fn answer(invocation: &mut Invocation<'_>, reply: &http::Response<()>) -> Result<Flow, Error> {
    for (name, value) in reply.headers() {
        invocation.add_reply_header(name.as_str(), text(name, value)?)?;
    }
    invocation.respond(Response::new(reply.status().as_u16()))
}

fn text<'a>(name: &HeaderName, value: &'a HeaderValue) -> Result<&'a str, Error> {
    value.to_str().map_err(|_| Error::msg(format!("the wrapped layer has set {name} to what is no text")))
}

fn failed(error: BoxError) -> Error {
    Error::new("Tower.Failed", error.to_string())
}
