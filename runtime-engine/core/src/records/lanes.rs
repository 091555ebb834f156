//! The order among the records of a batch. The records of one group run one after the other, in the order of the batch.
//! Groups, and records without one, know no order among each other.

use crate::trigger::batch::Batch;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of no record.
const NONE: u32 = u32::MAX;

/// The records of a batch in lanes: each record of a group leads to the next of it. Lanes are handed out by their first
/// records, in the order of the batch.
#[derive(Debug)]
pub(super) struct Lanes {
    /// The first record of each lane.
    first: Vec<u32>,
    /// The next record of its lane, for each record.
    next: Vec<u32>,
    /// The number of lanes that have been handed out.
    taken: AtomicUsize,
}

impl Lanes {
    /// Makes the lanes of a batch.
    pub(super) fn of(batch: &Batch) -> Lanes {
        let mut lanes = Lanes { first: Vec::new(), next: vec![NONE; batch.len()], taken: AtomicUsize::new(0) };
        let mut last_of: HashMap<&[u8], usize> = HashMap::new();
        for record in 0..batch.len() {
            let group = batch.group(record);
            let before = if group.is_empty() { None } else { last_of.insert(group, record) };
            // A batch lies in one message, which has far fewer bytes than this number can count.
            let number = u32::try_from(record).unwrap_or(NONE);
            match before {
                Some(before) => lanes.next[before] = number,
                None => lanes.first.push(number),
            }
        }
        lanes
    }

    /// Returns the number of lanes.
    pub(super) fn len(&self) -> usize {
        self.first.len()
    }

    /// Takes the next lane, by its first record. Returns `None` if all have been taken.
    pub(super) fn take(&self) -> Option<usize> {
        let lane = self.taken.fetch_add(1, Ordering::Relaxed);
        self.first.get(lane).map(|first| *first as usize)
    }

    /// Returns the record that follows in the same lane; `None` behind the last one.
    pub(super) fn after(&self, record: usize) -> Option<usize> {
        self.next.get(record).copied().filter(|next| *next != NONE).map(|next| next as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(groups: &[&str]) -> Vec<Vec<usize>> {
        let record = |(number, group): (usize, &&str)| {
            format!(
                r#"{{"eventSource":"aws:sqs","eventSourceARN":"a:q.fifo","messageId":"{number}","attributes":{{"MessageGroupId":"{group}"}}}}"#
            )
        };
        let records: Vec<String> = groups.iter().enumerate().map(record).collect();
        let event = format!(r#"{{"Records":[{}]}}"#, records.join(","));
        let batch = Batch::of(b"aws:sqs", event.as_bytes(), event.as_bytes()).expect("a batch");
        let lanes = Lanes::of(&batch);
        let walk = |first| std::iter::successors(Some(first), |record| lanes.after(*record)).collect();
        let all: Vec<Vec<usize>> = std::iter::from_fn(|| lanes.take()).map(walk).collect();
        assert_eq!(all.len(), lanes.len());
        assert!(lanes.take().is_none(), "each lane is taken once");
        all
    }

    #[test]
    fn the_records_of_a_group_follow_one_another_in_the_order_of_the_batch() {
        assert_eq!(lanes(&["a", "b", "a", "c", "b", "a"]), [vec![0, 2, 5], vec![1, 4], vec![3]]);
        assert_eq!(lanes(&["a", "a"]), [[0, 1]]);
    }

    #[test]
    fn records_without_a_group_are_lanes_of_their_own() {
        assert_eq!(lanes(&["", "a", "", "a"]), [vec![0], vec![1, 3], vec![2]]);
        assert!(lanes(&[]).is_empty());
    }
}
