//! `cargo faas check` for files and packages: will it work where it is to run?
//!
//! | module | holds |
//! |---|---|
//! | `command` | the command |
//! | `finding` | what is wrong, or worth knowing |
//! | `artefact` | one compiled file |
//! | `package` | a zip or folder as a whole |
//! | `declared` | has a library what the manifest names? |
//! | `start` | how long a package takes to start |

pub(crate) mod artefact;
pub(crate) mod command;
mod declared;
pub(crate) mod finding;
pub(crate) mod package;
mod start;
