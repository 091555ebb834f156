//! The JSON lens and writer against serde_json: the same verdict, the same values, the same bytes, over documents that
//! proptest makes up and over real ones that it damages.

use faas_core::json::{self, Document, Key, Value, ValueKind, Writer};
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Tree;

/// The texts that are damaged: every kind of token, escape and whitespace, and an event as a platform sends it.
const DOCUMENTS: &[&str] = &[
    r#"{"version":"2.0","routeKey":"POST /orders/{id}","rawPath":"/orders/42","cookies":["a=1","b=2"],"headers":{"host":"abc.execute-api.eu-west-1.amazonaws.com","x-forwarded-for":"203.0.113.17"},"requestContext":{"http":{"method":"POST"},"timeEpoch":1741610096000},"body":"{\"item\":\"bicycle\",\"note\":\"caf\u00e9 \ud83d\ude00\"}","isBase64Encoded":false}"#,
    " {\r\n\t\"a\" : [ 1 , -2 , 0.5 , -0 , 1e10 , 1E-7 , 12.5e+3 ] , \"b\" : { } , \"c\" : [ ] , \"d\" : [ null , true , false ] }\n",
    r#"["\"\\\/\b\f\n\r\t","\u0041\u00e9\u20ac\ud83d\ude00","é€😀","","]}[{,:"]"#,
    r#"[[[[[[{"a":{"a":{"a":[[{}]]}}}]]]]],{"a":1,"a":2,"\u0061":3,"A":4}]"#,
    r#"[18446744073709551615,18446744073709551616,9223372036854775807,-9223372036854775808,-9223372036854775809,123456789012345678901234567890]"#,
    "null",
    "-1.25e2",
    r#""text""#,
];

/// The pieces of text whose insertion makes the interesting mistakes.
const FRAGMENTS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\\"",
    b"\\u",
    b"\\ud800",
    b"\\udc00",
    b"\\u00",
    b"\\ud83d\\ude00",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"{}",
    b"[]",
    b"{\"a\":",
    b"\"a\":1,",
    b"null",
    b"true",
    b"false",
    b"nul",
    b"0",
    b"00",
    b"-",
    b"+",
    b".",
    b"e",
    b"E9",
    b"1e308",
    b"1e309",
    b"-1e400",
    b"1e-400",
    b" ",
    b"\t",
    b"\n",
    b"\r",
    b"\x0b",
    b"\x0c",
    b"\x00",
    b"\x1f",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xc3",
    b"\xc3\xa9",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"/*",
    b"//",
    b"NaN",
    b"'",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"\"\"\"\"",
    b"\\\\\\\\\\\\\\\\\"",
];

#[derive(Debug, Clone)]
enum Damage {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let fragment = prop_oneof![select(FRAGMENTS).prop_map(<[u8]>::to_vec), vec(any::<u8>(), 1..4)];
    prop_oneof![
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        6 => (any::<Index>(), fragment).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        3 => (any::<Index>(), 1..6_usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        2 => (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        1 => any::<Index>().prop_map(Damage::Cut),
    ]
}

fn damaged(mut text: Vec<u8>, damages: Vec<Damage>) -> Vec<u8> {
    for damage in damages {
        let place = |at: Index| at.index(text.len() + 1);
        match damage {
            Damage::Replace(at, byte) => {
                let at = place(at);
                if let Some(target) = text.get_mut(at) {
                    *target = byte;
                }
            }
            Damage::Insert(at, bytes) => {
                let at = place(at);
                text.splice(at..at, bytes);
            }
            Damage::Remove(at, length) => {
                let at = place(at);
                text.drain(at..(at + length).min(text.len()));
            }
            Damage::Repeat(at, length) => {
                let at = place(at);
                let part = text[at..(at + length).min(text.len())].to_vec();
                text.splice(at..at, part);
            }
            Damage::Cut(at) => text.truncate(place(at)),
        }
    }
    text
}

/// Makes numbers as texts: valid ones, nearly valid ones, and whole ones of 291 to 321 digits, at the limit of an
/// `f64`.
fn number_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?",
        "-?[0-9]{0,3}\\.?[0-9]{0,3}[eE]?[+-]?[0-9]{0,4}",
        "[1-9][0-9]{290,320}",
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let text = prop_oneof![any::<String>(), "[a-c\"\\\\\n]{0,20}", "[ -~é😀]{0,40}"].boxed();
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<u64>().prop_map(Tree::from),
        any::<f64>().prop_map(Tree::from),
        text.clone().prop_map(Tree::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Tree::from),
            hash_map(text.clone(), inner, 0..8).prop_map(|map| Tree::Object(map.into_iter().collect())),
        ]
    })
}

