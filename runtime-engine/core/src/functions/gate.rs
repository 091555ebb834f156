//! The limit to the invocations of one function that run at once. It only counts: the caller answers an invocation that
//! is refused.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The limit of one function, and how many of its invocations run.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The number that may run at once; `usize::MAX` without a limit.
    limit: usize,
    running: AtomicUsize,
}

/// The place of one running invocation. Its drop makes room for another: that of an invocation which never ends is
/// never given back, so a function that hangs uses up its own places and nobody else's.
#[derive(Debug)]
pub(crate) struct Admitted<'a>(Option<&'a AtomicUsize>);

impl Gate {
    /// Makes a gate that lets this many pass at once. With `None` it lets any number pass.
    pub(crate) fn new(limit: Option<usize>) -> Gate {
        Gate { limit: limit.unwrap_or(usize::MAX), running: AtomicUsize::new(0) }
    }

    /// Returns how many may run at once, which is `usize::MAX` without a limit.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Lets one more run. Returns `None` if as many as may are running.
    pub(crate) fn admit(&self) -> Option<Admitted<'_>> {
        if self.limit == usize::MAX {
            return Some(Admitted(None));
        }
        let more = |running| (running < self.limit).then_some(running + 1);
        let admitted = self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        admitted.is_ok().then(|| Admitted(Some(&self.running)))
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.0 {
            running.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_the_limit_run_at_once_and_each_end_makes_room() {
        let gate = Gate::new(Some(2));
        let (one, two) = (gate.admit(), gate.admit());
        assert!(one.is_some() && two.is_some() && gate.admit().is_none());
        drop(one);
        let three = gate.admit();
        assert!(three.is_some() && gate.admit().is_none());
    }

    #[test]
    fn without_a_limit_nobody_is_refused() {
        let gate = Gate::new(None);
        let all: Vec<_> = (0..1_000).map(|_| gate.admit()).collect();
        assert!(all.iter().all(Option::is_some));
    }

    #[test]
    fn many_threads_never_exceed_the_limit() {
        let (gate, running) = (Gate::new(Some(3)), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let Some(_admitted) = gate.admit() else { continue };
                        assert!(running.fetch_add(1, Ordering::SeqCst) < 3);
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(gate.running.load(Ordering::SeqCst), 0);
    }
}
