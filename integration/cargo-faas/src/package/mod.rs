//! Packages: what a platform is given.
//!
//! | module | holds |
//! |---|---|
//! | `platforms` | what a package has to be like on each platform, in one table |
//! | `contents` | the files of a package, to and from zips and folders |
//! | `layout` | where each file of a unit goes |
//! | `oci` | images |

pub(crate) mod contents;
pub(crate) mod layout;
pub(crate) mod oci;
pub(crate) mod platforms;
