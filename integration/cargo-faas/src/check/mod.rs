//! `cargo faas check` for files and packages: will it work where it is to run?
//!
//! | module | holds |
//! |---|---|
//! | `finding` | what is wrong, or worth knowing |
//! | `artefact` | one compiled file |
//! | `package` | a zip or folder as a whole |
//! | `start` | how long a package takes to start |

pub(crate) mod artefact;
pub(crate) mod finding;
pub(crate) mod package;
pub(crate) mod start;
