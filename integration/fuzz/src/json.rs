//! The JSON lens and writer against `serde_json`: the same verdict, the same content, the same bytes.
//!
//! The verdicts differ where the lens documents it: `serde_json` rounds floats with an error of a few units in the last
//! place, so numbers that are the largest float, or a little too much for one, may be judged either way there.

use faas_core::json::{self, ErrorKind, Value, ValueKind, Writer};
use serde_json::Value as Tree;

/// Judges `text` by both readers.
pub fn check(text: &[u8]) {
    match (json::parse(text), serde_json::from_slice::<Tree>(text)) {
        (Ok(value), Ok(tree)) => {
            same(value, &tree);
            let mut out = Vec::new();
            from_tree(&mut Writer::new(&mut out), &tree);
            assert_eq!(out, serde_json::to_vec(&tree).expect("a tree can be written"), "the writer's bytes");
            out.clear();
            copy(&mut Writer::new(&mut out), value);
            let again: Tree = serde_json::from_slice(&out).expect("what the writer copied is JSON");
            assert_eq!(again, tree, "what the writer copied");
        }
        (Err(error), Err(_)) => {
            assert!(error.offset <= text.len());
            assert_eq!(error.found, text.get(error.offset).copied(), "{error}");
        }
        (Ok(value), Err(theirs)) => {
            assert!(theirs.to_string().starts_with("number out of range"), "only accepted here: {theirs}");
            assert!(holds_largest(value), "only accepted here: {theirs}");
        }
        (Err(ours), Ok(_)) => {
            assert_eq!(ours.kind, ErrorKind::NumberRange, "only refused here: {ours}");
            let token = number_at(&text[ours.offset..]);
            let theirs: f64 = serde_json::from_str(token).expect("it was read a moment ago");
            assert_eq!(theirs.abs(), f64::MAX, "only refused here: {token}");
        }
    }
}

fn number_at(text: &[u8]) -> &str {
    let end = text.iter().position(|byte| !b"+-.eE0123456789".contains(byte)).unwrap_or(text.len());
    std::str::from_utf8(&text[..end]).expect("it is ASCII")
}

fn holds_largest(value: Value<'_>) -> bool {
    value.as_f64().is_some_and(|number| number.abs() == f64::MAX)
        || value.elements().any(holds_largest)
        || value.members().any(|(_, value)| holds_largest(value))
}

/// Compares everything the lens says of `value` with `tree`, all the way down.
fn same(value: Value<'_>, tree: &Tree) {
    let kind = match tree {
        Tree::Null => ValueKind::Null,
        Tree::Bool(_) => ValueKind::Bool,
        Tree::Number(_) => ValueKind::Number,
        Tree::String(_) => ValueKind::String,
        Tree::Array(_) => ValueKind::Array,
        Tree::Object(_) => ValueKind::Object,
    };
    assert_eq!(value.kind(), kind);
    assert_eq!(value.is_null(), tree.is_null());
    assert_eq!(value.as_bool(), tree.as_bool());
    assert_eq!(value.as_i64(), tree.as_i64());
    assert_eq!(value.as_u64(), tree.as_u64());
    match (value.as_f64(), tree.as_f64()) {
        (Some(ours), Some(theirs)) => {
            let slack = (theirs.abs() * 1e-14).max(1e-322);
            assert!(ours == theirs || (ours - theirs).abs() <= slack, "{ours:e} and {theirs:e}");
        }
        (ours, theirs) => assert_eq!(ours, theirs),
    }
    assert_eq!(value.as_str().as_deref(), tree.as_str());
    let mut text = Vec::new();
    assert_eq!(value.append_str_to(&mut text), tree.is_string());
    assert_eq!(text, tree.as_str().unwrap_or_default().as_bytes());
    elements(value, tree.as_array().map(Vec::as_slice).unwrap_or_default());
    members(value, tree);
}

fn elements(value: Value<'_>, expected: &[Tree]) {
    let mut elements = value.elements();
    for expected in expected {
        same(elements.next().expect("as many elements as serde_json finds"), expected);
    }
    assert!(elements.next().is_none() && elements.next().is_none(), "more elements than serde_json finds");
}

fn members(value: Value<'_>, tree: &Tree) {
    let Some(object) = tree.as_object() else {
        assert!(value.members().next().is_none());
        assert!(value.get("a").is_none());
        return;
    };
    let mut count = 0;
    for (key, member) in value.members() {
        count += 1;
        let text = key.as_str();
        assert!(key == *text && object.contains_key(&*text), "a key that serde_json does not have");
        assert_eq!(key != "a", text != "a");
        let mut appended = Vec::new();
        key.append_to(&mut appended);
        assert_eq!(appended, text.as_bytes());
        assert!(json::parse(member.raw()).is_ok(), "a member's bytes are a value");
    }
    assert!(count >= object.len());
    for (key, expected) in object {
        same(value.get(key).expect("a member that serde_json finds"), expected);
    }
}

/// Writes a tree of `serde_json`'s.
fn from_tree(json: &mut Writer<'_>, tree: &Tree) {
    match tree {
        Tree::Null => _ = json.null(),
        Tree::Bool(value) => _ = json.bool(*value),
        Tree::String(text) => _ = json.string(text),
        Tree::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => _ = json.number(number),
            (None, Some(number)) => _ = json.signed(number),
            (None, None) => _ = json.raw(number.to_string().as_bytes()),
        },
        Tree::Array(list) => {
            json.begin_array();
            list.iter().for_each(|element| from_tree(json, element));
            json.end_array();
        }
        Tree::Object(map) => {
            json.begin_object();
            map.iter().for_each(|(key, value)| from_tree(json.key(key), value));
            json.end_object();
        }
    }
}

/// Writes what the lens sees: texts decoded and escaped anew, repeated keys kept.
fn copy(json: &mut Writer<'_>, value: Value<'_>) {
    match value.kind() {
        ValueKind::String => _ = json.string(value.as_str().expect("a string has a text").as_bytes()),
        ValueKind::Array => {
            json.begin_array();
            value.elements().for_each(|element| copy(json, element));
            json.end_array();
        }
        ValueKind::Object => {
            json.begin_object();
            value.members().for_each(|(key, value)| copy(json.key(key.as_str().as_bytes()), value));
            json.end_object();
        }
        ValueKind::Null | ValueKind::Bool | ValueKind::Number => _ = json.raw(value.raw()),
    }
}
