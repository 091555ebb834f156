//! The listener with clients of every kind, before there is a server.

use super::*;
use crate::output::tests::silent;
use crate::serving::listening;
use faas_core::invocation::{Code, Invocation, InvocationMetadata};
use faas_core::platform::{BodyFrom, FailedInvocation, Listen};
use faas_core::process::Identity;
use faas_core::settings::Env;
use std::net::TcpStream;
use std::thread;

/// `/init` brings code, `/stop` ends, `/probe` tells the state, all else is an invocation.
#[derive(Debug)]
struct Platform;

impl Serving for Platform {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp("127.0.0.1:0")
    }

    fn concurrency(&self) -> usize {
        1
    }

    fn route(&self, _: &Process, request: &Message, state: State) -> Route {
        match request.target() {
            b"/init" => {
                let code = Some(request.body().to_vec());
                Route::Signal(Signal::Initialize(Initial { code, ..Initial::default() }))
            }
            b"/stop" => Route::Signal(Signal::Stop),
            b"/probe" => Route::Local(LocalResponse::json(200, format!("{state:?}")).with(&[("x-state", "told")])),
            _ => Route::Invoke(InvocationMetadata::default()),
        }
    }

    fn respond(&self, _: &Invocation, _: &mut Response, _: &mut Vec<u8>) -> BodyFrom {
        BodyFrom::Reply
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, body: &mut Vec<u8>) {
        response.status = 500;
        body.extend_from_slice(call.failure.message.as_bytes());
    }

    fn stream_head(&self, _: &Invocation, _: Code, _: &mut Response) {}
}

struct Client(TcpStream);

impl Client {
    fn send(&mut self, text: &str) -> &mut Client {
        self.0.write_all(text.as_bytes()).unwrap();
        self
    }

    /// Returns all bytes until the end of the connection.
    fn reply(&mut self) -> String {
        let mut all = String::new();
        self.0.read_to_string(&mut all).unwrap();
        all
    }
}

/// Returns the settings of an empty environment.
fn config() -> ServerSettings {
    ServerSettings::read(&Env::new(&|_| None), 1, Duration::ZERO, 64 << 20).unwrap()
}

/// Returns a listener, and a function that makes a client of it.
fn listener() -> (StartupListener, impl Fn() -> Client + use<>) {
    listener_with(&config())
}

fn listener_with(config: &ServerSettings) -> (StartupListener, impl Fn() -> Client + use<>) {
    let listener = Arc::new(listening::bind(Platform.listen()).unwrap());
    let address = listener.place();
    let process = Arc::new(Process::new(Identity::default(), silent()));
    let listener = StartupListener::new(listener, Arc::new(Platform), process, config).unwrap();
    (listener, move || Client(TcpStream::connect(&address).unwrap()))
}

const PROBE_REQUEST: &str = "GET /probe HTTP/1.1\r\nHost: test\r\n\r\n";

#[test]
fn a_probe_is_answered_at_every_stage_with_all_that_its_answer_has() {
    let (listener, come) = listener();
    let startup_thread = listener.spawn(false).unwrap();
    let reply = come().send(PROBE_REQUEST).reply();
    let expected = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\nx-state: told\r\n\
                    connection: close\r\ncontent-length: 8\r\n\r\nStarting";
    assert_eq!(reply, expected);
    let (listener, _) = startup_thread.end().unwrap();
    let startup_thread = listener.spawn(true).unwrap();
    assert!(come().send(PROBE_REQUEST).reply().ends_with("\r\n\r\nWaiting"));
    let (mut listener, wish) = startup_thread.end().unwrap();
    assert!(wish.is_none(), "a probe wishes for nothing");
    let end = listener.alarm().clone();
    thread::scope(|scope| {
        scope.spawn(|| listener.wait_for_end());
        assert!(come().send(PROBE_REQUEST).reply().ends_with("\r\n\r\nClosed"));
        let reply = come().send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").reply();
        assert!(
            reply.starts_with("HTTP/1.1 500 ") && reply.ends_with("this instance has been told to stop"),
            "{reply}"
        );
        let reply = come().send("POST /stop HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n").reply();
        assert!(reply.starts_with("HTTP/1.1 200 "), "it has ended already: {reply}");
        end.set(Duration::ZERO);
    });
}

#[test]
fn code_of_many_parts_is_waited_for_while_probes_are_answered() {
    let (mut listener, come) = listener();
    let length = 20 << 20;
    let half = "x".repeat(length / 2);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let wish = listener.wait();
            (listener, wish)
        });
        let mut client = come();
        let head =
            format!("POST /init HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
        client.send(&head);
        let mut go_on = vec![0; write::CONTINUE.len()];
        client.0.read_exact(&mut go_on).unwrap();
        assert_eq!(go_on, write::CONTINUE);
        client.send(&half);
        assert!(come().send(PROBE_REQUEST).reply().ends_with("Waiting"));
        client.send(&half);
        let (mut listener, wish) = waiting.join().unwrap();
        let Wish::Start(Some(initial)) = wish else { panic!("it is a signal") };
        assert_eq!(initial.code.map(|code| code.len()), Some(length));
        listener.turn_away(Err(&Failure::new("Test.Failed", "no good")));
        let reply = client.reply();
        assert!(reply.starts_with("HTTP/1.1 500 ") && reply.ends_with("Test.Failed: no good"), "{reply}");
    });
}

