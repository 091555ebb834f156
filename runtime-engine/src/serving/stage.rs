//! How far the start has come: layers first, then, at once or when the platform says so, the function. Who waits for it
//! waits here; what it takes to start is not known here.

use crate::start::Life;
use crate::work::Way;
use faas_core::failure::Failure;
use faas_core::lifecycle::{Booted, Runtime};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// What there is once start is over.
pub(super) struct Started {
    pub(super) runtime: Arc<Runtime>,
    pub(super) way: Way,
}

impl Started {
    /// `pool`: where calls go that may block.
    pub(super) fn new(runtime: Runtime, pool: Handle) -> Started {
        let way = Way::of(&runtime, pool);
        Started { runtime: Arc::new(runtime), way }
    }
}

/// What there is before the function: layers that have started, and what starts a function under them.
pub(super) struct Ground {
    pub(super) life: Arc<Life>,
    pub(super) booted: Booted,
    pub(super) features: u64,
}

/// The steps of a start.
#[derive(Default)]
pub(super) struct Stage {
    started: OnceLock<Started>,
    step: Mutex<Step>,
    moved: Notify,
}

#[derive(Default)]
enum Step {
    /// Layers are being started, and the function with them if no signal is waited for.
    #[default]
    Begun,
    Waiting(Box<Ground>),
    /// The function is being started.
    Function,
    Started,
    Failed(Failure),
    /// Close has run before there was a function.
    Closed,
}

/// What is seen of it.
pub(super) enum Seen<'s> {
    /// The first of it is still going on.
    Begun,
    /// The function is being started.
    Function,
    /// Everything waits for a signal.
    Waiting,
    Started(&'s Started),
    Failed(Failure),
    /// There will be no function.
    Closed,
}

/// What the end of the process finds.
pub(super) enum Rest {
    Started(Started),
    Layers(Box<Ground>),
    Nothing,
}

impl Stage {
    fn step(&self) -> MutexGuard<'_, Step> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn move_to(&self, step: Step) {
        *self.step() = step;
        self.moved.notify_waiters();
    }

    /// What start has come to; none before.
    pub(super) fn started(&self) -> Option<&Started> {
        self.started.get()
    }

    /// Is the first of it still going on?
    pub(super) fn has_just_begun(&self) -> bool {
        matches!(*self.step(), Step::Begun)
    }

    /// Waits for the end of the first of it.
    pub(super) async fn beyond_the_first(&self) {
        loop {
            let moved = self.moved.notified();
            if !self.has_just_begun() {
                return;
            }
            moved.await;
        }
    }

    /// How far it is.
    pub(super) fn look(&self) -> Seen<'_> {
        if let Some(started) = self.started.get() {
            return Seen::Started(started);
        }
        match &*self.step() {
            Step::Begun => Seen::Begun,
            // The last is told a moment later than it is.
            Step::Function | Step::Started => Seen::Function,
            Step::Waiting(_) => Seen::Waiting,
            Step::Failed(failure) => Seen::Failed(failure.clone()),
            Step::Closed => Seen::Closed,
        }
    }

    /// Waits while something is being started.
    pub(super) async fn settled(&self) -> Seen<'_> {
        loop {
            let moved = self.moved.notified();
            match self.look() {
                Seen::Begun | Seen::Function => moved.await,
                seen => return seen,
            }
        }
    }

    /// The layers have started, and the function waits.
    pub(super) fn wait(&self, ground: Ground) {
        self.move_to(Step::Waiting(Box::new(ground)));
    }

    /// Begins to start the function, for whoever comes first: the others get nothing.
    pub(super) fn begin_function(&self) -> Option<Box<Ground>> {
        self.take(Step::Function)
    }

    /// There will be no function; what was waiting for one, for whoever comes first.
    pub(super) fn give_up(&self) -> Option<Box<Ground>> {
        self.take(Step::Closed)
    }

    fn take(&self, next: Step) -> Option<Box<Ground>> {
        let mut step = self.step();
        if !matches!(*step, Step::Waiting(_)) {
            return None;
        }
        let Step::Waiting(ground) = std::mem::replace(&mut *step, next) else { return None };
        drop(step);
        self.moved.notify_waiters();
        Some(ground)
    }

    /// The start is over.
    pub(super) fn start(&self, started: Started) {
        let _ = self.started.set(started);
        self.move_to(Step::Started);
    }

    /// The start has failed, and has been logged.
    pub(super) fn fail(&self, failure: Failure) {
        self.move_to(Step::Failed(failure));
    }

    /// What is left to be closed.
    pub(super) fn into_rest(self) -> Rest {
        match (self.started.into_inner(), self.step.into_inner().unwrap_or_else(PoisonError::into_inner)) {
            (Some(started), _) => Rest::Started(started),
            (None, Step::Waiting(ground)) => Rest::Layers(ground),
            (None, _) => Rest::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_start_is_told_that_it_failed() {
        let stage = Stage::default();
        assert!(stage.has_just_begun() && stage.started().is_none() && stage.begin_function().is_none());
        std::thread::scope(|scope| {
            let wait = || tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(stage.settled());
            let waiting = scope.spawn(move || matches!(wait(), Seen::Failed(failure) if failure.kind == "Own"));
            stage.fail(Failure::new("Own", ""));
            assert!(waiting.join().unwrap());
        });
        assert!(!stage.has_just_begun() && matches!(stage.into_rest(), Rest::Nothing));
    }
}
