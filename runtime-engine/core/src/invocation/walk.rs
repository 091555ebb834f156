//! The calls by which the walk around an invocation tells it whose heads are still to run, how a call ended, and what
//! stands at the end.

use super::filters::Detour;
use super::{Code, Invocation, Progress};
use crate::failure::{Failure, Openness};
use faas_abi::host::{Given, HeadHook};
use faas_abi::{E_INTERNAL, E_USER, Status};
use std::sync::Arc;

impl Invocation {
    /// Notes that a layer with a head hook has been entered.
    pub fn push_head(&mut self, hook: HeadHook) {
        self.heads.push(hook);
    }

    /// Notes that the last such layer is about to leave: a reply that is fixed from here on passes it by.
    pub fn pop_head(&mut self) {
        self.heads.pop();
    }

    /// Notes that a layer which cannot do without the whole body of the reply has been entered. A stream is refused
    /// from here on.
    pub fn refuse_streams(&mut self) {
        self.no_streams = true;
    }

    /// Notes that the heads run now, or have run: they never run again in this invocation.
    pub fn set_heads_ran(&mut self) {
        self.heads_ran = true;
    }

    /// Returns `true` if the head hooks have run already.
    pub fn heads_ran(&self) -> bool {
        self.heads_ran
    }

    /// Returns the heads that the begin of a stream has to run, outward.
    pub(super) fn heads_to_run(&mut self) -> Arc<[HeadHook]> {
        if std::mem::replace(&mut self.heads_ran, true) || self.heads.is_empty() {
            return Arc::default();
        }
        // A stream that is collected is whole in `after`.
        self.takes_filters = !self.metadata.is_whole;
        self.heads.iter().rev().copied().collect()
    }

    /// Takes the failure of a module's `fail`. The reply is dropped, but not for good before the call's end: an
    /// optional layer's failure must not cost an invocation its reply.
    pub(super) fn fail_with(&mut self, failure: Failure) {
        self.failure = Some(failure);
        self.failed_here = true;
        if let (Progress::Set(code), false) = (self.progress, self.is_out) {
            let reply = self.take_reply();
            if let Some((_, earlier)) = self.dropped.replace((code, reply)) {
                self.kept.body(earlier);
            }
            self.progress = Progress::Open;
        }
    }

    /// Ends a call of a module's. Words that `fail` left in a call that did not fail are dropped, and only those of a
    /// module's own error are meant for callers. A stream that is collected ends with the call that began it: the bytes
    /// that have come are the reply, and a failed call has no reply. Filters of a stream end with it too.
    ///
    /// Returns the status that stands: a success is a failure if a filter has failed.
    #[inline]
    pub fn end_call(&mut self, status: Status) -> Status {
        // Nearly every call has said nothing, and every layer makes two.
        if self.failure.is_none() && self.dropped.is_none() && self.outgoing().detour.is_none() {
            self.failed_here = false;
            status
        } else {
            self.end_telling_call(status)
        }
    }

    fn end_telling_call(&mut self, status: Status) -> Status {
        let status = if self.end_filters(status) {
            status
        } else {
            let message = "a layer's filter of the stream failed, so that the reply is not whole";
            self.fail_with(Failure::internal("Runtime.Filter", message));
            E_INTERNAL
        };
        self.failure = if status < 0 { self.take_words(status, None) } else { None };
        self.failed_here = false;
        if let Some((_, reply)) = self.dropped.take() {
            self.kept.body(reply);
        }
        if let Progress::Streaming(code) = self.progress
            && let Some(bytes) = self.take_collected()
        {
            self.progress = if status < 0 { Progress::Open } else { Progress::Set(code) };
            self.set_reply(if status < 0 { Given::EMPTY } else { Given::from(bytes) });
        }
        status
    }

