//! Tests that every file, page and name which the documentation links to or names is in the repository. They read files
//! and start no process but one script, that lists what is published.
//!
//! The statements of a page about behaviour are held by the tests of that behaviour; this file holds names alone. Beside
//! it stands what is read of the sources only: `circles` and `published`.

#[path = "docs/circles.rs"]
mod circles;
#[path = "docs/published.rs"]
mod published;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the root whose files a page may name.
const ROOMS: [&str; 8] =
    [".cargo", ".ci", "docs", "handlers-sdk", "integration", "layers", "light-runtime", "runtime-engine"];
/// The endings by which a text with a slash is taken for a file, also where it is written from a folder within a crate.
const ENDINGS: [&str; 6] = [".rs", ".md", ".toml", ".h", ".c", ".stderr"];

/// A page of the documentation, and its lines outside of blocks of code.
struct Page {
    /// The path of the page from the root.
    name: String,
    path: PathBuf,
    text: String,
}

impl Page {
    /// Returns the lines with their numbers, without those of fenced blocks.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut fenced = false;
        self.text.lines().enumerate().filter_map(move |(index, line)| {
            let fence = line.trim_start().starts_with("```");
            let shown = !fenced && !fence;
            fenced ^= fence;
            shown.then_some((index + 1, line))
        })
    }

    /// Returns the names that its headings have in links.
    fn anchors(&self) -> BTreeSet<String> {
        self.prose().filter(|(_, line)| line.starts_with('#')).map(|(_, line)| anchor(line)).collect()
    }
}

/// Returns the name that a heading has in links: lower case, spaces as dashes, and of signs only `-` and `_`.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|sign| sign.is_alphanumeric() || [' ', '-', '_'].contains(sign));
    kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above")
}

/// Returns every file of the repository, from the root.
fn files() -> BTreeSet<String> {
    fn walk(folder: &Path, files: &mut BTreeSet<String>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().expect("it has a name").to_string_lossy();
            if path.is_dir() && !path.is_symlink() {
                if !["target", "node_modules", ".git"].contains(&&*name) {
                    walk(&path, files);
                }
            } else {
                let path = path.strip_prefix(root()).expect("it lies below the root");
                files.insert(path.to_string_lossy().into_owned());
            }
        }
    }
    let mut all = BTreeSet::new();
    ROOMS.iter().for_each(|room| walk(&root().join(room), &mut all));
    all
}

