//! Putting a list in order, for lists that are put in order seldom. Each of std's sorts is several kibibytes of code
//! for every kind of item; this one is some hundred bytes. It may not be used where an invocation waits for it as a
//! matter of course.

/// Sorts `items` in place, so that no item stands behind one that it `is_before`. Equal items come in any order. It
/// takes n log n comparisons at worst, and no memory.
pub fn sort<T>(items: &mut [T], is_before: impl Fn(&T, &T) -> bool) {
    for top in (0..items.len() / 2).rev() {
        sink(items, top, &is_before);
    }
    // The first is the last of all in the order: it goes behind those that are left.
    for left in (1..items.len()).rev() {
        items.swap(0, left);
        sink(&mut items[..left], 0, &is_before);
    }
}

/// Moves an item of a heap down until neither of the two below it belongs behind it.
fn sink<T>(heap: &mut [T], mut at: usize, is_before: &impl Fn(&T, &T) -> bool) {
    loop {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        let below = if right < heap.len() && is_before(&heap[left], &heap[right]) { right } else { left };
        if below >= heap.len() || !is_before(&heap[at], &heap[below]) {
            return;
        }
        heap.swap(at, below);
        at = below;
    }
}

#[cfg(test)]
mod tests {
    use super::sort;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_list_comes_out_as_stds_sort_has_it(mut list: Vec<u8>) {
            let mut expected = list.clone();
            expected.sort_unstable();
            sort(&mut list, |a, b| a < b);
            prop_assert_eq!(list, expected);
        }
    }
}
