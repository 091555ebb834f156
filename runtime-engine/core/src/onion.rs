//! The order in which layers and their centre are called, as a state machine without any call in it.
//!
//! It knows numbers and statuses, nothing else: drivers do what a [`OnionStep`] says and come back with the status. The
//! rules are O1 to O6 of `faas.h`: layers are entered in order, leave in reverse, each entered one exactly once; heads
//! run once, outward, before the first `after`.

use faas_abi::{E_INTERNAL, END, OK, Status};

/// The next step of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnionStep {
    /// Call `before` of that layer.
    Before(usize),
    /// The centre is to be called: the function, or the engine's own work of a phase.
    Centre,
    /// `head` of that layer is to be called. It has no status, so the driver comes back with `OK`.
    Head(usize),
    /// `after` of that layer is to be called.
    After(usize),
    /// `on_error` of that layer is to be called with this status.
    OnError(usize, Status),
    /// All layers have been left. `cause` is the first failure, also where a layer recovered from it.
    Finished {
        /// Zero, or the status that stands after all layers.
        status: Status,
        /// The first failure, if there was one.
        cause: Option<Status>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Entering(usize),
    Centre,
    Heads { next: usize, inner: usize },
    Leaving(usize),
    Finished,
}

/// One walk inward and out again.
#[derive(Clone, Debug)]
pub struct Onion {
    layers: usize,
    doing: Doing,
    status: Status,
    cause: Option<Status>,
    heads: bool,
    /// The layers on the way in that are not entered. They are rare, so no memory is taken for them before.
    passed_by: Vec<usize>,
}

impl Onion {
    /// Makes a walk over `layers` layers. `heads` is `true` if heads run in it: they do in an invocation, and do not in
    /// a phase of the lifecycle.
    pub fn new(layers: usize, heads: bool) -> Onion {
        Onion { layers, doing: Doing::Entering(0), status: OK, cause: None, heads, passed_by: Vec::new() }
    }

    /// Returns the first step of the walk.
    pub fn begin(&mut self) -> OnionStep {
        self.enter(0)
    }

    /// Notes that the head of a stream has gone out, and with it every head has run.
    pub fn heads_have_run(&mut self) {
        self.heads = false;
    }

    /// Passes the layer by whose `before` was called: it is not entered, and the way in goes on all the same. This
    /// takes the place of [`advance`](Onion::advance). A failing status stands for the way out; `OK` leaves no failure.
    pub fn pass_by(&mut self, status: Status) -> OnionStep {
        let Doing::Entering(layer) = self.doing else { return self.advance(status) };
        if status < 0 {
            self.fail(status);
        }
        self.passed_by.push(layer);
        self.enter(layer + 1)
    }

    /// Takes the status of the last step and returns the next step.
    #[inline]
    pub fn advance(&mut self, status: Status) -> OnionStep {
        match self.doing {
            Doing::Entering(layer) => match status {
                END => self.leave(layer),
                failure if failure < 0 => {
                    self.fail(failure);
                    self.leave(layer)
                }
                _ => self.enter(layer + 1),
            },
            Doing::Centre => {
                if status < 0 {
                    self.fail(status);
                }
                self.leave(self.layers)
            }
            Doing::Heads { next, inner } => self.heads(next, inner),
            Doing::Leaving(layer) => {
                if status < 0 {
                    self.fail(status);
                } else {
                    self.status = OK;
                }
                self.leave(layer)
            }
            Doing::Finished => self.finished(),
        }
    }

    /// Does the work of [`advance`](Onion::advance) with `OK` after a `before`, where another `before` is next. Returns
    /// the layer of that one. With `None` it has changed nothing, and `advance` returns the next step.
    #[inline]
    pub fn entered_well(&mut self) -> Option<usize> {
        match self.doing {
            Doing::Entering(layer) if layer + 1 < self.layers => {
                self.doing = Doing::Entering(layer + 1);
                Some(layer + 1)
            }
            _ => None,
        }
    }

    /// Does the work of [`advance`](Onion::advance) with `OK` after an `after`, where another `after` is next. Returns
    /// the layer of that one. With `None` it has changed nothing, and `advance` returns the next step.
    #[inline]
    pub fn left_well(&mut self) -> Option<usize> {
        match self.doing {
            Doing::Leaving(layer @ 1..) if self.status == OK && !self.heads && self.passed_by.is_empty() => {
                self.doing = Doing::Leaving(layer - 1);
                Some(layer - 1)
            }
            _ => None,
        }
    }

    #[inline]
    fn enter(&mut self, layer: usize) -> OnionStep {
        if layer < self.layers {
            self.doing = Doing::Entering(layer);
            OnionStep::Before(layer)
        } else {
            self.doing = Doing::Centre;
            OnionStep::Centre
        }
    }

