//! The layers of a process around its functions, and the walks through them.
//!
//! Which layers take part in a walk is settled when they are loaded: a layer without a hook in a phase is not called
//! for it. The walk itself is [`Onion`]'s; this file turns its steps into calls and waits. It is a future over any
//! executor: light-runtime parks its thread, the full engine awaits.

use crate::failure::Failure;
use crate::functions::Refusal;
use crate::invocation::{Invocation, Progress};
use crate::log::{Level, Log};
use crate::onion::{Onion, Step, settled};
use crate::records::{self, RecordRule, RecordSettings};
use crate::services::{Ending, Services};
use faas_abi::host::{FunctionInstance, LayerInstance, Lease};
use faas_abi::{
    CLOSE, E_INTERNAL, E_NOT_FOUND, END, INVOKE, IS_PER_RECORD, IS_WHOLE_BODY, OK, PENDING, RECORD, REPLIED, RESUME,
    SUSPEND, Status,
};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An invocation's place, as the runtimes use it.
pub type Place = Lease<Invocation>;

const PHASES: usize = 8;

/// A layer with its policy.
#[derive(Debug)]
pub struct ConfiguredLayer {
    /// Its name, as the configuration says it.
    pub name: String,
    /// The instance.
    pub instance: LayerInstance,
    /// Is a failure of its hooks the invocation's failure? Otherwise it is skipped and logged.
    pub required: bool,
}

impl ConfiguredLayer {
    fn needs_whole_body(&self) -> bool {
        self.instance.flags() & IS_WHOLE_BODY != 0
    }
}

