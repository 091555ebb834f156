//! Reads the manifest of the process, and adds the environments of its functions to that of the process. It is called
//! before there is a second thread.
#![allow(unsafe_code, reason = "changing the environment is what this file is for")]

use crate::secrets;
use faas_core::encoding::sha256;
use faas_core::failure::Failure;
use faas_core::manifest::Manifest;
use faas_core::modules::Roots;
use faas_core::secrets::MARK;
use faas_core::settings::Env;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The name of the manifest in the function's folder, which is read if `FAAS_MANIFEST` is not set.
const NAME: &str = "faas.json";

/// Makes the manifest of a process of a yml.
pub type ManifestOf = fn(path: &Path, platform: &str, env: &Env<'_>) -> Result<MadeManifest, String>;

/// A manifest that was made of a yml.
#[derive(Debug)]
pub struct MadeManifest {
    /// The text of the manifest.
    pub text: String,
    /// The messages about the yml that its owner should know, a line each.
    pub doubts: Vec<String>,
}

/// The parts of the process' surroundings that its manifest depends on.
pub(crate) struct Place {
    /// The reader of the yml; `None` if the runtime reads no yml.
    pub(crate) yml: Option<ManifestOf>,
    /// The platform's name in messages.
    pub(crate) platform: &'static str,
    /// The folder where the platform mounts secrets, unless `FAAS_SECRETS` names others.
    pub(crate) secrets: &'static str,
}

/// Reads the manifest that `FAAS_MANIFEST` names, or `faas.json` in the function's folder if it is there, or, with a
/// runtime that reads it, the yml in that folder. Adds its functions' variables to the environment of the process, and
/// returns also the outcome of that. Secrets are in place as far as the environment and the folders of secrets have
/// them.
///
/// # Errors
/// The text has all mistakes of the manifest at once, or the reason why it could not be read.
pub(crate) fn read(env: &Env<'_>, roots: &Roots, place: &Place) -> (Result<Option<Manifest>, Failure>, Laid) {
    let mut doubts = Vec::new();
    let read = find(env, roots, place).and_then(|found| match found {
        None => Ok(None),
        Some(found) => {
            let why = |why: String| Failure::new("Runtime.BadManifest", format!("{}: {why}", found.path.display()));
            let manifest = manifest(&found, env, place).map_err(why)?;
            doubts = found.doubts;
            Ok(Some(manifest))
        }
    });
    let mut laid = match &read {
        Ok(Some(manifest)) => add_to_environment(manifest),
        Ok(None) | Err(_) => Laid::default(),
    };
    laid.doubts.splice(0..0, doubts);
    (read, laid)
}

/// The text of a manifest, and the file it came from.
struct Found {
    /// The path of the manifest, or of the yml that it was made of.
    path: PathBuf,
    text: Vec<u8>,
    is_made_here: bool,
    doubts: Vec<String>,
}

fn find(env: &Env<'_>, roots: &Roots, place: &Place) -> Result<Option<Found>, Failure> {
    let named = env.get("FAAS_MANIFEST").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| roots.task.join(NAME));
    let bad = |path: &Path, why: String| Failure::new("Runtime.BadManifest", format!("{}: {why}", path.display()));
    if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
        let Some(make) = place.yml else {
            let why = "this program reads no yml; make a manifest of it by `cargo faas manifest`, or take a bootstrap that was \
                       built with the feature `yml`";
            return Err(bad(&path, why.to_owned()));
        };
        return made(make, path, env, place).map(Some);
    }
    match std::fs::read(&path) {
        Ok(text) => Ok(Some(Found { path, text, is_made_here: false, doubts: Vec::new() })),
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {
            let Some(make) = place.yml else { return Ok(None) };
            let there: Vec<&str> = ORIGINS.into_iter().filter(|name| roots.task.join(name).is_file()).collect();
            match there[..] {
                [] => Ok(None),
                [only] => made(make, roots.task.join(only), env, place).map(Some),
                [..] => {
                    let why = format!("there are {} here: keep one of them", there.join(" and "));
                    Err(bad(&roots.task, why))
                }
            }
        }
        Err(error) => Err(bad(&path, error.to_string())),
    }
}

