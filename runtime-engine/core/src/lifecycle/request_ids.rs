//! The ids of invocations to which their platform gives no id. They tell invocations apart, and are no secret.

use std::sync::{Mutex, PoisonError};

/// The request ids of our own making, for platforms that give no id. They are 16 random bytes a process, counted up.
///
/// They are counted as text, since the next id differs from the last in one digit mostly.
#[derive(Debug)]
pub struct RequestIds(Mutex<[u8; 32]>);

impl Default for RequestIds {
    fn default() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let half = || u128::from(RandomState::new().hash_one(std::process::id()));
        RequestIds::from(half() << 64 | half())
    }
}

impl From<u128> for RequestIds {
    /// Begins behind that number.
    fn from(last: u128) -> Self {
        RequestIds(Mutex::new(std::array::from_fn(|at| b"0123456789abcdef"[(last >> (124 - 4 * at)) as usize & 15])))
    }
}

impl RequestIds {
    /// Returns the next one: 32 hexadecimal digits.
    pub fn next(&self) -> [u8; 32] {
        let mut id = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for digit in id.iter_mut().rev() {
            *digit = match *digit {
                b'9' => b'a',
                b'f' => b'0',
                digit => digit + 1,
            };
            if *digit != b'0' {
                break;
            }
        }
        *id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_is_the_number_behind_the_last_in_32_digits() {
        for last in [0, 0x0123_4567_89ab_cdef, u128::from(u64::MAX) - 5, u128::MAX - 300] {
            let ids = RequestIds::from(last);
            for step in 1..600 {
                let id = ids.next();
                assert_eq!(std::str::from_utf8(&id), Ok(&*format!("{:032x}", last.wrapping_add(step))));
            }
        }
    }
}
