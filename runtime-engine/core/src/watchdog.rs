//! Deadlines and stop signals: one thread that sleeps until the earliest of them.
//!
//! An invocation costs it no system call as long as its deadline is not earlier than the moment the thread will wake by
//! itself: it writes a number, and the thread looks when it wakes. Cancel comes shortly before the deadline, the report
//! a little later, both before the platform would kill the process.
//!
//! Exactly one side answers an invocation: whoever moves its slot out of `RUNNING` first.

use crate::chain::Place;
use crate::invocation::Invocation;
use crate::log::Level;
use crate::unit::Unit;
use faas_abi::CANCEL_DEADLINE;
use faas_abi::host::Cancel;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Cancel comes this long before the deadline, or a fifth of the limit if that is less.
const CANCEL_BEFORE_NS: u64 = 50_000_000;
/// The report comes this long before the deadline, or a tenth of the limit if that is less.
const REPORT_BEFORE_NS: u64 = 20_000_000;
/// How often an idle process wakes for nothing before it sleeps until rung.
const IDLE_NAPS: u32 = 2;
/// Sleeping for ever.
const NEVER: u64 = u64::MAX;

const IDLE: u32 = 0;
const RUNNING: u32 = 1;
const CANCELLED: u32 = 2;
const ABANDONED: u32 = 3;

/// What woke the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// The time is up.
    Timeout,
    /// Somebody rang.
    Bell,
    /// A stop signal came.
    Stop,
}

/// How the thread sleeps and is woken; a driver's, since it is a system call.
pub trait Bell: Send + Sync {
    /// Sleeps until rung, signalled, or `limit` has passed. The end of it should be exact to a few milliseconds: a
    /// socket's own read time-out is not, since Linux rounds long ones up by as much as an eighth.
    fn wait(&self, limit: Option<Duration>) -> Rung;
    /// Wakes the sleeper.
    fn ring(&self);
}

/// What the thread does when the time has come; a driver's.
pub trait Actions: Send + Sync {
    /// The invocation with this id is over its deadline and its answer is ours alone to give. Its memory is out of
    /// reach. `slot` is its number.
    fn timed_out(&self, slot: usize, request_id: &[u8]);
    /// The first stop signal: take no more work, let what runs end.
    fn stop(&self);
    /// A second signal, or the grace is over: leave now.
    fn leave(&self);
}