/// What the layers stand around.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Centre<'a> {
    /// A function, and how it is called for records.
    Function(&'a FunctionInstance, RecordRule),
    /// The answer to an invocation that no function serves.
    Refusal(&'a Refusal),
    /// Why its function could not start.
    Failure(&'a Failure),
}

impl Centre<'_> {
    fn name(&self) -> &str {
        match self {
            Centre::Function(function, _) => function.name(),
            Centre::Refusal(_) | Centre::Failure(_) => "the runtime",
        }
    }
}

/// The stack of layers, outermost first.
#[derive(Debug)]
pub struct Chain {
    layers: Vec<Arc<ConfiguredLayer>>,
    /// For each phase the layers that hook it in any way.
    hooked: [Vec<usize>; PHASES],
    /// Does any layer look at the heads of replies?
    has_heads: bool,
    contexts: Vec<usize>,
    recognisers: Vec<usize>,
    /// For each layer, whether it was unwell when it was asked last.
    unwell: Vec<AtomicBool>,
    log: Log,
}

impl Chain {
    /// Settles who takes part in what. `log` is told of the layers' health.
    pub fn new(layers: Vec<Arc<ConfiguredLayer>>, log: Log) -> Chain {
        let hooks = |phase: u32, layer: &LayerInstance| {
            let head = phase == INVOKE && layer.has_head();
            layer.has_before(phase) || layer.has_after(phase) || layer.has_on_error(phase) || head
        };
        let numbers = |wanted: &dyn Fn(&LayerInstance) -> bool| -> Vec<usize> {
            layers.iter().enumerate().filter(|(_, layer)| wanted(&layer.instance)).map(|(index, _)| index).collect()
        };
        let mut hooked: [Vec<usize>; PHASES] = Default::default();
        for (phase, list) in (0u32..).zip(hooked.iter_mut()) {
            *list = numbers(&|layer| hooks(phase, layer));
        }
        let has_heads = layers.iter().any(|layer| layer.instance.has_head());
        let contexts = numbers(&LayerInstance::has_context);
        let recognisers = numbers(&LayerInstance::has_recognise);
        let unwell = layers.iter().map(|_| AtomicBool::new(false)).collect();
        Chain { layers, hooked, has_heads, contexts, recognisers, unwell, log }
    }

    /// This stack around another one. Its recognisers are those of the inner stack alone: the outer ones have been asked
    /// by the time it is known which stack an invocation goes through.
    pub(crate) fn around(&self, inner: &Chain) -> Chain {
        let layers = self.layers.iter().chain(&inner.layers).cloned().collect();
        let mut joined = Chain::new(layers, self.log.clone());
        let outer = self.layers.len();
        joined.recognisers.retain(|index| *index >= outer);
        joined
    }

    /// The layers, outermost first.
    pub fn layers(&self) -> &[Arc<ConfiguredLayer>] {
        &self.layers
    }

    /// Ends its layers, innermost first, those that offer a service last. One that belongs to another stack as well is ended
    /// with the last of them.
    pub fn destroy(self, services: &Services) {
        let mut ending = Ending::default();
        ending.layers(self);
        ending.end(services);
    }

    /// Its layers, outermost first, to be ended.
    pub(crate) fn into_layers(self) -> Vec<Arc<ConfiguredLayer>> {
        self.layers
    }

    /// Does any layer take part in that phase?
    pub fn has_phase(&self, phase: u32) -> bool {
        !self.hooked(phase).is_empty()
    }

    /// The layers that take part in a phase. No layer takes part in a phase of a later version of the contract.
    fn hooked(&self, phase: u32) -> &[usize] {
        self.hooked.get(phase as usize).map_or(&[], Vec::as_slice)
    }

    /// Serves one invocation, from recognisers on, and settles its reply or failure.
    pub async fn invoke(&self, function: &FunctionInstance, place: &mut Place) {
        let rule = RecordRule::of(function.flags(), RecordSettings::default(), None);
        self.invoke_centre(Centre::Function(function, rule), place).await;
    }

    /// As [`invoke`](Chain::invoke), for any centre.
    pub(crate) async fn invoke_centre(&self, centre: Centre<'_>, place: &mut Place) {
        match self.recognise(place) {
            failed if failed < 0 => place.get_mut().settle(failed, centre.name()),
            _ => self.run(centre, place).await,
        }
    }

    /// Serves one invocation and settles its reply or failure. Recognisers have been asked before.
    pub(crate) async fn run(&self, centre: Centre<'_>, place: &mut Place) {
        let prepared = if self.contexts.is_empty() { OK } else { self.extend_contexts(place) };
        let status = if prepared < 0 {
            prepared
        } else if self.hooked(INVOKE).is_empty() {
            self.call_centre(centre, place).await
        } else {
            self.walk(INVOKE, place, async |place: &mut Place| self.call_centre(centre, place).await).await
        };
        place.get_mut().settle(status, centre.name());
    }

    async fn call_centre(&self, centre: Centre<'_>, place: &mut Place) -> Status {
        match centre {
            Centre::Function(function, rule) if function.flags() & IS_PER_RECORD != 0 => {
                // The batch has what it takes in memory of its own: the walk of every invocation would have room for it.
                Box::pin(self.call_for_records(function, rule, place)).await
            }
            Centre::Function(function, rule) => {
                let status = self.call_function(function, place).await;
                if status < 0 || !place.get().has_failed_records() {
                    return status;
                }
                let status = records::conclude(place.get_mut(), rule.failures);
                place.get_mut().end_call(status);
                status
            }
            Centre::Refusal(refusal) => {
                let invocation = place.get_mut();
                let status = refusal.answer(invocation);
                invocation.end_call(status);
                status
            }
            Centre::Failure(failure) => {
                let invocation = place.get_mut();
                invocation.set_failure(failure.clone());
                invocation.end_call(E_INTERNAL);
                E_INTERNAL
            }
        }
    }

    /// Calls the function for each record, if the event is a batch; otherwise the event is the one record.
    async fn call_for_records(&self, function: &FunctionInstance, rule: RecordRule, place: &mut Place) -> Status {
        if place.get().batch().is_none() {
            return self.record(function, place).await;
        }
        let status = records::run(self, function, rule, place).await;
        place.get_mut().end_call(status);
        status
    }

    /// Calls the function for one record, inside the layers' RECORD hooks.
    pub(crate) async fn record(&self, function: &FunctionInstance, place: &mut Place) -> Status {
        if self.hooked(RECORD).is_empty() {
            return self.call_function(function, place).await;
        }
        self.walk(RECORD, place, async |place: &mut Place| self.call_function(function, place).await).await
    }

    async fn call_function(&self, function: &FunctionInstance, place: &mut Place) -> Status {
        let status = call(function.invoke(place), place).await;
        let status = meant(status, false, || format!("function {}", function.name()), place);
        place.get_mut().end_call(status);
        status
    }

    /// One lifecycle phase around the engine's own work, which is `centre`.
    ///
    /// # Errors
    /// What failed first, in the words of whoever failed.
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

    /// SUSPEND and REPLIED: the function first, then `after` outward. Every one of them is called, whatever the others come
    /// to, and each sees the words of the invocation's own failure, of which a phase has none. Failures are the caller's
    /// to judge.
    ///
    /// # Errors
    /// The first failure.
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
        for index in self.hooked(phase).iter().rev() {
            let layer = &self.layers[*index];
            let status = layer.instance.after(phase, place);
            aside.layer(layer, status, place).await;
        }
        aside.first
    }

    /// RESUME: `before` inward, then the function. Every one of them is called, whatever the others come to.
    ///
    /// # Errors
    /// The first failure.
    pub async fn resume(&self, function: Option<&FunctionInstance>, place: &mut Place) -> Result<(), Failure> {
        let mut aside = Aside::begin(RESUME, place);
        for index in self.hooked(RESUME) {
            let layer = &self.layers[*index];
            let status = layer.instance.before(RESUME, place);
            aside.layer(layer, status, place).await;
        }
        if let Some(function) = function {
            aside.function(function, place).await;
        }
        aside.first
    }

    /// Readiness: asks every layer, and logs when one has fallen ill or is well again. The contract asks layers alone: a
    /// function has no `health`. It blocks as long as a layer does, so the caller has to have a clock.
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
                // Not mine is no failure.
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

    /// A walk with its centre. Only this is made anew for each kind of centre: the walk itself is one piece of code.
    async fn walk(&self, phase: u32, place: &mut Place, centre: impl AsyncFnOnce(&mut Place) -> Status) -> Status {
        let mut walk = Walk::new(self, phase);
        if let Some(status) = walk.go(place).await {
            return status;
        }
        let status = centre(place).await;
        walk.centre_is_done(status, place);
        walk.go(place).await.unwrap_or(E_INTERNAL)
    }
}

