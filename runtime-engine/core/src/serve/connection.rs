//! One connection of HTTP/1.1 to a server: what it does next.
//!
//! A driver tells what the system said and asks for the next [`Step`], until that is [`Step::Wait`]. It reads and
//! writes as it is told and decides nothing: time limits, the order of responses, what is refused, how the end comes.
//! The connection is never closed under bytes that the client is still sending, which would make the system reset it
//! and take the last response away: the sending side is ended first, and what comes is thrown away until the client has
//! read and closed too.

mod stream;
mod upload;

use upload::Incoming;
pub use upload::Upload;

use super::admission::NEVER;
use super::budget::{Budget, Charge, UNCOUNTED};
use super::pace::{Pace, nanos};
use super::response_head;
use super::unsent::Unsent;
use crate::http1::write::CONTINUE;
use crate::http1::{Head, Message, ReadProgress, Reader};
use crate::process::Process;
use crate::settings::ServerSettings;
use faas_abi::host::Given;
use std::sync::Arc;
use std::time::Duration;

/// The time that a client that has its last response may be silent before the connection is closed under it.
const LINGER: Duration = Duration::from_secs(2);
/// The longest time for which the bytes that a client sends after its last response are thrown away. A body that was
/// refused comes at the speed of the client, and its refusal is read when it has been sent.
const LINGER_LONGEST: Duration = Duration::from_secs(30);
/// The time that a connection that has never carried a request is kept when no more are waited for.
const FIRST_REQUEST: Duration = Duration::from_millis(250);
/// The least room for a read while the length is not known, in bytes: that of an ordinary request.
const LEAST_READ: usize = 4 << 10;
/// The most bytes of a stream that may wait for its client.
pub const STREAM_FULL: usize = 256 << 10;

/// A clock, in nanoseconds: [`Process`]'s, or a test's.
pub trait NsClock {
    /// Returns the moment, in nanoseconds.
    fn now_ns(&self) -> u64;
}

impl NsClock for Process {
    fn now_ns(&self) -> u64 {
        Process::now_ns(self)
    }
}

/// An event that the system told of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The other side sends no more, or is gone.
    pub ended: bool,
}

/// The next step of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The driver is to read into [`space`](Connection::space), and to tell the outcome:
    /// [`filled`](Connection::filled), [`end_of_input`](Connection::end_of_input),
    /// [`nothing_to_read`](Connection::nothing_to_read).
    Read,
    /// The driver is to write from [`unsent`](Connection::unsent), and to tell the outcome: [`sent`](Connection::sent),
    /// [`no_room`](Connection::no_room).
    Write,
    /// The driver is to read and throw away, and to tell the outcome: [`discarded`](Connection::discarded), or one of
    /// those of reading.
    Discard,
    /// A request is whole, and is to be [taken](Connection::take_request) and answered before the next step.
    Request,
    /// The [head](Connection::head) of a request is here and a body follows, on a connection whose requests may be
    /// [taken](Connection::take_head) before their bodies. One that is not taken is read in whole.
    Head,
    /// There is nothing to do until something is told of the connection.
    Wait,
    /// The driver is to end the sending side, and to go on.
    EndSending,
    /// The driver is to close the connection in order. There is no step after it.
    Close,
    /// The driver is to break the connection, so that the client sees that something is missing. There is no step after
    /// it.
    Abort,
}

/// The stage of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request is expected or half here, or a response is on its way.
    Reading,
    /// A request is being answered.
    Busy,
    /// A stream is its answer, and has begun.
    Streaming { chunked: bool, mute: bool, keep: bool },
    /// All bytes are sent and no more are read. The connection waits for the other side to have read them.
    Lingering,
    /// The client has to see that something is missing.
    Broken,
    /// The connection is over.
    Closed,
}

