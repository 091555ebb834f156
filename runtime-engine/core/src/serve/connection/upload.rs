//! The body of a request that is being answered already, read as its invocation asks for it.
//!
//! Nothing is read of it that nobody waits for: the system's buffers fill, and the client has to wait. Its limits are
//! those of any body, but only the time counts in which the invocation waits for the client. What is left when the
//! answer is out is thrown away for the next request's sake if it is little; otherwise the connection ends.

use super::{Connection, NsClock, Phase, Step};
use crate::http1::write::CONTINUE;
use crate::http1::{Head, Message, Part, Reader, Refusal};
use crate::serve::admission::NEVER;
use crate::serve::pace::{Pace, nanos};
use crate::settings::ServerSettings;
use faas_abi::{E_CANCELLED, E_DEADLINE, E_INVALID, E_TOO_BIG, Status};

/// The most bytes that are read at once.
const READ: usize = 64 << 10;
/// The most bytes of a body that nobody reads any more which are thrown away.
const SKIPPED: u64 = 64 << 10;

/// The next step of a driver for the reader of the body.
#[derive(Debug, PartialEq, Eq)]
pub enum Upload {
    /// These bytes are to be handed out.
    Part(Vec<u8>),
    /// Say that the body is whole.
    End,
    /// Say with this status that no more comes.
    Failed(Status),
    /// The driver is to read into [`upload_space`](Connection::upload_space), and to tell the outcome:
    /// [`upload_filled`](Connection::upload_filled), [`upload_ended`](Connection::upload_ended),
    /// [`nothing_to_read`](Connection::nothing_to_read).
    Read,
    /// Send what is [unsent](Connection::unsent), then [wait](Connection::wait_for_upload).
    Wait,
}

/// The progress of a body.
#[derive(Debug)]
pub(super) struct Incoming {
    state: State,
    /// `true` if the client waits for `100 Continue`, and has not had it.
    expects_continue: bool,
    pace: Pace,
    /// The time for which no reader has waited for the client since the pace began, in nanoseconds.
    paused: u64,
    /// The moment since which no reader waits for the client; `None` while one does.
    idle_since: Option<u64>,
    deadline: u64,
    /// The token of the reader who waits; 0 if no reader waits.
    ready: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Coming,
    Whole,
    Failed(Status),
}

impl Incoming {
    fn fail(&mut self, status: Status) {
        self.state = State::Failed(status);
        self.deadline = NEVER;
    }

    /// Notes that the reader has something to do and does not wait for the client.
    fn pause(&mut self, now: u64) {
        self.idle_since.get_or_insert(now);
        self.deadline = NEVER;
    }

    /// Notes that a reader waits for the client, of which `bytes` bytes have come.
    fn advance(&mut self, now: u64, bytes: usize) {
        if let Some(since) = self.idle_since.take() {
            self.paused += now.saturating_sub(since);
        }
        self.deadline = self.pace.advance(now.saturating_sub(self.paused), bytes).saturating_add(self.paused);
    }
}

fn status_of(refusal: Refusal) -> Status {
    match refusal {
        Refusal::BodyTooLarge { .. } => E_TOO_BIG,
        Refusal::NoMemory => E_CANCELLED,
        _ => E_INVALID,
    }
}

impl Connection {
    /// Returns the head after [`Step::Head`].
    pub fn head<'a>(&'a self, spare: &'a Reader) -> Option<Head<'a>> {
        self.reader.as_ref().unwrap_or(spare).head()
    }

    /// Takes the head after [`Step::Head`], as a message without a body: the request is to be answered before the next
    /// step, and its body is read by [`upload`](Connection::upload).
    pub fn take_head(&mut self, spare: &mut Reader, config: &ServerSettings, clock: &impl NsClock) -> Option<Message> {
        let reader = self.reader.get_or_insert_with(|| std::mem::replace(spare, Reader::request(config.limits)));
        let expects_continue = reader.head()?.expects_continue();
        let message = reader.take_head()?;
        let now = clock.now_ns();
        self.incoming = Some(Box::new(Incoming {
            state: State::Coming,
            expects_continue,
            pace: Pace::new(now, config.read_timeout),
            paused: 0,
            idle_since: Some(now),
            deadline: NEVER,
            ready: 0,
        }));
        (self.phase, self.deadline) = (Phase::Busy, NEVER);
        (self.reading, self.in_body) = (None, false);
        Some(message)
    }

