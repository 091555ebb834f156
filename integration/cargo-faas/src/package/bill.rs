//! `sbom`: the bill of materials of packages of a workspace, by itself.

use super::command::metadata;
use super::sbom::{Described, Source, sbom};
use super::toolchain::Arch;
use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use faas_core::encoding::sha256;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write which crates something is built from, as CycloneDX in JSON; `package` does so beside every package
#[derive(Debug, Args)]
pub(crate) struct Sbom {
    /// A package of this workspace; may be repeated
    #[arg(long, short, value_name = "NAME", required = true)]
    package: Vec<String>,

    /// A file that was built from it, whose digest goes in; may be repeated
    #[arg(long, value_name = "PATH")]
    artefact: Vec<PathBuf>,

    /// The processor [default: this machine's]
    #[arg(long, value_name = "NAME")]
    arch: Option<Arch>,
}

impl Sbom {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let target = format!("{}-unknown-linux-gnu", self.arch.unwrap_or_else(Arch::host).triple());
        let metadata = metadata(Path::new("."), &target)?;
        let version = self.version(&metadata)?;
        let digests: Vec<(String, String)> = self.artefact.iter().map(|path| digest(path)).collect::<Result<_, _>>()?;
        let files: Vec<Described<'_>> =
            digests.iter().map(|(path, digest)| Described { path, digest: digest.clone() }).collect();
        let source = Source { metadata, packages: self.package.clone() };
        screen.line(sbom(&self.package[0], &version, &[source], &files)?.trim_end());
        Ok(ExitCode::SUCCESS)
    }

    /// The version of the first package; all of them are there.
    fn version(&self, metadata: &serde_json::Value) -> Result<String, Failure> {
        let all = || metadata["packages"].as_array().into_iter().flatten();
        let find = |name: &String| all().find(|one| one["name"] == **name && one["source"].is_null());
        let missing = self.package.iter().find(|name| find(name).is_none());
        if let Some(missing) = missing {
            return Err(Failure::new("package", format!("this workspace has no package {missing}")));
        }
        let version = find(&self.package[0]).and_then(|package| package["version"].as_str());
        Ok(version.unwrap_or_default().to_owned())
    }
}

fn digest(path: &Path) -> Result<(String, String), Failure> {
    let bytes =
        std::fs::read(path).map_err(|error| Failure::new("artefact", format!("{}: {error}", path.display())))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok((name, sha256::digest(&bytes)))
}
