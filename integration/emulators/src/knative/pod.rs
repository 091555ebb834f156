//! A pod: the user's container, and the queue-proxy through which everything reaches it.

use super::options::{Options, Probe};
use crate::cloudevents::Request;
use crate::process::{Process, Signal, alone};
use crate::wire::{Answer, Framing, Headers, Wire};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The host that clients ask for.
pub const HOST: &str = "shop.default.example.com";
/// The header that marks answers of the queue-proxy's own.
const OWN: &str = "x-emulated-queue-proxy";
/// The time between two probes at the start.
const AGGRESSIVE: Duration = Duration::from_millis(50);
/// The headers of the activator that the queue-proxy does not pass on, in lower case.
const REMOVED: [&str; 2] = ["knative-serving-revision", "knative-serving-namespace"];

/// A pod with one container.
pub struct Pod {
    options: Options,
    process: Process,
    load: Mutex<Load>,
    changed: Condvar,
}

#[derive(Default)]
struct Load {
    running: usize,
    waiting: usize,
    drains: bool,
}

impl Pod {
    /// Starts the container: nothing of the caller's environment but `PATH`, over which the command's own variables go.
    ///
    /// # Errors
    /// The program cannot be started. The error is the system's.
    pub fn spawn(mut command: Command, options: Options) -> io::Result<Pod> {
        alone(&mut command, options.environment());
        command.stdin(Stdio::null());
        let process = Process::spawn(command, |_| ())?;
        Ok(Pod { options, process, load: Mutex::default(), changed: Condvar::new() })
    }

    /// Probes aggressively until the container is ready.
    ///
    /// # Errors
    /// The container does not become ready. The error has its output.
    pub fn ready(&self) -> Result<(), String> {
        let end = Instant::now() + self.options.patience;
        loop {
            let probed = self.probe();
            if matches!(probed, Ok(200..400)) {
                return Ok(());
            }
            if Instant::now() > end || self.process.status().is_some() {
                let status = self.process.status();
                return Err(format!("not ready: {probed:?}; {status:?}; output:\n{}", self.process.output()));
            }
            // The error is the ordinary case, a process that still runs.
            drop(self.process.wait(AGGRESSIVE));
        }
    }

    /// Sends one readiness probe, and returns its status; 200 for a connection.
    ///
    /// # Errors
    /// No answer comes.
    pub fn probe(&self) -> io::Result<u16> {
        match &self.options.readiness {
            Probe::Tcp => TcpStream::connect(self.address()).map(|_| 200),
            Probe::Http(path) => self.kubelet(path),
        }
    }

    /// Sends a GET as the kubelet does, and returns its status.
    ///
    /// # Errors
    /// No answer comes.
    pub fn kubelet(&self, path: &str) -> io::Result<u16> {
        let headers = [("Host", "10.0.0.7:8080"), ("User-Agent", "kube-probe/1.33"), ("Connection", "close")];
        let headers: Headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut wire = self.wire()?;
        wire.send("GET", path, &headers, b"", Framing::Length)?;
        wire.receive("GET").map(|answer| answer.status)
    }

    /// Sends a request through the queue-proxy and waits.
    ///
    /// # Errors
    /// The bytes that came are no answer.
    pub fn call(&self, request: &Request) -> io::Result<Answer> {
        self.begin(request)?.end()
    }

