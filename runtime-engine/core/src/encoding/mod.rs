//! Encodings of bytes as text that platforms wrap around bodies and addresses, and of moments as dates. Each file is
//! one of them.

pub mod base64;
pub mod calendar;
pub mod percent;
pub mod sha256;
