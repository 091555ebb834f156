//! The front end before one instance: it adds its headers, keeps to the revision's limits, and takes note of every
//! answer that the contract forbids.

use super::options::Options;
use crate::cloudevents::Request;
use crate::process::{Process, Signal, alone};
use crate::wire::{Answer, Framing, Headers, Wire};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The host that clients ask for.
pub const HOST: &str = "paint-abc-uc.a.run.app";
/// The address of the client.
pub const CLIENT: &str = "192.0.2.7";
/// The header that marks answers of the front end's own.
const OWN: &str = "x-emulated-front";
/// The most bytes of an answer that is not streamed.
const MAX_ANSWER: usize = 32 << 20;

/// An instance and the front end before it.
pub struct Instance {
    options: Options,
    process: Process,
    requests: AtomicU64,
    running: AtomicUsize,
    breaches: Mutex<Vec<String>>,
}

impl Instance {
    /// Starts the container: nothing of the caller's environment but `PATH`, over which the command's own variables go.
    ///
    /// # Errors
    /// The program cannot be started. The error is the system's.
    pub fn spawn(mut command: Command, options: Options) -> io::Result<Instance> {
        alone(&mut command, options.environment());
        command.stdin(Stdio::null());
        let process = Process::spawn(command, |_| ())?;
        Ok(Instance {
            options,
            process,
            requests: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            breaches: Mutex::default(),
        })
    }

    /// Runs the startup probe: it dials the port until it accepts.
    ///
    /// # Errors
    /// The revision fails. The error has the container's output.
    pub fn listens(&self) -> Result<(), String> {
        let end = Instant::now() + self.options.patience;
        loop {
            match self.dial() {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end || self.process.status().is_some() => {
                    let status = self.process.status();
                    let output = self.process.output();
                    return Err(format!(
                        "failed to start and listen on the port: {error}; {status:?}; output:\n{output}"
                    ));
                }
                // The error is the ordinary case, a process that still runs.
                Err(_) => drop(self.process.wait(Duration::from_millis(3))),
            }
        }
    }

    /// Sends a request and waits for the client's answer.
    ///
    /// # Errors
    /// The bytes that came are no answer.
    pub fn call(&self, request: &Request) -> io::Result<Answer> {
        self.begin(request)?.end()
    }

    /// Sends a request and does not wait.
    ///
    /// # Errors
    /// The front end reaches no container.
    pub fn begin(&self, request: &Request) -> io::Result<Pending<'_>> {
        let running = self.running.fetch_add(1, Ordering::SeqCst);
        let mut pending = Pending { instance: self, wire: None, method: request.method.clone() };
        if running >= self.options.concurrency {
            return Ok(pending);
        }
        let stream = self.dial()?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.options.front_limit))?;
        let mut wire = Wire::new(stream);
        let headers = self.forwarded(request);
        wire.send(&request.method, &request.target, &headers, &request.body, Framing::Length)?;
        pending.wire = Some(wire);
        Ok(pending)
    }

    /// Returns the headers that a client's request has behind the front end. The client's own trace goes on.
    pub fn forwarded(&self, request: &Request) -> Headers {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let (trace, span) = (format!("{:032x}", 0xface << 64 | u128::from(number)), number << 8 | 1);
        let mut own = vec![
            ("Host", HOST.to_owned()),
            ("X-Forwarded-For", CLIENT.to_owned()),
            ("X-Forwarded-Proto", "https".to_owned()),
            ("Forwarded", format!("for=\"{CLIENT}\";proto=https")),
            ("traceparent", format!("00-{trace}-{span:016x}-01")),
            ("X-Cloud-Trace-Context", format!("{trace}/{span};o=1")),
        ];
        if self.options.signature.is_some() {
            own.push(("Function-Execution-Id", format!("emulated{number:04}")));
        }
        let sent = |name: &str| request.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let own = own.into_iter().filter(|(name, _)| !sent(name)).map(|(name, value)| (name.to_owned(), value));
        own.chain(request.headers.iter().cloned()).collect()
    }

    /// Ends the instance: SIGTERM, some seconds, and SIGKILL.
    ///
    /// # Errors
    /// The instance had to be killed.
    pub fn end(&self) -> Result<ExitStatus, String> {
        let end = |error| format!("{error}");
        self.process.signal(Signal::Term).map_err(|error| error.to_string())?;
        self.process.wait(self.options.kill_after).map_err(|late| {
            let killed = self.process.signal(Signal::Kill).map_err(end);
            format!("{late:?}; killed: {killed:?}")
        })
    }

    /// Returns the container.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns the addresses it listens on: those of `localhost`.
    ///
    /// # Errors
    /// There is no such name.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(("localhost", self.options.port).to_socket_addrs()?.collect())
    }

    /// Returns the breaches of the contract so far.
    pub fn breaches(&self) -> Vec<String> {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn dial(&self) -> io::Result<TcpStream> {
        TcpStream::connect(&self.addresses()?[..])
    }
}

