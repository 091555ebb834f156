//! The command `manifest`: the text that the runtimes read.

use super::{ServiceArgs, read, right};
use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the manifest (faas.json) of each deployment
#[derive(Debug, Args)]
pub(crate) struct Manifest {
    /// Only that of this deployment
    #[arg(long, value_name = "NAME")]
    unit: Option<String>,

    /// Write `<FOLDER>/<deployment>/faas.json` instead of to the standard output
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    #[command(flatten)]
    service: ServiceArgs,
}

impl Manifest {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let Manifest { unit, out, service } = self;
        let found = read::read(&service.yml)?;
        let Some(spec) = right(&found, service, screen) else { return Ok(ExitCode::FAILURE) };
        let units: Vec<_> =
            spec.units.iter().filter(|other| unit.as_ref().is_none_or(|name| other.name == *name)).collect();
        if let (true, Some(name)) = (units.is_empty(), unit) {
            let names: Vec<&str> = spec.units.iter().map(|unit| unit.name.as_str()).collect();
            let why = format!("there is no deployment `{name}`; there are {}", names.join(", "));
            return Err(Failure::new("manifest", why));
        }
        for unit in units {
            let text = spec.manifest(unit).map_err(|error| Failure::new("manifest", error))?;
            let Some(out) = out else {
                screen.line(text.trim_end());
                continue;
            };
            let folder = out.join(&unit.name);
            let path = folder.join("faas.json");
            let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, &text));
            written.map_err(|error| Failure::new("manifest", format!("{}: {error}", path.display())))?;
            screen.head("manifest", &path.display().to_string());
        }
        Ok(ExitCode::SUCCESS)
    }
}
