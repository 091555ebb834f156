//! Platforms that send requests: bind, start, accept, answer, drain.
//!
//! The port is open before anything is loaded, so that probes are answered while functions start; invocations wait until
//! they have. Where the platform says when functions start, only layers have started before, and connections wait for
//! them. After a stop signal readiness is 503, requests are served for the lame-duck time, then the port closes, what runs
//! is answered, and Close follows.

mod exchange;
mod head;
mod http1;
mod http2;
mod outlet;
mod seats;
mod side;
mod signals;
mod sockets;
mod stage;

use crate::deadline::{Hands, Overdue, Then};
use crate::diagnostics;
use crate::loops::Loops;
use crate::start::{FAILED, Life, complain, look_up, say_failed};
use crate::stop::{Phase, Stop, reached};
use crate::traces;
use faas_abi::{CANCEL_CLOSING, F_CONCURRENT, F_REPLIED, F_STREAM_OUT, F_SUSPEND};
use faas_core::failure::Failure;
use faas_core::lifecycle::{Booted, RequestIds, Runtime};
use faas_core::parking::block_on;
use faas_core::platform::{Serving, StartAt};
use faas_core::settings::{Env, ServerSettings};
use faas_core::unit::Unit;
use seats::Seats;
use sockets::{Accepted, Door};
use stage::{Ground, Rest, Seen, Stage, Started};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Between a failure to accept, usually for want of descriptors, and the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// This long before the grace ends, what still runs is cancelled, so that there is time to answer it.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// After layers have failed to start, so long those are told who have asked for a start.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// What all connections share.
pub(crate) struct Server {
    unit: Arc<Unit>,
    protocol: Arc<dyn Serving>,
    stop: Arc<Stop>,
    config: ServerSettings,
    seats: Arc<Seats>,
    ids: RequestIds,
    stage: Stage,
    /// Has the platform had Close run? Then nothing can be served any more.
    closed: AtomicBool,
    /// How long what is in flight may take to end.
    grace: Duration,
    pool: Handle,
}

impl Server {
    fn is_stopping(&self) -> bool {
        self.stop.phase() > Phase::Running
    }

    fn has_replied_work(&self) -> bool {
        self.stage.started().is_some_and(|started| started.runtime.has_replied_work())
    }

    /// Whoever looks for the file that says the process takes requests finds none.
    fn no_longer_ready(&self) {
        no_longer_ready(&*self.protocol);
    }
}

fn no_longer_ready(protocol: &dyn Serving) {
    if let Some(path) = protocol.ready_file() {
        traces::remove(Path::new(path));
    }
}

/// One connection, as requests know it.
struct Client {
    server: Arc<Server>,
    /// The other end's address, without its port.
    peer: String,
    /// Whoever has one of these has work to end before the process does.
    _live: mpsc::Sender<()>,
}

/// Takes an invocation away from a function that does not end.
struct TakeAway {
    unit: Arc<Unit>,
    protocol: Arc<dyn Serving>,
    seats: Arc<Seats>,
    max_hung: usize,
}

impl Overdue for TakeAway {
    fn answer(&self, slot: usize, request_id: &[u8], _: &Failure) -> Then {
        if let Some(seat) = self.seats.view(slot) {
            self.protocol.after(&self.unit, &seat.abandoned.facts(), request_id, true);
            seat.port.cut();
            // Whoever waits for it answers 504.
            seat.abandoned.tell(request_id);
        }
        if self.seats.lose() < self.max_hung { Then::GoOn } else { Then::Drain }
    }

    fn stopping(&self) {
        no_longer_ready(&*self.protocol);
    }
}

