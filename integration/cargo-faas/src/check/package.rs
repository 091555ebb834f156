//! The check of a package: the program that the platform starts, the libraries that the manifest names, all other
//! files, and its size. Paths are looked up as the runtime looks them up, by its own code.

use super::artefact::{self, Role, Target};
use super::finding::Findings;
use crate::artefact::{self as compiled, Artefact, Machine, NotElf};
use crate::package::contents::{Contents, File};
use crate::package::layout::MANIFEST;
use crate::package::platforms::{Form, PROGRAM, Packaging, System};
use faas_core::manifest::{FunctionSpec, Manifest};
use faas_core::modules::{Files, Name, NotFound, Roots};
use faas_core::settings::LayerName;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The role of a file in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// The runtime, which the platform or a script starts.
    Runtime,
    /// A script that the platform starts.
    Script,
    /// The manifest of the process.
    Manifest,
    /// A library of functions that the manifest names.
    Function,
    /// A library of layers that the manifest names.
    Layer,
    /// A library that another file needs.
    Library,
    /// A file of the platform's own.
    Platform,
    /// A file without a known role.
    Stray,
}

/// A file of a package, as `--files` shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listed {
    /// The path of the file in the package.
    pub(crate) path: String,
    /// The role of the file.
    pub(crate) part: Part,
    /// The permissions of the file in octal; `None` if the zip does not say.
    pub(crate) mode: Option<String>,
    /// The size of the file in bytes.
    pub(crate) bytes: usize,
}

/// The size of the zip that was checked, in bytes; `None` for a folder.
pub(crate) type ZipBytes = Option<u64>;

/// Checks a package, and lists its files.
pub(crate) fn check(
    contents: &Contents,
    packaging: &Packaging,
    arch: Option<&Machine>,
    zip_bytes: ZipBytes,
    found: &mut Findings,
) -> Vec<Listed> {
    for (path, what) in &contents.refused {
        found.error("bad-path", path, format!("expected plain files, found {what}"));
    }
    let read: BTreeMap<&str, Result<Artefact, NotElf>> = contents
        .files()
        .filter(|(path, file)| *path == PROGRAM || is_library(path) || file.bytes.starts_with(b"\x7fELF"))
        .map(|(path, file)| (path, compiled::read(&file.bytes)))
        .collect();
    let mut parts = Parts::default();
    let manifest = manifest(contents, found);
    if let Some(manifest) = &manifest {
        parts.of(manifest, contents, found);
    } else {
        parts.of_folders(contents);
    }
    let program = read.get(PROGRAM).and_then(|program| program.as_ref().ok());
    let is_whole = program.is_some_and(Artefact::is_static);
    boot(contents, packaging, found);
    modes(contents, found);
    if is_whole && !parts.modules.is_empty() {
        let (file, _) = parts.modules.first_key_value().expect("it is not empty");
        let message = "the runtime of this package is static, and a static program cannot load a library";
        found.error("static-runtime", file, message).help("package it without --one-file, or link the library in");
    }
    let arch = arch.or_else(|| program.map(|program| &program.arch));
    let glibc = match packaging.system {
        System::Known(name, glibc) => Some((glibc, name)),
        System::Unknown => None,
    };
    let finds = |library: &str, needing: &str, search_paths: &[String]| {
        let own = search_paths.iter().filter_map(|path| beside(needing, path));
        let folders = packaging.library_folders.iter().map(|folder| (*folder).to_owned());
        folders.chain(own).any(|folder| contents.exists(&Path::new(&folder).join(library)))
    };
    let target = Target { arch: arch.cloned(), glibc, finds: &finds };
    for (path, artefact) in &read {
        let role = match parts.modules.get(*path) {
            Some(_) => Role::Module,
            None if *path == PROGRAM => Role::Program,
            None if needed_by_any(path, &read) => Role::Support,
            None => continue,
        };
        match artefact {
            Ok(artefact) => artefact::check(path, artefact, role, &target, found),
            Err(why) => {
                found.error("not-elf", path, why.to_string());
            }
        }
    }
    if glibc.is_none() {
        unknown_glibc(packaging, &read, found);
    }
    executors(&parts, contents, found);
    sizes(contents, packaging, zip_bytes, found);
    let part = |path: &str| match () {
        () if path == PROGRAM => Part::Runtime,
        () if packaging.scripts.iter().any(|script| script.name == path) => Part::Script,
        () if path == MANIFEST => Part::Manifest,
        () if packaging.is_own(path) => Part::Platform,
        () if needed_by_any(path, &read) => Part::Library,
        () => parts.modules.get(path).copied().unwrap_or(Part::Stray),
    };
    let listed: Vec<Listed> = contents
        .files()
        .map(|(path, file)| Listed {
            path: path.to_owned(),
            part: part(path),
            mode: file.mode.map(|mode| format!("{mode:04o}")),
            bytes: file.bytes.len(),
        })
        .collect();
    let strays = listed.iter().filter(|listed| listed.part == Part::Stray);
    for listed in strays {
        let bytes = contents.file(&listed.path).map(|file| &file.bytes[..]).unwrap_or_default();
        stray(listed, bytes, &parts, &manifest, found);
    }
    listed
}

