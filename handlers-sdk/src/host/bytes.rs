//! Bytes that are cheap to clone: the body of an invocation without a copy, or bytes of one's own.

use crate::ffi::InvBytes;
use crate::ffi::bytes::Chunk;
use crate::ffi::write::Given;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes that are cheap to clone. As an argument they are the body (of an HTTP trigger) or event, without a copy. As a
/// reply they are its body.
///
/// Those of an argument keep their invocation open: do not store them beyond the call, or copy them first.
///
/// ```
/// use handlers_sdk::{Bytes, function, testing::Invoke};
///
/// #[function]
/// fn mirror(body: Bytes) -> Bytes {
///     body
/// }
/// assert_eq!(Invoke::http("POST", "/").body("abc").run(mirror::MODULE).body, b"abc");
/// ```
#[derive(Clone)]
pub struct Bytes(pub(crate) Kept);

#[derive(Clone)]
pub(crate) enum Kept {
    Lent(InvBytes),
    Static(&'static [u8]),
    Shared(Arc<Vec<u8>>),
    Given(Arc<Chunk>),
}

impl Bytes {
    /// Wraps bytes that the program itself holds, without a copy.
    ///
    /// ```
    /// use handlers_sdk::Bytes;
    ///
    /// const PIXEL: Bytes = Bytes::from_static(b"GIF89a");
    /// assert_eq!(PIXEL.len(), 6);
    /// ```
    pub const fn from_static(bytes: &'static [u8]) -> Bytes {
        Bytes(Kept::Static(bytes))
    }

    /// Hands the bytes to the host: those that nobody else holds are not copied.
    pub(crate) fn into_given(self) -> Given {
        match self.0 {
            Kept::Lent(bytes) => Given::Owned(bytes.to_vec()),
            Kept::Static(bytes) => Given::Static(bytes),
            Kept::Shared(bytes) => Given::Owned(Arc::unwrap_or_clone(bytes)),
            Kept::Given(bytes) => Given::Owned((*bytes).as_ref().to_vec()),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kept::Lent(bytes) => bytes,
            Kept::Static(bytes) => bytes,
            Kept::Shared(bytes) => bytes,
            Kept::Given(bytes) => (**bytes).as_ref(),
        }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(Kept::Shared(Arc::new(bytes)))
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Bytes {
        Bytes::from(text.into_bytes())
    }
}

impl From<&'static str> for Bytes {
    fn from(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Bytes {
        Bytes::from_static(bytes)
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Vec<u8> {
        match bytes.0 {
            Kept::Shared(bytes) => Arc::unwrap_or_clone(bytes),
            _ => bytes.to_vec(),
        }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.len())
    }
}
