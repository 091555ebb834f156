//! Every command of README, of the pages of `docs` and of the platforms' pages is run as it stands there, in the order
//! of its page, and the output on a page is compared with the real one. Commands that cannot run here stand in one
//! table with the reason, `pages/left_out.rs`: a new command either runs or has a line there.
//!
//! Pages of the service run one after the other, and so do the others beside them, in folders that are the same in each
//! run, so that cargo builds little anew.
#![forbid(unsafe_code)]

#[path = "pages/compare.rs"]
mod compare;
#[path = "pages/left_out.rs"]
mod left_out;
#[path = "pages/page.rs"]
mod page;
#[path = "pages/place.rs"]
mod place;
#[path = "pages/replay.rs"]
mod replay;

use integration::artifacts;
use integration::needs::{Foreign, always, folder, once, program};
use left_out::LEFT_OUT;
use libtest_mimic::{Arguments, Failed, Trial};
use page::Page;
use place::Places;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let pages: Vec<Page> = names().into_iter().map(|name| Page::read(&name)).collect();
    let mut trials: Vec<Trial> = vec![of_table(&pages), of_placeholders(&pages)];
    let places = Arc::new(OnceLock::new());
    for page in
        pages.into_iter().filter(|page| page.commands().any(|command| left_out::reason(page, command).is_none()))
    {
        let name = format!("the_commands_of::{}", page.name.trim_end_matches(".md").replace('/', "::"));
        let places = Arc::clone(&places);
        let needs = needs(&page);
        let run = move || {
            let places = places.get_or_init(Places::make).as_ref().map_err(String::clone)?;
            replay::replay(&page, places)
        };
        trials.push(match needs {
            Some(needs) => once(&needs, &name, move |_| run()),
            None => always(&name, run),
        });
    }
    // Each waits for its turn.
    arguments.test_threads.get_or_insert(trials.len());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Returns the foreign programs that a page's commands call, by themselves or by the tool.
fn needs(page: &Page) -> Option<Foreign> {
    let run = || page.commands().filter(|command| left_out::reason(page, command).is_none());
    let has = |word: &str| run().any(|command| command.text.contains(word));
    let of_words = [
        has("cargo faas package").then(|| folder("zig")),
        has("--base").then(|| program("umoci")),
        has(" go build").then(|| program("go")),
        has("c++ ").then(|| program("g++")),
    ];
    of_words.into_iter().flatten().reduce(Foreign::and)
}

/// Returns README, and the pages below `docs`, by their paths from the root.
fn names() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    let root = artifacts::workspace();
    let mut found = vec![root.join("README.md")];
    walk(&root.join("docs"), &mut found);
    found.sort();
    found.iter().map(|path| path.strip_prefix(root).expect("it is below").to_string_lossy().into_owned()).collect()
}

/// Returns the test that the table has no line that fits no command any more.
fn of_table(pages: &[Page]) -> Trial {
    let used: BTreeSet<usize> =
        pages.iter().flat_map(|page| page.commands().filter_map(|command| left_out::entry(page, command))).collect();
    let stale = LEFT_OUT.iter().enumerate().filter(|(index, _)| !used.contains(index));
    let stale: Vec<String> = stale.map(|(_, entry)| format!("{entry:?}")).collect();
    Trial::test("every_line_of_the_table_of_what_cannot_run_fits_a_command", move || {
        if stale.is_empty() { Ok(()) } else { Err(Failed::from(format!("no command for:\n{}", stale.join("\n")))) }
    })
}

/// Returns the test that every command is one that a shell takes, also where it does not run here.
fn of_placeholders(pages: &[Page]) -> Trial {
    let open = |page: &Page| -> Vec<String> {
        let of = |command: &page::Command| {
            command.placeholder().map(|name| format!("{}:{}: <{name}>", page.name, command.line))
        };
        page.commands().filter_map(of).collect()
    };
    let found: Vec<String> = pages.iter().flat_map(open).collect();
    Trial::test("no_command_has_a_place_to_fill_in_that_a_shell_takes_for_a_redirection", move || {
        if found.is_empty() { Ok(()) } else { Err(Failed::from(found.join("\n"))) }
    })
}