/// One walk in progress: to the centre, and out again.
///
/// Nearly every hook ends at once, so calls follow one another in a plain loop. Only one that is pending is waited for.
struct Walk<'a> {
    chain: &'a Chain,
    /// The layers that take part.
    hooked: &'a [usize],
    phase: u32,
    onion: Onion,
    step: Step,
    /// The words of what failed on the way in, and did not end it.
    failed: Option<Failure>,
    /// The failure that a layer is being asked about.
    asked: Option<Failure>,
}

/// Where a walk stands still.
enum Stop {
    /// At its centre.
    Centre,
    /// At its end, with this status.
    Finished(Status),
    /// A call has said that it is pending.
    Pending,
}

impl<'a> Walk<'a> {
    fn new(chain: &'a Chain, phase: u32) -> Walk<'a> {
        let hooked = chain.hooked(phase);
        let mut onion = Onion::new(hooked.len(), phase == INVOKE && chain.has_heads);
        let step = onion.begin();
        Walk { chain, hooked, phase, onion, step, failed: None, asked: None }
    }

    /// Walks to the centre, `None`, or to the end and its status.
    async fn go(&mut self, place: &mut Place) -> Option<Status> {
        loop {
            match self.go_inline(place) {
                Stop::Centre => return None,
                Stop::Finished(status) => return Some(status),
                Stop::Pending => {
                    let status = poll_fn(|context| place.poll_done(context)).await;
                    self.called(status, place);
                }
            }
        }
    }

    fn layer(&self, index: usize) -> &'a ConfiguredLayer {
        &self.chain.layers[self.hooked[index]]
    }

    fn go_inline(&mut self, place: &mut Place) -> Stop {
        loop {
            let status = match self.step {
                Step::Before(index) => {
                    let layer = self.layer(index);
                    let status = layer.instance.before(self.phase, place);
                    if status == OK && !layer.needs_whole_body() {
                        if let Some(hook) = layer.instance.head_hook() {
                            place.get_mut().push_head(hook);
                        }
                        self.ended_well(place);
                        continue;
                    }
                    status
                }
                Step::Centre => return Stop::Centre,
                Step::Head(index) => {
                    place.get_mut().set_heads_ran();
                    if let Some(hook) = self.layer(index).instance.head_hook() {
                        hook.run(place);
                    }
                    self.advance(OK, place);
                    continue;
                }
                Step::After(index) => {
                    let status = self.begin_after(self.layer(index), place);
                    if status == OK {
                        self.ended_well(place);
                        continue;
                    }
                    status
                }
                Step::OnError(index, inner) => self.begin_on_error(self.layer(index), inner, place),
                Step::Finished { status, .. } => return Stop::Finished(status),
            };
            if status == PENDING {
                return Stop::Pending;
            }
            self.called(status, place);
        }
    }

    /// What nearly every call comes to: it ended at once and well, and has nothing more to tell.
    #[inline]
    fn ended_well(&mut self, place: &mut Place) {
        place.get_mut().end_call(OK);
        self.advance(OK, place);
    }