    fn fail(&mut self, status: Status) {
        self.status = status;
        self.cause.get_or_insert(status);
    }

    /// Returns the next step on the way out, with `inner` entered layers still to leave.
    #[inline]
    fn leave(&mut self, inner: usize) -> OnionStep {
        if self.status >= 0 && self.heads {
            self.heads = false;
            return self.heads(inner, inner);
        }
        let Some(layer) = self.entered_below(inner) else { return self.finished() };
        self.doing = Doing::Leaving(layer);
        if self.status >= 0 { OnionStep::After(layer) } else { OnionStep::OnError(layer, self.status) }
    }

    fn heads(&mut self, next: usize, inner: usize) -> OnionStep {
        let Some(layer) = self.entered_below(next) else { return self.leave(inner) };
        self.doing = Doing::Heads { next: layer, inner };
        OnionStep::Head(layer)
    }

    /// Returns the innermost entered layer further out than `layer`; `None` if there is no such layer.
    #[inline]
    fn entered_below(&self, layer: usize) -> Option<usize> {
        if self.passed_by.is_empty() {
            return layer.checked_sub(1);
        }
        (0..layer).rev().find(|layer| !self.passed_by.contains(layer))
    }

    fn finished(&mut self) -> OnionStep {
        self.doing = Doing::Finished;
        OnionStep::Finished { status: self.status, cause: self.cause }
    }
}