/// Returns the folder of the package that a search path of a file means; `None` if it leads out of the package.
fn beside(file: &str, search_path: &str) -> Option<String> {
    let rest = search_path.strip_prefix("$ORIGIN")?;
    let mut folders: Vec<&str> = file.split('/').collect();
    folders.pop();
    for part in rest.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            folders.pop()?;
        } else {
            folders.push(part);
        }
    }
    Some(folders.join("/"))
}

fn is_library(path: &str) -> bool {
    path.ends_with(".so")
}

fn needed_by_any(path: &str, read: &BTreeMap<&str, Result<Artefact, NotElf>>) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    read.values().flatten().any(|artefact| artefact.needed.iter().any(|needed| needed == name))
}

fn manifest(contents: &Contents, found: &mut Findings) -> Option<Manifest> {
    let file = contents.file(MANIFEST)?;
    match Manifest::read(&file.bytes) {
        Ok(manifest) => Some(manifest),
        Err(mistakes) => {
            for mistake in mistakes {
                found.error("bad-manifest", MANIFEST, mistake.to_string());
            }
            None
        }
    }
}

/// Returns the newest glibc that anything in a package wants; `None` if no file wants one.
pub(crate) fn glibc(contents: &Contents) -> Option<compiled::Glibc> {
    contents.files().filter_map(|(_, file)| compiled::read(&file.bytes).ok()?.glibc()).max()
}

/// The runtime searches for libraries in the files of a package.
impl Files for Contents {
    fn exists(&self, path: &Path) -> bool {
        path.to_str().is_some_and(|path| self.file(path).is_some())
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let inside = |path: &str| Path::new(path).parent() == Some(folder);
        let name = |path: &str| Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        self.files().filter(|(path, _)| inside(path)).filter_map(|(path, _)| name(path)).collect()
    }
}

/// The modules of a package, by path.
#[derive(Default)]
struct Parts {
    modules: BTreeMap<String, Part>,
}

impl Parts {
    /// Finds the libraries that a manifest names, and reports those that are missing.
    fn of(&mut self, manifest: &Manifest, contents: &Contents, found: &mut Findings) {
        let roots = Roots { task: PathBuf::new() };
        let is_linked = contents.files().all(|(path, _)| !is_library(path));
        for function in &manifest.functions {
            // A runtime that has its function linked in looks for no library.
            if !is_linked {
                self.function(function, &roots, contents, found);
            }
        }
        let own = manifest.functions.iter().flat_map(|function| &function.layers);
        for layer in manifest.layers.iter().chain(own) {
            if !is_linked {
                self.layer(layer, &roots, contents, found);
            }
        }
    }

    fn function(&mut self, function: &FunctionSpec, roots: &Roots, contents: &Contents, found: &mut Findings) {
        let path = Name::parse(&function.handler).and_then(|name| roots.function(Some(&name), contents));
        match path {
            Ok((path, _)) => self.add(&path, Part::Function),
            Err(why) => {
                let message = format!("function {}: {}", function.name, words(&why));
                found
                    .error("no-library", MANIFEST, message)
                    .help("build the crate of the function, and package it again");
            }
        }
    }

