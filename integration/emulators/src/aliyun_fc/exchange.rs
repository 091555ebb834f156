//! One request of the platform's and its answer: events through the API, clients' requests through a custom domain.

use super::answer::{Answer, Kind, Response, passed_on};
use super::log::{self, Outcome, Step};
use super::wire::{Body, Head, Headers, Wire, is_late};
use super::{Fc, strict};
use std::io;
use std::time::{Duration, Instant};

/// The time between the end of a connection and the notice that its process has ended.
const EXIT_NOTICE: Duration = Duration::from_secs(3);

/// The last bytes of a call's log that a caller gets.
const LOG_BYTES: usize = 4 << 10;

/// An event for the API.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The bytes of the event.
    pub body: Vec<u8>,
    /// The number of earlier tries.
    pub retries: u32,
    /// `true` if nobody waits for the result.
    pub asynchronous: bool,
    /// The size of the chunks in which it is sent, in bytes; `None` sends it with a length.
    pub chunks: Option<usize>,
    /// `true` to send it although the instance has as many calls as it may have, which the platform never does.
    pub overcommit: bool,
}

impl From<&str> for Event {
    fn from(body: &str) -> Event {
        Event { body: body.as_bytes().to_vec(), ..Event::default() }
    }
}

impl From<Vec<u8>> for Event {
    fn from(body: Vec<u8>) -> Event {
        Event { body, ..Event::default() }
    }
}

/// A client's request to a custom domain.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method of the request.
    pub method: String,
    /// The path and query, as they are sent.
    pub target: String,
    /// The header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The size of the chunks in which it is sent, in bytes; `None` sends it with a length.
    pub chunks: Option<usize>,
    /// `true` to send it although the instance has as many calls as it may have.
    pub overcommit: bool,
}

impl Request {
    /// Makes a request without headers and body.
    pub fn new(method: &str, target: &str) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            chunks: None,
            overcommit: false,
        }
    }

    /// Adds one more header field.
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the bytes of the body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Request {
        Request { body: body.into(), ..self }
    }
}

/// The client's address, as the platform tells it.
pub(super) const CLIENT: &str = "192.0.2.44";
/// The host name of the custom domain.
pub(super) const DOMAIN: &str = "shop.example.com";

/// An exchange whose answer has begun.
pub struct Exchange<'f> {
    fc: &'f Fc,
    request_id: String,
    wire: Option<Wire>,
    until: Instant,
    /// The head of the answer, or the reason why there is no head.
    pub head: Result<Head, Kind>,
}

impl Fc {
    /// Sends an event and returns the answer that the caller of the API gets.
    pub fn invoke(&self, event: impl Into<Event>) -> Answer {
        let event = event.into();
        let request_id = self.next_id();
        let mut headers = self.options.headers(&request_id, "/invoke");
        headers.push(("Host".to_owned(), self.address().to_string()));
        headers.push(("Content-Type".to_owned(), "application/octet-stream".to_owned()));
        headers.push(("X-Fc-Retry-Count".to_owned(), event.retries.to_string()));
        if let Some(why) = strict::refuses("/invoke", &headers, event.body.len(), event.asynchronous) {
            return Answer::without(Kind::InvalidArgument(why), &request_id);
        }
        let body = body(&event.body, event.chunks);
        let mut exchange = match self.begin("POST", "/invoke", &headers, body, event.overcommit, request_id.clone()) {
            Ok(exchange) => exchange,
            Err(kind) => return Answer::without(kind, &request_id),
        };
        let body = exchange.rest();
        let (kind, head) = exchange.end(body.as_ref().err());
        // A call that was not begun has written nothing, not even the mark of its end.
        let has_log = self.options.concurrency == 1 && head.as_ref().is_some_and(|head| !is_refusal(head));
        let log = has_log.then(|| self.log_of(&request_id)).flatten();
        Answer { kind, request_id, head, body: body.unwrap_or_default(), log }
    }

