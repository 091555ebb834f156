//! Ids of invocations that their platform gives none. They tell invocations apart, and are no secret.

use std::sync::{Mutex, PoisonError};

/// Request ids of our own making, where a platform gives none: 16 random bytes a process, counted up.
#[derive(Debug)]
pub struct RequestIds(Mutex<u128>);

impl Default for RequestIds {
    fn default() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let half = || u128::from(RandomState::new().hash_one(std::process::id()));
        RequestIds(Mutex::new(half() << 64 | half()))
    }
}

/// The two hexadecimal digits of each byte.
const DIGITS: [[u8; 2]; 256] = {
    let mut digits = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        digits[byte] = [b"0123456789abcdef"[byte >> 4], b"0123456789abcdef"[byte & 15]];
        byte += 1;
    }
    digits
};

impl RequestIds {
    /// The next one: 32 hexadecimal digits.
    pub fn next(&self) -> [u8; 32] {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = last.wrapping_add(1);
        let id = *last;
        drop(last);
        let mut text = [0; 32];
        for (byte, digits) in id.to_be_bytes().iter().zip(text.chunks_exact_mut(2)) {
            digits.copy_from_slice(&DIGITS[usize::from(*byte)]);
        }
        text
    }
}
