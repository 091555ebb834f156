//! The reader of the manifest over a folder of texts, each with what it has to say of it; over the example of its page;
//! and over good texts that proptest damages.
//!
//! Beside each `manifest/*.json` stands a `.txt`: what was read of `good-*`, the mistakes of all others.
//! `FAAS_REWRITE=1 cargo test -p faas-core --test manifest` writes them anew; what differs then is to be read like
//! code.

use faas_core::manifest::{EventFilter, FenceSetting, FunctionSpec, MOST_BYTES, Manifest, Mistake, RecordSpec};
use faas_core::settings::LayerName;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifest")
}

/// Returns the files of the folder with that ending, in the order of their names.
fn files(ending: &str) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("listed").path());
    entries.filter(|path| path.extension().is_some_and(|other| other == ending)).collect()
}

fn is_good(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("good-"))
}

#[test]
fn every_text_is_read_as_its_golden_file_says() {
    let write = std::env::var_os("FAAS_REWRITE").is_some();
    let mut wrong = Vec::new();
    let mut golden = BTreeSet::new();
    for path in files("json") {
        let text = std::fs::read(&path).expect("it can be read");
        let read = Manifest::read(&text);
        assert_eq!(read.is_ok(), is_good(&path), "{}: {read:?}", path.display());
        let seen = match read {
            Ok(manifest) => shown(&manifest),
            Err(mistakes) => {
                lie_in_the_text(&text, &mistakes);
                mistakes.iter().map(|mistake| format!("{mistake}\n")).collect()
            }
        };
        let file = path.with_extension("txt");
        if write {
            std::fs::write(&file, &seen).expect("a golden file can be written");
        }
        let wanted = std::fs::read_to_string(&file).unwrap_or_default();
        if wanted != seen {
            wrong.push(format!("{}\n  golden: {wanted}\n  now: {seen}", path.display()));
        }
        golden.insert(file);
    }
    assert!(wrong.is_empty(), "{} readings differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(files("txt"), golden, "golden files of no text");
}

#[test]
fn no_value_of_a_configuration_or_an_environment_is_shown() {
    let mut texts = 0;
    for path in files("json") {
        let text = std::fs::read(&path).expect("it can be read");
        texts += usize::from(text.windows(7).any(|part| part == b"hunter2"));
        let shown = format!("{:?}", Manifest::read(&text));
        assert!(!shown.contains("hunter2"), "{}: {shown}", path.display());
    }
    assert!(texts > 3, "only {texts} texts with a secret");
    let secret = r#"{"version":1,"layers":[{"name":"l","config":"hunter2"}],"functions":[{"name":"a","config":"hunter2","environment":{"A":"hunter2"}}]}"#;
    let shown = format!("{:?}", Manifest::read(secret.as_bytes()).expect("it is good"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_example_of_the_page_is_read() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/manifest.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let (_, rest) = page.split_once("```json\n").expect("an example");
    let (example, rest) = rest.split_once("```").expect("its end");
    let manifest = Manifest::read(example.as_bytes()).expect("it is good");
    assert!(manifest.functions.len() > 1 && !manifest.layers.is_empty() && manifest.default.is_some());
    let (_, rest) = rest.split_once("```json\n").expect("an example with mistakes");
    let (example, rest) = rest.split_once("```").expect("its end");
    let (_, rest) = rest.split_once("```text\n").expect("what is said of it");
    let (said, _) = rest.split_once("```").expect("its end");
    let mistakes = Manifest::read(example.as_bytes()).expect_err("it has mistakes");
    assert_eq!(mistakes.iter().map(|mistake| format!("{mistake}\n")).collect::<String>(), said);
}

#[test]
fn a_text_of_more_bytes_than_are_read_is_one_mistake() {
    let least = br#"{"version":1,"functions":[{"name":"a"}]}"#;
    let mut text = vec![b' '; MOST_BYTES];
    text[..least.len()].copy_from_slice(least);
    assert!(Manifest::read(&text).is_ok());
    text.push(b' ');
    let mistakes = Manifest::read(&text).expect_err("too long");
    assert_eq!(said(&mistakes), ["line 1, column 1: expected at most 16777216 bytes, found 16777217"]);
}

#[test]
fn ten_thousand_functions_are_the_most() {
    let text = |count: usize| {
        let functions: Vec<String> = (0..count).map(|index| format!(r#"{{"name":"f{index}"}}"#)).collect();
        format!(r#"{{"version":1,"functions":[{}]}}"#, functions.join(","))
    };
    assert_eq!(Manifest::read(text(10_000).as_bytes()).expect("it is good").functions.len(), 10_000);
    let mistakes = Manifest::read(text(10_002).as_bytes()).expect_err("too many");
    assert_eq!(said(&mistakes), ["line 1, column 26, functions: expected at most 10000 functions, found 10002"]);
}

#[test]
fn a_text_that_is_full_of_mistakes_is_read_to_its_end_and_the_first_thousand_are_listed() {
    let keys = r#""k":0,"#.repeat(100_000);
    let mistakes = Manifest::read(format!(r#"{{{keys}"version":1}}"#).as_bytes()).expect_err("unknown keys");
    assert_eq!(mistakes.len(), 1_001);
    let last = mistakes.last().expect("the rest is counted");
    assert_eq!(last.problem, "expected nothing more, found 99001 further mistakes, which are not listed");
}

#[test]
fn the_position_of_an_event_is_kept_for_what_a_router_finds() {
    let text =
        "{\"version\": 1, \"functions\": [{\"name\": \"a\", \"events\": [{\"http\": true},\n  /**/{\"raw\": true}]}]}";
    let text = text.replace("/**/", "");
    let manifest = Manifest::read(text.as_bytes()).expect("it is good");
    let positions: Vec<_> = manifest.functions[0].events.iter().map(|event| event.position.to_string()).collect();
    assert_eq!(positions, ["line 1, column 55", "line 2, column 3"]);
}

fn said(mistakes: &[Mistake]) -> Vec<String> {
    mistakes.iter().map(Mistake::to_string).collect()
}

/// Checks that there is at least one mistake, that all are in order, and that each has a line and a column of the text.
fn lie_in_the_text(text: &[u8], mistakes: &[Mistake]) {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.split('\n').collect();
    assert!(!mistakes.is_empty());
    assert!(mistakes.is_sorted_by_key(|mistake| mistake.position), "{mistakes:?}");
    for mistake in mistakes {
        let line = mistake.position.line.checked_sub(1).and_then(|index| lines.get(index));
        let line = line.unwrap_or_else(|| panic!("no such line: {mistake}"));
        assert!((1..=line.chars().count() + 1).contains(&mistake.position.column), "no such column: {mistake}");
        assert!(!mistake.problem.is_empty());
    }
}

/// Returns all that was read of the manifest.
fn shown(manifest: &Manifest) -> String {
    let mut out = String::new();
    let Manifest { name, digest, layers, strict_slash, caseless, default, functions, secrets: _ } = manifest;
    write!(
        out,
        "name {name:?}, digest {digest:?}, strict slash {strict_slash}, caseless {caseless}, default {default:?}"
    )
    .expect("a text takes all");
    all_layers(&mut out, layers);
    out.push('\n');
    for function in functions {
        let FunctionSpec {
            name,
            handler,
            config,
            environment,
            timeout,
            concurrency,
            start,
            layers,
            fence,
            records,
            events,
        } = function;
        let fence = match fence {
            FenceSetting::Default => "by default".to_owned(),
            FenceSetting::Off => "off".to_owned(),
            FenceSetting::Of { failures, pause } => format!("after {failures} for {pause:?}"),
        };
        write!(
            out,
            "\n{name} is {handler}, timeout {timeout:?}, concurrency {concurrency:?}, {start:?}, fence {fence}"
        )
        .expect("a text takes all");
        all_layers(&mut out, layers);
        writeln!(out, "\n  config: {config}").expect("a text takes all");
        for (name, value) in environment {
            writeln!(out, "  variable: {name:?} = {value:?}").expect("a text takes all");
        }
        let RecordSpec { concurrency, failures } = records;
        if concurrency.is_some() || failures.is_some() {
            writeln!(out, "  records: concurrency {concurrency:?}, failures {failures:?}").expect("a text takes all");
        }
        for event in events {
            let filter = match &event.filter {
                EventFilter::Http { path, methods } => format!("http, path {path:?}, methods {methods:?}"),
                EventFilter::Other { kind, source, event_type } => {
                    format!("{}, source {source:?}, type {event_type:?}", kind.word())
                }
            };
            writeln!(out, "  event: {filter} ({})", event.position).expect("a text takes all");
        }
    }
    out
}

fn all_layers(out: &mut String, layers: &[LayerName]) {
    for LayerName { name, required, config } in layers {
        write!(out, "\n  layer: {name}, required {required}, config {config}").expect("a text takes all");
    }
}

/// The pieces that make the interesting mistakes.
const FRAGMENTS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e9",
    b"\"\"",
    b"{}",
    b"[]",
    b"\"name\":1,",
    b"\"http\":true,",
    b"\"x-y\":0,",
    "\u{e9}".as_bytes(),
    "\u{1f600}".as_bytes(),
    b"\xff",
    b"=",
];

/// Makes good texts with some of their bytes replaced, removed or put in.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let good: Vec<Vec<u8>> = files("json")
        .iter()
        .filter(|path| is_good(path))
        .map(|path| std::fs::read(path).expect("it can be read"))
        .collect();
    let piece = prop_oneof![any::<u8>().prop_map(|byte| vec![byte]), select(FRAGMENTS).prop_map(<[u8]>::to_vec)];
    let harm = (any::<Index>(), 0..4_usize, piece, any::<bool>());
    (select(good), vec(harm, 1..4)).prop_map(|(mut text, harms)| {
        for (place, removed, piece, cut) in harms {
            let start = place.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, if cut { Vec::new() } else { piece });
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_damaged_manifest_is_read_or_has_mistakes_that_lie_in_it(text in damaged()) {
        if let Err(mistakes) = Manifest::read(&text) {
            lie_in_the_text(&text, &mistakes);
        }
    }
}

#[test]
fn every_beginning_of_a_good_manifest_has_mistakes_that_lie_in_it() {
    for path in files("json").iter().filter(|path| is_good(path)) {
        let text = std::fs::read(path).expect("it can be read");
        for end in 0..text.trim_ascii_end().len() {
            lie_in_the_text(&text[..end], &Manifest::read(&text[..end]).expect_err("it is cut off"));
        }
    }
}
