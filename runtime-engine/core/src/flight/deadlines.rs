//! Deadlines and stop signals: one thread that sleeps until the earliest of them.
//!
//! An invocation costs it no system call as long as its deadline is not earlier than the moment the thread will wake by
//! itself: it writes a number, and the thread looks when it wakes. Cancel comes shortly before the deadline, the report
//! a little later, both before the platform would kill the process. A stop sets the same two moments for everything
//! that runs, so that there is time left to answer and to run Close.
//!
//! The thread marks what has come due and tells the driver. It never runs a module's code, which may block.

use super::slot::{Canceller, Slot};
use super::word::{Due, NEVER, StopMoments};
use crate::chain::Place;
use crate::invocation::{Flight, Invocation};
use crate::log::Level;
use crate::process::Process;
use faas_abi::host::Cancel;
use faas_abi::{CANCEL_CLOSING, CANCEL_DEADLINE};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// The time in nanoseconds by which a cancel comes before the deadline, or a fifth of the limit if that is less.
const CANCEL_BEFORE_NS: u64 = 50_000_000;
/// The time in nanoseconds by which the report comes before the deadline, or a tenth of the limit if that is less.
const REPORT_BEFORE_NS: u64 = 20_000_000;
/// The number of times that an idle process wakes for nothing before it sleeps until rung.
const IDLE_NAPS: u32 = 2;
/// The part of a stop's grace that is left for Close, in nanoseconds, or a quarter of the grace if that is less.
const CLOSE_NS: u64 = 1_000_000_000;
/// The time before that when invocations that still run are told to end, in nanoseconds, or a quarter of the grace if
/// that is less.
const LAST_WORDS_NS: u64 = 1_000_000_000;

/// The event that woke the thread of the deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// The moment it slept until has come.
    Timeout,
    /// Another thread has entered an earlier moment.
    Bell,
    /// A signal to stop has come.
    Stop,
}

/// The sleep and the waking of the thread; a driver's, since it is a system call.
pub trait Bell: Send + Sync {
    /// Sleeps until rung, signalled, or `limit` has passed. The end of it should be exact to a few milliseconds: a
    /// socket's own read time-out is not, since Linux rounds long ones up by as much as an eighth.
    fn wait(&self, limit: Option<Duration>) -> Rung;
    /// Wakes the thread that sleeps.
    fn ring(&self);
}

/// An invocation whose memory is out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost<'a> {
    /// The request id of the invocation.
    pub request_id: &'a [u8],
    /// The number of its function among those of the process.
    pub function: usize,
}

