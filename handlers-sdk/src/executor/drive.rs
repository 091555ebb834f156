//! Runs author's code: a function at once, a future once inline and, only if it waits, on the module's executor.
//!
//! A host that lends its thread gets the future finished there. On any other, a future that waits moves to the executor
//! and the call returns `PENDING`. A first look with a waker that wakes nobody loses nothing: the future is polled
//! again where it moves to, and registers its real waker then.

use super::after_reply::AfterReply;
use crate::call::context::FaasContext;
use crate::ffi::Held;
use crate::ffi::cancel::Hearing;
use crate::ffi::current::within;
use crate::panics::{Panic, authored, catch, catch_aside};
use crate::reply::outcome::Outcome;
use faas_abi::{F_MAY_BLOCK, PENDING, Status};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(crate) type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The work that author's code has left to do.
pub enum Call {
    /// The call has ended, and nothing is left.
    Ended(Outcome),
    /// A future is left, and this is the executor that it runs on.
    Running(Running, &'static Runtime),
}

/// An executor, as a table of its functions. There are no direct calls: only libraries that have an `async fn` name
/// one, so that others do not carry an executor, whichever features cargo unites.
#[derive(Debug)]
pub struct Runtime {
    /// Calls where a first poll may happen; `None` if that is anywhere.
    pub(crate) entered: Option<fn(&mut dyn FnMut())>,
    /// Finishes a future on the caller's thread.
    pub(crate) block_on: fn(Pin<&mut dyn Future<Output = ()>>),
    /// Finishes a future on a thread of its own. It must drop a future that it cannot run.
    pub(crate) spawn: fn(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// Runs when a call has ended on the caller's thread, and sees to it that tasks which the call has left behind go
    /// on. It is not called after a first poll that may happen anywhere.
    pub(crate) left: fn(),
}

impl Runtime {
    /// Runs `body`, which does not panic, where a first poll may happen. A panic of the executor's is the error.
    #[inline]
    fn entered<T>(&self, body: impl FnOnce() -> T) -> Result<T, Panic> {
        let Some(entered) = self.entered else { return Ok(body()) };
        let mut body = Some(body);
        let mut result = None;
        catch(|| entered(&mut || result = body.take().map(|body| body())))?;
        result.ok_or_else(|| Panic::new("the executor did not run what it was given"))
    }

