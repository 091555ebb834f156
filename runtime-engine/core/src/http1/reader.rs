//! The receive side of a connection: one buffer, and the state of the message in progress. Does no I/O: a driver reads
//! into [`Reader::space`] and says how much came.
//!
//! The buffer is initialised over its whole length and stays so: no byte is cleared again to be read over, and no
//! `unsafe` is needed. A message in progress lies in `buf[start..end]`; all other offsets count from `start`.
//!
//! A length is easily claimed, so a request's buffer grows with what has come: it doubles, and never past the end of
//! the body. A response comes from a control plane, which is believed up to [`AT_ONCE`]. Memory that is not there
//! refuses the message and does not end the process.

use std::mem;

use super::chunked::{Decoder, Piece};
use super::fields::Trailers;
use super::framing::{Framing, request_framing, response_framing};
use super::head::{HeadReader, Side};
use super::{Head, Limits, Message, Refusal};

/// The size of the smallest buffer, which takes an ordinary head and a small event in one read.
const SMALLEST: usize = 8 << 10;

/// The size of a buffer that is kept. A larger one is given up once a request is answered, so that idle connections do
/// not keep the memory of their largest request. On the side of responses, where there is one connection a worker, it
/// is given up once a message did not need it.
const KEPT: usize = 256 << 10;

/// The size up to which the body of a response gets all of its room at once, if its length is known. An event of 6 MiB,
/// the largest of AWS Lambda and Tencent SCF, is received where it stays. Beyond it room grows with what arrives.
const AT_ONCE: usize = 8 << 20;

/// The number of messages given back that are kept: on the side of responses the answer to a reply is read while the
/// event is still in use.
const EMPTIED: usize = 2;

/// The room in bytes beside the largest body of unknown length, for the lines of chunks and trailers that have come
/// with its end.
const CHUNK_LINES: usize = 64 << 10;

/// Says how far [`Reader::poll`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadProgress {
    /// More bytes are needed to go on.
    More,
    /// The head is whole; see [`Reader::head`]. Reported once a message, before its body is looked at.
    Head,
    /// The message is whole; [`Reader::take`] hands it out.
    Complete,
}

/// The meaning of the end of the connection for the message in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eof {
    /// It came between two messages.
    Closed,
    /// It ended the body of a response; [`Reader::take`] hands the message out.
    Complete,
}

/// Reads the messages of one connection.
pub struct Reader {
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// A second buffer, there when messages are handed out while others are waiting.
    spare: Vec<u8>,
    /// Messages that were given back, without their buffers, for the next ones.
    emptied: Vec<Message>,
    limits: Limits,
    head: HeadReader,
    framing: Framing,
    trailers: Trailers,
    trailers_at: usize,
    /// End of the body, as far as it was decoded.
    body_end: usize,
    state: State,
    to_head: bool,
}

enum State {
    Head,
    Length {
        end: usize,
    },
    Chunked(Decoder),
    Trailers,
    UntilClose,
    /// The message ends at this offset.
    Complete(usize),
    Refused(Refusal),
}

impl Reader {
    /// Reads requests: the server's side.
    pub fn request(limits: Limits) -> Reader {
        Reader::new(Side::Request, limits)
    }

    /// Reads responses: the client's side. Interim responses (1xx) are skipped.
    pub fn response(limits: Limits) -> Reader {
        Reader::new(Side::Response, limits)
    }

    fn new(side: Side, mut limits: Limits) -> Reader {
        // Fields are kept as 32-bit offsets.
        limits.head_bytes = limits.head_bytes.min(u32::MAX as usize);
        limits.trailer_bytes = limits.trailer_bytes.min(u32::MAX as usize);
        Reader {
            buf: Vec::new(),
            start: 0,
            end: 0,
            spare: Vec::new(),
            emptied: Vec::new(),
            limits,
            head: HeadReader::new(side),
            framing: Framing::Empty,
            trailers: Trailers::default(),
            trailers_at: 0,
            body_end: 0,
            state: State::Head,
            to_head: false,
        }
    }

    /// Notes that the next response answers a HEAD request, so it has no body whatever its head says.
    pub fn expect_no_body(&mut self) {
        self.to_head = true;
    }

