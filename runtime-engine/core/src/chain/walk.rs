//! One walk through the layers of a phase. The order of its steps is [`Onion`]'s; here they become calls, and what a
//! call comes to becomes the next step.

use super::outcome::{in_hook, judge, layer_meant, leave, meant, stand, with_reply};
use super::{Chain, ConfiguredLayer, Place};
use crate::failure::Failure;
use crate::invocation::Progress;
use crate::log::Level;
use crate::onion::{Onion, OnionStep};
use faas_abi::{CLOSE, END, INVOKE, OK, PENDING, Status};
use std::future::poll_fn;
use std::sync::Arc;

/// One walk in progress: to the centre, and out again.
///
/// Nearly every hook ends at once, so calls follow one another in a plain loop. Only one that is pending is waited for.
pub(super) struct Walk<'a> {
    /// The layers that take part.
    hooked: &'a [Arc<ConfiguredLayer>],
    phase: u32,
    onion: Onion,
    step: OnionStep,
    /// The words of the failure that a layer had on the way in, and that did not end the walk.
    failed: Option<Failure>,
    /// The failure that a layer is being asked about.
    asked: Option<Failure>,
}

/// The place where a walk stands still.
enum Stop {
    /// The walk has come to its centre.
    Centre,
    /// The walk is at its end, with this status.
    Finished(Status),
    /// A call has said that it is pending.
    Pending,
}

impl<'a> Walk<'a> {
    pub(super) fn new(chain: &'a Chain, phase: u32) -> Walk<'a> {
        let hooked = chain.hooked(phase);
        let mut onion = Onion::new(hooked.len(), phase == INVOKE && chain.has_heads);
        let step = onion.begin();
        Walk { hooked, phase, onion, step, failed: None, asked: None }
    }

    /// Walks to the centre, `None`, or to the end and its status.
    pub(super) async fn go(&mut self, place: &mut Place) -> Option<Status> {
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
        &self.hooked[index]
    }

    fn go_inline(&mut self, place: &mut Place) -> Stop {
        'steps: loop {
            let status = match self.step {
                OnionStep::Before(mut index) => loop {
                    let layer = self.layer(index);
                    let status = layer.instance.before(self.phase, place);
                    if status != OK || layer.needs_whole_body() {
                        self.step = OnionStep::Before(index);
                        break status;
                    }
                    if let Some(hook) = layer.instance.head_hook() {
                        place.get_mut().push_head(hook);
                    }
                    let (status, is_plain) = Walk::ended_well(place);
                    match is_plain.then(|| self.onion.entered_well()).flatten() {
                        Some(next) => index = next,
                        None => {
                            self.step = OnionStep::Before(index);
                            self.advance(status, place);
                            continue 'steps;
                        }
                    }
                },
                OnionStep::Centre => return Stop::Centre,
                OnionStep::Head(index) => {
                    place.get_mut().set_heads_ran();
                    if let Some(hook) = self.layer(index).instance.head_hook() {
                        hook.run(place);
                    }
                    self.advance(OK, place);
                    continue;
                }
                OnionStep::After(mut index) => loop {
                    let status = self.begin_after(self.layer(index), place);
                    if status != OK {
                        self.step = OnionStep::After(index);
                        break status;
                    }
                    let (status, is_plain) = Walk::ended_well(place);
                    match is_plain.then(|| self.onion.left_well()).flatten() {
                        Some(next) => index = next,
                        None => {
                            self.step = OnionStep::After(index);
                            self.advance(status, place);
                            continue 'steps;
                        }
                    }
                },
                OnionStep::OnError(index, inner) => self.begin_on_error(self.layer(index), inner, place),
                OnionStep::Finished { status, .. } => return Stop::Finished(status),
            };
            if status == PENDING {
                return Stop::Pending;
            }
            self.called(status, place);
        }
    }

    /// Handles the outcome of nearly every call: it ended at once and well. Returns the status that stands, and `true`
    /// if there is nothing more to note of it, so that the walk may go straight to the next layer.
    #[inline]
    fn ended_well(place: &mut Place) -> (Status, bool) {
        let invocation = place.get_mut();
        let status = invocation.end_call(OK);
        (status, status == OK && !invocation.is_timed() && !invocation.heads_ran())
    }

    /// Notes that the call of the step at hand has ended, with this status.
    #[inline(never)]
    fn called(&mut self, status: Status, place: &mut Place) {
        let status = match self.step {
            OnionStep::Before(index) => match self.entered(self.layer(index), status, place) {
                Some(status) => status,
                None => return,
            },
            OnionStep::After(index) => {
                let layer = self.layer(index);
                let status = layer_meant(layer, status, "after", place);
                judge(layer, status, "after", place).unwrap_or(OK)
            }
            OnionStep::OnError(index, _) if self.layer(index).instance.has_on_error(self.phase) => {
                self.end_on_error(self.layer(index), status, place)
            }
            OnionStep::OnError(..) | OnionStep::Head(_) | OnionStep::Centre | OnionStep::Finished { .. } => status,
        };
        self.advance(status, place);
    }

    /// Judges the end of a layer's `before`. Returns `None` if the next step is chosen already.
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

    /// Ends the call of a layer's `on_error`. Whatever the layer made of the failure, the first one is kept as the
    /// cause.
    fn end_on_error(&mut self, layer: &ConfiguredLayer, status: Status, place: &mut Place) -> Status {
        let status = layer_meant(layer, status, "on_error", place);
        let status = if status >= 0 && self.phase == INVOKE { with_reply(status, layer, place) } else { status };
        let status = place.get_mut().end_call(status);
        let first = self.asked.take();
        if status < 0 {
            place.get_mut().keep_cause(first);
        }
        status
    }

    pub(super) fn centre_is_done(&mut self, status: Status, place: &mut Place) {
        let status = place.get_mut().end_call(status);
        place.get_mut().keep_cause(self.failed.take());
        self.advance(status, place);
    }

    /// Ends the step at hand: a layer that has asked for it is told when the step began and ended.
    #[inline]
    fn note(&self, place: &mut Place) {
        if place.get().is_timed() && self.phase == INVOKE {
            self.note_timed(place);
        }
    }

    #[inline(never)]
    fn note_timed(&self, place: &mut Place) {
        let (index, hook, is_call) = match self.step {
            OnionStep::Before(index) => (index, "before", self.layer(index).instance.has_before(INVOKE)),
            OnionStep::Head(index) => (index, "head", self.layer(index).instance.has_head()),
            OnionStep::After(index) => (index, "after", self.layer(index).instance.has_after(INVOKE)),
            OnionStep::OnError(index, _) => (index, "on_error", self.layer(index).instance.has_on_error(INVOKE)),
            OnionStep::Centre => return place.get_mut().note_call(Some(("", "invoke"))),
            OnionStep::Finished { .. } => return,
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
