//! `docs/faults.md` against the cases there are: its table is made of them.

use crate::GROUPS;
use integration::artifacts::workspace;
use std::fmt::Write;

const BEGIN: &str =
    "<!-- made by aws_faults: FAAS_REWRITE=1 cargo test -p integration --test aws_faults the_table -->\n";
const END: &str = "<!-- end of what is made -->\n";

fn made() -> String {
    let mut text = String::new();
    for group in GROUPS {
        let _ = write!(text, "\n## {}\n\n| fault | what both runtimes do | shown by |\n|---|---|---|\n", group.title);
        for case in group.cases {
            let _ = writeln!(text, "| {} | {} | `{}` |", case.fault, case.then, case.name);
        }
    }
    text.push('\n');
    text
}

/// Checks that every case is a row, in order, and every row is a case.
pub(crate) fn check() {
    let mut names: Vec<_> = GROUPS.iter().flat_map(|group| group.cases).map(|case| case.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two cases of one name: {names:?}");
    let path = workspace().join("docs/faults.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let Some((before, (table, after))) = parts else { panic!("{}: the lines {BEGIN:?} and {END:?}", path.display()) };
    if std::env::var_os("FAAS_REWRITE").is_some() {
        let text = format!("{before}{BEGIN}{}{END}{after}", made());
        return std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    assert!(table == made(), "{} is not what the cases say; FAAS_REWRITE=1 writes it", path.display());
}
