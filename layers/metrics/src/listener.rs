//! A port of its own for the page that Prometheus reads, on a thread of its own: nothing of it passes the functions.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The time that a client may take for its request, and again for the response. Clients are answered one by one.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most bytes of a request that are read.
const MOST: usize = 8 << 10;

/// The listening thread; it ends with this value.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    is_ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Opens the port. `page` is called for each request of `path`.
    pub(crate) fn open(
        address: SocketAddr,
        path: &'static str,
        page: impl Fn() -> String + Send + 'static,
    ) -> io::Result<Listener> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let is_ending = Arc::new(AtomicBool::new(false));
        let ending = is_ending.clone();
        let work = move || {
            for client in listener.incoming() {
                if ending.load(Ordering::Relaxed) {
                    return;
                }
                // A failure concerns only the client that went away or was too slow.
                let _ = client.and_then(|client| answer(client, path, &page));
            }
        };
        let thread = std::thread::Builder::new().name("faas-metrics".to_owned()).spawn(work)?;
        Ok(Listener { address, is_ending, thread: Some(thread) })
    }

    /// Returns the address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::Relaxed);
        // The thread waits for a client, so this connects as one.
        let port = self.address.port();
        let host = if self.address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { self.address.ip() };
        if TcpStream::connect_timeout(&SocketAddr::new(host, port), PATIENCE).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

fn answer(mut client: TcpStream, path: &str, page: &impl Fn() -> String) -> io::Result<()> {
    let head = read_head(&mut client)?;
    let mut words = head.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let asked = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let (status, body) = match method {
        _ if asked != path.as_bytes() => ("404 Not Found", format!("there is only {path}\n")),
        b"GET" | b"HEAD" => ("200 OK", page()),
        _ => ("405 Method Not Allowed", "only GET and HEAD are answered\n".to_owned()),
    };
    let length = body.len();
    let kind = if status.starts_with("200") { crate::PROMETHEUS } else { "text/plain" };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    client.set_write_timeout(Some(PATIENCE))?;
    client.write_all(head.as_bytes())?;
    if method != b"HEAD" {
        client.write_all(body.as_bytes())?;
    }
    Ok(())
}

/// Reads to the end of the request's head.
fn read_head(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let until = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > MOST {
            return Err(io::ErrorKind::TimedOut.into());
        }
        client.set_read_timeout(Some(left))?;
        match client.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => head.extend_from_slice(&part[..read]),
        }
    }
    Ok(head)
}