/// The state of one connection.
pub struct Connection {
    phase: Phase,
    /// The bytes of a request that is not whole; an idle connection has no reader.
    reader: Option<Reader>,
    unsent: Unsent,
    charge: Charge,
    /// `true` if the connection is to be ended when all is sent.
    closing: bool,
    /// `true` if there may be something in the socket to read.
    unread: bool,
    /// `true` if the socket may take something.
    writable: bool,
    ended: bool,
    /// `true` once a first byte has come.
    begun: bool,
    /// `true` while the body of the request in progress is read before the request is taken.
    in_body: bool,
    reading: Option<Pace>,
    writing: Option<Pace>,
    linger_until: u64,
    /// The moment in nanoseconds at which the present wait has its limit.
    deadline: u64,
    /// The moment in nanoseconds that the driver's timers hold for the connection.
    entered: u64,
    /// The moment in nanoseconds when the connection last did something.
    active_at: u64,
    /// The moment in nanoseconds when its client last took some of the waiting bytes.
    progress_at: u64,
    /// The token of a stream's writer that waits for room; 0 if no writer waits.
    room: usize,
    /// `true` if requests may be taken before their bodies.
    takes_heads: bool,
    /// The body of the request in progress, if its head has been taken alone.
    incoming: Option<Box<Incoming>>,
    /// The bytes of a body that nobody reads any more which are still thrown away for the next request's sake; `None`
    /// if no such body is being read.
    skips: Option<u64>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("phase", &self.phase)
            .field("unsent", &self.unsent.len())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Makes a fresh connection, with the bytes that have been read from it already.
    pub fn new(
        reader: Option<Reader>,
        budget: &Arc<Budget>,
        config: &ServerSettings,
        clock: &impl NsClock,
    ) -> Connection {
        let now = clock.now_ns();
        let first_byte_by = now.saturating_add(nanos(config.read_timeout));
        Connection {
            deadline: if reader.is_some() { NEVER } else { first_byte_by },
            phase: Phase::Reading,
            begun: reader.is_some(),
            reader,
            unsent: Unsent::default(),
            charge: Charge::of(budget),
            closing: false,
            unread: false,
            writable: true,
            ended: false,
            in_body: false,
            reading: None,
            writing: None,
            linger_until: NEVER,
            entered: NEVER,
            active_at: now,
            progress_at: 0,
            room: 0,
            takes_heads: false,
            incoming: None,
            skips: None,
        }
    }

    /// Says whether requests may be taken before their bodies ([`Step::Head`]).
    pub fn taking_heads(self, takes_heads: bool) -> Connection {
        Connection { takes_heads, ..self }
    }

    /// Notes a change that the system told of.
    pub fn heard(&mut self, event: Event) {
        self.unread = true;
        self.writable = true;
        self.ended |= event.ended;
    }

    /// Returns the next step. `spare` is read into while the connection is idle, and stays idle itself. `draining` is
    /// `true` if no further request is waited for.
    pub fn step(&mut self, spare: &mut Reader, config: &ServerSettings, draining: bool, clock: &impl NsClock) -> Step {
        let step = self.next_step(spare, config, draining, clock);
        if !matches!(step, Step::Read | Step::Request | Step::Head) && !spare.is_idle() {
            if self.phase == Phase::Reading && !self.closing {
                self.put_reader(spare, config);
            } else {
                // What was half read of a request that was refused, or of a connection that has ended.
                *spare = Reader::request(config.limits);
            }
        }
        step
    }

