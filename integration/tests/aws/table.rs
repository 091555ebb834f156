//! The table of `docs/conformance/aws-lambda.md` against the tests there are: every statement of the checklist has a
//! row, every test it names exists, and every test of a statement is named.

use integration::artifacts::workspace;
use std::collections::BTreeSet;
use std::process::Command;

const STATEMENTS: std::ops::RangeInclusive<u32> = 1..=39;

/// Returns the names of tests, `checklist_…`, in a text.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("checklist_")).map(str::to_owned).collect()
}

fn statement(test: &str) -> Option<u32> {
    test.strip_prefix("checklist_")?.get(..2)?.parse().ok()
}

/// Returns the tests of this binary, each of which is there for both runtimes.
fn own() -> BTreeSet<String> {
    let this = std::env::current_exe().expect("the test binary has a path");
    let list = Command::new(this).args(["--list", "--format", "terse"]).output().expect("it lists its tests");
    let list = String::from_utf8(list.stdout).expect("names are text");
    let mut tests = BTreeSet::new();
    for name in named(&list) {
        for runtime in ["bootstrap", "light_bootstrap"] {
            assert!(list.contains(&format!("{name}::{runtime}: test")), "{name} is missing over {runtime}");
        }
        tests.insert(name);
    }
    tests
}

/// Returns the tests of the emulator.
fn emulators() -> BTreeSet<String> {
    let folder = workspace().join("integration/emulators/tests");
    let files = std::fs::read_dir(folder).expect("the emulators have tests").filter_map(Result::ok);
    let sources = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    sources.flat_map(|source| named(&source)).collect()
}

#[test]
fn the_table_and_the_tests_agree() {
    let table = workspace().join("docs/conformance/aws-lambda.md");
    let table = std::fs::read_to_string(&table).unwrap_or_else(|error| panic!("{}: {error}", table.display()));
    let rows: Vec<(u32, BTreeSet<String>)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?.trim().parse().ok()?, named(line)))
        })
        .collect();
    assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), STATEMENTS.collect::<Vec<_>>());
    for (number, tests) in &rows {
        assert!(!tests.is_empty(), "statement {number} names no test");
        assert!(tests.iter().all(|test| statement(test) == Some(*number)), "row {number} names {tests:?}");
    }
    let in_table: BTreeSet<String> = rows.into_iter().flat_map(|(_, tests)| tests).collect();
    let there: BTreeSet<String> = own().union(&emulators()).cloned().collect();
    assert_eq!(in_table, there, "left: named in the table; right: the tests there are");
}
