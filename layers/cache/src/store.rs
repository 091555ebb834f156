//! Replies by key, in bounded memory: the one that was not asked for longest goes first.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A moment on both clocks: one of them may have stood still while the process was frozen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) ns: u64,
    pub(crate) wall: SystemTime,
}

impl Moment {
    /// Returns the time since `earlier`, by the clock on which it is longer.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        let by_ns = Duration::from_nanos(self.ns.saturating_sub(earlier.ns));
        by_ns.max(self.wall.duration_since(earlier.wall).unwrap_or_default())
    }
}

/// A reply that is kept, with its times.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Moment,
    pub(crate) fresh_for: Duration,
    /// The time after that for which it may stand in for a failure.
    pub(crate) stale_for: Duration,
    /// The values that the request had in the headers that the reply's `Vary` names.
    pub(crate) varied: Vec<(String, Option<String>)>,
}

impl Kept {
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    }

    /// Returns the bytes that it takes, the key and the tables included.
    fn bytes(&self, key: &str) -> usize {
        let texts: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        self.body.len() + texts + key.len() + 256
    }

    fn is_same_variant(&self, other: &Kept) -> bool {
        self.varied == other.varied
    }
}

/// The most variants of one reply that are kept: a header with many values would fill the memory.
const VARIANTS: usize = 16;

#[derive(Debug)]
struct Slot {
    kept: Arc<Kept>,
    used: u64,
    bytes: usize,
}

/// All replies that are kept.
#[derive(Debug)]
pub(crate) struct Store {
    slots: HashMap<String, Vec<Slot>>,
    bytes: usize,
    max_bytes: usize,
    clock: u64,
}

impl Store {
    pub(crate) fn new(max_bytes: usize) -> Store {
        Store { slots: HashMap::new(), bytes: 0, max_bytes, clock: 0 }
    }

    /// Returns the variant whose request had the same headers as this one; `None` if there is none.
    pub(crate) fn find(&mut self, key: &str, header: impl Fn(&str) -> Option<String>) -> Option<Arc<Kept>> {
        self.clock += 1;
        let fits = |slot: &&mut Slot| slot.kept.varied.iter().all(|(name, value)| header(name) == *value);
        let slot = self.slots.get_mut(key)?.iter_mut().find(fits)?;
        slot.used = self.clock;
        Some(slot.kept.clone())
    }

    /// Keeps a reply in the place of an older variant. Other replies are dropped for it until there is room.
    pub(crate) fn keep(&mut self, key: &str, kept: Kept) {
        let bytes = kept.bytes(key);
        if bytes > self.max_bytes {
            return;
        }
        self.clock += 1;
        let slots = self.slots.entry(key.to_owned()).or_default();
        if let Some(index) = slots.iter().position(|slot| slot.kept.is_same_variant(&kept)) {
            self.bytes -= slots.swap_remove(index).bytes;
        } else if slots.len() >= VARIANTS {
            let oldest = (0..slots.len()).min_by_key(|index| slots[*index].used).unwrap_or(0);
            self.bytes -= slots.swap_remove(oldest).bytes;
        }
        slots.push(Slot { kept: Arc::new(kept), used: self.clock, bytes });
        self.bytes += bytes;
        while self.bytes > self.max_bytes {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let all = self.slots.iter().flat_map(|(key, slots)| slots.iter().map(move |slot| (slot.used, key)));
        let Some((used, key)) = all.min().map(|(used, key)| (used, key.clone())) else { return };
        let Some(slots) = self.slots.get_mut(&key) else { return };
        slots.retain(|slot| {
            let goes = slot.used == used;
            self.bytes -= if goes { slot.bytes } else { 0 };
            !goes
        });
        if slots.is_empty() {
            self.slots.remove(&key);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(body: usize, varied: Option<&str>) -> Kept {
        Kept {
            status: 200,
            headers: Vec::new(),
            body: vec![0; body],
            at: Moment { ns: 0, wall: SystemTime::UNIX_EPOCH },
            fresh_for: Duration::from_secs(1),
            stale_for: Duration::ZERO,
            varied: varied.map(|value| ("a".to_owned(), Some(value.to_owned()))).into_iter().collect(),
        }
    }

    #[test]
    fn the_one_that_was_not_asked_for_longest_goes_first() {
        let mut store = Store::new(3000);
        store.keep("a", kept(1000, None));
        store.keep("b", kept(1000, None));
        assert!(store.find("a", |_| None).is_some());
        store.keep("c", kept(1000, None));
        let there = ["a", "b", "c"].map(|key| store.find(key, |_| None).is_some());
        assert_eq!((there, store.slots.len()), ([true, false, true], 2));
        store.keep("d", kept(4000, None));
        assert!(store.find("d", |_| None).is_none() && store.bytes <= 3000, "one that never fits puts nobody out");
        store.keep("a", kept(10, None));
        assert_eq!(store.find("a", |_| None).expect("it is kept").body.len(), 10);
        store.clear();
        assert_eq!((store.bytes, store.slots.len()), (0, 0));
    }

    #[test]
    fn variants_are_apart_and_few() {
        let mut store = Store::new(1 << 20);
        for number in 0..100 {
            store.keep("a", kept(number, Some(&number.to_string())));
        }
        let find =
            |store: &mut Store, value: &str| store.find("a", |_| Some(value.to_owned())).map(|kept| kept.body.len());
        assert_eq!((find(&mut store, "99"), find(&mut store, "0")), (Some(99), None));
        assert_eq!(store.slots["a"].len(), VARIANTS);
    }
}
