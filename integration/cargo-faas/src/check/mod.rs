//! The checks of `cargo faas check` for files and packages. They tell whether a thing will work where it is to run.
//!
//! | module | holds |
//! |---|---|
//! | `command` | the command |
//! | `finding` | mistakes, and things worth knowing |
//! | `artefact` | one compiled file |
//! | `package` | a zip or folder as a whole |
//! | `declared` | the check that a library has all that the manifest names |
//! | `start` | the time that a package takes to start |

pub(crate) mod artefact;
pub(crate) mod command;
mod declared;
pub(crate) mod finding;
pub(crate) mod package;
mod start;
