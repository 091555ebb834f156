//! Recognises an event of Tablestore in CBOR (RFC 8949), and finds its records. Values are skipped and not decoded, and
//! no memory is allocated.

/// The most values inside of each other that are read, the innermost included; Tablestore's events have five. The limit
/// keeps a hostile event from using up the stack.
const DEPTH: u32 = 16;

/// Returns `true` if the bytes begin with a map that has a text `Version` and a list `Records`. The bytes behind the
/// second of the two are not looked at.
pub(super) fn is_map_of_records(bytes: &[u8]) -> bool {
    let mut cbor = Cbor { rest: bytes };
    let Some(Head { major: MAP, size }) = cbor.head() else { return false };
    let (mut version, mut records) = (false, false);
    let _ = cbor.items(size, |cbor| {
        let key = cbor.text()?;
        let kind = cbor.rest.first()? >> 5;
        version |= key == b"Version" && kind == TEXT;
        records |= key == b"Records" && kind == LIST;
        // `None` ends the walk: both members are found.
        if version && records { None } else { cbor.skip(DEPTH) }
    });
    version && records
}

/// Calls `each` with the bytes of every record of such a map, and with those of its primary key. The latter are empty
/// if the record has no primary key.
///
/// Returns `None` if the bytes are no map, or if it is cut short, malformed or too deep. By then `each` has been called
/// with the records before that place.
pub(in crate::trigger) fn each_record<'a>(bytes: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) -> Option<()> {
    let mut cbor = Cbor { rest: bytes };
    let Some(Head { major: MAP, size }) = cbor.head() else { return None };
    cbor.items(size, |cbor| {
        if cbor.text()? != b"Records" {
            return cbor.skip(DEPTH);
        }
        let Some(Head { major: LIST, size }) = cbor.head() else { return None };
        cbor.items(size, |cbor| {
            let record = cbor.whole()?;
            each(record, member(record, b"PrimaryKey").unwrap_or_default());
            Some(())
        })
    })
}

/// Returns the bytes of a member's value; `None` if there is no such member, or the bytes are no whole map.
fn member<'a>(map: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut cbor = Cbor { rest: map };
    let Some(Head { major: MAP, size }) = cbor.head() else { return None };
    let mut found = None;
    cbor.items(size, |cbor| {
        let is_it = cbor.text()? == name;
        let value = cbor.whole()?;
        if is_it {
            found = Some(value);
        }
        Some(())
    })?;
    found
}

/// The major type of a text in UTF-8 (RFC 8949 §3.1, as those below).
const TEXT: u8 = 3;
/// The major type of an array.
const LIST: u8 = 4;
/// The major type of a map.
const MAP: u8 = 5;
/// The major type of a tag, behind which the tagged value stands.
const TAG: u8 = 6;
/// The major type of floating-point numbers, booleans and null.
const SIMPLE: u8 = 7;

/// The byte that ends a value of indefinite length (RFC 8949 §3.2.1).
const BREAK: u8 = 0xff;

/// A reader of CBOR values, one after the other.
struct Cbor<'a> {
    /// The bytes that have not been read yet.
    rest: &'a [u8],
}

/// The head of a value: its major type and its argument (RFC 8949 §3).
struct Head {
    /// The major type, from 0 to 7.
    major: u8,
    /// The argument: the bytes of a text, the items of a list, the pairs of a map, or the number itself. `None` means
    /// an indefinite length, up to a break.
    size: Option<u64>,
}

impl<'a> Cbor<'a> {
    /// Reads that many bytes; `None` if there are fewer.
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Reads the head of the next value; `None` if it is cut short or malformed.
    fn head(&mut self) -> Option<Head> {
        let first = *self.take(1)?.first()?;
        let size = match first & 0x1f {
            size @ 0..=23 => Some(u64::from(size)),
            size @ 24..=27 => {
                let bytes = self.take(1 << (size - 24))?;
                Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
            }
            31 => None,
            _ => return None,
        };
        Some(Head { major: first >> 5, size })
    }

