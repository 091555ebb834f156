//! of-watchdog in mode `http`: it starts the function's process once, forwards every call to its port, measures, limits
//! and logs it, and at the end passes SIGTERM on first and goes on taking calls for a while. Its own port is left out:
//! the caller of [`Watchdog::call`] is the gateway.

use super::call::{Call, Pool, is_late};
use super::options::{Options, go_duration};
use super::pod::in_container;
use crate::process::{Process, Signal};
use crate::wire::Answer;
use std::io;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time for which a connection to the function is kept without a call.
const IDLE: Duration = Duration::from_millis(500);

/// A watchdog with the process that it has started.
pub struct Watchdog {
    options: Options,
    process: Process,
    pool: Pool,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    /// `true` once SIGTERM has come.
    unhealthy: bool,
    /// `true` once the port is closed.
    closed: bool,
    log: Vec<String>,
    /// The exit of the process, if that ended the watchdog.
    fatal: Option<ExitStatus>,
}

/// The state that is left when a watchdog leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The number of calls without an answer.
    pub unfinished: usize,
}

impl Watchdog {
    /// Starts the process as `fprocess`, with the watchdog's own environment.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(command: Command, options: Options) -> io::Result<Watchdog> {
        let mut variables = options.variables();
        variables.push(("fprocess", command.get_program().to_string_lossy().into_owned()));
        variables.push(("mode", "http".to_owned()));
        variables.push(("http_upstream_url", format!("http://127.0.0.1:{}", options.upstream)));
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let noted = Arc::clone(&state);
        let process = Process::spawn(in_container(command, variables), move |status| {
            if !status.success() {
                lock(&noted.0).fatal = Some(status);
            }
        })?;
        let pool = Pool::new(options.upstream, IDLE);
        Ok(Watchdog { options, process, pool, state })
    }

    /// Returns the function's process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns the lines of its log, one a call.
    pub fn log(&self) -> Vec<String> {
        lock(&self.state.0).log.clone()
    }

    /// Returns the exit of the process, if it was a failure, which is the watchdog's end, too. It is `None` otherwise.
    pub fn fatal(&self) -> Option<ExitStatus> {
        lock(&self.state.0).fatal
    }

    /// Returns the status of `GET /_/health`.
    pub fn health(&self) -> u16 {
        if lock(&self.state.0).unhealthy { 503 } else { 200 }
    }

    /// Returns the status of `GET /_/ready`.
    ///
    /// # Errors
    /// It fails as [`call`](Watchdog::call) does.
    pub fn ready(&self) -> io::Result<u16> {
        {
            let state = lock(&self.state.0);
            if state.unhealthy {
                return Ok(503);
            }
            if self.options.max_inflight > 0 && state.running >= self.options.max_inflight {
                return Ok(429);
            }
        }
        if self.options.ready_path.is_empty() {
            return Ok(200);
        }
        let call = Call::new("GET", &self.options.ready_path).with("User-Agent", "kube-probe/1.30");
        Ok(self.forward(&call).status)
    }

    /// Takes a call from the gateway.
    ///
    /// # Errors
    /// The connection is refused, because the port is closed or the process is broken for good.
    pub fn call(&self, call: &Call) -> io::Result<Answer> {
        {
            let mut state = lock(&self.state.0);
            if state.closed || state.fatal.is_some() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            if self.options.max_inflight > 0 && state.running >= self.options.max_inflight {
                return Ok(own(429, "faas-middleware"));
            }
            state.running += 1;
        }
        let answer = self.forward(call);
        lock(&self.state.0).running -= 1;
        self.state.1.notify_all();
        Ok(answer)
    }

    /// Handles SIGTERM in the watchdog's order. The process hears of it at once; calls are taken for the interval as
    /// before; then the port closes, and running calls have the write time. The rest of the container ends with this
    /// value.
    ///
    /// # Errors
    /// The system refuses the signal.
    pub fn terminate(&self) -> io::Result<Drained> {
        lock(&self.state.0).unhealthy = true;
        self.process.signal(Signal::Term)?;
        let from = Instant::now();
        let mut state = lock(&self.state.0);
        loop {
            let left = self.options.drain().saturating_sub(from.elapsed());
            if left.is_zero() {
                break;
            }
            state = self.state.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.closed = true;
        let busy = |state: &mut State| state.running > 0;
        let waited = self.state.1.wait_timeout_while(state, self.options.write(), busy);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        Ok(Drained { unfinished: state.running })
    }

    fn forward(&self, call: &Call) -> Answer {
        let from = Instant::now();
        let mut headers = call.forwarded("gateway.example:8080");
        if call.header("accept-encoding").is_none() {
            // Go's client adds it, and undoes the coding itself.
            headers.push(("Accept-Encoding".to_owned(), "gzip".to_owned()));
        }
        let limit = if streams(call) { None } else { self.limit(call) };
        let mut answer = match self.pool.exchange(call, &headers, limit.unwrap_or(self.options.patience)) {
            Ok(answer) => answer,
            Err(error) if is_late(&error) && limit.is_some() => own(504, "of-watchdog"),
            Err(error) => {
                self.say(format!("Upstream HTTP request error: {error}"));
                own(500, "of-watchdog")
            }
        };
        answer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-duration-seconds"));
        let seconds = from.elapsed().as_secs_f64();
        answer.headers.push(("X-Duration-Seconds".to_owned(), format!("{seconds:.6}")));
        if !call.header("user-agent").is_some_and(|agent| agent.starts_with("kube-probe")) {
            let (length, path) = (answer.body.len(), &call.target);
            self.say(format!("{} {path} - {} - ContentLength: {length}B ({seconds:.4}s)", call.method, answer.status));
        }
        answer
    }

    /// Returns the limit of a call: the client's if it is no longer than the watchdog's.
    fn limit(&self, call: &Call) -> Option<Duration> {
        let exec = self.options.exec()?;
        let own = call.header("x-timeout").and_then(go_duration);
        Some(own.filter(|own| *own <= exec).unwrap_or(exec))
    }

    fn say(&self, line: String) {
        lock(&self.state.0).log.push(line);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns `true` if the client wants events as they come. Then the watchdog sets no limit.
fn streams(call: &Call) -> bool {
    let accept = call.header("accept").unwrap_or_default().to_ascii_lowercase();
    accept.contains("text/event-stream") || accept.contains("application/x-ndjson")
}

/// Returns an answer that is not the function's.
fn own(status: u16, who: &str) -> Answer {
    let headers = vec![("X-OpenFaaS-Internal".to_owned(), who.to_owned())];
    Answer { status, headers, body: Vec::new(), closes: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};

    /// Returns a watchdog over a process that only waits, with a server elsewhere that gives each connection this
    /// answer.
    fn watchdog(script: &str, answer: &'static [u8], options: Options) -> Watchdog {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
        let upstream = listener.local_addr().expect("it has an address").port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().filter_map(Result::ok) {
                std::thread::spawn(move || {
                    let mut request = Vec::new();
                    let mut byte = [0];
                    while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                        request.push(byte[0]);
                    }
                    // The client may have gone. Without an answer the connection stays open.
                    let _ = stream.write_all(answer);
                    let _ = stream.read(&mut byte);
                });
            }
        });
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Watchdog::spawn(command, Options { upstream, ..options }).expect("sh starts")
    }

    #[test]
    fn an_answer_is_passed_on_with_the_time_that_it_took() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-Duration-Seconds: mine\r\n\r\nhi";
        let watchdog = watchdog("exec sleep 60", answer, Options::default());
        let told = watchdog.call(&Call::new("GET", "/a?b=1")).expect("it is taken");
        assert_eq!((told.status, told.text().as_str()), (201, "hi"));
        assert!(!told.all("x-duration-seconds").contains(&"mine") && told.all("x-duration-seconds").len() == 1);
        assert!(watchdog.log()[0].starts_with("GET /a?b=1 - 201 - ContentLength: 2B ("), "{:?}", watchdog.log());
    }

    #[test]
    fn a_call_over_its_limit_is_504_and_one_that_reaches_nobody_500() {
        let options = Options { exec_timeout: "200ms".into(), ..Options::default() };
        let slow = watchdog("exec sleep 60", b"", options);
        let told = slow.call(&Call::new("GET", "/")).expect("it is taken");
        assert_eq!((told.status, told.header("x-openfaas-internal")), (504, Some("of-watchdog")));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 60"]);
        // Port 1 is nobody's.
        let alone = Watchdog::spawn(command, Options { upstream: 1, ..Options::default() }).expect("sh starts");
        assert_eq!(alone.call(&Call::new("GET", "/")).expect("it is taken").status, 500);
    }

    #[test]
    fn the_process_hears_of_the_end_first_and_a_failure_of_its_own_is_the_watchdogs() {
        let options = Options { healthcheck_interval: "300ms".into(), ..Options::default() };
        let script = "trap 'echo heard; exit 0' TERM; echo up; while :; do sleep 0.01; done";
        let watchdog = watchdog(script, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", options);
        let limit = Duration::from_secs(20);
        watchdog.process().wait_for_line(|line| line == "up", limit).expect("it starts");
        assert_eq!((watchdog.health(), watchdog.terminate().expect("it ends")), (200, Drained { unfinished: 0 }));
        watchdog.process().wait_for_line(|line| line == "heard", limit).expect("it was told");
        assert_eq!((watchdog.health(), watchdog.ready().ok(), watchdog.fatal()), (503, Some(503), None));
        assert!(watchdog.call(&Call::new("GET", "/")).is_err(), "the port is closed");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exit 7"]);
        let failed = Watchdog::spawn(command, Options::default()).expect("sh starts");
        failed.process().wait(limit).expect("it leaves");
        assert_eq!(failed.fatal().and_then(|status| status.code()), Some(7));
    }
}
