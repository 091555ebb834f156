//! Writes packages: each deployment is built, laid out and checked, and its bill of materials stands beside it. What a
//! package is on each platform is `package`'s, and what is wrong with one is `check`'s.
//!
//! | module | holds |
//! |---|---|
//! | `command` | the command `package` |
//! | `bill` | the command `sbom` |
//! | `one_file` | a unit in one program |
//! | `sbom` | the crates that a package was built from |

pub(crate) mod bill;
pub(crate) mod command;
mod one_file;
mod sbom;
