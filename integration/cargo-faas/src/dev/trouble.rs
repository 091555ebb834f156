//! The faults that happen to an event on purpose: its process is frozen before, or told to leave while it has the
//! event.

use super::app::Trouble;
use super::generation::Generation;
use crate::stage::Platform;
use platform_emulators::process::{Process, Signal};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The time for which an event is with its process before that is told to leave.
const MIDST: Duration = Duration::from_millis(100);

/// The faults during an event. The drop waits for their thread.
pub(crate) struct During {
    ended: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for During {
    fn drop(&mut self) {
        self.ended.take();
        // The thread returns no value.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Trouble {
    /// Makes the faults that come before the event is sent.
    pub(crate) fn before(
        &self,
        generation: &Generation,
        unit: usize,
        place: Option<(&'static Platform, Option<&str>)>,
    ) {
        if let Some((platform, only)) = place.filter(|_| self.freeze.is_some() || self.sigterm) {
            // The event itself meets what keeps the process from starting, and tells it.
            let _ = generation.ensure(unit, platform, only);
        }
        let Some(time) = self.freeze else { return };
        generation.with_process(unit, place, &mut |process: &Process| {
            // A process that cannot be signalled has ended, which the event shows.
            let _ = process.signal(Signal::Stop);
            let _ = process.wait(time);
            let _ = process.signal(Signal::Cont);
        });
    }

    /// Makes the faults that come while the event is with its process.
    pub(crate) fn during(
        &self,
        generation: &Arc<Generation>,
        unit: usize,
        place: Option<(&'static Platform, Option<&str>)>,
    ) -> Option<During> {
        if !self.sigterm {
            return None;
        }
        let (ended, end) = channel();
        let (generation, place) =
            (Arc::clone(generation), place.map(|(platform, only)| (platform, only.map(str::to_owned))));
        let thread = std::thread::Builder::new().name("sigterm".to_owned()).spawn(move || {
            if end.recv_timeout(MIDST) != Err(RecvTimeoutError::Timeout) {
                let after = MIDST.as_millis();
                generation.say(&format!("no SIGTERM: the event ended within the {after} ms that it has before"));
                return;
            }
            let place = place.as_ref().map(|(platform, only)| (*platform, only.as_deref()));
            generation.with_process(unit, place, &mut |process| drop(process.signal(Signal::Term)));
        });
        Some(During { ended: Some(ended), thread: thread.ok() })
    }
}
