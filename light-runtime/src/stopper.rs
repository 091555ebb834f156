//! The watchdog's hands on std: a thread, a pipe that signals and rings arrive on, and what a driver wants done.

use crate::sys;
use faas_core::unit::Unit;
use faas_core::watchdog::{Actions, Bell, Rung, Watchdog};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What rings the bell without being a signal: no signal has the number 0.
const RING: u8 = 0;

/// A pair of connected sockets: signal handlers and [`Bell::ring`] write, the watchdog reads.
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

/// The watchdog with its bell, ready to run.
pub(crate) struct Stopper {
    watchdog: Arc<Watchdog>,
    signals: Mutex<Option<UnixStream>>,
    stopped: Arc<Gate>,
}

/// Opens once, when a stop begins.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Stopper {
    /// Nothing runs yet.
    ///
    /// # Errors
    /// If there are no descriptors left.
    pub(crate) fn new(unit: Arc<Unit>, grace: Duration) -> std::io::Result<Stopper> {
        let (reader, writer) = UnixStream::pair()?;
        writer.set_nonblocking(true)?;
        let signals = writer.try_clone()?;
        let watchdog = Arc::new(Watchdog::new(unit, Box::new(Pipe { reader, writer }), grace));
        Ok(Stopper { watchdog, signals: Mutex::new(Some(signals)), stopped: Arc::new(Gate::default()) })
    }

    /// The book of deadlines.
    pub(crate) fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    /// Takes signals and starts the thread.
    ///
    /// # Errors
    /// If no thread can be made.
    pub(crate) fn launch(&self, actions: impl Actions + 'static) -> std::io::Result<()> {
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(signals) = signals else { return Ok(()) };
        sys::signals_into(signals);
        let (watchdog, stopped) = (self.watchdog.clone(), self.stopped.clone());
        let actions = Gated { actions, stopped };
        // It sleeps nearly always and calls little: a small stack is enough and costs less to map.
        let builder = std::thread::Builder::new().name("faas-watchdog".to_owned()).stack_size(128 << 10);
        builder.spawn(move || watchdog.run(&actions)).map(drop)
    }

    /// Pauses, unless or until a stop begins; says whether one has.
    pub(crate) fn pause(&self, limit: Duration) -> bool {
        let open = self.stopped.open.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.stopped.opened.wait_timeout_while(open, limit, |open| !*open);
        result.map_or(true, |(open, _)| *open)
    }
}

/// A driver's actions, with the gate opened at the stop.
struct Gated<A> {
    actions: A,
    stopped: Arc<Gate>,
}

impl<A: Actions> Actions for Gated<A> {
    fn timed_out(&self, slot: usize, request_id: &[u8]) {
        self.actions.timed_out(slot, request_id);
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
