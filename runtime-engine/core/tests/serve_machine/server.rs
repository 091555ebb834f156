//! A server of the core's machines alone, with clients at sockets that are two queues of bytes, and a clock that stands
//! still.

use faas_core::flight::word::{Due, FlightState, StateWord, StopMoments};
use faas_core::http1::{Message, Reader};
use faas_core::log::{Format, Level, LineKind, Log, Sink};
use faas_core::platform::Response;
use faas_core::serve::connection::NsClock;
use faas_core::serve::{Admission, Budget, Charge, Connection, Event, Manner, Step, Upload, response_head};
use faas_core::settings::{Env, ServerSettings};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const SECOND: u64 = 1_000_000_000;
/// The time limit of an invocation, in nanoseconds.
const LIMIT: u64 = 2 * SECOND;
/// The most bytes of unfinished requests that the server holds.
const BUDGET: usize = 1 << 20;
/// The largest body of a request, in bytes.
const BODY: u64 = 512 << 10;

pub(crate) struct Silent;

impl Sink for Silent {
    fn write(&self, _: &[u8], _: LineKind) {}
}

pub(crate) struct Time(pub(crate) Cell<u64>);

impl NsClock for Time {
    fn now_ns(&self) -> u64 {
        self.0.get()
    }
}

/// One client and its end of the socket.
pub(crate) struct Client {
    pub(crate) connection: Connection,
    /// The bytes that it has sent and the server has not read.
    pub(crate) sent: VecDeque<u8>,
    pub(crate) shut: bool,
    /// The number of bytes that the socket takes before the client reads.
    room: usize,
    pub(crate) got: Vec<u8>,
    pub(crate) closed: bool,
    aborted: bool,
    /// The invocation that runs or waits for the client; `None` if it has no request in progress.
    serving: Option<usize>,
    claimed: bool,
}

/// One invocation, from its acceptance on.
pub(crate) struct Call {
    client: usize,
    slot: StateWord,
    manner: Manner,
    _charge: Charge,
    running: bool,
    ended: bool,
    pub(crate) answers: usize,
    streaming: bool,
}

pub(crate) struct Server {
    pub(crate) time: Time,
    config: ServerSettings,
    pub(crate) budget: Arc<Budget>,
    pub(crate) admission: Admission<usize>,
    log: Log,
    pub(crate) clients: Vec<Client>,
    pub(crate) calls: Vec<Call>,
    spare: Reader,
    draining: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A client sends so much of a request of that kind.
    Send { client: usize, kind: usize, part: usize },
    /// A client sends no more.
    Shut { client: usize },
    /// A client reads, which makes room.
    Read { client: usize, bytes: usize },
    /// Time passes, in milliseconds.
    Pass(u64),
    /// A running invocation ends, with a body of that size, or in failure.
    End { which: usize, bytes: usize },
    /// A running invocation reads its request's body, if that comes piece by piece, and at most this number of parts.
    Pull { which: usize, parts: usize },
    /// A running invocation streams a part.
    Chunk { which: usize, bytes: usize },
    /// A stop begins.
    Stop,
}

pub(crate) fn request(kind: usize) -> Vec<u8> {
    let post = |length: usize, more: &str| {
        let mut out = format!("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{more}\r\n").into_bytes();
        out.resize(out.len() + length, b'x');
        out
    };
    match kind % 9 {
        0 => b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        1 => b"GET / HTTP/1.0\r\n\r\n".to_vec(),
        2 => post(10, ""),
        3 => post(100_000, ""),
        4 => post(400_000, ""),
        5 => post(10, "Expect: 100-continue\r\n"),
        6 => b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_vec(),
        7 => b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        _ => b"\0garbage\r\n\r\n".to_vec(),
    }
}

impl Server {
    pub(crate) fn new(clients: usize) -> Server {
        let pairs = [("FAAS_READ_TIMEOUT", "5s"), ("FAAS_WRITE_TIMEOUT", "5s"), ("FAAS_THREADS", "2")];
        let look_up = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let config = ServerSettings::read(&Env::new(&look_up), 4, Duration::ZERO, BODY).unwrap();
        let (time, budget) = (Time(Cell::new(1)), Budget::new(BUDGET));
        let clients = (0..clients)
            .map(|number| Client {
                // Those of every other client are taken before their bodies.
                connection: Connection::new(None, &budget, &config, &time).taking_heads(number % 2 == 1),
                sent: VecDeque::new(),
                shut: false,
                room: 1_000,
                got: Vec::new(),
                closed: false,
                aborted: false,
                serving: None,
                claimed: false,
            })
            .collect();
        Server {
            time,
            budget,
            admission: Admission::new(config.concurrency, config.threads),
            log: Log::new(Level::Error, Format::Text, Arc::new(Silent)),
            clients,
            calls: Vec::new(),
            spare: Reader::request(config.limits),
            draining: false,
            config,
        }
    }

    /// Does a driver's work after news of a connection.
    pub(crate) fn attend(&mut self, number: usize) {
        let ended = self.clients[number].shut;
        self.clients[number].connection.heard(Event { ended });
        self.go_on(number);
    }

