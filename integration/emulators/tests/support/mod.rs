//! A client of the control plane on a bare socket: it can send what no HTTP library would. Shared by the tests of this
//! folder.
#![allow(dead_code, reason = "each test target uses its own part")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use platform_emulators::aws_lambda::Aws;

/// The bound of every wait. No test passes or fails by it on a machine that works.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const NEXT: &str = "/2018-06-01/runtime/invocation/next";
pub(crate) const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";
pub(crate) const RESTORE_NEXT: &str = "/2018-06-01/runtime/restore/next";
pub(crate) const RESTORE_ERROR: &str = "/2018-06-01/runtime/restore/error";
pub(crate) const ERROR: &str = r#"{"errorType":"Function.Broken","errorMessage":"it broke"}"#;

pub(crate) fn response(id: &str) -> String {
    format!("/2018-06-01/runtime/invocation/{id}/response")
}

pub(crate) fn error(id: &str) -> String {
    format!("/2018-06-01/runtime/invocation/{id}/error")
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) chunked: bool,
}

impl Reply {
    /// Returns the first header of exactly that spelling.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn id(&self) -> String {
        self.header("Lambda-Runtime-Aws-Request-Id").expect("an event has its id").to_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn error_type(&self) -> String {
        let json = self.json();
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(2), "exactly two members: {json}");
        assert!(json["errorMessage"].is_string(), "{json}");
        json["errorType"].as_str().expect("a text").to_owned()
    }
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

impl Client {
    pub(crate) fn new(aws: &Aws) -> Client {
        Client::connect(aws).expect("the control plane accepts")
    }

    pub(crate) fn connect(aws: &Aws) -> io::Result<Client> {
        let stream = TcpStream::connect(aws.address())?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::new(stream), host: aws.address() })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the connection is open");
    }

    pub(crate) fn head(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.send(head.as_bytes());
    }

    /// Ends the sending half of the connection.
    pub(crate) fn end(&mut self) {
        self.stream.get_mut().shutdown(Shutdown::Write).expect("the connection is open");
    }

    pub(crate) fn read(&mut self) -> io::Result<Reply> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("not a status line: {line:?}")))?;
        let mut reply = Reply { status, headers: Vec::new(), body: Vec::new(), chunked: false };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").ok_or_else(|| io::Error::other(format!("no field: {line:?}")))?;
            reply.headers.push((name.to_owned(), value.to_owned()));
        }
        let find = |name: &str| {
            let found = reply.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        if let Some(length) = find("content-length") {
            reply.body.resize(length.parse().expect("a number"), 0);
            self.stream.read_exact(&mut reply.body)?;
        } else if find("transfer-encoding").as_deref() == Some("chunked") {
            reply.chunked = true;
            loop {
                let size = usize::from_str_radix(&self.line()?, 16).expect("a chunk size");
                let start = reply.body.len();
                reply.body.resize(start + size, 0);
                self.stream.read_exact(&mut reply.body[start..])?;
                self.line()?;
                if size == 0 {
                    break;
                }
            }
        }
        Ok(reply)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(line.to_owned())
    }

    /// Returns all bytes until the end of the connection.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.head("GET", path, headers);
        self.read().expect("a reply")
    }

    /// Asks for an event, which has to be there.
    pub(crate) fn next(&mut self) -> Reply {
        let reply = self.get(NEXT);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply
    }

    /// Asks for an event and does not wait for it.
    pub(crate) fn park(&mut self) {
        self.head("GET", NEXT, &[]);
    }

    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Reply {
        self.post_with(path, &[("Content-Type", "application/json")], body)
    }

    pub(crate) fn post_with(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let length = body.len().to_string();
        let mut all = headers.to_vec();
        all.push(("Content-Length", &length));
        self.head("POST", path, &all);
        self.send(body);
        self.read().expect("a reply")
    }

    pub(crate) fn chunk(&mut self, bytes: &[u8]) {
        self.send(format!("{:x}\r\n", bytes.len()).as_bytes());
        self.send(bytes);
        self.send(b"\r\n");
    }

    /// Sends the head of a streamed response.
    pub(crate) fn stream(&mut self, id: &str) {
        let trailers = "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body";
        let headers = [
            ("Content-Type", "application/octet-stream"),
            ("Lambda-Runtime-Function-Response-Mode", "streaming"),
            ("Transfer-Encoding", "chunked"),
            ("Trailer", trailers),
        ];
        self.head("POST", &response(id), &headers);
    }
}

/// Checks that no breach was seen.
pub(crate) fn assert_clean(aws: &Aws) {
    assert_eq!(aws.violations(), Vec::<String>::new());
}
