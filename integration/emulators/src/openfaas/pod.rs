//! A pod whose process stands in the watchdog's place: the gateway calls its port, the kubelet asks how it is,
//! Prometheus reads its metrics, and in the end SIGTERM comes.

use super::call::{Call, Pool};
use super::options::Options;
use crate::process::{Process, Signal};
use crate::wait::TimedOut;
use crate::wire::{Answer, Framing, Wire};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two questions of the kubelet.
const PERIOD: Duration = Duration::from_millis(20);

/// A pod with one container.
pub struct Pod {
    options: Options,
    process: Process,
    pool: Pool,
    breaches: Mutex<Vec<String>>,
}

impl Pod {
    /// Starts the process with a container's variables, and over them those that the command was given; nothing else
    /// but `PATH`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(command: Command, options: Options) -> io::Result<Pod> {
        let process = Process::spawn(in_container(command, options.variables()), |_| ())?;
        let pool = Pool::new(options.port, Duration::from_secs(90));
        Ok(Pod { options, process, pool, breaches: Mutex::default() })
    }

    /// Returns the process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns the deployment that the process runs for.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the pod's address.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.options.port))
    }

    /// Calls the function as the gateway does.
    ///
    /// # Errors
    /// The connection failed, or the bytes that came are no HTTP.
    pub fn call(&self, call: &Call) -> io::Result<Answer> {
        let answer = self.pool.exchange(call, &call.forwarded("figlet.openfaas-fn"), self.options.patience)?;
        let found = breaches(&answer);
        let mut breaches = self.breaches.lock().unwrap_or_else(PoisonError::into_inner);
        breaches.extend(found.into_iter().map(|what| format!("{} {}: {what}", call.method, call.target)));
        Ok(answer)
    }

    /// Asks as the kubelet does.
    ///
    /// # Errors
    /// The connection failed, or the bytes that came are no HTTP.
    pub fn probe(&self, method: &str, path: &str) -> io::Result<Answer> {
        get(self.address(), method, path, self.options.patience)
    }

    /// Reads the metrics on that port, as Prometheus does.
    ///
    /// # Errors
    /// The connection failed, or the bytes that came are no HTTP.
    pub fn scrape(&self, port: u16) -> io::Result<Answer> {
        get(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "GET", "/metrics", self.options.patience)
    }

    /// Waits until the kubelet would send calls.
    ///
    /// # Errors
    /// The process or the patience ended.
    pub fn wait_until_healthy(&self) -> Result<(), String> {
        let end = Instant::now() + self.options.patience;
        loop {
            if self.probe("GET", "/_/health").is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            let status = self.process.status();
            if status.is_some() || Instant::now() > end {
                let how = match status {
                    Some(status) => format!("the process ended before /_/health was 200: {status}"),
                    None => format!("/_/health was not 200 after {} s", self.options.patience.as_secs()),
                };
                return Err(format!("{how}; output:\n{}", self.process.output()));
            }
            // The error is the ordinary case, a process that still runs.
            let _ = self.process.wait(PERIOD);
        }
    }

    /// Asks the process to leave by SIGTERM.
    ///
    /// # Errors
    /// The system refuses the signal.
    pub fn terminate(&self) -> io::Result<()> {
        self.process.signal(Signal::Term)
    }

    /// Waits for the exit.
    ///
    /// # Errors
    /// The process still runs when the patience ends.
    pub fn wait(&self) -> Result<ExitStatus, TimedOut> {
        self.process.wait(self.options.patience)
    }

    /// Returns every breach of the contract so far.
    pub fn violations(&self) -> Vec<String> {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the command with these variables, its own over them, `PATH`, and nothing else.
pub(super) fn in_container(mut command: Command, variables: Vec<(&'static str, String)>) -> Command {
    let own: Vec<_> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs(variables).envs(own).stdin(Stdio::null());
    command
}

fn get(address: SocketAddr, method: &str, path: &str, limit: Duration) -> io::Result<Answer> {
    let socket = TcpStream::connect_timeout(&address, limit)?;
    socket.set_read_timeout(Some(limit))?;
    let headers = [("Host", "10.0.0.5:8080"), ("User-Agent", "kube-probe/1.30"), ("Connection", "close")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut wire = Wire::new(socket);
    wire.send(method, path, &headers, b"", Framing::Length)?;
    wire.receive(method)
}

/// Returns the breaches in the answer to a call.
fn breaches(answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let internal = answer.header("x-openfaas-internal").is_some();
    if matches!(answer.status, 429 | 504) && !internal {
        found.push(format!("{} does not say that it is not the function's", answer.status));
    }
    if answer.status == 429 && internal {
        if !answer.header("content-type").is_some_and(|value| value.starts_with("text/plain")) {
            found.push("429 is no plain text".to_owned());
        }
        return found;
    }
    let told = answer.all("x-duration-seconds");
    if !matches!(told[..], [text] if is_duration(text)) {
        found.push(format!("X-Duration-Seconds is {told:?}"));
    }
    found
}

/// Returns `true` for `%f` of seconds.
fn is_duration(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(whole, fraction)| digits(whole) && fraction.len() == 6 && digits(fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: Vec::new(), closes: false }
    }

    #[test]
    fn a_functions_answer_says_how_long_it_took() {
        assert_eq!(breaches(&answer(200, &[("X-Duration-Seconds", "0.001234")])), Vec::<String>::new());
        for wrong in [&[][..], &[("X-Duration-Seconds", "0.1")], &[("X-Duration-Seconds", "1")]] {
            assert_eq!(breaches(&answer(500, wrong)).len(), 1, "{wrong:?}");
        }
        let twice = [("X-Duration-Seconds", "0.000001"), ("x-duration-seconds", "0.000001")];
        assert_eq!(breaches(&answer(200, &twice)).len(), 1);
    }

    #[test]
    fn what_is_not_the_functions_says_so() {
        let refusal = [("X-OpenFaaS-Internal", "faas-middleware"), ("Content-Type", "text/plain")];
        assert_eq!(breaches(&answer(429, &refusal)), Vec::<String>::new());
        assert_eq!(breaches(&answer(429, &refusal[..1])).len(), 1);
        assert_eq!(breaches(&answer(504, &[("X-Duration-Seconds", "1.000000")])).len(), 1);
    }
}
