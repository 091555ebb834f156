//! Reads the manifest of the process, and lays the environments of its functions over that of the process. To be used
//! before there is a second thread.
#![allow(unsafe_code, reason = "changing the environment is what this file is for")]

use crate::secrets;
use faas_core::encoding::sha256;
use faas_core::failure::Failure;
use faas_core::functions::manifest::Manifest;
use faas_core::modules::Roots;
use faas_core::secrets::MARK;
use faas_core::settings::Env;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where a manifest is, if nobody says otherwise: in the folder of the function.
const NAME: &str = "faas.json";

/// Reads the manifest that `FAAS_MANIFEST` names, or `faas.json` in the function's folder if it is there, and adds its
/// functions' variables to the environment of the process. Also returns what came of them. Secrets are in place as far as
/// the environment and `secrets`, the platform's folder of them, have them.
///
/// # Errors
/// All mistakes of the manifest at once, or why it could not be read.
pub(crate) fn read(env: &Env<'_>, roots: &Roots, secrets: &str) -> (Result<Option<Manifest>, Failure>, Laid) {
    let named = env.get("FAAS_MANIFEST").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| roots.task.join(NAME));
    let bad = |why: String| Failure::new("Runtime.BadManifest", format!("{}: {why}", path.display()));
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return (Ok(None), Laid::default()),
        Err(error) => return (Err(bad(error.to_string())), Laid::default()),
    };
    match Manifest::read(&text) {
        Ok(mut manifest) => {
            if let Err(why) = check_origin(&path, &manifest.digest) {
                return (Err(bad(why)), Laid::default());
            }
            // Most have none, and are only looked through for the sign.
            if text.contains(&b'$') && text.windows(MARK.len()).any(|window| window == MARK.as_bytes()) {
                let folders = secrets::folders(env, secrets);
                if let Err(failure) = manifest.fill_secrets(&|name| secrets::look_up(name, &folders)) {
                    return (Err(bad(failure.message)), Laid::default());
                }
            }
            let laid = add_to_environment(&manifest);
            (Ok(Some(manifest)), laid)
        }
        Err(mistakes) => {
            let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            (Err(bad(all.join("; "))), Laid::default())
        }
    }
}

/// The names of the file that a manifest is made from.
const ORIGINS: [&str; 4] = ["serverless.yml", "serverless.yaml", "f.yml", "f.yaml"];

/// If the yml that the manifest was made from stands beside it, it has to be the same still: who edits the one and deploys
/// the other would look for the reason long.
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

/// What came of laying variables over the environment of the process.
#[derive(Default)]
pub(crate) struct Laid {
    /// What the owner should know.
    pub(crate) doubts: Vec<String>,
    /// The variables, and what each was before.
    pub(crate) before: Vec<(String, Option<Vec<u8>>)>,
}

/// Code that asks the system, and not the runtime, for a variable sees it only here. A name to which functions give
/// different values is left as it is: each function sees its own through its context alone, and the log says so.
fn add_to_environment(manifest: &Manifest) -> Laid {
    let mut values: HashMap<&str, (&str, &str)> = HashMap::new();
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