/// Lives the process' life; its exit code.
pub(crate) fn run(life: Life, protocol: Arc<dyn Serving>) -> i32 {
    let (most, lame_duck) = (protocol.concurrency(), protocol.lame_duck());
    let config = match ServerSettings::read(&Env::new(&look_up), most, lame_duck, protocol.body_bytes()) {
        Ok(config) => config,
        Err(bad) => return complain(&bad),
    };
    diagnostics::install(&life.unit.log);
    // Two more threads, for start and for what the platform asks for besides invocations.
    let loops = match Loops::start(config.concurrency, config.threads.saturating_add(2)) {
        Ok(loops) => loops,
        Err(error) => return complain(&format_args!("no event loop: {error}")),
    };
    let server = Arc::new(Server {
        unit: life.unit.clone(),
        protocol,
        stop: life.stop.clone(),
        config,
        seats: Arc::new(Seats::new(config.concurrency)),
        ids: RequestIds::default(),
        stage: Stage::default(),
        closed: AtomicBool::new(false),
        grace: life.settings.grace,
        pool: loops.pool(),
    });
    let overdue = TakeAway {
        unit: life.unit.clone(),
        protocol: server.protocol.clone(),
        seats: server.seats.clone(),
        max_hung: config.max_hung,
    };
    let hands = Hands { unit: life.unit.clone(), stop: life.stop.clone(), overdue };
    if let Err(error) = life.stop.launch(hands) {
        return complain(&format_args!("no thread for deadlines and signals: {error}"));
    }
    let code = loops.block_on(live(life, &server, &loops));
    loops.abandon();
    // Functions that do not end are not closed under.
    if server.seats.lost() == 0
        && let Some(server) = Arc::into_inner(server)
    {
        match server.stage.into_rest() {
            Rest::Started(started) => {
                if let Some(runtime) = Arc::into_inner(started.runtime) {
                    block_on(runtime.close());
                }
            }
            Rest::Layers(ground) => block_on(ground.booted.close()),
            Rest::Nothing => {}
        }
    }
    code
}

/// From the open port to the last answer; the exit code.
async fn live(life: Life, server: &Arc<Server>, loops: &Loops) -> i32 {
    let asked = server.protocol.listen();
    let door = match Door::open(asked) {
        Ok(door) => door,
        Err(error) => {
            complain(&format_args!("cannot listen on {asked}: {error}"));
            return server.protocol.listen_failed();
        }
    };
    if let Err(failure) = side::open(&server.protocol, loops) {
        say_failed(&server.unit, &failure);
        return FAILED;
    }
    let grace = server.grace;
    let (live, mut all_gone) = mpsc::channel(1);
    let mut phase = server.stop.listen();
    let mut last_answers = Duration::ZERO;
    tokio::select! {
        biased;
        () = reached(&mut phase, Phase::Leaving) => {}
        Failed = start(life, server, &door) => {
            if !matches!(server.stage.look(), Seen::Failed(_)) {
                return FAILED;
            }
            // Who has asked for the start is at the door, and is told.
            last_answers = LAST_ANSWERS.min(grace / 2);
            server.stop.give_up(FAILED);
        }
        never = accept_when_due(&door, server, loops, &live) => match never {},
    }
    // Once more, should the start have ended while the stop began.
    server.no_longer_ready();
    if server.stage.has_just_begun() {
        // Nothing else has, so nothing has to end.
        return server.stop.code();
    }
    let lame_duck = match server.stage.started() {
        Some(_) => server.config.lame_duck.min(grace / 2),
        // There is nothing to be served, only answers to be given.
        None => last_answers,
    };
    tokio::select! {
        never = accept(&door, server, loops, &live) => match never {},
        () = tokio::time::sleep(lame_duck) => {}
    }
    drop(door);
    server.stop.advance(Phase::Closing);
    drop(live);
    let left = grace - lame_duck;
    if timeout(left - LAST_WORDS.min(left / 2), all_gone.recv()).await.is_err() {
        for seat in server.seats.views() {
            server.stop.watchdog().cancel(&seat.slot, CANCEL_CLOSING);
        }
        // When the grace is over, the watchdog ends the process.
        all_gone.recv().await;
    }
    server.stop.code()
}

/// Start has failed, and has been told.
struct Failed;

/// What has been started when the first part of a start is over.
enum Begun {
    Everything(Box<Runtime>),
    Layers(Box<Booted>),
}

