//! The HTTP server in the gateway's place: requests of any number of connections, kept alive; each becomes one event,
//! and the platform takes the events in turn.

use crate::event;
use crate::local::{Local, Served};
use crate::reply::{self, Reply, Unusable};
use crate::screen::{Screen, bytes, duration};
use faas_core::http1::write::{CONTINUE, HeadWriter};
use faas_core::http1::{Framing, Limits, Message, ReadProgress, Reader, Refusal, status_has_body};
use platform_emulators::aws::{Event, MAX_PAYLOAD};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

/// A connection without a request for so long is closed.
const IDLE: Duration = Duration::from_secs(75);

/// The gateway takes 10 MB; what does not fit into an event is refused after it was read.
const LIMITS: Limits = Limits {
    head_bytes: 64 << 10,
    target_bytes: 16 << 10,
    headers: 256,
    body_bytes: 10 << 20,
    trailer_bytes: 16 << 10,
    chunk_ext_bytes: 16 << 10,
};

/// Requests in progress, and whether new ones are still taken.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<(usize, bool)>,
    left: Condvar,
}

impl Gate {
    /// One request more, unless the gate is closed.
    fn enter(self: &Arc<Gate>) -> Option<Inside> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.1 {
            return None;
        }
        state.0 += 1;
        Some(Inside(Arc::clone(self)))
    }

    /// Lets nobody in any more; says how many are inside.
    fn close(&self) -> usize {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = true;
        state.0
    }

    /// Blocks until nobody is inside.
    fn drained(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A poisoned lock holds the same two words.
        drop(self.left.wait_while(state, |state| state.0 > 0));
    }
}

/// A request in progress.
struct Inside(Arc<Gate>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).0 -= 1;
        self.0.left.notify_all();
    }
}

/// The server.
#[derive(Clone)]
pub(crate) struct Front {
    /// Upgraded by requests inside the gate alone: once it is drained, the platform can be ended.
    local: Weak<Local>,
    gate: Arc<Gate>,
    screen: Screen,
    port: u16,
}

impl Front {
    /// Serves a listener on threads of its own, for the rest of the process' life.
    ///
    /// # Errors
    /// No thread is to be had.
    pub(crate) fn start(listener: TcpListener, local: Weak<Local>, screen: Screen) -> io::Result<Front> {
        let port = listener.local_addr()?.port();
        let front = Front { local, gate: Arc::default(), screen, port };
        let serving = front.clone();
        std::thread::Builder::new().name("front".to_owned()).spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let front = serving.clone();
                // A connection that gets no thread is closed.
                let _ =
                    std::thread::Builder::new().name("connection".to_owned()).spawn(move || front.connection(stream));
            }
        })?;
        Ok(front)
    }

    /// Takes no further request; says how many are in progress.
    pub(crate) fn close(&self) -> usize {
        self.gate.close()
    }

    /// Blocks until no request is in progress. Only a closed front stays so.
    pub(crate) fn drained(&self) {
        self.gate.drained();
    }

    /// Requests until one side has had enough. A client that goes away is no failure.
    fn connection(&self, mut stream: TcpStream) {
        let Ok(client) = stream.peer_addr() else { return };
        let mut reader = Reader::request(LIMITS);
        if stream.set_read_timeout(Some(IDLE)).and_then(|()| stream.set_nodelay(true)).is_err() {
            return;
        }
        loop {
            match next(&mut reader, &mut stream) {
                Ok(Some(message)) => {
                    let alive = self.request(&message, client, &mut stream).unwrap_or(false);
                    reader.recycle(message);
                    if !alive {
                        return;
                    }
                }
                Ok(None) | Err(Trouble::Gone) => return,
                Err(Trouble::Refused(refusal)) => {
                    self.screen.line(&format!("refused a request of {client}: {refusal}"));
                    if refusal.answerable() {
                        let _ = send(&mut stream, &message(refusal.status(), &refusal.to_string()), false, false);
                    }
                    return;
                }
            }
        }
    }

    /// One request. Returns whether the connection lives on.
    fn request(&self, message: &Message, client: SocketAddr, stream: &mut TcpStream) -> io::Result<bool> {
        let started = Instant::now();
        let (method, target) = (text(message.method()), text(message.target()));
        let head_only = method == "HEAD";
        let inside = self.gate.enter();
        let outcome = match &inside {
            None => Outcome::leaving(),
            Some(_) => self.invoke(message, &method, &target, client),
        };
        let alive = message.keep_alive() && inside.is_some();
        let sent = send(stream, &outcome.reply, head_only, alive);
        let (reply, notes) = (&outcome.reply, outcome.notes.join(", "));
        let took = duration(started.elapsed());
        self.screen.line(&format!(
            "{:<10}{method} {target} -> {}, {}, {took}; {notes}",
            "request",
            reply.status,
            bytes(reply.body.len())
        ));
        sent.map(|()| alive)
    }

    fn invoke(&self, message: &Message, method: &str, target: &str, client: SocketAddr) -> Outcome {
        let headers: Vec<_> = message.headers().map(|(name, value)| (text(name), text(value))).collect();
        let request =
            event::Request { method, target, headers: &headers, body: message.body(), client, port: self.port };
        let (event, trace) = event::build(request, SystemTime::now());
        let event = event.to_string();
        if event.len() > MAX_PAYLOAD {
            let note = format!("an event of {} bytes is over the platform's {MAX_PAYLOAD}", event.len());
            return Outcome::own(413, "Request Entity Too Large", note);
        }
        let event = Event { body: event.into(), trace_id: Some(trace), ..Event::default() };
        match self.local.upgrade().map(|local| local.invoke(event)) {
            Some(Ok(served)) => Outcome::of(&served),
            Some(Err(failure)) => Outcome::own(503, "Service Unavailable", failure.to_string()),
            None => Outcome::leaving(),
        }
    }
}

