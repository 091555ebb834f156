//! Packages where `package` has written them: which lie there, the files of one, and whether it is of the yml that is
//! here. Nothing is judged.

use super::contents::Contents;
use super::layout::MANIFEST;
use super::platforms::{PLATFORMS, PROGRAM, Packaging};
use crate::failure::Failure;
use faas_core::manifest::Manifest;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// Returns the packages in a folder that holds no package itself but packages of platforms: below the folders of these,
/// or in the folder of one. There are none in any other folder.
pub(crate) fn inside(folder: &Path) -> Vec<(PathBuf, &'static Packaging)> {
    if [PROGRAM, MANIFEST, "Dockerfile", "oci-layout"].iter().any(|name| folder.join(name).is_file()) {
        return Vec::new();
    }
    let all = below(folder);
    match named_by(folder).filter(|_| all.is_empty()) {
        Some(packaging) => of_platform(folder).into_iter().map(|path| (path, packaging)).collect(),
        None => all,
    }
}

/// Returns the packages in the folders of all platforms below a folder.
pub(crate) fn below(folder: &Path) -> Vec<(PathBuf, &'static Packaging)> {
    let of = |packaging: &'static Packaging| {
        of_platform(&folder.join(packaging.platform)).into_iter().map(move |path| (path, packaging))
    };
    PLATFORMS.iter().flat_map(of).collect()
}

/// Returns the platform whose folder a package lies in; `None` if it lies in no such folder.
pub(crate) fn platform(package: &Path) -> Option<&'static Packaging> {
    is_package(package).then(|| package.parent().and_then(named_by)).flatten()
}

/// Returns the platform that a folder is called by.
fn named_by(folder: &Path) -> Option<&'static Packaging> {
    let name = folder.file_name()?;
    PLATFORMS.iter().find(|packaging| packaging.platform == name)
}

fn is_package(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|end| end == "zip")
}

/// Returns the packages in the folder of a platform, by their names.
fn of_platform(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| is_package(path));
    paths.sort_unstable();
    paths
}

/// Returns the package of a deployment in the folder of its platform; `None` if there is none.
pub(crate) fn of_deployment(folder: &Path, name: &str) -> Option<PathBuf> {
    let (zip, files) = (folder.join(format!("{name}.zip")), folder.join(name));
    if zip.is_file() { Some(zip) } else { Some(files).filter(|files| files.is_dir()) }
}

/// Returns the files of a package.
///
/// # Errors
/// It cannot be read, or is neither a folder nor a zip.
pub(crate) fn contents(path: &Path) -> Result<Contents, Failure> {
    if path.is_dir() {
        return Ok(of_folder(path)?.1);
    }
    let bytes = std::fs::read(path);
    Contents::of_zip(Cursor::new(
        bytes.map_err(|error| Failure::new("reading", format!("{}: {error}", path.display())))?,
    ))
}

/// Returns the files of a folder, or the files of the image that is built from it. The path is their place, if they are
/// files of their own.
///
/// # Errors
/// A file of it cannot be read.
pub(crate) fn of_folder(path: &Path) -> Result<(Option<PathBuf>, Contents), Failure> {
    let inner = path.join("app");
    if path.join("Dockerfile").is_file() && inner.join(PROGRAM).is_file() {
        return Ok((Some(inner.clone()), Contents::of_folder(&inner)?));
    }
    if path.join("oci-layout").is_file() {
        return Ok((None, super::oci::files(path)?));
    }
    Ok((Some(path.to_owned()), Contents::of_folder(path)?))
}

/// Returns `true` if a package was made from another yml than that of the digest.
pub(crate) fn is_stale(contents: &Contents, digest: &str) -> bool {
    let manifest = contents.file(MANIFEST).and_then(|file| Manifest::read(&file.bytes).ok());
    manifest.is_some_and(|manifest| !manifest.digest.is_empty() && manifest.digest != digest)
}
