//! Platforms that send requests: an HTTP/1.1 server on std, for both runtimes.
//!
//! Threads wait together for news of all connections; whoever hears of a request reads it, runs it and answers it. An
//! idle connection holds neither a thread nor a buffer. What requests mean is the protocol's ([`Serving`]), what a
//! connection does next and how many invocations there are is the core's ([`faas_core::serve`]); here are the system's
//! calls, the threads, and the order of start and end.
//!
//! | file | holds |
//! |---|---|
//! | `listening`, `socket` | the port or path, and the ends of its connections |
//! | `startup_listener` | the port while the start runs, or waits to be asked for |
//! | `table`, `link` | the open connections, and one of them |
//! | `worker` | a thread: hears, reads, hands on |
//! | `serve`, `pending` | an invocation, from request to response; one that waits |
//! | `seats`, `in_flight` | places for invocations; what others may know of one, and its streams |
//! | `thread_pool`, `thread_place` | how many threads watch; the place of an invocation among those that run |
//! | `ready_list`, `timers` | news that nobody has looked at yet; moments to come |
//! | `uploads` | bodies that their invocations read piece by piece |
//! | `refusals`, `stalled_readers` | requests that were not taken, counted; clients that give way for others |
//! | `access_log` | a line a request, where it is asked for |
//! | `admin_port` | the second port |
//! | `platform_signals` | what a platform asks for besides invocations |
//! | `shutdown` | stop signals, time-outs, the end |
//! | `http2`, `room` | how a runtime that speaks HTTP/2 takes part; the writer of a stream that waits for its client |

mod access_log;
mod admin_port;
pub mod http2;
mod in_flight;
mod link;
mod listening;
mod pending;
mod platform_signals;
mod ready_list;
mod refusals;
mod room;
mod seats;
mod serve;
mod shutdown;
mod socket;
mod stalled_readers;
mod startup_listener;
mod table;
mod thread_place;
mod thread_pool;
mod timers;
mod uploads;
mod worker;

use crate::background::Background;
use crate::exit_code::FAILED;
use crate::guard;
use crate::life::{Life, features};
use crate::runtime_files;
use crate::shutdown::Shutdown;
use crate::sys::{Alarm, Bell, Epoll};
use faas_core::failure::Failure;
use faas_core::http1::Message;
use faas_core::invocation::InvocationMetadata;
use faas_core::lifecycle::{RequestIds, Runtime};
use faas_core::log::Level;
use faas_core::parking::block_on;
use faas_core::platform::{Serving, StartAt};
use faas_core::serve::{Admission, Budget, Charge, Connection, Manner};
use faas_core::settings::{Env, ServerSettings};
use in_flight::Client;
use listening::Listener;
use ready_list::ReadyList;
use refusals::Refusals;
use seats::Seats;
use shutdown::Hands;
use startup_listener::{Pending as PendingConnection, StartupListener, StartupThread, Wish};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use table::{ALARM, END, LISTENER, NEWS, Table};
use thread_pool::ThreadPool;
use timers::Timers;
use worker::Worker;

/// The time that the main thread waits between two looks whether it is the last to hold the server.
const LAST_HOLDER: Duration = Duration::from_millis(1);

/// The state that all threads of the server share.
#[derive(Debug)]
pub(crate) struct Server {
    runtime: Runtime,
    protocol: Arc<dyn Serving>,
    shutdown: Shutdown,
    config: ServerSettings,
    epoll: Epoll,
    ready: ReadyList,
    timers: Arc<Timers>,
    /// The bell for work that no connection told of.
    news: Bell,
    /// The alarm that goes off when the work is over, and is never cleared: every watcher hears of it.
    end: Alarm,
    listener: Mutex<Option<Arc<Listener>>>,
    /// `true` if the last try could not accept every connection.
    stalled: AtomicBool,
    /// The moment when the log was last told that nobody can be accepted, in nanoseconds; 0 for never.
    stall_said_at: AtomicU64,
    /// The moment when clients that take nothing were looked for last, on the process' clock; 0 for never.
    stalled_looked_at: AtomicU64,
    table: Table,
    budget: Arc<Budget>,
    admission: Admission<Work>,
    pool: ThreadPool,
    background: Background,
    seats: Seats,
    ids: RequestIds,
    probes: Mutex<platform_signals::Probes>,
    refusals: Refusals,
    /// `true` if the function says itself that it blocks its thread.
    blocks: bool,
    /// `true` if calls may wait for something else than their thread: the function says so, or one of its calls has.
    waits: AtomicBool,
    /// `true` if some function reads the bodies of its requests piece by piece.
    takes_heads: bool,
    replied_timeout: Duration,
    http2: Option<&'static dyn http2::Http2>,
    /// Connections of HTTP/2 that are open, and how to tell them of the end.
    http2_peers: http2::Peers,
    /// The moment when the listener is to be closed, once a stop has begun.
    drain_at: OnceLock<u64>,
    draining: AtomicBool,
    /// The moment of the first look that found every accepted invocation answered after that, in nanoseconds; 0 for not
    /// yet.
    answered_at: AtomicU64,
    /// `true` once the platform has had Close run: nothing can be served any more.
    closed: AtomicBool,
    /// The time that a stop may take.
    grace: Duration,
    exit_code: AtomicI32,
}