/// Returns the meaning of a status at the end of a call. A failure stands as it is; `END` belongs to `before` alone,
/// and every other positive status has no meaning there: it is [`E_INTERNAL`] (faas.h, P5).
pub fn settled(status: Status, before: bool) -> Status {
    match status {
        END if before => END,
        ..=OK => status,
        _ => E_INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks with a script of statuses by step and returns the steps taken.
    fn walk(layers: usize, heads: bool, mut status: impl FnMut(OnionStep) -> Status) -> Vec<OnionStep> {
        let mut onion = Onion::new(layers, heads);
        let mut steps = vec![onion.begin()];
        loop {
            let last = steps[steps.len() - 1];
            if matches!(last, OnionStep::Finished { .. }) {
                return steps;
            }
            assert!(steps.len() < 100, "no end: {steps:?}");
            steps.push(onion.advance(status(last)));
        }
    }

    #[test]
    fn a_positive_status_that_has_no_meaning_is_an_internal_failure() {
        for (status, before, expected) in [
            (OK, false, OK),
            (-7, false, -7),
            (-12_345, true, -12_345),
            (END, true, END),
            (END, false, E_INTERNAL),
            (faas_abi::PENDING, false, E_INTERNAL),
            (faas_abi::PENDING, true, E_INTERNAL),
            (12_345, false, E_INTERNAL),
            (12_345, true, E_INTERNAL),
        ] {
            assert_eq!(settled(status, before), expected, "{status}, before: {before}");
        }
    }

    #[test]
    fn layers_leave_in_reverse_and_heads_come_before_the_first_after() {
        use OnionStep::*;
        let steps = walk(2, true, |_| OK);
        let expected =
            [Before(0), Before(1), Centre, Head(1), Head(0), After(1), After(0), Finished { status: OK, cause: None }];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_layer_that_answers_is_not_entered_and_nothing_inside_is_called() {
        use OnionStep::*;
        let steps = walk(3, true, |step| if step == Before(1) { END } else { OK });
        assert_eq!(steps, [Before(0), Before(1), Head(0), After(0), Finished { status: OK, cause: None }]);
    }

    #[test]
    fn a_failing_before_turns_the_way_out_into_on_error() {
        use OnionStep::*;
        let steps = walk(3, true, |step| match step {
            Before(1) => -7,
            OnError(0, inner) => inner,
            _ => OK,
        });
        assert_eq!(steps, [Before(0), Before(1), OnError(0, -7), Finished { status: -7, cause: Some(-7) }]);
    }

    #[test]
    fn a_recovered_failure_runs_the_heads_of_the_layers_further_out() {
        use OnionStep::*;
        let steps = walk(3, true, |step| match step {
            Centre => -7,
            OnError(1, _) => OK,
            OnError(_, inner) => inner,
            _ => OK,
        });
        let expected = [
            Before(0),
            Before(1),
            Before(2),
            Centre,
            OnError(2, -7),
            OnError(1, -7),
            Head(0),
            After(0),
            Finished { status: OK, cause: Some(-7) },
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn an_after_that_fails_turns_the_rest_into_on_error_and_another_status_replaces_it() {
        use OnionStep::*;
        let steps = walk(3, false, |step| match step {
            After(2) => -1,
            OnError(1, -1) => -8,
            OnError(0, inner) => inner,
            _ => OK,
        });
        let expected = [
            Before(0),
            Before(1),
            Before(2),
            Centre,
            After(2),
            OnError(1, -1),
            OnError(0, -8),
            Finished { status: -8, cause: Some(-1) },
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_layer_that_is_passed_by_neither_leaves_nor_has_a_head() {
        use OnionStep::*;
        let mut onion = Onion::new(2, true);
        assert_eq!(onion.begin(), Before(0));
        let mut steps = vec![onion.pass_by(OK)];
        steps.extend((0..4).map(|_| onion.advance(OK)));
        assert_eq!(steps, [Before(1), Centre, Head(1), After(1), Finished { status: OK, cause: None }]);
    }

    #[test]
    fn a_failure_that_is_passed_by_stands_on_the_way_out() {
        use OnionStep::*;
        let mut onion = Onion::new(2, false);
        assert_eq!(onion.begin(), Before(0));
        assert_eq!(onion.advance(OK), Before(1));
        assert_eq!(onion.pass_by(-7), Centre);
        assert_eq!(onion.advance(OK), OnError(0, -7));
        assert_eq!(onion.advance(-7), Finished { status: -7, cause: Some(-7) });
    }

    /// Walks as [`walk`] does, by the short ways wherever a layer has nothing to tell.
    fn walk_shortly(layers: usize, heads: bool, mut status: impl FnMut(OnionStep) -> Status) -> Vec<OnionStep> {
        let mut onion = Onion::new(layers, heads);
        let mut steps = vec![onion.begin()];
        loop {
            let last = steps[steps.len() - 1];
            let status = match last {
                OnionStep::Finished { .. } => return steps,
                step => status(step),
            };
            assert!(steps.len() < 100, "no end: {steps:?}");
            let next = match last {
                OnionStep::Before(_) if status == OK => onion.entered_well().map(OnionStep::Before),
                OnionStep::After(_) if status == OK => onion.left_well().map(OnionStep::After),
                _ => None,
            };
            steps.push(next.unwrap_or_else(|| onion.advance(status)));
        }
    }

    #[test]
    fn a_layer_that_is_passed_by_is_passed_by_on_the_short_way_too() {
        let mut onion = Onion::new(3, false);
        onion.begin();
        onion.advance(OK);
        onion.pass_by(OK);
        assert_eq!(onion.advance(OK), OnionStep::Centre);
        assert_eq!(onion.advance(OK), OnionStep::After(2));
        assert_eq!(onion.left_well(), None);
        assert_eq!(onion.advance(OK), OnionStep::After(0));
    }

    /// The walks are those of every mix of statuses for up to four layers.
    #[test]
    fn every_entered_layer_leaves_exactly_once_under_any_mix_of_statuses() {
        const BEFORE: [Status; 3] = [OK, END, -7];
        const CENTRE: [Status; 2] = [OK, -6];
        const OUT: [Status; 2] = [OK, -8];
        let mut walks = 0;
        for layers in 0..=4usize {
            let befores = 3usize.pow(layers as u32);
            let outs = 2usize.pow(layers as u32);
            for before in 0..befores {
                for centre in CENTRE {
                    for out in 0..outs {
                        let status = |step| match step {
                            OnionStep::Before(layer) => BEFORE[before / 3usize.pow(layer as u32) % 3],
                            OnionStep::Centre => centre,
                            OnionStep::After(layer) | OnionStep::OnError(layer, _) => OUT[out >> layer & 1],
                            OnionStep::Head(_) | OnionStep::Finished { .. } => OK,
                        };
                        let steps = walk(layers, true, status);
                        assert_eq!(walk_shortly(layers, true, status), steps);
                        let (mut entered, mut left, mut heads) = (Vec::new(), Vec::new(), Vec::new());
                        for step in &steps {
                            match *step {
                                OnionStep::Before(layer) if status(*step) == OK => entered.push(layer),
                                OnionStep::Head(layer) => heads.push(layer),
                                OnionStep::After(layer) | OnionStep::OnError(layer, _) => left.push(layer),
                                OnionStep::Before(_) | OnionStep::Centre | OnionStep::Finished { .. } => {}
                            }
                        }
                        entered.reverse();
                        assert_eq!(entered, left, "{steps:?}");
                        assert!(heads.is_sorted_by(|a, b| a > b), "heads run outward and once: {steps:?}");
                        assert!(heads.iter().all(|head| left.contains(head)), "{steps:?}");
                        let OnionStep::Finished { status, cause } = steps[steps.len() - 1] else { unreachable!() };
                        assert!(status >= 0 || cause.is_some(), "a failure has a first cause");
                        walks += 1;
                    }
                }
            }
        }
        assert_eq!(walks, 2 * (0..=4u32).map(|n| 6usize.pow(n)).sum::<usize>());
    }
}
