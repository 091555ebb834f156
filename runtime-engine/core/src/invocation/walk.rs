//! What the walk around an invocation tells it: whose heads are still to run, how a call ended, what stands at the end.

use super::{Code, Invocation, Progress};
use crate::failure::Failure;
use faas_abi::Status;
use faas_abi::host::{Given, HeadHook};
use std::sync::Arc;

impl Invocation {
    /// A layer with a head hook has been entered.
    pub fn push_head(&mut self, hook: HeadHook) {
        self.heads.push(hook);
    }

    /// The last such layer is about to leave: a reply that is fixed from here on passes it by.
    pub fn pop_head(&mut self) {
        self.heads.pop();
    }

    /// A layer that cannot do without the whole body of the reply has been entered: a stream is refused from here on.
    pub fn refuse_streams(&mut self) {
        self.no_streams = true;
    }

    /// The heads run now, or have run, and never again in this invocation.
    pub fn set_heads_ran(&mut self) {
        self.heads_ran = true;
    }

    /// Have the head hooks run already?
    pub fn heads_ran(&self) -> bool {
        self.heads_ran
    }

    /// The heads a stream's begin has to run, outward.
    pub(super) fn heads_to_run(&mut self) -> Arc<[HeadHook]> {
        if std::mem::replace(&mut self.heads_ran, true) || self.heads.is_empty() {
            return Arc::default();
        }
        self.heads.iter().rev().copied().collect()
    }

    /// What a module's `fail` says. The reply is dropped, but not for good before the call's end: an optional layer's
    /// failure must not cost an invocation its reply.
    pub(super) fn fail_with(&mut self, failure: Failure) {
        self.failure = Some(failure);
        if let Progress::Set(code) = self.progress {
            self.dropped = Some((code, self.take_reply()));
            self.progress = Progress::Open;
        }
    }

    /// A call of a module's is over. Words that `fail` left in a call that did not fail are about nothing.
    pub fn end_call(&mut self, status: Status) {
        if status >= 0 {
            self.failure = None;
        }
        self.dropped = None;
    }

    /// As [`end_call`](Invocation::end_call), for a failure that its layer's policy forgives: no words of it are left,
    /// and the reply that it dropped is there again.
    pub fn forgive_call(&mut self) {
        self.failure = None;
        if let (Progress::Open, Some((code, reply))) = (self.progress, self.dropped.take()) {
            self.progress = Progress::Set(code);
            self.reply = reply;
        }
    }

    /// Ends in failure, in the runtime's own words.
    pub fn set_failure(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    /// Takes the words of a failure, for [`keep_cause`](Invocation::keep_cause).
    pub fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// There was a failure before the one at hand: it is its cause, or, if there is none at hand, the failure itself.
    pub fn keep_cause(&mut self, first: Option<Failure>) {
        let Some(first) = first else { return };
        match &mut self.failure {
            Some(last) if *last == first => {}
            Some(last) => {
                let apart = if last.detail.is_empty() { "" } else { "\n" };
                last.detail.push_str(&format!("{apart}caused by {first}"));
            }
            None => self.failure = Some(first),
        }
    }

    /// Settles what the walk ended with: a success always has a reply, a failure always has words. Who set no reply has
    /// replied an empty value, which each platform has a form for.
    pub fn settle(&mut self, status: Status, who: &str) {
        if status >= 0 {
            self.failure = None;
            if self.progress == Progress::Open {
                self.progress = Progress::Set(Code::Value);
                self.reply = Given::EMPTY;
            }
        } else if self.failure.is_none() {
            self.failure = Some(Failure::of_status(status, who));
        }
    }
}
