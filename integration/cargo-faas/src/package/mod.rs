//! Packages, as they are given to a platform.
//!
//! | module | holds |
//! |---|---|
//! | `command` | the command `package` |
//! | `bill` | the command `sbom` |
//! | `platforms` | the requirements on a package on each platform, in one table |
//! | `contents` | the files of a package, to and from zips and folders |
//! | `layout` | the place of each file of a unit |
//! | `oci` | images |
//! | `one_file` | a unit in one program |
//! | `sbom` | the crates that a package was built from |
//! | `toolchain` | the compilers and linkers |
//! | `written` | the packages that `package` has written |

pub(crate) mod bill;
pub(crate) mod command;
pub(crate) mod contents;
pub(crate) mod layout;
pub(crate) mod oci;
mod one_file;
pub(crate) mod platforms;
mod sbom;
pub(crate) mod toolchain;
pub(crate) mod written;
