//! The second port: short pages for whoever looks after the process, on a thread of their own, so that they come also
//! while everything else is busy. It serves one client at a time, and none for long.

use crate::guard;
use faas_core::http1::{Limits, Message, ReadProgress, Reader};
use faas_core::log::{Level, Log};
use faas_core::platform::{LocalResponse, Serving};
use faas_core::serve::{Manner, response_head};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time that a client has to send its request, and again to take the page.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause after a failure to accept, for lack of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// The limits to a request for a page.
const REQUEST: Limits = Limits {
    head_bytes: 16 << 10,
    target_bytes: 2 << 10,
    headers: 64,
    body_bytes: 0,
    trailer_bytes: 0,
    chunk_ext_bytes: 0,
};

/// Opens the port, if the protocol has one, and returns its address.
///
/// # Errors
/// The message names the address.
pub(super) fn open(protocol: &Arc<dyn Serving>, log: &Log) -> Result<Option<SocketAddr>, String> {
    let Some(address) = protocol.side_listen() else { return Ok(None) };
    let at = |error: io::Error| format!("cannot listen on {address}: {error}");
    let listener = TcpListener::bind(address).map_err(at)?;
    let local = listener.local_addr().map_err(at)?;
    log.say(Level::Info, &format!("pages on {local}"));
    let (protocol, own) = (protocol.clone(), log.clone());
    guard::spawn(log, "faas-admin", Some(128 << 10), move || serve(&listener, &*protocol, &own)).map_err(at)?;
    Ok(Some(local))
}

/// Serves clients for the life of the process.
fn serve(listener: &TcpListener, protocol: &dyn Serving, log: &Log) {
    loop {
        match listener.accept() {
            // A client that does not listen, or leaves, has missed its page.
            Ok((socket, _)) => drop(converse(&socket, protocol, log)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => std::thread::park_timeout(PAUSE),
        }
    }
}

fn converse(mut socket: &TcpStream, protocol: &dyn Serving, log: &Log) -> io::Result<()> {
    let Some(request) = read(socket)? else { return Ok(()) };
    let answer = page(protocol, &request);
    let mut out = Vec::new();
    response_head::own(&mut out, &answer, Manner::of(&request).last(), log);
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.write_all(&out)?;
    socket.shutdown(Shutdown::Write)
}

/// Reads a whole request; `None` if it does not come in time.
fn read(mut socket: &TcpStream) -> io::Result<Option<Message>> {
    let began = Instant::now();
    let mut reader = Reader::request(REQUEST);
    loop {
        match reader.poll() {
            Ok(ReadProgress::Head) => {}
            Ok(ReadProgress::Complete) => return Ok(reader.take()),
            Ok(ReadProgress::More) => {
                let left = PATIENCE.saturating_sub(began.elapsed());
                if left.is_zero() {
                    return Ok(None);
                }
                socket.set_read_timeout(Some(left))?;
                match socket.read(reader.space(1 << 10))? {
                    0 => return Ok(None),
                    read => reader.filled(read),
                }
            }
            Err(refusal) => {
                let mut out = Vec::new();
                response_head::plain(&mut out, refusal.status(), &refusal.to_string());
                socket.set_write_timeout(Some(PATIENCE))?;
                socket.write_all(&out)?;
                return Ok(None);
            }
        }
    }
}

fn page(protocol: &dyn Serving, request: &Message) -> LocalResponse {
    if request.method() != b"GET" {
        return LocalResponse::text(405, "the only method is GET").with(&[("allow", "GET")]);
    }
    let path = request.target().split(|byte| *byte == b'?').next().unwrap_or_default();
    match protocol.side_page(path) {
        Some((content_type, text)) => LocalResponse { content_type, ..LocalResponse::text(200, text) },
        None => LocalResponse::text(404, "no such page"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::silent;
    use faas_core::invocation::{Code, Invocation};
    use faas_core::platform::Response;
    use faas_core::platform::{BodyFrom, FailedInvocation, Listen, Route, State};
    use faas_core::process::Process;

    /// A platform whose admin port has this address, and one page: `/metrics`.
    #[derive(Debug)]
    struct Page(String);

    impl Serving for Page {
        fn listen(&self) -> Listen<'_> {
            Listen::Tcp("")
        }

        fn concurrency(&self) -> usize {
            1
        }

        fn side_listen(&self) -> Option<&str> {
            Some(&self.0)
        }

        fn side_page(&self, path: &[u8]) -> Option<(&'static str, String)> {
            (path == b"/metrics").then(|| ("text/plain; version=0.0.4", "up 1\n".to_owned()))
        }

        fn route(&self, _: &Process, _: &Message, _: State) -> Route {
            Route::text(404, "")
        }

        fn respond(&self, _: &Invocation, _: &mut Response, _: &mut Vec<u8>) -> BodyFrom {
            BodyFrom::Reply
        }

        fn failed(&self, _: FailedInvocation<'_>, _: &mut Response, _: &mut Vec<u8>) {}

        fn stream_head(&self, _: &Invocation, _: Code, _: &mut Response) {}
    }

    fn opened(address: &str) -> Result<Option<SocketAddr>, String> {
        let protocol: Arc<dyn Serving> = Arc::new(Page(address.to_owned()));
        open(&protocol, &silent())
    }

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut all = String::new();
        socket.read_to_string(&mut all).unwrap();
        all
    }

    #[test]
    fn a_page_is_for_get_alone_and_each_answer_is_the_last() {
        let address = opened("127.0.0.1:0").unwrap().unwrap();
        let reply = ask(address, "GET /metrics?all HTTP/1.1\r\nHost: test\r\n\r\n");
        let page = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncache-control: no-store\r\n\
                    connection: close\r\ncontent-length: 5\r\n\r\nup 1\n";
        assert_eq!(reply, page);
        let status = |request: &str| ask(address, request).split(' ').nth(1).map(str::to_owned);
        assert_eq!(status("GET /other HTTP/1.1\r\nHost: test\r\n\r\n").as_deref(), Some("404"));
        for other in ["POST", "HEAD"] {
            let refused =
                ask(address, &format!("{other} /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"));
            assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("\r\nallow: GET\r\n"), "{refused}");
        }
        assert_eq!(status("nonsense\r\n\r\n").as_deref(), Some("400"));
    }

    #[test]
    fn who_says_nothing_is_not_waited_for() {
        let address = opened("127.0.0.1:0").unwrap().unwrap();
        let mut silent = TcpStream::connect(address).unwrap();
        assert!(ask(address, "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n").ends_with("up 1\n"));
        assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0, "it was let go first");
    }

    #[test]
    fn a_port_in_use_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let error = opened(&address).unwrap_err();
        assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
    }
}
