//! A conformance table in `docs/conformance` against the tests there are: every statement has a row, and every test
//! that a row names exists over both runtimes.

use crate::artifacts::workspace;
use std::ops::RangeInclusive;
use std::process::Command;

/// Makes the test `table::the_table_names_tests_there_are` of a platform's module: [`check`] of the table at that path,
/// whose statements have these numbers.
#[macro_export]
macro_rules! statements {
    ($path:literal, $numbers:expr) => {
        mod table {
            #[test]
            fn the_table_names_tests_there_are() {
                $crate::table::check(module_path!(), $path, $numbers);
            }
        }
    };
}

/// Checks the table at `path`, relative to the workspace, whose statements have these numbers. `module` is the
/// `module_path!()` of the caller: the tests are looked for in its binary, under its parent. A row that is not shown by
/// a test says `not …` and why.
///
/// # Panics
/// The table and the tests differ.
pub fn check(module: &str, path: &str, numbers: RangeInclusive<u32>) {
    let this = std::env::current_exe().expect("the test binary has a path");
    let list = Command::new(this).args(["--list", "--format", "terse"]).output().expect("it lists its tests");
    let list = String::from_utf8(list.stdout).expect("names are text");
    // The path is without the name of the binary, which tests do not carry.
    let inside = module.split_once("::").map_or("", |(_, inside)| inside);
    let parent = inside.rsplit_once("::").map_or("", |(parent, _)| parent);
    let table = workspace().join(path);
    let table = std::fs::read_to_string(&table).unwrap_or_else(|error| panic!("{}: {error}", table.display()));
    let mut found = Vec::new();
    for line in table.lines().filter_map(|line| line.strip_prefix("| ")) {
        let cells: Vec<&str> = line.trim_end_matches(" |").split(" | ").collect();
        let Some(number) = cells[0].trim().parse::<u32>().ok() else { continue };
        found.push(number);
        let shown = cells[2];
        if shown.starts_with("not ") {
            continue;
        }
        let names: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{path}: statement {number} names no test and no reason");
        for name in names {
            for runtime in ["bootstrap", "light_bootstrap"] {
                let end = format!("::{name}::{runtime}: test");
                let is_one = list.lines().any(|test| test.starts_with(parent) && test.ends_with(&end));
                assert!(is_one, "{path}: statement {number} names {name}, which is no test over {runtime}");
            }
        }
    }
    assert_eq!(found, numbers.collect::<Vec<_>>(), "{path}: the statements in order");
}