/// Returns `true` if both are the same number. serde_json reads floats with an error of a few units in the last place
/// unless told otherwise; ours are exact.
fn same_float(ours: f64, theirs: f64) -> bool {
    ours == theirs || (ours - theirs).abs() <= (theirs.abs() * 1e-14).max(1e-322)
}

/// Compares everything the lens says about `value` with `tree`, all the way down.
fn assert_same(value: Value<'_>, tree: &Tree) {
    assert_eq!(serde_json::from_slice::<Tree>(value.raw()).ok().as_ref(), Some(tree), "raw bytes");
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
        (Some(ours), Some(theirs)) => assert!(same_float(ours, theirs), "{ours:e} and {theirs:e}"),
        (ours, theirs) => assert_eq!(ours, theirs),
    }
    assert_eq!(value.as_str().as_deref(), tree.as_str());
    let mut text = Vec::new();
    assert_eq!(value.append_str_to(&mut text), tree.is_string());
    assert_eq!(text, tree.as_str().unwrap_or_default().as_bytes());

    let elements: Vec<Value<'_>> = value.elements().collect();
    let expected = tree.as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(elements.len(), expected.len());
    for (element, expected) in elements.into_iter().zip(expected) {
        assert_same(element, expected);
    }

    let Some(object) = tree.as_object() else {
        assert!(value.members().next().is_none());
        assert!(value.get("a").is_none());
        return;
    };
    for (key, expected) in object {
        assert_same(value.get(key).expect("a member that serde_json finds"), expected);
    }
    for (key, _) in value.members() {
        let text = key.as_str();
        let borrowed: &str = &text;
        assert!(key == *borrowed && key == borrowed);
        assert!(object.contains_key(&*text), "a member that serde_json does not have");
        assert_eq!(key != "a", text != "a");
        let mut appended = Vec::new();
        key.append_to(&mut appended);
        assert_eq!(appended, text.as_bytes());
    }
    assert_eq!(value.get("no such key").is_some(), object.contains_key("no such key"));
}

/// Compares what a document says about `value` with what the value says itself. Members are visited in their order,
/// elements from the last one on.
fn assert_same_document<'a>(document: &Document<'a>, value: Value<'a>) {
    let members: Vec<_> = document.members(value).collect();
    let is_same = |(one, other): (&(Key<'_>, Value<'_>), (Key<'_>, Value<'_>))| {
        one.0.raw() == other.0.raw() && one.1.raw() == other.1.raw()
    };
    assert!(members.iter().zip(value.members()).all(is_same) && members.len() == value.members().count());
    let elements: Vec<_> = document.elements(value).collect();
    assert!(elements.iter().map(Value::raw).eq(value.elements().map(|element| element.raw())));
    members.into_iter().for_each(|(_, member)| assert_same_document(document, member));
    elements.into_iter().rev().for_each(|element| assert_same_document(document, element));
}

fn assert_same_verdict(text: &[u8]) {
    let document = Document::parse(text);
    assert_eq!(document.as_ref().err().copied(), json::parse(text).err());
    if let Ok(document) = document {
        assert_same_document(&document, document.value());
    }
    match (json::parse(text), serde_json::from_slice::<Tree>(text)) {
        (Ok(value), Ok(tree)) => assert_same(value, &tree),
        (Err(error), Err(_)) => {
            assert!(error.offset <= text.len());
            assert_eq!(error.found, text.get(error.offset).copied(), "{error}");
        }
        (Ok(_), Err(theirs)) => panic!("accepted what serde_json refuses: {theirs}"),
        (Err(ours), Ok(_)) => panic!("refused what serde_json accepts: {ours}"),
    }
}

fn write(json: &mut Writer<'_>, tree: &Tree) {
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
            list.iter().for_each(|element| write(json, element));
            json.end_array();
        }
        Tree::Object(map) => {
            json.begin_object();
            map.iter().for_each(|(key, value)| write(json.key(key), value));
            json.end_object();
        }
    }
}

