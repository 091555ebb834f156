//! The common part of HTTP shapes in JSON: texts, maps of headers and queries, the body. It was made for those of AWS,
//! which other clouds have taken over.
//!
//! Everything is read leniently: a map may hold texts or lists of texts, a text may be a number or a boolean, and what
//! fits nowhere is left out.

use super::super::view::{Body, HttpView};
use super::members::Event;
use crate::encoding::{base64, percent};
use crate::fields::Fields;
use crate::json::{Key, Value, ValueKind as Json};
use crate::order::sort;
use crate::text::Span;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Calls `set` with the text of a string, or of a number or boolean as it stands.
pub(in crate::trigger) fn text(value: Option<Value<'_>>, set: impl FnOnce(&[u8])) {
    if let Some(text) = value.and_then(text_of) {
        set(text.as_bytes());
    }
}

#[inline(never)]
fn text_of(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Json::String => value.as_str(),
        Json::Number | Json::Bool => std::str::from_utf8(value.raw()).ok().map(Cow::Borrowed),
        Json::Null | Json::Array | Json::Object => None,
    }
}

/// Calls `each` with every name and value of a map, with repeats where a value is a list.
pub(in crate::trigger) fn pairs<'a>(map: Option<Value<'a>>, mut each: impl FnMut(Key<'a>, &[u8])) {
    for (key, value) in map.iter().flat_map(|map| map.members()) {
        each_text(value, |text| each(key, text));
    }
}

/// Calls `each` with the text of a value, or of each element if it is a list.
pub(in crate::trigger) fn each_text(value: Value<'_>, mut each: impl FnMut(&[u8])) {
    if value.kind() == Json::Array {
        value.elements().for_each(|value| text(Some(value), &mut each));
    } else {
        text(Some(value), each);
    }
}

/// Adds all names and values of a map to the list, as they stand.
pub(in crate::trigger) fn map(map: Option<Value<'_>>, out: &mut Fields) {
    pairs(map, |key, value| out.add_pair_with(|name| key.append_to(name), |out| out.extend_from_slice(value)));
}

/// Adds the map of lists, and those names of the map of single values that the first one lacks. `order` compares names.
pub(in crate::trigger) fn both_maps(
    lists: Option<Value<'_>>,
    singles: Option<Value<'_>>,
    out: &mut Fields,
    order: fn(&[u8], &[u8]) -> Ordering,
) {
    map(lists, out);
    if out.is_empty() {
        return map(singles, out);
    }
    let listed = Listed::of(out, order);
    pairs(singles, |key, value| {
        let name = key.as_str();
        if !listed.has(out, name.as_bytes(), order) {
            out.add(name.as_bytes(), value);
        }
    });
}

/// The names that a list holds by now. A sender chooses their number, and comparing each name with all others would
/// take minutes for a long list.
enum Listed {
    /// The list has this many names. They are so few that going through them costs less than putting them in order.
    Few(usize),
    /// The places of the names in the list, in the order of the names.
    Sorted(Vec<u32>),
}

impl Listed {
    const FEW: usize = 24;

    fn of(fields: &Fields, order: fn(&[u8], &[u8]) -> Ordering) -> Listed {
        if fields.len() <= Listed::FEW {
            return Listed::Few(fields.len());
        }
        let mut places: Vec<u32> = (0..u32::try_from(fields.len()).unwrap_or(u32::MAX)).collect();
        sort(&mut places, |a, b| order(name_at(fields, *a), name_at(fields, *b)).is_lt());
        Listed::Sorted(places)
    }

    fn has(&self, fields: &Fields, name: &[u8], order: fn(&[u8], &[u8]) -> Ordering) -> bool {
        match self {
            Listed::Few(count) => {
                let mut names = fields.iter().take(*count).map(|(other, _)| other);
                names.any(|other| other.len() == name.len() && order(other, name).is_eq())
            }
            Listed::Sorted(places) => places.binary_search_by(|place| order(name_at(fields, *place), name)).is_ok(),
        }
    }
}

fn name_at(fields: &Fields, place: u32) -> &[u8] {
    fields.at(place as usize).map_or(&[], |(name, _)| name)
}