/// A response, and what is worth telling about it.
struct Outcome {
    reply: Reply,
    notes: Vec<String>,
}

impl Outcome {
    /// A response of the gateway's own.
    fn own(status: u16, words: &str, note: String) -> Outcome {
        Outcome { reply: message(status, words), notes: vec![note] }
    }

    fn leaving() -> Outcome {
        Outcome::own(503, "Service Unavailable", "leaving".to_owned())
    }

    fn of(served: &Served) -> Outcome {
        let mut notes = Vec::new();
        match &served.invocation {
            Some(invocation) => {
                notes.push(format!("Invoke {}", duration(invocation.took)));
                notes.push(invocation.outcome.clone());
                if invocation.cold_start {
                    notes.push("cold start".to_owned());
                }
            }
            None => notes.extend(served.answer.round_trip().map(|took| format!("round trip {}", duration(took)))),
        }
        match reply::of(&served.answer) {
            Ok(reply) => Outcome { reply, notes },
            Err(why) => {
                if !matches!(&why, Unusable::Failed(words) if words.is_empty()) {
                    notes.push(why.to_string());
                }
                Outcome { reply: message(500, "Internal Server Error"), notes }
            }
        }
    }
}

/// A response of the gateway's own: `{"message": …}`.
fn message(status: u16, words: &str) -> Reply {
    let body = serde_json::json!({ "message": words }).to_string().into_bytes();
    Reply { status, headers: vec![("content-type".to_owned(), "application/json".to_owned())], body }
}

/// Why a connection ends before its client wanted.
enum Trouble {
    /// It is closed, broken or idle.
    Gone,
    /// What came is not an HTTP request.
    Refused(Refusal),
}

/// The next request; none when the client is done.
fn next(reader: &mut Reader, stream: &mut TcpStream) -> Result<Option<Message>, Trouble> {
    loop {
        match reader.poll().map_err(Trouble::Refused)? {
            ReadProgress::Complete => return Ok(reader.take()),
            ReadProgress::Head => {
                if reader.head().is_some_and(|head| head.expects_continue()) {
                    stream.write_all(CONTINUE).map_err(|_| Trouble::Gone)?;
                }
            }
            ReadProgress::More => match stream.read(reader.space(16 << 10)) {
                Ok(0) => return reader.eof().map(|_| None).map_err(Trouble::Refused),
                Ok(read) => reader.filled(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Trouble::Gone),
            },
        }
    }
}

fn send(stream: &mut TcpStream, reply: &Reply, head_only: bool, alive: bool) -> io::Result<()> {
    let unwritable = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let mut out = Vec::with_capacity(256 + reply.body.len());
    let mut head = HeadWriter::response(&mut out, reply.status).map_err(unwritable)?;
    for (name, value) in &reply.headers {
        head.header(name, value).map_err(unwritable)?;
    }
    if !alive {
        head.header("connection", "close").map_err(unwritable)?;
    }
    head.end(Framing::Length(reply.body.len() as u64));
    if !head_only && status_has_body(reply.status) {
        out.extend_from_slice(&reply.body);
    }
    stream.write_all(&out)
}

/// Header values may hold bytes that are not UTF-8; an event cannot.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_closed_gate_lets_nobody_in_and_opens_the_way_when_the_last_has_left() {
        let gate = Arc::new(Gate::default());
        let inside: Vec<_> = std::iter::repeat_with(|| gate.enter()).take(2).collect();
        assert_eq!(gate.close(), 2);
        assert!(gate.enter().is_none());
        let (sender, receiver) = channel();
        let waiting = Arc::clone(&gate);
        let waiter = std::thread::spawn(move || {
            waiting.drained();
            sender.send(waiting.close()).expect("the test listens");
        });
        assert!(receiver.try_recv().is_err());
        drop(inside);
        assert_eq!(receiver.recv(), Ok(0));
        waiter.join().expect("no panic");
    }
}
