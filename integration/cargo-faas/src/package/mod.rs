//! Packages, as they are given to a platform. They are neither built nor judged here.
//!
//! | module | holds |
//! |---|---|
//! | `platforms` | the requirements on a package on each platform, in one table |
//! | `contents` | the files of a package, to and from zips and folders |
//! | `layout` | the place of each file of a unit |
//! | `oci` | images |
//! | `toolchain` | the compilers and linkers |
//! | `written` | the packages that `package` has written |

pub(crate) mod contents;
pub(crate) mod layout;
pub(crate) mod oci;
pub(crate) mod platforms;
pub(crate) mod toolchain;
pub(crate) mod written;
