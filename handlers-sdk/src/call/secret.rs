//! A configured value that is not shown by accident.

use std::borrow::Cow;
use std::fmt;

/// A secret: a password, a key. `Debug` does not show it, and there is no `Display`. It is also a type of fields in a
/// configuration that is read by [`Configured`](crate::Configured).
///
/// ```
/// use handlers_sdk::{FaasContext, Secret, function};
///
/// #[function]
/// fn connect(ctx: FaasContext) -> Result<String, (u16, &'static str)> {
///     let key: Secret = ctx.secret("API_KEY").ok_or((503, "not configured"))?;
///     Ok(format!("{key:?} has {} bytes", key.reveal().len()))
/// }
///
/// let app = handlers_sdk::testing::App::builder().module(connect::MODULE).config("API_KEY", "s3cr3t");
/// let answer = app.start().expect("it starts").invoke(handlers_sdk::testing::Invoke::event(""));
/// assert_eq!(answer.text(), "Secret(…) has 6 bytes");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Cow<'static, str>);

impl Secret {
    /// Returns the value itself, in the clear.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Secret {
    fn from(value: &'static str) -> Secret {
        Secret(Cow::Borrowed(value))
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Secret {
        Secret(Cow::Owned(value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(feature = "json")]
impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::from)
    }
}
