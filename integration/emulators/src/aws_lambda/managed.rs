//! The control plane's side of managed instances: many polls parked, many invocations at once. Sans-IO, like
//! [`super::state`]: it is told what arrived and says what is allowed.

use std::collections::HashMap;

use super::payloads::Refusal;
use super::state::Post;

/// The most polls that may be parked; the next is answered 500.
pub const MAX_PARKED: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// A response is being read; `cut` once an error replaced it.
    Responding {
        cut: bool,
    },
    /// An error is being read from its post.
    Failing,
    /// Its time has passed; the late answer is still to be told.
    TimedOut,
}

/// The meaning of an answer that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The invocation's only answer so far.
    Fresh,
    /// An error that cuts short the response being streamed.
    CutsStream,
}

/// The machine of one environment with several invocations at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Managed {
    started: bool,
    init_failed: bool,
    live: HashMap<String, Phase>,
}

impl Managed {
    /// Returns `true` if the first poll has come, which ends init.
    pub(crate) fn started(&self) -> bool {
        self.started
    }

    /// Returns `true` if init was reported as failed.
    pub(crate) fn init_failed(&self) -> bool {
        self.init_failed
    }

    /// Takes a GET `/invocation/next` with `parked` polls waiting before it: a new slot, never a redelivery.
    ///
    /// # Errors
    /// 403 after a reported init error, 500 when the queue of polls is full.
    pub(crate) fn poll(&mut self, parked: usize) -> Result<(), Refusal> {
        if self.init_failed {
            return Err(Refusal::InvalidStateTransition { from: "InitError", to: "Ready" });
        }
        if parked >= MAX_PARKED {
            return Err(Refusal::Internal { message: format!("More than {MAX_PARKED} polls are parked") });
        }
        self.started = true;
        Ok(())
    }

    /// Notes that a parked poll was given this event. Returns `false` when that id is in flight already: the invocation
    /// is refused.
    pub(crate) fn deliver(&mut self, id: &str) -> bool {
        if self.live.contains_key(id) {
            return false;
        }
        self.live.insert(id.to_owned(), Phase::Running);
        true
    }

    /// Notes that an answer for `id` begins.
    ///
    /// # Errors
    /// 400 for an id that is unknown, answered, or being answered; 410, once, for one that timed out.
    pub(crate) fn begin(&mut self, id: &str, post: Post) -> Result<Begun, Refusal> {
        let unknown = || Refusal::InvalidRequestId { id: id.to_owned() };
        let phase = self.live.get_mut(id).ok_or_else(unknown)?;
        match (*phase, post) {
            (Phase::Running, Post::Response) => *phase = Phase::Responding { cut: false },
            (Phase::Running, Post::Error) => *phase = Phase::Failing,
            (Phase::Responding { cut: false }, Post::Error) => {
                *phase = Phase::Responding { cut: true };
                return Ok(Begun::CutsStream);
            }
            (Phase::TimedOut, _) => {
                self.live.remove(id);
                return Err(Refusal::InvokeTimeout { id: id.to_owned() });
            }
            _ => return Err(unknown()),
        }
        Ok(Begun::Fresh)
    }

    /// Notes that the body that [`Managed::begin`] announced is read. It is not called for an error that cut a stream:
    /// there the stream's own post ends the invocation.
    ///
    /// # Errors
    /// 410 when the time passed meanwhile, 400 when an error has taken the response's place.
    pub(crate) fn finish(&mut self, id: &str) -> Result<(), Refusal> {
        match self.live.remove(id) {
            Some(Phase::Responding { cut: false } | Phase::Failing) => Ok(()),
            Some(Phase::TimedOut) => Err(Refusal::InvokeTimeout { id: id.to_owned() }),
            _ => Err(Refusal::InvalidRequestId { id: id.to_owned() }),
        }
    }

