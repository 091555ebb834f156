//! One connection to a control plane.

use platform_emulators::runtime_api::Plane;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

/// The bound of every wait. No test passes or fails by it on a machine that works.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A reply: its status, its head as it came, its body.
pub(crate) type Reply = (u16, String, String);

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Client {
    pub(crate) fn of(plane: &Plane) -> Client {
        let stream = TcpStream::connect(plane.address()).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
        Client { stream: BufReader::new(stream), host: plane.address().to_string() }
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", self.host, body.len());
        self.stream.get_mut().write_all(format!("{head}{body}").as_bytes()).expect("it is open");
    }

    pub(crate) fn call(&mut self, method: &str, path: &str, body: &str) -> Reply {
        self.send(method, path, body);
        self.read().expect("a reply")
    }

    /// Reads a reply; `None` if the connection ends first.
    pub(crate) fn read(&mut self) -> Option<Reply> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let status = head.get(9..12).and_then(|code| code.parse().ok()).expect("a status");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .map_or(0, |length| length.parse::<usize>().expect("a length"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some((status, head, String::from_utf8(body).expect("text")))
    }
}

/// Returns a process that does nothing.
pub(crate) fn sleeper() -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec sleep 600"]);
    command
}
