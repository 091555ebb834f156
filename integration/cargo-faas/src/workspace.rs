//! Which packages can be built: the workspace of the current folder if it has the runtimes, else the one this tool was
//! built from. Asks cargo; builds nothing.

use crate::failure::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package of the full engine.
pub(crate) const ENGINE: &str = "runtime-engine";

/// A workspace as cargo sees it.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Debug)]
struct Package {
    name: String,
    /// Does it make a shared library?
    module: bool,
}

impl Workspace {
    /// Finds it.
    pub(crate) fn find() -> Result<Workspace, Failure> {
        let here = std::env::current_dir().map_err(|error| Failure::new("current folder", error))?;
        let found = Workspace::at(&here).ok().filter(|workspace| workspace.has(ENGINE));
        match found {
            Some(workspace) => Ok(workspace),
            None => Workspace::at(Path::new(env!("CARGO_MANIFEST_DIR"))),
        }
    }

    fn at(folder: &Path) -> Result<Workspace, Failure> {
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
            let module = targets.iter().any(is_cdylib);
            Some(Package { name: package["name"].as_str()?.to_owned(), module })
        });
        Some(Workspace { packages: packages.collect(), root: metadata["workspace_root"].as_str()?.into() })
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn has(&self, package: &str) -> bool {
        self.packages.iter().any(|known| known.name == package)
    }

    /// The package of a runtime.
    pub(crate) fn runtime(&self, package: &str) -> Result<(), Failure> {
        if self.has(package) {
            return Ok(());
        }
        let why = format!("no package {package} in {}; name a built runtime with --runtime", self.root.display());
        Err(Failure::new("runtime", why))
    }

    /// The package of that name, or of the first of several spellings, that makes a module.
    pub(crate) fn module(&self, step: &'static str, spellings: &[String]) -> Result<String, Failure> {
        let makes = |name: &String| self.packages.iter().any(|known| known.module && known.name == *name);
        if let Some(found) = spellings.iter().find(|name| makes(name)) {
            return Ok(found.clone());
        }
        let mut offered: Vec<_> =
            self.packages.iter().filter(|known| known.module).map(|known| known.name.as_str()).collect();
        offered.sort_unstable();
        let why = format!(
            "expected a package of {} with `crate-type = [\"cdylib\"]` or the path of a .so file, found {}; there are: {}",
            self.root.display(),
            spellings.join(" or "),
            offered.join(", ")
        );
        Err(Failure::new(step, why))
    }
}

/// Is it a target that makes a C shared library?
pub(crate) fn is_cdylib(target: &Value) -> bool {
    target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
}

/// Cargo in a folder, without what an outer `cargo run` told this process about its own package.
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
        "packages": [
            {"name": "runtime-engine", "targets": [{"name": "bootstrap", "kind": ["bin"]}]},
            {"name": "layer-monitor", "targets": [{"name": "layer_monitor", "kind": ["cdylib", "rlib"]}]},
            {"name": "hello", "targets": [{"name": "hello", "kind": ["cdylib", "rlib"]}]}
        ]
    }"#;

    #[test]
    fn packages_that_make_no_module_are_not_taken_for_one() {
        let workspace = Workspace::read(METADATA.as_bytes()).unwrap();
        let spelt = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(workspace.module("layer", &spelt(&["layer-monitor", "monitor"])).unwrap(), "layer-monitor");
        let error = workspace.module("function", &spelt(&["runtime-engine"])).unwrap_err().to_string();
        assert!(error.contains("found runtime-engine; there are: hello, layer-monitor"), "{error}");
        assert!(workspace.runtime("runtime-engine").is_ok());
        assert!(workspace.runtime("light-runtime").is_err());
    }

    #[test]
    fn anything_but_metadata_is_none() {
        assert!(Workspace::read(b"").is_none());
        assert!(Workspace::read(b"{}").is_none());
    }
}
