//! Platforms that send requests: bind, start, accept, answer, drain.
//!
//! The port is open before anything is loaded, so that probes are answered while functions start; invocations wait until
//! they have. After a stop signal readiness is 503, requests are served for the lame-duck time, then the port closes,
//! what runs is answered, and Close follows.

mod exchange;
mod head;
mod http1;
mod http2;
mod outlet;
mod seats;

use crate::deadline::{Hands, Overdue, Then};
use crate::loops::Loops;
use crate::start::{FAILED, Life, complain, look_up, say_failed};
use crate::stop::{Phase, Stop, reached};
use crate::work::Way;
use crate::{diagnostics, sys};
use faas_abi::{CANCEL_CLOSING, F_CONCURRENT, F_REPLIED, F_STREAM_OUT};
use faas_core::failure::Failure;
use faas_core::lifecycle::{RequestIds, Runtime};
use faas_core::platform::{Listen, Serving};
use faas_core::settings::{Env, ServerSettings};
use faas_core::unit::Unit;
use seats::Seats;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// Between a failure to accept, usually for want of descriptors, and the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// This long before the grace ends, what still runs is cancelled, so that there is time to answer it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What all connections share.
pub(crate) struct Server {
    unit: Arc<Unit>,
    protocol: Arc<dyn Serving>,
    stop: Arc<Stop>,
    config: ServerSettings,
    seats: Arc<Seats>,
    ids: RequestIds,
    started: OnceLock<Started>,
    has_started: Notify,
}

/// What there is once start is over.
struct Started {
    runtime: Arc<Runtime>,
    way: Way,
}

impl Server {
    fn is_stopping(&self) -> bool {
        self.stop.phase() > Phase::Running
    }

    fn has_replied_work(&self) -> bool {
        self.started.get().is_some_and(|started| started.runtime.has_replied_work())
    }

    /// Waits for the end of start.
    async fn started(&self) -> &Started {
        loop {
            let notified = self.has_started.notified();
            if let Some(started) = self.started.get() {
                return started;
            }
            notified.await;
        }
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
    seats: Arc<Seats>,
    max_hung: usize,
}

impl Overdue for TakeAway {
    fn answer(&self, slot: usize, request_id: &[u8], _: &Failure) -> Then {
        if let Some(seat) = self.seats.view(slot) {
            seat.port.cut();
            // Whoever waits for it answers 504.
            seat.abandoned.tell(request_id);
        }
        if self.seats.lose() < self.max_hung { Then::GoOn } else { Then::Drain }
    }
}

/// Lives the process' life; its exit code.
pub(crate) fn run(life: Life, protocol: Arc<dyn Serving>) -> i32 {
    let config = match ServerSettings::read(&Env::new(&look_up), protocol.concurrency(), protocol.lame_duck()) {
        Ok(config) => config,
        Err(bad) => return complain(&bad),
    };
    diagnostics::install(&life.unit.log);
    // One more thread, for start.
    let loops = match Loops::start(config.concurrency, config.threads.saturating_add(1)) {
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
        started: OnceLock::new(),
        has_started: Notify::new(),
    });
    let overdue = TakeAway { seats: server.seats.clone(), max_hung: config.max_hung };
    let hands = Hands { unit: life.unit.clone(), stop: life.stop.clone(), overdue };
    if let Err(error) = life.stop.launch(hands) {
        return complain(&format_args!("no thread for deadlines and signals: {error}"));
    }
    let code = loops.block_on(live(life, &server, &loops));
    loops.abandon();
    // Functions that do not end are not closed under.
    if server.seats.lost() == 0
        && let Some(started) = Arc::into_inner(server).and_then(|server| server.started.into_inner())
        && let Some(runtime) = Arc::into_inner(started.runtime)
    {
        faas_core::parking::block_on(runtime.close());
    }
    code
}

/// From the open port to the last answer; the exit code.
async fn live(life: Life, server: &Arc<Server>, loops: &Loops) -> i32 {
    let Listen::Tcp(address) = server.protocol.listen() else { return complain(&"no unix sockets yet") };
    let listener = match listen(address) {
        Ok(listener) => listener,
        Err(error) => return complain(&format_args!("cannot listen on {}: {error}", server.protocol.listen())),
    };
    let grace = life.settings.grace;
    let (live, mut all_gone) = mpsc::channel(1);
    let mut phase = server.stop.listen();
    tokio::select! {
        biased;
        () = reached(&mut phase, Phase::Leaving) => {}
        Failed = start(life, server, loops.pool(), listener.local_addr().ok()) => return FAILED,
        never = accept(&listener, server, loops, &live) => match never {},
    }
    if server.started.get().is_none() {
        // Nothing has begun, so nothing has to end.
        return server.stop.code();
    }
    let lame_duck = server.config.lame_duck.min(grace / 2);
    tokio::select! {
        never = accept(&listener, server, loops, &live) => match never {},
        () = tokio::time::sleep(lame_duck) => {}
    }
    drop(listener);
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

/// Starts layers and function on a thread of the pool, and opens the doors. Ends only if that fails.
async fn start(life: Life, server: &Server, pool: Handle, address: Option<SocketAddr>) -> Failed {
    let mut features = F_STREAM_OUT | F_REPLIED;
    if server.config.concurrency > 1 {
        features |= F_CONCURRENT;
    }
    let unit = life.unit.clone();
    let late = move |failure: Failure| {
        say_failed(&unit, &failure);
        sys::leave(FAILED);
    };
    let begin = move || {
        let runtime = life.start(features, late);
        (life, runtime)
    };
    let (life, result) = match pool.spawn_blocking(begin).await {
        Ok(started) => started,
        // The thread panicked, and said so.
        Err(_) => return Failed,
    };
    match result {
        Ok(runtime) => {
            let way = Way::of(&runtime, pool);
            let _ = server.started.set(Started { runtime: Arc::new(runtime), way });
            server.has_started.notify_waiters();
            let address = address.map_or_else(|| server.protocol.listen().to_string(), |address| address.to_string());
            life.say_started(&format!("listening on http://{address}, "));
            std::future::pending().await
        }
        Err(failure) => {
            say_failed(&server.unit, &failure);
            Failed
        }
    }
}

fn listen(endpoint: &str) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no such address");
    for address in endpoint.to_socket_addrs()? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Accepts connections, each of which is a task. Never ends.
async fn accept(listener: &TcpListener, server: &Arc<Server>, loops: &Loops, live: &mpsc::Sender<()>) -> Infallible {
    loop {
        // Out of this loop's hands, so that any loop may have it.
        let accepted = listener.accept().await.and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
        match accepted {
            Ok((stream, peer)) => {
                let client = Client { server: server.clone(), peer: peer.ip().to_string(), _live: live.clone() };
                loops.pick().spawn(connection(Arc::new(client), stream));
            }
            Err(error) => {
                tracing::warn!("no connection could be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(client: Arc<Client>, stream: std::net::TcpStream) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!("a connection could not be served: {error}");
            return;
        }
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
        Ok(_) => http1::serve(client, stream).await,
    }
}
