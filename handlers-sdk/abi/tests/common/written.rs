//! The files of `tests/signatures`.
#![allow(dead_code, reason = "each test target uses its part")]

use std::path::Path;

/// The folder of the files.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signatures");

/// One file of the folder.
pub(crate) struct Written {
    /// The name of the file without `.c`.
    pub(crate) name: String,
    /// The text of the file.
    pub(crate) source: String,
}

/// Returns all files of the folder.
pub(crate) fn files() -> Vec<Written> {
    let entries = std::fs::read_dir(FOLDER).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    let read = |path: &Path| Written {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        source: std::fs::read_to_string(path).expect("it can be read"),
    };
    let c = paths.filter(|path| path.extension().is_some_and(|extension| extension == "c"));
    c.map(|path| read(&path)).collect()
}