    fn next_step(&mut self, spare: &mut Reader, config: &ServerSettings, draining: bool, clock: &impl NsClock) -> Step {
        loop {
            match self.phase {
                Phase::Closed => return Step::Wait,
                Phase::Broken => return self.end(Step::Abort),
                Phase::Lingering if self.unread => return Step::Discard,
                Phase::Lingering => return Step::Wait,
                Phase::Reading | Phase::Busy | Phase::Streaming { .. } => {}
            }
            if !self.unsent.is_empty() {
                return if self.writable { Step::Write } else { Step::Wait };
            }
            if self.phase != Phase::Reading {
                return Step::Wait;
            }
            if self.closing {
                self.phase = Phase::Lingering;
                self.reader = None;
                let now = clock.now_ns();
                self.linger_until = now.saturating_add(nanos(LINGER_LONGEST));
                self.deadline = now.saturating_add(nanos(LINGER));
                return Step::EndSending;
            }
            if self.skips.is_some() {
                match self.skip(config, draining, clock) {
                    Some(step) => return step,
                    None => continue,
                }
            }
            let reader = self.reader.as_mut().unwrap_or(spare);
            match reader.poll() {
                Ok(ReadProgress::Complete) => {
                    self.deadline = NEVER;
                    (self.reading, self.in_body) = (None, false);
                    self.phase = Phase::Busy;
                    return Step::Request;
                }
                Ok(ReadProgress::Head) if self.takes_heads && reader.head().is_some_and(Head::has_body) => {
                    return Step::Head;
                }
                Ok(ReadProgress::Head) => self.read_whole(spare),
                Ok(ReadProgress::More) if self.unread => {
                    // An idle reader is the thread's; one that holds something is the connection's.
                    let held = if reader.is_idle() { 0 } else { reader.would_buffer(LEAST_READ) };
                    if self.charge.resize(held) {
                        return Step::Read;
                    }
                    self.refuse(503, "too much of unfinished requests is held; try again");
                }
                Ok(ReadProgress::More) => {
                    self.put_reader(spare, config);
                    return self.rest(config, draining, clock);
                }
                Err(refusal) if refusal.answerable() => self.refuse(refusal.status(), &refusal.to_string()),
                Err(_) => return self.end(Step::Close),
            }
        }
    }

    /// Takes the request after [`Step::Request`]; returns `None` at any other time.
    pub fn take_request(&mut self, spare: &mut Reader, config: &ServerSettings) -> Option<Message> {
        let message = self.reader.as_mut().unwrap_or(spare).take();
        self.put_reader(spare, config);
        message
    }

    /// Sets the limit for the bytes that are to come next, and returns the step that waits for them. While draining, an
    /// idle connection that has sent bytes before is closed instead.
    fn rest(&mut self, config: &ServerSettings, draining: bool, clock: &impl NsClock) -> Step {
        if self.reader.is_none() {
            if draining && self.begun {
                return self.end(Step::Close);
            }
            if draining {
                // Whoever has connected a moment ago is about to ask.
                self.deadline = self.deadline.min(clock.now_ns().saturating_add(nanos(FIRST_REQUEST)));
            }
            return Step::Wait;
        }
        if self.in_body && self.reading.is_none() {
            let now = clock.now_ns();
            let mut pace = Pace::new(now, config.read_timeout);
            self.deadline = pace.advance(now, 0);
            self.reading = Some(pace);
        } else if self.deadline == NEVER {
            // The head has one limit, from its first byte on.
            self.deadline = clock.now_ns().saturating_add(nanos(config.read_timeout));
        }
        if draining {
            // What is nearly here is still served.
            self.deadline = self.deadline.min(clock.now_ns().saturating_add(nanos(LINGER)));
        }
        Step::Wait
    }

    /// Puts the reader where it belongs: one with bytes in it stays with its connection, and an idle one with the
    /// thread.
    fn put_reader(&mut self, spare: &mut Reader, config: &ServerSettings) {
        if let Some(mut reader) = self.reader.take_if(|reader| reader.is_idle()) {
            reader.trim();
            *spare = reader;
            self.charge.force(self.unsent.len());
        } else if self.reader.is_none() && !spare.is_idle() {
            self.reader = Some(std::mem::replace(spare, Reader::request(config.limits)));
        }
    }

    /// Has the body read before the request is taken. That is done after [`Step::Head`] with a head that is not taken
    /// alone.
    pub fn read_whole(&mut self, spare: &Reader) {
        self.in_body = true;
        let reader = self.reader.as_ref().unwrap_or(spare);
        if reader.head().is_some_and(|head| head.expects_continue()) {
            self.unsent.copy(CONTINUE);
        }
    }

    /// Returns room for the bytes that are read next.
    pub fn space<'a>(&'a mut self, spare: &'a mut Reader) -> &'a mut [u8] {
        self.reader.as_mut().unwrap_or(spare).space(LEAST_READ)
    }

