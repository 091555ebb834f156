//! The command `sbom`: the bill of materials of packages of a workspace, by itself.

use super::command::metadata;
use super::sbom::{self, Described, Source};
use crate::failure::Failure;
use crate::package::toolchain::Arch;
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
        if let Some(missing) = self.package.iter().find(|name| sbom::version(&metadata, name).is_none()) {
            return Err(Failure::new("package", format!("this workspace has no package {missing}")));
        }
        let version = sbom::version(&metadata, &self.package[0]).map(str::to_owned);
        let digests: Vec<(String, String)> = self.artefact.iter().map(|path| digest(path)).collect::<Result<_, _>>()?;
        let files: Vec<Described<'_>> =
            digests.iter().map(|(path, digest)| Described { path, digest: digest.clone() }).collect();
        let source = Source { metadata, packages: self.package.clone() };
        screen.line(sbom::sbom(&self.package[0], version.as_deref(), &[source], &files)?.trim_end());
        Ok(ExitCode::SUCCESS)
    }
}

fn digest(path: &Path) -> Result<(String, String), Failure> {
    let bytes =
        std::fs::read(path).map_err(|error| Failure::new("artefact", format!("{}: {error}", path.display())))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok((name, sha256::digest(&bytes)))
}
