//! HTTP servers, under wrk and under a client that counts requests.

use crate::lambda::quantity;
use crate::samples::Samples;
use crate::subject::{Built, Process, Subject};
use crate::sys;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

/// The time after which a server that does not listen is taken to be lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number of connections of the load generator, each with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections(pub u32);

/// A request of a client that counts, and how its answer is known.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The target of the request.
    pub target: String,
    /// A text that the answer holds.
    pub holds: &'static str,
}

impl Ask {
    /// Returns the request to the servers that answer with one text.
    pub fn plain() -> Ask {
        Ask { target: "/".to_owned(), holds: "hello, world\n" }
    }
}

/// Loads a fresh process with wrk, once for each number of connections, and notes everything as one round.
///
/// # Errors
/// The server does not start or an answer is no 200; with the last it wrote on standard error.
pub fn round(
    built: &Built,
    subject: &Subject,
    seconds: u32,
    loads: &mut [(Connections, Samples)],
    round: usize,
) -> io::Result<()> {
    let (process, port) = start(built, subject, &Ask::plain())?;
    let fail = |error: io::Error| io::Error::other(format!("{error} [{}]", process.last_words()));
    for (connections, samples) in loads {
        let used = sys::cpu_time(process.id()).map_err(fail)?;
        let output = Command::new("wrk")
            .args(["-t1", "--latency"])
            .args([format!("-c{}", connections.0), format!("-d{seconds}s"), format!("http://127.0.0.1:{port}/")])
            .output()?;
        let used = sys::cpu_time(process.id()).map_err(fail)? - used;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Some(line) = text.lines().find(|line| line.contains("Socket errors") || line.contains("Non-2xx")) {
            return Err(fail(io::Error::other(format!("wrk, {} connections: {}", connections.0, line.trim()))));
        }
        let word = |start: &str| text.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim);
        let missing = || fail(io::Error::other(format!("wrk said {text:?}")));
        let rate: f64 = word("Requests/sec:").and_then(|text| text.parse().ok()).ok_or_else(missing)?;
        let requests = text.lines().find_map(|line| line.split_once(" requests in ")?.0.trim().parse::<f64>().ok());
        let requests = requests.ok_or_else(missing)?;
        let mut note = |quantity, number| samples.note(&subject.name, quantity, round, number);
        note(quantity::RATE, rate);
        note(quantity::CPU, used.as_secs_f64() * 1e6 / requests);
        note(quantity::P50, word("50%").and_then(micros).ok_or_else(missing)?);
        note(quantity::P99, word("99%").and_then(micros).ok_or_else(missing)?);
        note(quantity::RSS, process.proc("status", "VmRSS:").map_err(fail)? / 1024.0);
        note(quantity::PSS, process.proc("smaps_rollup", "Pss:").map_err(fail)? / 1024.0);
        note(quantity::THREADS, process.proc("status", "Threads:").map_err(fail)?);
    }
    Ok(())
}

/// Sends `count` requests on one connection and lets the server end by itself: for tools that watch it.
///
/// # Errors
/// It fails as [`round`] does.
pub fn watched(built: &Built, subject: &Subject, count: usize) -> io::Result<()> {
    watched_with(built, subject, &Ask::plain(), count)
}

/// Sends another request as [`watched`] does.
///
/// # Errors
/// It fails as [`round`] does.
pub fn watched_with(built: &Built, subject: &Subject, ask: &Ask, count: usize) -> io::Result<()> {
    let (process, port) = start(built, subject, ask)?;
    let mut stream = connect(port)?;
    for _ in 0..count {
        exchange(&mut stream, ask).map_err(|error| io::Error::other(format!("{error} [{}]", process.last_words())))?;
    }
    drop(stream);
    process.end()
}

/// Returns a connection to a server of this machine.
///
/// # Errors
/// The system refuses, with its own error.
pub fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends a request and reads its answer whole.
///
/// # Errors
/// The answer is another than the one that was asked for.
pub fn exchange(stream: &mut TcpStream, ask: &Ask) -> io::Result<()> {
    stream.write_all(format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", ask.target).as_bytes())?;
    let (mut bytes, mut filled) = ([0; 4096], 0);
    while !is_whole(&bytes[..filled]) {
        match stream.read(&mut bytes[filled..])? {
            0 => return Err(io::Error::other(String::from_utf8_lossy(&bytes[..filled]))),
            read => filled += read,
        }
    }
    let answer = &bytes[..filled];
    if answer.starts_with(b"HTTP/1.1 200 ") && memchr::memmem::find(answer, ask.holds.as_bytes()).is_some() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{}: {}", ask.target, String::from_utf8_lossy(answer))))
    }
}

/// Returns `true` once a response with `content-length` is there with all of its body.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return false };
    let mut fields = bytes[..head].split(|byte| *byte == b'\n');
    let length = fields.find_map(|field| {
        let (name, value) = std::str::from_utf8(field).ok()?.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse::<usize>().ok() } else { None }
    });
    bytes.len() - head - 4 >= length.unwrap_or(0)
}

/// Returns a server that answers.
///
/// # Errors
/// It does not, with the last it wrote on standard error.
pub fn start(built: &Built, subject: &Subject, ask: &Ask) -> io::Result<(Process, u16)> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let more = [("PORT", &*port.to_string()), ("FAAS_HOST", "127.0.0.1")];
    let process = subject.start(built, &more)?;
    let began = Instant::now();
    loop {
        match connect(port).and_then(|mut stream| exchange(&mut stream, ask)) {
            Ok(()) => return Ok((process, port)),
            Err(error) if began.elapsed() > PATIENCE => {
                return Err(io::Error::other(format!("{error} [{}]", process.last_words())));
            }
            // Nobody listens yet.
            Err(_) => std::thread::yield_now(),
        }
    }
}

/// Returns wrk's times in microseconds: `61.00us`, `1.07ms`, `1.50s`.
fn micros(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..digits].parse().ok()?;
    Some(match &text[digits..] {
        "us" => number,
        "ms" => number * 1e3,
        "s" => number * 1e6,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{is_whole, micros};

    #[test]
    fn a_response_is_whole_with_the_last_byte_of_its_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert!(is_whole(text));
        assert!((0..text.len()).all(|length| !is_whole(&text[..length])));
    }

    #[test]
    fn times_of_wrk_read_in_microseconds() {
        assert_eq!(micros("61.50us"), Some(61.5));
        assert_eq!(micros("1.50ms"), Some(1500.0));
        assert_eq!(micros("2.00s"), Some(2_000_000.0));
        assert_eq!(micros("3.00"), None);
    }
}
