//! The times when the calls of one invocation began and ended, for a layer that has asked for them. Without such a
//! layer they cost no more than the question for it.

use super::Invocation;
use crate::fields::Fields;
use std::io::Write;

/// The calls that have ended, in that order.
#[derive(Default)]
pub(super) struct Calls {
    /// The moment when the last one ended, and the one at hand began; 0 if no layer has asked.
    since_ns: u64,
    /// The layer's name, if it is one's; hook, beginning and end.
    list: Fields,
}

impl Calls {
    pub(super) fn clear(&mut self) {
        // Who has stopped asking has left a list all the same.
        if self.since_ns != 0 || !self.list.is_empty() {
            self.since_ns = 0;
            self.list.clear();
        }
    }

    pub(super) fn is_timed(&self) -> bool {
        self.since_ns != 0
    }

    /// Notes from `now_ns` on, or no longer.
    pub(super) fn set_timed(&mut self, is_timed: bool, now_ns: u64) {
        self.since_ns = if is_timed { now_ns.max(1) } else { 0 };
    }

    pub(super) fn list(&self) -> &Fields {
        &self.list
    }
}

impl Invocation {
    /// Returns `true` if a layer has asked when calls begin and end.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        self.calls.is_timed()
    }

    /// Notes that a call of `hook` is over, if one was made, and that the next begins.
    #[inline(never)]
    pub(crate) fn note_call(&mut self, call: Option<(&str, &str)>) {
        let (now_ns, since_ns) = (self.process.now_ns(), self.calls.since_ns);
        if let Some((name, hook)) = call {
            let mut value = [0; 64];
            let mut rest = &mut value[..];
            // A hook's name and two numbers fit.
            let _ = write!(rest, "{hook} {since_ns} {now_ns}");
            let left = rest.len();
            self.calls.list.add(name.as_bytes(), &value[..value.len() - left]);
        }
        self.calls.since_ns = now_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::process;
    use faas_abi::host::Invocation as _;
    use faas_abi::{E_INVALID, LIST_CALL, NUM_TIMED, OK};
    use std::sync::Arc;

    #[test]
    fn calls_are_noted_one_after_the_other_once_somebody_has_asked() {
        let mut invocation = Invocation::new(process().0, Arc::from("f"));
        assert_eq!((invocation.count(LIST_CALL), invocation.num(NUM_TIMED)), (0, 0));
        assert_eq!(invocation.set_num(NUM_TIMED, 2), E_INVALID);
        assert_eq!((invocation.set_num(NUM_TIMED, 1), invocation.num(NUM_TIMED)), (OK, 1));
        invocation.note_call(Some(("auth", "before")));
        // A layer without that hook.
        invocation.note_call(None);
        invocation.note_call(Some(("", "invoke")));
        let times = |index| {
            let (name, value) = invocation.at(LIST_CALL, index).expect("a call");
            let value = std::str::from_utf8(value).expect("a text");
            let mut words = value.split(' ');
            let hook = words.next().expect("a hook").to_owned();
            let times: Vec<u64> = words.map(|word| word.parse().expect("a number")).collect();
            (name.to_owned(), hook, times)
        };
        let ((auth, before, first), (function, invoke, second)) = (times(0), times(1));
        assert_eq!((auth.as_slice(), before.as_str()), (&b"auth"[..], "before"));
        assert_eq!((function.as_slice(), invoke.as_str()), (&b""[..], "invoke"));
        assert!(first.is_sorted() && second.is_sorted() && first[1] <= second[0], "{first:?} {second:?}");
        invocation.clear();
        assert_eq!((invocation.count(LIST_CALL), invocation.num(NUM_TIMED)), (0, 0), "the next one begins anew");
        assert_eq!(invocation.set_num(NUM_TIMED, 1), OK);
        invocation.note_call(Some(("auth", "before")));
        assert_eq!((invocation.set_num(NUM_TIMED, 0), invocation.count(LIST_CALL)), (OK, 1));
        invocation.clear();
        assert_eq!(invocation.count(LIST_CALL), 0, "also where nobody asked any more at the end");
    }
}
