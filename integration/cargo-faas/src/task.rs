//! The task folder: modules under the names the runtimes look for, as in the archive that is uploaded, and the command
//! that starts a runtime in it. The folder is removed when this is dropped.

use crate::failure::Failure;
use crate::interrupt::Scratch;
use crate::outer;
use crate::package::platforms::Packaging;
use crate::project::library::Library;
use crate::running::Prepared;
use crate::stage::{Platform, Setting};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A task folder and the runtime that is to run in it.
#[derive(Debug)]
pub(crate) struct Task {
    folder: Scratch,
    prepared: Prepared,
}

impl Task {
    /// Lays out the files of a built deployment.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn make(prepared: Prepared) -> Result<Task, Failure> {
        let folder = Scratch::make("faas-task-").map_err(|error| Failure::new("task folder", error))?;
        for library in prepared.deployment.libraries.iter().chain(&prepared.more) {
            add(folder.path(), library)?;
        }
        if let Some(manifest) = &prepared.deployment.manifest {
            let path = folder.path().join("faas.json");
            let own = serde_json::from_str(manifest).map_err(|error| Failure::new("manifest", error))?;
            let written = std::fs::write(&path, outer::in_manifest(own, &prepared.layers).to_string());
            written.map_err(|error| Failure::new("task folder", format!("{}: {error}", path.display())))?;
        }
        Ok(Task { folder, prepared })
    }

    /// Returns the path of the folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the handler, for `_HANDLER`.
    pub(crate) fn handler(&self) -> &str {
        &self.prepared.deployment.handler
    }

    /// Returns the names of the functions.
    pub(crate) fn functions(&self) -> Vec<&str> {
        self.prepared.deployment.functions.iter().map(|function| function.name.as_str()).collect()
    }

    /// Returns the runtime's file name.
    pub(crate) fn runtime_name(&self) -> String {
        self.prepared.runtime.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns the layers around all functions, outermost first.
    pub(crate) fn layers(&self) -> Vec<String> {
        let Prepared { deployment, layers, .. } = &self.prepared;
        outer::names(layers, &deployment.layers)
    }

    /// Returns `true` if there is a layer that tells of phases.
    pub(crate) fn is_monitored(&self) -> bool {
        self.layers().iter().any(|layer| matches!(layer.trim_end_matches('?'), "monitor" | "layer-monitor"))
    }

    /// Returns the runtime's command, with the variables that are not the platform's.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.prepared.runtime);
        command.envs(self.environment());
        command
    }

    /// Returns the setting in which a local platform starts the runtime. A platform that has no handler says by a
    /// variable which function runs, as deployment files do.
    pub(crate) fn setting(&self, platform: &'static Platform, timeout: Duration) -> Setting {
        let own = Packaging::of(platform.name).map_or(&[][..], |packaging| packaging.environment);
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut environment: Vec<_> = own.chain(self.environment()).collect();
        environment.push(("FAAS_ROOT".to_owned(), self.root().display().to_string()));
        if self.prepared.deployment.manifest.is_none() {
            environment.push(("FAAS_HANDLER".to_owned(), self.handler().to_owned()));
        }
        Setting {
            runtime: self.prepared.runtime.clone(),
            root: self.root().to_owned(),
            name: self.handler().to_owned(),
            environment,
            timeout,
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut all = self.prepared.environment.clone();
        if self.prepared.deployment.manifest.is_none() && !self.prepared.layers.is_empty() {
            all.push(("FAAS_LAYERS".to_owned(), self.prepared.layers.join(",")));
        }
        all
    }
}

/// Copies a library to its place. It is a copy, since the next build replaces its output while this one may be running.
fn add(folder: &Path, library: &Library) -> Result<(), Failure> {
    let to = folder.join(library.place());
    let made = to.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::copy(&library.path, &to)).map_err(|error| {
        let why = format!("{} cannot be copied to {}: {error}", library.path.display(), to.display());
        Failure::new("task folder", why)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::library::Declared;

    #[test]
    fn a_file_that_is_not_there_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library {
            package: None,
            name: "hello".into(),
            path: "/no/such/libhello.so".into(),
            declared: Declared::default(),
        };
        let error = add(folder.path(), &library).unwrap_err().to_string();
        assert!(error.starts_with("task folder: /no/such/libhello.so cannot be copied to "), "{error}");
    }
}
