//! Platforms that send requests: an HTTP/1.1 server on std.
//!
//! Threads wait together for news of all connections; whoever hears of a request reads it, runs it and answers it. An
//! idle connection holds neither a thread nor a buffer. What requests mean and how responses look is the protocol's
//! ([`Serving`]) and the codec's ([`faas_core::http1`]); here are reading, waiting, limits and the order of the end.
//!
//! | file | holds |
//! |---|---|
//! | `listening`, `socket` | the port or path, and the ends of its connections |
//! | `early` | the door while the start runs, or waits to be asked for |
//! | `table`, `connection` | the open connections, and the state of one |
//! | `worker` | a thread: hears, reads, hands on |
//! | `serve` | an invocation, from request to response |
//! | `answer` | heads of responses |
//! | `post` | a worker's invocation as others see it, and its streams |
//! | `admission` | how many at once |
//! | `crew` | how many threads watch |
//! | `heard` | news that nobody has looked at yet |
//! | `closing`, `alarms` | how connections end, and when |
//! | `side` | the second port |
//! | `signals` | what a platform asks for besides invocations |
//! | `stop` | stop signals, time-outs, the end |

mod admission;
mod alarms;
mod answer;
mod closing;
mod connection;
mod crew;
mod early;
mod heard;
mod listening;
mod post;
mod serve;
mod side;
mod signals;
mod socket;
mod stop;
mod table;
mod worker;

use crate::start::{FAILED, Life, features};
use crate::stopper::Stopper;
use crate::sys::{Alarm, Epoll};
use crate::traces;
use admission::Admission;
use alarms::Alarms;
use answer::Manner;
use connection::Connection;
use crew::Crew;
use early::{Door, Doorman, Guest, Wish};
use faas_abi::{IS_BLOCKING, IS_INLINE};
use faas_core::failure::Failure;
use faas_core::http1::Message;
use faas_core::invocation::Facts;
use faas_core::lifecycle::{RequestIds, Runtime};
use faas_core::log::Level;
use faas_core::parking::block_on;
use faas_core::platform::{Serving, StartAt};
use faas_core::settings::{Env, ServerSettings};
use heard::Heard;
use listening::Listener;
use post::Post;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use stop::Hands;
use table::{ALARM, END, LISTENER, Table};
use worker::Worker;

/// What all threads share.
struct Server {
    runtime: Runtime,
    protocol: Arc<dyn Serving>,
    stopper: Stopper,
    config: ServerSettings,
    epoll: Epoll,
    heard: Heard,
    alarms: Arc<Alarms>,
    /// Goes off when the work is over, and is never cleared: every watcher hears of it.
    end: Alarm,
    listener: Mutex<Option<Arc<Listener>>>,
    /// Could the last try not accept everybody?
    stalled: AtomicBool,
    table: Table,
    admission: Admission<Request>,
    crew: Crew,
    posts: Mutex<Vec<Option<Arc<Post>>>>,
    ids: RequestIds,
    is_inline: bool,
    has_replied_work: bool,
    /// When the listener is to be closed, once a stop has begun.
    drain_at: OnceLock<u64>,
    draining: AtomicBool,
    /// Has the platform had Close run? Then nothing can be served any more.
    closed: AtomicBool,
    /// How long what is in flight may take to end.
    grace: Duration,
    exit_code: AtomicI32,
}

/// A request that is whole, and is to be an invocation.
struct Request {
    connection: Arc<Connection>,
    message: Message,
    facts: Facts,
    manner: Manner,
}

/// What a client is told when its invocation's time is over.
fn time_out() -> Failure {
    Failure::new("Function.TimedOut", "the function did not answer within its time limit")
}

/// Lives the process' life; its exit code.
pub(crate) fn run(life: &Life<'_>, protocol: Arc<dyn Serving>) -> i32 {
    let listener = match listening::bind(protocol.listen()) {
        Ok(listener) => Arc::new(listener),
        Err(why) => {
            life.say_failed(&Failure::new("Runtime.NoListener", why));
            return protocol.listen_failed();
        }
    };
    match prepare(life, protocol, listener) {
        Ok(Some(server)) => serve(server),
        Ok(None) => 0,
        Err(failure) => {
            life.say_failed(&failure);
            FAILED
        }
    }
}

fn no_resources(error: std::io::Error) -> Failure {
    Failure::new("Runtime.NoResources", format!("the server cannot be made: {error}"))
}

