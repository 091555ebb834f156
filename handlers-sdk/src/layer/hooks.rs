//! The choice of the hook for a phase, and of the status for its answer.

use crate::error::Error;
use crate::ffi::{Reader, Writer};
use crate::layer::invocation::Invocation;
use crate::layer::phase::Phase;
use crate::layer::reply_head::ReplyHead;
use crate::layer::{Failure, Flow, Layer, Recovery};
use faas_abi::*;

/// The meaning that a hook's success has for the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The walk goes on as it would have without the hook.
    Done,
    /// A reply is set, and nothing further in is called.
    Respond,
    /// A reply is set in place of a failure.
    Recovered,
}

impl From<()> for Ended {
    fn from((): ()) -> Ended {
        Ended::Done
    }
}

impl From<Flow> for Ended {
    fn from(flow: Flow) -> Ended {
        match flow {
            Flow::Continue => Ended::Done,
            Flow::Respond => Ended::Respond,
        }
    }
}

impl From<Recovery> for Ended {
    fn from(recovery: Recovery) -> Ended {
        match recovery {
            Recovery::Pass => Ended::Done,
            Recovery::Recovered => Ended::Recovered,
        }
    }
}

/// Turns a hook's answer into a status for the host. `inner` is the status that stands if the hook reports no other
/// one.
#[inline]
pub(crate) fn status(writer: &mut Writer<'_>, result: Result<Ended, Error>, inner: Status) -> Status {
    match result {
        Ok(Ended::Done) => inner,
        Ok(Ended::Respond) => END,
        Ok(Ended::Recovered) => OK,
        Err(error) => {
            fail(writer, &error);
            error.ends_with()
        }
    }
}

pub(crate) fn fail(writer: &mut Writer<'_>, error: &Error) {
    writer.fail(error.kind(), error.message(), &error.placed_detail());
}

/// The words of a failure, copied: the hook may change the invocation while it looks at them.
#[derive(Debug, Default)]
pub(crate) struct FailureText {
    status: Status,
    words: [String; 3],
}

impl FailureText {
    pub(crate) fn of(reader: Reader<'_>, status: Status) -> FailureText {
        let keys = [META_ERROR_KIND, META_ERROR_MESSAGE, META_ERROR_DETAIL];
        FailureText { status, words: keys.map(|key| reader.text(key).to_owned()) }
    }

    pub(crate) fn failure(&self) -> Failure<'_> {
        let [kind, message, detail] = &self.words;
        Failure { status: self.status, kind, message, detail }
    }
}

pub(crate) fn before<L: Layer>(layer: &L, phase: u32, mut writer: Writer<'_>) -> Status {
    let result = match phase {
        INVOKE => layer.before_invoke(&mut Invocation::new(writer.again())).map(Ended::from),
        RECORD => layer.before_record(&mut Invocation::new(writer.again())).map(Ended::from),
        _ => {
            let phase_view = &mut Phase::new(writer.again(), phase);
            match phase {
                RUNTIME_START => layer.before_runtime_start(phase_view),
                FUNCTION_START => layer.before_function_start(phase_view),
                CLOSE => layer.before_close(phase_view),
                RESUME => layer.resume(phase_view),
                _ => Ok(()),
            }
            .map(Ended::from)
        }
    };
    status(&mut writer, result, OK)
}

pub(crate) fn after<L: Layer>(layer: &L, phase: u32, mut writer: Writer<'_>) -> Status {
    let result = match phase {
        INVOKE => layer.after_invoke(&mut Invocation::new(writer.again())),
        RECORD => layer.after_record(&mut Invocation::new(writer.again())),
        REPLIED => layer.replied(&mut Invocation::new(writer.again())),
        _ => {
            let phase_view = &mut Phase::new(writer.again(), phase);
            match phase {
                RUNTIME_START => layer.after_runtime_start(phase_view),
                FUNCTION_START => layer.after_function_start(phase_view),
                CLOSE => layer.after_close(phase_view),
                SUSPEND => layer.suspend(phase_view),
                _ => Ok(()),
            }
        }
    };
    status(&mut writer, result.map(Ended::from), OK)
}

pub(crate) fn failed<L: Layer>(layer: &L, phase: u32, mut writer: Writer<'_>, inner: Status) -> Status {
    let text = FailureText::of(writer.reader(), inner);
    let failure = &text.failure();
    let result = match phase {
        INVOKE => layer.invoke_failed(&mut Invocation::new(writer.again()), failure).map(Ended::from),
        RECORD => layer.record_failed(&mut Invocation::new(writer.again()), failure).map(Ended::from),
        _ => {
            let phase_view = &mut Phase::new(writer.again(), phase);
            match phase {
                RUNTIME_START => layer.runtime_start_failed(phase_view, failure),
                FUNCTION_START => layer.function_start_failed(phase_view, failure),
                CLOSE => layer.close_failed(phase_view, failure),
                _ => Ok(()),
            }
            .map(Ended::from)
        }
    };
    status(&mut writer, result, inner)
}

pub(crate) fn head<L: Layer>(layer: &L, writer: Writer<'_>) -> Result<(), Error> {
    layer.head(&mut ReplyHead::new(writer))
}

pub(crate) fn recognise<L: Layer>(layer: &L, mut writer: Writer<'_>) -> Status {
    match layer.recognise(&mut Invocation::new(writer.again())) {
        Ok(true) => OK,
        Ok(false) => E_NOT_FOUND,
        Err(error) => status(&mut writer, Err(error), OK),
    }
}

pub(crate) fn context<L: Layer>(layer: &L, mut writer: Writer<'_>) -> Status {
    let result = layer.context(&mut Invocation::new(writer.again()));
    status(&mut writer, result.map(Ended::from), OK)
}