    /// Notes that `count` bytes came, of `room` that there was room for.
    pub fn filled(&mut self, spare: &mut Reader, count: usize, room: usize, clock: &impl NsClock) {
        let reader = self.reader.as_mut().unwrap_or(spare);
        let first = reader.is_idle();
        reader.filled(count);
        // Less than there was room for: the next bytes, but not an end that was told already, are told anew.
        self.unread = count == room || self.ended;
        self.begun = true;
        if let Some(pace) = &mut self.reading {
            self.deadline = pace.advance(clock.now_ns(), count);
        } else if first {
            // The limit to the first byte is kept; that of the head begins when it does not come whole.
            self.deadline = NEVER;
        }
    }

    /// Notes that the other side sends no more, or that the connection is gone. Between requests or inside one, nobody
    /// is there to be answered.
    pub fn end_of_input(&mut self) -> Step {
        self.end(Step::Close)
    }

    /// Notes that the socket may take bytes again.
    pub fn may_take(&mut self) {
        self.writable = true;
    }

    /// Notes that nothing has come.
    pub fn nothing_to_read(&mut self) {
        self.unread = false;
    }

    /// Notes that bytes were read to be thrown away.
    pub fn discarded(&mut self, clock: &impl NsClock) {
        self.deadline = clock.now_ns().saturating_add(nanos(LINGER)).min(self.linger_until);
    }

    /// Returns the bytes that are to be written.
    pub fn unsent(&self) -> (&[u8], &[u8]) {
        self.unsent.front()
    }

    /// Returns how many bytes are waiting to be written.
    pub fn unsent_bytes(&self) -> usize {
        self.unsent.len()
    }

    /// Notes that `count` bytes were taken. Returns the token of a writer who has room again, or 0 if no writer has.
    pub fn sent(&mut self, count: usize, clock: &impl NsClock) -> usize {
        self.unsent.sent(count);
        self.charge.force(self.unsent.len());
        if self.unsent.is_empty() {
            self.writing = None;
            self.deadline = NEVER;
        } else if let Some(pace) = &mut self.writing {
            let now = clock.now_ns();
            self.progress_at = now;
            self.deadline = pace.advance(now, count);
        }
        if self.unsent.len() < STREAM_FULL / 2 { std::mem::take(&mut self.room) } else { 0 }
    }

    /// Notes that the socket takes no bytes for now.
    pub fn no_room(&mut self, config: &ServerSettings, clock: &impl NsClock) {
        self.writable = false;
        if self.writing.is_none() {
            let now = clock.now_ns();
            let mut pace = Pace::new(now, config.write_timeout);
            self.deadline = pace.advance(now, 0);
            self.progress_at = now;
            self.writing = Some(pace);
        }
    }

    /// Notes that a request is being answered that was read before this connection was made.
    pub fn occupy(&mut self) {
        self.phase = Phase::Busy;
    }

    /// Returns `true` if something waits that the socket may take.
    pub fn wants_to_write(&self) -> bool {
        !self.unsent.is_empty() && self.writable && self.phase != Phase::Closed
    }

    /// Returns `true` if a response may be written past the connection: nothing is before it.
    pub fn may_write(&self) -> bool {
        self.phase == Phase::Busy && self.unsent.is_empty() && self.writable
    }

    /// Notes that the request has its response. `keep` is `true` if another request may follow.
    pub fn answered(&mut self, keep: bool) {
        if matches!(self.phase, Phase::Busy | Phase::Streaming { .. }) {
            let goes_on = self.end_upload();
            self.phase = Phase::Reading;
            self.closing = !keep || !goes_on;
        }
    }

    /// Has these bytes sent, behind what is waiting.
    pub fn send(&mut self, bytes: &[u8]) {
        if self.phase != Phase::Closed {
            self.unsent.copy(bytes);
            self.charge.force(self.unsent.len());
        }
    }

    /// Has a body sent without copying it, from `at` on.
    pub fn send_body(&mut self, body: Given, at: usize) {
        if self.phase != Phase::Closed {
            self.unsent.keep(body, at);
            self.charge.force(self.unsent.len());
        } else {
            self.unsent.spend(body);
        }
    }

    /// Returns `true` if there are modules' buffers that are not needed any more.
    #[inline]
    pub fn has_spent(&self) -> bool {
        self.unsent.has_spent()
    }

    /// Gives away the modules' buffers that are not needed any more, to be let go of where nobody holds the connection:
    /// that calls the modules.
    pub fn take_spent(&mut self) -> Vec<Given> {
        self.unsent.take_spent()
    }