    /// Notes that the deadline of `id` passed. Its code runs on; an answer still to come is refused.
    pub(crate) fn time_out(&mut self, id: &str) {
        if let Some(phase) = self.live.get_mut(id) {
            *phase = Phase::TimedOut;
        }
    }

    /// Takes a POST `/init/error`.
    ///
    /// # Errors
    /// 403 after the first poll, and when another worker reported first.
    pub(crate) fn init_error(&mut self) -> Result<(), Refusal> {
        let from = match (self.init_failed, self.started) {
            (true, _) => "InitError",
            (false, true) => "Ready",
            (false, false) => {
                self.init_failed = true;
                return Ok(());
            }
        };
        Err(Refusal::InvalidStateTransition { from, to: "InitError" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(id: &str) -> Refusal {
        Refusal::InvalidRequestId { id: id.to_owned() }
    }

    fn with(ids: &[&str]) -> Managed {
        let mut machine = Managed::default();
        machine.poll(0).expect("first poll");
        for id in ids {
            assert!(machine.deliver(id));
        }
        machine
    }

    #[test]
    fn answers_may_come_in_any_order_and_overlap() {
        let mut machine = with(&["a", "b"]);
        assert_eq!(machine.begin("b", Post::Response), Ok(Begun::Fresh));
        assert_eq!(machine.begin("a", Post::Error), Ok(Begun::Fresh));
        assert_eq!(machine.finish("b"), Ok(()));
        assert_eq!(machine.finish("a"), Ok(()));
    }

    #[test]
    fn a_second_answer_is_an_unknown_id() {
        let mut machine = with(&["a"]);
        machine.begin("a", Post::Response).expect("the first");
        assert_eq!(machine.begin("a", Post::Response), Err(unknown("a")));
        machine.finish("a").expect("the first is whole");
        assert_eq!(machine.begin("a", Post::Error), Err(unknown("a")));
    }

    #[test]
    fn a_late_answer_is_told_once() {
        let mut machine = with(&["a"]);
        machine.time_out("a");
        assert_eq!(machine.begin("a", Post::Response), Err(Refusal::InvokeTimeout { id: "a".to_owned() }));
        assert_eq!(machine.begin("a", Post::Response), Err(unknown("a")));
    }

    #[test]
    fn an_answer_overtaken_by_its_deadline_is_late() {
        let mut machine = with(&["a"]);
        machine.begin("a", Post::Response).expect("in time");
        machine.time_out("a");
        assert_eq!(machine.finish("a"), Err(Refusal::InvokeTimeout { id: "a".to_owned() }));
        assert_eq!(machine.finish("a"), Err(unknown("a")));
    }

    #[test]
    fn an_error_cuts_the_stream_that_is_under_way() {
        let mut machine = with(&["a"]);
        machine.begin("a", Post::Response).expect("the stream");
        assert_eq!(machine.begin("a", Post::Error), Ok(Begun::CutsStream));
        assert_eq!(machine.begin("a", Post::Error), Err(unknown("a")));
        assert_eq!(machine.finish("a"), Err(unknown("a")));
    }

    #[test]
    fn an_id_in_flight_is_not_given_twice() {
        let mut machine = with(&["a"]);
        assert!(!machine.deliver("a"));
    }

    #[test]
    fn init_fails_once_and_only_before_the_first_poll() {
        let mut machine = Managed::default();
        assert_eq!(machine.init_error(), Ok(()));
        let again = machine.init_error().expect_err("another worker was first");
        assert_eq!(again.status(), 403);
        assert_eq!(machine.poll(0).expect_err("init failed").status(), 403);
        assert_eq!(with(&[]).init_error().expect_err("it polled").status(), 403);
    }

    #[test]
    fn polls_beyond_the_queue_are_an_internal_error() {
        let mut machine = Managed::default();
        assert_eq!(machine.poll(MAX_PARKED - 1), Ok(()));
        assert_eq!(machine.poll(MAX_PARKED).expect_err("full").status(), 500);
    }
}