    /// Sends an event that nobody waits for, again after each failure, and returns every try's answer.
    pub fn invoke_async(&self, event: impl Into<Event>, most_retries: u32) -> Vec<Answer> {
        let event = Event { asynchronous: true, ..event.into() };
        let mut answers = Vec::new();
        for retries in 0..=most_retries {
            answers.push(self.invoke(Event { retries, ..event.clone() }));
            if answers.last().is_some_and(|answer| answer.kind == Kind::Success) {
                break;
            }
        }
        answers
    }

    /// Sends a client's request and reads the head of its answer.
    ///
    /// # Errors
    /// There is no exchange, for this reason.
    pub fn open(&self, request: &Request) -> Result<Exchange<'_>, Kind> {
        let request_id = self.next_id();
        let mut headers = self.options.headers(&request_id, "/http-invoke");
        headers.push(("X-Fc-Client-Ip".to_owned(), CLIENT.to_owned()));
        headers.push(("X-Fc-Base-Path".to_owned(), request.target.clone()));
        headers.push(("Host".to_owned(), DOMAIN.to_owned()));
        let own: Vec<_> = request.headers.iter().filter(|(name, _)| is_clients(name)).cloned().collect();
        if let Some(why) = strict::refuses(&request.target, &own, request.body.len(), false) {
            return Err(Kind::InvalidArgument(why));
        }
        headers.extend(own);
        let body = body(&request.body, request.chunks);
        self.begin(&request.method, &request.target, &headers, body, request.overcommit, request_id)
    }

    /// Sends a client's request and returns the response that the client gets.
    pub fn request(&self, request: &Request) -> Response {
        match self.open(request) {
            Ok(exchange) => exchange.finish(),
            Err(kind) => Response {
                kind,
                request_id: String::new(),
                status: 0,
                headers: Vec::new(),
                said: None,
                pieces: Vec::new(),
            },
        }
    }

    fn begin(
        &self,
        method: &str,
        target: &str,
        headers: &Headers,
        body: Body<'_>,
        overcommit: bool,
        request_id: String,
    ) -> Result<Exchange<'_>, Kind> {
        {
            let mut state = self.state();
            if state.gone || state.stopping {
                return Err(Kind::Gone);
            }
            if state.in_flight >= self.options.concurrency && !overcommit {
                return Err(Kind::Busy);
            }
            state.in_flight += 1;
        }
        self.thaw();
        if let Err(kind) = self.ready() {
            self.state().in_flight -= 1;
            return Err(kind);
        }
        self.note(Step::Invoke, &request_id, Outcome::Unknown);
        // The platform answers the caller when the function's time is over. This wait may end later on a busy machine,
        // which helps no call.
        let until = Instant::now() + Duration::from_secs(u64::from(self.options.timeout)) + self.options.patience;
        let mut exchange =
            Exchange { fc: self, request_id, wire: None, until, head: Err(Kind::BadResponse(String::new())) };
        let head = self.wire().and_then(|wire| {
            let wire = exchange.wire.insert(wire);
            send_on(wire, method, target, headers, body)?;
            wire.head(method, until)
        });
        exchange.head = match head {
            Ok(head) => match strict::rejects(&head) {
                None => {
                    let breaches = strict::breaches(&head, target == "/invoke");
                    self.state().breaches.extend(breaches);
                    Ok(head)
                }
                Some(why) => Err(Kind::BadResponse(why)),
            },
            Err(error) => Err(self.kind_of(&error)),
        };
        Ok(exchange)
    }

    /// Returns a connection: a kept one, else a new one.
    pub(super) fn wire(&self) -> io::Result<Wire> {
        while let Some(mut wire) = { self.state().idle.pop() } {
            if !wire.is_spoilt() {
                return Ok(wire);
            }
            let expected = self.state().stopping || self.process.status().is_some();
            if !expected {
                self.breach("a connection was ended, or spoken on, between two requests");
            }
        }
        Wire::connect(self.address(), self.options.patience)
    }

    /// Keeps a connection, if it may carry another request.
    pub(super) fn keep(&self, wire: Wire) {
        if wire.is_free() {
            self.state().idle.push(wire);
        }
    }

    fn kind_of(&self, error: &io::Error) -> Kind {
        if is_late(error) {
            return Kind::TimedOut;
        }
        match self.process.wait(EXIT_NOTICE) {
            Ok(_) => Kind::Exited,
            Err(_) => Kind::BadResponse(error.to_string()),
        }
    }

    fn log_of(&self, request_id: &str) -> Option<String> {
        self.wait_for_end(Step::Invoke, request_id).ok()?;
        let log = log::cut(&self.process.lines(), request_id);
        let from = (log.len().saturating_sub(LOG_BYTES)..=log.len()).find(|at| log.is_char_boundary(*at))?;
        Some(log[from..].to_owned())
    }
}

