//! An HTTP/1 connection: the core's codec over one of tokio's sockets.
//!
//! Not hyper's: it mends a request with both `Content-Length` and `Transfer-Encoding` without a word, where it has to be
//! refused, and its time limit for heads runs on an idle connection too, which proxies keep open for minutes. With the
//! core's codec both runtimes accept and refuse the same, and a body is not copied once.

use super::Client;
use super::exchange::{Outcome, Tap, exchange, finish};
use super::head::{self, Manner};
use super::outlet::Piece;
use super::seats::Seat;
use super::sockets::{ReadHalf, WriteHalf};
use crate::stop::{Phase, reached};
use faas_abi::host::Given;
use faas_core::http1::{Framing, Message, Progress, Reader, Refusal, write};
use faas_core::platform::Response;
use std::io::{self, ErrorKind, IoSlice};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// Read this much at once when nothing is known of the length.
const READ: usize = 4 << 10;
/// What a client may send ahead while its request is served. More stays in the socket.
const AHEAD: usize = 64 << 10;
/// How long, and how much, is read from a client that is still sending what has been refused, so that it gets to see why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

struct Connection {
    client: Arc<Client>,
    read: ReadHalf,
    write: WriteHalf,
    reader: Reader,
    phase: watch::Receiver<Phase>,
    out: Vec<u8>,
}

/// Why no request comes.
enum End {
    /// The client is gone, or is not to be kept.
    Closed,
    /// What it sent is no request.
    Refused(Refusal),
    /// It is too slow.
    Late,
}

/// Serves a connection to its end.
pub(super) async fn serve(client: Arc<Client>, (read, write): (ReadHalf, WriteHalf)) {
    let reader = Reader::request(client.server.config.limits);
    let phase = client.server.stop.listen();
    let mut connection = Connection { client, read, write, reader, phase, out: Vec::new() };
    loop {
        match connection.receive().await {
            Ok(request) => match connection.respond(request).await {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            },
            Err(End::Closed) => return,
            Err(End::Refused(refusal)) if refusal.answerable() => {
                return connection.refuse(refusal.status(), &refusal.to_string()).await;
            }
            Err(End::Refused(_)) => return,
            Err(End::Late) => {
                return connection.refuse(408, "the request did not come in within the time for it").await;
            }
        }
    }
}

impl Connection {
    async fn receive(&mut self) -> Result<Message, End> {
        let patience = self.client.server.config.read_timeout;
        let mut head_until = None;
        let mut closing_until = None;
        let mut in_body = false;
        loop {
            match self.reader.poll().map_err(End::Refused)? {
                Progress::Complete => {
                    if let Some(request) = self.reader.take() {
                        return Ok(request);
                    }
                }
                Progress::Head => {
                    in_body = true;
                    if self.reader.head().is_some_and(|head| head.expects_continue()) {
                        self.write.write_all(write::CONTINUE).await.map_err(|_| End::Closed)?;
                    }
                }
                Progress::More => {
                    let idle = self.reader.is_idle();
                    let read = self.read.read(self.reader.space(READ));
                    let read = if idle {
                        // As long as it likes: who closes first loses requests.
                        tokio::select! {
                            biased;
                            read = read => read,
                            () = reached(&mut self.phase, Phase::Closing) => return Err(End::Closed),
                        }
                    } else {
                        let now = Instant::now();
                        let until = if in_body { now + patience } else { *head_until.get_or_insert(now + patience) };
                        let until = closing_until.map_or(until, |closing: Instant| closing.min(until));
                        tokio::select! {
                            biased;
                            read = timeout_at(until, read) => read.map_err(|_| End::Late)?,
                            // What is nearly here is still served.
                            () = reached(&mut self.phase, Phase::Closing), if closing_until.is_none() => {
                                closing_until = Some(now + LINGER);
                                continue;
                            }
                        }
                    };
                    match read {
                        // In the middle of a request or not, there is nobody to answer.
                        Ok(0) | Err(_) => return Err(End::Closed),
                        Ok(read) => self.reader.filled(read),
                    }
                }
            }
        }
    }

    /// Serves a request. `Ok(true)`: the next may come.
    async fn respond(&mut self, request: Message) -> io::Result<bool> {
        let mut manner = Manner::of(&request);
        let outcome = tokio::select! {
            biased;
            outcome = exchange(&self.client, request) => outcome,
            () = gone(&mut self.read, &mut self.reader) => return Err(ErrorKind::ConnectionAborted.into()),
        };
        manner.keep &= !self.client.server.is_stopping();
        match outcome {
            Outcome::Answer(seat) => self.answer(seat, manner).await?,
            Outcome::Own(response, body) => self.own(&response, &body, manner).await?,
            Outcome::Stream(response, tap) => self.stream(&response, &tap, &mut manner).await?,
        }
        Ok(manner.keep)
    }