    /// Answers what cannot be accepted; nothing more of the request is read.
    pub fn refuse(&mut self, status: u16, why: &str) {
        let mut response = Vec::new();
        response_head::plain(&mut response, status, why);
        self.phase = Phase::Reading;
        (self.reader, self.incoming, self.skips) = (None, None, None);
        (self.reading, self.in_body, self.deadline) = (None, false, NEVER);
        self.charge.force(0);
        self.unsent.copy(&response);
        self.closing = true;
    }

    /// Takes over the bytes that the request in progress counts for: its memory is the invocation's now.
    pub fn take_charge(&mut self) -> Charge {
        self.charge.take()
    }

    /// Checks whether the limit of the present wait has come. Returns the step that follows from that; `None` if there
    /// is no step.
    pub fn time_is_up(&mut self, clock: &impl NsClock) -> Option<Step> {
        self.entered = NEVER;
        let now = clock.now_ns();
        self.upload_is_late(now);
        if now < self.deadline {
            return None;
        }
        self.deadline = NEVER;
        match self.phase {
            Phase::Reading if !self.unsent.is_empty() => Some(self.end(Step::Abort)),
            Phase::Reading if self.reader.is_none() || self.skips.is_some() => Some(self.end(Step::Close)),
            Phase::Reading => {
                self.refuse(408, "the request did not come in within its time limit");
                None
            }
            Phase::Busy | Phase::Streaming { .. } if !self.unsent.is_empty() => Some(self.end(Step::Abort)),
            Phase::Lingering => Some(self.end(Step::Close)),
            Phase::Busy | Phase::Streaming { .. } | Phase::Broken | Phase::Closed => None,
        }
    }

    /// Returns the moment in nanoseconds that the driver has to enter in its timers for this connection. `None` means
    /// that the timers hold one that is as early.
    pub fn timer(&mut self) -> Option<u64> {
        let deadline = self.deadline.min(self.upload_deadline());
        if deadline >= self.entered {
            return None;
        }
        self.entered = deadline;
        Some(deadline)
    }

    /// Returns `true` if no byte has come from the client yet.
    pub fn is_fresh(&self) -> bool {
        !self.begun && self.phase == Phase::Reading
    }

    /// Returns `true` if the connection waits for a request. No byte of that has come, and no bytes are left to send.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Reading && self.reader.is_none() && self.unsent.is_empty()
    }

    /// Returns `true` if no invocation runs for the connection. It may be closed when room is needed for others.
    pub fn is_dispensable(&self) -> bool {
        matches!(self.phase, Phase::Reading | Phase::Lingering)
    }

    /// Returns `true` if the client has to get more: a request is being answered, or bytes are waiting.
    pub fn owes(&self) -> bool {
        matches!(self.phase, Phase::Busy | Phase::Streaming { .. }) || !self.unsent.is_empty()
    }

    /// Returns `true` if the connection is over.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Returns the moment in nanoseconds when the connection last did something.
    pub fn active_at(&self) -> u64 {
        self.active_at
    }

    /// Returns the moment in nanoseconds when the client last took some of the waiting bytes.
    pub fn progress_at(&self) -> u64 {
        self.progress_at
    }

    /// Returns the moment in nanoseconds since which the client has taken none of the many bytes that wait for it.
    /// `None` means that few bytes wait, or that the client has not refused any yet.
    pub fn stalled_since(&self) -> Option<u64> {
        let is_stalled = self.writing.is_some() && self.unsent.len() > UNCOUNTED && self.phase != Phase::Closed;
        is_stalled.then_some(self.progress_at)
    }

    /// Notes that the connection did something at that moment, in nanoseconds.
    pub fn touch(&mut self, moment: u64) {
        self.active_at = moment;
    }

    /// Ends the connection, and returns the step. The driver has done what the step says, or does it now.
    pub fn end(&mut self, step: Step) -> Step {
        self.phase = Phase::Closed;
        self.reader = None;
        self.skips = None;
        self.deadline = NEVER;
        self.unsent.clear();
        self.charge.force(0);
        step
    }
}