fn made(make: ManifestOf, path: PathBuf, env: &Env<'_>, place: &Place) -> Result<Found, Failure> {
    match make(&path, place.platform, env) {
        Ok(MadeManifest { text, doubts }) => Ok(Found { path, text: text.into_bytes(), is_made_here: true, doubts }),
        Err(why) => Err(Failure::new("Runtime.BadManifest", format!("{}: {why}", path.display()))),
    }
}

/// Reads a text, and puts secrets in place.
fn manifest(found: &Found, env: &Env<'_>, place: &Place) -> Result<Manifest, String> {
    let text = &found.text;
    let mut manifest = Manifest::read(text).map_err(|mistakes| {
        let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        all.join("; ")
    })?;
    if !found.is_made_here {
        check_origin(&found.path, &manifest.digest)?;
    }
    // Most manifests have no secrets; those are only searched for the mark.
    if text.contains(&b'$') && text.windows(MARK.len()).any(|window| window == MARK.as_bytes()) {
        let folders = secrets::folders(env, place.secrets);
        manifest.fill_secrets(&|name| secrets::look_up(name, &folders)).map_err(|failure| failure.message)?;
    }
    Ok(manifest)
}

/// The names of the file that a manifest is made from.
const ORIGINS: [&str; 4] = ["serverless.yml", "serverless.yaml", "f.yml", "f.yaml"];

/// Compares the manifest with the yml that stands beside it, which has to be the one it was made from. An edit of one
/// that is deployed with the other is hard to find.
fn check_origin(path: &Path, digest: &str) -> Result<(), String> {
    if digest.is_empty() {
        return Ok(());
    }
    for name in ORIGINS {
        let Ok(text) = std::fs::read(path.with_file_name(name)) else { continue };
        let found = sha256::digest(&text);
        if found != digest {
            return Err(format!(
                "it was made from another {name} than the one beside it: expected the digest {digest}, found {found}; make \
                 it anew, or take one of the two away"
            ));
        }
    }
    Ok(())
}

/// The result of adding variables to the environment of the process.
#[derive(Default)]
pub(crate) struct Laid {
    /// The messages that the owner should know.
    pub(crate) doubts: Vec<String>,
    /// The variables, each with its value before.
    pub(crate) before: Vec<(String, Option<Vec<u8>>)>,
}

/// Adds the functions' variables to the process' environment, for code that asks the system for a variable and not the
/// runtime. A name to which functions give different values is left as it is: each function sees its own through its
/// context alone, and the log says so.
fn add_to_environment(manifest: &Manifest) -> Laid {
    let mut values: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut laid = Laid::default();
    let mut unclear: Vec<&str> = Vec::new();
    for (number, function) in manifest.functions.iter().enumerate() {
        for (variable, (name, value)) in function.environment.iter().enumerate() {
            // A secret that only a module may have comes too late for code that asks the system.
            if manifest.secrets.awaits_variable(number, variable) {
                continue;
            }
            let (first, given) = *values.entry(name).or_insert((&function.name, value));
            if given != value && !unclear.contains(&name.as_str()) {
                unclear.push(name);
                laid.doubts.push(format!(
                    "the variable {name} has different values for functions {first} and {}: each sees its own through its \
                     context, and the process' environment keeps what it had",
                    function.name
                ));
            }
        }
    }
    for (name, (_, value)) in values.into_iter().filter(|(name, _)| !unclear.contains(name)) {
        laid.before.push((name.to_owned(), std::env::var_os(name).map(OsString::into_encoded_bytes)));
        #[expect(clippy::disallowed_methods, reason = "there is no module yet, and no second thread")]
        // SAFETY: no other thread is there that could read the environment meanwhile: this runs first of all (`start`).
        unsafe {
            std::env::set_var(name, value);
        }
    }
    laid
}
