//! The state that one case's modules, stream and other thread share: the log of all events, and counters for those that
//! must happen exactly once.

use crate::plan::{Plan, Run};
use faas_abi::host::{Cancel, Given};
use faas_abi::{Status, Tok};
use faas_core::invocation::Invocation;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A hook, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Before,
    After,
    OnError,
    Head,
    Invoke,
    Phase,
    Recognise,
    Context,
}

/// The words of a failure: no words, those of `fail` with that number, or the runtime's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    None,
    Own(u8),
    Runtime,
}

/// The values that a hook sees when it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) inner: Status,
    pub(crate) cancelled: u32,
    pub(crate) code: Option<u64>,
    pub(crate) body: usize,
    pub(crate) streamed: bool,
    pub(crate) words: Words,
}

/// One line of a case's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Create(usize),
    Destroy(usize),
    Call {
        who: usize,
        hook: Hook,
        phase: u32,
        seen: Seen,
    },
    /// An act was taken with this status; every refusal is -1.
    Did(Status),
    Cancel {
        who: usize,
        reason: u32,
    },
    /// The head of a stream as the driver gets it: code and reply headers.
    Open {
        code: u64,
        headers: Vec<u8>,
    },
    /// A module saw a thing that it never may see.
    Fault(&'static str),
}

/// A buffer of a module's and how often it was released.
pub(crate) struct Buffer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) released: AtomicU32,
}

/// Work for the other thread.
pub(crate) enum Job {
    /// `done`, and perhaps once more.
    Done { done: unsafe extern "C" fn(*mut Tok, Status), tok: usize, status: Status, again: Option<Status> },
    /// A cancel, then a `done` that is late if `cancel` has answered.
    Fire { cancel: Cancel<Invocation>, reason: u32, then: Option<Box<Job>> },
    /// The stream has room again for this token.
    Room(usize),
    /// Says that everything before it is done.
    Say(Sender<()>),
}

/// A thread that does the jobs it is given, beside the one that serves.
pub(crate) struct Other(Sender<Job>);

impl Other {
    /// Starts the thread. It ends when nobody can tell it anything any more.
    pub(crate) fn start() -> Other {
        let (sender, receiver) = channel();
        std::thread::spawn(move || work(&receiver));
        Other(sender)
    }
}

fn work(jobs: &Receiver<Job>) {
    for job in jobs {
        run(job);
    }
}

fn run(job: Job) {
    match job {
        Job::Done { done, tok, status, again } => {
            // SAFETY: the host's `done`, which any thread may call; a token is no address and never dangles.
            unsafe { done(std::ptr::without_provenance_mut(tok), status) }
            if let Some(again) = again {
                // SAFETY: as above: a second use is ignored and counted.
                unsafe { done(std::ptr::without_provenance_mut(tok), again) }
            }
        }
        Job::Fire { cancel, reason, then } => {
            cancel.fire(reason);
            if let Some(then) = then {
                run(*then);
            }
        }
        Job::Room(tok) => faas_abi::host::token::complete(std::ptr::without_provenance_mut(tok), faas_abi::OK),
        Job::Say(sender) => {
            let _ = sender.send(());
        }
    }
}

/// The state that all parts of a case share.
pub(crate) struct World {
    pub(crate) id: u64,
    pub(crate) plan: Plan,
    /// The walk being done; `None` stands for the walk of the phase that is called.
    pub(crate) now: Option<AtomicUsize>,
    pub(crate) cancel: Mutex<Option<Cancel<Invocation>>>,
    /// The chunks that the stream has taken and still holds.
    pub(crate) chunks: Mutex<Vec<Given>>,
    pub(crate) opens: AtomicUsize,
    pub(crate) writes: AtomicUsize,
    pub(crate) buffers: Mutex<Vec<Arc<Buffer>>>,
    /// The values of slots and filters, counting their drops; tokens, counting their calls; instances, counting their
    /// ends.
    pub(crate) slots: Mutex<Vec<Arc<AtomicU32>>>,
    pub(crate) filters: Mutex<Vec<Arc<AtomicU32>>>,
    pub(crate) tokens: Mutex<Vec<Arc<AtomicU32>>>,
    pub(crate) instances: Mutex<Vec<Arc<crate::module::Instance>>>,
    log: Mutex<Vec<Event>>,
    other: Sender<Job>,
    later: Mutex<Vec<Job>>,
}

static WORLDS: Mutex<Option<HashMap<u64, Arc<World>>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(0);

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// Makes a world whose modules find it by its number, until [`World::end`].
    pub(crate) fn new(plan: Plan, by_phase: bool, other: &Other) -> Arc<World> {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let world = Arc::new(World {
            id,
            plan,
            now: (!by_phase).then(AtomicUsize::default),
            cancel: Mutex::default(),
            chunks: Mutex::default(),
            opens: AtomicUsize::default(),
            writes: AtomicUsize::default(),
            buffers: Mutex::default(),
            slots: Mutex::default(),
            filters: Mutex::default(),
            tokens: Mutex::default(),
            instances: Mutex::default(),
            log: Mutex::default(),
            other: other.0.clone(),
            later: Mutex::default(),
        });
        lock(&WORLDS).get_or_insert_default().insert(id, world.clone());
        world
    }

    pub(crate) fn find(id: u64) -> Option<Arc<World>> {
        lock(&WORLDS).get_or_insert_default().get(&id).cloned()
    }

    /// Forgets it. Modules and world hold each other: this lets go.
    pub(crate) fn end(&self) {
        lock(&WORLDS).get_or_insert_default().remove(&self.id);
        lock(&self.instances).clear();
    }

    /// Returns the walk that is being done.
    pub(crate) fn run(&self, phase: u32) -> &Run {
        let index = self.now.as_ref().map_or(phase as usize, |now| now.load(Ordering::Relaxed));
        &self.plan.runs[index]
    }

    /// Makes that invocation of the plan's the next one.
    pub(crate) fn begin_run(&self, index: usize) {
        if let Some(now) = &self.now {
            now.store(index, Ordering::Relaxed);
        }
        self.opens.store(0, Ordering::Relaxed);
        self.writes.store(0, Ordering::Relaxed);
    }

    pub(crate) fn note(&self, event: Event) {
        lock(&self.log).push(event);
    }

    pub(crate) fn take_log(&self) -> Vec<Event> {
        std::mem::take(&mut lock(&self.log))
    }

    /// Gives the other thread something to do now.
    pub(crate) fn tell(&self, job: Job) {
        // The other thread outlives every world.
        let _ = self.other.send(job);
    }

    /// Gives the other thread something to do once the host has seen `PENDING`.
    pub(crate) fn tell_later(&self, job: Job) {
        lock(&self.later).push(job);
    }

    /// Waits until the other thread has done everything it was told.
    pub(crate) fn catch_up(&self) {
        let (sender, receiver) = channel();
        self.tell(Job::Say(sender));
        // An error would be that thread's end, which only the last sender's end brings about.
        let _ = receiver.recv();
    }

    /// Runs a future to its end as light-runtime does.
    pub(crate) fn drive<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        faas_core::parking::block_on(poll_fn(|context| {
            let poll = future.as_mut().poll(context);
            if poll.is_pending() {
                std::mem::take(&mut *lock(&self.later)).into_iter().for_each(|job| self.tell(job));
            }
            poll
        }))
    }
}