/// A request that has no answer yet.
pub struct Pending<'i> {
    instance: &'i Instance,
    /// The connection to the container; `None` if the front end refuses the request.
    wire: Option<Wire<TcpStream>>,
    method: String,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.instance.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Pending<'_> {
    /// Waits for the client's answer: the container's, or the front end's where there is none.
    ///
    /// # Errors
    /// The bytes that came are no answer.
    pub fn end(mut self) -> io::Result<Answer> {
        let Some(wire) = &mut self.wire else { return Ok(own(429)) };
        match wire.receive(&self.method) {
            Ok(answer) => {
                let mut breaches = self.instance.breaches.lock().unwrap_or_else(PoisonError::into_inner);
                breaches
                    .extend(forbidden(&answer).map(|what| format!("{what} in {} {:?}", answer.status, answer.headers)));
                drop(breaches);
                Ok(answer)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(own(504)),
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => Ok(own(503)),
            Err(error) => Err(error),
        }
    }
}

fn own(status: u16) -> Answer {
    Answer { status, headers: vec![(OWN.to_owned(), "1".to_owned())], body: Vec::new(), closes: true }
}

/// Returns `true` for an answer of the front end's own.
pub fn is_own(answer: &Answer) -> bool {
    answer.header(OWN).is_some()
}

/// Returns the breaches of the contract in an answer.
fn forbidden(answer: &Answer) -> impl Iterator<Item = &'static str> {
    let words = answer.all("x-google-status");
    let known = |word: &&str| matches!(*word, "crash" | "error" | "timeout");
    let whole = answer.header("content-length").is_some();
    [
        (answer.header("etag").is_some(), "an ETag"),
        (answer.header("x-powered-by").is_some(), "a powered-by header"),
        (answer.header("server").is_some(), "a server header"),
        (words.len() > 1 || !words.iter().all(known), "an unknown X-Google-Status"),
        (!words.is_empty() && answer.status < 400, "a failure with a status of success"),
        (answer.status == 204 && whole, "a length of no content"),
        (whole && answer.body.len() > MAX_ANSWER, "more than 32 MiB that are not streamed"),
    ]
    .into_iter()
    .filter_map(|(is, what)| is.then_some(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::answer;

    #[test]
    fn what_the_contract_forbids_is_listed() {
        for sound in [
            answer(200, &[("Content-Length", "0")]),
            answer(204, &[]),
            answer(500, &[("X-Google-Status", "crash")]),
            answer(504, &[("x-google-status", "timeout")]),
        ] {
            assert_eq!(forbidden(&sound).count(), 0, "{sound:?}");
        }
        for (wrong, count) in [
            (answer(200, &[("ETag", "x"), ("X-Powered-By", "y")]), 2),
            (answer(200, &[("Server", "z")]), 1),
            (answer(500, &[("X-Google-Status", "oops")]), 1),
            (answer(500, &[("X-Google-Status", "crash"), ("x-google-status", "crash")]), 1),
            (answer(200, &[("X-Google-Status", "crash")]), 1),
            (answer(204, &[("Content-Length", "0")]), 1),
        ] {
            assert_eq!(forbidden(&wrong).count(), count, "{wrong:?}");
        }
    }
}