    /// Sends a request through the queue-proxy, which may make it wait for a place, and does not wait for the answer.
    ///
    /// # Errors
    /// The queue-proxy reaches no container.
    pub fn begin(&self, request: &Request) -> io::Result<Pending<'_>> {
        let mut pending = Pending { pod: None, wire: None, method: request.method.clone() };
        if !self.enter() {
            return Ok(pending);
        }
        pending.pod = Some(self);
        let mut wire = self.wire()?;
        wire.send(&request.method, &request.target, &forwarded(request), &request.body, Framing::Length)?;
        pending.wire = Some(wire);
        Ok(pending)
    }

    /// Takes a place, or waits for one. Returns `false` if too many wait.
    fn enter(&self) -> bool {
        let limit = self.options.container_concurrency;
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        if limit > 0 && load.running >= limit {
            if load.waiting >= 10 * limit {
                return false;
            }
            load.waiting += 1;
            load = self.changed.wait_while(load, |load| load.running >= limit).unwrap_or_else(PoisonError::into_inner);
            load.waiting -= 1;
        }
        load.running += 1;
        true
    }

    fn leave(&self) {
        self.load.lock().unwrap_or_else(PoisonError::into_inner).running -= 1;
        self.changed.notify_all();
    }

    /// Ends the pod in Knative's order: the queue-proxy drains first, only then comes SIGTERM, and SIGKILL after the
    /// grace.
    ///
    /// # Errors
    /// The pod did not drain, or had to be killed.
    pub fn scale_down(&self) -> Result<ExitStatus, String> {
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        load.drains = true;
        let (load, waited) = self
            .changed
            .wait_timeout_while(load, self.options.grace, |load| load.running + load.waiting > 0)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(format!("{} requests have not ended", load.running));
        }
        drop(load);
        self.terminate()
    }

    /// Ends the container without a drain, as a node that goes away does.
    ///
    /// # Errors
    /// The container had to be killed.
    pub fn terminate(&self) -> Result<ExitStatus, String> {
        self.process.signal(Signal::Term).map_err(|error| error.to_string())?;
        self.process.wait(self.options.grace).map_err(|late| {
            let killed = self.process.signal(Signal::Kill);
            format!("{late:?}; killed: {killed:?}")
        })
    }

    /// Returns the container.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns the address at which the queue-proxy finds the container.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.options.port))
    }

    fn wire(&self) -> io::Result<Wire<TcpStream>> {
        let stream = TcpStream::connect(self.address())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.options.timeout))?;
        Ok(Wire::new(stream))
    }
}

/// Returns the headers that a client's request has behind the queue-proxy. Those that the client has sent stay, the
/// host among them, without [`REMOVED`]. The proxy adds the others of `own`.
fn forwarded(request: &Request) -> Headers {
    let own = [
        ("Host", HOST),
        ("X-Forwarded-For", "192.0.2.7"),
        ("X-Forwarded-Proto", "http"),
        ("Forwarded", "for=192.0.2.7"),
    ];
    let sent = |name: &str| request.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let own = own.into_iter().filter(|(name, _)| !sent(name)).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let theirs = request.headers.iter().filter(|(name, _)| !REMOVED.contains(&&*name.to_ascii_lowercase()));
    own.chain(theirs.cloned()).collect()
}

/// A request that has no answer yet.
pub struct Pending<'p> {
    /// The pod that answers; `None` if the queue-proxy refuses the request.
    pod: Option<&'p Pod>,
    wire: Option<Wire<TcpStream>>,
    method: String,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(pod) = self.pod {
            pod.leave();
        }
    }
}

impl Pending<'_> {
    /// Waits for the client's answer: the container's, or the queue-proxy's where there is none.
    ///
    /// # Errors
    /// The bytes that came are no answer.
    pub fn end(mut self) -> io::Result<Answer> {
        let Some(wire) = &mut self.wire else { return Ok(own(503)) };
        match wire.receive(&self.method) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(own(504)),
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => Ok(own(502)),
            other => other,
        }
    }
}

fn own(status: u16) -> Answer {
    Answer { status, headers: vec![(OWN.to_owned(), "1".to_owned())], body: Vec::new(), closes: true }
}

/// Returns `true` for an answer of the queue-proxy's own.
pub fn is_own(answer: &Answer) -> bool {
    answer.header(OWN).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_stays_and_the_activators_headers_end_here() {
        let request = Request::new("GET", "/", &[("Knative-Serving-Revision", "x"), ("X-A", "1")], "");
        let names: Vec<_> = forwarded(&request).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Host", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-A"]);
        let hosts: Vec<_> = forwarded(&request.with("Host", "other.example"))
            .into_iter()
            .filter(|(name, _)| name == "Host")
            .map(|(_, value)| value)
            .collect();
        assert_eq!(hosts, ["other.example"]);
    }
}
