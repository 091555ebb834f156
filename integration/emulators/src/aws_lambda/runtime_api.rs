//! The calls of a runtime: poll, response, error, init error, restore, credentials. Each reads its request, asks
//! [`super::control`] and words the reply.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use hyper::http::request::Parts;
use serde_json::json;

use super::control::{Control, Delivery};
use super::options::{CREDENTIALS_TOKEN, ChunkNext, Options};
use super::payloads::{self, MAX_MANAGED_ERROR, MAX_PAYLOAD, MAX_STREAM, Refusal};
use super::polls::Polled;
use super::posts::{BodyEnd, Sent};
use super::reply::Reply;
use super::shared::Shared;
use super::state::Post;
use super::strict;

const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const ARN: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
const TRACE: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");
const CLIENT: HeaderName = HeaderName::from_static("lambda-runtime-client-context");
const COGNITO: HeaderName = HeaderName::from_static("lambda-runtime-cognito-identity");
const TENANT: HeaderName = HeaderName::from_static("lambda-runtime-aws-tenant-id");
const MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");

/// Forgets a parked poll whose connection ends before its event comes.
pub(crate) struct Forget<'a> {
    pub(crate) shared: &'a Shared,
    /// The token to forget; `None` once there is nothing to forget.
    pub(crate) token: Option<u64>,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            self.shared.change(|control| control.abandon(token));
        }
    }
}

/// Answers GET `/invocation/next`. With `duplicate`, the event is queued once more behind its own answer.
pub(crate) async fn next(shared: &Arc<Shared>, duplicate: bool) -> Reply {
    let delivery = match shared.change(Control::poll) {
        Err(refusal) => return refused(shared, "GET /invocation/next", refusal),
        Ok(Polled::Now(delivery)) => delivery,
        Ok(Polled::Parked { token, receiver }) => {
            let mut forget = Forget { shared, token: Some(token) };
            let Ok(delivery) = receiver.await else {
                // The environment is gone, and a parked poll then never returns.
                return std::future::pending().await;
            };
            // The poll has left the list of parked polls already.
            forget.token = None;
            delivery
        }
    };
    if duplicate {
        shared.change(|control| control.duplicate(&delivery.id));
    }
    shared.look(|control| event_reply(&control.options, &delivery))
}

/// Returns the reply that carries an event. Absent members are left out. Managed instances write them empty, all but
/// the tenant, which they never send.
fn event_reply(options: &Options, delivery: &Delivery) -> Reply {
    let event = &delivery.event;
    let managed = options.managed();
    let mut reply = Reply::json(200, event.body.clone());
    reply.chunked = match options.chunk_next {
        ChunkNext::Never => false,
        ChunkNext::Always => true,
        ChunkNext::Above(limit) => event.body.len() > limit,
    };
    reply.set(REQUEST_ID, &delivery.id);
    reply.set(DEADLINE, &delivery.deadline_ms.to_string());
    let arn = event.invoked_arn.clone().unwrap_or_else(|| options.arn());
    let cognito = event.cognito.as_ref().filter(|it| !it.identity_id.is_empty() || !it.identity_pool_id.is_empty());
    let cognito = cognito.map(|it| {
        json!({"cognitoIdentityId": it.identity_id, "cognitoIdentityPoolId": it.identity_pool_id}).to_string()
    });
    let optional = [
        (ARN, arn.as_str()),
        (TRACE, event.trace_id.as_deref().unwrap_or_default()),
        (CLIENT, event.client_context.as_deref().unwrap_or_default()),
        (COGNITO, cognito.as_deref().unwrap_or_default()),
        (TENANT, event.tenant_id.as_deref().filter(|_| !managed).unwrap_or_default()),
    ];
    for (name, value) in optional {
        if !value.is_empty() || managed && name != TENANT {
            reply.set(name, value);
        }
    }
    if let Some(content_type) = &event.content_type {
        reply.set(CONTENT_TYPE, content_type);
    }
    for (name, value) in &event.headers {
        if let Ok(name) = HeaderName::try_from(name) {
            reply.set(name, value);
        }
    }
    reply
}

