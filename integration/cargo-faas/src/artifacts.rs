//! Builds packages with a nested cargo whose progress is shown as it is, and takes the paths of what it made from its
//! messages: a target folder is never guessed at.

use crate::failure::Failure;
use crate::workspace::{Workspace, cargo, is_cdylib};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

/// A file cargo made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Artifact {
    package: String,
    /// The binary's name; `None` for a shared library.
    binary: Option<String>,
    file: PathBuf,
}

/// What a build made.
#[derive(Debug, Default)]
pub(crate) struct Artifacts(Vec<Artifact>);

impl Artifacts {
    /// The shared library of a package.
    pub(crate) fn module(&self, package: &str) -> Result<PathBuf, Failure> {
        self.find(|made| made.package == package && made.binary.is_none(), &format!("shared library of {package}"))
    }

    /// A binary.
    pub(crate) fn binary(&self, name: &str) -> Result<PathBuf, Failure> {
        self.find(|made| made.binary.as_deref() == Some(name), &format!("binary {name}"))
    }

    fn find(&self, wanted: impl Fn(&Artifact) -> bool, what: &str) -> Result<PathBuf, Failure> {
        let made = self.0.iter().find(|made| wanted(made)).map(|made| made.file.clone());
        made.ok_or_else(|| Failure::new("build", format!("cargo built everything, but names no {what}")))
    }
}

/// Builds packages; nothing if there are none.
pub(crate) fn build(workspace: &Workspace, packages: &[String], profile: &str) -> Result<Artifacts, Failure> {
    if packages.is_empty() {
        return Ok(Artifacts::default());
    }
    let failed = |why: String| Failure::new("build", why);
    let mut command = cargo(workspace.root());
    command.args(["build", "--message-format=json-render-diagnostics", "--profile", profile]);
    command.args(packages.iter().flat_map(|package| ["-p", package]));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cargo cannot be started: {error}")))?;
    let messages = child.stdout.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines());
    let made = messages.map_while(Result::ok).filter_map(|line| read(&line)).collect();
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(format!("cargo build ended with {status}; what it said is above")));
    }
    Ok(Artifacts(made))
}

/// What a message of cargo's says was made.
fn read(message: &str) -> Option<Artifact> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let package = package_of(message["package_id"].as_str()?)?.to_owned();
    if let Some(file) = message["executable"].as_str() {
        return Some(Artifact {
            package,
            binary: message["target"]["name"].as_str().map(str::to_owned),
            file: file.into(),
        });
    }
    if !is_cdylib(&message["target"]) {
        return None;
    }
    let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
    let file = files.into_iter().find(|file| file.ends_with(".so"))?;
    Some(Artifact { package, binary: None, file: file.into() })
}

/// The name in a package id: `…#name@version`, or `…/name#version` where the folder has the package's name.
fn package_of(id: &str) -> Option<&str> {
    let (place, fragment) = id.rsplit_once('#')?;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name),
        None => place.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_from_the_messages_of_binaries_and_modules_alone() {
        let module = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/layers/monitor#layer-monitor@0.1.0",
            "target":{"name":"layer_monitor","kind":["cdylib","rlib"]},"executable":null,
            "filenames":["/t/liblayer_monitor.rlib","/t/liblayer_monitor.so"]}"#;
        let binary = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/runtime-engine#0.1.0",
            "target":{"name":"bootstrap","kind":["bin"]},"executable":"/t/bootstrap","filenames":["/t/bootstrap"]}"#;
        let library = r#"{"reason":"compiler-artifact","package_id":"registry+https://x#serde@1.0.0",
            "target":{"name":"serde","kind":["lib"]},"executable":null,"filenames":["/t/libserde.rlib"]}"#;
        let other = r#"{"reason":"build-finished","success":true}"#;
        let made = Artifacts([module, binary, library, other, "warning"].into_iter().filter_map(read).collect());
        assert_eq!(made.0.len(), 2);
        assert_eq!(made.module("layer-monitor").unwrap(), PathBuf::from("/t/liblayer_monitor.so"));
        assert_eq!(made.binary("bootstrap").unwrap(), PathBuf::from("/t/bootstrap"));
        let error = made.module("hello").unwrap_err().to_string();
        assert_eq!(error, "build: cargo built everything, but names no shared library of hello");
    }

    #[test]
    fn both_forms_of_a_package_id_give_the_name() {
        assert_eq!(package_of("path+file:///w/examples/hello#0.1.0"), Some("hello"));
        assert_eq!(package_of("path+file:///w/layers/monitor#layer-monitor@0.1.0"), Some("layer-monitor"));
        assert_eq!(package_of("hello 0.1.0"), None);
    }
}
