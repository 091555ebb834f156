//! Calls beside an invocation, in SUSPEND, RESUME and REPLIED: every one is made, and none changes how the invocation
//! ended.

use super::outcome::{call, call_phase, complain, in_hook, layer_meant};
use super::{ConfiguredLayer, Place, phase_name};
use crate::failure::Failure;
use faas_abi::host::FunctionInstance;
use faas_abi::{REPLIED, Status};

/// Work beside an invocation: SUSPEND, RESUME, REPLIED. None of its calls changes how the invocation ended.
pub(super) struct Aside {
    phase: u32,
    /// The failure of the invocation, if it failed.
    stands: Option<Failure>,
    pub(super) first: Result<(), Failure>,
}

impl Aside {
    pub(super) fn begin(phase: u32, place: &Place) -> Aside {
        Aside { phase, stands: place.get().failure().cloned(), first: Ok(()) }
    }

    pub(super) async fn function(&mut self, function: &FunctionInstance, place: &mut Place) {
        let status = call_phase(function, self.phase, place).await;
        let phase = phase_name(self.phase);
        self.note("", function.has_phase(self.phase), place);
        self.ended(status, || format!("function {} in {phase}", function.name()), place);
    }

    pub(super) async fn layer(&mut self, layer: &ConfiguredLayer, status: Status, place: &mut Place) {
        let status = call(status, place).await;
        self.note(&layer.name, true, place);
        let status = layer_meant(layer, status, phase_name(self.phase), place);
        let hook = phase_name(self.phase);
        if status < 0 && !layer.required {
            let words = place.get_mut().take_words(status, self.stands.as_ref());
            complain(place, layer.instance.name(), hook, status, words.as_ref());
            place.get_mut().end_aside(self.stands.as_ref());
            return;
        }
        self.ended(status, || in_hook(layer, hook), place);
    }

    /// Notes the end of a call, if one was made, in an invocation whose calls are timed.
    fn note(&self, name: &str, is_call: bool, place: &mut Place) {
        if self.phase == REPLIED && place.get().is_timed() {
            place.get_mut().note_call(is_call.then_some((name, "replied")));
        }
    }

    fn ended(&mut self, status: Status, who: impl FnOnce() -> String, place: &mut Place) {
        let invocation = place.get_mut();
        if status < 0 && self.first.is_ok() {
            let words = invocation.take_words(status, self.stands.as_ref());
            self.first = Err(words.unwrap_or_else(|| Failure::of_status(status, &who())));
        }
        invocation.end_aside(self.stands.as_ref());
    }
}
