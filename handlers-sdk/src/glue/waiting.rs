//! Hooks that wait: an `async` hook is polled once where it is called, and finished on the library's executor if it is
//! not ready then. On a host that lends its thread it is finished there.
//!
//! The hook borrows its layer and the invocation. Both outlive it: a layer is destroyed when no call of it is in
//! progress, and the host lends the invocation until the call has ended, which is after the future has been dropped.

use crate::error::Error;
use crate::executor::drive::Runtime;
use crate::ffi::cancel::Hearing;
use crate::ffi::current::within_hook;
use crate::ffi::{Entry, Writer};
use crate::glue::layer::{Instance, LayerDef};
use crate::layer::Failure;
use crate::layer::hooks::{self, Ended, FailureText};
use crate::layer::invocation::Invocation;
use crate::layer::phase::Phase;
use crate::panics::{Panic, authored, catch, catch_aside};
use core::ffi::c_void;
use faas_abi::*;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// The future of an `async` hook, and where it runs.
pub struct Hook<'a> {
    pub(crate) future: HookFuture<'a>,
    pub(crate) runtime: &'static Runtime,
}

pub(crate) type HookFuture<'a> = Pin<Box<dyn Future<Output = Result<Ended, Error>> + Send + 'a>>;

/// The direction of a layer's hook for a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The hook on the way in, `before_…`.
    In,
    /// The hook on the way out, `after_…`.
    Out,
    /// The hook for a failure, `…_failed`.
    Failed,
}

/// The access that the host lends to one call. The macro's code takes from it the arguments of its hook.
pub struct Lent {
    writer: Writer<'static>,
    phase: u32,
    failure: FailureText,
}

impl Lent {
    /// Returns the arguments for a hook of an invocation or a record.
    pub fn invocation(&mut self) -> (Invocation<'_>, Failure<'_>) {
        (Invocation::new(self.writer.again()), self.failure.failure())
    }

    /// Returns the arguments for a hook of a phase.
    pub fn phase(&mut self) -> (Phase<'_>, Failure<'_>) {
        (Phase::new(self.writer.again(), self.phase), self.failure.failure())
    }
}

/// The way in which a hook ended.
enum Ending {
    /// The hook returned by itself.
    Hook(Result<Ended, Error>),
    /// The hook ended by a panic.
    Panic(Panic),
    /// The host wished it to end, or the executor let go of it.
    Cancelled,
}

/// One call of an `async` hook. In every case it ends the call: see `drop`.
struct Call {
    entry: &'static Entry,
    inv: *mut Inv,
    tok: *mut Tok,
    /// The status that stands if the hook itself reports no other one.
    inner: Status,
    /// The hook's future, which borrows from `lent`; it is taken at the end, before `lent` is freed.
    future: Option<HookFuture<'static>>,
    /// The arguments, from `Box::into_raw`; freed at the end.
    lent: *mut Lent,
    /// The hearing of a cancel; `None` until the hook waits.
    hearing: Option<Hearing>,
}

// SAFETY: the invocation and its token may be used from any thread, by one at a time; the future is `Send`.
unsafe impl Send for Call {}

/// Calls an `async` hook.
///
/// # Safety
/// `this` must come from `create::<L>`. `inv` and `tok` must be those of the call, Alive and this layer's alone until
/// the call has ended.
pub(super) unsafe fn start<L: LayerDef>(
    this: *mut c_void,
    way: Way,
    phase: u32,
    inv: *mut Inv,
    inner: Status,
    tok: *mut Tok,
) -> Status {
    // SAFETY: the caller's promise. What borrows from the instance is gone when the call has ended, and the host
    // destroys it later than that.
    let instance: &'static Instance<L> = unsafe { &*this.cast::<Instance<L>>() };
    let entry = instance.entry;
    // SAFETY: the caller's promise; `Call` frees it before the call ends.
    let writer: Writer<'static> = unsafe { Writer::new(entry, inv) };
    let failure = match way {
        Way::Failed => FailureText::of(writer.reader(), inner),
        Way::In | Way::Out => FailureText::default(),
    };
    let lent = Box::into_raw(Box::new(Lent { writer, phase, failure }));
    // SAFETY: just made; freed when the future that borrows from it has been dropped.
    let Some(hook) = instance.layer.hook(way, phase, unsafe { &mut *lent }) else {
        // SAFETY: there is no future, so nothing borrows from it.
        drop(unsafe { Box::from_raw(lent) });
        return inner;
    };
    let call = Call { entry, inv, tok, inner, future: Some(hook.future), lent, hearing: None };
    call.drive(hook.runtime)
}

