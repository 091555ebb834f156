//! The Azure Functions host before a custom handler: it starts the process, asks whether it listens, posts envelopes or
//! hands on clients' requests, reads results, and starts the process anew or gives up when that ends.
//!
//! | file | holds |
//! |---|---|
//! | `app` | the files of an app, and the folder that a request or an event goes to |
//! | `call` | a call and its envelope |
//! | `result` | how an answer is read |
//! | `exits` | the reaction to an exit |
//! | `text` | base64 and times as .NET sees them |
//!
//! Source: the repository `Azure/azure-functions-host`, `DefaultHttpWorkerService` and `HttpWorkerProcess`.

mod app;
mod call;
mod exits;
mod result;
mod text;

pub use app::{App, Function};
pub use call::{Bound, Call, Output, Request};
pub use exits::{Exits, Next};
pub use result::{Done, Ended, Produced, Reply};

use crate::process::{Process, Signal, Stream, alone};
use crate::wire::{Answer, Framing, Headers, Wire};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The version that the host claims to be.
pub const HOST_VERSION: &str = "4.1037.0.0";

/// The time between two questions whether the process listens.
const POLL: Duration = Duration::from_millis(25);
/// The time that a killed process may take to be gone.
const KILL: Duration = Duration::from_secs(1);

/// The treatment of functions that have only an HTTP request as input and only its reply as output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The call is an envelope, like every other.
    Envelope,
    /// The request is forwarded, by `enableForwardingHttpRequest`.
    Forward,
    /// The request is proxied, by `enableProxyingHttpRequest`.
    Proxy,
    /// The request is forwarded to the function's name, by the older `httpWorker`.
    Worker,
}

/// The properties of the app.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port that the process is given.
    pub port: u16,
    /// `true` if the host sets only the variables of older hosts.
    pub is_old: bool,
    /// The folder of the app.
    pub app_root: PathBuf,
    /// The way in which requests are handed on.
    pub mode: Mode,
    /// The time that the process may take to listen, and an answer to come.
    pub patience: Duration,
}

/// The level at which the host writes a line of the process' output to its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The line is from standard output.
    Information,
    /// The line is from standard error, and has the word "warn" in it.
    Warning,
    /// The line is from standard error.
    Error,
}

/// An emulated Functions host, and the process that it has started.
pub struct Host {
    options: Options,
    make: Box<dyn Fn() -> Command + Send + Sync>,
    process: Mutex<Arc<Process>>,
    exits: Mutex<Exits>,
    idle: Mutex<Vec<Wire<TcpStream>>>,
    breaches: Mutex<Vec<String>>,
    count: AtomicU64,
}

impl Host {
    /// Starts the process with the app's settings and nothing of the caller's environment but `PATH`; the command's own
    /// variables go over both.
    ///
    /// # Errors
    /// The program cannot be started. The error is the system's.
    pub fn spawn(make: impl Fn() -> Command + Send + Sync + 'static, options: Options) -> io::Result<Host> {
        let process = start(&make, &options)?;
        Ok(Host {
            options,
            make: Box::new(make),
            process: Mutex::new(Arc::new(process)),
            exits: Mutex::default(),
            idle: Mutex::default(),
            breaches: Mutex::default(),
            count: AtomicU64::new(0),
        })
    }

    /// Asks every 25 ms until there is an answer of any kind.
    ///
    /// # Errors
    /// No answer came in time, or the process has ended. The error has its output.
    pub fn ready(&self) -> Result<(), String> {
        let (process, end) = (self.process(), Instant::now() + self.options.patience);
        loop {
            match self.ping() {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end || process.status().is_some() => {
                    return Err(format!("{error}; {:?}; output:\n{}", process.status(), process.output()));
                }
                // The error is the ordinary case, a process that still runs.
                Err(_) => drop(process.wait(POLL)),
            }
        }
    }

    /// Asks whether it listens, which also keeps it warm.
    ///
    /// # Errors
    /// There is no connection or no answer, or its bytes are no HTTP response.
    pub fn ping(&self) -> io::Result<Answer> {
        let mut wire = self.wire()?;
        wire.send("GET", "/", &[self.host()], b"", Framing::Length)?;
        wire.receive("GET")
    }

