//! Which futures are waiting, so that a wish to cancel finds them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// One waiting future's ear.
#[derive(Default)]
pub(crate) struct Cancel {
    wanted: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Cancel {
    pub(crate) fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Whom to wake; before looking at [`wanted`](Self::wanted).
    pub(crate) fn listen(&self, waker: &Waker) {
        let mut place = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *place {
            Some(old) => old.clone_from(waker),
            None => *place = Some(waker.clone()),
        }
    }

    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::Release);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The waiting futures of one function, by the address of their invocation.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Vec<(usize, Arc<Cancel>)>>);

impl Registry {
    fn all(&self) -> MutexGuard<'_, Vec<(usize, Arc<Cancel>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, key: usize, cancel: Arc<Cancel>) {
        self.all().push((key, cancel));
    }

    pub(crate) fn remove(&self, key: usize) {
        self.all().retain(|(other, _)| *other != key);
    }

    pub(crate) fn cancel(&self, key: usize) {
        let found = self.all().iter().find(|(other, _)| *other == key).map(|(_, cancel)| cancel.clone());
        if let Some(cancel) = found {
            cancel.want();
        }
    }
}