    /// The call of the step at hand is over.
    #[inline(never)]
    fn called(&mut self, status: Status, place: &mut Place) {
        let status = match self.step {
            Step::Before(index) => match self.entered(self.layer(index), status, place) {
                Some(status) => status,
                None => return,
            },
            Step::After(index) => {
                let layer = self.layer(index);
                let status = layer_meant(layer, status, "after", place);
                judge(layer, status, "after", place).unwrap_or(OK)
            }
            Step::OnError(index, _) if self.layer(index).instance.has_on_error(self.phase) => {
                self.end_on_error(self.layer(index), status, place)
            }
            Step::OnError(..) | Step::Head(_) | Step::Centre | Step::Finished { .. } => status,
        };
        self.advance(status, place);
    }

    /// A layer's `before` is over. `None`: the next step is chosen already.
    fn entered(&mut self, layer: &ConfiguredLayer, status: Status, place: &mut Place) -> Option<Status> {
        let status = meant(status, true, || in_hook(layer, "before"), place);
        let invoking = self.phase == INVOKE;
        let status = if status == END && invoking { with_reply(status, layer, place) } else { status };
        // Under a cancel there is no sense in going on to the function, whatever the layer's policy is.
        let is_cut = status < 0 && invoking && place.cancelled() != 0;
        let judged =
            if is_cut { Some(stand(layer, status, "before", place)) } else { judge(layer, status, "before", place) };
        if judged == Some(OK) {
            if let Some(hook) = layer.instance.head_hook() {
                place.get_mut().push_head(hook);
            }
            if layer.needs_whole_body() && layer.required {
                place.get_mut().refuse_streams();
            }
        }
        match judged {
            None => {
                self.note(place);
                self.step = self.onion.pass_by(OK);
                None
            }
            // Nothing keeps CLOSE from those further in.
            Some(status) if self.phase == CLOSE && status != OK => {
                let invocation = place.get_mut();
                invocation.keep_cause(self.failed.take());
                self.failed = invocation.take_failure();
                self.step = self.onion.pass_by(status);
                None
            }
            Some(status) => Some(status),
        }
    }

    /// Calls a layer's `after`. One that needs the whole body of a reply has no part in a stream.
    fn begin_after(&self, layer: &ConfiguredLayer, place: &mut Place) -> Status {
        leave(layer, place);
        if layer.needs_whole_body()
            && matches!(place.get().progress(), Progress::Streaming(_))
            && layer.instance.has_after(self.phase)
        {
            let name = layer.instance.name();
            let message = format!("layer {name} needs the whole body and was skipped: the reply is a stream");
            place.get().say(Level::Warn, &message);
            return OK;
        }
        layer.instance.after(self.phase, place)
    }

    /// Asks a layer about a failure, and keeps it.
    fn begin_on_error(&mut self, layer: &ConfiguredLayer, inner: Status, place: &mut Place) -> Status {
        leave(layer, place);
        if !layer.instance.has_on_error(self.phase) {
            return inner;
        }
        // The failure has its words before anyone is asked about it.
        if place.get().failure().is_none() {
            place.get_mut().set_failure(Failure::of_status(inner, "the invocation"));
        }
        self.asked = place.get().failure().cloned();
        layer.instance.on_error(self.phase, inner, place)
    }

    /// A layer has been asked. Whatever it made of the failure, the first one is kept as the cause.
    fn end_on_error(&mut self, layer: &ConfiguredLayer, status: Status, place: &mut Place) -> Status {
        let status = layer_meant(layer, status, "on_error", place);
        let status = if status >= 0 && self.phase == INVOKE { with_reply(status, layer, place) } else { status };
        place.get_mut().end_call(status);
        let first = self.asked.take();
        if status < 0 {
            place.get_mut().keep_cause(first);
        }
        status
    }

    fn centre_is_done(&mut self, status: Status, place: &mut Place) {
        place.get_mut().end_call(status);
        place.get_mut().keep_cause(self.failed.take());
        self.advance(status, place);
    }

    /// The step at hand is over: whoever has asked is told when it began and ended.
    #[inline]
    fn note(&self, place: &mut Place) {
        if place.get().is_timed() && self.phase == INVOKE {
            self.note_timed(place);
        }
    }

