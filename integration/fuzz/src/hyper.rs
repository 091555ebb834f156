//! The reading of the same connection by hyper's server. Each of the two refuses things that the other takes, so only
//! the requests that both take are compared: those have to be cut out of the bytes at the same places.

use crate::feed::Seen;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Checks that both take a connection's first requests for the same ones.
pub fn same_requests(bytes: &[u8], ours: &[Seen]) {
    for (ours, theirs) in ours.iter().zip(requests(bytes)) {
        assert_eq!(ours.method, theirs.method.as_str().as_bytes());
        if let Some(target) = theirs.target {
            assert_eq!(ours.target, target.as_bytes());
        }
        assert_eq!(ours.body, theirs.body);
    }
}

struct Taken {
    method: Method,
    /// The target; `None` if it is not in origin form.
    target: Option<String>,
    body: Bytes,
}

fn requests(bytes: &[u8]) -> Vec<Taken> {
    let taken = RefCell::new(Vec::new());
    let service = service_fn(async |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let origin = head.uri.scheme().is_none() && head.uri.authority().is_none() && head.uri != "*";
        let target = origin.then(|| head.uri.to_string());
        taken.borrow_mut().push(Taken { method: head.method, target, body });
        Ok::<_, hyper::Error>(Response::new(Empty::<Bytes>::new()))
    });
    // The date of an answer would take another way through the code in another second.
    let server = Builder::new().half_close(true).max_headers(256).auto_date_header(false).to_owned();
    let connection = server.serve_connection(Wire { rest: bytes }, service);
    let mut connection = pin!(connection);
    let mut context = Context::from_waker(Waker::noop());
    // The wire never makes it wait for anything but itself.
    for _ in 0..4 * bytes.len() + 64 {
        if connection.as_mut().poll(&mut context).is_ready() {
            break;
        }
    }
    taken.take()
}

/// A peer that has sent everything, closes, and does not listen.
struct Wire<'a> {
    rest: &'a [u8],
}

impl Read for Wire<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut room: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let n = room.remaining().min(self.rest.len());
        room.put_slice(&self.rest[..n]);
        self.rest = &self.rest[n..];
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
