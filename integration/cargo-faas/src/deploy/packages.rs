//! The packages that a deployment is made of, as far as they are there: the processor that each is built for, and
//! whether it is of the yml that is read.

use crate::artefact::{Machine, read as read_artefact};
use crate::failure::Failure;
use crate::package::platforms::PROGRAM;
use crate::package::toolchain::Arch;
use crate::package::written;
use serverless_spec::Spec;
use std::path::{Path, PathBuf};

/// A package of a deployment.
#[derive(Debug)]
pub(super) struct Package {
    path: PathBuf,
    /// The processor of its program; `None` if it has none that can be read, which `check` says.
    machine: Option<Machine>,
    is_stale: bool,
    /// `true` for an image in the OCI layout, as `package --one-file` and `--base` write it.
    is_image: bool,
}

/// Returns the packages of a service that lie in the folder of a platform.
pub(super) fn of(spec: &Spec, folder: &Path) -> Vec<Package> {
    let paths = spec.units.iter().filter_map(|unit| written::of_deployment(folder, &unit.name));
    let one = |path: PathBuf| {
        let contents = written::contents(&path).unwrap_or_default();
        let program = contents.file(PROGRAM).and_then(|file| read_artefact(&file.bytes).ok());
        let is_stale = written::is_stale(&contents, &spec.digest);
        let is_image = path.join("oci-layout").is_file();
        Package { path, machine: program.map(|program| program.arch), is_stale, is_image }
    };
    paths.map(one).collect()
}

/// Returns the processor that the packages are built for; without a package the one that is said, or this machine's.
///
/// # Errors
/// A package is for another processor than the one that is said, or than another package.
pub(super) fn arch(packages: &[Package], said: Option<Arch>, platform: &str) -> Result<Arch, Failure> {
    let again = format!("cargo faas package --platform {platform} --arch");
    let failed = |why: String| Failure::new("arch", why);
    let mut first: Option<(&Package, &Machine)> = None;
    for package in packages {
        let Some(machine) = &package.machine else { continue };
        let path = package.path.display();
        if let Some(said) = said.map(Arch::machine).filter(|said| said != machine) {
            return Err(failed(format!(
                "{path} is for {machine}, and --arch says {said}: package it again by {again} {said}, or leave --arch out"
            )));
        }
        match first {
            Some((other, its)) if its != machine => {
                let other = other.path.display();
                return Err(failed(format!(
                    "{other} is for {its} and {path} for {machine}: package both again by {again} {machine}"
                )));
            }
            _ => first = Some((package, machine)),
        }
    }
    Ok(first.and_then(|(_, machine)| Arch::of(machine)).or(said).unwrap_or_else(Arch::host))
}

/// Returns the paths of the packages that were made from another yml.
pub(super) fn stale(packages: &[Package]) -> Vec<&Path> {
    packages.iter().filter(|package| package.is_stale).map(|package| package.path.as_path()).collect()
}

/// Returns the paths of the packages that are images already. The scripts build images from folders of files, of which
/// these have none.
pub(super) fn images(packages: &[Package]) -> Vec<&Path> {
    packages.iter().filter(|package| package.is_image).map(|package| package.path.as_path()).collect()
}
