//! Code that came over the wire, as a file that can be loaded.

use crate::traces;
use faas_core::failure::Failure;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How a zip archive begins.
const ZIP: &[u8] = b"PK";

/// Writes a module to a private folder; both go when the process leaves.
///
/// # Errors
/// If it is no module but an archive, or cannot be written.
pub(crate) fn keep(code: &[u8]) -> Result<PathBuf, Failure> {
    if code.starts_with(ZIP) {
        let message = "the code is a zip archive: this runtime takes a bare module, a lib….so; the full engine takes \
                       archives";
        return Err(Failure::new("Runtime.BadCode", message));
    }
    let folder = std::env::temp_dir();
    keep_in(&folder, code).map_err(|error| {
        let message = format!("the code that was sent cannot be written to {}: {error}", folder.display());
        Failure::new("Runtime.BadCode", message)
    })
}

fn keep_in(parent: &Path, code: &[u8]) -> io::Result<PathBuf> {
    let folder = new_folder(parent)?;
    traces::add(&folder);
    let path = folder.join("libfunction.so");
    traces::add(&path);
    OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path)?.write_all(code)?;
    Ok(path)
}

/// Made by us, so that nobody else's file can lie in it.
fn new_folder(parent: &Path) -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let folder = parent.join(format!("faas-code-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn code_is_kept_where_nobody_else_can_change_it() {
        let paths = [keep(b"\x7fELF one").unwrap(), keep(b"\x7fELF two").unwrap()];
        assert_ne!(paths[0], paths[1]);
        for (path, code) in paths.iter().zip(["\x7fELF one", "\x7fELF two"]) {
            let folder = path.parent().unwrap();
            assert_eq!(std::fs::read(path).unwrap(), code.as_bytes());
            for mine in [path, folder] {
                assert_eq!(mine.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", mine.display());
            }
            traces::remove(path);
            traces::remove(folder);
            assert!(!folder.exists());
        }
    }

    #[test]
    fn an_archive_is_refused_in_words() {
        let failure = keep(b"PK\x03\x04").unwrap_err();
        assert!(failure.message.contains("takes a bare module") && failure.message.contains("the full engine"));
    }
}