    /// Calls a function and reads the outcome.
    ///
    /// # Errors
    /// There is no connection or no answer, or its bytes are no HTTP response.
    pub fn call(&self, call: &Call) -> io::Result<Ended> {
        self.begin(call)?.end()
    }

    /// Calls a function and does not wait.
    ///
    /// # Errors
    /// There is no connection.
    pub fn begin<'h>(&'h self, call: &Call) -> io::Result<Pending<'h>> {
        let id = self.next_id();
        let handed = call.request_alone().filter(|_| self.options.mode != Mode::Envelope);
        let (method, target, headers, body, framing) = match handed {
            Some(request) => self.handed(&call.function, request, &id),
            None => {
                let mut headers = vec![self.host()];
                headers.extend(own_headers(&id));
                headers.push(("User-Agent".to_owned(), agent()));
                headers.push(("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned()));
                let (target, body) = (format!("/{}", call.function), call.envelope().into_bytes());
                ("POST".to_owned(), target, headers, body, Framing::Chunks(16 << 10))
            }
        };
        let mut wire = match self.idle().pop() {
            Some(wire) => wire,
            None => self.wire()?,
        };
        wire.send(&method, &target, &headers, &body, framing)?;
        Ok(Pending { host: self, wire, method, outputs: call.outputs.clone(), is_handed: handed.is_some(), id })
    }

    /// Returns a client's request in the form in which it is handed on: method, target, headers, body.
    pub fn handed(&self, function: &str, request: &Request, id: &str) -> (String, String, Headers, Vec<u8>, Framing) {
        let is_own = |name: &str| name.to_ascii_lowercase().starts_with("x-azure-functions-");
        let mut headers: Headers = request.front().into_iter().filter(|(name, _)| !is_own(name)).collect();
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        headers.extend(own_headers(id));
        if self.options.mode == Mode::Proxy {
            let framing = if request.is_chunked { Framing::Chunks(7) } else { Framing::Length };
            return (request.method.clone(), request.target.clone(), headers, request.body.clone(), framing);
        }
        match headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
            Some((_, value)) => value.push_str(&format!(" {}", agent())),
            None => headers.push(("User-Agent".to_owned(), agent())),
        }
        let path = match self.options.mode {
            Mode::Worker => format!("/{function}"),
            _ => request.target.split('?').next().unwrap_or_default().to_owned(),
        };
        let coded = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
            text.bytes().map(one).collect::<String>()
        };
        let query: Vec<String> =
            request.query().iter().map(|(name, value)| format!("{}={}", coded(name), coded(value))).collect();
        let target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        // A body whose length is not known is not copied.
        let body = if request.is_chunked { Vec::new() } else { request.body.clone() };
        (request.method.clone(), target, headers, body, Framing::Length)
    }

    /// Waits for the process' end and reacts as the host does.
    ///
    /// # Errors
    /// The process has not ended within the patience, or a new one cannot be started.
    pub fn exited(&self) -> Result<(Option<i32>, Next), String> {
        let code = self.process().wait(self.options.patience).map_err(|error| error.to_string())?.code();
        let next = self.exits.lock().unwrap_or_else(PoisonError::into_inner).note(code, Instant::now());
        if next == Next::Restart {
            self.restart()?;
        }
        Ok((code, next))
    }

    /// Kills the process, as the host does whenever it wants it gone.
    ///
    /// # Errors
    /// The process cannot be signalled, or is still there after the patience, which counts as a second at least.
    pub fn kill(&self) -> Result<(), String> {
        let process = self.process();
        process.signal(Signal::Kill).map_err(|error| error.to_string())?;
        process.wait(KILL.max(self.options.patience)).map(drop).map_err(|error| error.to_string())
    }

    /// Kills the process if it is there, and starts another in its place.
    ///
    /// # Errors
    /// The process cannot be killed or started.
    pub fn restart(&self) -> Result<(), String> {
        if self.process().status().is_none() {
            self.kill()?;
        }
        self.idle().clear();
        let process = start(&*self.make, &self.options).map_err(|error| error.to_string())?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(process);
        Ok(())
    }

    /// Returns the process that runs now, or ran last.
    pub fn process(&self) -> Arc<Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the lines that the host has written to its log for the process.
    pub fn log(&self) -> Vec<(Level, String)> {
        let level = |stream: Stream, text: &str| match stream {
            Stream::Stdout => Level::Information,
            Stream::Stderr if text.to_ascii_lowercase().contains("warn") => Level::Warning,
            Stream::Stderr => Level::Error,
        };
        self.process().lines().into_iter().map(|line| (level(line.stream, &line.text), line.text)).collect()
    }

    /// Returns the breaches of this handler.
    pub fn breaches(&self) -> Vec<String> {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the address at which the process is to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.options.port))
    }

    /// Returns an id for an invocation.
    pub fn next_id(&self) -> String {
        format!("5f0c7c3e-6c1a-4b0d-9a57-{:012x}", self.count.fetch_add(1, Ordering::Relaxed))
    }

    fn host(&self) -> (String, String) {
        ("Host".to_owned(), self.address().to_string())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Wire<TcpStream>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wire(&self) -> io::Result<Wire<TcpStream>> {
        let stream = TcpStream::connect(self.address())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.options.patience))?;
        Ok(Wire::new(stream))
    }
}

