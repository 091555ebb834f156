//! `serverless.yml` beside the libraries, read by the process itself: the manifest of the deployment that it is, the
//! same that `cargo faas manifest` writes.

use faas_core::settings::Env;
use faas_unix::driver::MadeManifest;
use serverless_spec::diagnostic::{Severity, render};
use serverless_spec::units::Unit;
use serverless_spec::variables::Files;
use serverless_spec::{Input, Spec};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder of a yml, with the files that the yml may take parts from.
#[derive(Debug)]
struct Beside(PathBuf);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// Makes the manifest of this process of a yml. `platform` is where it runs; the stage is `FAAS_STAGE` where that is
/// set, and `FAAS_UNIT` says which of several deployments it is.
///
/// # Errors
/// The text has everything that is wrong with the yml, or lists the deployments that there are.
pub(crate) fn manifest(path: &Path, platform: &str, env: &Env<'_>) -> Result<MadeManifest, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let (stage, name) = (env.get("FAAS_STAGE"), path.file_name().unwrap_or_default().to_string_lossy());
    let read = serverless_spec::read(&Input {
        name: &name,
        text: &text,
        environment: &environment,
        options: &BTreeMap::new(),
        stage: stage.as_deref(),
        platform: Some(platform),
        files: &Beside(path.parent().unwrap_or(Path::new("")).to_owned()),
    });
    let said = |severity| {
        let all = read.diagnostics.iter().filter(move |diagnostic| diagnostic.severity == severity);
        all.map(|diagnostic| render(diagnostic, &read.sources, false)).collect::<Vec<_>>()
    };
    let Some(spec) = &read.spec else { return Err(format!("\n{}", said(Severity::Error).join("\n\n"))) };
    let unit = unit(spec, env.get("FAAS_UNIT"))?;
    let text = spec.manifest(unit).map_err(|error| error.to_string())?;
    let warned = |diagnostic: &&serverless_spec::diagnostic::Diagnostic| diagnostic.severity == Severity::Warning;
    let doubts = read
        .diagnostics
        .iter()
        .filter(warned)
        .map(|diagnostic| format!("{}: {}", read.sources.place(diagnostic.span), diagnostic.message));
    Ok(MadeManifest { text, doubts: doubts.collect() })
}

/// Returns the deployment that this process is.
fn unit(spec: &Spec, named: Option<String>) -> Result<&Unit, String> {
    let names = || spec.units.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>().join(", ");
    match (named, &spec.units[..]) {
        (Some(named), units) => units
            .iter()
            .find(|unit| unit.name == named)
            .ok_or_else(|| format!("FAAS_UNIT: it makes no deployment {named:?}; it makes {}", names())),
        (None, [only]) => Ok(only),
        (None, []) => Err("it has no function".to_owned()),
        (None, units) => {
            Err(format!("it makes {} deployments: set FAAS_UNIT to the one of this process, {}", units.len(), names()))
        }
    }
}
