//! Deadlines and stop signals on std: a thread, a socket that signals and rings arrive on, and the actions that follow.

use crate::guard;
use crate::sys;
use faas_core::flight::{Actions, Bell, Canceller, Deadlines, Lost, Rung};
use faas_core::log::Log;
use faas_core::process::Process;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The byte that rings the bell without being a signal: no signal has the number 0.
const RING: u8 = 0;

/// A pair of connected sockets: signal handlers and [`Bell::ring`] write, the thread of the deadlines reads.
struct Pipe {
    reader: UnixStream,
    writer: UnixStream,
}

impl Bell for Pipe {
    fn wait(&self, limit: Option<Duration>) -> Rung {
        if limit.is_some_and(|limit| !sys::wait_readable(&self.reader, limit)) {
            return Rung::Timeout;
        }
        // One byte at a time: two signals are two.
        let mut byte = [RING];
        match (&self.reader).read(&mut byte) {
            Ok(1) if byte != [RING] => Rung::Stop,
            Ok(_) => Rung::Bell,
            Err(_) => Rung::Bell,
        }
    }

    fn ring(&self) {
        // A full pipe has rung already.
        let _ = (&self.writer).write(&[RING]);
    }
}

/// A function that writes a byte other than 0 into the socket for each SIGTERM and SIGINT from now on.
pub type SignalsInto = fn(UnixStream) -> std::io::Result<()>;

/// The deadlines with their bell, ready to run.
#[derive(Debug)]
pub(crate) struct Shutdown {
    log: Log,
    deadlines: Arc<Deadlines>,
    signals: Mutex<Option<UnixStream>>,
    signals_into: SignalsInto,
    /// `true` once the thread has been asked for.
    is_launched: AtomicBool,
    stopped: Arc<Gate>,
}

/// Opens once, when a stop begins.
#[derive(Debug, Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Shutdown {
    /// Makes the deadlines; no thread runs yet. `grace` is the time that a stop may take.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(crate) fn new(signals_into: SignalsInto, process: Arc<Process>, grace: Duration) -> std::io::Result<Shutdown> {
        let (reader, writer) = UnixStream::pair()?;
        writer.set_nonblocking(true)?;
        let signals = Mutex::new(Some(writer.try_clone()?));
        let log = process.log.clone();
        let deadlines = Arc::new(Deadlines::new(process, Box::new(Pipe { reader, writer }), grace));
        let is_launched = AtomicBool::new(false);
        Ok(Shutdown { log, deadlines, signals, signals_into, is_launched, stopped: Arc::default() })
    }

    /// Returns the deadlines of the process.
    pub(crate) fn deadlines(&self) -> &Arc<Deadlines> {
        &self.deadlines
    }

    /// Takes stop signals from now on. Until the thread runs, they wait.
    ///
    /// # Errors
    /// The system takes no handler.
    pub(crate) fn take_signals(&self) -> std::io::Result<()> {
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner).take();
        signals.map_or(Ok(()), self.signals_into)
    }

    /// Takes stop signals and starts the thread with these actions, the first time.
    ///
    /// # Errors
    /// The system gives no thread, or takes no handler.
    pub(crate) fn launch<A: Actions + 'static>(&self, actions: impl FnOnce() -> A) -> std::io::Result<()> {
        if self.is_launched.load(Relaxed) || self.is_launched.swap(true, Relaxed) {
            return Ok(());
        }
        // The next one who asks tries again.
        self.start(actions()).inspect_err(|_| self.is_launched.store(false, Relaxed))
    }

    fn start<A: Actions + 'static>(&self, actions: A) -> std::io::Result<()> {
        self.take_signals()?;
        let (deadlines, stopped) = (self.deadlines.clone(), self.stopped.clone());
        let actions = Gated { actions, stopped };
        // The thread sleeps nearly always and calls little: a small stack is enough and costs less to map.
        guard::spawn(&self.log, "faas-deadlines", Some(128 << 10), move || deadlines.run(&actions)).map(drop)
    }

    /// Pauses until the time is up or a stop begins; returns `true` if one has.
    pub(crate) fn pause(&self, limit: Duration) -> bool {
        let open = self.stopped.open.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.stopped.opened.wait_timeout_while(open, limit, |open| !*open);
        result.map_or(true, |(open, _)| *open)
    }
}

/// A direction's actions, with the gate that the stop opens.
struct Gated<A> {
    actions: A,
    stopped: Arc<Gate>,
}

impl<A: Actions> Actions for Gated<A> {
    fn cancel(&self, canceller: Canceller, reason: u32) {
        self.actions.cancel(canceller, reason);
    }

    fn overdue(&self, slot: usize, lost: Lost<'_>, closing: bool) {
        self.actions.overdue(slot, lost, closing);
    }

    fn hung(&self, hung: usize, replied: Option<Lost<'_>>) {
        self.actions.hung(hung, replied);
    }

    fn stop(&self) {
        *self.stopped.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopped.opened.notify_all();
        self.actions.stop();
    }

    fn leave(&self) {
        self.actions.leave();
    }
}
