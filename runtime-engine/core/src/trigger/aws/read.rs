//! What HTTP shapes in JSON have in common: texts, maps of headers and queries, the body. Made for those of AWS, which
//! other clouds have taken over.
//!
//! Everything is read leniently: a map may hold texts or lists of texts, a text may be a number or a boolean, and what
//! fits nowhere is left out.

use super::super::view::{Body, HttpView};
use super::members::Event;
use crate::encoding::{base64, percent};
use crate::fields::{Fields, Span};
use crate::json::{Key, Kind as Json, Value};

/// Calls `set` with the text of a string, or of a number or boolean as it stands.
pub(in crate::trigger) fn text(value: Option<Value<'_>>, set: impl FnOnce(&[u8])) {
    let Some(value) = value else { return };
    match value.kind() {
        Json::String => {
            if let Some(text) = value.as_str() {
                set(text.as_bytes());
            }
        }
        Json::Number | Json::Bool => set(value.raw()),
        Json::Null | Json::Array | Json::Object => {}
    }
}

/// Calls `each` with every name and value of a map, with repeats where a value is a list.
pub(in crate::trigger) fn pairs<'a>(map: Option<Value<'a>>, mut each: impl FnMut(Key<'a>, &[u8])) {
    let Some(map) = map else { return };
    for (key, value) in map.members() {
        if value.kind() == Json::Array {
            value.elements().for_each(|value| text(Some(value), |text| each(key, text)));
        } else {
            text(Some(value), |text| each(key, text));
        }
    }
}

/// Adds a map as it stands.
pub(in crate::trigger) fn map(map: Option<Value<'_>>, out: &mut Fields) {
    pairs(map, |key, value| out.add_pair_with(|name| key.append_to(name), |out| out.extend_from_slice(value)));
}

/// Adds the map of lists, and of the map of single values the names that it lacks; `same` compares names.
pub(in crate::trigger) fn both_maps(
    lists: Option<Value<'_>>,
    singles: Option<Value<'_>>,
    out: &mut Fields,
    same: fn(&[u8], &[u8]) -> bool,
) {
    map(lists, out);
    if out.is_empty() {
        return map(singles, out);
    }
    let listed = out.len();
    pairs(singles, |key, value| {
        let name = key.as_str();
        if !out.iter().take(listed).any(|(other, _)| same(other, name.as_bytes())) {
            out.add(name.as_bytes(), value);
        }
    });
}

/// Takes a query that stands percent-coded in a map: the raw query is joined from it, the decoded one read from that.
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

/// The body of an event. Base64 that does not decode is taken as the text it is; a body that is no string, as consoles
/// send by hand, is its JSON.
pub(super) fn body(event: &Event<'_>, coded: Option<Value<'_>>) -> Body {
    let coded = coded.and_then(|flag| flag.as_bool()) == Some(true);
    body_of(event.bytes, event.top.body, coded)
}

/// The same for a member of any event whose text is `bytes`.
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
