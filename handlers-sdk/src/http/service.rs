//! A whole application as a function: a service of tower's is made once, and a copy of it serves each request.

use super::Body;
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::error::Error;
use crate::error::convert::IntoError;
use crate::executor::drive::{Call, Running};
use crate::ffi::Held;
use crate::reply::outcome::{Outcome, Whole};
use crate::reply::sink::AsyncSink;
use ::http::{Request, Response};
use bytes::{Buf, Bytes};
use http_body::Body as HttpBody;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The size in bytes up to which a body of a known length goes out in one piece, with its length, if all of it is
/// there.
const WHOLE: u64 = 256 << 10;

/// A service, with the types of its requests and responses left behind.
type App = Box<dyn Fn(FaasContext) -> Running + Send + Sync>;

/// Returns an error of the application's own making, which is not for callers.
fn failed(error: impl Into<BoxError>) -> Error {
    Error::foreign("ServiceError", &*error.into(), None)
}

/// Returns the next bytes of a body; `None` at its end. Trailers have no place in a reply.
fn poll_data<B>(body: &mut Pin<&mut B>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    loop {
        match std::task::ready!(body.as_mut().poll_frame(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(failed(error)))),
            Some(Ok(frame)) => {
                if let Ok(mut data) = frame.into_data() {
                    let length = data.remaining();
                    return Poll::Ready(Some(Ok(data.copy_to_bytes(length))));
                }
            }
        }
    }
}

/// Takes the bytes of a body that are there. Returns `true` if that is all of it.
fn gather<B>(body: &mut Pin<&mut B>, context: &mut Context<'_>, into: &mut Vec<u8>) -> Result<bool, Error>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    loop {
        match poll_data(body, context) {
            Poll::Ready(Some(part)) => into.extend_from_slice(&part?),
            Poll::Ready(None) => return Ok(true),
            Poll::Pending => return Ok(false),
        }
    }
}

async fn reply<B>(held: &Held, response: Response<B>) -> Result<Outcome, Error>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    let is_short = body.size_hint().exact().is_some_and(|length| length <= WHOLE);
    let mut body = pin!(body);
    let mut begun = Vec::new();
    if is_short && poll_fn(|context| Poll::Ready(gather(&mut body, context, &mut begun))).await? {
        return Ok(Outcome::Http(Whole { status, headers: head.headers, body: begun }));
    }
    let mut sink = AsyncSink::open(held)?;
    sink.status(status)?;
    for (name, value) in &head.headers {
        sink.raw_header(name.as_str(), value.as_bytes())?;
    }
    sink.begin()?;
    sink.send(begun).await?;
    while let Some(part) = poll_fn(|context| poll_data(&mut body, context)).await {
        sink.send(part?.into()).await?;
    }
    Ok(Outcome::Streamed)
}

/// The value that a function marked `service` may return: the service, or a `Result` with one. `M` tells the two apart.
pub trait MakesService<M> {
    /// Keeps the service for the requests to come.
    ///
    /// # Errors
    /// The function returned no service.
    fn mount(self, ctx: &FaasContext) -> Result<(), Error>;
}

impl<S, B> MakesService<(S, B)> for S
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    fn mount(self, ctx: &FaasContext) -> Result<(), Error> {
        let service = Mutex::new(self);
        let app: App = Box::new(move |ctx| {
            let mut service = service.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Box::pin(async move {
                let answered = async {
                    let request = Request::from_invocation(&ctx)?;
                    poll_fn(|context| service.poll_ready(context)).await.map_err(failed)?;
                    let response = service.call(request).await.map_err(failed)?;
                    reply(ctx.held(), response).await
                };
                answered.await.unwrap_or_else(Outcome::failed)
            })
        });
        // A function starts once, so nothing was kept before.
        let _ = ctx.held().entry().kept.set(Box::new(app));
        Ok(())
    }
}

impl<S, B, E, M> MakesService<(S, B, E, M)> for Result<S, E>
where
    S: MakesService<(S, B)>,
    E: IntoError<M>,
{
    fn mount(self, ctx: &FaasContext) -> Result<(), Error> {
        self.map_err(Error::of)?.mount(ctx)
    }
}

/// Ends the start of the function that makes the service, with the value it returned.
pub fn mounted<M>(ctx: &FaasContext, made: impl MakesService<M>) -> Outcome {
    made.mount(ctx).map_or_else(Outcome::failed, |()| Outcome::Done)
}

/// Serves one request by a copy of the service.
pub fn serve(ctx: &FaasContext) -> Call {
    let kept = ctx.held().entry().kept.get();
    match kept.and_then(|kept| kept.downcast_ref::<App>()) {
        Some(app) => Call::Running(app(ctx.clone()), &crate::executor::RUNTIME),
        None => Call::Ended(Outcome::failed(Error::internal("Runtime.NoService", "the service has not been made"))),
    }
}
