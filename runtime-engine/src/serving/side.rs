//! A platform's second port: a few pages of text for whoever watches over the process. Nothing else is served here.

use super::sockets::listen;
use crate::loops::Loops;
use faas_core::failure::Failure;
use faas_core::http1::write::HeadWriter;
use faas_core::http1::{Framing, Limits, Progress, Reader};
use faas_core::platform::{Answer, Serving};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What a client has for asking, reading and leaving.
const PATIENCE: Duration = Duration::from_secs(3);
/// After a failure to accept.
const PAUSE: Duration = Duration::from_millis(50);
/// Clients at once; others wait.
const CLIENTS: usize = 16;
/// The head of a request is not longer.
const HEAD: usize = 8 << 10;
/// Read this much at once.
const READ: usize = 1 << 10;

/// Opens it, where the platform has one.
///
/// # Errors
/// If nothing can listen there.
pub(super) fn open(protocol: &Arc<dyn Serving>, loops: &Loops) -> Result<(), Failure> {
    let Some(endpoint) = protocol.side_listen() else { return Ok(()) };
    let listener = listen(endpoint).map_err(|error| {
        let message = format!("cannot listen on {endpoint}, the second port of this platform: {error}");
        Failure::new("Runtime.NoResources", message)
    })?;
    // On the loop that is this thread's: where the listener belongs.
    loops.first().spawn(accept(listener, protocol.clone()));
    Ok(())
}

async fn accept(listener: TcpListener, protocol: Arc<dyn Serving>) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let protocol = protocol.clone();
                tokio::spawn(async move {
                    // Whoever is too slow, or leaves, gets nothing.
                    let _ = timeout(PATIENCE, serve(stream, &*protocol)).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn serve(mut stream: TcpStream, protocol: &dyn Serving) -> io::Result<()> {
    let mut reader = Reader::request(Limits { head_bytes: HEAD, ..Limits::default() });
    let (answer, to_head) = loop {
        match reader.poll() {
            // What may follow its head means nothing here.
            Ok(Progress::Head | Progress::Complete) => match reader.head() {
                Some(head) => break (page(head.method(), head.target(), protocol), head.method() == b"HEAD"),
                None => return Ok(()),
            },
            Ok(Progress::More) => match stream.read(reader.space(READ)).await? {
                0 => return Ok(()),
                read => reader.filled(read),
            },
            Err(refusal) if refusal.answerable() => {
                break (Answer::text(refusal.status(), refusal.to_string()), false);
            }
            Err(_) => return Ok(()),
        }
    };
    stream.write_all(&written(&answer, to_head)).await?;
    stream.shutdown().await?;
    // Closed with something unread, the connection would be reset, and the answer lost.
    let mut waste = [0; READ];
    while stream.read(&mut waste).await? > 0 {}
    Ok(())
}

fn page(method: &[u8], target: &[u8], protocol: &dyn Serving) -> Answer {
    if method != b"GET" {
        return Answer::text(405, "only GET").with(&[("allow", "GET")]);
    }
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    match protocol.side_page(path) {
        Some((content_type, text)) => Answer { content_type, ..Answer::text(200, text) },
        None => Answer::text(404, "no such page"),
    }
}

fn written(answer: &Answer, to_head: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let Ok(mut head) = HeadWriter::response(&mut out, answer.status) else { return out };
    let own = [("content-type", answer.content_type), ("connection", "close")];
    for (name, value) in own.iter().chain(answer.headers) {
        // Names and values are this project's own texts.
        let _ = head.header(name, value);
    }
    head.end(Framing::Length(answer.body.len() as u64));
    if !to_head {
        out.extend_from_slice(answer.body.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use faas_core::failure::Failure;
    use faas_core::http1::Message;
    use faas_core::invocation::{Code, Facts, Invocation};
    use faas_core::platform::{BodyFrom, Listen, Response, Route, State};
    use faas_core::unit::Unit;

    #[derive(Debug)]
    struct Pages;

    impl Serving for Pages {
        fn listen(&self) -> Listen<'_> {
            Listen::Tcp("")
        }
        fn concurrency(&self) -> usize {
            1
        }
        fn side_page(&self, path: &[u8]) -> Option<(&'static str, String)> {
            (path == b"/metrics").then(|| ("text/plain; version=0.0.4", "calls 7\n".to_owned()))
        }
        fn route(&self, _: &Unit, _: &Message, _: State) -> Route {
            Route::Health
        }
        fn respond(&self, _: &Invocation, _: &mut Response, _: &mut Vec<u8>) -> BodyFrom {
            BodyFrom::Reply
        }
        fn failed(&self, _: &Facts, _: &[u8], _: &Failure, _: &mut Response, _: &mut Vec<u8>) {}
        fn stream_head(&self, _: &Invocation, _: Code, _: &mut Response) {}
    }

    /// Everything that comes back on a connection of its own.
    fn answered(request: &'static str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = listen("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(accept(listener, Arc::new(Pages)));
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        })
    }

    #[test]
    fn a_known_page_is_given_with_its_type_and_nothing_else_is() {
        let page = answered("GET /metrics?x=1 HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n"), "{page}");
        assert!(page.contains("\r\nconnection: close\r\n") && page.ends_with("\r\n\r\ncalls 7\n"), "{page}");
        assert!(answered("GET /other HTTP/1.1\r\nhost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
        let other = answered("POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello");
        assert!(other.starts_with("HTTP/1.1 405 ") && other.contains("\r\nallow: GET\r\n"), "{other}");
        let head = answered("HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 405 ") && head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn what_is_no_request_is_told_so_and_one_that_does_not_end_is_left() {
        assert!(answered("GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n").starts_with("HTTP/1.1 400 "));
        assert_eq!(answered("GET /metrics HTT"), "");
    }
}