    fn go_on(&mut self, number: usize) {
        for _ in 0..10_000 {
            let client = &mut self.clients[number];
            if client.closed {
                return;
            }
            let step = client.connection.step(&mut self.spare, &self.config, self.draining, &self.time);
            assert!(
                self.spare.is_idle() || matches!(step, Step::Read | Step::Request | Step::Head),
                "a half request is left to the next connection"
            );
            match step {
                Step::Wait => return,
                Step::Read => {
                    let space = client.connection.space(&mut self.spare);
                    let room = space.len();
                    let count = client.sent.len().min(room);
                    for byte in &mut space[..count] {
                        *byte = client.sent.pop_front().unwrap();
                    }
                    if count > 0 {
                        client.connection.filled(&mut self.spare, count, room, &self.time);
                    } else if client.shut {
                        let step = client.connection.end_of_input();
                        self.carry_out(number, &step);
                    } else {
                        client.connection.nothing_to_read();
                    }
                    if !self.spare.is_idle() && self.clients[number].closed {
                        self.spare = Reader::request(self.config.limits);
                    }
                }
                Step::Discard => {
                    let any = !client.sent.is_empty();
                    client.sent.clear();
                    client.connection.discarded(&self.time);
                    if client.shut {
                        let step = client.connection.end(Step::Close);
                        self.carry_out(number, &step);
                    } else if !any {
                        client.connection.nothing_to_read();
                    }
                }
                Step::Write => self.write(number),
                Step::EndSending => {}
                Step::Request => {
                    let message = client.connection.take_request(&mut self.spare, &self.config);
                    assert!(self.spare.is_idle(), "what follows a request stays with its connection");
                    self.take(number, message.expect("a request is whole"));
                }
                Step::Head => {
                    let message = client.connection.take_head(&mut self.spare, &self.config, &self.time);
                    assert!(self.spare.is_idle(), "what follows a head stays with its connection");
                    self.take(number, message.expect("a head is whole"));
                }
                step @ (Step::Close | Step::Abort) => self.carry_out(number, &step),
            }
        }
        panic!("a connection that never waits");
    }

    /// Does a driver's work for an invocation that reads the body of its request. Returns the state of the reading.
    pub(crate) fn pull(&mut self, number: usize, parts: usize) -> Option<Upload> {
        let mut taken = 0;
        loop {
            let client = &mut self.clients[number];
            match client.connection.upload(&self.time) {
                Upload::Part(bytes) => {
                    assert!(!bytes.is_empty() && bytes.len() <= 64 << 10, "{} bytes at once", bytes.len());
                    taken += 1;
                    if taken == parts {
                        return None;
                    }
                }
                Upload::Read => {
                    let space = client.connection.upload_space();
                    let room = space.len();
                    let count = client.sent.len().min(room);
                    for byte in &mut space[..count] {
                        *byte = client.sent.pop_front().unwrap();
                    }
                    match count {
                        0 if client.shut => client.connection.upload_ended(),
                        0 => client.connection.nothing_to_read(),
                        _ => client.connection.upload_filled(count, room, &self.time),
                    }
                }
                Upload::Wait => {
                    client.connection.wait_for_upload(1, &self.time);
                    return Some(Upload::Wait);
                }
                end => return Some(end),
            }
        }
    }

    fn write(&mut self, number: usize) {
        let client = &mut self.clients[number];
        let (first, second) = client.connection.unsent();
        let both = [first, second].concat();
        let count = both.len().min(client.room);
        if count == 0 {
            return client.connection.no_room(&self.config, &self.time);
        }
        client.got.extend_from_slice(&both[..count]);
        client.room -= count;
        client.connection.sent(count, &self.time);
    }

    fn carry_out(&mut self, number: usize, step: &Step) {
        let client = &mut self.clients[number];
        client.closed = true;
        client.aborted = matches!(step, Step::Abort);
    }

    fn take(&mut self, number: usize, message: Message) {
        let manner = Manner::of(&message);
        if self.budget.is_exhausted() || !self.admission.accept() {
            let response = Response { status: 503, ..Response::default() };
            return self.respond(number, &response, b"", manner);
        }
        let charge = self.clients[number].connection.take_charge();
        let call = self.calls.len();
        self.clients[number].serving = Some(call);
        self.clients[number].claimed = true;
        self.calls.push(Call {
            client: number,
            slot: StateWord::default(),
            manner,
            _charge: charge,
            running: false,
            ended: false,
            answers: 0,
            streaming: false,
        });
        if self.admission.start() {
            self.run(call);
        } else {
            let now = self.time.now_ns();
            self.admission.wait(call, now, now + LIMIT);
        }
    }

    fn run(&mut self, call: usize) {
        let now = self.time.now_ns();
        self.calls[call].running = true;
        self.calls[call].slot.set(call as u32, FlightState::Running, now + LIMIT - 2, now + LIMIT - 1);
    }

