//! The layers of a process around its functions, and the walks through them.
//!
//! Which layers take part in a walk is settled when they are loaded: a layer without a hook in a phase is not called
//! for it. The walk itself is `walk`'s, what a call comes to `outcome`'s, the end of instances `ending`'s. It is a future
//! over any executor: a worker that polls or reads a pipe parks its thread, and the server polls the future whenever it
//! is woken. What the layers stand around is the
//! caller's: nothing here knows how a function is chosen or called for records.

mod aside;
mod ending;
mod outcome;
mod walk;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::services::Services;
use faas_abi::host::{FunctionInstance, LayerInstance, Lease};
use faas_abi::{E_INTERNAL, E_NOT_FOUND, INVOKE, IS_WHOLE_BODY, OK, RECORD, REPLIED, RESUME, SUSPEND, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aside::Aside;
pub(crate) use ending::Ending;
pub(crate) use outcome::call_phase;
use outcome::{call, judge, layer_meant, meant};
use walk::Walk;

/// An invocation's place, as the runtimes use it.
pub type Place = Lease<Invocation>;

const PHASES: usize = 8;

/// A layer with its policy.
#[derive(Debug)]
pub struct ConfiguredLayer {
    /// Its name, as the configuration says it.
    pub name: String,
    /// The instance whose hooks are called.
    pub instance: LayerInstance,
    /// `true` if a failure of its hooks is the invocation's failure. Otherwise the failure is skipped and logged.
    pub required: bool,
}

impl ConfiguredLayer {
    fn needs_whole_body(&self) -> bool {
        self.instance.flags() & IS_WHOLE_BODY != 0
    }
}

/// The stack of layers, outermost first.
#[derive(Debug)]
pub struct Chain {
    layers: Vec<Arc<ConfiguredLayer>>,
    /// The layers that hook each phase in any way, at hand: a walk looks each of them up twice.
    hooked: [Vec<Arc<ConfiguredLayer>>; PHASES],
    /// `true` if any layer looks at the heads of replies.
    has_heads: bool,
    contexts: Vec<usize>,
    recognisers: Vec<usize>,
    /// `true` for each layer that was unwell when it was asked last.
    unwell: Vec<AtomicBool>,
    log: Log,
}

impl Chain {
    /// Makes the stack, and settles which layers take part in which phase. `log` is told of the layers' health.
    pub fn new(layers: Vec<Arc<ConfiguredLayer>>, log: Log) -> Chain {
        let hooks = |phase: u32, layer: &LayerInstance| {
            let head = phase == INVOKE && layer.has_head();
            layer.has_before(phase) || layer.has_after(phase) || layer.has_on_error(phase) || head
        };
        let numbers = |wanted: &dyn Fn(&LayerInstance) -> bool| -> Vec<usize> {
            layers.iter().enumerate().filter(|(_, layer)| wanted(&layer.instance)).map(|(index, _)| index).collect()
        };
        let mut hooked: [Vec<Arc<ConfiguredLayer>>; PHASES] = Default::default();
        for (phase, list) in (0u32..).zip(hooked.iter_mut()) {
            *list = layers.iter().filter(|layer| hooks(phase, &layer.instance)).cloned().collect();
        }
        let has_heads = layers.iter().any(|layer| layer.instance.has_head());
        let contexts = numbers(&LayerInstance::has_context);
        let recognisers = numbers(&LayerInstance::has_recognise);
        let unwell = layers.iter().map(|_| AtomicBool::new(false)).collect();
        Chain { layers, hooked, has_heads, contexts, recognisers, unwell, log }
    }

    /// Makes a stack with this one around another. Its recognisers are those of the inner stack alone: the outer ones
    /// have been asked by the time it is known which stack an invocation goes through.
    pub(crate) fn around(&self, inner: &Chain) -> Chain {
        let layers = self.layers.iter().chain(&inner.layers).cloned().collect();
        let mut joined = Chain::new(layers, self.log.clone());
        let outer = self.layers.len();
        joined.recognisers.retain(|index| *index >= outer);
        joined
    }

    /// Returns the layers, the outermost one first.
    pub fn layers(&self) -> &[Arc<ConfiguredLayer>] {
        &self.layers
    }

    /// Ends its layers, innermost first, those that offer a service last. One that belongs to another stack as well is
    /// ended with the last of them.
    pub fn destroy(self, services: &Services) {
        let mut ending = Ending::default();
        ending.layers(self);
        ending.end(services);
    }

    /// Returns the layers, outermost first, to be ended.
    fn into_layers(self) -> Vec<Arc<ConfiguredLayer>> {
        self.layers
    }

    /// Returns `true` if any layer takes part in that phase.
    pub fn has_phase(&self, phase: u32) -> bool {
        !self.hooked(phase).is_empty()
    }

    /// Returns the layers that take part in a phase. No layer takes part in a phase of a later version of the contract.
    fn hooked(&self, phase: u32) -> &[Arc<ConfiguredLayer>] {
        self.hooked.get(phase as usize).map_or(&[], Vec::as_slice)
    }

    /// Calls the function for one record, inside the layers' RECORD hooks.
    pub(crate) async fn record(&self, function: &FunctionInstance, place: &mut Place) -> Status {
        if self.hooked(RECORD).is_empty() {
            return self.call_function(function, place).await;
        }
        self.walk(RECORD, place, async |place: &mut Place| self.call_function(function, place).await).await
    }

    /// Calls the function, without any layer.
    pub(crate) async fn call_function(&self, function: &FunctionInstance, place: &mut Place) -> Status {
        let status = call(function.invoke(place), place).await;
        let status = meant(status, false, || format!("function {}", function.name()), place);
        place.get_mut().end_call(status)
    }

    /// Runs one lifecycle phase around the engine's own work, which is `centre`.
    ///
    /// # Errors
    /// The error is the first failure, in the words of the layer or function that failed.
    pub async fn phase(
        &self,
        phase: u32,
        place: &mut Place,
        centre: impl AsyncFnOnce(&mut Place) -> Status,
    ) -> Result<(), Failure> {
        let status = self.walk(phase, place, centre).await;
        let invocation = place.get_mut();
        invocation.settle(status, phase_name(phase));
        match invocation.failure() {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// Runs SUSPEND or REPLIED: the function first, then `after` outward. Every one of them is called, whatever the
    /// others come to, and each sees the words of the invocation's own failure, of which a phase has none. Failures are
    /// the caller's to judge.
    ///
    /// # Errors
    /// The error is the first failure.
    pub async fn outward(
        &self,
        phase: u32,
        function: Option<&FunctionInstance>,
        place: &mut Place,
    ) -> Result<(), Failure> {
        debug_assert!(phase == SUSPEND || phase == REPLIED);
        if phase == REPLIED {
            let invocation = place.get_mut();
            invocation.set_out();
            if invocation.is_timed() {
                invocation.note_call(Some(("", "reply")));
            }
        }
        let mut aside = Aside::begin(phase, place);
        if let Some(function) = function {
            aside.function(function, place).await;
        }
        for layer in self.hooked(phase).iter().rev() {
            let status = layer.instance.after(phase, place);
            aside.layer(layer, status, place).await;
        }
        aside.first
    }

    /// Runs RESUME: `before` inward, then the function. Every one of them is called, whatever the others come to.
    ///
    /// # Errors
    /// The error is the first failure.
    pub async fn resume(&self, function: Option<&FunctionInstance>, place: &mut Place) -> Result<(), Failure> {
        let mut aside = Aside::begin(RESUME, place);
        for layer in self.hooked(RESUME) {
            let status = layer.instance.before(RESUME, place);
            aside.layer(layer, status, place).await;
        }
        if let Some(function) = function {
            aside.function(function, place).await;
        }
        aside.first
    }

    /// Asks every layer whether it is well, for readiness, and logs when one has fallen ill or is well again. The
    /// contract asks layers alone: a function has no `health`. It blocks as long as a layer does, so the caller has to
    /// have a clock.
    ///
    /// # Errors
    /// Name and words of the first required layer that is not well. An optional layer's ill health fails no probe.
    pub fn health(&self) -> Result<(), String> {
        let mut first = Ok(());
        for (layer, unwell) in self.layers.iter().zip(&self.unwell) {
            let name = layer.instance.name();
            let why = layer.instance.health().err();
            let why = why.map(|why| if why.is_empty() { "it gives no reason".to_owned() } else { why });
            if unwell.swap(why.is_some(), Ordering::Relaxed) != why.is_some() {
                match &why {
                    Some(why) => self.log.say(Level::Warn, &format!("layer {name} is not well: {why}")),
                    None => self.log.say(Level::Info, &format!("layer {name} is well again")),
                }
            }
            if let (true, Some(why), Ok(())) = (layer.required, why, &first) {
                first = Err(format!("{name}: {why}"));
            }
        }
        first
    }

    /// Asks recognisers about an event that nobody knows. A layer that fails here has failed the invocation, before any
    /// layer is entered, unless it is optional.
    pub(crate) fn recognise(&self, place: &mut Place) -> Status {
        if !self.recognisers.is_empty() && place.get().kind() == crate::trigger::Kind::Raw {
            for index in &self.recognisers {
                let layer = &self.layers[*index];
                place.get_mut().begin_recognising();
                let status = layer.instance.recognise(place);
                let is_mine = status == OK;
                place.get_mut().end_recognising(is_mine);
                // A layer that does not know the event has not failed.
                let status = if status == E_NOT_FOUND { OK } else { layer_meant(layer, status, "recognise", place) };
                match judge(layer, status, "recognise", place) {
                    Some(status) if status < 0 => return status,
                    _ if is_mine => break,
                    _ => {}
                }
            }
        }
        OK
    }

    /// Lets context extensions see everything, if there are any, before a walk. The result is as for
    /// [`recognise`](Chain::recognise).
    pub(crate) fn prepare(&self, place: &mut Place) -> Status {
        if self.contexts.is_empty() { OK } else { self.extend_contexts(place) }
    }

    /// Lets context extensions see everything. A layer that fails here is as in [`recognise`](Chain::recognise).
    fn extend_contexts(&self, place: &mut Place) -> Status {
        for index in &self.contexts {
            let layer = &self.layers[*index];
            let status = layer.instance.context(place);
            let status = layer_meant(layer, status, "context", place);
            if let Some(status) = judge(layer, status, "context", place).filter(|status| *status < 0) {
                return status;
            }
        }
        OK
    }

    /// Makes a walk around this centre and returns its status. Only this function is compiled anew for each kind of
    /// centre: the walk itself is one piece of code.
    pub(crate) async fn walk(
        &self,
        phase: u32,
        place: &mut Place,
        centre: impl AsyncFnOnce(&mut Place) -> Status,
    ) -> Status {
        let mut walk = Walk::new(self, phase);
        if let Some(status) = walk.go(place).await {
            return status;
        }
        let status = centre(place).await;
        walk.centre_is_done(status, place);
        walk.go(place).await.unwrap_or(E_INTERNAL)
    }
}

/// Returns a phase's name as users know it.
pub fn phase_name(phase: u32) -> &'static str {
    match phase {
        faas_abi::RUNTIME_START => "RuntimeStart",
        faas_abi::FUNCTION_START => "FunctionStart",
        faas_abi::INVOKE => "Invoke",
        faas_abi::CLOSE => "Close",
        SUSPEND => "Suspend",
        RESUME => "Resume",
        REPLIED => "Replied",
        RECORD => "Record",
        _ => "a phase of a later version",
    }
}
