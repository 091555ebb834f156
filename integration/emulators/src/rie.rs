//! Drives AWS' own Runtime Interface Emulator, a foreign program that `.ci/foreign` installs: the real counterpart of
//! [`crate::aws_lambda`] for conformance. It is slow by nature (a Go front end), so nothing is timed through it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::ports::free_port;
use crate::process::Process;
use crate::wait::TimedOut;
use crate::wire::Answer;

/// The programs that run under the emulator, and their settings.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program of the emulator; see [`find`].
    pub program: PathBuf,
    /// The runtime it starts at the first invocation.
    pub bootstrap: PathBuf,
    /// The value of `_HANDLER`; with `None` the emulator does not set it.
    pub handler: Option<String>,
    /// The variables of the function, on top of an otherwise almost empty environment (`PATH` is kept).
    pub env: Vec<(String, String)>,
    /// The working directory of both programs.
    pub directory: Option<PathBuf>,
    /// The value of `AWS_LAMBDA_FUNCTION_TIMEOUT`, in whole seconds; the emulator's own default is 300.
    pub timeout: Duration,
}

impl Options {
    /// Makes options for `bootstrap` under the emulator at `program`, with everything else at its default.
    pub fn new(program: impl Into<PathBuf>, bootstrap: impl Into<PathBuf>) -> Options {
        Options {
            program: program.into(),
            bootstrap: bootstrap.into(),
            handler: None,
            env: Vec::new(),
            directory: None,
            timeout: Duration::from_secs(300),
        }
    }
}

/// Returns the emulator's program: `FAAS_FOREIGN_DIR`, else `<target>/foreign`, where `.ci/foreign` puts it.
///
/// # Errors
/// The program is not there. The error is the path that was looked at.
pub fn find(target: &Path) -> Result<PathBuf, PathBuf> {
    let folder = std::env::var_os("FAAS_FOREIGN_DIR").map_or_else(|| target.join("foreign"), PathBuf::from);
    let program = folder.join("aws-lambda-rie");
    if program.is_file() { Ok(program) } else { Err(program) }
}

/// A running emulator; it and the runtime below it end when this is dropped.
pub struct Rie {
    process: Process,
    front: SocketAddr,
    runtime_api: SocketAddr,
    patience: Duration,
}

impl Rie {
    /// Starts the emulator on two free loopback ports and returns when its front end accepts connections.
    ///
    /// # Errors
    /// The program cannot be started, or it ended or stayed silent (20 s); its log is in the text.
    pub fn start(options: &Options) -> io::Result<Rie> {
        // A free port can be taken by another program before the emulator binds it. Then the emulator exits, and
        // another pair is tried.
        let mut failure = String::new();
        for _ in 0..3 {
            let address = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
            let (front, runtime_api) = (address(), address());
            let process = Process::spawn(command(options, front, runtime_api), |_| ())?;
            // The emulator reports its Runtime API address before it opens the front end. Neither line is promised, so
            // the port itself is asked.
            match wait_for_port(&process, front) {
                Ok(()) => {
                    let patience = options.timeout + Duration::from_secs(30);
                    return Ok(Rie { process, front, runtime_api, patience });
                }
                Err(error) => failure = format!("{error}\n{}", process.output()),
            }
        }
        Err(io::Error::other(format!("{} does not serve: {failure}", options.program.display())))
    }

    /// Returns the address at which it takes invocations.
    pub fn front(&self) -> SocketAddr {
        self.front
    }

    /// Returns the address that its runtime polls (`AWS_LAMBDA_RUNTIME_API`).
    pub fn runtime_api(&self) -> SocketAddr {
        self.runtime_api
    }

    /// Returns the log of the emulator and of the runtime below it, as one text.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Waits for a line of that log.
    ///
    /// # Errors
    /// The error is [`TimedOut`] at the limit.
    pub fn wait_for_line(&self, wanted: impl FnMut(&str) -> bool, limit: Duration) -> Result<String, TimedOut> {
        self.process.wait_for_line(wanted, limit)
    }

    /// Sends one event on a connection of its own and blocks until the answer is whole. `headers` are passed to the
    /// front end: it reads `Content-Type`, `X-Amz-Client-Context` (base64) and `X-Amzn-Trace-Id`.
    ///
    /// # Errors
    /// The connection is lost, or the bytes are not HTTP; or no answer comes for the function's timeout and 30 s more.
    pub fn invoke(&self, event: &[u8], headers: &[(&str, &str)]) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(self.front)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience))?;
        let mut head = format!(
            "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Length: {}\r\n",
            self.front,
            event.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(event)?;
        read_reply(&mut BufReader::new(stream))
    }
}

fn command(options: &Options, front: SocketAddr, runtime_api: SocketAddr) -> Command {
    let mut command = Command::new(&options.program);
    // Without the first address it would listen on every interface.
    command.arg("--runtime-interface-emulator-address").arg(front.to_string());
    command.arg("--runtime-api-address").arg(runtime_api.to_string());
    command.arg(&options.bootstrap).args(&options.handler);
    command.env_clear().stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("AWS_LAMBDA_FUNCTION_TIMEOUT", options.timeout.as_secs().max(1).to_string());
    command.envs(options.env.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = &options.directory {
        command.current_dir(directory);
    }
    command
}

/// Waits for the port, which refuses connections until it is open. Between two tries it waits for the process to end,
/// which is the other thing that can happen.
fn wait_for_port(process: &Process, address: SocketAddr) -> io::Result<()> {
    for _ in 0..2000 {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        if let Ok(status) = process.wait(Duration::from_millis(10)) {
            return Err(io::Error::other(format!("it ended with {status}")));
        }
    }
    Err(io::Error::other(format!("nothing listens on {address}")))
}

fn read_reply(stream: &mut impl BufRead) -> io::Result<Answer> {
    let status_line = line(stream)?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("not a status line: {status_line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let field = line(stream)?;
        if field.is_empty() {
            break;
        }
        let (name, value) =
            field.split_once(':').ok_or_else(|| io::Error::other(format!("not a header: {field:?}")))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut reply = Answer { status, headers, body: Vec::new(), closes: true };
    if reply.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(stream)?;
            let size = usize::from_str_radix(&size, 16).map_err(|_| io::Error::other(format!("bad chunk {size:?}")))?;
            if size == 0 {
                break;
            }
            let start = reply.body.len();
            reply.body.resize(start + size, 0);
            stream.read_exact(&mut reply.body[start..])?;
            line(stream)?;
        }
    } else if let Some(length) = reply.header("content-length") {
        let length = length.parse().map_err(|_| io::Error::other(format!("bad length {length:?}")))?;
        reply.body.resize(length, 0);
        stream.read_exact(&mut reply.body)?;
    } else {
        stream.read_to_end(&mut reply.body)?;
    }
    Ok(reply)
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_answer_is_joined() {
        let raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Amz-Function-Error: Unhandled\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let reply = read_reply(&mut &raw[..]).expect("it is a whole reply");
        assert_eq!((reply.status, reply.body.as_slice()), (200, &b"abcde"[..]));
        assert_eq!(reply.header("x-amz-function-error"), Some("Unhandled"));
    }

    #[test]
    fn an_answer_that_stops_in_the_middle_is_an_error() {
        assert!(read_reply(&mut &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"[..]).is_err());
        assert!(read_reply(&mut &b""[..]).is_err());
    }
}