impl Call {
    fn drive(mut self, runtime: &'static Runtime) -> Status {
        let mut first = None;
        catch_aside(|| {
            runtime.enter(&mut || {
                // A first look with a waker that wakes nobody: the future is polled again where it moves to.
                if let Poll::Ready(ending) = self.look(&mut Context::from_waker(Waker::noop())) {
                    first = Some(self.end(ending));
                }
            });
        });
        if let Some(status) = first {
            return status;
        }
        self.listen();
        if self.entry.has(F_MAY_BLOCK) {
            let mut ended = None;
            {
                let mut whole = pin!(async { ended = Some((&mut self).await) });
                catch_aside(|| (runtime.block_on)(whole.as_mut()));
            }
            // An executor that did not finish it has dropped nothing: `self` ends the call when it goes.
            return ended.unwrap_or(PENDING);
        }
        catch_aside(|| {
            (runtime.spawn)(Box::pin(async move {
                let status = (&mut self).await;
                self.entry.done(self.tok, status);
            }));
        });
        PENDING
    }

    /// Listens for a wish to cancel, from here on.
    fn listen(&mut self) {
        let hearing = self.entry.running.add(self.inv.addr());
        // SAFETY: Alive: the call has not ended. Only `cancelled` is asked, which is [any].
        let writer: Writer<'_> = unsafe { Writer::new(self.entry, self.inv) };
        // The wish may have come before this waiter was registered.
        if writer.reader().cancelled() != 0 {
            hearing.want();
        }
        self.hearing = Some(hearing);
    }

    /// Runs author's code with the invocation as the current one.
    fn within<T>(&self, body: impl FnOnce() -> T) -> T {
        // SAFETY: Alive: the call has not ended; a hook logs between its writes, never within one.
        unsafe { within_hook(self.entry, self.inv, || authored(body)) }
    }

    fn look(&mut self, context: &mut Context<'_>) -> Poll<Ending> {
        let Some(mut future) = self.future.take() else { return Poll::Pending };
        let looked = catch(|| self.within(|| future.as_mut().poll(context)));
        self.future = Some(future);
        match looked {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ending::Hook(result)),
            Err(panic) => Poll::Ready(Ending::Panic(panic)),
        }
    }

    /// Writes the end of the hook, and returns its status. Afterwards nothing of the hook is left.
    fn end(&mut self, ending: Ending) -> Status {
        // The hearing goes before the call ends: its address may serve another call right after.
        self.hearing = None;
        // The drop runs author's code, which may panic.
        let future = self.future.take();
        let dropped = catch(|| self.within(|| drop(future)));
        let ending = dropped.map_or_else(Ending::Panic, |()| ending);
        // SAFETY: `start` made it, and the future that borrowed from it is gone.
        let mut lent = unsafe { Box::from_raw(self.lent) };
        match ending {
            Ending::Hook(result) => hooks::status(&mut lent.writer, result, self.inner),
            Ending::Panic(panic) => {
                hooks::fail(&mut lent.writer, &panic.into_error());
                E_PANIC
            }
            Ending::Cancelled => {
                let message = "the invocation was cancelled while a layer waited".to_owned();
                hooks::fail(&mut lent.writer, &Error::placed("Runtime.Cancelled", message, String::new()));
                E_CANCELLED
            }
        }
    }
}

/// Its output is the status that the call ends with.
impl Future for Call {
    type Output = Status;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Status> {
        let call = &mut *self;
        if let Some(hearing) = &call.hearing {
            hearing.listen(context.waker());
            if hearing.wanted() {
                return Poll::Ready(call.end(Ending::Cancelled));
            }
        }
        let ending = std::task::ready!(call.look(context));
        Poll::Ready(call.end(ending))
    }
}

impl Drop for Call {
    /// An executor that goes away lets go of its tasks; their calls end all the same.
    fn drop(&mut self) {
        if self.future.is_some() {
            let status = self.end(Ending::Cancelled);
            self.entry.done(self.tok, status);
        }
    }
}