/// A worker's place in the watchdog's book.
pub struct Slot {
    state: AtomicU32,
    cancel_at: AtomicU64,
    report_at: AtomicU64,
    request_id: Mutex<Vec<u8>>,
    /// Which invocation of its place: a cancel that comes too late must not hit the next one.
    serial: AtomicU32,
    cancel: Cancel<Invocation>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("state", &self.state).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The book and the bell.
pub struct Watchdog {
    unit: Arc<Unit>,
    slots: Mutex<Vec<Arc<Slot>>>,
    bell: Box<dyn Bell>,
    /// When the thread will wake by itself, on the unit's clock.
    wakes_at: AtomicU64,
    /// How long the last invocation with a deadline had, in nanoseconds, up to its cancel.
    last_limit: AtomicU64,
    stopping: AtomicBool,
    grace: Duration,
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl Watchdog {
    /// A book without entries. `grace`: how long invocations may still run after a stop signal.
    pub fn new(unit: Arc<Unit>, bell: Box<dyn Bell>, grace: Duration) -> Watchdog {
        Watchdog {
            unit,
            slots: Mutex::new(Vec::new()),
            bell,
            wakes_at: AtomicU64::new(NEVER),
            last_limit: AtomicU64::new(NEVER),
            stopping: AtomicBool::new(false),
            grace,
        }
    }

    /// A place for one worker and its place for invocations, with its number.
    pub fn slot(&self, cancel: Cancel<Invocation>) -> (usize, Arc<Slot>) {
        let slot = Arc::new(Slot {
            state: AtomicU32::new(IDLE),
            cancel_at: AtomicU64::new(NEVER),
            report_at: AtomicU64::new(NEVER),
            request_id: Mutex::new(Vec::new()),
            serial: AtomicU32::new(0),
            cancel,
        });
        let mut slots = lock(&self.slots);
        slots.push(slot.clone());
        (slots.len() - 1, slot)
    }

    /// The invocation in `place` begins in this slot.
    pub fn begin(&self, slot: &Slot, place: &Place) {
        let invocation = place.get();
        slot.serial.store(place.serial(), Ordering::Relaxed);
        let Some(deadline) = invocation.facts().deadline else {
            slot.cancel_at.store(NEVER, Ordering::Relaxed);
            slot.report_at.store(NEVER, Ordering::Relaxed);
            slot.state.store(RUNNING, Ordering::Release);
            return;
        };
        let now = invocation.received_ns();
        let limit = deadline.ns.saturating_sub(now);
        let cancel_at = deadline.ns - CANCEL_BEFORE_NS.min(limit / 5).min(deadline.ns);
        self.last_limit.store(cancel_at.saturating_sub(now), Ordering::Relaxed);
        {
            let mut id = lock(&slot.request_id);
            id.clear();
            id.extend_from_slice(invocation.request_id());
        }
        slot.cancel_at.store(cancel_at, Ordering::Relaxed);
        slot.report_at.store(deadline.ns - REPORT_BEFORE_NS.min(limit / 10).min(deadline.ns), Ordering::Relaxed);
        slot.state.store(RUNNING, Ordering::SeqCst);
        if cancel_at < self.wakes_at.load(Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    /// The invocation has ended and its worker wants to answer. False: the watchdog has answered in its place, and the
    /// worker must not.
    pub fn claim(&self, slot: &Slot) -> bool {
        let mut state = slot.state.load(Ordering::Acquire);
        loop {
            if state == ABANDONED {
                return false;
            }
            match slot.state.compare_exchange_weak(state, IDLE, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
    }

    /// The peer of this slot's invocation is gone, or the process is stopping: cancel it.
    pub fn cancel(&self, slot: &Slot, reason: u32) {
        if slot.state.load(Ordering::Acquire) == RUNNING {
            slot.cancel.fire_for(slot.serial.load(Ordering::Relaxed), reason);
        }
    }

    /// Has a stop signal come?
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Is any invocation running?
    pub fn is_busy(&self) -> bool {
        lock(&self.slots).iter().any(|slot| matches!(slot.state.load(Ordering::Acquire), RUNNING | CANCELLED))
    }

    /// Begins a stop as a signal would.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// The thread's work, for the life of the process.
    pub fn run(&self, actions: &dyn Actions) {
        let mut leave_at = NEVER;
        let mut told = false;
        let mut idle_naps = 0;
        loop {
            let now = self.unit.now_ns();
            if self.is_stopping() && !told {
                told = true;
                leave_at = now.saturating_add(u64::try_from(self.grace.as_nanos()).unwrap_or(NEVER));
                actions.stop();
                self.say_stopping();
            }
            if now >= leave_at {
                actions.leave();
                return;
            }
            let mut wake = self.look(now, actions).min(leave_at);
            if wake == NEVER {
                // Idle between invocations of a known limit: a nap a little shorter than that ends before the deadline of
                // whatever begins meanwhile, so that it need not ring. An idle process stops napping soon.
                let limit = self.last_limit.load(Ordering::Relaxed);
                if idle_naps < IDLE_NAPS && limit != NEVER {
                    idle_naps += 1;
                    wake = now.saturating_add(limit - limit / 8);
                }
            } else {
                idle_naps = 0;
            }
            self.wakes_at.store(wake, Ordering::SeqCst);
            // What begins from here on compares with the new moment; what began before is seen by this second look.
            let wake = wake.min(self.look(now, actions));
            let sleep = (wake != NEVER).then(|| nearly(wake.saturating_sub(self.unit.now_ns())));
            if self.bell.wait(sleep) == Rung::Stop {
                if self.is_stopping() {
                    actions.leave();
                    return;
                }
                self.stopping.store(true, Ordering::Release);
            }
        }
    }

    fn say_stopping(&self) {
        let running = self.unit.in_flight();
        let message = format!("stopping: {running} in flight, at most {:?} to end", self.grace);
        self.unit.log.say(Level::Info, &message);
    }

    /// Does what is due; says when the next thing is.
    fn look(&self, now: u64, actions: &dyn Actions) -> u64 {
        let slots: Vec<Arc<Slot>> = lock(&self.slots).clone();
        let mut earliest = NEVER;
        for (number, slot) in slots.iter().enumerate() {
            let (cancel_at, report_at) =
                (slot.cancel_at.load(Ordering::Relaxed), slot.report_at.load(Ordering::Relaxed));
            if slot.state.load(Ordering::SeqCst) == RUNNING {
                if now < cancel_at {
                    earliest = earliest.min(cancel_at);
                    continue;
                }
                if slot.state.compare_exchange(RUNNING, CANCELLED, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                    continue;
                }
                slot.cancel.fire_for(slot.serial.load(Ordering::Relaxed), CANCEL_DEADLINE);
            }
            if slot.state.load(Ordering::Acquire) == CANCELLED {
                if now < report_at {
                    earliest = earliest.min(report_at);
                    continue;
                }
                if slot.state.compare_exchange(CANCELLED, ABANDONED, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                    let id = lock(&slot.request_id).clone();
                    actions.timed_out(number, &id);
                }
            }
        }
        earliest
    }
}

/// How long to sleep for something that is so many nanoseconds away. Systems end a sleep late by a part of its length
/// (`poll` on Linux by a thousandth, up to 100 ms): a long one ends sooner, and what is left is slept then.
fn nearly(away: u64) -> Duration {
    const LONG_NS: u64 = 1_000_000_000;
    Duration::from_nanos(if away > LONG_NS { away - away / 256 } else { away })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Assembly;
    use crate::invocation::Facts;
    use crate::log::{Format, Level, LineKind, Log, Sink};
    use crate::unit::{Deadline, Identity};
    use std::sync::mpsc;

    struct Silent;

    impl Sink for Silent {
        fn write(&self, _: &[u8], _: LineKind) {}
    }

    struct ChannelBell {
        receiver: Mutex<mpsc::Receiver<Rung>>,
        sender: mpsc::Sender<Rung>,
        rings: Arc<AtomicU32>,
    }

    impl Bell for ChannelBell {
        fn wait(&self, limit: Option<Duration>) -> Rung {
            let receiver = lock(&self.receiver);
            match limit {
                Some(limit) => receiver.recv_timeout(limit).unwrap_or(Rung::Timeout),
                None => receiver.recv().unwrap_or(Rung::Stop),
            }
        }

        fn ring(&self) {
            self.rings.fetch_add(1, Ordering::Relaxed);
            let _ = self.sender.send(Rung::Bell);
        }
    }

    #[derive(Debug, PartialEq)]
    enum Did {
        TimedOut(usize, Vec<u8>),
        Stop,
        Leave,
    }

    struct Record(Mutex<mpsc::Sender<Did>>);

    impl Actions for Record {
        fn timed_out(&self, slot: usize, request_id: &[u8]) {
            let _ = lock(&self.0).send(Did::TimedOut(slot, request_id.to_vec()));
        }

        fn stop(&self) {
            let _ = lock(&self.0).send(Did::Stop);
        }

        fn leave(&self) {
            let _ = lock(&self.0).send(Did::Leave);
        }
    }

    struct Kennel {
        unit: Arc<Unit>,
        dog: Arc<Watchdog>,
        did: mpsc::Receiver<Did>,
        signal: mpsc::Sender<Rung>,
        rings: Arc<AtomicU32>,
        thread: std::thread::JoinHandle<()>,
    }

    fn kennel(grace: Duration) -> Kennel {
        let unit = Arc::new(Unit::new(Identity::default(), Log::new(Level::Error, Format::Text, Arc::new(Silent))));
        let (sender, receiver) = mpsc::channel();
        let rings = Arc::new(AtomicU32::new(0));
        let bell = ChannelBell { receiver: Mutex::new(receiver), sender: sender.clone(), rings: rings.clone() };
        let dog = Arc::new(Watchdog::new(unit.clone(), Box::new(bell), grace));
        let (tell, did) = mpsc::channel();
        let running = dog.clone();
        let thread = std::thread::spawn(move || running.run(&Record(Mutex::new(tell))));
        Kennel { unit, dog, did, signal: sender, rings, thread }
    }

    fn place(unit: &Arc<Unit>) -> Place {
        Place::new(Invocation::new(unit.clone(), Arc::from("f")))
    }

    /// An invocation with this id and limit begins.
    fn begin(kennel: &Kennel, slot: &Slot, place: &mut Place, id: &[u8], limit_ms: u64) {
        place.reset();
        let deadline = Deadline::within(&kennel.unit, Some(Duration::from_millis(limit_ms)));
        let message = Assembly::request(Vec::new(), b"", b"", b"").finish();
        place.get_mut().renew(message, Facts { deadline, ..Facts::default() }, false);
        place.get_mut().set_request_id(id);
        kennel.dog.begin(slot, place);
    }

    #[test]
    fn an_invocation_over_its_deadline_is_cancelled_then_answered_by_the_watchdog_alone() {
        let kennel = kennel(Duration::from_secs(60));
        let mut place = place(&kennel.unit);
        let (number, slot) = kennel.dog.slot(place.cancel_handle());
        begin(&kennel, &slot, &mut place, b"id-1", 100);
        assert_eq!(kennel.did.recv(), Ok(Did::TimedOut(number, b"id-1".to_vec())));
        assert_eq!(place.cancelled(), CANCEL_DEADLINE);
        assert!(!kennel.dog.claim(&slot), "its worker comes too late");
    }

    #[test]
    fn later_deadlines_do_not_ring() {
        let kennel = kennel(Duration::from_secs(60));
        let mut place = place(&kennel.unit);
        let (_, slot) = kennel.dog.slot(place.cancel_handle());
        // The first deadline may ring; once the thread has planned for it, later ones must not.
        begin(&kennel, &slot, &mut place, b"1", 60_000);
        while kennel.dog.wakes_at.load(Ordering::SeqCst) == NEVER {
            std::thread::yield_now();
        }
        assert!(kennel.dog.claim(&slot));
        let before = kennel.rings.load(Ordering::Relaxed);
        for _ in 0..100 {
            begin(&kennel, &slot, &mut place, b"2", 60_000);
            assert!(kennel.dog.claim(&slot));
        }
        assert_eq!(kennel.rings.load(Ordering::Relaxed), before);
    }

    #[test]
    fn the_first_signal_stops_and_the_second_leaves() {
        let kennel = kennel(Duration::from_secs(60));
        kennel.signal.send(Rung::Stop).unwrap();
        assert_eq!(kennel.did.recv(), Ok(Did::Stop));
        kennel.signal.send(Rung::Stop).unwrap();
        assert_eq!(kennel.did.recv(), Ok(Did::Leave));
        kennel.thread.join().unwrap();
    }

    #[test]
    fn a_long_sleep_leaves_room_for_a_late_end() {
        for seconds in [2, 3, 900] {
            let away = Duration::from_secs(seconds);
            let slept = nearly(u64::try_from(away.as_nanos()).unwrap());
            assert!(slept + away / 1000 < away && slept > away * 99 / 100, "{slept:?} of {away:?}");
        }
        assert_eq!(nearly(1_000_000), Duration::from_millis(1), "a short one is slept whole");
    }

    #[test]
    fn the_grace_ends() {
        let kennel = kennel(Duration::from_millis(10));
        kennel.dog.stop();
        assert_eq!(kennel.did.recv(), Ok(Did::Stop));
        assert_eq!(kennel.did.recv(), Ok(Did::Leave));
    }
}