/// Answers POST `/{id}/response` and `/{id}/error`.
pub(crate) async fn answer(shared: &Arc<Shared>, id: &str, post: Post, parts: &Parts, body: Incoming) -> Reply {
    let (token, begun) = shared.change(|control| (control.open_post(id, post), control.begin(id, post)));
    let managed = shared.look(|control| control.options.managed());
    let what = format!("POST /invocation/{id}/{}", if post == Post::Response { "response" } else { "error" });
    let begun = match begun {
        Ok(begun) => begun,
        Err(refusal) => {
            let size = read(parts, body, usize::MAX, |_| ()).await.size;
            shared.change(|control| control.close_post(&token, refusal.status(), size));
            return refused(shared, &what, refusal);
        }
    };
    // The account of a post is closed together with its verdict, since from there on a test may look at both.
    let verdict = match post {
        Post::Response => {
            let mode = parts.headers.get(MODE);
            if let Some(mode) = mode.filter(|mode| mode.as_bytes() != b"streaming") {
                let mode = String::from_utf8_lossy(mode.as_bytes()).into_owned();
                let size = read(parts, body, usize::MAX, |_| ()).await.size;
                Err(shared.change(|control| {
                    let refusal = control.invalid_mode(id, mode);
                    control.close_post(&token, refusal.status(), size);
                    refusal
                }))
            } else {
                let streaming = mode.is_some();
                let limit = if streaming { MAX_STREAM } else { MAX_PAYLOAD };
                let note = |piece: &Bytes| shared.change(|control| control.piece(id, piece, streaming));
                let sent = read(parts, body, limit, note).await;
                let size = sent.size;
                let breaches = strict::response(&parts.headers, &sent, streaming);
                shared.change(|control| {
                    control.violations.extend(breaches.into_iter().map(|breach| format!("{what}: {breach}")));
                    let verdict = control.finish_response(id, sent, streaming);
                    control.close_post(&token, verdict.as_ref().map_or_else(Refusal::status, |()| 202), size);
                    verdict
                })
            }
        }
        Post::Error => {
            let limit = if managed { MAX_MANAGED_ERROR } else { usize::MAX };
            let sent = read(parts, body, limit, |_| ()).await;
            let size = sent.size;
            let breaches = strict::error(&what, &sent);
            shared.change(|control| {
                control.violations.extend(breaches);
                let verdict = control.finish_error(id, sent, begun);
                control.close_post(&token, verdict.as_ref().map_or_else(Refusal::status, |()| 202), size);
                verdict
            })
        }
    };
    verdict.map_or_else(|refusal| refused(shared, &what, refusal), |()| Reply::accepted())
}

/// Answers POST `/init/error`.
pub(crate) async fn init_error(shared: &Arc<Shared>, parts: &Parts, body: Incoming) -> Reply {
    let limit = if shared.look(|control| control.options.managed()) { MAX_MANAGED_ERROR } else { usize::MAX };
    let sent = read(parts, body, limit, |_| ()).await;
    let breaches = strict::error("POST /init/error", &sent);
    let verdict = shared.change(|control| {
        control.violations.extend(breaches);
        control.init_error(sent)
    });
    verdict.map_or_else(|refusal| refused(shared, "POST /init/error", refusal), |()| Reply::accepted())
}

/// Answers GET `/restore/next`.
pub(crate) async fn restore_next(shared: &Arc<Shared>) -> Reply {
    let (token, receiver) = match shared.change(Control::restore_poll) {
        Ok(parked) => parked,
        Err(refusal) => return refused(shared, "GET /restore/next", refusal),
    };
    let _forget = Forget { shared, token: Some(token) };
    match receiver.await {
        Ok(()) => Reply::json(200, Bytes::new()),
        Err(_) => std::future::pending().await,
    }
}

