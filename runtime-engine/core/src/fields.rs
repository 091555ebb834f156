//! A list of names and values over one [`Text`]: order and repeats are kept, what has been shown does not move when the
//! list is changed, and a cleared list allocates nothing when it is filled again.

use crate::text::{Span, Text};
use std::cmp::Ordering;

/// Names and values in order.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    text: Text,
    items: Vec<(Span, Span)>,
}

impl Fields {
    /// Returns the number of pairs.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns `true` if there is no pair.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the pair at that place; `None` behind the last.
    pub fn at(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let (name, value) = self.items.get(index)?;
        let text = self.text.as_slice();
        Some((name.read(text), value.read(text)))
    }

    /// Returns all pairs in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let text = self.text.as_slice();
        self.items.iter().map(move |(name, value)| (name.read(text), value.read(text)))
    }

    /// Returns the first value of that name; `None` if no field has the name. `same` compares names.
    pub fn get(&self, name: &[u8], same: fn(&[u8], &[u8]) -> bool) -> Option<&[u8]> {
        self.iter().find(|(other, _)| same(other, name)).map(|(_, value)| value)
    }

    /// Adds a pair behind the others.
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        let name = self.text.put(name);
        let value = self.text.put(value);
        self.items.push((name, value));
    }

    /// Adds one more pair, with the value written by `write` straight into the list's memory. It is only for a list
    /// that nobody has been shown yet: see [`Text::write`].
    pub fn add_with(&mut self, name: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        let name = self.text.put(name);
        let value = self.text.write(write);
        self.items.push((name, value));
    }

    /// Adds a pair as [`add_with`](Fields::add_with) does, both written by closures.
    pub fn add_pair_with(&mut self, name: impl FnOnce(&mut Vec<u8>), value: impl FnOnce(&mut Vec<u8>)) {
        let name = self.text.write(name);
        let value = self.text.write(value);
        self.items.push((name, value));
    }

    /// Replaces all values of that name by one, in the place of the first.
    #[inline(never)]
    pub fn set(&mut self, name: &[u8], value: &[u8], same: fn(&[u8], &[u8]) -> bool) {
        let new = (self.text.put(name), self.text.put(value));
        let text = self.text.as_slice();
        match self.items.iter().position(|(other, _)| same(other.read(text), name)) {
            Some(first) => {
                self.items[first] = new;
                // Nearly always it was the last one that is there.
                if first + 1 < self.items.len() {
                    let mut index = 0;
                    self.items.retain(|(other, _)| {
                        index += 1;
                        index - 1 <= first || !same(other.read(text), name)
                    });
                }
            }
            None => self.items.push(new),
        }
    }

    /// Removes all values of that name; returns `true` if there were any.
    pub fn remove(&mut self, name: &[u8], same: fn(&[u8], &[u8]) -> bool) -> bool {
        let before = self.items.len();
        let text = self.text.as_slice();
        self.items.retain(|(other, _)| !same(other.read(text), name));
        self.items.len() < before
    }

    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.items.clear();
    }
}

/// Returns the order of two names in which equal ones are those that [`caseless`] calls equal.
pub fn caseless_order(a: &[u8], b: &[u8]) -> Ordering {
    a.iter().map(u8::to_ascii_lowercase).cmp(b.iter().map(u8::to_ascii_lowercase))
}

/// Returns the order of two names in which equal ones are those that [`exact`] calls equal.
pub fn exact_order(a: &[u8], b: &[u8]) -> Ordering {
    a.cmp(b)
}

