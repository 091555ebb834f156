//! The layer as an author writes it: hooks around the phases and invocations of every function.

pub(crate) mod hooks;
pub(crate) mod invocation;
pub(crate) mod phase;
pub(crate) mod reply_head;
#[cfg(feature = "tower")]
pub mod tower;

use crate::call::config::Config;
use crate::error::Error;
use crate::layer::invocation::Invocation;
use crate::layer::phase::Phase;
use crate::layer::reply_head::ReplyHead;
use faas_abi::*;

/// The next step after a layer's `before_invoke` or `before_record`. A failure is no flow: it is the hook's `Err`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The walk goes on to the next one further in.
    Continue,
    /// The reply is set ([`Invocation::respond`] makes this): nothing further in is called.
    Respond,
}

/// The choice of a layer about a failure. To replace it with another failure, return that as the hook's `Err`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The failure goes on to the next one further out.
    Pass,
    /// It is a failure no longer: a reply is set ([`Invocation::recover`] makes this).
    Recovered,
}

/// A failure, as a layer sees it on the way out.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The contract's status, below zero.
    pub status: i32,
    /// The kind of the failure: `"Order.SoldOut"`.
    pub kind: &'a str,
    /// The failure in words, for people.
    pub message: &'a str,
    /// The place of the failure, and what lies beneath it.
    pub detail: &'a str,
}

impl Failure<'_> {
    /// Returns `true` if the function or a layer panicked.
    pub fn is_panic(&self) -> bool {
        self.status == E_PANIC
    }

    /// Returns `true` if it was stopped: cancelled, or out of time.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.status, E_CANCELLED | E_DEADLINE)
    }
}

/// A layer: hooks around the phases of the process and around every invocation.
///
/// Write the hooks you need in an `impl` marked `#[layer]`. A hook that is not written is not called and costs nothing.
///
/// Every hook of a phase, an invocation or a record may be written as a plain `fn`, which runs on the runtime's thread and
/// must not block, or as an `async fn`, which may wait:
///
/// ```
/// use handlers_sdk::{Error, Flow, Invocation, Layer, Response, layer};
///
/// #[derive(Default)]
/// struct Auth;
///
/// # async fn is_known(_: &str) -> Result<bool, Error> { Ok(false) }
/// #[layer(required)]
/// impl Layer for Auth {
///     async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
///         let token = invocation.http().and_then(|http| http.header("authorization")).unwrap_or_default();
///         if is_known(token).await? { Ok(Flow::Continue) } else { invocation.respond(Response::new(401)) }
///     }
/// }
/// ```
///
/// Such a hook is boxed and polled once where it is called. If it waits then, it is finished on the executor of its
/// library, and the runtime goes on with other invocations. A cancel drops its future. `#[layer(blocking)]` is for a layer
/// whose plain hooks wait for files, locks or sockets.
///
/// For each phase the layers are entered in their order, inward, and left in reverse. A layer that was entered is left by
/// exactly one of `after_…` and `…_failed`. Hooks of several invocations run at once: state needs a lock or an atomic.
#[allow(unused_variables, reason = "the names are documentation")]
pub trait Layer: Sized + Send + Sync + 'static {
    /// Makes the layer. `#[layer]` writes `Default::default()` for it if you do not.
    ///
    /// # Errors
    /// The layer cannot work. The runtime reports the error and does not start.
    fn create(config: &Config) -> Result<Self, Error>;

    /// Runs before the functions are loaded.
    ///
    /// # Errors
    /// The phase fails with the error. This holds for every hook of a phase.
    fn before_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs after the runtime has started.
    ///
    /// # Errors
    /// As for [`before_runtime_start`](Self::before_runtime_start).
    fn after_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if the start failed further in.
    ///
    /// # Errors
    /// The phase fails with this error instead, and the first one is its cause. This holds for every failed phase.
    fn runtime_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs before a function starts.
    ///
    /// # Errors
    /// As for [`before_runtime_start`](Self::before_runtime_start).
    fn before_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs after a function has started.
    ///
    /// # Errors
    /// As for [`before_runtime_start`](Self::before_runtime_start).
    fn after_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if a function did not start.
    ///
    /// # Errors
    /// As for [`runtime_start_failed`](Self::runtime_start_failed).
    fn function_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs before the function is called: change the request, answer in the function's place, or refuse.
    ///
    /// # Errors
    /// The invocation fails with this error.
    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        Ok(Flow::Continue)
    }

    /// Runs after the function has answered: read or change the reply.
    ///
    /// # Errors
    /// The invocation fails after all.
    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if the invocation failed, in the function or further in.
    ///
    /// # Errors
    /// The invocation fails with this error instead, and the first one is its cause.
    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        Ok(Recovery::Pass)
    }

    /// Runs before the function is called for one record of a batch: change it, pass it by ([`Flow::Respond`], which needs no
    /// reply here), or let it fail. [`Invocation::record`] has its id and group. The hooks of records run inside those of the
    /// batch, whose extensions they read.
    ///
    /// # Errors
    /// The record fails with the error, and the others go on.
    fn before_record(&self, record: &mut Invocation<'_>) -> Result<Flow, Error> {
        Ok(Flow::Continue)
    }

    /// Runs after the function has handled the record.
    ///
    /// # Errors
    /// The record fails after all.
    fn after_record(&self, record: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if the record failed, in the function or further in. [`Recovery::Recovered`] needs no reply here.
    ///
    /// # Errors
    /// The record fails with this error instead.
    fn record_failed(&self, record: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        Ok(Recovery::Pass)
    }

    /// Runs once the head of a reply is fixed, of a stream too: the last moment for headers and status. It comes before
    /// `after_invoke`, and never waits.
    ///
    /// # Errors
    /// The error is logged, and the reply goes out as it is.
    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs once the reply is out: the reply can be read, and not be changed any more.
    ///
    /// # Errors
    /// The error is logged.
    fn replied(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs before the functions close.
    ///
    /// # Errors
    /// As for [`before_runtime_start`](Self::before_runtime_start).
    fn before_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs after they have closed: flush what is left.
    ///
    /// # Errors
    /// As for [`before_runtime_start`](Self::before_runtime_start).
    fn after_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs if closing failed further in; `after_close` is not called then.
    ///
    /// # Errors
    /// As for [`runtime_start_failed`](Self::runtime_start_failed).
    fn close_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs before the process is frozen or snapshotted: flush, let go of connections.
    ///
    /// # Errors
    /// As for [`before_runtime_start`](Self::before_runtime_start).
    fn suspend(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs when the process goes on: clocks have jumped, and random values from before are not unique any more.
    ///
    /// # Errors
    /// As for [`before_runtime_start`](Self::before_runtime_start).
    fn resume(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Looks at an event the runtime knows nothing about: names its trigger and source, and fills the HTTP view. Returns
    /// `false` if the event is not this layer's. It never waits.
    ///
    /// # Errors
    /// The invocation fails with the error.
    fn recognise(&self, invocation: &mut Invocation<'_>) -> Result<bool, Error> {
        Ok(false)
    }

    /// Adds to every invocation, before any `before_invoke`. It never waits.
    ///
    /// # Errors
    /// The invocation fails with the error.
    fn context(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Says whether the layer is well. Readiness probes ask it, so it answers at once.
    ///
    /// # Errors
    /// The layer is not well, and this is the reason.
    fn health(&self) -> Result<(), Error> {
        Ok(())
    }
}
