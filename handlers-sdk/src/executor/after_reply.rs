//! Work for after the reply: `ctx.after_reply(future)`.
//!
//! A host with time after the reply gets the work with the reply, in a slot of the invocation, and gives it back in the
//! phase Replied. Where that cannot be, the call goes on with it and ends when it is done: on a host without such time,
//! and when somebody keeps the call open, because the work itself may be the one that does.

use super::drive::{Call, Running, Runtime};
use crate::ffi::Held;
use crate::ffi::held::Later;
use crate::panics::{Panic, authored, catch};
use crate::reply::outcome::Outcome;
use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The futures that one call runs after its reply.
pub(crate) struct AfterReply {
    works: Vec<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    runtime: &'static Runtime,
}

impl AfterReply {
    /// Adds a future to the work that this call has to do after its reply.
    pub(crate) fn add(held: &Held, runtime: &'static Runtime, work: impl Future<Output = ()> + Send + 'static) {
        held.add_later(|before| {
            let mut after =
                before.and_then(AfterReply::of).unwrap_or(Box::new(AfterReply { works: Vec::new(), runtime }));
            after.works.push(Some(Box::pin(work)));
            after
        });
    }

    fn of(later: Box<dyn Later>) -> Option<Box<AfterReply>> {
        let any: Box<dyn Any> = later;
        any.downcast().ok()
    }

    /// Returns the work that has to be done before this call ends, if its code has returned.
    pub(crate) fn due(held: &Held) -> Option<Box<AfterReply>> {
        held.take_due_later().and_then(AfterReply::of)
    }

    /// Returns the executor that the futures run on.
    pub(crate) fn runtime(&self) -> &'static Runtime {
        self.runtime
    }

    /// Does the work, and then comes to `outcome`. A panic in it is a failure of its own that the log tells of. The
    /// other futures go on.
    pub(crate) fn then(self: Box<Self>, outcome: Outcome) -> Running {
        Box::pin(async move {
            let worked = self.work().await;
            match (outcome, worked) {
                (Outcome::Done, Err(panic)) => Outcome::panicked(panic),
                (outcome, Err(panic)) => {
                    panic.report();
                    outcome
                }
                (outcome, Ok(())) => outcome,
            }
        })
    }

    /// Does the work of a phase's call, and the function's own work in that phase.
    pub(crate) fn beside(self: Box<Self>, own: Call) -> Call {
        let runtime = self.runtime;
        let outcome = match own {
            Call::Ended(outcome) => return Call::Running(self.then(outcome), runtime),
            Call::Running(own, _) => own,
        };
        Call::Running(Box::pin(async move { self.then(outcome.await).await }), runtime)
    }

    /// Lets the work run with no call behind it.
    pub(crate) fn adrift(self: Box<Self>) {
        let spawn = self.runtime.spawn;
        spawn(Box::pin(async move {
            if let Err(panic) = self.work().await {
                panic.report();
            }
        }));
    }

    /// Runs all futures side by side. Returns the first panic as the error, if there was one.
    async fn work(mut self: Box<Self>) -> Result<(), Panic> {
        let mut first = Ok(());
        poll_fn(|context| {
            for work in &mut self.works {
                if let Err(panic) = look(work, context) {
                    // The drop of a future runs the author's code as well.
                    let _ = catch(|| *work = None);
                    first = std::mem::replace(&mut first, Ok(())).and(Err(panic));
                }
            }
            if self.works.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        first
    }
}

/// Polls one of the futures, and drops it when it is done.
fn look(work: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>, context: &mut Context<'_>) -> Result<(), Panic> {
    catch(|| {
        authored(|| {
            if work.as_mut().is_some_and(|future| future.as_mut().poll(context).is_ready()) {
                *work = None;
            }
        });
    })
}
