//! Ids of traces and spans: random, and made anew after a snapshot, whose copies would otherwise make the same ones.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

/// The generator: splitmix64 over a counter with a random start.
#[derive(Debug)]
pub struct Ids(AtomicU64);

/// The step between two states: the bits of the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns a number that cannot be guessed: from the kernel, or at least one of this process alone.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    match File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => RandomState::new().hash_one(std::time::SystemTime::now()),
    }
}

impl Default for Ids {
    fn default() -> Ids {
        Ids::new()
    }
}

impl Ids {
    /// Makes a generator with a start that cannot be guessed.
    pub fn new() -> Ids {
        Ids(AtomicU64::new(seed()))
    }

    /// Begins at another random place.
    pub fn renew(&self) {
        self.0.store(seed(), Ordering::Relaxed);
    }

    fn next(&self) -> u64 {
        let mut state = self.0.fetch_add(STEP, Ordering::Relaxed);
        state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        // An id of zeros is invalid.
        (state ^ state >> 31).max(1)
    }

    /// Returns the id of a span.
    pub fn span(&self) -> [u8; 8] {
        self.next().to_be_bytes()
    }

    /// Returns the id of a trace.
    pub fn trace(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.span());
        id[8..].copy_from_slice(&self.span());
        id
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;
    use std::collections::HashSet;

    #[test]
    fn ids_are_all_different_and_begin_anew() {
        let ids = Ids::new();
        let mut seen: HashSet<[u8; 8]> = (0..1000).map(|_| ids.span()).collect();
        ids.renew();
        seen.extend((0..1000).map(|_| ids.span()));
        assert_eq!(seen.len(), 2000);
        assert_ne!(ids.trace()[..8], ids.trace()[..8]);
    }
}
