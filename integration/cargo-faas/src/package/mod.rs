//! Packages: what a platform is given.
//!
//! | module | holds |
//! |---|---|
//! | `command` | the command |
//! | `bill` | the command `sbom` |
//! | `platforms` | what a package has to be like on each platform, in one table |
//! | `contents` | the files of a package, to and from zips and folders |
//! | `layout` | where each file of a unit goes |
//! | `oci` | images |
//! | `one_file` | a unit in one program |
//! | `sbom` | what a package was built from |
//! | `toolchain` | with what it is built |

pub(crate) mod bill;
pub(crate) mod command;
pub(crate) mod contents;
pub(crate) mod layout;
pub(crate) mod oci;
mod one_file;
pub(crate) mod platforms;
mod sbom;
pub(crate) mod toolchain;
