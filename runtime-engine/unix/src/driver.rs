//! The differences of the two runtimes: a table of functions that each of them fills in, and nothing else.
//!
//! Only [`start`](crate::start) reads it: a module below is handed the one function that it calls, so that none of them
//! has to know of the whole table.

pub use crate::code::LibraryOf;
use crate::loader::Open;
pub use crate::manifest::{MadeManifest, ManifestOf};
use crate::serving::http2::Http2;
pub use crate::shutdown::SignalsInto;

/// The part of a runtime that is its own, and not this crate's.
#[derive(Debug)]
pub struct Driver {
    /// The program's name in messages that are written before there is a log.
    pub program: &'static str,
    /// Opens a library for the life of the process and finds its entry point.
    ///
    /// # Errors
    /// In words that need no path in front of them.
    pub open: Open,
    /// Writes a byte other than 0 into the socket for each SIGTERM and SIGINT from now on.
    ///
    /// # Errors
    /// The system takes no handler, or has no descriptor left.
    pub signals_into: SignalsInto,
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
