//! A share of many invocations, which are chosen evenly.

use serde::de::{Deserialize, Deserializer, Unexpected, Visitor};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A share, 0 to 1, of invocations of which something is written: of 0.25 each fourth is taken.
///
/// ```
/// use handlers_sdk::Share;
///
/// let share = Share::new(0.25).unwrap();
/// let taken = [(); 8].map(|()| share.takes());
/// assert_eq!(taken, [false, false, false, true, false, false, false, true]);
/// assert!(Share::new(1.5).is_none());
/// ```
#[derive(Debug)]
pub struct Share {
    share: f64,
    seen: AtomicU64,
}

impl Share {
    /// Makes a share; `None` if the number is not between 0 and 1.
    pub fn new(share: f64) -> Option<Share> {
        (0.0..=1.0).contains(&share).then_some(Share { share, seen: AtomicU64::new(0) })
    }

    /// Returns the number it was made with.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Returns `true` if the next one is taken.
    #[allow(clippy::cast_precision_loss, reason = "beyond 2^53 of them the share is not exact any more")]
    pub fn takes(&self) -> bool {
        if self.share >= 1.0 {
            return true;
        }
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) as f64;
        ((seen + 1.0) * self.share).floor() > (seen * self.share).floor()
    }
}

impl Default for Share {
    fn default() -> Share {
        Share { share: 1.0, seen: AtomicU64::new(0) }
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Share;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share from 0 to 1")
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Share, E> {
                Share::new(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Share, E> {
                let share = u32::try_from(number).ok().and_then(|number| Share::new(number.into()));
                share.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
            }
        }

        from.deserialize_any(Number)
    }
}
