//! The invoker's side of an action container: a connection of its own for every request, answers that must say their
//! length, and the container's log, which is read up to the sentinels.

use super::SENTINEL;
use super::activation::{Activation, Init, Outcome};
use crate::process::{Process, Signal, Stream};
use crate::wait::TimedOut;
use crate::wire::{Answer, Framing, Wire};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time between two tries to reach a container that does not listen yet.
const RETRY: Duration = Duration::from_millis(50);

/// The time between two looks at a log that is not whole yet.
const LOOK: Duration = Duration::from_millis(2);

/// The settings that a container is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port of the container; 8080 on the platform.
    pub port: u16,
    /// The address of the API, a variable of the container; empty leaves it out.
    pub api_host: String,
    /// `true` if the container may have several activations at once.
    pub concurrent: bool,
    /// The limit of waits for things that should happen at once.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 8080,
            api_host: "https://ow.example".to_owned(),
            concurrent: false,
            patience: Duration::from_secs(30),
        }
    }
}

/// An invoker with one container.
pub struct Invoker {
    options: Options,
    process: Process,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of sentinels that each stream must have by now.
    expected: usize,
    breaches: Vec<String>,
}

impl Invoker {
    /// Starts the container: the command with the platform's variables, its own over them, `PATH`, and nothing else.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(mut command: Command, options: Options) -> io::Result<Invoker> {
        let own: Vec<_> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        if !options.api_host.is_empty() {
            command.env("__OW_API_HOST", &options.api_host);
        }
        if options.concurrent {
            command.env("__OW_ALLOW_CONCURRENT", "true");
        }
        command.envs(own).stdin(Stdio::null());
        let process = Process::spawn(command, |_| ())?;
        Ok(Invoker { options, process, state: Mutex::default() })
    }

    /// Returns the address at which it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.options.port))
    }

    /// Returns the container's process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Initialises, and for that waits until the container listens.
    ///
    /// # Errors
    /// The container does not listen within the patience, or its answer is none.
    pub fn init(&self, init: &Init) -> io::Result<Answer> {
        let end = Instant::now() + self.options.patience;
        loop {
            match self.exchange("/init", init.body().as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < end => {
                    if let Ok(status) = self.process.wait(RETRY) {
                        return Err(io::Error::other(format!("{status}: {}", self.process.output())));
                    }
                }
                Ok(answer) => {
                    if answer.status == 502 {
                        self.expect_sentinels();
                    }
                    return Ok(answer);
                }
                other => return other,
            }
        }
    }

    /// Sends an activation. The log is read up to its end.
    ///
    /// # Errors
    /// There is no connection, or the bytes that came are no answer.
    pub fn send(&self, activation: &Activation) -> io::Result<Answer> {
        let answer = self.exchange("/run", activation.body().as_bytes())?;
        // Only then has the action itself run.
        if matches!(answer.status, 200 | 502) {
            self.expect_sentinels();
        }
        Ok(answer)
    }

    /// Sends an activation and judges the answer.
    pub fn run(&self, activation: &Activation) -> Outcome {
        match self.send(activation) {
            Ok(answer) => Outcome::of(&answer),
            Err(error) => Outcome::NoResponse(error.to_string()),
        }
    }

    /// Sends any request, on a connection of its own.
    ///
    /// # Errors
    /// There is no connection, or the bytes that came are no answer.
    pub fn exchange(&self, path: &str, body: &[u8]) -> io::Result<Answer> {
        let address = self.address();
        let socket = TcpStream::connect_timeout(&address, self.options.patience)?;
        socket.set_read_timeout(Some(self.options.patience))?;
        let headers = [
            ("Host", address.to_string()),
            ("Content-Type", "application/json".to_owned()),
            ("Accept", "application/json".to_owned()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        let mut wire = Wire::new(socket);
        wire.send("POST", path, &headers, body, Framing::Length)?;
        let answer = wire.receive("POST")?;
        if answer.header("content-length").is_none() {
            // An answer of unknown length is thrown away.
            self.state().breaches.push(format!("{path}: {} without a length", answer.status));
            return Err(io::Error::other("no length"));
        }
        Ok(answer)
    }

    fn expect_sentinels(&self) {
        let expected = {
            let mut state = self.state();
            state.expected += 1;
            state.expected
        };
        let end = Instant::now() + self.options.patience;
        let both = || [Stream::Stdout, Stream::Stderr].iter().all(|stream| self.sentinels(*stream) >= expected);
        // Sentinels that never come show as a breach.
        while !both() && Instant::now() < end {
            if self.process.wait(LOOK).is_ok() {
                return;
            }
        }
    }

    /// Returns how many sentinels a stream has.
    pub fn sentinels(&self, stream: Stream) -> usize {
        self.process.lines_of(stream).iter().filter(|line| *line == SENTINEL).count()
    }

    /// Asks the container to leave by SIGTERM.
    ///
    /// # Errors
    /// The system refuses the signal.
    pub fn terminate(&self) -> io::Result<()> {
        self.process.signal(Signal::Term)
    }

    /// Waits for the exit.
    ///
    /// # Errors
    /// The container still runs when the patience ends.
    pub fn wait(&self) -> Result<ExitStatus, TimedOut> {
        self.process.wait(self.options.patience)
    }

    /// Returns every breach of the contract so far.
    pub fn violations(&self) -> Vec<String> {
        let state = self.state();
        let mut found = state.breaches.clone();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let sentinels = self.sentinels(stream);
            if sentinels != state.expected {
                found.push(format!("{sentinels} sentinels on {stream:?} after {} activations", state.expected));
            }
        }
        found
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener};

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_secs(2);

    /// Returns a container that writes these lines, with a server elsewhere that gives each request these bytes.
    fn container(lines: &str, answer: &'static str, patience: Duration) -> Invoker {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
        let port = listener.local_addr().expect("it has an address").port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().filter_map(Result::ok) {
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                    request.push(byte[0]);
                }
                // The client may have gone.
                let _ = stream.write_all(answer.as_bytes());
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut request);
            }
        });
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "printf \"$0\"; printf \"$0\" >&2; exec sleep 60", lines]);
        Invoker::spawn(command, Options { port, patience, ..Options::default() }).expect("sh starts")
    }

    #[test]
    fn an_answer_with_a_length_and_a_sentinel_a_stream_is_all_it_takes() {
        let invoker = container(
            "log\\nXXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
            LONG,
        );
        assert_eq!(invoker.run(&Activation::of("{}")), Outcome::Success(json!({ "a": 1 })));
        assert_eq!(invoker.violations(), Vec::<String>::new());
    }

    #[test]
    fn missing_sentinels_and_too_many_are_breaches() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        let silent = container("log\\n", answer, SHORT);
        silent.run(&Activation::of("{}"));
        assert_eq!(silent.violations().len(), 2, "one for each stream");
        let loud = container("XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\\n", answer, LONG);
        assert_eq!(loud.init(&Init::default()).expect("an answer").status, 200);
        let told = loud.process().wait_for_line(|line| line == SENTINEL, LONG);
        assert!(told.is_ok() && !loud.violations().is_empty(), "none belongs to an init");
    }

    #[test]
    fn an_answer_of_unknown_length_is_none() {
        for answer in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
        ] {
            let invoker = container("", answer, LONG);
            assert!(matches!(invoker.run(&Activation::of("{}")), Outcome::NoResponse(_)), "{answer}");
            assert_eq!(invoker.violations().len(), 1, "{answer}");
        }
    }
}