    fn respond(&mut self, number: usize, response: &Response, body: &[u8], manner: Manner) {
        let goes_on = self.clients[number].connection.end_upload();
        let manner = if self.draining || !goes_on { manner.last() } else { manner };
        let mut out = Vec::new();
        response_head::whole(&mut out, response, body, manner, &self.log);
        let connection = &mut self.clients[number].connection;
        connection.send(&out);
        connection.answered(manner.keep);
    }

    /// Gives a call its one answer.
    fn answer(&mut self, call: usize, status: u16, bytes: usize) {
        let Call { client, manner, streaming, .. } = self.calls[call];
        self.calls[call].answers += 1;
        self.admission.answered();
        self.clients[client].serving = None;
        if streaming {
            self.clients[client].connection.end_stream(status == 200);
        } else {
            self.respond(client, &Response { status, ..Response::default() }, &vec![b'y'; bytes], manner);
        }
        self.clients[client].claimed = false;
        self.attend(client);
    }

    /// Has the function of this call return, with a body of this number of bytes.
    pub(crate) fn end(&mut self, call: usize, bytes: usize) {
        let before = self.calls[call].slot.end();
        self.calls[call].ended = true;
        self.calls[call].running = false;
        if matches!(before, FlightState::Running | FlightState::Cancelled) {
            let status = if bytes % 7 == 6 { 500 } else { 200 };
            self.answer(call, status, bytes);
        }
        self.admission.freed();
        self.start_waiting();
    }

    fn start_waiting(&mut self) {
        while let Some(call) = self.admission.next(|| self.time.now_ns()) {
            self.run(call);
        }
    }

    /// Does a driver's work after a tick of the clock.
    fn tick(&mut self) {
        let now = self.time.now_ns();
        for call in 0..self.calls.len() {
            loop {
                match self.calls[call].slot.look(now, StopMoments::NONE) {
                    Due::At(_) => break,
                    Due::Report { .. } => self.answer(call, 504, 0),
                    Due::Cancel { serial, .. } => assert_eq!(serial as usize, call),
                    Due::Hung { .. } => {}
                }
            }
        }
        let (late, _) = self.admission.expired(now);
        for call in late {
            self.calls[call].ended = true;
            self.answer(call, 503, 0);
        }
        for number in 0..self.clients.len() {
            if self.clients[number].closed {
                continue;
            }
            if let Some(step) = self.clients[number].connection.time_is_up(&self.time) {
                self.carry_out(number, &step);
            } else {
                self.attend(number);
            }
        }
    }

    pub(crate) fn running(&self) -> Vec<usize> {
        (0..self.calls.len()).filter(|call| self.calls[*call].running && !self.calls[*call].ended).collect()
    }

    pub(crate) fn act(&mut self, act: &Act) {
        let count = self.clients.len();
        match act {
            Act::Send { client, kind, part } => {
                let client = client % count;
                if !self.clients[client].shut && !self.clients[client].closed {
                    let bytes = request(*kind);
                    let length = if *part == 0 { bytes.len() } else { bytes.len().min(*part) };
                    self.clients[client].sent.extend(&bytes[..length]);
                    self.attend(client);
                }
            }
            Act::Shut { client } => {
                let client = client % count;
                self.clients[client].shut = true;
                self.attend(client);
            }
            Act::Read { client, bytes } => {
                let client = client % count;
                self.clients[client].room += bytes;
                self.attend(client);
            }
            Act::Pass(milliseconds) => {
                self.time.0.set(self.time.now_ns() + milliseconds * 1_000_000);
                self.tick();
            }
            Act::End { which, bytes } => {
                let running = self.running();
                if let Some(call) = running.get(which % running.len().max(1)) {
                    self.end(*call, *bytes);
                }
            }
            Act::Pull { which, parts } => {
                let running = self.running();
                let Some(call) = running.get(which % running.len().max(1)).copied() else { return };
                if self.calls[call].answers == 0 {
                    let client = self.calls[call].client;
                    self.pull(client, *parts);
                    self.attend(client);
                }
            }
            Act::Chunk { which, bytes } => {
                let running = self.running();
                let Some(call) = running.get(which % running.len().max(1)).copied() else { return };
                let Call { client, manner, streaming, answers, .. } = self.calls[call];
                if answers > 0 {
                    return;
                }
                let connection = &mut self.clients[client].connection;
                if !streaming {
                    let chunked = manner.version == faas_core::http1::Version::Http11;
                    self.calls[call].streaming = connection.begin_stream(b"", chunked, manner.to_head, manner.keep);
                }
                connection.chunk(vec![b'z'; *bytes].into());
                self.attend(client);
            }
            Act::Stop => {
                self.draining = true;
                (0..count).for_each(|client| self.attend(client));
            }
        }
        let held: usize = self.budget.used();
        let unsent: usize = self.clients.iter().map(|client| client.connection.unsent_bytes()).sum();
        assert!(held <= BUDGET + unsent, "{held} bytes are held, of which {unsent} are responses");
    }

    /// Ends everything: functions return, a stop begins, and time passes.
    pub(crate) fn finish(&mut self) {
        self.act(&Act::Stop);
        while let Some(call) = self.running().first().copied() {
            self.end(call, 1);
        }
        for _ in 0..100 {
            self.act(&Act::Pass(1_000));
        }
    }
}
