//! VolcEngine veFaaS as the client of an instance: it starts the process with a port, initialises it by a control
//! request if the function is configured so, sends requests and CloudEvents, and ends it.
//!
//! Source: the repository `volcengine/vefaas-golang-runtime`, whose server answers what this sends.

use crate::process::{Process, Signal, alone};
use crate::wire::{Answer, Framing, Headers, Wire};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The errors that a runtime may name.
const CODES: [&str; 5] =
    ["function_panic", "function_execution_error", "function_no_response", "invalid_event_type", "invalid_cloud_event"];

/// The properties of a function.
#[derive(Clone, Debug)]
pub struct Options {
    /// The value of `_FAAS_RUNTIME_PORT`.
    pub port: u16,
    /// The value of `_FAAS_FUNC_TIMEOUT`, in seconds; `None` leaves it out.
    pub timeout: Option<u32>,
    /// The time that the port may take to open, and an answer to come.
    pub patience: Duration,
}

/// The request that is sent to the function.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method of the request.
    pub method: String,
    /// The path and query, as they are sent.
    pub target: String,
    /// The value of `X-Faas-Request-Id`.
    pub id: String,
    /// The value of `X-Faas-Event-Type`; empty leaves the header out.
    pub event_type: String,
    /// The further headers of the request.
    pub headers: Headers,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a client's request.
    pub fn http(method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            id: "emulated-request".to_owned(),
            event_type: "http".to_owned(),
            headers: crate::wire::headers(headers),
            body: body.into(),
        }
    }

    /// Returns a CloudEvent, in the mode that its headers say.
    pub fn event(headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Request {
        Request { event_type: "cloudevent".to_owned(), ..Request::http("POST", "/", headers, body) }
    }
}

/// An instance of the function.
pub struct Vefaas {
    options: Options,
    process: Process,
}

impl Vefaas {
    /// Starts the process: nothing of the caller's environment but `PATH`, over which the command's own variables go.
    ///
    /// # Errors
    /// The program cannot be started. The error is the system's.
    pub fn spawn(mut command: Command, options: Options) -> io::Result<Vefaas> {
        let mut environment = vec![("_FAAS_RUNTIME_PORT".to_owned(), options.port.to_string())];
        environment.extend(options.timeout.map(|timeout| ("_FAAS_FUNC_TIMEOUT".to_owned(), timeout.to_string())));
        alone(&mut command, environment);
        command.stdin(Stdio::null());
        Ok(Vefaas { process: Process::spawn(command, |_| ())?, options })
    }

    /// Dials the port until it accepts.
    ///
    /// # Errors
    /// The port does not accept. The error has the reason and the process' output.
    pub fn dial(&self) -> Result<(), String> {
        let end = Instant::now() + self.options.patience;
        loop {
            match TcpStream::connect(self.address()) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end || self.process.status().is_some() => {
                    return Err(format!("{error}; {:?}; output:\n{}", self.process.status(), self.process.output()));
                }
                // The error is the ordinary case, a process that still runs.
                Err(_) => drop(self.process.wait(Duration::from_millis(3))),
            }
        }
    }

    /// Initialises the function by a control request.
    ///
    /// # Errors
    /// The runtime answered another status than 200, with these words.
    pub fn initialize(&self) -> Result<(), String> {
        match self.control("POST", "/v1/initialize") {
            Ok(answer) if answer.status == 200 => Ok(()),
            other => Err(format!("the initializer failed: {other:?}; output:\n{}", self.process.output())),
        }
    }

    /// Sends a control request.
    ///
    /// # Errors
    /// There is no connection, or no answer.
    pub fn control(&self, method: &str, path: &str) -> io::Result<Answer> {
        let headers = [("Host", "localhost"), ("X-Faas-Internal-Request", "true")];
        let headers: Headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut wire = self.wire()?;
        wire.send(method, path, &headers, b"", Framing::Length)?;
        wire.receive(method)
    }

    /// Sends a request and waits for the answer; the platform reads of its headers whether the function failed.
    ///
    /// # Errors
    /// There is no connection, no answer, or one that the platform cannot read.
    pub fn invoke(&self, request: &Request) -> io::Result<Answer> {
        self.begin(request)?.end()
    }

    /// Sends a request and does not wait.
    ///
    /// # Errors
    /// There is no connection.
    pub fn begin(&self, request: &Request) -> io::Result<Pending> {
        let mut headers: Headers = [
            ("Host", "function.example"),
            ("X-Faas-Request-Id", request.id.as_str()),
            ("X-Faas-Access-Key-Id", "AKEMULATED"),
            ("X-Faas-Secret-Access-Key", "emulated-secret"),
            ("X-Faas-Session-Token", "emulated-token"),
            ("X-Real-Ip", "192.0.2.7"),
            ("X-Real-Port", "40000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if !request.event_type.is_empty() {
            headers.push(("X-Faas-Event-Type".to_owned(), request.event_type.clone()));
        }
        headers.extend(request.headers.iter().cloned());
        let mut wire = self.wire()?;
        wire.send(&request.method, &request.target, &headers, &request.body, Framing::Length)?;
        Ok(Pending { wire, method: request.method.clone() })
    }

    /// Asks it to leave and waits.
    ///
    /// # Panics
    /// The process does not leave within the patience. The message has its output.
    pub fn stop(&self) -> ExitStatus {
        self.process.signal(Signal::Term).expect("the signal is sent");
        self.process.wait(self.options.patience).expect("SIGTERM ends it")
    }

    /// Returns the process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.options.port))
    }

    fn wire(&self) -> io::Result<Wire<TcpStream>> {
        let stream = TcpStream::connect(self.address())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.options.patience))?;
        Ok(Wire::new(stream))
    }
}

/// A request that has no answer yet.
pub struct Pending {
    wire: Wire<TcpStream>,
    method: String,
}

impl Pending {
    /// Waits for the answer and reads it.
    ///
    /// # Errors
    /// No answer comes, or one that the platform cannot read.
    pub fn end(mut self) -> io::Result<Answer> {
        let answer = self.wire.receive(&self.method)?;
        match breach(&answer) {
            None => Ok(answer),
            Some(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        }
    }
}

/// Returns the breach in an answer; `None` if there is none.
fn breach(answer: &Answer) -> Option<String> {
    let (codes, messages) = (answer.all("x-faas-response-error-code"), answer.all("x-faas-response-error-message"));
    match (&codes[..], &messages[..]) {
        ([], []) if answer.status == 500 => Some("a failure that is not told in headers".to_owned()),
        ([], []) => None,
        ([code], [_]) if CODES.contains(code) && answer.status >= 400 => None,
        ([code], [_]) => Some(format!("status {} with the error {code:?}", answer.status)),
        _ => Some(format!("the codes {codes:?} with the messages {messages:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::answer;

    #[test]
    fn failures_have_one_known_code_and_one_message() {
        let (code, message) = ("X-Faas-Response-Error-Code", "X-Faas-Response-Error-Message");
        assert_eq!(breach(&answer(200, &[])), None);
        assert_eq!(breach(&answer(404, &[])), None);
        assert_eq!(breach(&answer(500, &[(code, "function_panic"), (message, "m")])), None);
        for wrong in [
            answer(500, &[]),
            answer(500, &[(code, "function_panic")]),
            answer(500, &[(message, "m")]),
            answer(500, &[(code, "other"), (message, "m")]),
            answer(200, &[(code, "function_panic"), (message, "m")]),
            answer(500, &[(code, "function_panic"), (code, "function_panic"), (message, "m")]),
        ] {
            assert!(breach(&wrong).is_some(), "{wrong:?}");
        }
    }
}