impl std::fmt::Debug for dyn http2::Http2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http2")
    }
}

/// A request that is accepted, and is to be an invocation.
#[derive(Debug)]
struct Request {
    client: Client,
    message: Message,
    metadata: InvocationMetadata,
    manner: Manner,
    /// The bytes of memory that the request is charged for.
    charge: Charge,
}

/// Work that waits for a thread.
#[allow(clippy::large_enum_variant, reason = "a box would be an allocation a request, to save a move")]
#[derive(Debug)]
enum Work {
    /// A request that has been accepted.
    Request(Request),
    /// An invocation that has been woken.
    Pending(Arc<pending::Pending>),
}

/// Runs the process from its start to its end; returns its exit code.
pub(crate) fn run(life: &Life<'_>, protocol: Arc<dyn Serving>, http2: Option<&'static dyn http2::Http2>) -> i32 {
    let listener = match listening::bind(protocol.listen()) {
        Ok(listener) => Arc::new(listener),
        Err(why) => {
            life.say_failed(&Failure::new("Runtime.NoListener", why));
            return protocol.listen_failed();
        }
    };
    match prepare(life, protocol, listener, http2) {
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

/// Makes the server; `None` if the process is told to end before it was told to start its function.
fn prepare(
    life: &Life<'_>,
    protocol: Arc<dyn Serving>,
    listener: Arc<Listener>,
    http2: Option<&'static dyn http2::Http2>,
) -> Result<Option<Arc<Server>>, Failure> {
    let look_up = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let (most, lame_duck) = (protocol.concurrency(), protocol.lame_duck());
    let mut config = ServerSettings::read(&Env::new(&look_up), most, lame_duck, protocol.body_bytes())
        .map_err(|bad| Failure::new("Runtime.InvalidConfiguration", bad.to_string()))?;
    // The invocations in flight then have to end within the rest of the grace.
    config.lame_duck = config.lame_duck.min(life.settings.grace / 2);
    let shutdown = life.shutdown().map_err(no_resources)?;
    let background = Background::new(&life.process.log);
    let hands = Hands::new(&life.process, &background, protocol.ready_file());
    // This comes before the start: as the first process of a container nothing else would heed a signal.
    shutdown.launch(|| hands.clone()).map_err(no_resources)?;
    let epoll = Epoll::new().map_err(no_resources)?;
    let timers = Arc::new(Timers::new(life.process.clone()).map_err(no_resources)?);
    epoll.add(timers.clock(), ALARM).map_err(no_resources)?;
    let end = Alarm::new().map_err(no_resources)?;
    epoll.add_for_all(&end, END).map_err(no_resources)?;
    let news = Bell::new().map_err(no_resources)?;
    epoll.add(&news, NEWS).map_err(no_resources)?;
    epoll.add(&*listener, LISTENER).map_err(no_resources)?;
    admin_port::open(&protocol, &life.process.log).map_err(|why| Failure::new("Runtime.NoListener", why))?;
    let startup = StartupListener::new(listener.clone(), protocol.clone(), life.process.clone(), &config)
        .map_err(no_resources)?;
    let begun = begin(life, &protocol, &hands, &shutdown, &listener, startup)?;
    let Some((runtime, guests)) = begun else { return Ok(None) };
    let manner = runtime.call_manner();
    let server = Arc::new(Server {
        protocol,
        shutdown,
        epoll,
        ready: ReadyList::default(),
        timers,
        news,
        end,
        stalled: AtomicBool::new(false),
        stall_said_at: AtomicU64::new(0),
        stalled_looked_at: AtomicU64::new(0),
        table: Table::default(),
        budget: Budget::new(config.max_buffered),
        admission: Admission::new(config.concurrency, config.threads),
        // There is one thread more than may run invocations, so that one always watches.
        pool: ThreadPool::new(config.threads.saturating_add(1), manner.all_block),
        background,
        seats: Seats::default(),
        ids: RequestIds::default(),
        probes: Mutex::default(),
        refusals: Refusals::default(),
        blocks: manner.all_block,
        // An `async fn` says that it is inline: it returns soon, and may wait then.
        waits: AtomicBool::new(manner.some_wait),
        takes_heads: runtime.wants_pieces(),
        replied_timeout: life.settings.replied_timeout,
        http2,
        http2_peers: http2::Peers::default(),
        drain_at: OnceLock::new(),
        draining: AtomicBool::new(false),
        answered_at: AtomicU64::new(0),
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

/// Runs RuntimeStart, and FunctionStart when its time has come; platforms probe while they wait. Returns `None` if the
/// process was told to end before.
fn begin(
    life: &Life<'_>,
    protocol: &Arc<dyn Serving>,
    hands: &Hands,
    shutdown: &Shutdown,
    listener: &Listener,
    startup: StartupListener,
) -> Result<Option<(Runtime, Vec<PendingConnection>)>, Failure> {
    let features = features(protocol.concurrency(), protocol.suspends(), protocol.concurrency() == 1);
    let waits = protocol.start() == StartAt::Signal;
    let mut startup_thread = startup.spawn(waits).map_err(no_resources)?;
    let booted = match life.boot(features, startup_thread.on_late()) {
        Ok(booted) => booted,
        Err(failure) => return Err(turn_away(startup_thread, failure)),
    };
    let mut with = None;
    if waits {
        let (mut startup, wish) = startup_thread.end().map_err(no_resources)?;
        hands.wait(startup.alarm());
        if let Err(failure) = announce(&**protocol, listener) {
            block_on(booted.close());
            startup.turn_away(Err(&failure));
            return Err(failure);
        }
        say_place(life, listener);
        let wish = wish.unwrap_or_else(|| startup.wait());
        match hands.go_on(shutdown.deadlines(), wish) {
            Wish::Start(initial) => with = initial,
            wish @ (Wish::Close | Wish::Leave) => {
                block_on(booted.close());
                startup.turn_away(Ok(()));
                if matches!(wish, Wish::Close) {
                    hands.wait(startup.alarm());
                    if !shutdown.deadlines().is_stopping() {
                        startup.wait_for_end();
                    }
                }
                return Ok(None);
            }
        }
        startup_thread = startup.spawn(false).map_err(no_resources)?;
    }
    let runtime = match life.begin(booted, with, startup_thread.on_late()) {
        Ok(runtime) => runtime,
        Err(failure) => return Err(turn_away(startup_thread, failure)),
    };
    let (mut startup, _) = startup_thread.end().map_err(no_resources)?;
    // A client that comes from here on finds the server.
    if !waits && let Err(failure) = announce(&**protocol, listener) {
        block_on(runtime.close());
        startup.turn_away(Err(&failure));
        return Err(failure);
    }
    Ok(Some((runtime, startup.pending().collect())))
}

/// Tells the clients that have asked for the start that it failed.
fn turn_away(startup_thread: StartupThread, failure: Failure) -> Failure {
    if let Ok((mut startup, _)) = startup_thread.end() {
        startup.turn_away(Err(&failure));
    }
    failure
}

/// Makes the file or socket by which others know that the process takes requests.
fn announce(protocol: &dyn Serving, listener: &Listener) -> Result<(), Failure> {
    listener.announce().map_err(|why| Failure::new("Runtime.NoListener", why))?;
    platform_signals::be_ready(protocol.ready_file())
}

/// Writes the log line with the address. A process that reads it may send requests, and stop signals that end the
/// process in order.
fn say_place(life: &Life<'_>, listener: &Listener) {
    life.process.log.say(Level::Info, &format!("listening on {}", listener.place()));
}

fn serve(server: Arc<Server>) -> i32 {
    let mut worker = Worker::new(&server);
    worker.work(false);
    // A worker that was given up and came back ends like the others do.
    drop(worker);
    server.pool.join();
    let code = server.exit_code.load(SeqCst);
    // Another thread may be looking at it now; else it is this thread's alone.
    let mut server = server;
    loop {
        match Arc::try_unwrap(server) {
            Ok(server) => {
                block_on(server.runtime.close());
                return code;
            }
            // When the grace is over, the thread of the deadlines ends the process.
            Err(shared) => server = shared,
        }
        std::thread::park_timeout(LAST_HOLDER);
    }
}

impl Server {
    /// Returns the manner of a response as it is now: a process that stops keeps no connection, and one that cannot go
    /// on behind its request is not kept either.
    fn settled(&self, manner: Manner, goes_on: bool) -> Manner {
        if goes_on && !self.shutdown.deadlines().is_stopping() { manner } else { manner.last() }
    }

    /// Makes another thread watch while this one does not.
    fn call_deputy(self: &Arc<Self>) {
        let server = self.clone();
        let called = self.pool.call(|| {
            guard::spawn(&self.runtime.process().log, "faas-worker", None, move || Worker::new(&server).work(true))
        });
        if let Err(error) = called {
            self.runtime.process().log.say(Level::Warn, &format!("no thread for the next request: {error}"));
        }
    }

    /// Ends the process, since the system refuses a thing that the server needs.
    fn die(&self, why: &str) -> ! {
        self.runtime.process().log.say(Level::Error, why);
        runtime_files::leave(FAILED)
    }

    /// Makes the state of a new connection.
    fn new_connection(&self, reader: Option<faas_core::http1::Reader>) -> Connection {
        let connection = Connection::new(reader, &self.budget, &self.config, &**self.runtime.process());
        connection.taking_heads(self.takes_heads)
    }
}
