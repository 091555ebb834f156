//! One worker: ask, serve, answer, ask again.

use super::connection::{Connection, Lost};
use super::stream::{ToPlatform, Wire};
use super::{Desk, Shared};
use crate::deadline::timed_out;
use crate::start::FAILED;
use crate::stop::{Phase, reached};
use crate::work;
use faas_abi::CANCEL_DEADLINE;
use faas_core::chain::Place;
use faas_core::http1::Message;
use faas_core::invocation::{Facts, Progress};
use faas_core::log::{Level, Origin};
use faas_core::platform::{BodyFrom, Delivery, Verdict, nothing_pause_ms};
use faas_core::watchdog::Slot;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// A connection that has been silent for this long is looked at before an answer is trusted to it. The look is a system
/// call, which an invocation of that length does not feel.
const LONG: Duration = Duration::from_millis(1);

/// What a worker keeps from one invocation to the next.
pub(super) struct Seat {
    place: Place,
    slot: Arc<Slot>,
    wire: Arc<Wire>,
    abandoned: Arc<Notify>,
}

impl Seat {
    /// The next one; the watchdog numbers them in this order.
    pub(super) fn new(shared: &Shared) -> Seat {
        let mut place = shared.runtime.place();
        let (_, slot) = shared.stop.watchdog().slot(place.cancel_handle());
        let wire = Arc::new(Wire::new(shared.is_alone));
        if shared.protocol.streams() {
            let stream = ToPlatform { wire: wire.clone(), protocol: shared.protocol.clone() };
            place.get_mut().set_stream(Box::new(stream));
        }
        Seat { place, slot, wire, abandoned: Arc::default() }
    }

    /// What others see of it.
    pub(super) fn desk(&self) -> Desk {
        Desk { wire: self.wire.clone(), abandoned: self.abandoned.clone() }
    }
}

struct Worker {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    wire: Arc<Wire>,
    abandoned: Arc<Notify>,
    phase: watch::Receiver<Phase>,
    connection: Option<Connection>,
    failures: usize,
    /// Polls in a row that brought nothing.
    nothings: u32,
    head: Vec<u8>,
    scratch: Vec<u8>,
}

/// Works until a stop, or until the watchdog has answered in its place.
pub(super) async fn work(shared: Arc<Shared>, seat: Seat) {
    let Seat { mut place, slot, wire, abandoned } = seat;
    let mut next = Vec::new();
    shared.protocol.next(&mut next);
    let phase = shared.stop.listen();
    let mut worker = Worker {
        shared,
        slot,
        wire,
        abandoned,
        phase,
        connection: None,
        failures: 0,
        nothings: 0,
        head: Vec::new(),
        scratch: Vec::new(),
    };
    let announced = worker.shared.announced.clone();
    if !*announced.get_or_init(|| worker.announce()).await {
        return worker.wire.close();
    }
    while let Some(event) = worker.ask(&next).await {
        let unit = worker.shared.runtime.process();
        match worker.shared.protocol.delivery(unit, &event) {
            Delivery::Event(facts) => {
                worker.failures = 0;
                worker.nothings = 0;
                match worker.serve(place, event, facts).await {
                    Some(back) => place = back,
                    None => return,
                }
            }
            Delivery::Nothing => worker.pause_for_nothing().await,
            Delivery::Again(why) => worker.setback(&why).await,
            Delivery::Fatal(why) => {
                tracing::error!("{why}");
                worker.shared.stop.give_up(FAILED);
            }
        }
    }
    worker.wire.close();
}

impl Worker {
    fn is_stopping(&self) -> bool {
        self.shared.stop.phase() > Phase::Running
    }