/// Answers POST `/restore/error`.
pub(crate) async fn restore_error(shared: &Arc<Shared>, parts: &Parts, body: Incoming) -> Reply {
    let sent = read(parts, body, usize::MAX, |_| ()).await;
    let breaches = strict::error("POST /restore/error", &sent);
    let verdict = shared.change(|control| {
        control.violations.extend(breaches);
        control.restore_error(sent)
    });
    verdict.map_or_else(|refusal| refused(shared, "POST /restore/error", refusal), |()| Reply::accepted())
}

/// Answers GET `/2021-04-23/credentials`.
pub(crate) fn credentials(parts: &Parts) -> Reply {
    let token = parts.headers.get(hyper::header::AUTHORIZATION);
    if token.is_none_or(|token| token.as_bytes() != CREDENTIALS_TOKEN.as_bytes()) {
        return Reply::text(404, "credentials not found\n");
    }
    let credentials = json!({
        "AccessKeyId": "local-key-id",
        "SecretAccessKey": "local-secret-key",
        "Token": "local-session-token",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    Reply::json(200, payloads::line(&credentials))
}

/// Answers a call with the `status` of a scripted fault: it is counted like any other, then refused.
pub(crate) async fn scripted(
    shared: &Arc<Shared>,
    call: &super::routes::Call,
    parts: &Parts,
    body: Incoming,
    status: u16,
) -> Reply {
    use super::routes::Call;
    let sent = read(parts, body, usize::MAX, |_| ()).await;
    shared.change(|control| match call {
        Call::Answer { id, post } => {
            let token = control.open_post(id, *post);
            control.close_post(&token, status, sent.size);
            control.refuse_post(id, *post, status);
        }
        Call::InitError => control.init_errors.push(super::posts::report(&sent, status)),
        Call::RestoreError => control.restore_errors.push(super::posts::report(&sent, status)),
        _ => {}
    });
    super::faults::scripted(status)
}

/// Reads a body to its end, also beyond the limit, so that the reply is not lost in a connection cut by its own sender.
/// `note` sees each piece within the limit.
pub(crate) async fn read(parts: &Parts, mut body: Incoming, limit: usize, mut note: impl FnMut(&Bytes)) -> Sent {
    let headers = parts.headers.iter().map(|(name, value)| text(name, value)).collect();
    let mut sent = Sent { headers, body: Bytes::new(), size: 0, trailers: Vec::new(), end: BodyEnd::Whole };
    let mut pieces: Vec<Bytes> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(_) => {
                sent.end = BodyEnd::CutShort;
                break;
            }
        };
        match frame.into_data() {
            Ok(piece) => {
                sent.size += piece.len();
                if sent.size > limit {
                    sent.end = BodyEnd::TooLarge { limit };
                    pieces.clear();
                } else {
                    note(&piece);
                    pieces.push(piece);
                }
            }
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    sent.trailers = trailers.iter().map(|(name, value)| text(name, value)).collect();
                }
            }
        }
    }
    sent.body = match pieces.len() {
        1 => pieces.remove(0),
        _ => {
            let announced = parts.headers.get(CONTENT_LENGTH).is_some();
            let mut whole = Vec::with_capacity(if announced { sent.size.min(limit) } else { 0 });
            pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
            whole.into()
        }
    };
    sent
}

fn text(name: &HeaderName, value: &hyper::header::HeaderValue) -> (String, String) {
    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Returns a refusal as a reply. A refusal that only a runtime out of step can earn is a breach as well. Where
/// invocations overlap, late and doubled answers are to be expected.
fn refused(shared: &Shared, what: &str, refusal: Refusal) -> Reply {
    shared.change(|control| {
        let out_of_step = match &refusal {
            Refusal::InvalidStateTransition { from, .. } => *from != "Shutdown" && !control.options.managed(),
            Refusal::InvalidRequestId { .. } => !control.options.managed(),
            Refusal::InvalidResponseMode { .. } => true,
            _ => false,
        };
        if out_of_step {
            control.violations.push(format!("{what}: {} ({})", refusal.message(), refusal.status()));
        }
    });
    refusal.into()
}
