//! What a layer is: hooks around the phases and invocations of every function.

pub(crate) mod hooks;
pub(crate) mod invocation;
pub(crate) mod reply_head;

use crate::call::config::Config;
use crate::error::Error;
use crate::layer::invocation::Invocation;
use crate::layer::reply_head::ReplyHead;
use faas_abi::*;

/// What happens after a layer's `before_invoke` or `before_record`.
#[derive(Debug)]
pub enum Flow {
    /// Go on inward.
    Continue,
    /// The reply is set ([`Invocation::respond`] makes this): nothing further in is called.
    Respond,
    /// The invocation fails.
    Fail(Error),
}

/// What a layer makes of a failure.
#[derive(Debug)]
pub enum Recovery {
    /// Nothing.
    Pass,
    /// It is this failure instead.
    Replace(Error),
    /// It is none any more: a reply is set, see [`Invocation::recover`].
    Recovered,
}

/// A failure, as a layer sees it on the way out.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The contract's status, below zero.
    pub status: i32,
    /// What failed.
    pub kind: &'a str,
    /// In words.
    pub message: &'a str,
    /// Where, and what lies beneath.
    pub detail: &'a str,
}

impl Failure<'_> {
    /// Did the function or a layer panic?
    pub fn is_panic(&self) -> bool {
        self.status == E_PANIC
    }

    /// Was it stopped: cancelled, or out of time?
    pub fn is_cancelled(&self) -> bool {
        matches!(self.status, E_CANCELLED | E_DEADLINE)
    }
}

/// A layer. Write the hooks you need in an `impl` marked `#[layer]`; what is not written is not called and costs nothing.
///
/// For each phase the layers are entered in their order, inward, and left in reverse. A layer that was entered is left by
/// exactly one of `after_…` and `…_failed`. Hooks of several invocations run at once: state needs a lock or an atomic.
/// They run on the runtime's own threads, so they never block.
#[allow(unused_variables, reason = "the names are documentation")]
pub trait Layer: Sized + Send + Sync + 'static {
    /// Makes the layer. `#[layer]` writes `Default::default()` for it if you do not.
    ///
    /// # Errors
    /// It cannot work; the runtime reports the error and does not start.
    fn create(config: &Config) -> Result<Self, Error>;

    /// Before the functions are loaded.
    ///
    /// # Errors
    /// The phase fails; so for every hook of a phase.
    fn before_runtime_start(&self, phase: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// After the runtime has started.
    ///
    /// # Errors
    /// As above.
    fn after_runtime_start(&self, phase: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// The start failed further in.
    fn runtime_start_failed(&self, phase: &mut Invocation<'_>, failure: &Failure<'_>) {}

    /// Before a function starts.
    ///
    /// # Errors
    /// As above.
    fn before_function_start(&self, phase: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// After a function has started.
    ///
    /// # Errors
    /// As above.
    fn after_function_start(&self, phase: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// A function did not start.
    fn function_start_failed(&self, phase: &mut Invocation<'_>, failure: &Failure<'_>) {}

    /// Before the function is called: change the request, answer in its place, or refuse.
    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Flow {
        Flow::Continue
    }

    /// After it has answered: read or change the reply.
    ///
    /// # Errors
    /// The invocation fails after all.
    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// It failed, in the function or further in.
    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Recovery {
        Recovery::Pass
    }

    /// Before the function is called for one record of a batch: change it, pass it by ([`Flow::Respond`], no reply is
    /// needed), or let it fail. [`Invocation::record`] has its id and group. The hooks of records run inside those of the
    /// batch, whose extensions they read.
    fn before_record(&self, record: &mut Invocation<'_>) -> Flow {
        Flow::Continue
    }

    /// After a record has been done.
    ///
    /// # Errors
    /// The record fails after all.
    fn after_record(&self, record: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// A record failed, in the function or further in. [`Recovery::Recovered`] needs no reply here.
    fn record_failed(&self, record: &mut Invocation<'_>, failure: &Failure<'_>) -> Recovery {
        Recovery::Pass
    }

    /// The head of a reply is fixed, of a stream too: the last moment for headers and status. Comes before `after_invoke`.
    fn head(&self, head: &mut ReplyHead<'_>) {}

    /// The reply is out.
    ///
    /// # Errors
    /// Logged only.
    fn replied(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Before the functions close.
    ///
    /// # Errors
    /// As for every phase.
    fn before_close(&self, phase: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// After they have closed: flush.
    ///
    /// # Errors
    /// As for every phase.
    fn after_close(&self, phase: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Closing failed further in; `after_close` is not called then.
    fn close_failed(&self, phase: &mut Invocation<'_>, failure: &Failure<'_>) {}

    /// The process is about to be frozen or snapshotted: flush, let go of connections.
    ///
    /// # Errors
    /// As for every phase.
    fn suspend(&self, phase: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// It goes on: clocks have jumped, what was random is not unique any more.
    ///
    /// # Errors
    /// As for every phase.
    fn resume(&self, phase: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// For an event the host knows nothing about: name its trigger and source, fill the HTTP view. `false`: not mine.
    fn recognise(&self, invocation: &mut Invocation<'_>) -> bool {
        false
    }

    /// Adds to every invocation, before any `before_invoke`.
    ///
    /// # Errors
    /// The invocation fails.
    fn context(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Is it well? Asked by readiness probes.
    ///
    /// # Errors
    /// Why not.
    fn health(&self) -> Result<(), Error> {
        Ok(())
    }
}