    async fn answer(&mut self, mut seat: Seat, manner: Manner) -> io::Result<()> {
        self.out.clear();
        let response = &seat.desk.response;
        let body = seat.body();
        head::write(&mut self.out, response, manner, Framing::Length(body.len() as u64));
        let body = if manner.has_body(response.status) { body } else { &[] };
        let total = self.out.len() + body.len();
        let written = match self.write.try_write_vectored(&[IoSlice::new(&self.out), IoSlice::new(body)]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            // The client is gone; the seat is not.
            Err(error) => {
                finish(&self.client, seat);
                return Err(error);
            }
            Ok(written) => written,
        };
        if written == total {
            if let Some(message) = finish(&self.client, seat) {
                self.reader.recycle(message);
            }
            return Ok(());
        }
        // A slow client does not keep others from a seat.
        let rest = if body.is_empty() { Given::EMPTY } else { seat.take_body() };
        finish(&self.client, seat);
        let of_head = written.min(self.out.len());
        let parts = [&self.out[of_head..], &rest.as_slice()[written - of_head..], &[]];
        self.write_all(parts).await
    }

    async fn own(&mut self, response: &Response, body: &[u8], manner: Manner) -> io::Result<()> {
        self.out.clear();
        head::write(&mut self.out, response, manner, Framing::Length(body.len() as u64));
        let body = if manner.has_body(response.status) { body } else { &[] };
        self.write_all([&self.out, body, &[]]).await
    }

    async fn stream(&mut self, response: &Response, tap: &Tap, manner: &mut Manner) -> io::Result<()> {
        self.out.clear();
        let framing = manner.open_ended();
        head::write(&mut self.out, response, *manner, framing);
        self.write_all([&self.out, &[], &[]]).await?;
        let has_body = manner.has_body(response.status);
        loop {
            let piece = tokio::select! {
                biased;
                piece = tap.next() => piece,
                () = gone(&mut self.read, &mut self.reader) => return Err(ErrorKind::ConnectionAborted.into()),
            };
            match piece {
                Piece::Chunk(_) if !has_body => {}
                Piece::Chunk(chunk) if framing == Framing::Chunked => {
                    let Some(length) = NonZeroUsize::new(chunk.as_slice().len()) else { continue };
                    self.out.clear();
                    write::chunk_size(&mut self.out, length);
                    self.write_all([&self.out, chunk.as_slice(), write::CHUNK_END]).await?;
                }
                Piece::Chunk(chunk) => self.write_all([chunk.as_slice(), &[], &[]]).await?,
                Piece::End if has_body && framing == Framing::Chunked => {
                    return self.write_all([write::LAST_CHUNK, &[], &[]]).await;
                }
                Piece::End => return Ok(()),
                // Without its end, the client knows that the body is not whole.
                Piece::Broken => return Err(ErrorKind::ConnectionAborted.into()),
            }
        }
    }

    /// Writes everything, as long as the client takes something now and then.
    async fn write_all(&self, mut parts: [&[u8]; 3]) -> io::Result<()> {
        while parts.iter().any(|part| !part.is_empty()) {
            match self.write.try_write_vectored(&parts.map(IoSlice::new)) {
                Ok(mut written) => {
                    for part in &mut parts {
                        let of_part = written.min(part.len());
                        *part = &part[of_part..];
                        written -= of_part;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    timeout(self.client.server.config.write_timeout, self.write.writable()).await??;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says why, and closes in a way that lets the client read it.
    async fn refuse(mut self, status: u16, text: &str) {
        self.out.clear();
        head::plain(&mut self.out, status, text);
        let said = async {
            self.write_all([&self.out, &[], &[]]).await?;
            self.write.shutdown().await?;
            let mut waste = [0; 4 << 10];
            let mut left = LINGER_BYTES;
            while left > 0 {
                match self.read.read(&mut waste).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            Ok::<(), io::Error>(())
        };
        // Whoever does not listen is not waited for.
        let _ = timeout(LINGER, said).await;
    }
}

/// Comes back when the client is gone. What it sends ahead is kept for later.
async fn gone(read: &mut ReadHalf, reader: &mut Reader) {
    let mut ahead = 0;
    while ahead < AHEAD {
        match read.read(reader.space(READ)).await {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                reader.filled(read);
                ahead += read;
            }
        }
    }
    std::future::pending().await
}