    /// Returns room for at least `min` more bytes, or for the rest of the body where that is less. It is never empty.
    ///
    /// Where there is no memory for the message, the room is a place for bytes that nobody looks at any more, and the
    /// next [`poll`](Reader::poll) gives [`Refusal::NoMemory`].
    pub fn space(&mut self, min: usize) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let needed = self.needed(min);
        if self.buf.len() - self.start < needed {
            self.make_room(needed);
        }
        &mut self.buf[self.end..]
    }

    /// Returns the number of bytes of memory that the reader's buffers take up, whether something is in them or not. A
    /// message that is taken takes its buffer along; [`Message::bytes`] says how large that is.
    pub fn buffered(&self) -> usize {
        self.buf.capacity() + self.spare.capacity()
    }

    /// Returns what [`buffered`](Reader::buffered) is going to be after [`space`](Reader::space) with this `min`: a
    /// caller that has a budget for it asks before.
    pub fn would_buffer(&self, min: usize) -> usize {
        let needed = self.needed(min);
        // What is received moves to the front before a buffer grows.
        if needed <= self.buf.len().max(self.spare.len()) {
            return self.buffered();
        }
        self.target(needed) + self.spare.capacity()
    }

    /// Gives back memory that holds nothing: all of it between two messages, else the second buffer.
    pub fn trim(&mut self) {
        self.spare = Vec::new();
        if self.is_idle() && self.start == self.end {
            (self.buf, self.start, self.end) = (Vec::new(), 0, 0);
        }
    }

    /// Returns the size that the buffer has to have for that room, counted from the first byte of the message in
    /// progress.
    #[inline]
    fn needed(&self, min: usize) -> usize {
        let held = self.end - self.start;
        let min = min.max(1);
        let is_request = self.head.side() == Side::Request;
        let wanted = match &self.state {
            State::Length { end } => {
                let at_once = if is_request { min } else { AT_ONCE.max(held) };
                (end - held.min(*end)).clamp(1, at_once)
            }
            State::Chunked(decoder) if !is_request => {
                let chunk = usize::try_from(decoder.chunk_left()).unwrap_or(usize::MAX);
                min.max(chunk.saturating_add(2).min(AT_ONCE.max(held)))
            }
            _ => min,
        };
        held.saturating_add(wanted)
    }

    /// Returns the size that a buffer grows to if it has to hold `needed` bytes: twice its present length, but no more
    /// than the message can be long.
    fn target(&self, needed: usize) -> usize {
        let most = match &self.state {
            State::Length { end } => *end,
            State::Chunked(_) | State::UntilClose => {
                let body = usize::try_from(self.limits.body_bytes).unwrap_or(usize::MAX);
                self.head.end().saturating_add(body).saturating_add(CHUNK_LINES)
            }
            _ => usize::MAX,
        };
        needed.max((self.end - self.start).saturating_mul(2).min(most)).max(SMALLEST)
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, needed: usize) {
        let held = self.end - self.start;
        if needed > self.buf.len() && needed <= self.spare.len() {
            // The buffer of the last large message: a stream of large messages makes no new one each time.
            self.spare[..held].copy_from_slice(&self.buf[self.start..self.end]);
            mem::swap(&mut self.buf, &mut self.spare);
            (self.start, self.end) = (0, held);
            return;
        }
        self.buf.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, held);
        let target = self.target(needed);
        if needed <= self.buf.len() || grown(&mut self.buf, target) {
            return;
        }
        if self.buf.is_empty() {
            // Without the smallest buffer nobody can be answered.
            self.buf.resize(SMALLEST, 0);
        } else if held == self.buf.len() {
            self.state = State::Refused(Refusal::NoMemory);
            self.end = 0;
        }
    }

    /// Notes that the first `n` bytes of [`space`](Reader::space) have been filled.
    pub fn filled(&mut self, n: usize) {
        self.end = self.end.saturating_add(n).min(self.buf.len());
    }

    /// Reads as far as the received bytes allow.
    ///
    /// # Errors
    /// The message is refused; every later call says the same, and the connection has to be closed.
    #[inline]
    pub fn poll(&mut self) -> Result<ReadProgress, Refusal> {
        // Drivers ask before they read, and between two messages that is half of the time.
        if self.is_idle() { Ok(ReadProgress::More) } else { self.look() }
    }

    fn look(&mut self) -> Result<ReadProgress, Refusal> {
        let outcome = self.advance();
        if let Err(refusal) = outcome {
            self.state = State::Refused(refusal);
        }
        outcome
    }

    fn advance(&mut self) -> Result<ReadProgress, Refusal> {
        let received = self.end - self.start;
        match &mut self.state {
            State::Refused(refusal) => return Err(*refusal),
            State::Head => return self.advance_head(),
            State::Length { end } => {
                if received < *end {
                    return Ok(ReadProgress::More);
                }
                self.body_end = *end;
                self.state = State::Complete(*end);
            }
            State::Chunked(_) => {
                if !self.advance_chunks()? {
                    return Ok(ReadProgress::More);
                }
                self.state = State::Trailers;
                return self.advance();
            }
            State::Trailers => {
                let section = &self.buf[self.start + self.trailers_at..self.end];
                let Limits { trailer_bytes, headers, .. } = self.limits;
                let Some(length) = self.trailers.advance(section, trailer_bytes, headers)? else {
                    return Ok(ReadProgress::More);
                };
                self.state = State::Complete(self.trailers_at + length);
            }
            State::UntilClose => {
                self.body_end = received;
                if (received - self.head.end()) as u64 > self.limits.body_bytes {
                    return Err(Refusal::BodyTooLarge { limit: self.limits.body_bytes });
                }
                return Ok(ReadProgress::More);
            }
            State::Complete(_) => {}
        }
        Ok(ReadProgress::Complete)
    }

    fn advance_head(&mut self) -> Result<ReadProgress, Refusal> {
        loop {
            if !self.head.advance(&mut self.buf[self.start..self.end], &self.limits)? {
                return Ok(ReadProgress::More);
            }
            let status = self.head.start.status;
            if status == 101 {
                return Err(Refusal::SwitchingProtocols);
            }
            if !(100..=199).contains(&status) {
                break;
            }
            self.start += self.head.end();
            self.head.reset();
        }
        let (start, announced) = (&self.head.start, &self.head.announced);
        let to_head = mem::take(&mut self.to_head);
        self.framing = match self.head.side() {
            Side::Request => request_framing(start.version, announced.length, announced.chunked)?,
            Side::Response => {
                response_framing(start.version, start.status, to_head, announced.length, announced.chunked)?
            }
        };
        let at = self.head.end();
        self.body_end = at;
        self.state = match self.framing {
            Framing::Empty => State::Complete(at),
            Framing::Length(length) => {
                let limit = self.limits.body_bytes;
                let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
                match end {
                    Some(end) if length <= limit => State::Length { end },
                    _ => return Err(Refusal::BodyTooLarge { limit }),
                }
            }
            Framing::Chunked => State::Chunked(Decoder::new(&self.limits)),
            Framing::UntilClose => State::UntilClose,
        };
        Ok(ReadProgress::Head)
    }

    /// Decodes in place: data moves down over the framing before it, and the bytes that are received next land right
    /// behind it.
    fn advance_chunks(&mut self) -> Result<bool, Refusal> {
        let State::Chunked(decoder) = &mut self.state else { return Ok(true) };
        let message = &mut self.buf[self.start..self.end];
        let mut at = self.body_end;
        loop {
            match decoder.decode(&message[at..])? {
                Piece::Data { from, to } => {
                    if at + from != self.body_end {
                        message.copy_within(at + from..at + to, self.body_end);
                    }
                    self.body_end += to - from;
                    at += to;
                }
                Piece::More => {
                    self.end = self.start + self.body_end;
                    return Ok(false);
                }
                Piece::Last { next } => {
                    self.trailers_at = at + next;
                    return Ok(true);
                }
            }
        }
    }

    /// Ends the connection: no more bytes will come. It is to be called when [`poll`](Reader::poll) last said
    /// [`ReadProgress::More`].
    ///
    /// # Errors
    /// It ended inside a message, or an earlier message was refused.
    pub fn eof(&mut self) -> Result<Eof, Refusal> {
        let received = self.end - self.start;
        let body = (received.max(self.head.end()) - self.head.end()) as u64;
        let refusal = match &self.state {
            State::Head if self.head.untouched(received) => return Ok(Eof::Closed),
            State::Complete(_) => return Ok(Eof::Complete),
            State::UntilClose => {
                self.body_end = received;
                self.state = State::Complete(received);
                return Ok(Eof::Complete);
            }
            State::Head => Refusal::TruncatedHead { received },
            State::Length { end } => {
                Refusal::TruncatedBody { received: body, expected: Some((end - self.head.end()) as u64) }
            }
            State::Chunked(_) | State::Trailers => {
                Refusal::TruncatedBody { received: (self.body_end - self.head.end()) as u64, expected: None }
            }
            State::Refused(refusal) => *refusal,
        };
        self.state = State::Refused(refusal);
        Err(refusal)
    }

    /// Returns `true` if no byte of a message has come since the last one was taken. Then the connection may be closed,
    /// or used for the next request, without harm to anything.
    #[inline]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Head) && self.head.untouched(self.end - self.start)
    }

    /// Returns the head of the message in progress, from [`ReadProgress::Head`] until it is taken; `None` before and
    /// after that.
    pub fn head(&self) -> Option<Head<'_>> {
        match self.state {
            State::Head | State::Refused(_) => None,
            _ => Some(Head {
                bytes: &self.buf[self.start..self.end],
                start: &self.head.start,
                announced: &self.head.announced,
                fields: &self.head.fields,
                framing: self.framing,
            }),
        }
    }

    /// Hands out the message after [`ReadProgress::Complete`], `None` before. Bytes behind it stay for the next one.
    /// `None` also where there is no memory for those, and then [`poll`](Reader::poll) says so.
    pub fn take(&mut self) -> Option<Message> {
        let State::Complete(length) = self.state else { return None };
        // What is shorter of the message and the rest behind it is copied to the spare buffer.
        let copied = (self.end - self.start - length).min(length);
        if self.spare.len() < copied && !grown(&mut self.spare, copied.max(SMALLEST)) {
            self.state = State::Refused(Refusal::NoMemory);
            return None;
        }
        let mut parts = self.emptied.pop().map_or_else(Box::default, |message| message.0);
        (parts.buf, parts.base) = self.hand_out(length);
        parts.length = length;
        parts.start = mem::take(&mut self.head.start);
        parts.announced = self.head.announced;
        parts.framing = self.framing;
        parts.body = self.head.end()..self.body_end;
        // Its own lists are empty, and their memory is for the next message.
        mem::swap(&mut parts.fields, &mut self.head.fields);
        mem::swap(&mut parts.trailers, &mut self.trailers.fields);
        parts.trailers_at = if matches!(self.framing, Framing::Chunked) { self.trailers_at } else { 0 };
        self.head.reset();
        self.trailers.reset();
        self.state = State::Head;
        Some(Message(parts))
    }

    /// Returns a buffer with the message in it, and the message's place there. The message goes out with its buffer and
    /// the rest is copied to another, or the message is copied and the rest stays. The shorter of the two is copied, so
    /// that a burst of small messages in one buffer does not move the buffer once a message. The other one is the spare
    /// buffer, which is long enough.
    fn hand_out(&mut self, length: usize) -> (Vec<u8>, usize) {
        let rest = self.start + length..self.end;
        let mut other = mem::take(&mut self.spare);
        if rest.len() <= length {
            other[..rest.len()].copy_from_slice(&self.buf[rest.clone()]);
            let base = mem::take(&mut self.start);
            self.end = rest.len();
            (mem::replace(&mut self.buf, other), base)
        } else {
            other[..length].copy_from_slice(&self.buf[self.start..rest.start]);
            self.start = rest.start;
            (other, 0)
        }
    }

    /// Takes the allocations of a message back, unless they are too large to be kept.
    pub fn recycle(&mut self, message: Message) {
        let Message(mut parts) = message;
        let mut buf = mem::take(&mut parts.buf);
        if buf.len() > KEPT && (self.head.side() == Side::Request || parts.length < buf.len() / 4) {
            buf = Vec::new();
        }
        if self.emptied.len() < EMPTIED {
            parts.fields.clear();
            parts.trailers.clear();
            self.emptied.push(Message(parts));
        }
        if self.buf.is_empty() {
            self.buf = buf;
        } else if self.spare.len() < buf.len() {
            self.spare = buf;
        }
    }
}

/// Lengthens a buffer with zeroes, where it is if the allocator can do that. Returns `false` if there is no memory for
/// it; the buffer is then unchanged.
#[cold]
#[inline(never)]
fn grown(buf: &mut Vec<u8>, length: usize) -> bool {
    let more = length.saturating_sub(buf.len());
    if buf.try_reserve_exact(more).is_err() {
        return false;
    }
    buf.resize(buf.len() + more, 0);
    true
}

mod parts;

pub use parts::Part;

#[cfg(test)]
mod tests;