/// Returns the pages of `docs`, and those that a reader meets outside of it.
fn pages() -> Vec<Page> {
    let in_docs = files().into_iter().filter(|name| name.starts_with("docs/") && name.ends_with(".md"));
    let others = ["README.md", "integration/README.md", "integration/bad-modules/README.md"].map(str::to_owned);
    let page = |name: String| {
        let path = root().join(&name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        Page { name, path, text }
    };
    in_docs.chain(others).map(page).collect()
}

/// Returns the texts between backticks of a line.
fn in_backticks(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading_of_it() {
    let pages = pages();
    let anchors: BTreeMap<PathBuf, BTreeSet<String>> =
        pages.iter().map(|page| (fs::canonicalize(&page.path).expect("the page is there"), page.anchors())).collect();
    let mut wrong = Vec::new();
    for page in &pages {
        for (number, line) in page.prose() {
            for rest in line.split("](").skip(1) {
                let Some((target, _)) = rest.split_once(')') else { continue };
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let folder = page.path.parent().expect("a page lies in a folder");
                let path = if file.is_empty() { page.path.clone() } else { folder.join(file) };
                let Ok(path) = fs::canonicalize(path) else {
                    wrong.push(format!("{}:{number}: nothing is at {target}", page.name));
                    continue;
                };
                let has_heading = anchors.get(&path).is_none_or(|anchors| anchors.contains(heading));
                if !heading.is_empty() && !has_heading {
                    wrong.push(format!("{}:{number}: no heading #{heading} in {file}", page.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_path_in_backticks_is_a_file_or_folder_of_the_repository() {
    let files = files();
    let mut wrong = Vec::new();
    for page in pages() {
        for (number, line) in page.prose() {
            for text in in_backticks(line).filter(|text| !is_there(text, &files)) {
                wrong.push(format!("{}:{number}: `{text}` is no file and no folder", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns `false` if a text looks like a path of the repository and nothing is there. Of a path with `<name>` or `*`
/// in it only the folders before that are looked for.
fn is_there(text: &str, files: &BTreeSet<String>) -> bool {
    let text = text.trim_end_matches('/');
    if text.contains(char::is_whitespace) || text.contains("://") || !text.contains('/') {
        return true;
    }
    let open = |part: &&str| part.contains(['<', '*', '…', '{']);
    let known: Vec<&str> = text.split('/').take_while(|part| !open(part)).collect();
    let is_whole = known.join("/") == text;
    // A built library lies in somebody's task root, whose folder `layers` is not ours.
    let in_a_room = known.first().is_some_and(|first| ROOMS.contains(first)) && !text.ends_with(".so");
    if in_a_room {
        let path = known.join("/");
        return root().join(&path).exists();
    }
    let is_file = is_whole && ENDINGS.iter().any(|ending| text.ends_with(ending));
    let is_elsewhere = text.starts_with(['/', '~', '.', '-', '$']);
    let end = format!("/{text}");
    !is_file || is_elsewhere || files.iter().any(|file| file.ends_with(&end))
}

#[test]
fn every_test_that_a_command_names_is_there() {
    let mut packages = BTreeMap::new();
    for file in files().into_iter().filter(|file| file.ends_with("Cargo.toml")) {
        let text = fs::read_to_string(root().join(&file)).expect("a manifest can be read");
        let name = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"').map(str::to_owned));
        let folder = root().join(&file).parent().expect("a manifest lies in a folder").to_owned();
        packages.extend(name.map(|name| (name, folder)));
    }
    let mut wrong = Vec::new();
    for page in pages() {
        for (index, line) in page.text.lines().enumerate() {
            let line = line.replace("cargo behaviour ", "cargo test -p integration --test ");
            for command in line.split("cargo test ").skip(1) {
                let words = command.split(['`', '#', '&', '|', ';']).next().unwrap_or_default();
                let words: Vec<&str> = words.split_whitespace().take_while(|word| *word != "--").collect();
                let after = |flag: &str| words.windows(2).filter(|two| two[0] == flag).map(|two| two[1]).collect();
                let (named, tests): (Vec<&str>, Vec<&str>) = (after("-p"), after("--test"));
                let is_open = |word: &&str| word.contains('<');
                for package in named.iter().filter(|package| !is_open(package)) {
                    let Some(folder) = packages.get(*package) else {
                        wrong.push(format!("{}:{}: no package {package}", page.name, index + 1));
                        continue;
                    };
                    for test in tests.iter().filter(|test| !is_open(test)) {
                        let tests = folder.join("tests");
                        if !tests.join(format!("{test}.rs")).is_file() && !tests.join(test).join("main.rs").is_file() {
                            wrong.push(format!("{}:{}: no test {test} of {package}", page.name, index + 1));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_variable_that_a_page_names_is_read_somewhere() {
    let sources = files().into_iter().filter(|file| !file.starts_with("docs/") && !file.ends_with(".md"));
    let mut known = BTreeSet::new();
    for file in sources {
        // A file that is no text, such as one of a corpus, names nothing.
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        known.extend(variables(&text).map(str::to_owned));
    }
    let mut wrong = Vec::new();
    for page in pages() {
        for (index, line) in page.text.lines().enumerate() {
            let unknown = variables(line).filter(|name| !known.contains(*name));
            wrong.extend(unknown.map(|name| format!("{}:{}: nothing reads {name}", page.name, index + 1)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the names that begin as variables and constants of the project do, without those that stand for several.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    words.filter(|word| word.starts_with("FAAS_") && !word.ends_with('_') && *word == word.to_ascii_uppercase())
}

#[test]
fn every_list_that_a_page_repeats_is_whole() {
    let text = |name: &str| fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut wrong = Vec::new();
    let mut expect = |page: &str, words: &str, what: &str| {
        if !text(page).contains(words) {
            wrong.push(format!("{page}: expected {words}, {what}"));
        }
    };
    for file in files() {
        let test = file.strip_prefix("integration/tests/").and_then(|name| name.strip_suffix(".rs"));
        if let Some(test) = test.filter(|name| !name.contains('/')) {
            expect("integration/README.md", &format!("`{test}`"), "a file of behaviour tests");
        }
        let is_a_test = file.starts_with("integration/") || file.contains("/tests/");
        if is_a_test && file.ends_with(".rs") {
            for reader in ["var(\"", "var_os(\""] {
                for rest in text(&file).split(reader).skip(1) {
                    let name = rest.split('"').next().filter(|name| name.starts_with("FAAS_"));
                    name.into_iter().for_each(|name| expect("docs/testing.md", &format!("`{name}`"), &file));
                }
            }
        }
    }
    for line in text(".cargo/config.toml").lines() {
        if let Some((alias, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            expect("docs/contributing.md", &format!("`cargo {alias}"), "an alias");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files whose table leaves modules out on purpose: one module a platform, which its first row speaks of.
const WITHOUT_PLATFORMS: [&str; 2] = ["integration/emulators/src/lib.rs", "runtime-engine/spec/src/deploy/mod.rs"];

/// Returns the modules of a file that the table of its `//!` does not name; none if it has no such table.
fn left_out(text: &str) -> Vec<&str> {
    let rows: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("//! | ")).collect();
    if !rows.iter().any(|row| row.starts_with("module |") || row.starts_with("file |")) {
        return Vec::new();
    }
    let named: Vec<&str> = rows.iter().filter_map(|row| row.split(" |").next()).flat_map(in_backticks).collect();
    let is_named = |module: &str| named.iter().any(|name| name.trim_start_matches("mod@") == module);
    // Those of tests are no part of the code.
    let lines = text.lines().scan("", |before, line| Some((std::mem::replace(before, line), line)));
    let modules = lines.filter(|(before, _)| *before != "#[cfg(test)]").filter_map(|(_, line)| {
        let module = line.strip_prefix("pub").map_or(line, |rest| rest.split_once(' ').map_or(rest, |(_, rest)| rest));
        module.strip_prefix("mod ")?.strip_suffix(';')
    });
    modules.filter(|module| !is_named(module)).collect()
}

#[test]
fn a_table_of_modules_has_all_modules_of_its_file() {
    let lacks: Vec<String> = files()
        .iter()
        .filter(|file| file.ends_with(".rs") && !WITHOUT_PLATFORMS.contains(&file.as_str()))
        .flat_map(|file| {
            let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            left_out(&text).into_iter().map(|module| format!("{file}: {module}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(lacks.is_empty(), "tables leave out:\n{}", lacks.join("\n"));
    let made_up = "//! | module | holds |\n//! |---|---|\n//! | [`one`], `two` | `three` |\n\nmod one;\npub(crate) mod two;\n\
                   pub mod three;\n#[cfg(test)]\nmod tests;\n";
    assert_eq!(left_out(made_up), ["three"]);
}

/// Returns the rows of the glossary's tables: term, meaning, names in the code.
fn glossary() -> Vec<[String; 3]> {
    let text = fs::read_to_string(root().join("docs/glossary.md")).expect("the glossary is there");
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| term |") && !line.starts_with("| name |");
    let rows = text.lines().filter(is_row);
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let cells: [&str; 3] = cells.try_into().unwrap_or_else(|_| panic!("expected three cells, found: {line}"));
        cells.map(str::to_owned)
    })
    .collect()
}

#[test]
fn every_term_of_the_glossary_is_explained_once() {
    let rows = glossary();
    assert!(!rows.is_empty(), "the glossary has no rows");
    let mut seen = BTreeSet::new();
    for [term, meaning, _] in &rows {
        assert!(!meaning.is_empty(), "{term} has no meaning");
        for word in term.split(", ") {
            assert!(seen.insert(word.to_lowercase()), "{word} is explained twice");
        }
    }
}

/// Returns the folder of a crate's sources, by the crate's name in paths.
fn sources_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "faas_core" => "runtime-engine/core/src",
        "faas_unix" => "runtime-engine/unix/src",
        "faas_abi" => "handlers-sdk/abi/src",
        "handlers_sdk" => "handlers-sdk/src",
        "serverless_spec" => "runtime-engine/spec/src",
        "platform_emulators" => "integration/emulators/src",
        "integration" => "integration/src",
        _ => return None,
    })
}

#[test]
fn every_name_of_the_code_in_the_glossary_is_public_in_its_crate() {
    let files = files();
    for [term, _, names] in glossary() {
        for name in in_backticks(&names) {
            let parts: Vec<&str> = name.split("::").collect();
            let source =
                sources_of(parts[0]).unwrap_or_else(|| panic!("{term}: `{name}` is of no crate that this test knows"));
            let is_offered =
                || offered(source).iter().any(|(path, _)| parts[1..] == *path.split("::").collect::<Vec<_>>());
            assert!(is_public(source, &parts[1..], &files) || is_offered(), "{term}: there is no `{name}` in {source}");
        }
    }
}

/// The crates that others write code against.
const PUBLIC: [&str; 4] = ["handlers_sdk", "faas_abi", "faas_core", "serverless_spec"];
/// The names that one crate has twice: once in a module whose names are those of `http` or `lambda_runtime`, which
/// functions are moved from.
const OF_OTHERS: [&str; 3] = ["Body", "Config", "Error"];

#[test]
fn a_public_name_stands_for_one_thing_or_the_glossary_has_each_with_its_module() {
    let glossary = glossary();
    let mut wrong = Vec::new();
    let mut several = BTreeSet::new();
    let mut things: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for name in PUBLIC {
        for (path, file) in offered(sources_of(name).expect("it is listed")) {
            let own = path.rsplit("::").next().unwrap_or_default().to_owned();
            things.entry(own).or_default().insert(file, format!("{name}::{path}"));
        }
    }
    for (own, places) in things.into_iter().filter(|(_, places)| places.len() > 1) {
        let crates: BTreeSet<&str> = places.values().map(|path| path.split("::").next().unwrap_or_default()).collect();
        if crates.len() < places.len() && !OF_OTHERS.contains(&own.as_str()) {
            wrong.push(format!("{own} is several things in one crate: {places:?}"));
        }
        let row = glossary.iter().find(|[term, ..]| *term == format!("`{own}`"));
        let told = row.map(|[_, _, names]| in_backticks(names).count());
        if told != Some(places.len()) {
            let places: Vec<String> = places.into_values().collect();
            wrong.push(format!("{own} is {}: rename one, or say in the glossary what each is", places.join(" and ")));
        }
        several.insert(own);
    }
    for [term, ..] in &glossary {
        let name = term.strip_prefix('`').and_then(|term| term.strip_suffix('`'));
        if name.is_some_and(|name| !several.contains(name)) {
            wrong.push(format!("the glossary has {term} for a name that stands for one thing"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the types and traits that a crate offers: the path by which each is reached, and the file that declares it.
/// It follows `pub mod` and `pub use` from the root. A type that several modules pass on has each of its paths.
fn offered(source: &str) -> Vec<(String, String)> {
    let mut texts = BTreeMap::new();
    for file in files().into_iter().filter(|file| file.starts_with(source) && file.ends_with(".rs")) {
        let text = fs::read_to_string(root().join(&file)).expect("a source can be read");
        let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        texts.insert(file, code.join("\n"));
    }
    let mut declared: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (file, text) in &texts {
        declarations(text).for_each(|name| declared.entry(name).or_default().push(file));
    }
    let mut found = Vec::new();
    let mut modules = vec![(format!("{source}/lib.rs"), String::new())];
    while let Some((file, path)) = modules.pop() {
        let text = &texts[&file];
        found.extend(declarations(text).map(|name| (format!("{path}{name}"), file.clone())));
        for (from, name) in passed_on(text) {
            let own = from.last().map(String::as_str).unwrap_or_default();
            let module = from.len().checked_sub(2).map(|at| from[at].as_str());
            let is_of = |file: &&&str| {
                let parent = Path::new(file).parent().and_then(Path::file_name);
                let names = [Path::new(file).file_stem(), parent];
                module
                    .is_none_or(|module| ["self", "super"].contains(&module) || names.contains(&Some(module.as_ref())))
            };
            let files = declared.get(own).into_iter().flatten().filter(is_of);
            found.extend(files.map(|file| (format!("{path}{name}"), (*file).to_owned())));
        }
        let folder = match file.strip_suffix("/lib.rs").or_else(|| file.strip_suffix("/mod.rs")) {
            Some(folder) => folder,
            None => file.strip_suffix(".rs").expect("a source is Rust"),
        };
        for line in text.lines() {
            let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) else { continue };
            let places = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")];
            let place = places.into_iter().find(|place| texts.contains_key(place));
            modules.extend(place.map(|place| (place, format!("{path}{name}::"))));
        }
    }
    found
}

/// Returns the public types and traits that a file declares at its top.
fn declarations(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line.strip_prefix("pub ")?;
        let rest = ["struct ", "enum ", "trait ", "type ", "union "].iter().find_map(|word| rest.strip_prefix(word))?;
        rest.split(|sign: char| !sign.is_alphanumeric() && sign != '_').next()
    })
}

/// Returns the types that a file passes on by `pub use`: the path by which each is imported, and its name here.
fn passed_on(text: &str) -> Vec<(Vec<String>, String)> {
    fn read(from: &[&str], tree: &str, found: &mut Vec<(Vec<String>, String)>) {
        let tree = tree.trim();
        if let Some((before, within)) = tree.split_once('{') {
            let from: Vec<&str> =
                from.iter().copied().chain(before.split("::").filter(|part| !part.is_empty())).collect();
            let within = within.strip_suffix('}').unwrap_or(within);
            let (mut depth, mut begin) = (0, 0);
            for (at, sign) in within.char_indices().chain([(within.len(), ',')]) {
                match sign {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        read(&from, &within[begin..at], found);
                        begin = at + 1;
                    }
                    _ => {}
                }
            }
            return;
        }
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path: Vec<String> =
            from.iter().copied().chain(path.split("::")).map(|part| part.trim().to_owned()).collect();
        let name = if name.is_empty() { path.last().cloned().unwrap_or_default() } else { name.trim().to_owned() };
        if name.starts_with(char::is_uppercase) {
            found.push((path, name));
        }
    }
    let mut found = Vec::new();
    for rest in format!("\n{text}").split("\npub use ").skip(1) {
        let tree = rest.split(';').next().unwrap_or_default();
        read(&[], tree, &mut found);
    }
    found
}

/// Returns `true` if a path of modules, with a type or a trait at its end or without one, is declared below a folder of
/// sources. A type may be declared in any file of its module, which then passes it on.
fn is_public(source: &str, path: &[&str], files: &BTreeSet<String>) -> bool {
    let is_type = |name: &&str| name.starts_with(char::is_uppercase);
    let modules: Vec<&str> = path.iter().copied().take_while(|name| !is_type(name)).collect();
    let place = [&[source][..], &modules].concat().join("/");
    let (own, within) = (format!("{place}.rs"), format!("{place}/"));
    let mut sources = files.iter().filter(|file| **file == own || file.starts_with(&within)).peekable();
    let Some(name) = path.last().filter(|name| is_type(name)) else { return sources.peek().is_some() };
    sources.any(|file| {
        let text = fs::read_to_string(root().join(file)).expect("a source can be read");
        let declares = |word: &str| {
            text.split(&format!("pub {word} {name}"))
                .skip(1)
                .any(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
        };
        ["struct", "enum", "trait", "type"].iter().any(|word| declares(word))
    })
}

#[test]
fn what_is_not_there_is_seen_and_other_texts_are_left_alone() {
    let files = files();
    for text in
        ["GET /orders", "a/b", "text/html", "/opt/layers", "docs/testing.md", "tests/layout.rs", "docs/<a>/b.md"]
    {
        assert!(is_there(text, &files), "{text}");
    }
    for text in ["docs/no-such-page.md", "tests/no_such_file.rs", "integration/nowhere", "docs/nowhere/<a>.md"] {
        assert!(!is_there(text, &files), "{text}");
    }
    let core = "runtime-engine/core/src";
    assert!(is_public(core, &["process"], &files) && is_public(core, &["invocation", "Invocation"], &files));
    // The first does not exist, and the second is one that its crate keeps for itself.
    assert!(!is_public(core, &["invocation", "NoSuchType"], &files) && !is_public(core, &["turn", "Turns"], &files));
    let names = passed_on("pub use a::{B, c::{D as E, f}};\nuse g::H;\n");
    let names: Vec<(String, String)> = names.into_iter().map(|(from, name)| (from.join("::"), name)).collect();
    let expected = [("a::B", "B"), ("a::c::D", "E")];
    assert_eq!(names, expected.map(|(from, name)| (from.to_owned(), name.to_owned())));
    assert_eq!(anchor("## What may change, `min_minor` and so on"), "what-may-change-min_minor-and-so-on");
}
