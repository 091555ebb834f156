//! What only the whole manifest shows: names that occur twice, and events with two owners. Everything is sorted, so that
//! ten thousand functions cost no hundred million comparisons.

use super::mistake::{Path, quoted};
use super::read::Reader;
use super::{EventFilter, FunctionSpec};

/// The indices of items that equal an earlier one, each behind the index of the first that it equals.
pub(super) fn repeats<T: Ord>(items: impl Iterator<Item = T>) -> Vec<(usize, usize)> {
    let mut sorted: Vec<(T, usize)> = items.zip(0..).collect();
    sorted.sort_unstable();
    let equal = sorted.chunk_by(|(one, _), (other, _)| one == other);
    equal.flat_map(|equal| equal.iter().skip(1).map(|(_, again)| (equal[0].1, *again))).collect()
}

impl Reader<'_> {
    /// `offsets` are those of the names. Names that could not be read are empty, and no repeats.
    pub(super) fn names_occur_once(&mut self, functions: &[FunctionSpec], offsets: &[usize], path: &Path<'_>) {
        for (first, again) in repeats(functions.iter().map(|function| function.name.as_str())) {
            let name = &functions[again].name;
            if !name.is_empty() {
                let place = Path::Index(path, again);
                let problem =
                    || format!("expected a name of its own, found {}, which functions[{first}] has", quoted(name));
                self.mistakes.add(offsets[again], &Path::Key(&place, "name"), problem);
            }
        }
    }

    /// Of requests it is the router that knows which patterns are the same. `places` are the index in its function and the
    /// offset of each event.
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
                    Some(((kind.word(), source, event_type), owner, event.position, place))
                }
            })
            .collect();
        for (first, again) in repeats(others.iter().map(|(key, ..)| key)) {
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
    use super::repeats;

    #[test]
    fn every_repeat_stands_behind_the_first_of_its_kind() {
        assert_eq!(repeats(["b", "a", "b", "c", "a", "b"].into_iter()), [(1, 4), (0, 2), (0, 5)]);
        assert_eq!(repeats(std::iter::empty::<&str>()), []);
    }
}
