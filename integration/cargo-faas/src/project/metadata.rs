//! The packages of a workspace that make a shared library. This asks `cargo metadata`, and builds nothing.

use crate::failure::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A workspace as cargo sees it. A crate by itself is a workspace of one member.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// The folder that its builds are in.
    pub(crate) target_folder: PathBuf,
    /// The members of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// A member of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// The name of the package in `Cargo.toml`.
    pub(crate) name: String,
    /// The folder of the package's `Cargo.toml`.
    pub(crate) folder: PathBuf,
    /// The name of its shared library, with `-` written as `_`. It is `None` if the package makes no shared library.
    pub(crate) library: Option<String>,
    /// `true` if a Rust program can link it.
    pub(crate) is_linkable: bool,
    /// The constant by which a program links it, `module` of `[package.metadata.faas]`; `None` if that says nothing.
    pub(crate) module: Option<String>,
}

impl Workspace {
    /// Asks cargo which workspace a folder belongs to.
    ///
    /// # Errors
    /// Cargo cannot be started, or fails with its own words.
    pub(crate) fn of(folder: &Path) -> Result<Workspace, Failure> {
        let failed = |why: String| Failure::new("reading the workspace", why);
        let output = cargo(folder)
            .args(["metadata", "--no-deps", "--format-version=1"])
            .output()
            .map_err(|error| failed(format!("cargo cannot be started in {}: {error}", folder.display())))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()));
        }
        Workspace::read(&output.stdout).ok_or_else(|| failed("cargo metadata gave no workspace".to_owned()))
    }

    fn read(metadata: &[u8]) -> Option<Workspace> {
        let metadata: Value = serde_json::from_slice(metadata).ok()?;
        let packages = metadata["packages"].as_array()?.iter().filter_map(|package| {
            let targets = package["targets"].as_array()?;
            let library = targets.iter().find(|target| is_cdylib(target));
            Some(Package {
                name: package["name"].as_str()?.to_owned(),
                folder: Path::new(package["manifest_path"].as_str()?).parent()?.to_owned(),
                library: library.and_then(|target| Some(target["name"].as_str()?.replace('-', "_"))),
                is_linkable: targets.iter().any(|target| has_kind(target, "rlib") || has_kind(target, "lib")),
                module: package["metadata"]["faas"]["module"].as_str().map(str::to_owned),
            })
        });
        Some(Workspace {
            packages: packages.collect(),
            root: metadata["workspace_root"].as_str()?.into(),
            target_folder: metadata["target_directory"].as_str()?.into(),
        })
    }

    /// Returns the member whose folder this is, or the nearest one above it; `None` if there is none.
    pub(crate) fn member_at(&self, folder: &Path) -> Option<&Package> {
        let above = self.packages.iter().filter(|package| folder.starts_with(&package.folder));
        above.max_by_key(|package| package.folder.components().count())
    }

    /// Returns the members that make a shared library.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.library.is_some())
    }
}

/// Returns `true` if a target of `cargo metadata`, or of a message of `cargo build`, is a C shared library.
pub(super) fn is_cdylib(target: &Value) -> bool {
    has_kind(target, "cdylib")
}

fn has_kind(target: &Value, wanted: &str) -> bool {
    target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == wanted))
}

/// Returns a command of cargo in a folder, without the variables that an outer `cargo run` set for this process.
pub(crate) fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|own| text.starts_with(own)) {
            command.env_remove(&name);
        }
    }
    command.current_dir(folder);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "workspace_root": "/w",
        "target_directory": "/w/target",
        "packages": [
            {"name": "root", "manifest_path": "/w/Cargo.toml", "targets": [{"name": "tool", "kind": ["bin"]}]},
            {"name": "my-shop", "manifest_path": "/w/shop/Cargo.toml", "targets": [{"name": "my-shop", "kind": ["cdylib", "rlib"]}],
             "metadata": {"faas": {"module": "my_shop::Shop::MODULE"}}}
        ]
    }"#;

    #[test]
    fn packages_that_make_no_module_are_not_taken_for_one() {
        let workspace = Workspace::read(METADATA.as_bytes()).unwrap();
        let modules: Vec<_> = workspace.modules().map(|package| package.library.as_deref().unwrap()).collect();
        assert_eq!(modules, ["my_shop"]);
    }

    #[test]
    fn a_program_links_what_is_a_library_of_rust_too() {
        let workspace = Workspace::read(METADATA.as_bytes()).unwrap();
        let how: Vec<_> = workspace.packages.iter().map(|one| (one.is_linkable, one.module.as_deref())).collect();
        assert_eq!(how, [(false, None), (true, Some("my_shop::Shop::MODULE"))]);
    }

    #[test]
    fn a_folder_belongs_to_the_nearest_member_above_it() {
        let workspace = Workspace::read(METADATA.as_bytes()).unwrap();
        let member = |folder: &str| workspace.member_at(Path::new(folder)).map(|package| package.name.as_str());
        assert_eq!(member("/w/shop/src"), Some("my-shop"));
        assert_eq!(member("/w/docs"), Some("root"));
        assert_eq!(member("/elsewhere"), None);
    }

    #[test]
    fn anything_but_metadata_is_none() {
        assert!(Workspace::read(b"").is_none());
        assert!(Workspace::read(b"{}").is_none());
    }
}