    /// Returns what to do for whoever reads the body.
    pub fn upload(&mut self, clock: &impl NsClock) -> Upload {
        if self.phase == Phase::Closed {
            return Upload::Failed(E_CANCELLED);
        }
        let Some(incoming) = &mut self.incoming else { return Upload::End };
        match incoming.state {
            State::Coming => {}
            State::Whole => return Upload::End,
            State::Failed(status) => return Upload::Failed(status),
        }
        if std::mem::take(&mut incoming.expects_continue) && self.phase == Phase::Busy {
            // Behind the head of an answer it would be a part of it; a client that has that sends the body unasked.
            self.unsent.copy(CONTINUE);
        }
        let part = self.reader.as_mut().map_or(Ok(Part::End), Reader::take_part);
        match part {
            Ok(Part::Data(bytes)) => {
                incoming.pause(clock.now_ns());
                Upload::Part(bytes)
            }
            Ok(Part::End) => {
                incoming.state = State::Whole;
                incoming.deadline = NEVER;
                Upload::End
            }
            Ok(Part::More) if self.unread => Upload::Read,
            Ok(Part::More) => Upload::Wait,
            Err(refusal) => {
                let status = status_of(refusal);
                incoming.fail(status);
                Upload::Failed(status)
            }
        }
    }

    /// Returns room for the part of the body that is read next, after [`Upload::Read`].
    pub fn upload_space(&mut self) -> &mut [u8] {
        self.reader.as_mut().map_or(&mut [], |reader| reader.space(READ))
    }

    /// Notes that `count` bytes of the body came, of `room` that there was room for.
    pub fn upload_filled(&mut self, count: usize, room: usize, clock: &impl NsClock) {
        if let Some(reader) = &mut self.reader {
            reader.filled(count);
        }
        self.unread = count == room || self.ended;
        if let Some(incoming) = &mut self.incoming {
            incoming.advance(clock.now_ns(), count);
        }
    }

    /// Fails a body that is not whole: the other side sends no more, or the connection is gone.
    pub fn upload_ended(&mut self) {
        self.unread = false;
        if let Some(incoming) = &mut self.incoming {
            incoming.fail(E_CANCELLED);
        }
    }

    /// Notes that the reader of the body waits, and is told by that token.
    pub fn wait_for_upload(&mut self, token: usize, clock: &impl NsClock) {
        if let Some(incoming) = &mut self.incoming {
            incoming.ready = token;
            incoming.advance(clock.now_ns(), 0);
        }
    }

    /// Returns the token of a reader who waits and has something to look at: bytes may have come, or it is known that
    /// no more will. It is 0 if there is no such reader.
    pub fn upload_news(&mut self) -> usize {
        let is_closed = self.phase == Phase::Closed;
        let Some(incoming) = &mut self.incoming else { return 0 };
        if !self.unread && !is_closed && incoming.state == State::Coming {
            return 0;
        }
        std::mem::take(&mut incoming.ready)
    }

    /// Returns the moment when the client is too slow with the body that a reader waits for.
    pub(super) fn upload_deadline(&self) -> u64 {
        self.incoming.as_ref().map_or(NEVER, |incoming| incoming.deadline)
    }

    pub(super) fn upload_is_late(&mut self, now: u64) {
        if let Some(incoming) = &mut self.incoming
            && incoming.deadline <= now
        {
            incoming.fail(E_DEADLINE);
        }
    }

    /// Ends the upload of a request that is about to have its whole answer: nobody reads its body any more. Returns
    /// `false` if the connection can carry no other request behind the rest of that body.
    pub fn end_upload(&mut self) -> bool {
        let Some(incoming) = self.incoming.take() else { return true };
        match incoming.state {
            State::Whole => return true,
            State::Failed(_) => return false,
            // Nobody knows whether it comes.
            State::Coming if incoming.expects_continue => return false,
            State::Coming => {}
        }
        let left = self.reader.as_ref().and_then(Reader::body_left).unwrap_or(0);
        if left > SKIPPED {
            return false;
        }
        self.skips = Some(SKIPPED);
        true
    }

    /// Throws away the bytes that have come of a body which nobody reads. Returns `None` if there is more to do, or the
    /// next request is next.
    pub(super) fn skip(&mut self, config: &ServerSettings, draining: bool, clock: &impl NsClock) -> Option<Step> {
        let part = self.reader.as_mut().map_or(Ok(Part::End), Reader::take_part);
        match (part, self.skips) {
            (Ok(Part::Data(bytes)), Some(left)) if bytes.len() as u64 <= left => {
                self.skips = Some(left - bytes.len() as u64);
                None
            }
            (Ok(Part::Data(_)), _) => {
                (self.skips, self.closing) = (None, true);
                None
            }
            (Ok(Part::End), _) => {
                (self.skips, self.deadline) = (None, NEVER);
                None
            }
            (Ok(Part::More), _) if self.unread => Some(Step::Read),
            (Ok(Part::More), _) if !draining => {
                if self.deadline == NEVER {
                    self.deadline = clock.now_ns().saturating_add(nanos(config.read_timeout));
                }
                Some(Step::Wait)
            }
            (Ok(Part::More) | Err(_), _) => Some(self.end(Step::Close)),
        }
    }
}
