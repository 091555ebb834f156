//! The table of `docs/platforms.md` is made from the tests of this binary: platforms by behaviours, each cell one test
//! over both runtimes.
//!
//! `FAAS_REWRITE=1 cargo test -p integration --test platforms the_table` writes it; without that a difference fails.

use crate::PLATFORMS;
use faas_core::platform::named;
use integration::artifacts::workspace;
use std::fmt::Write;
use std::process::Command;

/// The columns: tests, and the head. A platform has one of two tests where two are named.
const COLUMNS: &[(&[&str], &str)] = &[
    (&["echo"], "echo"),
    (&["inspect_over_every_trigger"], "every trigger"),
    (&["error"], "error"),
    (&["panic"], "panic"),
    (&["deadline"], "deadline"),
    (&["large_body"], "large body"),
    (&["init_failure"], "init failure"),
    (&["sigterm_in_flight"], "SIGTERM in flight"),
    (&["concurrency", "refusal"], "several at once"),
    (&["several_functions"], "several functions"),
];

const BEGIN: &str = "<!-- made by the tests: begin -->\n";
const END: &str = "<!-- made by the tests: end -->\n";

fn table(tests: &str) -> String {
    let has = |module: &str, cell: &str| {
        ["bootstrap", "light_bootstrap"]
            .iter()
            .all(|runtime| tests.contains(&format!("{module}::matrix::{cell}::{runtime}: test")))
    };
    let mut out = String::from("| platform |");
    COLUMNS.iter().for_each(|(_, head)| write!(out, " {head} |").expect("a text takes all"));
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(COLUMNS.len()));
    out.push('\n');
    for platform in PLATFORMS {
        let title = named(platform.word).expect("the runtime knows it").title;
        write!(out, "| [{title}](platforms/{}.md) |", platform.word).expect("a text takes all");
        for (cells, _) in COLUMNS {
            let shown = cells.iter().find(|cell| has(platform.module, cell));
            let shown = match shown {
                Some(&"concurrency") => "served",
                Some(&"refusal") => "refused",
                Some(_) => "yes",
                None => "no",
            };
            write!(out, " {shown} |").expect("a text takes all");
        }
        out.push('\n');
    }
    out
}

#[test]
fn the_table_is_what_the_tests_show() {
    let this = std::env::current_exe().expect("the test binary has a path");
    let list = Command::new(this).args(["--list", "--format", "terse"]).output().expect("it lists its tests");
    let made = table(&String::from_utf8(list.stdout).expect("names are text"));
    let path = workspace().join("docs/platforms.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the table");
    let (written, after) = rest.split_once(END).expect("the table ends");
    if std::env::var_os("FAAS_REWRITE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{made}{END}{after}")).expect("the page can be written");
        return;
    }
    assert_eq!(written, made, "docs/platforms.md; FAAS_REWRITE=1 writes it anew");
    assert!(!made.contains(" no |"), "a cell without a test:\n{made}");
}

#[test]
fn every_platform_of_the_runtime_is_in_the_matrix() {
    let mut tested: Vec<&str> = PLATFORMS.iter().map(|platform| platform.word).collect();
    let mut known: Vec<&str> = faas_core::platform::NAMES.iter().map(|names| names.word).collect();
    tested.sort_unstable();
    known.sort_unstable();
    assert_eq!(tested, known);
}
