//! What a crate has that is made to be published. The archives themselves are made by `.ci/run`.

use super::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Returns the manifests of crates in a folder of the root, or one further in.
fn manifests() -> Vec<PathBuf> {
    let in_folder = |folder: PathBuf| {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.map(|entry| entry.expect("an entry can be read").path()).filter(|path| path.is_dir())
    };
    let rooms: Vec<PathBuf> = in_folder(root().to_owned()).filter(|room| !room.ends_with("target")).collect();
    let further = rooms.iter().cloned().flat_map(in_folder);
    let all = rooms.iter().cloned().chain(further).map(|folder| folder.join("Cargo.toml"));
    all.filter(|manifest| manifest.is_file()).collect()
}

#[test]
fn a_crate_that_is_published_has_its_readme_licences_and_oldest_compiler() {
    let page = fs::read_to_string(root().join("docs/versioning.md")).expect("the page");
    let mut lacking = Vec::new();
    let mut published = BTreeSet::new();
    for manifest in manifests() {
        let text = fs::read_to_string(&manifest).expect("a manifest is text");
        let folder = manifest.parent().expect("it is in a folder");
        let short = folder.strip_prefix(root()).expect("it is below the root").display();
        if !text.contains("\npublish = true\n") {
            if short.to_string().starts_with("layers/") {
                lacking.push(format!("{short}: a layer is published"));
            }
            continue;
        }
        for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            if !folder.join(file).is_file() {
                lacking.push(format!("{short}: {file}"));
            }
        }
        for key in ["description = ", "rust-version.workspace = true", "license.workspace = true"] {
            if !text.lines().any(|line| line.starts_with(key)) {
                lacking.push(format!("{short}: {key}"));
            }
        }
        let name = text.lines().find_map(|line| line.strip_prefix("name = ")).expect("it has a name").trim_matches('"');
        published.insert(name.to_owned());
        if !name.starts_with("layer-") && !page.contains(&format!("`{name}`")) {
            lacking.push(format!("docs/versioning.md: `{name}`"));
        }
    }
    assert_eq!(lacking, Vec::<String>::new());
    assert!(published.len() > 8, "the manifests were found: {published:?}");
    // The same list is what CI makes archives of.
    let output = Command::new(root().join(".ci/published")).output().expect("the script starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("names are text");
    let printed: BTreeSet<String> = printed.split("-p ").map(|name| name.trim().to_owned()).collect();
    assert_eq!(printed.into_iter().filter(|name| !name.is_empty()).collect::<BTreeSet<_>>(), published);
}
