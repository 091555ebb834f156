//! HTTP/2 without TLS, as proxies speak it that know beforehand: hyper's server around the same exchange.

use super::Client;
use super::exchange::{Outcome, Tap, exchange, finish};
use super::head::is_of_the_connection;
use super::outlet::Piece;
use crate::stop::{Phase, reached};
use bytes::Bytes;
use faas_abi::host::Given;
use faas_core::http1::{Assembly, Message};
use faas_core::platform;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How a connection of this kind begins (RFC 9113 §3.4); no request of HTTP/1 has this method.
pub(super) const BEGINNING: &[u8; 3] = b"PRI";

/// Requests at once on one connection; the seats are the server's limit.
const STREAMS: u32 = 256;

/// Serves a connection to its end.
pub(super) async fn serve(client: Arc<Client>, stream: TcpStream) {
    let mut phase = client.server.stop.listen();
    let head_bytes = u32::try_from(client.server.config.limits.head_bytes).unwrap_or(u32::MAX);
    let service = service_fn(move |request| {
        let client = client.clone();
        async move { Ok::<_, Infallible>(answer(&client, request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).max_concurrent_streams(STREAMS).max_header_list_size(head_bytes);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = reached(&mut phase, Phase::Closing) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!("an HTTP/2 connection ended: {error}");
    }
}

async fn answer(client: &Arc<Client>, request: Request<Incoming>) -> Response<Payload> {
    let to_head = request.method() == Method::HEAD;
    match receive(client, request).await {
        Ok(message) => match exchange(client, message).await {
            Outcome::Answer(mut seat) => {
                let body = bytes_of(seat.take_body());
                let response = response(&seat.desk.response, Payload::whole(body, to_head));
                finish(client, seat);
                response
            }
            Outcome::Own(head, body) => response(&head, Payload::whole(body.into(), to_head)),
            Outcome::Stream(head, tap) => response(&head, Payload::Stream(tap)),
        },
        Err((status, why)) => {
            let mut head = platform::Response { status, ..platform::Response::default() };
            head.headers.add(b"content-type", b"text/plain; charset=utf-8");
            response(&head, Payload::whole(Bytes::from_static(why.as_bytes()), to_head))
        }
    }
}

/// The request as the core knows it, or why not.
async fn receive(client: &Client, request: Request<Incoming>) -> Result<Message, (u16, &'static str)> {
    let config = &client.server.config;
    let (head, mut body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    if target.len() > config.limits.target_bytes {
        return Err((414, "the request target is too long"));
    }
    let authority = head.uri.authority().map_or("", |authority| authority.as_str());
    let method = head.method.as_str().as_bytes();
    let mut assembly = Assembly::request(Vec::new(), method, target.as_bytes(), authority.as_bytes()).over_http2();
    for (name, value) in &head.headers {
        assembly.header(name.as_str().as_bytes(), value.as_bytes());
    }
    const TOO_LARGE: (u16, &str) = (413, "the body is larger than this server takes");
    let limit = usize::try_from(config.limits.body_bytes).unwrap_or(usize::MAX);
    if body.size_hint().lower() > config.limits.body_bytes {
        return Err(TOO_LARGE);
    }
    let into = assembly.body();
    let head_bytes = into.len();
    while let Some(frame) = timeout(config.read_timeout, body.frame())
        .await
        .map_err(|_| (408, "the request did not come in within the time for it"))?
    {
        let frame = frame.map_err(|_| (400, "the request was not sent whole"))?;
        if let Ok(data) = frame.into_data() {
            if into.len() - head_bytes + data.len() > limit {
                return Err(TOO_LARGE);
            }
            into.extend_from_slice(&data);
        }
    }
    Ok(assembly.finish())
}

fn response(head: &platform::Response, body: Payload) -> Response<Payload> {
    let mut response = Response::new(body);
    // As over HTTP/1: one below 200 would be no response.
    let status = StatusCode::from_u16(head.status).ok().filter(|status| !status.is_informational());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in head.headers.iter().filter(|(name, _)| !is_of_the_connection(name)) {
        match (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            (Ok(name), Ok(value)) => {
                response.headers_mut().append(name, value);
            }
            _ => tracing::debug!("response header {:?} is left out", String::from_utf8_lossy(name)),
        }
    }
    response
}

fn bytes_of(given: Given) -> Bytes {
    match given {
        Given::Host(bytes) => bytes.into(),
        given @ Given::Module(_) => Bytes::from_owner(given),
    }
}

/// A response's body.
enum Payload {
    Whole(Option<Bytes>),
    Stream(Tap),
}

impl Payload {
    fn whole(bytes: Bytes, to_head: bool) -> Payload {
        Payload::Whole((!bytes.is_empty() && !to_head).then_some(bytes))
    }
}

/// The stream failed in its middle; the connection's other streams go on.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the function failed in the middle of its reply")
    }
}

impl std::error::Error for Broken {}

impl Body for Payload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Payload::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Payload::Stream(tap) => Poll::Ready(match std::task::ready!(tap.poll_next(context)) {
                Piece::Chunk(chunk) => Some(Ok(Frame::data(bytes_of(chunk)))),
                Piece::End => None,
                Piece::Broken => Some(Err(Broken)),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Payload::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Payload::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_of_one_connection_and_what_is_no_response_stays_out() {
        let mut head = platform::Response { status: 101, ..platform::Response::default() };
        for name in ["connection", "Keep-Alive", "te", "transfer-encoding", "upgrade", "x-own"] {
            head.headers.add(name.as_bytes(), b"1");
        }
        let response = response(&head, Payload::whole(Bytes::new(), false));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers().keys().collect::<Vec<_>>(), ["x-own"]);
    }
}
