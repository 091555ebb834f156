//! The HTTP server before everything. A request goes to the console, or to the runtime of the unit that has its route:
//! passed through as it comes, both ways, on plain HTTP, and whole on a platform that makes an event of it.

use super::app::App;
use super::console;
use super::generation::Lease;
use super::lines::Problem;
use super::record::{Body as Kept, Input};
use super::store::New;
use super::tee::{Out, Tee, boxed, full};
use crate::stage::{Call, CallInput, ClientRequest, Headers, Reply};
use crate::stamp;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The most bytes of a request that becomes an event; a longer one is answered 413.
const EVENT_BODY: usize = 32 << 20;

/// The time after which a connection without a request is closed.
const IDLE: Duration = Duration::from_secs(75);

/// The fields that concern one connection, and that end here.
const HOP: &[&str] =
    &["connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// Serves until it is told to stop; then every connection ends with its request.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => return,
        };
        let Ok((stream, client)) = accepted else {
            // No descriptor is left: those that are in use end sooner or later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // The option only makes it faster.
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(Arc::clone(&app), stream, client, stop.clone()));
    }
}

/// Returns once it is time to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    while !*stop.borrow_and_update() {
        if stop.changed().await.is_err() {
            // The sender is gone, and so is the reason to go on.
            return;
        }
    }
}

async fn connection(app: Arc<App>, stream: TcpStream, client: SocketAddr, mut stop: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(answer(app, request, client).await) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(IDLE);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // The end of a connection concerns it and its client alone.
    tokio::select! {
        _ = &mut connection => (),
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(app: Arc<App>, request: Request<Incoming>, client: SocketAddr) -> Response<Out> {
    if console::is_its(request.uri().path()) {
        return console::answer(app, request, client).await;
    }
    carry(&app, request.map(boxed), Carried::default()).await.1
}

/// The properties of a request that the console sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    /// The invocation that it repeats; `None` if it is new.
    pub(crate) repeats: Option<u64>,
}

/// Carries a request to its unit and the reply back. The number is that of the invocation; `None` if there is none.
pub(crate) async fn carry(app: &Arc<App>, request: Request<Out>, carried: Carried) -> (Option<u64>, Response<Out>) {
    let (mut parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let Some(lease) = app.lease(None).await else {
        return (None, plain(StatusCode::SERVICE_UNAVAILABLE, "no deployment is ready; the terminal says why"));
    };
    HOP.iter().for_each(|name| drop(parts.headers.remove(*name)));
    let request_id = request_id(&mut parts.headers);
    let unit = lease.deployment.route(parts.method.as_str(), &target);
    let number = app.store.begin(New {
        request_id: request_id.clone(),
        unit: lease.deployment.units.get(unit).map(|unit| unit.name.clone()).unwrap_or_default(),
        function: lease.deployment.function_of(unit, parts.method.as_str(), &target),
        platform: lease.platform(),
        deployment: lease.number,
        input: Input::Request {
            method: parts.method.to_string(),
            target: target.clone(),
            headers: pairs(&parts.headers),
        },
        body: Kept::default(),
        repeats: carried.repeats,
        is_named: lease.stage_platform().is_none(),
    });
    parts.uri = target.parse().unwrap_or(Uri::from_static("/"));
    let store = Arc::clone(&app.store);
    let body = Tee::new(body, move |piece| store.change(number, |record| record.body.push(piece)), |_| ());
    let request = Request::from_parts(parts, body);
    let mut given_up = GivenUp(Some((Arc::clone(app), number)));
    let response = match lease.stage_platform() {
        None => pass_on(app, lease, unit, request, number).await,
        Some(_) => as_event(app, lease, unit, request, number, request_id).await,
    };
    given_up.0 = None;
    (Some(number), response)
}

/// Ends an invocation whose client has left before there was a reply.
struct GivenUp(Option<(Arc<App>, u64)>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        let Some((app, number)) = self.0.take() else { return };
        let record = app.store.end(number, |record| {
            let (kind, message) = ("Cut".to_owned(), "the client left before there was a reply".to_owned());
            record.problem = Some(Problem { kind, message, ..Problem::default() });
        });
        record.into_iter().for_each(|record| app.show(&record));
    }
}

/// Passes a request on as it comes, and the reply as it comes.
async fn pass_on(app: &Arc<App>, lease: Lease, unit: usize, request: Request<Tee<Out>>, number: u64) -> Response<Out> {
    let (stream, lease) = match dial(app, lease, unit).await {
        Ok(dialled) => dialled,
        Err(why) => return lost(app, number, &why),
    };
    if let Some(pid) = lease.pid(unit) {
        app.store.served_by(number, lease.number, pid);
    }
    let (mut sender, connection) = match hyper::client::conn::http1::handshake(TokioIo::new(stream)).await {
        Ok(both) => both,
        Err(error) => return lost(app, number, &error.to_string()),
    };
    // The request or the reply's body reports the end of the connection.
    tokio::spawn(connection);
    let response = match sender.send_request(request).await {
        Ok(response) => response,
        Err(error) => {
            // A client that is told so may send the next request at once, which must not meet a process that is dying.
            lease.until_lost().await;
            return lost(app, number, &format!("the runtime gave no reply: {error}"));
        }
    };
    let (mut parts, body) = response.into_parts();
    HOP.iter().for_each(|name| drop(parts.headers.remove(*name)));
    app.store.change(number, |record| {
        record.status = Some(parts.status.as_u16());
        record.reply_headers = pairs(&parts.headers);
    });
    let (store, app) = (Arc::clone(&app.store), Arc::clone(app));
    let each = move |piece: &[u8]| store.change(number, |record| record.reply.push(piece));
    let end = move |is_whole: bool| {
        let record = app.store.end(number, |record| {
            if !is_whole && record.problem.is_none() {
                let message = "the reply was not taken to its end: the runtime cut it, or the client left".to_owned();
                record.problem = Some(Problem { kind: "Cut".to_owned(), message, ..Problem::default() });
            }
        });
        record.into_iter().for_each(|record| app.show(&record));
        // The deployment is not ended under a reply.
        drop((lease, sender));
    };
    Response::from_parts(parts, boxed(Tee::new(body, each, end)))
}

/// Connects to the runtime of a unit. If it has just left, this waits for the one that takes its place, since nothing
/// of the request has been sent.
async fn dial(app: &Arc<App>, mut lease: Lease, unit: usize) -> Result<(TcpStream, Lease), String> {
    loop {
        let Some(address) = lease.address(unit) else { return Err(format!("there is no unit {unit}")) };
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // The option only makes it faster.
                let _ = stream.set_nodelay(true);
                return Ok((stream, lease));
            }
            Err(error) => {
                let number = lease.number;
                drop(lease);
                lease = app.lease(Some(number)).await.ok_or_else(|| format!("the runtime is not there: {error}"))?;
            }
        }
    }
}

