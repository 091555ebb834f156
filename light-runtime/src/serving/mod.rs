//! Platforms that send requests: an HTTP/1.1 server on std.
//!
//! Threads wait together for news of all connections; whoever hears of a request reads it, runs it and answers it. An
//! idle connection holds neither a thread nor a buffer. What requests mean and how responses look is the protocol's
//! ([`Serving`]) and the codec's ([`faas_core::http1`]); here are reading, waiting, limits and the order of the end.
//!
//! | file | holds |
//! |---|---|
//! | `listening` | the port |
//! | `early` | probes while the start runs |
//! | `table`, `connection` | the open connections, and the state of one |
//! | `worker` | a thread: hears, reads, hands on |
//! | `serve` | an invocation, from request to response |
//! | `answer` | heads of responses |
//! | `post` | a worker's invocation as others see it, and its streams |
//! | `admission` | how many at once |
//! | `crew` | how many threads watch |
//! | `heard` | news that nobody has looked at yet |
//! | `closing`, `alarms` | how connections end, and when |
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
mod stop;
mod table;
mod worker;

use crate::start::{FAILED, Life};
use crate::stopper::Stopper;
use crate::sys::{self, Alarm, Epoll};
use admission::Admission;
use alarms::Alarms;
use answer::Manner;
use connection::Connection;
use crew::Crew;
use early::Doorman;
use faas_abi::{IS_BLOCKING, IS_INLINE};
use faas_core::failure::Failure;
use faas_core::http1::Message;
use faas_core::invocation::Facts;
use faas_core::lifecycle::{RequestIds, Runtime};
use faas_core::log::Level;
use faas_core::parking::block_on;
use faas_core::platform::{Listen, Serving};
use faas_core::settings::{Env, ServerSettings};
use heard::Heard;
use post::Post;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
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
    listener: Mutex<Option<TcpListener>>,
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
    match prepare(life, protocol) {
        Ok(server) => serve(server),
        Err(failure) => {
            life.say_failed(&failure);
            FAILED
        }
    }
}

/// Takes the port, then starts the function: platforms probe the port while they wait.
fn prepare(life: &Life<'_>, protocol: Arc<dyn Serving>) -> Result<Arc<Server>, Failure> {
    let look_up = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let config = ServerSettings::read(&Env::new(&look_up), protocol.concurrency(), protocol.lame_duck())
        .map_err(|bad| Failure::new("Runtime.InvalidConfiguration", bad.to_string()))?;
    let no_resources =
        |error: std::io::Error| Failure::new("Runtime.NoResources", format!("the server cannot be made: {error}"));
    let Listen::Tcp(endpoint) = protocol.listen() else {
        return Err(Failure::new("Runtime.NoListener", "no unix sockets yet"));
    };
    let (listener, address) = listening::bind(endpoint).map_err(|why| Failure::new("Runtime.NoListener", why))?;
    let stopper = life.stopper().map_err(no_resources)?;
    let hands = Hands::default();
    // Before the start: as the first process of a container nothing else would heed a signal.
    stopper.launch(hands.clone()).map_err(no_resources)?;
    let epoll = Epoll::new().map_err(no_resources)?;
    let alarms = Arc::new(Alarms::new(life.unit.clone()).map_err(no_resources)?);
    epoll.add(alarms.clock(), ALARM).map_err(no_resources)?;
    let end = Alarm::new().map_err(no_resources)?;
    epoll.add_for_all(&end, END).map_err(no_resources)?;
    let doorman = Doorman::begin(&listener, protocol.clone(), life.unit.clone()).map_err(no_resources)?;
    let started = life.start(config.concurrency, false, |_| ());
    let guests = doorman.end();
    let runtime = started?;
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
        exit_code: AtomicI32::new(0),
        config,
        runtime,
        listener: Mutex::new(None),
    });
    let added = server.epoll.add(&listener, LISTENER);
    *server.listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(listener);
    added.map_err(no_resources)?;
    hands.hold(&server);
    guests.into_iter().for_each(|guest| server.welcome(guest.socket, guest.address));
    life.unit.log.say(Level::Info, &format!("listening on {address}"));
    Ok(server)
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
        sys::leave(FAILED)
    }
}
