//! Encodings of bytes as text that platforms wrap around bodies and addresses. Each file is one of them.

pub mod base64;
pub mod percent;
pub mod sha256;