/// The actions of a driver when a moment has come. They are called on the thread of the deadlines, which must not wait:
/// a module's code, and what may block, is to run elsewhere.
pub trait Actions: Send + Sync {
    /// Has an invocation's module told to end, on another thread. `reason` is a `FAAS_CANCEL_*`.
    fn cancel(&self, canceller: Canceller, reason: u32);
    /// Answers for the invocation in the slot of this number, whose memory is out of reach. `closing` is `true` if a
    /// stop ends it and not its own deadline.
    fn overdue(&self, slot: usize, lost: Lost<'_>, closing: bool);
    /// Notes that one more thread counts as lost; `hung` is their number now. `replied` is the invocation if the thread
    /// is lost to its work after the reply. Nobody has heard of that yet.
    fn hung(&self, hung: usize, replied: Option<Lost<'_>>);
    /// Begins a stop: no more work is to be taken, and invocations that run are to end.
    fn stop(&self);
    /// Has the process leave now, since a second signal came or the grace is over.
    fn leave(&self);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}

/// The slots of a process, and the moments that its thread looks after.
pub struct Deadlines {
    process: Arc<Process>,
    slots: Mutex<Vec<Arc<Slot>>>,
    bell: Box<dyn Bell>,
    /// The moment when the thread will wake by itself, on the process' clock.
    wakes_at: AtomicU64,
    /// The time that the last invocation with a deadline had up to its cancel, in nanoseconds.
    last_limit: AtomicU64,
    stopping: AtomicBool,
    hung: Arc<AtomicUsize>,
    grace: Duration,
}

impl fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl Deadlines {
    /// Makes the deadlines of a process without slots. `grace` is the time that a stop may take.
    pub fn new(process: Arc<Process>, bell: Box<dyn Bell>, grace: Duration) -> Deadlines {
        Deadlines {
            process,
            slots: Mutex::new(Vec::new()),
            bell,
            wakes_at: AtomicU64::new(NEVER),
            last_limit: AtomicU64::new(NEVER),
            stopping: AtomicBool::new(false),
            hung: Arc::default(),
            grace,
        }
    }

    /// Makes a slot for the invocations of this place, which claim their answers and bring their deadlines forward in
    /// it.
    pub fn slot(self: &Arc<Self>, place: &mut Place) -> Arc<Slot> {
        let slot = self.new_slot(place.cancel_handle());
        place.get_mut().set_flight(Arc::new(Tracked { deadlines: Arc::downgrade(self), slot: slot.clone() }));
        slot
    }

    fn new_slot(&self, cancel: Cancel<Invocation>) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let slot = Arc::new(Slot::new(slots.len(), cancel, self.hung.clone()));
        slots.push(slot.clone());
        slot
    }

    /// Notes that the invocation in `place` begins in this slot.
    pub fn begin(&self, slot: &Slot, place: &Place) {
        let invocation = place.get();
        let Some(deadline) = invocation.metadata().deadline else {
            return slot.begin(place, NEVER, NEVER);
        };
        let now = invocation.received_ns();
        let (cancel_at, report_at) = moments(now, deadline.ns);
        self.last_limit.store(cancel_at.saturating_sub(now), Ordering::Relaxed);
        slot.begin(place, cancel_at, report_at);
        self.wake_by(cancel_at);
    }

    /// Brings the deadline of the invocation that runs in this slot forward to `deadline_ns`.
    fn tighten(&self, slot: &Slot, deadline_ns: u64) {
        let now = self.process.now_ns();
        let (cancel_at, report_at) = moments(now, deadline_ns);
        // The shortest of several functions' limits: after a nap of that length nobody has to ring for any of them.
        self.last_limit.fetch_min(cancel_at.saturating_sub(now), Ordering::Relaxed);
        slot.tighten(cancel_at, report_at);
        self.wake_by(cancel_at);
    }

    /// Notes that the work after the reply of the invocation in `place` begins in this slot, and may take as long as
    /// `budget`.
    pub fn begin_replied(&self, slot: &Slot, place: &Place, budget: Duration) {
        let now = self.process.now_ns();
        let cancel_at = now.saturating_add(nanos(budget));
        slot.begin_replied(place, cancel_at, cancel_at.saturating_add(super::word::HUNG_AFTER_NS));
        self.wake_by(cancel_at);
    }

    fn wake_by(&self, moment: u64) {
        if moment < self.wakes_at.load(Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    /// Returns `true` once a stop has begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Returns `true` if any invocation runs that nobody has answered for.
    pub fn is_busy(&self) -> bool {
        lock(&self.slots).iter().any(|slot| slot.is_running())
    }

    /// Returns how many threads count as lost to functions that do not end.
    pub fn hung(&self) -> usize {
        self.hung.load(Ordering::SeqCst)
    }

    /// Begins a stop as a signal would, without counting as one: the first signal that comes later changes nothing, and
    /// only a second one makes the process leave at once.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Does the thread's work, for the life of the process.
    pub fn run(&self, actions: &dyn Actions) {
        let mut leave_at = NEVER;
        let mut limits = StopMoments::NONE;
        let mut signals = 0;
        let mut idle_naps = 0;
        loop {
            let now = self.process.now_ns();
            if self.is_stopping() && leave_at == NEVER {
                let grace = nanos(self.grace).min(NEVER / 2);
                leave_at = now.saturating_add(grace).min(NEVER - 1);
                let report_at = leave_at - CLOSE_NS.min(grace / 4);
                limits = StopMoments { cancel_at: report_at - LAST_WORDS_NS.min(grace / 4), report_at };
                // Said first: an idle process may be gone before the stop returns.
                self.say_stopping();
                actions.stop();
            }
            if now >= leave_at {
                return actions.leave();
            }
            let mut wake = self.look(now, limits, actions).min(leave_at);
            if wake == NEVER {
                // Idle between invocations of a known limit: a nap a little shorter than that ends before the deadline
                // of whatever begins meanwhile, so that it need not ring. An idle process stops napping soon.
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
            let wake = wake.min(self.look(now, limits, actions));
            let sleep = (wake != NEVER).then(|| nearly(wake.saturating_sub(self.process.now_ns())));
            if self.bell.wait(sleep) == Rung::Stop {
                signals += 1;
                if signals > 1 {
                    return actions.leave();
                }
                self.stopping.store(true, Ordering::Release);
            }
        }
    }

    /// Marks the invocations that are due by the process' clock, and tells of them once, on the caller's thread. It is
    /// for a process whose clock is moved by hand, and which has no thread for deadlines.
    pub fn look_now(&self, actions: &dyn Actions) {
        self.look(self.process.now_ns(), StopMoments::NONE, actions);
    }

    fn say_stopping(&self) {
        let running = self.process.in_flight();
        let message = format!("stopping: {running} in flight, at most {:?} to end", self.grace);
        self.process.log.say(Level::Info, &message);
    }

    /// Marks the invocations that have something due and says so; returns the moment of the next.
    fn look(&self, now: u64, limits: StopMoments, actions: &dyn Actions) -> u64 {
        let slots: Vec<Arc<Slot>> = lock(&self.slots).clone();
        let mut earliest = NEVER;
        for slot in slots {
            loop {
                match slot.look(now, limits) {
                    Due::At(moment) => {
                        earliest = earliest.min(moment);
                        break;
                    }
                    Due::Cancel { serial, closing } => {
                        let reason = if closing { CANCEL_CLOSING } else { CANCEL_DEADLINE };
                        actions.cancel(slot.canceller_of(serial), reason);
                    }
                    Due::Report { closing } => {
                        let (request_id, function) = (slot.request_id(), slot.function());
                        actions.overdue(slot.number(), Lost { request_id: &request_id, function }, closing);
                    }
                    Due::Hung { replied } => {
                        let (request_id, function) = (slot.request_id(), slot.function());
                        let lost = Lost { request_id: &request_id, function };
                        actions.hung(self.hung(), replied.then_some(lost));
                    }
                }
            }
        }
        earliest
    }
}

/// A place's invocations, as they see their slot.
#[derive(Debug)]
struct Tracked {
    deadlines: Weak<Deadlines>,
    slot: Arc<Slot>,
}

impl Flight for Tracked {
    fn tighten(&self, deadline_ns: u64) {
        if let Some(deadlines) = self.deadlines.upgrade() {
            deadlines.tighten(&self.slot, deadline_ns);
        }
    }

    fn serves(&self, function: usize) {
        self.slot.serves(function);
    }

    fn claim(&self) -> bool {
        self.slot.claim()
    }
}

/// Returns the moments for the cancel and the report of an invocation that began at `now` and has to be answered at
/// `deadline`.
fn moments(now: u64, deadline: u64) -> (u64, u64) {
    let limit = deadline.saturating_sub(now);
    let before = |margin: u64, part: u64| deadline - margin.min(limit / part).min(deadline);
    (before(CANCEL_BEFORE_NS, 5), before(REPORT_BEFORE_NS, 10))
}

/// Returns the time to sleep for a moment that is `away` nanoseconds ahead. Systems end a sleep late by a part of its
/// length (`poll` on Linux by a thousandth, up to 100 ms). So a long one ends sooner, and the rest is slept then.
fn nearly(away: u64) -> Duration {
    const LONG_NS: u64 = 1_000_000_000;
    Duration::from_nanos(if away > LONG_NS { away - away / 256 } else { away })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Assembly;
    use crate::invocation::InvocationMetadata;
    use crate::log::{Format, Level, LineKind, Log, Sink};
    use crate::process::{Deadline, Identity};
    use std::sync::atomic::AtomicU32;
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
        Cancel(u32),
        Overdue(usize, Vec<u8>),
        Hung(usize),
        Stop,
        Leave,
    }

    struct Record(Mutex<mpsc::Sender<Did>>);

    impl Actions for Record {
        fn cancel(&self, canceller: Canceller, reason: u32) {
            canceller.fire(reason);
            let _ = lock(&self.0).send(Did::Cancel(reason));
        }

        fn overdue(&self, slot: usize, lost: Lost<'_>, _: bool) {
            let _ = lock(&self.0).send(Did::Overdue(slot, lost.request_id.to_vec()));
        }

        fn hung(&self, hung: usize, _: Option<Lost<'_>>) {
            let _ = lock(&self.0).send(Did::Hung(hung));
        }

        fn stop(&self) {
            let _ = lock(&self.0).send(Did::Stop);
        }

        fn leave(&self) {
            let _ = lock(&self.0).send(Did::Leave);
        }
    }

    struct Fixture {
        process: Arc<Process>,
        deadlines: Arc<Deadlines>,
        did: mpsc::Receiver<Did>,
        signal: mpsc::Sender<Rung>,
        rings: Arc<AtomicU32>,
        thread: std::thread::JoinHandle<()>,
    }

    fn fixture(grace: Duration) -> Fixture {
        let process =
            Arc::new(Process::new(Identity::default(), Log::new(Level::Error, Format::Text, Arc::new(Silent))));
        let (sender, receiver) = mpsc::channel();
        let rings = Arc::new(AtomicU32::new(0));
        let bell = ChannelBell { receiver: Mutex::new(receiver), sender: sender.clone(), rings: rings.clone() };
        let deadlines = Arc::new(Deadlines::new(process.clone(), Box::new(bell), grace));
        let (tell, did) = mpsc::channel();
        let running = deadlines.clone();
        let thread = std::thread::spawn(move || running.run(&Record(Mutex::new(tell))));
        Fixture { process, deadlines, did, signal: sender, rings, thread }
    }

    fn place(process: &Arc<Process>) -> Place {
        Place::new(Invocation::new(process.clone(), Arc::from("f")))
    }

    /// Begins an invocation with this id and limit.
    fn begin(fixture: &Fixture, slot: &Slot, place: &mut Place, id: &[u8], limit_ms: u64) {
        place.reset();
        let deadline = Deadline::within(&fixture.process, Some(Duration::from_millis(limit_ms)));
        let message = Assembly::request(Vec::new(), b"", b"", b"").finish();
        place.get_mut().renew(message, &InvocationMetadata { deadline, ..InvocationMetadata::default() }, false);
        place.get_mut().set_request_id(id);
        fixture.deadlines.begin(slot, place);
    }

    #[test]
    fn an_invocation_over_its_deadline_is_cancelled_then_answered_by_somebody_else_alone() {
        let fixture = fixture(Duration::from_secs(60));
        let mut place = place(&fixture.process);
        let slot = fixture.deadlines.slot(&mut place);
        begin(&fixture, &slot, &mut place, b"id-1", 100);
        assert_eq!(fixture.did.recv(), Ok(Did::Cancel(CANCEL_DEADLINE)));
        assert_eq!(fixture.did.recv(), Ok(Did::Overdue(slot.number(), b"id-1".to_vec())));
        assert_eq!(place.cancelled(), CANCEL_DEADLINE);
        assert_eq!(fixture.did.recv(), Ok(Did::Hung(1)));
        assert_eq!(fixture.deadlines.hung(), 1);
        assert!(!slot.claim(), "its worker comes too late");
        assert_eq!(fixture.deadlines.hung(), 0, "and is lost no more");
    }

    #[test]
    fn later_deadlines_do_not_ring() {
        let fixture = fixture(Duration::from_secs(60));
        let mut place = place(&fixture.process);
        let slot = fixture.deadlines.slot(&mut place);
        // The first deadline may ring; once the thread has planned for it, later ones must not.
        begin(&fixture, &slot, &mut place, b"1", 60_000);
        while fixture.deadlines.wakes_at.load(Ordering::SeqCst) == NEVER {
            std::thread::yield_now();
        }
        assert!(slot.claim());
        let before = fixture.rings.load(Ordering::Relaxed);
        for _ in 0..100 {
            begin(&fixture, &slot, &mut place, b"2", 60_000);
            assert!(slot.claim());
        }
        assert_eq!(fixture.rings.load(Ordering::Relaxed), before);
    }

    #[test]
    fn the_first_signal_stops_and_the_second_leaves() {
        let fixture = fixture(Duration::from_secs(60));
        fixture.signal.send(Rung::Stop).unwrap();
        assert_eq!(fixture.did.recv(), Ok(Did::Stop));
        fixture.signal.send(Rung::Stop).unwrap();
        assert_eq!(fixture.did.recv(), Ok(Did::Leave));
        fixture.thread.join().unwrap();
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
    fn a_stop_of_our_own_is_no_signal() {
        let fixture = fixture(Duration::from_secs(60));
        fixture.deadlines.stop();
        assert_eq!(fixture.did.recv(), Ok(Did::Stop));
        fixture.signal.send(Rung::Stop).unwrap();
        fixture.signal.send(Rung::Stop).unwrap();
        assert_eq!(fixture.did.recv(), Ok(Did::Leave), "only the second signal ends it");
        fixture.thread.join().unwrap();
    }

    #[test]
    fn a_stop_cancels_and_answers_for_what_does_not_end_before_its_grace_is_over() {
        let fixture = fixture(Duration::from_millis(400));
        let mut place = place(&fixture.process);
        let slot = fixture.deadlines.slot(&mut place);
        place.reset();
        place.get_mut().renew(
            Assembly::request(Vec::new(), b"", b"", b"").finish(),
            &InvocationMetadata::default(),
            false,
        );
        place.get_mut().set_request_id(b"id-2");
        fixture.deadlines.begin(&slot, &place);
        fixture.deadlines.stop();
        let did: Vec<Did> = fixture.did.iter().take(4).collect();
        let overdue = Did::Overdue(0, b"id-2".to_vec());
        assert_eq!(did, [Did::Stop, Did::Cancel(CANCEL_CLOSING), overdue, Did::Leave]);
    }

    #[test]
    fn the_grace_ends() {
        let fixture = fixture(Duration::from_millis(10));
        fixture.deadlines.stop();
        assert_eq!(fixture.did.recv(), Ok(Did::Stop));
        assert_eq!(fixture.did.recv(), Ok(Did::Leave));
    }
}
