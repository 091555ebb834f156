//! A new crate inside a workspace: it is added to the members, and the rest of the manifest stays as its author wrote
//! it.

use crate::failure::Failure;
use crate::project::metadata::Workspace;
use std::path::{Path, PathBuf};
use toml_edit::{Array, DocumentMut, Item, Value};

/// Returns the `Cargo.toml` of the workspace that a folder lies in; `None` if it lies in no workspace. A crate by
/// itself is no workspace, and a crate in its folder is another one.
///
/// # Errors
/// The folder is not there, or cargo finds a mistake in a folder above it.
pub(super) fn workspace_of(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let folder = folder.canonicalize();
    let folder = folder.map_err(|error| Failure::new("new", format!("the folder for it: {error}")))?;
    if !folder.ancestors().any(|place| place.join("Cargo.toml").is_file()) {
        return Ok(None);
    }
    let manifest = Workspace::of(&folder)?.root.join("Cargo.toml");
    Ok(read(&manifest)?.get("workspace").is_some().then_some(manifest))
}

fn failed(manifest: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new("workspace", format!("{}: {why}", manifest.display()))
}

fn read(manifest: &Path) -> Result<DocumentMut, Failure> {
    let text = std::fs::read_to_string(manifest).map_err(|error| failed(manifest, &error))?;
    text.parse().map_err(|error| failed(manifest, &error))
}

/// Adds a folder to the members, unless a pattern among them takes it in or the workspace leaves it out. Returns a
/// description of the change, in words.
///
/// # Errors
/// The workspace's manifest cannot be written.
pub(super) fn add(manifest: &Path, folder: &Path) -> Result<String, Failure> {
    let root = manifest.parent().unwrap_or(Path::new("/"));
    let folder = folder.canonicalize().map_err(|error| failed(manifest, &error))?;
    let member = folder.strip_prefix(root).unwrap_or(&folder).display().to_string();
    // Cargo refuses a crate that lies in a workspace and is not one of its members.
    if let Ok(found) = Workspace::of(&folder) {
        let how = if found.root == folder { "is left out of" } else { "is a member of" };
        return Ok(format!("{member} {how} {}", manifest.display()));
    }
    let mut document = read(manifest)?;
    push(&mut document, &member).ok_or_else(|| failed(manifest, &"`workspace.members` is no list"))?;
    std::fs::write(manifest, document.to_string()).map_err(|error| failed(manifest, &error))?;
    Ok(format!("{member} is now a member of {}", manifest.display()))
}

/// Adds to the list in the way that it is written. Returns `None` if it is no list.
fn push(document: &mut DocumentMut, member: &str) -> Option<()> {
    let workspace = document.get_mut("workspace")?.as_table_like_mut()?;
    let members = workspace.entry("members").or_insert(Item::Value(Value::Array(Array::new()))).as_array_mut()?;
    let before = members.iter().last().and_then(|last| last.decor().prefix()?.as_str()).unwrap_or("");
    // A comment before the last member belongs to that one alone.
    let before = before.rfind('\n').map_or(before, |line| &before[line..]).to_owned();
    let before = if members.is_empty() || !before.is_empty() { before } else { " ".to_owned() };
    members.push_formatted(Value::from(member).decorated(before, ""));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_added_in_the_way_the_list_is_written() {
        for (before, after) in [
            ("[workspace]\nmembers = []\n", "[workspace]\nmembers = [\"new\"]\n"),
            ("[workspace]\nmembers = [\"a\"]\n[x]\n", "[workspace]\nmembers = [\"a\", \"new\"]\n[x]\n"),
            ("[workspace]\nresolver = \"3\"\n", "[workspace]\nresolver = \"3\"\nmembers = [\"new\"]\n"),
            (
                "[workspace]\nmembers = [\n    \"a\",\n    # the last\n    \"b\",\n]\nexclude = []\n",
                "[workspace]\nmembers = [\n    \"a\",\n    # the last\n    \"b\",\n    \"new\",\n]\nexclude = []\n",
            ),
        ] {
            let mut document: DocumentMut = before.parse().unwrap();
            push(&mut document, "new").unwrap();
            assert_eq!(document.to_string(), after);
        }
        assert_eq!(push(&mut "[workspace]\nmembers = 1\n".parse().unwrap(), "new"), None);
    }
}
