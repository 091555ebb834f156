//! The code that came over the wire, written to a file that can be loaded.

use crate::runtime_files;
use faas_core::failure::Failure;
use std::borrow::Cow;
use std::fs::{DirBuilder, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The number of folders that are tried before the temporary folder is taken to be unusable.
const TRIES: u32 = 8;

/// A function that finds the library in code which may be an archive.
pub type LibraryOf = for<'c> fn(&'c [u8]) -> Result<Cow<'c, [u8]>, Failure>;

/// Writes the library in the code to a private folder; both go when the process leaves.
///
/// # Errors
/// The code holds no library that this runtime can take, or it cannot be written.
pub(crate) fn keep(library: LibraryOf, code: &[u8]) -> Result<PathBuf, Failure> {
    let library = library(code)?;
    let folder = std::env::temp_dir();
    keep_in(&folder, &library).map_err(|error| {
        let message = format!("the code that was sent cannot be written to {}: {error}", folder.display());
        Failure::new("Runtime.BadCode", message)
    })
}

fn keep_in(parent: &Path, code: &[u8]) -> io::Result<PathBuf> {
    let folder = private_folder(parent)?;
    runtime_files::add(&folder);
    let path = folder.join("libfunction.so");
    runtime_files::add(&path);
    OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path)?.write_all(code)?;
    Ok(path)
}

/// Makes a new folder for this user alone, so that nobody else's file can lie in it.
fn private_folder(parent: &Path) -> io::Result<PathBuf> {
    let mut tries = 0;
    loop {
        // The name is random, so that nobody could have made such a folder beforehand.
        let random = RandomState::new().hash_one(std::process::id());
        let folder = parent.join(format!("faas-code-{random:016x}"));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const BARE: LibraryOf = |code| match code {
        b"PK" => Err(Failure::new("Runtime.BadCode", "an archive")),
        code => Ok(code.into()),
    };

    #[test]
    fn code_is_kept_where_nobody_else_can_change_it() {
        let paths = [keep(BARE, b"\x7fELF one").unwrap(), keep(BARE, b"\x7fELF two").unwrap()];
        assert_ne!(paths[0], paths[1]);
        for (path, code) in paths.iter().zip(["\x7fELF one", "\x7fELF two"]) {
            let folder = path.parent().unwrap();
            assert_eq!(std::fs::read(path).unwrap(), code.as_bytes());
            for mine in [path, folder] {
                assert_eq!(mine.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", mine.display());
            }
            runtime_files::remove(path);
            runtime_files::remove(folder);
            assert!(!folder.exists());
        }
    }

    #[test]
    fn what_holds_no_library_for_this_runtime_is_not_kept() {
        assert_eq!(keep(BARE, b"PK").unwrap_err().message, "an archive");
    }
}