    /// Says that the process is ready, where the platform wants to hear it. One worker says it for all. False: the
    /// platform will never hear it.
    async fn announce(&mut self) -> bool {
        let mut request = Vec::new();
        if !self.shared.protocol.ready(&mut request) {
            return true;
        }
        while let Some(answer) = self.ask(&request).await {
            if let 200..=299 = answer.status() {
                self.failures = 0;
                return true;
            }
            self.setback(&format!("the platform answered {} to being told of readiness", answer.status())).await;
        }
        false
    }

    async fn pause_for_nothing(&mut self) {
        self.failures = 0;
        self.nothings += 1;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(nothing_pause_ms(self.nothings))) => {}
            () = reached(&mut self.phase, Phase::Leaving) => {}
        }
    }

    /// The answer to a poll, which may take hours; none at a stop.
    async fn ask(&mut self, request: &[u8]) -> Option<Message> {
        loop {
            self.connect().await?;
            let connection = self.connection.as_mut()?;
            let sent = connection.send(request, b"").await;
            self.shared.launch();
            let answer = match sent {
                Ok(()) => tokio::select! {
                    biased;
                    answer = connection.receive() => Some(answer),
                    () = reached(&mut self.phase, Phase::Leaving) => None,
                },
                Err(lost) => Some(Err(lost)),
            };
            let answer = match answer {
                Some(answer) => answer,
                // An event that has begun to arrive is ours to serve.
                None if connection.is_silent() => return None,
                None => connection.receive().await,
            };
            match answer {
                Ok(message) => return Some(message),
                Err(_) if self.is_stopping() => return None,
                Err(lost) => {
                    self.connection = None;
                    self.setback(&format!("the poll failed: {lost}")).await;
                }
            }
        }
    }

    /// A usable connection; none at a stop.
    async fn connect(&mut self) -> Option<()> {
        loop {
            if self.is_stopping() {
                return None;
            }
            if self.connection.as_ref().is_some_and(Connection::is_usable) {
                return Some(());
            }
            if let Err(error) = self.open().await {
                let endpoint = self.shared.protocol.endpoint();
                let why = format!("no connection to the control plane at {endpoint}: {error}");
                self.setback(&why).await;
            }
        }
    }

    async fn open(&mut self) -> std::io::Result<()> {
        self.connection = None;
        let connection = Connection::open(self.shared.protocol.endpoint()).await?;
        self.wire.set_socket(connection.writer());
        self.connection = Some(connection);
        Ok(())
    }

    /// One more failure in a row: pause, or give up.
    async fn setback(&mut self, why: &str) {
        self.shared.launch();
        let Some(pause) = self.shared.protocol.pauses_ms().get(self.failures).copied() else {
            tracing::error!("{why}; giving up after {} tries", self.failures + 1);
            self.shared.stop.give_up(FAILED);
            return;
        };
        self.failures += 1;
        if pause == 0 {
            // Usual after a freeze, and worth no line.
            tracing::debug!("{why}; trying again at once");
            return;
        }
        tracing::warn!("{why}; trying again in {pause} ms");
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(pause.into())) => {}
            () = reached(&mut self.phase, Phase::Leaving) => {}
        }
    }

    /// Serves one event and answers it. `None`: the watchdog has answered, and the place is gone.
    async fn serve(&mut self, mut place: Place, event: Message, facts: Facts) -> Option<Place> {
        let shared = self.shared.clone();
        let (runtime, watchdog) = (&shared.runtime, shared.stop.watchdog());
        let unit = runtime.process();
        let cold = unit.enter();
        place.reset();
        place.get_mut().renew(event, facts, cold);
        watchdog.begin(&self.slot, &place);
        let began = unit.now_ns();
        let place = tokio::select! {
            biased;
            place = work::invoke(runtime, &shared.way, place) => place,
            () = self.wire.pump() => None,
            () = self.abandoned.notified() => return None,
        };
        if !watchdog.claim(&self.slot) {
            return self.leave_it_to_the_watchdog().await;
        }
        let Some(mut place) = place else {
            tracing::error!("a thread of the pool ended in the middle of an invocation");
            shared.stop.give_up(FAILED);
            return None;
        };
        if place.cancelled() == CANCEL_DEADLINE && place.get().failure().is_some() {
            place.get_mut().set_failure(timed_out());
        }
        let took = Duration::from_nanos(unit.now_ns() - began);
        match place.get().progress() {
            Progress::Streaming(_) => self.end_stream(&place).await,
            Progress::Open | Progress::Set(_) => self.answer(&place, took > LONG).await,
        }
        if runtime.has_replied_work() {
            place = work::replied(runtime, &shared.way, place).await?;
        }
        unit.leave();
        if let Some(message) = place.get_mut().clear()
            && let Some(connection) = &mut self.connection
        {
            connection.recycle(message);
        }
        Some(place)
    }

    /// The watchdog is answering, or has. Alone, it ends the process; else this worker ends after it has spoken.
    async fn leave_it_to_the_watchdog(&self) -> Option<Place> {
        if self.shared.is_alone {
            std::future::pending::<()>().await;
        }
        self.abandoned.notified().await;
        None
    }

    /// Sends the answer and reads what the platform says to it.
    async fn answer(&mut self, place: &Place, long: bool) {
        self.head.clear();
        self.scratch.clear();
        let invocation = place.get();
        let from = self.shared.protocol.answer(invocation, &mut self.head, &mut self.scratch);
        // Only one at a time does the platform hand out an event again whose answer it did not get.
        let look = long || !self.shared.is_alone;
        if let Some(connection) = &self.connection
            && (!connection.is_usable() || connection.has_ended() || look && connection.is_stale())
        {
            // Nothing of this answer has been sent yet, so a fresh connection repeats nothing.
            self.connection = None;
        }
        if self.connect().await.is_none() && self.connection.is_none() {
            // A stop must not lose an accepted invocation: one last connection for its answer.
            let _ = self.open().await;
        }
        let Some(connection) = &mut self.connection else {
            self.complain(place, "the answer is lost: no connection to the control plane");
            return;
        };
        let body = match from {
            BodyFrom::Reply => invocation.reply().as_slice(),
            BodyFrom::Scratch => &self.scratch,
        };
        let result = match connection.send(&self.head, body).await {
            Ok(()) => connection.receive().await,
            Err(lost) => Err(lost),
        };
        self.taken(place, result);
    }

    async fn end_stream(&mut self, place: &Place) {
        let whole = self.wire.end(&*self.shared.protocol, place.get().failure()).await;
        let Some(connection) = &mut self.connection else { return };
        if !whole {
            self.complain(place, "the platform took no more of the stream");
            self.connection = None;
            return;
        }
        let result = connection.receive().await;
        // Its head announced it.
        connection.spoil();
        self.taken(place, result);
    }

    /// What the platform said to an answer. An answer that may have arrived is never sent again.
    fn taken(&mut self, place: &Place, result: Result<Message, Lost>) {
        match result {
            Ok(message) => {
                let status = message.status();
                match self.shared.protocol.verdict(status) {
                    Verdict::Accepted => {}
                    Verdict::Dropped => self.complain(place, &format!("the platform refused the answer with {status}")),
                    Verdict::Fatal => {
                        self.complain(place, &format!("the platform answered {status}: leaving"));
                        self.shared.stop.give_up(FAILED);
                    }
                }
                if let Some(connection) = &mut self.connection {
                    connection.recycle(message);
                }
            }
            Err(lost) => {
                if !self.is_stopping() {
                    self.complain(place, &format!("whether the answer arrived is unknown: {lost}"));
                }
                self.connection = None;
            }
        }
    }

    fn complain(&self, place: &Place, what: &str) {
        let origin = Origin { request_id: place.get().request_id(), target: b"runtime", ..Origin::default() };
        let log = &self.shared.runtime.process().log;
        log.write(Level::Error, origin, what.as_bytes(), std::iter::empty());
    }
}
