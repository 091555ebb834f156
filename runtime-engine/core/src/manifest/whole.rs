//! Finds the mistakes that only the whole manifest shows: names that occur twice, and events with two owners. Nothing
//! is compared with everything else: ten thousand functions would be fifty million comparisons.

use super::mistake::{Path, quoted};
use super::read::Reader;
use super::{EventFilter, FunctionSpec};
use std::collections::HashMap;
use std::hash::Hash;

/// The length up to which lists are compared pair by pair, without memory: nearly all are this short.
const FEW: usize = 8;

/// Returns the indices of items with the key of an earlier one, each behind the index of the first that has it.
pub(super) fn repeats<'i, I, K: Eq + Hash>(items: &'i [I], key: impl Fn(&'i I) -> K) -> Vec<(usize, usize)> {
    if items.len() <= FEW {
        let first = |index: usize| items[..index].iter().position(|other| key(other) == key(&items[index]));
        return (1..items.len()).filter_map(|index| Some((first(index)?, index))).collect();
    }
    let mut firsts = HashMap::with_capacity(items.len());
    let first = |(index, item)| (*firsts.entry(key(item)).or_insert(index), index);
    items.iter().enumerate().map(first).filter(|(first, index)| first < index).collect()
}

impl Reader<'_> {
    /// Checks that each function has a name of its own. `offsets` are those of the names. Names that could not be read
    /// are empty, and count as no repeats.
    pub(super) fn names_occur_once(&mut self, functions: &[FunctionSpec], offsets: &[usize], path: &Path<'_>) {
        for (first, again) in repeats(functions, |function| function.name.as_str()) {
            let name = &functions[again].name;
            if !name.is_empty() {
                let place = Path::Index(path, again);
                let problem =
                    || format!("expected a name of its own, found {}, which functions[{first}] has", quoted(name));
                self.mistakes.add(offsets[again], &Path::Key(&place, "name"), problem);
            }
        }
    }

    /// Checks that no event has two owners. Which patterns of requests are the same, the router knows. `places` are the
    /// index in its function and the offset of each event.
    pub(super) fn events_have_one_owner(
        &mut self,
        functions: &[FunctionSpec],
        places: &[(usize, usize)],
        path: &Path<'_>,
    ) {
        let owned = functions
            .iter()
            .enumerate()
            .flat_map(|(owner, function)| function.events.iter().map(move |event| (owner, event)));
        let others: Vec<_> = owned
            .zip(places)
            .filter_map(|((owner, event), place)| match &event.filter {
                EventFilter::Http { .. } => None,
                EventFilter::Other { kind, source, event_type } => {
                    Some(((*kind, source, event_type), owner, event.position, place))
                }
            })
            .collect();
        for (first, again) in repeats(&others, |(key, ..)| key) {
            let (_, first_owner, position, _) = others[first];
            let (_, owner, _, (index, offset)) = others[again];
            let function = Path::Index(path, owner);
            let events = Path::Key(&function, "events");
            let problem = || match [first_owner, owner].map(|owner| quoted(&functions[owner].name)) {
                [name, _] if first_owner == owner => {
                    format!("expected each event once, found one that {name} has already ({position})")
                }
                [first, name] => {
                    format!("expected an event with one owner, found one of {name} and of {first} ({position})")
                }
            };
            self.mistakes.add(*offset, &Path::Index(&events, *index), problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, repeats};

    #[test]
    fn every_repeat_stands_behind_the_first_of_its_kind() {
        let few = ["b", "a", "b", "c", "a", "b"];
        assert_eq!(repeats(&few, |item| *item), [(0, 2), (1, 4), (0, 5)]);
        let many: Vec<usize> = few.iter().map(|item| item.len()).chain(0..FEW).collect();
        assert_eq!(repeats(&many, |item| *item), [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 7)]);
        assert_eq!(repeats::<&str, &str>(&[], |item| item), []);
    }
}
