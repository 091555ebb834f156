//! Which hook a phase calls, and which status its answer is.

use crate::error::Error;
use crate::ffi::Writer;
use crate::layer::invocation::Invocation;
use crate::layer::reply_head::ReplyHead;
use crate::layer::{Failure, Flow, Layer, Recovery};
use faas_abi::*;

fn ended(invocation: &mut Invocation<'_>, result: Result<(), Error>) -> Status {
    match result {
        Ok(()) => OK,
        Err(error) => {
            invocation.fail(&error);
            error.ends_with()
        }
    }
}

pub(crate) fn before<L: Layer>(layer: &L, phase: u32, invocation: &mut Invocation<'_>) -> Status {
    let result = match phase {
        RUNTIME_START => layer.before_runtime_start(invocation),
        FUNCTION_START => layer.before_function_start(invocation),
        CLOSE => layer.before_close(invocation),
        RESUME => layer.resume(invocation),
        INVOKE | RECORD => {
            let before = if phase == INVOKE { L::before_invoke } else { L::before_record };
            match before(layer, invocation) {
                Flow::Continue => Ok(()),
                Flow::Respond => return END,
                Flow::Fail(error) => Err(error),
            }
        }
        _ => Ok(()),
    };
    ended(invocation, result)
}

pub(crate) fn after<L: Layer>(layer: &L, phase: u32, invocation: &mut Invocation<'_>) -> Status {
    let result = match phase {
        RUNTIME_START => layer.after_runtime_start(invocation),
        FUNCTION_START => layer.after_function_start(invocation),
        INVOKE => layer.after_invoke(invocation),
        CLOSE => layer.after_close(invocation),
        SUSPEND => layer.suspend(invocation),
        REPLIED => layer.replied(invocation),
        RECORD => layer.after_record(invocation),
        _ => Ok(()),
    };
    ended(invocation, result)
}

pub(crate) fn failed<L: Layer>(layer: &L, phase: u32, invocation: &mut Invocation<'_>, status: Status) -> Status {
    // Copied: the hook may change the invocation while it looks at the failure.
    let [kind, message, detail] = invocation.failure().map(str::to_owned);
    let failure = Failure { status, kind: &kind, message: &message, detail: &detail };
    match phase {
        RUNTIME_START => layer.runtime_start_failed(invocation, &failure),
        FUNCTION_START => layer.function_start_failed(invocation, &failure),
        CLOSE => layer.close_failed(invocation, &failure),
        INVOKE | RECORD => {
            let failed = if phase == INVOKE { L::invoke_failed } else { L::record_failed };
            match failed(layer, invocation, &failure) {
                Recovery::Pass => {}
                Recovery::Recovered => return OK,
                Recovery::Replace(error) => {
                    invocation.fail(&error);
                    return error.ends_with();
                }
            }
        }
        _ => {}
    }
    status
}

pub(crate) fn head<L: Layer>(layer: &L, writer: Writer<'_>) {
    layer.head(&mut ReplyHead::new(writer));
}

pub(crate) fn recognise<L: Layer>(layer: &L, invocation: &mut Invocation<'_>) -> Status {
    if layer.recognise(invocation) { OK } else { E_NOT_FOUND }
}

pub(crate) fn context<L: Layer>(layer: &L, invocation: &mut Invocation<'_>) -> Status {
    let result = layer.context(invocation);
    ended(invocation, result)
}
