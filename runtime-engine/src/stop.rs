//! The end of work: signals, the watchdog's bell, and how everybody hears of it.

use crate::sys;
use faas_core::unit::Unit;
use faas_core::watchdog::{Actions, Bell, Rung, Watchdog};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What rings the bell without being a signal, which writes another byte.
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

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Not begun.
    Running,
    /// Begun: no readiness, no new polls; a server may still be sent requests for a while.
    Leaving,
    /// Nothing new is accepted any more.
    Closing,
}

/// What all parts of a driver know of the end.
pub(crate) struct Stop {
    watchdog: Arc<Watchdog>,
    phase: watch::Sender<Phase>,
    code: AtomicI32,
    /// Where signals are to go, until somebody listens to them.
    signals: Mutex<Option<UnixStream>>,
}

impl Stop {
    /// Nothing runs yet. `grace`: how long invocations may still run after a stop signal.
    ///
    /// # Errors
    /// If there are no descriptors left.
    pub(crate) fn new(unit: Arc<Unit>, grace: Duration) -> io::Result<Stop> {
        let (reader, writer) = UnixStream::pair()?;
        writer.set_nonblocking(true)?;
        let signals = Mutex::new(Some(writer.try_clone()?));
        let watchdog = Arc::new(Watchdog::new(unit, Box::new(Pipe { reader, writer }), grace));
        Ok(Stop { watchdog, phase: watch::Sender::new(Phase::Running), code: AtomicI32::new(0), signals })
    }

    /// The book of deadlines.
    pub(crate) fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    /// Takes signals and starts the watchdog's thread, the first time.
    ///
    /// # Errors
    /// If the system gives no handler or no thread.
    pub(crate) fn launch(&self, actions: impl Actions + 'static) -> io::Result<()> {
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(signals) = signals else { return Ok(()) };
        sys::signals_into(&signals)?;
        let watchdog = self.watchdog.clone();
        // It sleeps nearly always and calls little: a small stack is enough and costs less to map.
        let builder = std::thread::Builder::new().name("faas-watchdog".to_owned()).stack_size(128 << 10);
        builder.spawn(move || watchdog.run(&actions)).map(drop)
    }

    /// A receiver of phases.
    pub(crate) fn listen(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// How far the end has come.
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// The end has come that far. It never goes back.
    pub(crate) fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = to > *phase;
            *phase = to.max(*phase);
            forward
        });
    }

    /// Ends the process' work with this code, once everybody has noticed.
    pub(crate) fn give_up(&self, code: i32) {
        self.code.store(code, Ordering::Relaxed);
        self.advance(Phase::Leaving);
        self.watchdog.stop();
    }

    /// What the process is to exit with.
    pub(crate) fn code(&self) -> i32 {
        self.code.load(Ordering::Relaxed)
    }
}

/// Comes back when the end has come that far.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, at_least: Phase) {
    // The sender lives as long as the process; without it, everything has ended.
    let _ = phase.wait_for(|phase| *phase >= at_least).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use faas_core::log::{Format, Level, LineKind, Log, Sink};
    use faas_core::unit::Identity;

    struct Silent;

    impl Sink for Silent {
        fn write(&self, _: &[u8], _: LineKind) {}
    }

    #[test]
    fn two_signals_in_one_go_are_two() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let pipe = Pipe { reader, writer };
        (&pipe.writer).write_all(b"XX").unwrap();
        pipe.ring();
        assert_eq!([pipe.wait(None), pipe.wait(None), pipe.wait(None)], [Rung::Stop, Rung::Stop, Rung::Bell]);
        assert_eq!(pipe.wait(Some(Duration::ZERO)), Rung::Timeout);
    }

    #[test]
    fn the_end_never_goes_back() {
        let unit = Arc::new(Unit::new(Identity::default(), Log::new(Level::Error, Format::Text, Arc::new(Silent))));
        let stop = Stop::new(unit, Duration::from_secs(1)).unwrap();
        stop.advance(Phase::Closing);
        stop.advance(Phase::Leaving);
        assert_eq!(stop.phase(), Phase::Closing);
    }
}
