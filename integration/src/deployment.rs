//! A task root as a platform unpacks it: modules under the names the runtimes look for, and the command that starts a
//! runtime in it. No platform is known here.

use crate::artifacts::{self, Runtime};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder with modules, and variables for the process. The folder is gone when this is dropped, unless a test has
/// failed: then it stays, to be looked at.
#[derive(Debug)]
pub struct Deployment {
    folder: TempDir,
    layers: Vec<String>,
    env: Vec<(String, String)>,
}

impl Deployment {
    /// Returns an empty task root.
    ///
    /// # Panics
    /// There is no room for it.
    pub fn empty() -> Deployment {
        let folder = tempfile::Builder::new().prefix("faas-task-").tempdir().expect("a temporary folder can be made");
        Deployment { folder, layers: Vec::new(), env: Vec::new() }
    }

    /// Returns a task root with the function `name` of the examples or of the C modules.
    pub fn of(name: &str) -> Deployment {
        Deployment::empty().module(name)
    }

    /// Adds a built module as `lib<name>.so`.
    ///
    /// # Panics
    /// It was not built.
    pub fn module(self, name: &str) -> Deployment {
        let path = artifacts::get().module(name);
        let file = format!("lib{}.so", name.replace('-', "_"));
        self.file(&file, path)
    }

    /// Adds a layer, inward of those before it, and names it in `FAAS_LAYERS`.
    ///
    /// # Panics
    /// It was not built.
    pub fn layer(mut self, name: &str) -> Deployment {
        self.layers.push(name.to_owned());
        let path = artifacts::get().module(&format!("layer_{name}"));
        self.file(&format!("liblayer_{name}.so"), path)
    }

    /// Adds `FAAS_LAYERS` as it is, for layers that are in a module already there.
    pub fn layers(mut self, names: &[&str]) -> Deployment {
        self.layers.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// Adds a link of that name to a file or folder elsewhere.
    ///
    /// # Panics
    /// The link cannot be made.
    pub fn file(self, name: &str, path: &Path) -> Deployment {
        symlink(path, self.folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        self
    }

    /// Adds a copy of a built module as `lib<name>.so`. The linker takes it for a library of its own, which a link is
    /// not.
    ///
    /// # Panics
    /// The module was not built, or there is no room for it.
    pub fn copy(self, module: &str, name: &str) -> Deployment {
        let path = self.path(&format!("lib{name}.so"));
        std::fs::copy(artifacts::get().module(module), path).unwrap_or_else(|error| panic!("{name}: {error}"));
        self
    }

    /// Adds a manifest.
    ///
    /// # Panics
    /// There is no room for it.
    pub fn manifest(self, text: &str) -> Deployment {
        std::fs::write(self.path("faas.json"), text).expect("the manifest is written");
        self
    }

    /// Adds a variable of the process.
    pub fn env(mut self, name: &str, value: &str) -> Deployment {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the folder of the task root.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a path in the folder, for a file a test makes itself.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the variables of the process, `FAAS_LAYERS` among them.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut list = self.env.clone();
        if !self.layers.is_empty() {
            list.push(("FAAS_LAYERS".to_owned(), self.layers.join(",")));
        }
        list
    }

    /// Returns the runtime in this folder, with these variables over those that its platform sets.
    pub fn command(&self, runtime: &Runtime) -> Command {
        let mut command = Command::new(&runtime.path);
        command.current_dir(self.root()).envs(self.variables());
        command
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        self.folder.disable_cleanup(std::thread::panicking());
    }
}
