//! HTTP/2 without TLS, as proxies speak it that know beforehand: hyper over tokio, in front of the same server.
//!
//! Event loops are made when the first such connection comes: a process that is spoken to in HTTP/1.1 never pays for
//! them. Requests are read here, run where all others run, and answered here. Limits are those of HTTP/1.1: a time to
//! the first request, a time between any two parts of a body, a time in which a client takes something of its response,
//! and the one budget for what is buffered.

mod reply;
mod upload;

use crate::diagnostics;
use bytes::Bytes;
use faas_core::http1::{Assembly, Message};
use faas_core::platform;
use faas_core::serve::Charge;
use faas_core::serve::response_head::is_of_the_connection;
use faas_unix::serving::http2::{Desk, Handover, Http2, Peer};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use once_cell::sync::OnceCell;
use reply::{PART, Payload, Reply, Taker};
use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder as RuntimeBuilder, Handle};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use upload::Upload;

/// The number of requests at once on one connection. The server decides how many of them run.
const STREAMS: u32 = 256;
/// The time after which a peer that sends nothing is sent a ping. It has as long again to answer it.
const PING: Duration = Duration::from_secs(20);
/// The number of times the limit to a request's first byte after which a connection is idle for long.
const IDLE: u32 = 4;
/// The time between two looks whether clients take their answers.
const LOOK: Duration = Duration::from_millis(500);
/// The time that a connection without requests is kept once the end has begun.
const LINGER: Duration = Duration::from_millis(500);

/// The server of HTTP/2 over loops of tokio's.
#[derive(Debug, Default)]
pub(crate) struct OverTokio {
    loops: OnceCell<Vec<Handle>>,
    next: AtomicUsize,
}

impl OverTokio {
    /// Makes one whose loops do not run yet.
    pub(crate) const fn new() -> OverTokio {
        OverTokio { loops: OnceCell::new(), next: AtomicUsize::new(0) }
    }

    /// Returns the next of the loops, in turn, for a connection.
    fn pick(&self, desk: &Desk) -> io::Result<&Handle> {
        let loops = self.loops.get_or_try_init(|| {
            diagnostics::install(desk.log());
            start_loops()
        })?;
        Ok(&loops[self.next.fetch_add(1, SeqCst) % loops.len()])
    }
}

/// Starts one loop for each processor, on a thread of its own; no task moves from one to another.
fn start_loops() -> io::Result<Vec<Handle>> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    (0..count)
        .map(|number| {
            let runtime = RuntimeBuilder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            let turn = move || runtime.block_on(std::future::pending::<()>());
            std::thread::Builder::new().name(format!("faas-http2-{number}")).spawn(turn)?;
            Ok(handle)
        })
        .collect()
}

impl Http2 for OverTokio {
    fn serve(&self, connection: Handover) -> io::Result<()> {
        self.pick(&connection.desk)?.spawn(serve(connection));
        Ok(())
    }
}

/// The state that the requests of one connection share.
struct Client {
    desk: Desk,
    peer: Arc<str>,
    /// The moment when the connection began.
    began: Instant,
    /// The number of requests that have come and have no answer yet, refused ones included.
    requests: AtomicUsize,
    /// Those requests that are whole, and whose answers are not out.
    open: Mutex<Vec<Arc<Reply>>>,
    /// The moment when its last request came, or got its answer; `None` before its first.
    last_at: Mutex<Option<Instant>>,
    /// The bell that tells the connection's task to look again.
    told: Notify,
    is_to_end: AtomicBool,
    is_to_close: AtomicBool,
}

impl Peer for Client {
    fn end(&self) {
        self.is_to_end.store(true, SeqCst);
        self.told.notify_one();
    }

    fn idle_since(&self) -> Option<std::time::Instant> {
        let since = self.last_at().unwrap_or(self.began).into_std();
        self.open().is_empty().then_some(since)
    }

    fn close(&self) {
        self.is_to_close.store(true, SeqCst);
        self.told.notify_one();
    }
}