#[test]
fn the_documents_themselves_are_read_alike() {
    for document in DOCUMENTS {
        assert!(json::parse(document.as_bytes()).is_ok(), "{document}");
        assert_same_verdict(document.as_bytes());
    }
}

#[test]
fn every_cut_and_every_single_byte_is_judged_alike() {
    for document in DOCUMENTS {
        let text = document.as_bytes();
        for at in 0..text.len() {
            assert_same_verdict(&text[..at]);
            let mut changed = text.to_vec();
            for byte in
                [b'"', b'\\', b'{', b'}', b'[', b']', b',', b':', b'0', b'-', b'e', b' ', b'u', 0x00, 0x1f, 0x80, 0xc3]
            {
                changed[at] = byte;
                assert_same_verdict(&changed);
            }
        }
    }
}

#[test]
fn numbers_around_the_largest_float_are_judged_exactly_where_serde_json_rounds_twice() {
    for (text, here, there) in [
        ("1.7976931348623157e308", Some(f64::MAX), Some(f64::MAX)),
        ("1797693134862315697e290", Some(f64::MAX), None),
        ("1.79769313486231581e308", None, Some(f64::MAX)),
        ("1.7976931348623159e308", None, None),
    ] {
        let ours = json::parse(text.as_bytes()).ok().and_then(|value| value.as_f64());
        let theirs = serde_json::from_str::<Tree>(text).ok().and_then(|tree| tree.as_f64());
        assert_eq!((ours, theirs), (here, there), "{text}");
    }
}

#[test]
fn every_depth_is_judged_alike() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"a":"#, "}]")] {
        for depth in 0..200 {
            assert_same_verdict((open.repeat(depth) + "1" + &close.repeat(depth)).as_bytes());
            assert_same_verdict((open.repeat(depth) + &close.repeat(depth)).as_bytes());
        }
    }
}

#[test]
fn every_escape_unit_is_judged_alike() {
    for unit in 0..=0xFFFF_u32 {
        assert_same_verdict(format!("\"\\u{unit:04x}\"").as_bytes());
    }
    for high in [0xD7FF_u32, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0x0041] {
        for low in [0xD7FF_u32, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0x0041] {
            assert_same_verdict(format!("\"\\u{high:04X}\\u{low:04x}\"").as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn damaged_documents_are_judged_alike(document in select(DOCUMENTS), damages in vec(damage(), 1..5)) {
        assert_same_verdict(&damaged(document.as_bytes().to_vec(), damages));
    }

    #[test]
    fn arbitrary_fragments_are_judged_alike(fragments in vec(select(FRAGMENTS), 0..12)) {
        assert_same_verdict(&fragments.concat());
    }

    #[test]
    fn arbitrary_bytes_in_a_string_are_judged_alike(bytes in vec(any::<u8>(), 0..40)) {
        assert_same_verdict(&bytes);
        assert_same_verdict(&[b"\"", &bytes[..], b"\""].concat());
    }

    #[test]
    fn numbers_are_judged_alike(number in number_text()) {
        assert_same_verdict(number.as_bytes());
        assert_same_verdict(format!("[{number} ,{{\"n\":{number}}}]").as_bytes());
    }

    #[test]
    fn arbitrary_values_are_read_alike_compact_and_pretty(tree in tree()) {
        let compact = serde_json::to_vec(&tree).expect("a tree can be written");
        assert!(json::parse(&compact).is_ok());
        assert_same_verdict(&compact);
        assert_same_verdict(&serde_json::to_vec_pretty(&tree).expect("a tree can be written"));
    }

    #[test]
    fn damaged_values_are_judged_alike(tree in tree(), damages in vec(damage(), 1..4)) {
        assert_same_verdict(&damaged(serde_json::to_vec(&tree).expect("a tree can be written"), damages));
    }

    #[test]
    fn the_writer_writes_the_bytes_serde_json_writes(tree in tree()) {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out), &tree);
        prop_assert_eq!(out, serde_json::to_vec(&tree).expect("a tree can be written"));
    }

    #[test]
    fn strings_of_arbitrary_bytes_are_written_as_their_lossy_text(bytes in vec(any::<u8>(), 0..60)) {
        let mut out = Vec::new();
        Writer::new(&mut out).string(&bytes);
        prop_assert_eq!(out, serde_json::to_vec(&String::from_utf8_lossy(&bytes)).expect("a string can be written"));
    }
}