/// Returns the text with the ASCII letters in lower case. std's code for this is a kibibyte wherever it is called, so
/// it is called here alone.
#[inline(never)]
pub fn lower_case(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// Compares names as they are: query, cookies, path parameters.
pub fn exact(a: &[u8], b: &[u8]) -> bool {
    a == b
}

/// Compares names without case: headers.
// Std's comparison goes byte by byte, which is most of what a header of a common name costs where clients do not spell it
// as it is written here.
#[inline(never)]
pub fn caseless(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && caseless_words(a, b)
}

/// Returns `true` if the name is `known`, without case. It is for a name that is written where this is called: the
/// compiler then knows where its letters are, and compares it in two or three steps a word.
#[inline(always)]
pub fn is_named<const N: usize>(name: &[u8], known: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(name).is_ok_and(|name| caseless_words(name, known))
}

/// Compares two texts of the same length without case. The end that is no whole word is compared as the text's last
/// word, which overlaps the one before it.
#[inline(always)]
fn caseless_words(a: &[u8], b: &[u8]) -> bool {
    let (long, short) = (|text: &[u8; 8]| u64::from_ne_bytes(*text), |text: &[u8; 4]| u32::from_ne_bytes(*text).into());
    if let (Some(end), Some(other)) = (a.last_chunk(), b.last_chunk()) {
        let mut words = a.as_chunks().0.iter().zip(b.as_chunks().0);
        return words.all(|(word, other)| caseless_word(long(word), long(other)))
            && caseless_word(long(end), long(other));
    }
    match (a.first_chunk(), b.first_chunk(), a.last_chunk(), b.last_chunk()) {
        (Some(start), Some(other_start), Some(end), Some(other_end)) => {
            caseless_word(short(start), short(other_start)) && caseless_word(short(end), short(other_end))
        }
        _ => a.iter().zip(b).all(|(byte, other)| byte.eq_ignore_ascii_case(other)),
    }
}

/// Compares eight bytes without case, all at once.
#[inline(always)]
fn caseless_word(word: u64, other: u64) -> bool {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    // No sum reaches the next byte, since none of them is above 0x7f + 0x1f.
    let low = (other | each(b' ')) & each(0x7f);
    let (from_a, after_z) = (low + each(0x80 - b'a'), low + each(0x7f - b'z'));
    let letters = (from_a & !after_z) & !other & each(0x80);
    // A letter of either case differs from the other in the bit 0x20 alone.
    (word ^ other) & !(letters >> 2) == 0
}

/// Compares names as [`caseless`] does, for names that nearly all senders spell as they are written here. Equal bytes
/// are found where it is called.
#[inline(always)]
pub fn caseless_inline(a: &[u8], b: &[u8]) -> bool {
    a == b || caseless(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(fields: &Fields) -> Vec<(&str, &str)> {
        fields
            .iter()
            .map(|(name, value)| (std::str::from_utf8(name).unwrap(), std::str::from_utf8(value).unwrap()))
            .collect()
    }

    #[test]
    fn repeats_are_kept_in_order_and_set_replaces_them_all() {
        let mut fields = Fields::default();
        for (name, value) in [("A", "1"), ("b", "2"), ("a", "3")] {
            fields.add(name.as_bytes(), value.as_bytes());
        }
        assert_eq!(fields.get(b"a", caseless), Some(&b"1"[..]));
        assert_eq!(fields.get(b"a", exact), Some(&b"3"[..]));
        fields.set(b"a", b"9", caseless);
        assert_eq!(list(&fields), [("a", "9"), ("b", "2")]);
        assert!(fields.remove(b"B", caseless));
        assert!(!fields.remove(b"B", caseless));
        assert_eq!(list(&fields), [("a", "9")]);
    }

    #[test]
    fn letters_alone_have_a_case_at_every_place_of_a_name_of_any_length() {
        for len in 1..20 {
            for at in 0..len {
                for (byte, other) in (0..=u8::MAX).flat_map(|byte| [0x20, 0x40, 0x80, 1].map(|bit| (byte, byte ^ bit)))
                {
                    let (mut a, mut b) = (vec![b'-'; len], vec![b'-'; len]);
                    (a[at], b[at]) = (byte, other);
                    assert_eq!(caseless(&a, &b), a.eq_ignore_ascii_case(&b), "{a:?} {b:?}");
                    assert!(caseless(&a, &a.to_ascii_uppercase()));
                    let known = |known: &[u8]| match *known {
                        [a] => is_named(&b, &[a]),
                        [a, c, d, e] => is_named(&b, &[a, c, d, e]),
                        _ => <&[u8; 14]>::try_from(known).map_or(caseless(&b, known), |known| is_named(&b, known)),
                    };
                    assert_eq!(known(&a), a.eq_ignore_ascii_case(&b), "{a:?} {b:?}");
                }
            }
            assert!(!caseless(&vec![b'-'; len], &vec![b'-'; len - 1]));
        }
    }

    #[test]
    fn a_part_of_a_buffer_has_a_span_and_a_stranger_has_none() {
        let buffer = b"hello world".to_vec();
        let world = Span::of(&buffer, &buffer[6..]);
        assert_eq!((world.start(), world.read(&buffer)), (6, &b"world"[..]));
        let stranger = b"world".to_vec();
        assert!(Span::of(&buffer, &stranger).is_empty());
    }
}