    /// Runs `body` where a first poll may happen.
    pub(crate) fn enter(&self, body: &mut dyn FnMut()) {
        match self.entered {
            Some(entered) => entered(body),
            None => body(),
        }
    }
}

/// The state of a call whose author's code has run for the first time.
enum Begun {
    /// The call has ended.
    Ended(Outcome),
    /// A future is left that has not been polled.
    Fresh(&'static Runtime),
    /// A future is left that waits.
    Waits(&'static Runtime),
}

/// Serves one call.
pub(crate) fn drive(held: Held, call: impl FnOnce(&FaasContext) -> Call) -> Status {
    let ctx = FaasContext::new(held);
    // It is kept out here, so that it is not dropped while a panic unwinds.
    let mut future = None;
    let begin = || match call(&ctx) {
        Call::Ended(outcome) => Begun::Ended(outcome),
        Call::Running(running, runtime) => {
            future = Some(running);
            if runtime.entered.is_some() {
                return Begun::Fresh(runtime);
            }
            // Made and polled under one guard.
            match poll(&mut future, &mut Context::from_waker(Waker::noop())) {
                Poll::Ready(outcome) => Begun::Ended(outcome),
                Poll::Pending => Begun::Waits(runtime),
            }
        }
    };
    let begun = catch(|| within(ctx.held(), || authored(begin)));
    let held = ctx.into_held();
    match begun {
        Ok(Begun::Ended(outcome)) => end(held, outcome),
        Ok(Begun::Fresh(runtime)) => start(held, future, runtime),
        Ok(Begun::Waits(runtime)) => wait(held, future, runtime),
        Err(panic) => {
            let outcome = discard(&held, &mut future, Outcome::panicked(panic));
            end(held, outcome)
        }
    }
}

fn end(held: Held, outcome: Outcome) -> Status {
    if held.has_later()
        && let Some(work) = AfterReply::due(&held)
    {
        let runtime = work.runtime();
        return start(held, Some(work.then(outcome)), runtime);
    }
    held.end(outcome)
}

fn start(held: Held, mut future: Option<Running>, runtime: &'static Runtime) -> Status {
    let mut nobody = Context::from_waker(Waker::noop());
    let first = runtime.entered(|| {
        let first = look(&held, &mut future, &mut nobody);
        if first.is_ready() {
            (runtime.left)();
        }
        first
    });
    match first {
        Ok(Poll::Ready(outcome)) => held.end(outcome),
        Ok(Poll::Pending) => wait(held, future, runtime),
        Err(panic) => {
            let outcome = discard(&held, &mut future, Outcome::panicked(panic));
            held.end(outcome)
        }
    }
}

/// Has a future finished that was pending when it was first polled.
fn wait(held: Held, future: Option<Running>, runtime: &'static Runtime) -> Status {
    let lends_thread = held.entry().has(F_MAY_BLOCK);
    let task = Task::new(held, future);
    if lends_thread {
        let mut ended = None;
        catch_aside(|| (runtime.block_on)(pin!(async { ended = Some(task.await) })));
        if let Some((held, outcome)) = ended {
            catch_aside(runtime.left);
            return held.end(outcome);
        }
    } else {
        catch_aside(|| {
            (runtime.spawn)(Box::pin(async move {
                let (held, outcome) = task.await;
                held.end_later(outcome);
            }));
        });
    }
    // In every case the task ends the call: see its `drop`.
    PENDING
}

/// Polls a future. Once that has ended it is dropped, which is author's code as well, and `future` is `None`.
#[inline]
fn poll(future: &mut Option<Running>, context: &mut Context<'_>) -> Poll<Outcome> {
    let polled = future.as_mut().map_or(Poll::Pending, |future| future.as_mut().poll(context));
    if polled.is_ready() {
        *future = None;
    }
    polled
}

/// Polls a future under a guard.
fn look(held: &Held, future: &mut Option<Running>, context: &mut Context<'_>) -> Poll<Outcome> {
    let polled = catch(|| within(held, || authored(|| poll(future, context))));
    let seen = polled.unwrap_or_else(|panic| Poll::Ready(discard(held, future, Outcome::panicked(panic))));
    if held.has_later() { look_at_later(held, future, seen, context) } else { seen }
}

/// Runs the work for after the reply further, if the call's own code has ended and that cannot wait.
#[cold]
fn look_at_later(
    held: &Held,
    future: &mut Option<Running>,
    seen: Poll<Outcome>,
    context: &mut Context<'_>,
) -> Poll<Outcome> {
    let Poll::Ready(outcome) = seen else { return Poll::Pending };
    match AfterReply::due(held) {
        None => Poll::Ready(outcome),
        Some(work) => {
            *future = Some(work.then(outcome));
            look(held, future, context)
        }
    }
}

/// Drops a future that is not polled any more, which may run author's code and panic.
#[cold]
fn discard(held: &Held, future: &mut Option<Running>, outcome: Outcome) -> Outcome {
    let dropped: Result<(), Panic> = catch(|| within(held, || authored(|| *future = None)));
    dropped.map_or_else(Outcome::panicked, |()| outcome)
}

/// A future that waits, and the call it will end.
pub(crate) struct Task {
    /// The state, which is taken at the end; `None` after that.
    state: Option<Waiting>,
}

struct Waiting {
    /// The hearing is dropped before the share, which it must not outlive.
    hearing: Hearing,
    held: Held,
    /// The future; `None` once it has ended.
    future: Option<Running>,
}

impl Task {
    fn new(held: Held, future: Option<Running>) -> Task {
        Task { state: Some(Waiting { hearing: held.hear_cancel(), held, future }) }
    }

    fn finish(&mut self, outcome: Outcome) -> Option<(Held, Outcome)> {
        let Waiting { hearing, held, mut future } = self.state.take()?;
        // The hearing goes before the call ends: its address may serve another call right after.
        drop(hearing);
        let outcome = if future.is_some() { discard(&held, &mut future, outcome) } else { outcome };
        Some((held, outcome))
    }
}

impl Future for Task {
    type Output = (Held, Outcome);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let task = &mut *self;
        let Some(Waiting { hearing, held, future }) = &mut task.state else { return Poll::Pending };
        hearing.listen(context.waker());
        let outcome = match hearing.wanted() {
            true => Outcome::cancelled(),
            false => std::task::ready!(look(held, future, context)),
        };
        task.finish(outcome).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Task {
    /// An executor that goes away lets go of its tasks; their calls end all the same.
    fn drop(&mut self) {
        if let Some((held, outcome)) = self.finish(Outcome::cancelled()) {
            held.end_later(outcome);
        }
    }
}
