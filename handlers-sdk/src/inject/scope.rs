//! The shared values of one configuration.

use super::graph::Step;
use super::registry::{Registry, Source};
use super::settled::settled;
use crate::call::context::FaasContext;
use crate::call::given::{Value, Values};
use crate::error::Error;
use crate::panics;
use crate::reply::outcome::Outcome;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The part of the configuration that entries with shared values have in common.
#[derive(Default, PartialEq)]
pub(crate) struct Configuration {
    /// The text of their own part of the configuration.
    pub(crate) json: Box<[u8]>,
    /// The text that tells environments apart: see [`faas_abi::settings::ENVIRONMENT`].
    pub(crate) environment: &'static [u8],
}

/// The shared values of one configuration, in the order in which they were made, and how many use them.
pub(crate) struct Scope {
    pub(crate) of: Configuration,
    pub(crate) registry: Arc<Registry>,
    turn: Mutex<Turn>,
    made: Mutex<Made>,
}

/// The turn to make or end values. Starts and ends of several functions follow one another, since they make and end the
/// same values.
#[derive(Default)]
struct Turn {
    is_taken: bool,
    waiting: Vec<Waker>,
}

#[derive(Default)]
struct Made {
    values: Vec<(Source, Value)>,
    users: usize,
}

/// The right to make and to end values, until it is dropped.
pub(crate) struct Alone<'a>(&'a Scope);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let mut turn = lock(&self.0.turn);
        turn.is_taken = false;
        let waiting = std::mem::take(&mut turn.waiting);
        drop(turn);
        waiting.into_iter().for_each(Waker::wake);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scope {
    pub(crate) fn new(of: Configuration, registry: Arc<Registry>) -> Scope {
        Scope { of, registry, turn: Mutex::default(), made: Mutex::default() }
    }

    /// Waits until nobody else makes or ends values.
    pub(crate) async fn alone(&self) -> Alone<'_> {
        std::future::poll_fn(|context| {
            let mut turn = lock(&self.turn);
            if turn.is_taken {
                turn.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            turn.is_taken = true;
            Poll::Ready(Alone(self))
        })
        .await
    }

    /// Counts one more user of the values.
    pub(crate) fn join(&self) {
        lock(&self.made).users += 1;
    }

    /// Counts one user less. Returns `true` if that was the last one.
    pub(crate) fn leave(&self) -> bool {
        let mut made = lock(&self.made);
        made.users -= 1;
        made.users == 0
    }

    /// Returns the value of a source; `None` if it is not made yet.
    pub(crate) fn get(&self, source: &Source) -> Option<Value> {
        lock(&self.made).values.iter().find(|(other, _)| other.is(source)).map(|(_, value)| value.clone())
    }

    /// Makes the value of a step, unless it is made already. The values that it needs are made by then.
    pub(crate) async fn make(&self, _alone: &Alone<'_>, step: &Step, ctx: &FaasContext) -> Result<(), Error> {
        if self.get(&step.source).is_some() {
            return Ok(());
        }
        let given: Values = step.needs.iter().filter_map(|(id, source)| Some((*id, self.get(source)?))).collect();
        let value = made(&step.source, &ctx.with_given(given)).await?;
        lock(&self.made).values.push((step.source.clone(), value));
        Ok(())
    }

    /// Runs what providers wrote for the end of their values, in reverse order. A failure keeps no other from its end.
    ///
    /// # Errors
    /// The error is the first failure; all of them are logged.
    pub(crate) async fn close(&self, _alone: &Alone<'_>, ctx: &FaasContext) -> Result<(), Error> {
        let all: Vec<(Source, Value)> = lock(&self.made).values.iter().rev().cloned().collect();
        let mut result = Ok(());
        for (source, value) in all {
            let Some(outcome) = settled(|| source.close(value, ctx)).await else { continue };
            if let Outcome::Failed(_, error) = outcome {
                ctx.error(format_args!("the end of {source} failed: {error}"));
                result = result.and(Err(error));
            }
        }
        result
    }
}

impl Drop for Scope {
    /// Lets go of the values in reverse order, each after those that need it.
    fn drop(&mut self) {
        let made = self.made.get_mut().unwrap_or_else(PoisonError::into_inner);
        while let Some((source, value)) = made.values.pop() {
            if let Err(panic) = panics::catch(|| drop(value)) {
                crate::error!("the drop of {source} failed: {}", panic.into_error());
            }
        }
    }
}

/// Makes a value. A failure names the source that it comes from.
pub(crate) async fn made(source: &Source, ctx: &FaasContext) -> Result<Value, Error> {
    match settled(|| Some(source.make(ctx))).await {
        Some(Outcome::Made(value)) => Ok(value),
        Some(Outcome::Failed(_, error)) => Err(error.with_line(&format!("while {source} was made"))),
        _ => Err(Error::internal("Runtime.NoValue", format!("{source} made no value"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_second_start_waits_for_the_end_of_the_first() {
        let scope = Scope::new(Configuration::default(), Arc::new(Registry::of(&[])));
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut first = pin!(scope.alone());
        let Poll::Ready(alone) = first.as_mut().poll(&mut context) else { panic!("nobody is there before it") };
        let mut second = pin!(scope.alone());
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        drop(alone);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(second.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn the_last_one_who_leaves_is_told_so() {
        let scope = Scope::new(Configuration::default(), Arc::new(Registry::of(&[])));
        scope.join();
        scope.join();
        assert!(!scope.leave());
        assert!(scope.leave());
    }
}