    fn take_collected(&mut self) -> Option<Vec<u8>> {
        match self.outgoing().detour.take_if(|detour| matches!(detour, Detour::Collected(_))) {
            Some(Detour::Collected(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Takes the words of a call that failed with this status, unless they are those that `stand` anyway.
    pub fn take_words(&mut self, status: Status, stands: Option<&Failure>) -> Option<Failure> {
        let mut words = self.failure.take().filter(|words| self.failed_here || Some(words) != stands)?;
        if self.failed_here && status != E_USER {
            words.openness = Openness::Kind;
        }
        Some(words)
    }

    /// Ends a call as [`end_call`](Invocation::end_call) does, for a failure that its layer's policy forgives: no words
    /// of it are left, and the reply that it dropped is there again.
    pub fn forgive_call(&mut self) {
        let dropped = self.dropped.take();
        self.end_call(E_INTERNAL);
        self.failure = None;
        if let (Progress::Open, Some((code, reply))) = (self.progress, dropped) {
            self.progress = Progress::Set(code);
            self.set_reply(reply);
        }
    }

    /// Ends a call as [`end_call`](Invocation::end_call) does, for work beside an invocation that has ended already:
    /// whatever the call did to the outcome, the outcome that `stands` is there again.
    pub fn end_aside(&mut self, stands: Option<&Failure>) {
        self.forgive_call();
        self.failure = stands.cloned();
    }

    /// Notes that the reply is out: from here on it can be read and not changed. A broken stream is no failure of the
    /// calls that follow.
    pub fn set_out(&mut self) {
        self.is_out = true;
        self.outgoing().detour = None;
    }

    /// Returns `true` if the function has left work for after the reply.
    pub fn has_later(&self) -> bool {
        self.has_later
    }

    /// Returns `true` if the head of the reply is out, or all of the reply.
    pub(super) fn is_head_out(&self) -> bool {
        self.is_out || matches!(self.progress, Progress::Streaming(_))
    }

    /// Ends the walk. `cancelled` is the reason of a cancel, or 0. A failure under a cancel is the cancel's, and the
    /// failure before it is kept as the cause. Returns `false` if the invocation has been answered already.
    pub fn conclude(&mut self, cancelled: u32) -> bool {
        if !self.flight.as_ref().is_none_or(|flight| flight.claim()) {
            return false;
        }
        if self.failure.is_some()
            && let Some(cut) = Failure::of_cancel(cancelled)
        {
            let cause = self.failure.replace(cut);
            self.keep_cause(cause);
        }
        if let Some(failure) = self.failure.as_mut() {
            self.process.log.mask().hide_in(failure);
            if self.process.is_debug() {
                failure.reveal();
            }
        }
        true
    }

    /// Ends in failure, in the runtime's own words.
    pub fn set_failure(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    /// Takes the words of a failure, for [`keep_cause`](Invocation::keep_cause).
    pub fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// Keeps the failure before the one at hand: it is its cause, or, if there is none at hand, the failure itself.
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

    /// Settles the outcome of the walk: a success always has a reply, a failure always has words. A function that set
    /// no reply has replied an empty value, which each platform has a form for.
    pub fn settle(&mut self, status: Status, who: &str) {
        if status >= 0 {
            self.failure = None;
            if self.progress == Progress::Open {
                self.progress = Progress::Set(Code::Value);
                self.set_reply(Given::EMPTY);
            }
        } else if self.failure.is_none() {
            self.failure = Some(Failure::of_status(status, who));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Assembly;
    use crate::invocation::{Flight, InvocationMetadata};
    use crate::testing::process;
    use faas_abi::host::Invocation as Contract;
    use faas_abi::{
        CANCEL_CLOSING, CANCEL_DEADLINE, CANCEL_PEER_GONE, E_INVALID, E_PANIC, NUM_AFTER_REPLY, NUM_DEADLINE_NS, OK,
    };
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    fn invocation(metadata: InvocationMetadata) -> Invocation {
        let mut invocation = Invocation::new(process().0, Arc::from("f"));
        invocation.renew(Assembly::request(Vec::new(), b"", b"", b"").finish(), &metadata, false);
        invocation
    }

    fn failed(status: Status) -> Invocation {
        let mut invocation = invocation(InvocationMetadata::default());
        invocation.fail(b"Shop.Closed", b"come back", b"at a.rs:1:2");
        invocation.end_call(status);
        invocation
    }

    fn told(invocation: &Invocation) -> String {
        invocation.failure().expect("it has failed").for_caller().to_string()
    }

    #[test]
    fn only_the_words_of_an_error_of_its_own_are_for_callers() {
        assert_eq!(told(&failed(E_USER)), "Shop.Closed: come back");
        for status in [E_PANIC, E_INTERNAL, E_INVALID, -77] {
            assert_eq!(told(&failed(status)), "Shop.Closed: the function failed", "{status}");
        }
    }

    #[test]
    fn words_that_are_passed_on_stay_as_open_as_they_were() {
        let mut invocation = failed(E_USER);
        invocation.end_call(E_PANIC);
        assert_eq!(told(&invocation), "Shop.Closed: come back");
    }

    #[test]
    fn a_failure_under_a_cancel_is_the_cancels_and_what_failed_is_its_cause() {
        for (reason, kind) in [
            (0, "Shop.Closed"),
            (CANCEL_PEER_GONE, "Shop.Closed"),
            (CANCEL_DEADLINE, "Function.TimedOut"),
            (CANCEL_CLOSING, "Runtime.Closing"),
        ] {
            let mut invocation = failed(E_USER);
            assert!(invocation.conclude(reason));
            let failure = invocation.failure().expect("it has failed");
            assert_eq!(failure.kind, kind, "{reason}");
            assert_eq!(failure.detail.contains("caused by Shop.Closed: come back"), kind != "Shop.Closed", "{failure}");
        }
        let mut well = invocation(InvocationMetadata::default());
        well.settle(OK, "f");
        assert!(well.conclude(CANCEL_DEADLINE));
        assert_eq!(well.failure(), None, "an answer that is there stands");
    }

    #[test]
    fn with_debug_everything_is_told() {
        let mut invocation = failed(E_PANIC);
        invocation.process().set_debug(true);
        assert!(invocation.conclude(0));
        assert_eq!(told(&invocation), "Shop.Closed: come back\nat a.rs:1:2");
    }

    /// The record of an invocation that may have been answered in its place.
    #[derive(Default)]
    struct Record {
        tightened: AtomicU64,
        is_answered: AtomicBool,
    }

    impl Flight for Record {
        fn tighten(&self, deadline_ns: u64) {
            self.tightened.store(deadline_ns, Ordering::Relaxed);
        }

        fn serves(&self, _: usize) {}

        fn claim(&self) -> bool {
            !self.is_answered.swap(true, Ordering::Relaxed)
        }
    }

    #[test]
    fn a_deadline_brought_forward_is_handed_on_and_one_put_off_is_not() {
        let record = Arc::<Record>::default();
        let mut invocation = invocation(InvocationMetadata::default());
        invocation.set_flight(record.clone());
        let tightened = || record.tightened.load(Ordering::Relaxed);
        assert_eq!((invocation.set_num(NUM_DEADLINE_NS, 9_000_000_000), tightened()), (OK, 9_000_000_000));
        assert_eq!((invocation.set_num(NUM_DEADLINE_NS, 7_000_000_000), tightened()), (OK, 7_000_000_000));
        assert_eq!((invocation.set_num(NUM_DEADLINE_NS, 8_000_000_000), tightened()), (E_INVALID, 7_000_000_000));
        assert_eq!(invocation.metadata().deadline.map(|deadline| deadline.ns), Some(7_000_000_000));
        invocation.clear();
        assert_eq!((invocation.set_num(NUM_DEADLINE_NS, 9_000_000_000), tightened()), (OK, 9_000_000_000));
    }

    #[test]
    fn an_invocation_that_has_been_answered_is_not_concluded_again() {
        let record = Arc::<Record>::default();
        let mut invocation = failed(E_USER);
        invocation.set_flight(record.clone());
        assert!(invocation.conclude(CANCEL_DEADLINE));
        assert!(!invocation.conclude(CANCEL_CLOSING));
        assert_eq!(invocation.failure().map(|failure| &*failure.kind), Some("Function.TimedOut"));
    }

    #[test]
    fn a_collected_stream_is_a_reply_when_its_call_ends_and_none_if_that_fails() {
        for (status, expected) in [(OK, Some(&b"one two"[..])), (E_USER, None)] {
            let mut invocation = invocation(InvocationMetadata { is_whole: true, ..InvocationMetadata::default() });
            // A layer that needs whole bodies has nothing to fear of a stream that is collected.
            invocation.refuse_streams();
            assert!(invocation.stream_stage(200).is_ok());
            assert_eq!(invocation.stream_open(), OK);
            for chunk in ["one ", "two"] {
                assert_eq!(invocation.write_stream(Given::from(chunk.as_bytes().to_vec()), std::ptr::null_mut()), OK);
            }
            invocation.end_call(status);
            let body = (invocation.progress() == Progress::Set(Code::Http(200))).then(|| invocation.reply().as_slice());
            assert_eq!(body, expected, "{status}");
            assert_eq!(Contract::reply(&mut invocation, 500, Given::EMPTY), OK, "a layer may change it");
        }
    }

    #[test]
    fn a_reply_that_is_out_is_read_and_not_changed() {
        let mut invocation = invocation(InvocationMetadata { is_whole: true, ..InvocationMetadata::default() });
        Contract::reply(&mut invocation, 200, Given::from(b"out".to_vec()));
        invocation.set_out();
        assert_eq!(Contract::reply(&mut invocation, 500, Given::EMPTY), E_INVALID);
        assert_eq!(invocation.stream_stage(200).err(), Some(E_INVALID));
        assert_eq!(invocation.add(faas_abi::LIST_REPLY_HEADER, b"x-a", b"1"), E_INVALID);
        assert_eq!(invocation.remove(faas_abi::LIST_REPLY_HEADER, b"x-a"), E_INVALID);
        assert_eq!(invocation.set_num(faas_abi::NUM_REPLY_CODE, 500), E_INVALID);
        invocation.fail(b"K", b"m", b"");
        invocation.end_aside(None);
        assert_eq!((invocation.reply().as_slice(), invocation.failure()), (&b"out"[..], None));
    }

    #[test]
    fn work_for_after_the_reply_is_one_invocations_own() {
        let mut invocation = invocation(InvocationMetadata::default());
        assert!(!invocation.has_later());
        assert_eq!(invocation.set_num(NUM_AFTER_REPLY, 2), E_INVALID);
        assert_eq!((invocation.set_num(NUM_AFTER_REPLY, 1), invocation.num(NUM_AFTER_REPLY)), (OK, 1));
        assert!(invocation.has_later());
        invocation.clear();
        assert!(!invocation.has_later());
    }
}
