//! Reports on a connection of their own, sent by a thread that waits for nothing else: a failed start, an invocation
//! whose function does not end. Blocking and impatient, unlike everything else in here.

use super::connection::{CONNECT, limits};
use faas_core::http1::{Progress, Reader};
use once_cell::sync::OnceCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long the answer to a report is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The control plane's address, looked up when it is first needed; a look-up that fails is tried again.
#[derive(Debug, Default)]
pub(super) struct Spare(OnceCell<SocketAddr>);

impl Spare {
    fn address(&self, endpoint: &str) -> io::Result<SocketAddr> {
        let look_up = || {
            let none =
                || io::Error::new(ErrorKind::NotFound, format!("no address for {endpoint:?}; expected host:port"));
            endpoint.to_socket_addrs()?.next().ok_or_else(none)
        };
        self.0.get_or_try_init(look_up).copied()
    }

    /// Sends one request and waits a little for its answer; the answer's status.
    ///
    /// # Errors
    /// The system's, or that what came is no answer.
    pub(super) fn post(&self, endpoint: &str, request: &[u8]) -> io::Result<u16> {
        let mut stream = TcpStream::connect_timeout(&self.address(endpoint)?, CONNECT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(request)?;
        let mut reader = Reader::response(limits());
        loop {
            match reader.poll().map_err(io::Error::other)? {
                Progress::Head => return Ok(reader.head().map_or(0, |head| head.status())),
                Progress::Complete => return Err(ErrorKind::InvalidData.into()),
                Progress::More => match stream.read(reader.space(4096))? {
                    0 => return Err(ErrorKind::UnexpectedEof.into()),
                    read => reader.filled(read),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_report_gets_the_status_of_its_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
            request
        });
        assert_eq!(Spare::default().post(&endpoint, b"POST").unwrap(), 403);
        assert_eq!(&server.join().unwrap(), b"POST");
    }

    #[test]
    fn a_look_up_that_failed_is_tried_again() {
        let spare = Spare::default();
        assert!(spare.post("no-port", b"").is_err());
        assert_eq!(spare.address("127.0.0.1:9").unwrap().port(), 9);
    }
}
