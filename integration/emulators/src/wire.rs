//! HTTP/1.1 as a platform's side of one connection speaks it, over any stream. It forgives nothing: a wrong length, a
//! missing end or a stray byte between two answers is an error.

use std::io::{self, BufRead, BufReader, Read, Write};

/// The names and values of fields, in order.
pub type Headers = Vec<(String, String)>;

/// Returns names and values as values of their own.
pub fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The framing of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The body is sent with its length.
    Length,
    /// The body is sent in chunks of this many bytes.
    Chunks(usize),
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of the answer.
    pub status: u16,
    /// The fields in order, with names as they were sent.
    pub headers: Headers,
    /// The body, its framing undone.
    pub body: Vec<u8>,
    /// `true` if the server closes the connection after it.
    pub closes: bool,
}

impl Answer {
    /// Returns the first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns every value of a header, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let same = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Wire<S>(BufReader<S>);

impl<S: Read + Write> Wire<S> {
    pub(crate) fn new(stream: S) -> Wire<S> {
        Wire(BufReader::new(stream))
    }

    /// Sends a request; framing headers are added.
    ///
    /// # Errors
    /// The connection is gone, or bytes have come that were not asked for.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
        framing: Framing,
    ) -> io::Result<()> {
        if !self.0.buffer().is_empty() {
            return Err(broken(format!("{} bytes after the last answer", self.0.buffer().len())));
        }
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        match framing {
            Framing::Length => {
                bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                bytes.extend_from_slice(body);
            }
            Framing::Chunks(size) => {
                bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in body.chunks(size.max(1)) {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
        self.0.get_mut().write_all(&bytes)
    }

    /// Reads the answer to a request of this method.
    ///
    /// # Errors
    /// The bytes are not HTTP or cut short, or none came within the stream's own limit.
    pub(crate) fn receive(&mut self, method: &str) -> io::Result<Answer> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status: u16 = status.ok_or_else(|| broken(format!("not a status line: {line:?}")))?;
        let headers = self.fields()?;
        let mut answer = Answer { status, headers, body: Vec::new(), closes: false };
        answer.closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let lengths = answer.all("content-length");
        if lengths.len() > 1 || (lengths.len() == 1 && answer.header("transfer-encoding").is_some()) {
            return Err(broken(format!("two framings: {:?}", answer.headers)));
        }
        let length = lengths.first().map(|text| text.parse::<usize>());
        let length = length.transpose().map_err(|_| broken(format!("not a length: {lengths:?}")))?;
        let chunked = answer.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        if method == "HEAD" || matches!(status, 204 | 304) {
            return Ok(answer);
        }
        if chunked {
            self.chunks(&mut answer.body)?;
        } else if let Some(length) = length {
            answer.body.resize(length, 0);
            self.0.read_exact(&mut answer.body)?;
        } else if answer.closes {
            self.0.read_to_end(&mut answer.body)?;
        } else {
            return Err(broken("an answer without an end".to_owned()));
        }
        Ok(answer)
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16);
            let size = size.map_err(|_| broken(format!("not the size of a chunk: {line:?}")))?;
            if size == 0 {
                return self.fields().map(drop);
            }
            let start = body.len();
            body.resize(start + size, 0);
            self.0.read_exact(&mut body[start..])?;
            if !self.line()?.is_empty() {
                return Err(broken("a chunk is longer than its size says".to_owned()));
            }
        }
    }

    fn fields(&mut self) -> io::Result<Headers> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken(format!("not a header: {line:?}")))?;
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(text) = line.strip_suffix("\r\n") else {
            return Err(broken(format!("a line without its end: {line:?}")));
        };
        Ok(text.to_owned())
    }
}

fn broken(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns an answer without a body.
    pub(crate) fn answer(status: u16, pairs: &[(&str, &str)]) -> Answer {
        Answer { status, headers: headers(pairs), body: Vec::new(), closes: false }
    }

    /// A stream with the bytes of a server, which keeps the bytes it is sent.
    pub(crate) struct Server(pub(crate) io::Cursor<Vec<u8>>, pub(crate) Vec<u8>);

    impl Read for Server {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.0.read(room)
        }
    }

    impl Write for Server {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn wire(says: &str) -> Wire<Server> {
        Wire::new(Server(io::Cursor::new(says.as_bytes().to_vec()), Vec::new()))
    }

    #[test]
    fn answers_are_read_one_after_the_other_by_their_framing() {
        let mut wire = wire(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: 1\r\na: 2\r\n\r\nhi\
             HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n\
             HTTP/1.1 204 No Content\r\n\r\n\
             HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
        );
        let first = wire.receive("POST").unwrap();
        assert_eq!(
            (first.status, first.text().as_str(), first.all("a"), first.closes),
            (200, "hi", vec!["1", "2"], false)
        );
        assert_eq!(wire.receive("POST").unwrap().text(), "abcd");
        assert_eq!(wire.receive("POST").unwrap().status, 204);
        let last = wire.receive("POST").unwrap();
        assert_eq!((last.text().as_str(), last.closes), ("to the end", true));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for says in [
            "",
            "HTTP/1.1 200 OK\n\n",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        ] {
            assert!(wire(says).receive("POST").is_err(), "{says:?}");
        }
    }

    #[test]
    fn requests_carry_their_framing_and_stray_bytes_are_noticed() {
        let mut wire = wire("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nstray");
        let headers = [("Host".to_owned(), "h".to_owned())];
        wire.send("POST", "/call", &headers, b"abc", Framing::Length).unwrap();
        wire.send("POST", "/call", &headers, b"abc", Framing::Chunks(2)).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&wire.0.get_ref().1),
            "POST /call HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\
             POST /call HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        );
        wire.receive("POST").unwrap();
        assert!(wire.send("POST", "/call", &headers, b"", Framing::Length).is_err());
    }
}
