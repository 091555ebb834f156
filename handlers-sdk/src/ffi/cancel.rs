//! The waiters in each call, so that a wish to cancel the call wakes every one of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// The wish to cancel, as one waiter sees it, and the waker of that waiter.
#[derive(Default)]
struct Cancel {
    wanted: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Cancel {
    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn want(&self) {
        self.wanted.store(true, Ordering::Release);
        let waker = self.waker().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A waiter's place in the [`Registry`], left when this is dropped.
///
/// It must not outlive its call: the address that it is found by may serve the next call then.
pub(crate) struct Hearing {
    registry: &'static Registry,
    cancel: Arc<Cancel>,
}

impl Hearing {
    /// Returns `true` once the call is to be cancelled.
    pub(crate) fn wanted(&self) -> bool {
        self.cancel.wanted.load(Ordering::Acquire)
    }

    /// Sets the waker that a cancel wakes. A caller that also looks at [`wanted`](Self::wanted) calls this first.
    pub(crate) fn listen(&self, waker: &Waker) {
        let mut place = self.cancel.waker();
        match &mut *place {
            Some(old) => old.clone_from(waker),
            None => *place = Some(waker.clone()),
        }
    }

    /// Notes that the call was to be cancelled before this waiter came.
    pub(crate) fn want(&self) {
        self.cancel.want();
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        // Leaves by registration: a call may have several waiters, each of which leaves for itself.
        self.registry.all().retain(|(_, cancel)| !Arc::ptr_eq(cancel, &self.cancel));
    }
}

/// The waiters in the calls of one function or layer, each with the address of the invocation that it waits in.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Vec<(usize, Arc<Cancel>)>>);

impl Registry {
    fn all(&self) -> MutexGuard<'_, Vec<(usize, Arc<Cancel>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a waiter in the invocation at that address.
    pub(crate) fn add(&'static self, key: usize) -> Hearing {
        let cancel = Arc::<Cancel>::default();
        self.all().push((key, cancel.clone()));
        Hearing { registry: self, cancel }
    }

    /// Wakes everybody who waits in that invocation.
    pub(crate) fn cancel(&self, key: usize) {
        // Wakers run anybody's code, which may register or leave, so they are not called under the lock.
        let found: Vec<_> = self.all().iter().filter(|(other, _)| *other == key).map(|(_, c)| c.clone()).collect();
        for cancel in found {
            cancel.want();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hearing, Registry};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn registry() -> &'static Registry {
        Box::leak(Box::default())
    }

    fn waiting(registry: &'static Registry, key: usize) -> (Hearing, Arc<Count>) {
        let (hearing, count) = (registry.add(key), Arc::<Count>::default());
        hearing.listen(&Waker::from(count.clone()));
        (hearing, count)
    }

    #[test]
    fn a_cancel_wakes_every_waiter_of_its_invocation_and_no_other() {
        let registry = registry();
        let (mine, theirs, other) = (waiting(registry, 8), waiting(registry, 8), waiting(registry, 16));
        registry.cancel(8);
        registry.cancel(8);
        assert!(mine.0.wanted() && theirs.0.wanted() && !other.0.wanted());
        let woken = [mine, theirs, other].map(|(_, count)| count.0.load(Ordering::Relaxed));
        assert_eq!(woken, [1, 1, 0], "a waker is used once");
    }

    #[test]
    fn a_waiter_that_leaves_takes_no_other_of_its_invocation_along() {
        let registry = registry();
        let (first, second) = (waiting(registry, 8), waiting(registry, 8));
        drop(first);
        registry.cancel(8);
        assert!(second.0.wanted());
        drop(second);
        assert!(registry.all().is_empty());
    }

    #[test]
    fn an_address_that_serves_the_next_invocation_brings_no_old_cancel() {
        let registry = registry();
        let old = waiting(registry, 8);
        registry.cancel(8);
        drop(old);
        assert!(!waiting(registry, 8).0.wanted());
    }
}
