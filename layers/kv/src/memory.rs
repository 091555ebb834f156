//! Values in the memory of this instance, bounded in bytes. No value is ever dropped before its time to make room: with
//! a store that forgets, an effect that should happen once could happen twice.

use crate::Answered;
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::kv::{Condition, Entry, Op, Outcome};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The bytes that a value takes beside its own and twice those of its key: an estimate of its places in both tables.
const EACH: usize = 160;

/// The store in memory.
#[derive(Debug)]
pub(crate) struct Memory {
    state: Mutex<State>,
    max_bytes: usize,
    /// `true` if the log has said that it is full, and nothing has been written since.
    said_full: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<Arc<[u8]>, Kept>,
    /// The keys with a time to live, soonest first.
    ends: BTreeSet<(u64, Arc<[u8]>)>,
    bytes: usize,
    last_version: u64,
}

#[derive(Debug)]
struct Kept {
    value: Vec<u8>,
    version: u64,
    end: Option<u64>,
}

impl Memory {
    pub(crate) fn new(max_bytes: usize) -> Memory {
        Memory { state: Mutex::default(), max_bytes, said_full: AtomicBool::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out an operation, at that moment in nanoseconds of the host's clock.
    pub(crate) fn call(&self, key: &[u8], op: Op, now: u64) -> Answered {
        let is_put = matches!(op, Op::Put { .. });
        let outcome = self.state().call(key, op, now, self.max_bytes);
        match outcome {
            Err(ServiceErrorKind::Failed) if !self.said_full.swap(true, Ordering::Relaxed) => {
                handlers_sdk::warn!("faas.kv: the memory of {} bytes is full; what is new is refused", self.max_bytes);
            }
            Ok(_) if is_put => self.said_full.store(false, Ordering::Relaxed),
            _ => {}
        }
        outcome
    }
}

impl Kept {
    fn entry(&self) -> Entry {
        Entry { value: self.value.clone(), version: self.version }
    }
}

fn cost(key: &[u8], value: &[u8]) -> usize {
    key.len() * 2 + value.len() + EACH
}

impl State {
    fn call(&mut self, key: &[u8], op: Op, now: u64, max_bytes: usize) -> Answered {
        self.drop_ended(now);
        let found = self.kept.get(key);
        match op {
            Op::Get => Ok(found.map_or(Outcome::Absent, |kept| Outcome::Found(kept.entry()))),
            Op::Put { value, ttl, only_if } => {
                match (only_if, found) {
                    (Condition::Absent, Some(kept)) => return Ok(Outcome::Conflict(kept.entry())),
                    (Condition::Version(_), None) => return Ok(Outcome::Absent),
                    (Condition::Version(expected), Some(kept)) if kept.version != expected => {
                        return Ok(Outcome::Conflict(kept.entry()));
                    }
                    _ => {}
                }
                self.put(
                    key,
                    value,
                    ttl.map(|ttl| now.saturating_add(u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX))),
                    max_bytes,
                )
            }
            Op::Remove { expected } => match found {
                None => Ok(Outcome::Absent),
                Some(kept) if expected.is_some_and(|expected| kept.version != expected) => {
                    Ok(Outcome::Conflict(kept.entry()))
                }
                Some(_) => {
                    self.drop_key(key);
                    Ok(Outcome::Changed(0))
                }
            },
        }
    }

    fn drop_key(&mut self, key: &[u8]) {
        let Some((key, kept)) = self.kept.remove_entry(key) else { return };
        self.bytes -= cost(&key, &kept.value);
        if let Some(end) = kept.end {
            self.ends.remove(&(end, key));
        }
    }

    fn drop_ended(&mut self, now: u64) {
        while let Some((end, key)) = self.ends.first() {
            if *end > now {
                break;
            }
            let key = key.clone();
            self.drop_key(&key);
        }
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>, end: Option<u64>, max_bytes: usize) -> Answered {
        let before = self.kept.get(key).map_or(0, |kept| cost(key, &kept.value));
        if self.bytes - before + cost(key, &value) > max_bytes {
            return Err(ServiceErrorKind::Failed);
        }
        self.drop_key(key);
        self.bytes += cost(key, &value);
        self.last_version += 1;
        let version = self.last_version;
        let key: Arc<[u8]> = key.into();
        if let Some(end) = end {
            self.ends.insert((end, key.clone()));
        }
        self.kept.insert(key, Kept { value, version, end });
        Ok(Outcome::Changed(version))
    }
}

#[cfg(test)]
mod tests {
    use super::{EACH, Memory};
    use handlers_sdk::service::ServiceErrorKind;
    use handlers_sdk::service::kv::{Condition, Entry, Op, Outcome};
    use std::time::Duration;

