//! The table of `docs/conformance/http.md` against the tests there are: every statement has a row, and what a row names
//! is a test over both runtimes.

use integration::artifacts::workspace;
use std::process::Command;

#[test]
fn the_table_names_tests_there_are() {
    let this = std::env::current_exe().expect("the test binary has a path");
    let list = Command::new(this).args(["--list", "--format", "terse"]).output().expect("it lists its tests");
    let list = String::from_utf8(list.stdout).expect("names are text");
    let table = workspace().join("docs/conformance/http.md");
    let table = std::fs::read_to_string(&table).unwrap_or_else(|error| panic!("{}: {error}", table.display()));
    let mut numbers = Vec::new();
    for line in table.lines().filter_map(|line| line.strip_prefix("| ")) {
        let cells: Vec<&str> = line.trim_end_matches(" |").split(" | ").collect();
        let Some(number) = cells[0].trim().parse::<u32>().ok() else { continue };
        numbers.push(number);
        let shown = cells[2];
        if shown.starts_with("not ") {
            continue;
        }
        let names: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "statement {number} names no test and no reason");
        for name in names {
            for runtime in ["bootstrap", "light_bootstrap"] {
                assert!(list.contains(&format!("::{name}::{runtime}: test")), "no test {name} over {runtime}");
            }
        }
    }
    assert_eq!(numbers, (1..=25).collect::<Vec<_>>());
}