/// Sends a request whole to a platform, which makes an event of it in its own way.
async fn as_event(
    app: &Arc<App>,
    lease: Lease,
    unit: usize,
    request: Request<Tee<Out>>,
    number: u64,
    request_id: String,
) -> Response<Out> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, EVENT_BODY).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(error) => {
            let why = format!("the request is not read: {error}");
            app.ended(number, &Reply::failed(413, why.clone()));
            return plain(StatusCode::PAYLOAD_TOO_LARGE, &why);
        }
    };
    let method = parts.method.to_string();
    let target = parts.uri.to_string();
    let call = Call {
        function: lease.deployment.function_of(unit, &method, &target),
        request_id,
        input: CallInput::Request(ClientRequest { method, target, headers: pairs(&parts.headers), body }),
        deadline: None,
    };
    let store = Arc::clone(&app.store);
    let send = move || match lease.stage_platform() {
        Some(platform) => lease.send(unit, platform, None, &call, |pid| store.served_by(number, lease.number, pid)),
        None => Reply::failed(500, "plain HTTP has no events"),
    };
    let reply = tokio::task::spawn_blocking(send).await;
    let reply = reply.unwrap_or_else(|error| Reply::failed(500, format!("the tool's own thread: {error}")));
    app.ended(number, &reply);
    let mut response = Response::new(full(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in reply.headers.iter().filter(|(name, _)| !HOP.contains(&&*name.to_ascii_lowercase())) {
        let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
        if let (Ok(name), Ok(value)) = pair
            && name != hyper::header::CONTENT_LENGTH
        {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// Returns the id of a request: its own, if runtimes take it, or a new one.
fn request_id(headers: &mut HeaderMap) -> String {
    const NAME: &str = "x-request-id";
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/+=@|".contains(&byte);
    let own = headers.get(NAME).and_then(|value| value.to_str().ok());
    let own = own.filter(|text| (1..=128).contains(&text.len()) && text.bytes().all(is_plain)).map(str::to_owned);
    own.unwrap_or_else(|| {
        let id = stamp::request_id();
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.insert(NAME, value);
        }
        id
    })
}

fn pairs(headers: &HeaderMap) -> Headers {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// Ends a request that has no reply, and returns the answer for its client.
fn lost(app: &App, number: u64, why: &str) -> Response<Out> {
    let record = app.store.end(number, |record| {
        record.status = Some(502);
        if record.problem.is_none() {
            let (kind, message) = ("Runtime.ExitError".to_owned(), why.to_owned());
            record.problem = Some(Problem { kind, message, ..Problem::default() });
        }
    });
    record.into_iter().for_each(|record| app.show(&record));
    let document = serde_json::json!({"errorType": "Runtime.ExitError", "errorMessage": why});
    let mut response = Response::new(full(document.to_string()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Out> {
    let mut response = Response::new(full(format!("{text}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