/// Starts layers, and the function unless that waits for a signal, on a thread of the pool, and opens the doors. Ends only
/// if that fails.
async fn start(life: Life, server: &Server, door: &Door) -> Failed {
    let features = features(server);
    let at = server.protocol.start();
    let unit = life.unit.clone();
    let late = move |failure: Failure| {
        say_failed(&unit, &failure);
        traces::leave(FAILED);
    };
    let begin = move || {
        let begun = match at {
            StartAt::Once => life.start(features, late).map(|runtime| Begun::Everything(Box::new(runtime))),
            StartAt::Signal => life.boot(features, late).map(|booted| Begun::Layers(Box::new(booted))),
        };
        (life, begun)
    };
    let (life, begun) = match server.pool.spawn_blocking(begin).await {
        Ok(begun) => begun,
        // The thread panicked, and said so.
        Err(_) => return Failed,
    };
    let life = Arc::new(life);
    match begun {
        Ok(Begun::Everything(runtime)) => server.stage.start(Started::new(*runtime, server.pool.clone())),
        Ok(Begun::Layers(booted)) => server.stage.wait(Ground { life: life.clone(), booted: *booted, features }),
        Err(failure) => {
            say_failed(&server.unit, &failure);
            if at == StartAt::Signal {
                server.stage.fail(failure);
            }
            return Failed;
        }
    }
    if let Err(failure) = show(server, door) {
        say_failed(&server.unit, &failure);
        return Failed;
    }
    life.say_started(&format!("listening on {}, ", door.place(server.protocol.listen())));
    std::future::pending().await
}

fn features(server: &Server) -> u64 {
    let mut features = F_STREAM_OUT | F_REPLIED;
    if server.config.concurrency > 1 {
        features |= F_CONCURRENT;
    }
    if server.protocol.suspends() {
        features |= F_SUSPEND;
    }
    features
}

/// Lets those know who look for a file.
fn show(server: &Server, door: &Door) -> Result<(), Failure> {
    server.say_ready()?;
    door.show().map_err(|error| {
        let message = format!("{} could not be given its name: {error}", server.protocol.listen());
        Failure::new("Runtime.NoResources", message)
    })
}

/// Accepts connections, but where functions wait for a signal only once it may come: one that came while layers start
/// would be taken for the second of two.
async fn accept_when_due(door: &Door, server: &Arc<Server>, loops: &Loops, live: &mpsc::Sender<()>) -> Infallible {
    if server.protocol.start() == StartAt::Signal {
        server.stage.beyond_the_first().await;
    }
    accept(door, server, loops, live).await
}

/// Accepts connections, each of which is a task. Never ends.
async fn accept(door: &Door, server: &Arc<Server>, loops: &Loops, live: &mpsc::Sender<()>) -> Infallible {
    loop {
        match door.accept().await {
            Ok((accepted, peer)) => {
                let client = Arc::new(Client { server: server.clone(), peer, _live: live.clone() });
                match accepted {
                    Accepted::Tcp(stream) => loops.pick().spawn(over_tcp(client, stream)),
                    Accepted::Unix(stream) => loops.pick().spawn(over_unix(client, stream)),
                };
            }
            Err(error) => {
                tracing::warn!("no connection could be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn not_served(error: &io::Error) {
    tracing::warn!("a connection could not be served: {error}");
}

async fn over_unix(client: Arc<Client>, stream: std::os::unix::net::UnixStream) {
    match UnixStream::from_std(stream) {
        Ok(stream) => http1::serve(client, sockets::unix_halves(stream)).await,
        Err(error) => not_served(&error),
    }
}

async fn over_tcp(client: Arc<Client>, stream: std::net::TcpStream) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return not_served(&error),
    };
    // A socket that is gone already says so when it is read.
    let _ = stream.set_nodelay(true);
    let mut beginning = [0; http2::BEGINNING.len()];
    let mut phase = client.server.stop.listen();
    let seen = tokio::select! {
        biased;
        seen = stream.peek(&mut beginning) => seen,
        () = reached(&mut phase, Phase::Closing) => return,
    };
    match seen {
        Ok(0) | Err(_) => {}
        Ok(_) if beginning == *http2::BEGINNING => http2::serve(client, stream).await,
        Ok(_) => http1::serve(client, sockets::tcp_halves(stream)).await,
    }
}
