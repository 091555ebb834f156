//! A function under a control plane that hands out events, and its HTTP requests as the events that an API gateway
//! makes of them: Tencent SCF's and Huawei FunctionGraph's.

use crate::rig::{Answer, Header, Platform, Run, View};
use integration::deployment::Deployment;
use integration::on_plane::OnPlane;
use integration::wait::silence;
use platform_emulators::process::Process;
use platform_emulators::runtime_api::{Ending, Endpoint, Fault, Kind, Outcome};

/// A function, and how its platform writes a request as an event.
pub(crate) struct EventFunction {
    pub(crate) run: OnPlane,
    pub(crate) event_of: fn(method: &str, path: &str, headers: &[Header<'_>], body: &str) -> String,
}

fn told(outcome: Outcome) -> Answer {
    if outcome.kind == Kind::Result { Answer::value(outcome.body) } else { Answer::Failed(outcome.text()) }
}

impl Platform for EventFunction {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        match self.event("", &(self.event_of)(method, path, headers, body)) {
            Answer::Reply { body, .. } => Answer::of_gateway(&serde_json::from_slice(&body).expect("a reply in JSON")),
            failed => failed,
        }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        told(self.run.plane.invoke(event))
    }

    fn view(&self) -> View<'_> {
        View::Held(&self.run.process)
    }
}

impl Run for EventFunction {
    fn deployment(&self) -> &Deployment {
        &self.run.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        told(self.run.plane.invoke(body.to_vec()))
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let begun: Vec<_> = bodies.iter().map(|body| self.run.plane.submit(body.as_str())).collect();
        then(self, &[&self.run.process]);
        begun.into_iter().map(|one| told(one.wait())).collect()
    }

    fn assert_clean(&self) {
        self.run.assert_clean();
    }
}

/// Checks several calls at once: events wait for one another at the platform, and are answered in their order; a server
/// of requests is given four at once.
pub(crate) fn one_after_the_other(run: &OnPlane) {
    let pending: Vec<_> = (0..3).map(|number| run.plane.submit(number.to_string())).collect();
    for (number, pending) in pending.into_iter().enumerate() {
        assert_eq!(pending.wait().text(), number.to_string());
    }
    run.assert_clean();
}

/// Expects that a poll which is parked stays, for as long as nothing comes.
pub(crate) fn the_poll_has_no_time_limit(run: &OnPlane) {
    let polls = run.plane.snapshot().polls;
    let moved = run.plane.wait_for(|now| now.polls > polls || now.parked == 0, silence());
    assert!(moved.is_err(), "the poll that is parked stays: {moved:?}");
    assert_eq!(run.call("late").text(), "late");
    run.assert_clean();
}

/// Breaks polls in every way, and some more, and expects an event behind each to be served.
pub(crate) fn polls_that_fail_are_made_again(run: OnPlane, more: impl IntoIterator<Item = Fault>) {
    let garbage = Fault::Garbage(b"\x16\x03\x01garbage".to_vec());
    for fault in [Fault::Reset, Fault::Close, garbage, Fault::HalfHead, Fault::HalfBody].into_iter().chain(more) {
        run.plane.fault(Endpoint::Poll, fault.clone());
        // The poll that is parked is not met by it; the one behind its answer is.
        assert_eq!(run.call("before").text(), "before", "{fault:?}");
        assert_eq!(run.call("behind").text(), "behind", "{fault:?}");
        assert_eq!(run.plane.snapshot().faults, 0, "{fault:?}");
    }
    let run = run.polling();
    run.plane.cut(Ending::Reset);
    assert_eq!(run.call("after a cut").text(), "after a cut");
    run.assert_clean();
}