impl Exchange<'_> {
    /// Returns the request's id.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Returns the next piece of the answer's body; `None` if it has ended.
    ///
    /// # Errors
    /// The body was cut short, or is late.
    pub fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let until = self.until;
        match (&self.head, &mut self.wire) {
            (Ok(_), Some(wire)) => wire.piece(until),
            _ => Ok(None),
        }
    }

    /// Reads the rest, and returns the answer for the client.
    pub fn finish(mut self) -> Response {
        let mut pieces = Vec::new();
        let failed = loop {
            match self.piece() {
                Ok(Some(piece)) => pieces.push(piece),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let request_id = self.request_id.clone();
        let (kind, head) = self.end(failed.as_ref());
        let said = head.as_ref().and_then(|head| head.header("x-fc-status").map(str::to_owned));
        let (status, headers) = head.map_or((0, Vec::new()), |head| (head.status, passed_on(&head)));
        Response { kind, request_id, status, headers, said, pieces }
    }

    /// Gives up, as for a client that has gone.
    pub fn abandon(self) {
        self.fc.state().in_flight -= 1;
    }

    fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece()? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn end(self, failed: Option<&io::Error>) -> (Kind, Option<Head>) {
        let Exchange { fc, request_id, wire, head, .. } = self;
        fc.state().in_flight -= 1;
        let head = match (head, failed) {
            (Err(kind), _) => return (kind, None),
            (Ok(head), Some(error)) => return (fc.kind_of(error), Some(head)),
            (Ok(head), None) => head,
        };
        if let Some(wire) = wire {
            fc.keep(wire);
        }
        let is_failure = is_failure(&head);
        let outcome = match is_failure {
            true if is_refusal(&head) => Outcome::Refused,
            true => Outcome::Failed,
            false => Outcome::Fine,
        };
        fc.note(Step::Invoke, &request_id, outcome);
        (if is_failure { Kind::FunctionError } else { Kind::Success }, Some(head))
    }
}

fn is_failure(head: &Head) -> bool {
    head.header("x-fc-status") == Some("404")
}

/// Returns `true` if the call was not begun.
fn is_refusal(head: &Head) -> bool {
    is_failure(head) && matches!(head.status, 429 | 503)
}

/// Sends a request whole; the server may answer and close before it has read everything.
pub(super) fn send_on(
    wire: &mut Wire,
    method: &str,
    target: &str,
    headers: &Headers,
    body: Body<'_>,
) -> io::Result<()> {
    match wire.send(method, target, headers, body) {
        Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => Ok(()),
        sent => sent,
    }
}

fn body(bytes: &[u8], chunks: Option<usize>) -> Body<'_> {
    chunks.map_or(Body::Whole(bytes), |size| Body::Chunked(bytes, size))
}

/// Returns `true` for a header of a client that is passed on.
fn is_clients(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with("x-fc-") && !matches!(&*name, "connection" | "keep-alive" | "host")
}