impl Client {
    fn new(desk: Desk, peer: Arc<str>) -> Arc<Client> {
        Arc::new(Client {
            desk,
            peer,
            began: Instant::now(),
            requests: AtomicUsize::new(0),
            open: Mutex::default(),
            last_at: Mutex::new(None),
            told: Notify::new(),
            is_to_end: AtomicBool::new(false),
            is_to_close: AtomicBool::new(false),
        })
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<Reply>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_at(&self) -> Option<Instant> {
        *self.last_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the present moment as the last one at which the connection was in use.
    fn touch(&self) {
        *self.last_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// A request, from its first frame to the end of its answer.
struct InProgress(Arc<Client>);

impl InProgress {
    fn new(client: &Arc<Client>) -> InProgress {
        client.requests.fetch_add(1, SeqCst);
        client.touch();
        InProgress(client.clone())
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.touch();
        self.0.requests.fetch_sub(1, SeqCst);
    }
}

/// The stage of the end of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Not,
    /// The connection was idle for long. It ends once the requests that its client has sent by then are answered.
    Idle,
    /// The process has been stopping since that moment.
    Stop(Instant),
}

/// The result of a look at a connection's clock.
enum Finding {
    /// There is nothing to do before that moment.
    Quiet(Instant),
    IdleForLong,
    /// The client takes nothing of its answers, for too long.
    Stuck,
}

/// Looks whether the client takes its answers.
fn look(client: &Client, ending: Ending, now: Instant) -> Finding {
    let config = client.desk.config();
    let open = client.open();
    let due = |since: Instant, limit: Duration, finding| match since.checked_add(limit) {
        Some(at) if at <= now => finding,
        at => Finding::Quiet(at.unwrap_or(now + PING)),
    };
    if open.iter().any(|reply| reply.is_stuck(now, config.write_timeout)) {
        return Finding::Stuck;
    }
    match ending {
        Ending::Stop(since) if open.is_empty() => due(since, LINGER, Finding::Stuck),
        _ if client.requests.load(SeqCst) > 0 => Finding::Quiet(now + LOOK),
        Ending::Not => match client.last_at() {
            None => due(client.began, config.read_timeout, Finding::Stuck),
            Some(since) => due(since, config.read_timeout.saturating_mul(IDLE), Finding::IdleForLong),
        },
        // A client that does not answer is found out by a ping.
        Ending::Idle | Ending::Stop(_) => Finding::Quiet(now + PING),
    }
}

/// Serves a connection to its end.
async fn serve(Handover { socket, peer, desk }: Handover) {
    let stream = match TcpStream::from_std(socket) {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!("a connection could not be served: {error}"),
    };
    let client = Client::new(desk, peer);
    client.desk.introduce(Arc::downgrade(&client) as Weak<dyn Peer>);
    let mut connection = std::pin::pin!({
        let served = client.clone();
        let service = service_fn(move |request| {
            let in_progress = InProgress::new(&served);
            async move { Ok::<_, Infallible>(answer(in_progress, request).await) }
        });
        let head_bytes = u32::try_from(client.desk.config().limits.head_bytes).unwrap_or(u32::MAX);
        let mut builder = Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).max_concurrent_streams(STREAMS).max_header_list_size(head_bytes);
        builder.keep_alive_interval(PING).keep_alive_timeout(PING).max_send_buf_size(PART * 4);
        builder.serve_connection(TokioIo::new(stream), service)
    });
    let mut ending = Ending::Not;
    let mut clock = std::pin::pin!(sleep_until(client.began));
    loop {
        tokio::select! {
            // This comes before the look at the clock: a request that comes sets it to an earlier moment.
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!("an HTTP/2 connection ended: {error}");
                }
                return;
            }
            () = client.told.notified() => {
                if client.is_to_close.load(SeqCst) && client.open().is_empty() {
                    return;
                }
                if client.is_to_end.load(SeqCst) && !matches!(ending, Ending::Stop(_)) {
                    connection.as_mut().graceful_shutdown();
                    ending = Ending::Stop(Instant::now());
                    clock.as_mut().reset(Instant::now());
                }
            }
            () = poll_fn(|context| {
                let soon = Instant::now() + LOOK;
                if client.requests.load(SeqCst) > 0 && soon < clock.deadline() {
                    clock.as_mut().reset(soon);
                }
                clock.as_mut().poll(context)
            }) => match look(&client, ending, Instant::now()) {
                Finding::Quiet(until) => clock.as_mut().reset(until),
                Finding::IdleForLong => {
                    connection.as_mut().graceful_shutdown();
                    ending = Ending::Idle;
                }
                Finding::Stuck => {
                    tracing::debug!("an HTTP/2 connection is closed: its client does not get on");
                    return;
                }
            }
        }
    }
}

