//! Moments to come, the earliest first. What a moment was for may have ended or moved since: who is told of it looks
//! again and enters the later moment.

use super::admission::NEVER;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Moments in nanoseconds on the process' clock, each with the number of the thing that it is for.
#[derive(Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(u64, u64)>>,
}

impl Timers {
    /// Enters a moment for that number.
    pub fn add(&mut self, moment: u64, number: u64) {
        self.heap.push(Reverse((moment, number)));
    }

    /// Returns the earliest moment, which is [`NEVER`] if there is no moment.
    pub fn earliest(&self) -> u64 {
        self.heap.peek().map_or(NEVER, |Reverse((moment, _))| *moment)
    }

    /// Takes out one number whose moment has come at `now`, the earliest first.
    pub fn due(&mut self, now: u64) -> Option<u64> {
        if self.earliest() > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, number))| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_due_is_told_of_and_the_earliest_first() {
        let mut timers = Timers::default();
        assert_eq!((timers.earliest(), timers.due(NEVER - 1)), (NEVER, None));
        for (moment, number) in [(30, 3), (10, 1), (20, 2)] {
            timers.add(moment, number);
        }
        assert_eq!(timers.earliest(), 10);
        assert_eq!([timers.due(20), timers.due(20), timers.due(20)], [Some(1), Some(2), None]);
        assert_eq!(timers.earliest(), 30);
    }
}