    fn layer(&mut self, layer: &LayerName, roots: &Roots, contents: &Contents, found: &mut Findings) {
        let path = Name::parse(&layer.name).and_then(|name| roots.layer(&name, contents));
        match path {
            Ok(path) => self.add(&path, Part::Layer),
            Err(why) => {
                let message = format!("layer {}: {}", layer.name, words(&why));
                if layer.required {
                    found
                        .error("no-library", MANIFEST, message)
                        .help("build the crate of the layer, and package it again");
                } else {
                    found.warning("no-library", MANIFEST, format!("{message}; it is optional, and is left out"));
                }
            }
        }
    }

    /// Finds the libraries in the folders, where there is no manifest.
    fn of_folders(&mut self, contents: &Contents) {
        for (path, _) in contents.files().filter(|(path, _)| is_library(path)) {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            match folder {
                "layers" => self.add(Path::new(path), Part::Layer),
                "" | "functions" if name.starts_with("liblayer_") => self.add(Path::new(path), Part::Layer),
                "" | "functions" => self.add(Path::new(path), Part::Function),
                _ => {}
            }
        }
    }

    fn add(&mut self, path: &Path, part: Part) {
        self.modules.entry(path.display().to_string()).or_insert(part);
    }
}

/// Returns the places where a library was looked for, in paths of the package.
fn words(why: &NotFound) -> String {
    match why {
        NotFound::NoFile { what, name, looked } => {
            let inside: Vec<String> =
                looked.iter().filter(|path| path.is_relative()).map(|path| path.display().to_string()).collect();
            format!("no library for {what} {name:?} in the package; looked for {}", inside.join(", "))
        }
        other => other.to_string(),
    }
}

/// Checks the program that the platform starts: it is there, may be executed, and the system can start it.
fn boot(contents: &Contents, packaging: &Packaging, found: &mut Findings) {
    let mut started: Vec<&str> = packaging.scripts.iter().map(|script| script.name).collect();
    if !started.contains(&PROGRAM) {
        started.push(PROGRAM);
    }
    for name in started {
        let needed = name == packaging.boot || name == PROGRAM;
        let Some(file) = contents.file(name) else {
            let exists = contents.files().find(|(path, _)| path.rsplit('/').next() == Some(name));
            let message = match exists {
                Some((path, _)) => format!("expected it at the root of the package, found {path}"),
                None => "expected it at the root of the package: it is what the platform starts".to_owned(),
            };
            // A program that is started by itself needs no other.
            if needed
                && !(name == PROGRAM
                    && contents.file(packaging.boot).is_some_and(|boot| boot.bytes.starts_with(b"\x7fELF")))
            {
                found.error("no-boot-file", name, message);
            }
            continue;
        };
        if !file.is_executable() {
            let mode = file.mode.map_or("no mode at all, as a zip of Windows".to_owned(), |mode| format!("{mode:04o}"));
            let finding = found.error("not-executable", name, format!("expected mode 0755, found {mode}"));
            finding.help("a platform says of it that it is not there; package it with cargo faas package");
        }
        script(name, file, found);
    }
}

/// Checks a script: its first line has to name the program that runs it, as Linux understands it.
fn script(name: &str, file: &File, found: &mut Findings) {
    if file.bytes.starts_with(b"\x7fELF") {
        return;
    }
    let head = file.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if std::str::from_utf8(&file.bytes).is_err() {
        return;
    }
    if !head.starts_with(b"#!") {
        let message = "it is a text and does not begin with #!, so the system cannot start it";
        found.error("no-shebang", name, message).help("begin it with #!/bin/sh");
    }
    if file.bytes.contains(&b'\r') {
        let message =
            "its lines end as those of Windows do, so the system looks for an interpreter whose name ends with \\r";
        found.error("line-ends", name, message).help("write it with line ends of Unix");
    }
}

fn modes(contents: &Contents, found: &mut Findings) {
    for (path, file) in contents.files() {
        let Some(mode) = file.mode else {
            let message = "the zip does not say who may read it: it was not made by or for Unix";
            found.error("no-mode", path, message).help("package it with cargo faas package");
            continue;
        };
        if !file.is_readable() {
            let message = format!("expected a file that everybody may read, found mode {mode:04o}");
            found.error("not-readable", path, message).help("a platform runs functions as a user of its own");
        } else if mode & 0o6022 != 0 {
            found.warning("odd-mode", path, format!("expected mode 0755 or 0644, found {mode:04o}"));
        }
    }
}

