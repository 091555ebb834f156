//! The differences of the two runtimes: a table of functions that each of them fills in, and nothing else.

use crate::serving::http2::Http2;
use faas_abi::ModuleEntry;
use faas_core::failure::Failure;
use faas_core::settings::Env;
use std::borrow::Cow;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A function that finds the library in code which may be an archive.
pub type LibraryOf = for<'c> fn(&'c [u8]) -> Result<Cow<'c, [u8]>, Failure>;

/// The part of a runtime that is its own, and not this crate's.
#[derive(Debug)]
pub struct Driver {
    /// The program's name in messages that are written before there is a log.
    pub program: &'static str,
    /// Opens a library for the life of the process and finds its entry point.
    ///
    /// # Errors
    /// In words that need no path in front of them.
    pub open: fn(&Path) -> Result<ModuleEntry, String>,
    /// Writes a byte other than 0 into the socket for each SIGTERM and SIGINT from now on.
    ///
    /// # Errors
    /// The system takes no handler, or has no descriptor left.
    pub signals_into: fn(UnixStream) -> io::Result<()>,
    /// Finds the library in the code that a platform sends, which may be an archive.
    ///
    /// # Errors
    /// The code holds no library that this runtime can take.
    pub library: LibraryOf,
    /// Serves connections of HTTP/2; `None` if the runtime speaks HTTP/1.1 alone.
    pub http2: Option<&'static dyn Http2>,
    /// Makes the manifest of a process of the yml at this path, on this platform; `None` if the runtime reads no yml.
    ///
    /// # Errors
    /// The text has everything that is wrong with it.
    pub yml: Option<ManifestOf>,
}

/// Makes the manifest of a process of a yml.
pub type ManifestOf = fn(path: &Path, platform: &str, env: &Env<'_>) -> Result<MadeManifest, String>;

/// A manifest that was made of a yml.
#[derive(Debug)]
pub struct MadeManifest {
    /// The text of the manifest.
    pub text: String,
    /// The messages about the yml that its owner should know, a line each.
    pub doubts: Vec<String>,
}