#[test]
fn an_invocation_wishes_for_the_start_and_comes_in_whole() {
    let (mut listener, come) = listener();
    let mut client = come();
    client.send("POST /work HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello");
    assert!(matches!(listener.wait(), Wish::Start(None)));
    let pending = listener.pending().next().unwrap();
    let Some(Brought::Request(request)) = pending.brought else { panic!("it has brought its request") };
    assert_eq!((request.target(), request.body()), (&b"/work"[..], &b"hello"[..]));
}

#[test]
fn a_start_that_fails_is_told_to_the_invocation_that_wished_for_it() {
    let (mut listener, come) = listener();
    let mut client = come();
    client.send("GET /work HTTP/1.1\r\nHost: test\r\n\r\n");
    assert!(matches!(listener.wait(), Wish::Start(None)));
    listener.turn_away(Err(&Failure::new("Test.Failed", "no good")));
    assert!(client.reply().ends_with("no good"));
}

#[test]
fn during_a_start_signals_are_kept_and_invocations_are_left_unread() {
    let (listener, come) = listener();
    let startup_thread = listener.spawn(false).unwrap();
    let (mut invocation, mut signal) = (come(), come());
    invocation.send("GET /work HTTP/1.1\r\nHost: test\r\n\r\n");
    signal.send("POST /stop HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\nGET /next");
    // Clients are looked at in the order they come in; this one is the last.
    assert!(come().send(PROBE_REQUEST).reply().ends_with("Starting"));
    let (listener, _) = startup_thread.end().unwrap();
    let pending: Vec<Pending> = listener.pending().collect();
    assert_eq!(pending.len(), 2);
    for pending in pending {
        let mut room = [0; 8];
        match pending.brought {
            Some(Brought::Signal(Signal::Stop, _)) => {
                assert!(pending.socket.peek(&mut room).is_err(), "it was taken");
                assert!(pending.reader.is_some_and(|reader| !reader.is_idle()), "and what came behind it is kept");
            }
            None => assert_eq!((pending.socket.peek(&mut room).unwrap(), &room), (8, b"GET /wor")),
            other => panic!("nobody has brought {other:?}"),
        }
    }
}

#[test]
fn who_leaves_makes_room() {
    let (listener, come) = listener();
    let startup_thread = listener.spawn(true).unwrap();
    for _ in 0..3 {
        drop(come());
        assert!(come().send(PROBE_REQUEST).reply().ends_with("Waiting"));
    }
    let (listener, _) = startup_thread.end().unwrap();
    assert!(listener.pending.len() <= 2, "{} places for one at a time", listener.pending.len());
}

const HALF: &str = "POST /init HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf";

#[test]
fn who_begins_and_does_not_get_on_is_sent_away_and_who_says_nothing_stays() {
    let (mut listener, come) = listener_with(&ServerSettings { read_timeout: Duration::from_millis(50), ..config() });
    let end = listener.alarm().clone();
    thread::scope(|scope| {
        scope.spawn(|| listener.wait());
        let mut silent = come();
        for begun in [HALF, "GET /pro"] {
            let reply = come().send(begun).reply();
            assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
        }
        assert!(silent.send(PROBE_REQUEST).reply().ends_with("Waiting"));
        end.set(Duration::ZERO);
    });
}

#[test]
fn who_has_been_waited_for_the_longest_makes_room_for_others() {
    let (mut listener, come) = listener();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| listener.wait());
        let mut silent: Vec<Client> = (0..MOST).map(|_| come()).collect();
        let mut client = come();
        client.send("POST /init HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\ncode");
        assert!(matches!(waiting.join().unwrap(), Wish::Start(Some(_))), "the listener is full, and it is heard");
        assert_eq!(silent[0].reply(), "", "the first is gone");
    });
}

#[test]
fn after_close_a_start_fails_and_a_stop_does_not() {
    let (listener, come) = listener();
    let startup_thread = listener.spawn(true).unwrap();
    let (mut stop, mut start) = (come(), come());
    stop.send("POST /stop HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n");
    // A client that is told so comes after the stop has been heard.
    while !come().send(PROBE_REQUEST).reply().ends_with("Starting") {}
    start.send("POST /init HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\ncode");
    assert!(come().send(PROBE_REQUEST).reply().ends_with("Starting"));
    let (mut listener, wish) = startup_thread.end().unwrap();
    assert!(matches!(wish, Some(Wish::Close)));
    listener.turn_away(Ok(()));
    assert!(stop.reply().starts_with("HTTP/1.1 200 "));
    let reply = start.reply();
    assert!(reply.ends_with("Runtime.Closing: this instance has been told to stop"), "{reply}");
}

#[test]
fn a_start_that_takes_too_long_is_told_to_who_asked_for_it() {
    let (listener, come) = listener();
    let mut startup_thread = listener.spawn(true).unwrap();
    let mut client = come();
    client.send("POST /init HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\ncode");
    while !come().send(PROBE_REQUEST).reply().ends_with("Starting") {}
    startup_thread.on_late()(&Failure::new("Test.Late", "too long"));
    let reply = client.reply();
    assert!(reply.ends_with("Test.Late: too long"), "{reply}");
}

#[test]
fn an_answer_is_not_lost_with_what_nobody_reads() {
    let (mut listener, come) = listener();
    let end = listener.alarm().clone();
    let mut client = come();
    client.send(&format!("{PROBE_REQUEST}{}", "x".repeat(60 << 10)));
    thread::scope(|scope| {
        scope.spawn(|| listener.wait());
        let reply = client.reply();
        assert!(reply.ends_with("Waiting"), "{reply}");
        end.set(Duration::ZERO);
    });
}