fn unknown_glibc(packaging: &Packaging, read: &BTreeMap<&str, Result<Artefact, NotElf>>, found: &mut Findings) {
    let wanted = read.iter().filter_map(|(path, artefact)| Some((artefact.as_ref().ok()?.glibc()?, *path))).max();
    if let Some((glibc, path)) = wanted.filter(|(glibc, _)| *glibc > packaging.glibc_to_build_for()) {
        let oldest = packaging.glibc_to_build_for();
        let message = format!("it wants glibc {glibc}, and {} does not say which it has", packaging.platform);
        found.warning("glibc-unknown", path, message).help(format!("built for glibc {oldest} it runs everywhere"));
    }
}

/// Notes that each library that links tokio has threads of its own.
fn executors(parts: &Parts, contents: &Contents, found: &mut Findings) {
    let has_tokio = |file: &File| contains(&file.bytes, b"/tokio-1.") && contains(&file.bytes, b"/src/runtime/");
    let modules = parts.modules.keys().filter_map(|path| Some((path, contents.file(path)?)));
    let with: Vec<&str> = modules.filter(|(_, file)| has_tokio(file)).map(|(path, _)| path.as_str()).collect();
    if let [_, .., last] = with[..] {
        let message = format!("{} libraries bring an executor of tokio's each: {}", with.len(), with.join(", "));
        let help = "each has threads and timers of its own; functions in one library share one";
        found.note("several-executors", last, message).help(help);
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == wanted[0]) {
        rest = &rest[at..];
        if rest.starts_with(wanted) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

fn sizes(contents: &Contents, packaging: &Packaging, zip_bytes: ZipBytes, found: &mut Findings) {
    if packaging.form == Form::Image {
        return;
    }
    let (limits, unpacked) = (&packaging.limits, contents.bytes());
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let over = |size: u64, limit: Option<u64>| limit.filter(|limit| size > *limit).map(mib);
    let platform = packaging.platform;
    if let Some(limit) = over(unpacked, limits.unpacked) {
        let message = format!("{} unpacked, and {platform} takes {limit}, layers of its own included", mib(unpacked));
        found.error("too-large", "the package", message);
    }
    let Some(zipped) = zip_bytes else { return };
    if let Some(limit) = over(zipped, limits.zip) {
        found.error("too-large", "the package", format!("{} zipped, and {platform} takes {limit}", mib(zipped)));
    } else if let Some(limit) = over(zipped, limits.upload) {
        let message =
            format!("{} zipped, and {platform} takes {limit} in the call that creates a function", mib(zipped));
        found
            .warning("large-upload", "the package", message)
            .help("put it into a bucket of the platform, and name that");
    }
}

/// The names of files that hold secrets more often than not.
const SECRET_NAMES: &[&str] = &["id_rsa", "id_ed25519", ".npmrc", ".netrc", "credentials"];

/// The endings of files that hold a certificate, a private key, or both. A certificate is no secret.
const CERTIFICATE_ENDS: &[&str] = &[".pem", ".crt", ".cer"];

fn stray(listed: &Listed, bytes: &[u8], parts: &Parts, manifest: &Option<Manifest>, found: &mut Findings) {
    let path = listed.path.as_str();
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    let is_secret_by_name =
        SECRET_NAMES.contains(&name) || name == ".env" || name.starts_with(".env.") || ends(&[".key", ".p12", ".pfx"]);
    if is_secret_by_name || ends(CERTIFICATE_ENDS) && contains(bytes, b"PRIVATE KEY") {
        let why = if is_secret_by_name { "by its name it holds secrets" } else { "it has a private key in it" };
        let message = format!("{why}, and everybody who may read the package can read it");
        found.error("secret", path, message).help("take it out, and give secrets to the platform");
    } else if let Some(first) = parts.modules.keys().find(|module| module.rsplit('/').next() == Some(name)) {
        let message = format!("it has the name of {first}, which is found first: this one is never loaded");
        found.warning("name-clash", path, message).help("take one of the two out");
    } else if is_library(path) && manifest.is_some() {
        let message = "no function and no layer of the manifest is in this library";
        found.warning("unused-library", path, message).help("take it out: it is loaded by nobody");
    } else {
        found.warning("stray", path, "it belongs to no part of the package");
    }
}