    /// Reads a text of definite length; `None` if the next value is not such a text, or is cut short.
    fn text(&mut self) -> Option<&'a [u8]> {
        match self.head()? {
            Head { major: TEXT, size: Some(size) } => self.take(usize::try_from(size).ok()?),
            _ => None,
        }
    }

    /// Calls `each` to read every item: `count` items, or with `None` those up to a break. Returns `None` as soon as
    /// `each` does, or if the bytes end before the break.
    fn items(&mut self, count: Option<u64>, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let mut left = count.unwrap_or(u64::MAX);
        while left > 0 {
            if count.is_none() && *self.rest.first()? == BREAK {
                return self.take(1).map(|_| ());
            }
            each(self)?;
            left -= 1;
        }
        Some(())
    }

    /// Reads the next value and returns its bytes; `None` if it is cut short, malformed or too deep.
    fn whole(&mut self) -> Option<&'a [u8]> {
        let before = self.rest;
        self.skip(DEPTH)?;
        before.get(..before.len() - self.rest.len())
    }

    /// Reads the next value without decoding it, if it has at most `depth` values inside of each other. Returns `None`
    /// if it is cut short, malformed or too deep.
    fn skip(&mut self, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match self.head()? {
            Head { major: 0 | 1, size: Some(_) } | Head { major: SIMPLE, size: Some(_) } => Some(()),
            Head { major: 2 | TEXT, size: Some(size) } => self.take(usize::try_from(size).ok()?).map(|_| ()),
            Head { major: TAG, size: Some(_) } => self.skip(depth),
            Head { major: MAP, size } => self.items(size, |cbor| cbor.skip(depth).and_then(|()| cbor.skip(depth))),
            // A text or bytes of indefinite length are skipped like a list of their pieces.
            Head { major: 2 | TEXT | LIST, size } => self.items(size, |cbor| cbor.skip(depth)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{each_record, is_map_of_records};

    /// The member `"Version":"Sync-v1"`, which with the one below makes an event without records.
    const VERSION: &[u8] = b"\x67Version\x67Sync-v1";
    const RECORDS: &[u8] = b"\x67Records\x80";

    fn of(parts: &[&[u8]]) -> bool {
        is_map_of_records(&parts.concat())
    }

    #[test]
    fn the_two_members_are_found_in_any_order_among_others_and_in_maps_without_a_count() {
        let others: &[u8] = b"\x61a\xa1\x01\x82\xf6\xfb\0\0\0\0\0\0\0\0\x61b\x5f\x41x\x41y\xff\x61c\xc1\x19\x01\x00";
        assert!(of(&[b"\xa2", VERSION, RECORDS]));
        assert!(of(&[b"\xa2", RECORDS, VERSION]));
        assert!(of(&[b"\xa5", others, RECORDS, VERSION]));
        assert!(of(&[b"\xbf", others, VERSION, RECORDS, b"\xff"]));
        assert!(of(&[b"\xb8\x02", VERSION, b"\x67Records\x9f\xa0\xff"]));
    }

    #[test]
    fn what_is_cut_short_too_deep_or_of_another_type_is_not() {
        let whole = [b"\xa2", VERSION, RECORDS].concat();
        for end in 0..whole.len() {
            assert!(!is_map_of_records(&whole[..end]), "{end}");
        }
        assert!(!of(&[b"\xa2", b"\x67Version\x01", RECORDS]));
        assert!(!of(&[b"\xa2", VERSION, b"\x67Records\xa0"]));
        assert!(!of(&[b"\xa1", VERSION]));
        assert!(!of(&[b"\x82", VERSION, RECORDS]));
        let deep = [b"\xa3\x61a".as_slice(), &[0x81; 64], b"\x00", VERSION, RECORDS].concat();
        assert!(!is_map_of_records(&deep));
        // A size beyond all memory is refused without a wait and without a panic.
        assert!(!of(&[b"\xa3\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff", VERSION, RECORDS]));
        assert!(!of(&[b"\xa2\x7b\xff\xff\xff\xff\xff\xff\xff\xff"]));
        assert!(!is_map_of_records("{\"Version\":\"\",\"Records\":[]}".as_bytes()));
    }

    #[test]
    fn records_are_told_apart_with_their_primary_keys() {
        let key: &[u8] = b"\x81\xa1\x61k\x01";
        let records = [b"\x82\xa2\x64Type\x63PUT\x6aPrimaryKey", key, b"\xa1\x64Type\x63PUT"].concat();
        let found = |bytes: &[u8]| {
            let mut found = Vec::new();
            each_record(bytes, |record, key| found.push((record.len(), key.to_vec()))).map(|()| found)
        };
        let whole = [b"\xa2", VERSION, b"\x67Records", &records].concat();
        assert_eq!(found(&whole), Some(vec![(26, key.to_vec()), (10, Vec::new())]));
        assert_eq!(found(&[b"\xa2", VERSION, RECORDS].concat()), Some(Vec::new()));
        for end in 0..whole.len() {
            assert_eq!(found(&whole[..end]), None, "{end}");
        }
    }
}