/// Makes the server. There is none if the process is told to end before it was told to start its function.
fn prepare(
    life: &Life<'_>,
    protocol: Arc<dyn Serving>,
    listener: Arc<Listener>,
) -> Result<Option<Arc<Server>>, Failure> {
    let look_up = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let (most, lame_duck) = (protocol.concurrency(), protocol.lame_duck());
    let mut config = ServerSettings::read(&Env::new(&look_up), most, lame_duck, protocol.body_bytes())
        .map_err(|bad| Failure::new("Runtime.InvalidConfiguration", bad.to_string()))?;
    // What is in flight then has to end within what is left.
    config.lame_duck = config.lame_duck.min(life.settings.grace / 2);
    let stopper = life.stopper().map_err(no_resources)?;
    let hands = Hands::new(protocol.ready_file());
    // Before the start: as the first process of a container nothing else would heed a signal.
    stopper.launch(hands.clone()).map_err(no_resources)?;
    let epoll = Epoll::new().map_err(no_resources)?;
    let alarms = Arc::new(Alarms::new(life.unit.clone()).map_err(no_resources)?);
    epoll.add(alarms.clock(), ALARM).map_err(no_resources)?;
    let end = Alarm::new().map_err(no_resources)?;
    epoll.add_for_all(&end, END).map_err(no_resources)?;
    epoll.add(&*listener, LISTENER).map_err(no_resources)?;
    side::open(&protocol, &life.unit.log).map_err(|why| Failure::new("Runtime.NoListener", why))?;
    let door = Door::new(listener.clone(), protocol.clone(), life.unit.clone(), &config).map_err(no_resources)?;
    let begun = begin(life, &protocol, &hands, &stopper, &listener, door)?;
    let Some((runtime, guests)) = begun else { return Ok(None) };
    let flags = runtime.function_flags();
    let server = Arc::new(Server {
        protocol,
        stopper,
        epoll,
        heard: Heard::default(),
        alarms,
        end,
        stalled: AtomicBool::new(false),
        table: Table::default(),
        admission: Admission::new(config.concurrency, config.threads),
        // One more than may run invocations, so that somebody always watches.
        crew: Crew::new(config.threads.saturating_add(1), flags & IS_BLOCKING != 0),
        posts: Mutex::new(Vec::new()),
        ids: RequestIds::default(),
        is_inline: flags & IS_INLINE != 0,
        has_replied_work: runtime.has_replied_work(),
        drain_at: OnceLock::new(),
        draining: AtomicBool::new(false),
        closed: AtomicBool::new(false),
        grace: life.settings.grace,
        exit_code: AtomicI32::new(0),
        config,
        runtime,
        listener: Mutex::new(Some(listener.clone())),
    });
    hands.hold(&server);
    guests.into_iter().for_each(|guest| server.welcome(guest));
    if server.protocol.start() == StartAt::Once {
        say_place(life, &listener);
    }
    Ok(Some(server))
}

/// RuntimeStart, and FunctionStart when its time has come; platforms probe while they wait. Nothing: the process was
/// told to end before.
fn begin(
    life: &Life<'_>,
    protocol: &Arc<dyn Serving>,
    hands: &Hands,
    stopper: &Stopper,
    listener: &Listener,
    door: Door,
) -> Result<Option<(Runtime, Vec<Guest>)>, Failure> {
    let features = features(protocol.concurrency(), protocol.suspends());
    let waits = protocol.start() == StartAt::Signal;
    let mut doorman = door.keep(waits).map_err(no_resources)?;
    let booted = match life.boot(features, doorman.on_late()) {
        Ok(booted) => booted,
        Err(failure) => return Err(turn_away(doorman, failure)),
    };
    let mut with = None;
    if waits {
        let (mut door, wish) = doorman.end().map_err(no_resources)?;
        hands.wait(door.alarm());
        if let Err(failure) = announce(&**protocol, listener) {
            block_on(booted.close());
            door.turn_away(Err(&failure));
            return Err(failure);
        }
        say_place(life, listener);
        let wish = wish.unwrap_or_else(|| door.wait());
        match hands.go_on(stopper.watchdog(), wish) {
            Wish::Start(initial) => with = initial,
            wish @ (Wish::Close | Wish::Leave) => {
                block_on(booted.close());
                door.turn_away(Ok(()));
                if matches!(wish, Wish::Close) {
                    hands.wait(door.alarm());
                    if !stopper.watchdog().is_stopping() {
                        door.wait_for_end();
                    }
                }
                return Ok(None);
            }
        }
        doorman = door.keep(false).map_err(no_resources)?;
    }
    let runtime = match life.begin(booted, features, with, doorman.on_late()) {
        Ok(runtime) => runtime,
        Err(failure) => return Err(turn_away(doorman, failure)),
    };
    let (mut door, _) = doorman.end().map_err(no_resources)?;
    // Whoever comes from here on finds the server.
    if !waits && let Err(failure) = announce(&**protocol, listener) {
        block_on(runtime.close());
        door.turn_away(Err(&failure));
        return Err(failure);
    }
    Ok(Some((runtime, door.guests().collect())))
}

/// Who has asked for the start is told that it failed.
fn turn_away(doorman: Doorman, failure: Failure) -> Failure {
    if let Ok((mut door, _)) = doorman.end() {
        door.turn_away(Err(&failure));
    }
    failure
}

/// Makes what tells others that the process takes requests.
fn announce(protocol: &dyn Serving, listener: &Listener) -> Result<(), Failure> {
    listener.announce().map_err(|why| Failure::new("Runtime.NoListener", why))?;
    signals::be_ready(protocol.ready_file())
}

/// Who reads this line may send requests, and stop signals that end the process in order.
fn say_place(life: &Life<'_>, listener: &Listener) {
    life.unit.log.say(Level::Info, &format!("listening on {}", listener.place()));
}

fn serve(server: Arc<Server>) -> i32 {
    let mut worker = Worker::new(&server);
    worker.work(false);
    // One that was given up and came back ends like the others do.
    drop(worker);
    server.crew.join();
    let code = server.exit_code.load(SeqCst);
    // The watchdog may be looking at it this moment; else it is this thread's alone.
    if let Some(server) = Arc::into_inner(server) {
        block_on(server.runtime.close());
    }
    code
}

impl Server {
    /// What is still true of the way a response goes out: a process that stops keeps no connection.
    fn settled(&self, manner: Manner) -> Manner {
        if self.stopper.watchdog().is_stopping() { manner.last() } else { manner }
    }

    /// Makes somebody watch while this thread does not.
    fn call_deputy(self: &Arc<Self>) {
        let server = self.clone();
        let called = self.crew.call(|| {
            let builder = std::thread::Builder::new().name("faas-worker".to_owned());
            builder.spawn(move || Worker::new(&server).work(true))
        });
        if let Err(error) = called {
            self.runtime.process().log.say(Level::Warn, &format!("no thread for the next request: {error}"));
        }
    }

    /// The system refuses what the server lives on.
    fn die(&self, why: &str) -> ! {
        self.runtime.process().log.say(Level::Error, why);
        traces::leave(FAILED)
    }
}
