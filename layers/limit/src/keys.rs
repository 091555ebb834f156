//! The counts of each key, in bounded memory.

use crate::settings::{Rate, Settings};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The nanoseconds between two searches for keys that can go.
const SWEEP_NS: u64 = 100_000_000;

/// The key that an invocation is counted under; `None` for those that are counted together.
pub(crate) type Owner = Option<String>;

/// A token bucket as the time at which it is full again (the generic cell rate algorithm), and the number of
/// invocations that run.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    full_at: u64,
    running: u32,
}

/// The verdict over one invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may run. With a rate, this is how many more may run at once, and the nanoseconds until the bucket is full.
    Passes { left: u64, full_in: u64 },
    /// There were too many in the time. One more may run in `again_in` nanoseconds, and the bucket is full in
    /// `full_in`.
    TooMany { again_in: u64, full_in: u64 },
    /// There are too many at once.
    TooManyAtOnce,
}

/// The counts of all keys.
#[derive(Debug)]
pub(crate) struct Keys {
    state: Mutex<State>,
    rate: Option<Bucket>,
    concurrency: Option<u32>,
    max: usize,
}

#[derive(Debug, Default)]
struct State {
    counted: HashMap<String, Counted>,
    /// The count of all keys for which there is no room.
    others: Counted,
    sweep_at: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// The nanoseconds of a bucket that one invocation costs.
    each: u64,
    /// The nanoseconds that a full bucket is worth.
    whole: u64,
}

impl Bucket {
    fn of(rate: Rate) -> Bucket {
        let per = u64::try_from(rate.per.as_nanos()).unwrap_or(u64::MAX);
        let each = (per / u64::from(rate.count)).max(1);
        Bucket { each, whole: each.saturating_mul(u64::from(rate.burst)) }
    }
}

impl Keys {
    pub(crate) fn new(settings: &Settings) -> Keys {
        Keys {
            state: Mutex::default(),
            rate: settings.rate.map(Bucket::of),
            concurrency: settings.concurrency,
            max: settings.max_keys,
        }
    }

    /// Counts one more under `key`, if it may run. Returns the owner to [`leave`](Self::leave) it with.
    pub(crate) fn enter(&self, key: &str, now: u64) -> (Verdict, Owner) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = state.counted.get_mut(key) {
            return (self.judge(counted, now), Some(key.to_owned()));
        }
        if !state.has_room(now, self.max) {
            return (self.judge(&mut state.others, now), None);
        }
        let counted = state.counted.entry(key.to_owned()).or_default();
        (self.judge(counted, now), Some(key.to_owned()))
    }

    fn judge(&self, counted: &mut Counted, now: u64) -> Verdict {
        if self.concurrency.is_some_and(|most| counted.running >= most) {
            return Verdict::TooManyAtOnce;
        }
        let mut verdict = Verdict::Passes { left: 0, full_in: 0 };
        if let Some(bucket) = self.rate {
            let full_at = counted.full_at.max(now).saturating_add(bucket.each);
            let owed = full_at - now;
            if owed > bucket.whole {
                let full_in = counted.full_at.saturating_sub(now);
                return Verdict::TooMany { again_in: owed - bucket.whole, full_in };
            }
            counted.full_at = full_at;
            verdict = Verdict::Passes { left: (bucket.whole - owed) / bucket.each, full_in: owed };
        }
        counted.running += u32::from(self.concurrency.is_some());
        verdict
    }

    /// Notes the end of an invocation that [`enter`](Self::enter) let run.
    pub(crate) fn leave(&self, owner: &Owner) {
        if self.concurrency.is_none() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = match owner {
            Some(key) => state.counted.get_mut(key),
            None => Some(&mut state.others),
        };
        if let Some(counted) = counted {
            counted.running = counted.running.saturating_sub(1);
        }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.state.lock().expect("no test panics within").counted.len()
    }
}

impl State {
    /// Makes room for one more key, if some are not needed any more. Returns `true` if there is room.
    fn has_room(&mut self, now: u64, max: usize) -> bool {
        if self.counted.len() >= max && now >= self.sweep_at {
            self.sweep_at = now.saturating_add(SWEEP_NS);
            self.counted.retain(|_, counted| counted.running > 0 || counted.full_at > now);
        }
        self.counted.len() < max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Key;
    use std::time::Duration;

    const S: u64 = 1_000_000_000;

    fn keys(rate: Option<(u32, u32)>, concurrency: Option<u32>, max_keys: usize) -> Keys {
        let rate = rate.map(|(count, burst)| Rate { count, per: Duration::from_secs(1), burst });
        Keys::new(&Settings { key: Key::All, rate, concurrency, max_keys })
    }

    fn passes(keys: &Keys, key: &str, now: u64) -> bool {
        matches!(keys.enter(key, now).0, Verdict::Passes { .. })
    }

    #[test]
    fn after_a_burst_one_passes_each_time_that_one_costs() {
        let keys = keys(Some((2, 3)), None, 10);
        assert_eq!(keys.enter("a", S).0, Verdict::Passes { left: 2, full_in: S / 2 });
        assert!(passes(&keys, "a", S) && passes(&keys, "a", S));
        assert_eq!(keys.enter("a", S).0, Verdict::TooMany { again_in: S / 2, full_in: 3 * S / 2 });
        assert!(passes(&keys, "b", S), "each key has its own");
        assert!(passes(&keys, "a", S + S / 2) && !passes(&keys, "a", S + S / 2));
        assert_eq!(
            keys.enter("a", 10 * S).0,
            Verdict::Passes { left: 2, full_in: S / 2 },
            "it is never more than full"
        );
    }

    #[test]
    fn who_is_refused_costs_nothing() {
        let keys = keys(Some((1, 1)), Some(1), 10);
        assert!(passes(&keys, "a", 0));
        for _ in 0..9 {
            assert_eq!(keys.enter("a", S).0, Verdict::TooManyAtOnce);
        }
        keys.leave(&Some("a".to_owned()));
        assert!(passes(&keys, "a", S), "the bucket is as it was");
    }

    #[test]
    fn keys_beyond_the_limit_share_one_until_others_can_go() {
        let keys = keys(Some((1, 1)), Some(1), 2);
        assert!(passes(&keys, "a", 0) && passes(&keys, "b", 0));
        let (verdict, key) = keys.enter("c", 0);
        assert_eq!((verdict, key), (Verdict::Passes { left: 0, full_in: S }, None));
        assert_eq!(keys.enter("d", 0).0, Verdict::TooManyAtOnce, "it shares with c");
        keys.leave(&Some("a".to_owned()));
        assert_eq!(keys.enter("e", 2 * S).1.as_deref(), Some("e"), "a is not needed any more");
        assert!(keys.count() <= 2);
        for number in 0..1000 {
            keys.enter(&number.to_string(), 2 * S);
        }
        assert!(keys.count() <= 2, "{}", keys.count());
    }
}