    const SECOND: u64 = 1_000_000_000;

    fn put(value: &str, ttl: Option<u64>, only_if: Condition) -> Op {
        Op::Put { value: value.into(), ttl: ttl.map(Duration::from_secs), only_if }
    }

    fn entry(value: &str, version: u64) -> Entry {
        Entry { value: value.into(), version }
    }

    #[test]
    fn a_write_happens_only_as_it_was_expected() {
        let (memory, now) = (Memory::new(1 << 20), SECOND);
        let call = |op| memory.call(b"k", op, now);
        assert_eq!(call(put("a", None, Condition::Version(1))), Ok(Outcome::Absent));
        assert_eq!(call(put("a", None, Condition::Absent)), Ok(Outcome::Changed(1)));
        assert_eq!(call(put("b", None, Condition::Absent)), Ok(Outcome::Conflict(entry("a", 1))));
        assert_eq!(call(put("b", None, Condition::Version(1))), Ok(Outcome::Changed(2)));
        assert_eq!(call(put("c", None, Condition::Version(1))), Ok(Outcome::Conflict(entry("b", 2))));
        assert_eq!(call(Op::Remove { expected: Some(1) }), Ok(Outcome::Conflict(entry("b", 2))));
        assert_eq!(call(Op::Remove { expected: Some(2) }), Ok(Outcome::Changed(0)));
        assert_eq!((call(Op::Get), call(Op::Remove { expected: None })), (Ok(Outcome::Absent), Ok(Outcome::Absent)));
        assert_eq!(call(put("a", None, Condition::Absent)), Ok(Outcome::Changed(3)), "no version comes twice");
    }

    #[test]
    fn a_value_is_gone_when_its_time_is_over_and_a_write_gives_it_another() {
        let (memory, now) = (Memory::new(1 << 20), SECOND);
        let at = |seconds| now + seconds * SECOND;
        memory.call(b"k", put("a", Some(10), Condition::Absent), now).expect("it is written");
        assert_eq!(memory.call(b"k", Op::Get, at(9)), Ok(Outcome::Found(entry("a", 1))));
        memory.call(b"k", put("b", Some(10), Condition::Always), at(9)).expect("it is written");
        assert_eq!(memory.call(b"k", Op::Get, at(18)), Ok(Outcome::Found(entry("b", 2))));
        assert_eq!(memory.call(b"k", Op::Get, at(19)), Ok(Outcome::Absent));
        assert_eq!(memory.state().bytes, 0);
    }

    #[test]
    fn a_full_store_refuses_and_forgets_nothing() {
        let (memory, now) = (Memory::new(2 * (EACH + 3)), SECOND);
        memory.call(b"a", put("1", None, Condition::Always), now).expect("there is room");
        memory.call(b"b", put("2", Some(1), Condition::Always), now).expect("there is room");
        assert_eq!(memory.call(b"c", put("3", None, Condition::Always), now), Err(ServiceErrorKind::Failed));
        assert_eq!(memory.call(b"a", put("12", None, Condition::Always), now), Err(ServiceErrorKind::Failed));
        assert_eq!(memory.call(b"a", Op::Get, now), Ok(Outcome::Found(entry("1", 1))));
        memory.call(b"a", put("4", None, Condition::Always), now).expect("it takes the place of its own");
        let later = now + SECOND;
        memory.call(b"c", put("3", None, Condition::Always), later).expect("the time of b is over");
    }
}
