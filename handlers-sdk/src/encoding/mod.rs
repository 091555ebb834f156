//! Encodings that this crate reads and writes itself.

#[cfg(feature = "json")]
pub(crate) mod json_path;
pub(crate) mod json_text;
#[cfg(any(feature = "json", feature = "testing"))]
pub(crate) mod percent;
#[cfg(feature = "json")]
pub(crate) mod time;
