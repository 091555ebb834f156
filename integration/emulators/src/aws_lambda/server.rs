//! The HTTP side: a thread of its own that accepts connections, reads requests, carries out scripted faults and keeps
//! the deadlines. The meaning of a call is not decided here.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::acceptor::{self, Command, Next};

use super::faults::{Ending, Endpoint, Fault, Takeover};
use super::reply::{Payload, Reply};
use super::routes::{Call, NoCall, route};
use super::shared::Shared;
use super::{extensions, lifecycle, runtime_api, strict};

/// Starts the server on a free loopback port.
pub(crate) fn start(
    shared: Arc<Shared>,
    commands: mpsc::UnboundedReceiver<Command>,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let deadlines = keep_deadlines(Arc::clone(&shared));
    acceptor::start("aws-control-plane", commands, deadlines, move |stream, _| {
        let Some(fault) = shared.change(|control| control.script.take(Endpoint::Connect)) else {
            tokio::spawn(serve(Arc::clone(&shared), stream));
            return Next::Accept;
        };
        if let Some(takeover) = fault.before() {
            tokio::spawn(end(Arc::new(stream), takeover));
        }
        if fault == Fault::Refuse { Next::Refuse } else { Next::Accept }
    })
}

/// Sleeps to the earliest deadline and times out the invocations that are overdue.
async fn keep_deadlines(shared: Arc<Shared>) {
    loop {
        let next = shared.change(|control| control.next_deadline());
        match next {
            None => shared.deadlines.notified().await,
            Some(at) => tokio::select! {
                () = tokio::time::sleep_until(at.into()) => {}
                () = shared.deadlines.notified() => {}
            },
        }
        let leaving = shared.change(|control| {
            let stop = control.expire(Instant::now());
            stop.then(|| lifecycle::close_after_timeout(control)).flatten()
        });
        lifecycle::end_in_background(leaving);
    }
}

/// A stream that hyper and a takeover can both hold.
struct Wire(Arc<TcpStream>);

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The end of the connection is its drop, which follows at once.
        Poll::Ready(Ok(()))
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    // Small replies would wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let stream = Arc::new(stream);
    let (sender, takeover) = oneshot::channel();
    let connection = shared.change(|control| control.connected(sender));
    let title_case = !shared.look(|control| control.options.lower_case_headers);
    let service = service_fn(|request| handle(Arc::clone(&shared), connection, request));
    let http = http1::Builder::new()
        .title_case_headers(title_case)
        .half_close(false)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(Wire(Arc::clone(&stream))), service);
    tokio::select! {
        biased;
        Ok(takeover) = takeover => {
            // A connection that stays open for ever is no longer anybody's.
            if takeover.ending == Ending::Hang {
                shared.change(|control| control.disconnected(connection));
            }
            end(stream, takeover).await;
        }
        result = http => {
            if let Err(error) = result && error.is_parse() {
                shared.change(|control| control.violations.push(format!("a request that is not HTTP/1.1: {error}")));
            }
        }
    }
    shared.change(|control| control.disconnected(connection));
}

/// Writes the bytes of the fault and ends the connection as asked.
async fn end(stream: Arc<TcpStream>, takeover: Takeover) {
    let mut rest = &takeover.bytes[..];
    while !rest.is_empty() && stream.writable().await.is_ok() {
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    match takeover.ending {
        Ending::Close => {}
        // Where it cannot be set the close is an orderly one, which the peer's side tells apart.
        Ending::Reset => stream.set_zero_linger().unwrap_or(()),
        Ending::Hang => std::future::pending().await,
    }
}

async fn handle(
    shared: Arc<Shared>,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Response<Payload>, Infallible> {
    let (parts, body) = request.into_parts();
    let (call, fault) = shared.change(|control| {
        control.violations.extend(strict::head(&parts));
        let call = route(&parts.method, parts.uri.path(), control.snap_start());
        let endpoint = call.as_ref().map_or(Endpoint::Other, Call::endpoint);
        (call, control.script.take(endpoint))
    });
    let call = match call {
        Ok(call) => call,
        Err(missing) => return Ok(no_call(&shared, &parts, body, missing).await.into_response()),
    };
    let before = match &fault {
        Some(Fault::CloseAfterRequest) if call.polls() => Some(Takeover::silent(Ending::Close)),
        Some(fault) => fault.before(),
        None => None,
    };
    if let Some(takeover) = before {
        if fault == Some(Fault::Refuse) {
            let (done, refused) = oneshot::channel();
            // Neither fails while the accept loop runs, which outlives this connection.
            let _ = shared.commands.send(Command::Refuse(done));
            let _ = refused.await;
        }
        return taken_over(&shared, connection, takeover).await;
    }
    let reply = match &fault {
        Some(Fault::Status(status)) => runtime_api::scripted(&shared, &call, &parts, body, *status).await,
        _ => answer(&shared, connection, &call, &parts, body, fault == Some(Fault::DuplicateDelivery)).await,
    };
    if let Some(Fault::Delay(delay)) = fault {
        tokio::time::sleep(delay).await;
    }
    if let Some(takeover) = fault.and_then(|fault| fault.after(&reply)) {
        return taken_over(&shared, connection, takeover).await;
    }
    Ok(reply.into_response())
}

/// Hands the connection over; the future that serves it is dropped by that, so this never returns.
async fn taken_over(shared: &Shared, connection: u64, takeover: Takeover) -> Result<Response<Payload>, Infallible> {
    shared.change(|control| control.take_over(connection, takeover));
    std::future::pending().await
}

async fn no_call(shared: &Arc<Shared>, parts: &Parts, body: Incoming, missing: NoCall) -> Reply {
    runtime_api::read(parts, body, 0, |_| ()).await;
    let target = format!("{} {}", parts.method, parts.uri.path());
    let (breach, reply) = match missing {
        NoCall::Path => (format!("{target}: no such path (404)"), Reply::text(404, "404 page not found\n")),
        NoCall::Method(allowed) => {
            let mut reply = Reply { status: 405, headers: Vec::new(), body: Bytes::new(), chunked: false };
            reply.headers.push((ALLOW, HeaderValue::from_static(allowed)));
            (format!("{target}: only {allowed} is allowed (405)"), reply)
        }
    };
    shared.change(|control| control.violations.push(breach));
    reply
}

async fn answer(
    shared: &Arc<Shared>,
    connection: u64,
    call: &Call,
    parts: &Parts,
    body: Incoming,
    duplicate: bool,
) -> Reply {
    match call {
        Call::Next => runtime_api::next(shared, duplicate).await,
        Call::Answer { id, post } => runtime_api::answer(shared, id, *post, parts, body).await,
        Call::InitError => runtime_api::init_error(shared, parts, body).await,
        Call::RestoreNext => runtime_api::restore_next(shared).await,
        Call::RestoreError => runtime_api::restore_error(shared, parts, body).await,
        Call::Ping => Reply::text(200, "pong"),
        Call::Credentials => runtime_api::credentials(parts),
        Call::Register => extensions::register(shared, connection, parts, body).await,
        Call::ExtensionNext => extensions::next(shared, connection, parts).await,
        Call::ExtensionInitError => extensions::failed(shared, "Extension.InitError", parts, body).await,
        Call::ExtensionExitError => extensions::failed(shared, "Extension.ExitError", parts, body).await,
        Call::Telemetry => extensions::unsupported("Telemetry.NotSupported", parts, body).await,
        Call::Logs => extensions::unsupported("Logs.NotSupported", parts, body).await,
    }
}