fn start(make: &dyn Fn() -> Command, options: &Options) -> io::Result<Process> {
    let mut command = make();
    let (port, worker) = (options.port.to_string(), "0f8fad5b-d9cb-469f-a165-70867728950e".to_owned());
    let mut environment = vec![
        ("FUNCTIONS_HTTPWORKER_PORT".to_owned(), port.clone()),
        ("FUNCTIONS_HTTPWORKER_ID".to_owned(), worker.clone()),
        ("FUNCTIONS_APP_ROOT_PATH".to_owned(), options.app_root.display().to_string()),
        ("FUNCTIONS_WORKER_RUNTIME".to_owned(), "custom".to_owned()),
        ("WEBSITE_SITE_NAME".to_owned(), "shop".to_owned()),
        ("REGION_NAME".to_owned(), "West Europe".to_owned()),
    ];
    if !options.is_old {
        environment.push(("FUNCTIONS_CUSTOMHANDLER_PORT".to_owned(), port));
        environment.push(("FUNCTIONS_CUSTOMHANDLER_WORKER_ID".to_owned(), worker));
    }
    alone(&mut command, environment);
    command.stdin(Stdio::null());
    Process::spawn(command, |_| ())
}

fn agent() -> String {
    format!("Azure-Functions-Host/{HOST_VERSION}")
}

fn own_headers(id: &str) -> [(String, String); 2] {
    [("X-Azure-Functions-HostVersion", HOST_VERSION), ("X-Azure-Functions-InvocationId", id)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// A call that has no answer yet.
pub struct Pending<'h> {
    host: &'h Host,
    wire: Wire<TcpStream>,
    method: String,
    outputs: Vec<Output>,
    is_handed: bool,
    id: String,
}

impl Pending<'_> {
    /// Returns the invocation's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the answer and reads it. Breaches of the protocol in it are added to [`Host::breaches`].
    ///
    /// # Errors
    /// No answer comes, or its bytes are no HTTP response.
    pub fn end(mut self) -> io::Result<Ended> {
        let answer = self.wire.receive(&self.method)?;
        if !answer.closes {
            self.host.idle().push(self.wire);
        }
        if self.is_handed {
            let reply = Reply { status: answer.status, headers: answer.headers, body: answer.body };
            return Ok(Ended::Done(Done { reply: Some(reply), ..Done::default() }));
        }
        let mut breaches = Vec::new();
        let ended = result::read(&answer, &self.outputs, &mut breaches);
        self.host.breaches.lock().unwrap_or_else(PoisonError::into_inner).append(&mut breaches);
        Ok(ended)
    }
}