/// Takes a query that stands percent-coded in a map. The raw query is joined from it, and the decoded one is read from
/// the raw one.
pub(super) fn coded_query(map: Option<Value<'_>>, view: &mut HttpView) {
    let mut raw = Vec::new();
    pairs(map, |key, value| {
        if !raw.is_empty() {
            raw.push(b'&');
        }
        // A name or value that would end where it should not was not coded at the source.
        joinable(key.as_str().as_bytes(), true, &mut raw);
        raw.push(b'=');
        joinable(value, false, &mut raw);
    });
    view.set_coded_query(&raw);
    view.decode_query();
}

/// Appends a part of a coded query with `&`, and in names `=`, coded.
fn joinable(part: &[u8], name: bool, out: &mut Vec<u8>) {
    for byte in part {
        if *byte == b'&' || (name && *byte == b'=') {
            percent::encode_query_into(out, &[*byte]);
        } else {
            out.push(*byte);
        }
    }
}

/// Returns the place of an event's body. Base64 that does not decode is taken as the text it is. A body that is no
/// string, as consoles send by hand, is its JSON.
pub(super) fn body(event: &Event<'_>, coded: Option<Value<'_>>) -> Body {
    let coded = coded.and_then(|flag| flag.as_bool()) == Some(true);
    body_of(event.bytes, event.top.body, coded)
}

/// Returns the body in a member of any event whose text is `bytes`, as [`body`] does.
pub(in crate::trigger) fn body_of(bytes: &[u8], body: Option<Value<'_>>, coded: bool) -> Body {
    let Some(body) = body.filter(|body| !body.is_null()) else { return Body::Empty };
    let raw = body.raw();
    if body.kind() != Json::String {
        return Body::Part(Span::of(bytes, raw));
    }
    let quoted = raw.get(1..raw.len() - 1).unwrap_or_default();
    if quoted.is_empty() {
        return Body::Empty;
    }
    let mut own = Vec::new();
    if !quoted.contains(&b'\\') {
        if coded && base64::decode_into(&mut own, quoted).is_ok() {
            return Body::Own(own);
        }
        return Body::Part(Span::of(bytes, quoted));
    }
    body.append_str_to(&mut own);
    let mut decoded = Vec::new();
    if coded && base64::decode_into(&mut decoded, &own).is_ok() {
        return Body::Own(decoded);
    }
    Body::Own(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{caseless_order, exact_order};
    use crate::json;
    use std::cell::Cell;

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    fn counted(a: &[u8], b: &[u8]) -> Ordering {
        COMPARED.set(COMPARED.get() + 1);
        caseless_order(a, b)
    }

    /// Returns a map of `count` names, with this one before their numbers.
    fn object(name: &str, count: usize, value: &str) -> String {
        let members: Vec<String> = (0..count).map(|at| format!("\"{name}{at}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn both_maps_are_read_in_work_that_grows_with_their_size_and_not_with_its_square() {
        for (count, singles) in [(10, "x"), (1000, "x"), (1000, "y"), (5000, "x"), (5000, "y")] {
            let (lists, singles) = (object("X", count, "[\"1\"]"), object(singles, count, "\"2\""));
            let [lists, singles] = [&lists, &singles].map(|text| json::parse(text.as_bytes()).expect("JSON"));
            COMPARED.set(0);
            let mut fields = Fields::default();
            both_maps(Some(lists), Some(singles), &mut fields, counted);
            let each = count.ilog2() as usize + 2;
            assert!(COMPARED.get() <= 4 * count * each, "{} comparisons for {count} names", COMPARED.get());
        }
    }

    #[test]
    fn many_names_are_merged_as_few_are() {
        for count in [2, Listed::FEW, Listed::FEW + 1, 500] {
            let lists = object("A", count, "[\"1\",\"2\"]");
            let singles = format!(r#"{{"a1":"0","Only":"3","A{count}":"4"}}"#);
            let [lists, singles] = [&lists, &singles].map(|text| json::parse(text.as_bytes()).expect("JSON"));
            let read = |order| {
                let mut fields = Fields::default();
                both_maps(Some(lists), Some(singles), &mut fields, order);
                let all = fields.iter().skip(2 * count).map(|(name, value)| [name, value].map(<[u8]>::to_vec));
                all.collect::<Vec<_>>()
            };
            let pair = |name: &str, value: &str| [name, value].map(|text| text.as_bytes().to_vec());
            let last = format!("A{count}");
            assert_eq!(read(caseless_order), [pair("Only", "3"), pair(&last, "4")]);
            assert_eq!(read(exact_order), [pair("a1", "0"), pair("Only", "3"), pair(&last, "4")]);
        }
    }
}
