//! Tests that the modules of a crate form no circle: of modules that use one another none can be read, moved or tested
//! without the rest. Only those at the top of a crate are looked at; the files of one module may know each other.
//!
//! It reads text and knows of Rust only what rustfmt leaves of it: where tests and comments stand, and the paths that
//! lead to the top of a crate.

use super::{files, root};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// For each module of a crate the modules that it uses, each with the files that do so.
type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Returns the code of a file, without comments and tests, and the names of the modules in other files that are compiled
/// for tests alone.
fn read(text: &str) -> (String, Vec<&str>) {
    let (mut code, mut tests) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            // An item at the top ends at the first line that is not indented and closes it.
            let end = lines.find(|line| !line.starts_with(' ') && line.ends_with(['}', ';'])).unwrap_or_default();
            tests.extend(end.strip_suffix(';').and_then(|item| Some(item.rsplit_once("mod ")?.1)));
            continue;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    (code, tests)
}

/// Returns the name that a text begins with; an empty one if it begins with something else.
fn first_name(text: &str) -> &str {
    text.trim_start().split(|sign: char| !sign.is_alphanumeric() && sign != '_').next().unwrap_or_default()
}

/// Returns the first names of the paths that begin at the top of the crate: `a` of `crate::a::B`, and both of
/// `crate::{a, b::{C, D}}`.
fn used(code: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(first_name(rest));
            continue;
        };
        let mut depth = 0;
        for part in list.split_inclusive(['{', '}', ',']) {
            if depth == 0 {
                names.insert(first_name(part));
            }
            match part.chars().next_back() {
                Some('{') => depth += 1,
                Some('}') if depth == 0 => break,
                Some('}') => depth -= 1,
                _ => {}
            }
        }
    }
    names
}

/// Returns the path of the module in a file within `src`; an empty one for the root of a library or program.
fn module(file: &str) -> Vec<&str> {
    let path = file.strip_suffix(".rs").expect("a source is Rust");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if ["lib", "main"].contains(&path) { Vec::new() } else { path.split('/').collect() }
}

/// Returns what the modules of a crate use of one another. The sources are pairs of a file within `src` and its text.
/// The root is no module here, since all others are its parts.
fn uses<'s>(sources: impl IntoIterator<Item = (&'s str, &'s str)>) -> Uses {
    let all: Vec<_> = sources.into_iter().map(|(file, text)| (file, module(file), read(text))).collect();
    let tests: Vec<Vec<&str>> = all
        .iter()
        .flat_map(|(_, module, (_, tests))| tests.iter().map(|name| [&module[..], &[*name]].concat()))
        .collect();
    let mut uses = Uses::new();
    for (file, module, (code, _)) in all {
        let Some(top) = module.first().filter(|_| !tests.iter().any(|test| module.starts_with(test))) else { continue };
        let of_module = uses.entry((*top).to_owned()).or_default();
        // As many steps up as the file is deep lead to the top as well.
        let code = code.replace(&"super::".repeat(module.len()), "crate::");
        for name in used(&code).into_iter().filter(|name| name != top) {
            of_module.entry(name.to_owned()).or_default().insert(file.to_owned());
        }
    }
    let modules: BTreeSet<String> = uses.keys().cloned().collect();
    uses.values_mut().for_each(|used| used.retain(|name, _| modules.contains(name)));
    uses
}

/// Returns the modules that one leads to, over others too.
fn reached<'u>(uses: &'u Uses, from: &'u str) -> BTreeSet<&'u str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(module) = open.pop() {
        open.extend(uses[module].keys().map(String::as_str).filter(|next| found.insert(*next)));
    }
    found
}

/// Returns the circles of a crate: sets of modules of which each leads to all others.
fn circles(uses: &Uses) -> BTreeSet<Vec<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|module| (module.as_str(), reached(uses, module))).collect();
    let circle = |module: &&str| -> Vec<&str> {
        let others = reached[module].iter().copied();
        others.filter(|other| reached[other].contains(module)).collect()
    };
    reached.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}

/// Returns the words about a circle: its modules, and the files in which two of them use each other directly. If no two
/// do, it is every file in which one of them uses another.
fn describe(source: &str, circle: &[&str], uses: &Uses) -> String {
    let of_one = |one| circle.iter().filter_map(move |other| Some((one, *other, uses[one].get(*other)?)));
    let all: Vec<_> = circle.iter().flat_map(|one| of_one(*one)).collect();
    let mut shown = all.clone();
    shown.retain(|(one, other, _)| uses[*other].contains_key(*one));
    let shown = if shown.is_empty() { all } else { shown };
    let line = |(one, other, files): (&str, &str, &BTreeSet<String>)| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        format!("\n    {one} uses {other} in {}", files.join(", "))
    };
    format!("{source}: a circle of {}{}", circle.join(", "), shown.into_iter().map(line).collect::<String>())
}

#[test]
fn the_modules_of_a_crate_form_no_circle() {
    let files = files();
    let is_root = |file: &&String| file.ends_with("/src/lib.rs") || file.ends_with("/src/main.rs");
    let sources: BTreeSet<&str> =
        files.iter().filter(is_root).filter_map(|file| Some(file.rsplit_once('/')?.0)).collect();
    let mut wrong = Vec::new();
    for source in sources {
        let within = |file: &String| Some(file.strip_prefix(source)?.strip_prefix('/')?.to_owned());
        let files = files.iter().filter_map(within).filter(|file| file.ends_with(".rs"));
        let texts: Vec<(String, String)> = files
            .map(|file| {
                let text = fs::read_to_string(root().join(source).join(&file));
                (file, text.expect("a source can be read"))
            })
            .collect();
        let uses = uses(texts.iter().map(|(file, text)| (file.as_str(), text.as_str())));
        wrong.extend(circles(&uses).iter().map(|circle| describe(source, circle, &uses)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_circle_is_seen_and_what_is_none_is_left_alone() {
    let made_up = [
        ("lib.rs", "mod a;\nmod b;\nuse crate::a::A;\n"),
        ("a.rs", "use crate::{base, b::{self, B}};\n"),
        ("b/mod.rs", "mod inner;\nuse crate::base::Base;\n"),
        ("b/inner.rs", "use super::super::a::A;\n"),
        // Comments, tests and modules of its own make no circle.
        ("base.rs", "//! See [`A`](crate::a::A).\nmod own;\n\n#[cfg(test)]\npub(crate) mod tests;\n"),
        (
            "base/own.rs",
            "use super::Base;\nuse crate::base::Other; // not crate::a\n\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
        ),
        ("base/tests.rs", "use crate::a::A;\n"),
        // Three modules are a circle also if no two of them use each other.
        ("one.rs", "fn f() { crate::two::f() }\n"),
        ("two.rs", "use super::three::f;\n"),
        ("three.rs", "#[cfg(test)]\nmod tests {\n    use crate::base::Base;\n}\nuse crate::one;\n"),
    ];
    let uses = uses(made_up);
    let found: Vec<_> = circles(&uses).into_iter().collect();
    assert_eq!(found, [vec!["a", "b"], vec!["one", "three", "two"]]);
    let words = "x/src: a circle of a, b\n    a uses b in a.rs\n    b uses a in b/inner.rs";
    assert_eq!(describe("x/src", &found[0], &uses), words);
    let words = "x/src: a circle of one, three, two\n    one uses two in one.rs\n    three uses one in three.rs\n    \
                 two uses three in two.rs";
    assert_eq!(describe("x/src", &found[1], &uses), words);
}