async fn answer(request: InProgress, received: Request<Incoming>) -> Response<Payload> {
    let client = &request.0;
    let to_head = received.method() == Method::HEAD;
    let Received { message, charge, upload } = match receive(client, received).await {
        Ok(received) => received,
        Err((status, why)) => {
            let mut head = platform::Response { status, ..platform::Response::default() };
            head.headers.add(b"content-type", b"text/plain; charset=utf-8");
            let body = if to_head { Bytes::new() } else { Bytes::from(why.into_owned()) };
            return response(&head, Payload::Whole(body));
        }
    };
    let is_head = upload.is_some();
    let reply = Reply::new(to_head, charge, upload);
    client.open().push(reply.clone());
    let taker = Taker { request, reply };
    let client = &taker.request.0;
    client.desk.exchange(message, is_head, &client.peer, taker.reply.clone());
    let head = poll_fn(|context| taker.reply.poll_head(context)).await;
    let status = head.status;
    let body =
        if faas_core::http1::status_has_body(status) && !to_head { Payload::Reply(taker) } else { taker.discard() };
    response(&head, body)
}

/// The status and the message for a request that is not taken.
type Refused = (u16, Cow<'static, str>);

/// A request as the core has it.
struct Received {
    message: Message,
    /// The bytes of memory that the request is charged for.
    charge: Charge,
    /// The request's body, if the message is only its head.
    upload: Option<Arc<Upload>>,
}

/// Reads a request into the core's form, or returns the refusal.
async fn receive(client: &Client, request: Request<Incoming>) -> Result<Received, Refused> {
    let config = client.desk.config();
    let (head, mut body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    if target.len() > config.limits.target_bytes {
        return Err((414, "the request target is too long".into()));
    }
    let authority = head.uri.authority().map_or("", |authority| authority.as_str());
    let method = head.method.as_str().as_bytes();
    let mut assembly = Assembly::request(Vec::new(), method, target.as_bytes(), authority.as_bytes()).over_http2();
    for (name, value) in &head.headers {
        assembly.header(name.as_str().as_bytes(), value.as_bytes());
    }
    if let Some(refusal) = assembly.refusal() {
        return Err((refusal.status(), refusal.to_string().into()));
    }
    let limit = config.limits.body_bytes;
    if !body.is_end_stream() && body.size_hint().lower() <= limit && client.desk.takes_head(assembly.head()) {
        let upload = Upload::begin(body, limit, config.read_timeout);
        return Ok(Received {
            message: assembly.finish(),
            charge: Charge::of(client.desk.budget()),
            upload: Some(upload),
        });
    }
    const TOO_LARGE: Refused = (413, Cow::Borrowed("the body is larger than this server takes"));
    const TOO_MUCH: Refused = (503, Cow::Borrowed("too much of unfinished requests is held; try again"));
    const LATE: Refused = (408, Cow::Borrowed("the request did not come in within its time limit"));
    let limit = usize::try_from(config.limits.body_bytes).unwrap_or(usize::MAX);
    if body.size_hint().lower() > config.limits.body_bytes {
        return Err(TOO_LARGE);
    }
    let mut charge = Charge::of(client.desk.budget());
    let into = assembly.body();
    let head_bytes = into.len();
    let mut pace = faas_core::serve::Pace::new(0, config.read_timeout);
    let began = Instant::now();
    let since = || u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let mut until = pace.advance(0, 0);
    while let Some(frame) =
        timeout(Duration::from_nanos(until.saturating_sub(since())), body.frame()).await.map_err(|_| LATE)?
    {
        let frame = frame.map_err(|_| (400, "the request was not sent whole".into()))?;
        if let Ok(data) = frame.into_data() {
            let length = into.len() - head_bytes + data.len();
            if length > limit {
                return Err(TOO_LARGE);
            }
            if !charge.resize(length) || into.try_reserve(data.len()).is_err() {
                return Err(TOO_MUCH);
            }
            into.extend_from_slice(&data);
            until = pace.advance(since(), data.len());
        }
    }
    Ok(Received { message: assembly.finish(), charge, upload: None })
}

fn response(head: &platform::Response, body: Payload) -> Response<Payload> {
    let mut response = Response::new(body);
    // A status below 200 is no response, as over HTTP/1.1.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_of_one_connection_and_what_is_no_response_stays_out() {
        let mut head = platform::Response { status: 101, ..platform::Response::default() };
        for name in ["connection", "Keep-Alive", "te", "transfer-encoding", "upgrade", "x-own"] {
            head.headers.add(name.as_bytes(), b"1");
        }
        let response = response(&head, Payload::Whole(Bytes::new()));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers().keys().collect::<Vec<_>>(), ["x-own"]);
    }
}