    #[inline(never)]
    fn note_timed(&self, place: &mut Place) {
        let (index, hook, is_call) = match self.step {
            Step::Before(index) => (index, "before", self.layer(index).instance.has_before(INVOKE)),
            Step::Head(index) => (index, "head", self.layer(index).instance.has_head()),
            Step::After(index) => (index, "after", self.layer(index).instance.has_after(INVOKE)),
            Step::OnError(index, _) => (index, "on_error", self.layer(index).instance.has_on_error(INVOKE)),
            Step::Centre => return place.get_mut().note_call(Some(("", "invoke"))),
            Step::Finished { .. } => return,
        };
        place.get_mut().note_call(is_call.then(|| (self.layer(index).name.as_str(), hook)));
    }

    #[inline]
    fn advance(&mut self, status: Status, place: &mut Place) {
        self.note(place);
        // In a stream's begin, whoever began it.
        if place.get().heads_ran() {
            self.onion.heads_have_run();
        }
        self.step = self.onion.advance(status);
    }
}

/// The layer is about to leave: a stream that begins from here on runs the heads further out.
fn leave(layer: &ConfiguredLayer, place: &mut Place) {
    if layer.instance.has_head() {
        place.get_mut().pop_head();
    }
}

/// A layer that ends the way in, or recovers, has set a reply; otherwise it has failed.
fn with_reply(status: Status, layer: &ConfiguredLayer, place: &mut Place) -> Status {
    if place.get().progress() != Progress::Open {
        return status;
    }
    let message = format!("layer {} answered for the function, but set no reply", layer.instance.name());
    place.get_mut().set_failure(Failure::internal("Runtime.NoReply", message));
    E_INTERNAL
}

/// What a layer's status comes to, at the end of its call. `None`: a failure that its policy passes over, with a log
/// line. A required layer's failure stands, with words.
fn judge(layer: &ConfiguredLayer, status: Status, hook: &str, place: &mut Place) -> Option<Status> {
    if status < 0 && !layer.required {
        complain(place, layer.instance.name(), hook, status, place.get().failure());
        place.get_mut().forgive_call();
        return None;
    }
    Some(stand(layer, status, hook, place))
}

/// The end of a call whose status stands. A failure has words.
fn stand(layer: &ConfiguredLayer, status: Status, hook: &str, place: &mut Place) -> Status {
    let invocation = place.get_mut();
    if status < 0 && invocation.failure().is_none() {
        invocation.set_failure(Failure::of_status(status, &in_hook(layer, hook)));
    }
    invocation.end_call(status);
    status
}

/// Waits for a call that is not done yet.
async fn call(status: Status, place: &mut Place) -> Status {
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

/// What a status means at the end of a call. One that has no meaning there is a failure, with words.
fn meant(status: Status, before: bool, who: impl FnOnce() -> String, place: &mut Place) -> Status {
    let meaning = settled(status, before);
    if meaning != status {
        let message = format!("{} ended with status {status}, which has no meaning there", who());
        place.get_mut().set_failure(Failure::internal("Runtime.BadStatus", message));
    }
    meaning
}

fn layer_meant(layer: &ConfiguredLayer, status: Status, hook: &str, place: &mut Place) -> Status {
    meant(status, false, || in_hook(layer, hook), place)
}

fn in_hook(layer: &ConfiguredLayer, hook: &str) -> String {
    format!("layer {} in {hook}", layer.instance.name())
}

/// Work beside an invocation: SUSPEND, RESUME, REPLIED. None of its calls changes how the invocation ended.
struct Aside {
    phase: u32,
    /// Why the invocation failed, if it did.
    stands: Option<Failure>,
    first: Result<(), Failure>,
}

impl Aside {
    fn begin(phase: u32, place: &Place) -> Aside {
        Aside { phase, stands: place.get().failure().cloned(), first: Ok(()) }
    }

    async fn function(&mut self, function: &FunctionInstance, place: &mut Place) {
        let status = call_phase(function, self.phase, place).await;
        let phase = phase_name(self.phase);
        self.note("", function.has_phase(self.phase), place);
        self.ended(status, || format!("function {} in {phase}", function.name()), place);
    }

    async fn layer(&mut self, layer: &ConfiguredLayer, status: Status, place: &mut Place) {
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

    /// A call is over, if one was made.
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

/// An optional layer's failure fails nothing. It is a warning: an error is what an invocation ends with.
fn complain(place: &Place, layer: &str, hook: &str, status: Status, words: Option<&Failure>) {
    let why = words.map_or_else(|| format!("status {status}"), |failure| failure.message.clone());
    place.get().say(Level::Warn, &format!("layer {layer} failed in {hook} and was skipped: {why}"));
}

/// A phase's name as users know it.
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
