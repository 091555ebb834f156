//! Decides the outcome of one call: the meaning of its status, the failure that stands, and the log line of an optional
//! layer that is passed over. It calls nobody but to wait for a call that is pending.

use super::{ConfiguredLayer, Place, phase_name};
use crate::failure::Failure;
use crate::invocation::Progress;
use crate::log::Level;
use crate::onion::settled;
use faas_abi::host::FunctionInstance;
use faas_abi::{E_INTERNAL, PENDING, Status};
use std::future::poll_fn;

/// Takes the head of a layer that is about to leave: a stream that begins from here on runs the heads further out.
pub(super) fn leave(layer: &ConfiguredLayer, place: &mut Place) {
    if layer.instance.has_head() {
        place.get_mut().pop_head();
    }
}

/// Returns the status of a layer that ends the way in, or recovers. If it has set no reply, it has failed.
pub(super) fn with_reply(status: Status, layer: &ConfiguredLayer, place: &mut Place) -> Status {
    if place.get().progress() != Progress::Open {
        return status;
    }
    let message = format!("layer {} answered for the function, but set no reply", layer.instance.name());
    place.get_mut().set_failure(Failure::internal("Runtime.NoReply", message));
    E_INTERNAL
}

/// Returns the outcome of a layer's status at the end of its call; `None` for a failure that its policy passes over,
/// with a log line. A required layer's failure stands, with words, and so does one that breaks a stream: the bytes that
/// have gone out are not whole, whoever goes on.
pub(super) fn judge(layer: &ConfiguredLayer, status: Status, hook: &str, place: &mut Place) -> Option<Status> {
    if status < 0 && !layer.required && !place.get_mut().is_filtered() {
        complain(place, layer.instance.name(), hook, status, place.get().failure());
        place.get_mut().forgive_call();
        return None;
    }
    Some(stand(layer, status, hook, place))
}

/// Ends a call whose status stands. A failure without words gets some.
pub(super) fn stand(layer: &ConfiguredLayer, status: Status, hook: &str, place: &mut Place) -> Status {
    let invocation = place.get_mut();
    if status < 0 && invocation.failure().is_none() {
        invocation.set_failure(Failure::of_status(status, &in_hook(layer, hook)));
    }
    invocation.end_call(status)
}

/// Waits for a call that is not done yet.
pub(super) async fn call(status: Status, place: &mut Place) -> Status {
    if status != PENDING {
        return status;
    }
    poll_fn(|context| place.poll_done(context)).await
}

/// Calls a function for a phase.
pub(crate) async fn call_phase(function: &FunctionInstance, phase: u32, place: &mut Place) -> Status {
    let status = call(function.phase(phase, place), place).await;
    meant(status, false, || format!("function {} in {}", function.name(), phase_name(phase)), place)
}

/// Returns the meaning of a status at the end of a call. One that has no meaning there is a failure, with words.
pub(super) fn meant(status: Status, before: bool, who: impl FnOnce() -> String, place: &mut Place) -> Status {
    let meaning = settled(status, before);
    if meaning != status {
        let message = format!("{} ended with status {status}, which has no meaning there", who());
        place.get_mut().set_failure(Failure::internal("Runtime.BadStatus", message));
    }
    meaning
}

pub(super) fn layer_meant(layer: &ConfiguredLayer, status: Status, hook: &str, place: &mut Place) -> Status {
    meant(status, false, || in_hook(layer, hook), place)
}

pub(super) fn in_hook(layer: &ConfiguredLayer, hook: &str) -> String {
    format!("layer {} in {hook}", layer.instance.name())
}

/// Logs an optional layer's failure, which fails nothing. It is a warning: an error is the end of an invocation.
pub(super) fn complain(place: &Place, layer: &str, hook: &str, status: Status, words: Option<&Failure>) {
    let why = words.map_or_else(|| format!("status {status}"), |failure| failure.message.clone());
    place.get().say(Level::Warn, &format!("layer {layer} failed in {hook} and was skipped: {why}"));
}
