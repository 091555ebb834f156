//! The types that a function may return as an error, and how each becomes an [`Error`].

use super::Error;
use super::kind::kind_of;
use super::status::IntoStatus;
use crate::marker::{Converted, Holder};
use std::error::Error as StdError;

/// Something a function returns as its error.
///
/// | type | status | what clients of HTTP triggers read of the message |
/// |---|---|---|
/// | [`Error`] | its own, else 500 | as it says |
/// | a [`std::error::Error`], such as an enum of `thiserror` | 500 | nothing, unless it derives [`FaasError`](derive@crate::FaasError) |
/// | `anyhow::Error`, `eyre::Report`, `Box<dyn Error + Send + Sync>` | as its innermost described cause says, else 500 | the same |
/// | `(u16, &str)`, `(u16, String)`, `(StatusCode, …)` | the given one | all of it |
/// | `&'static str` | 500 | all of it: it cannot hold anything secret |
/// | `String` | 500 | nothing: it may hold somebody else's text |
///
/// A type of your own that is no [`std::error::Error`] implements `From<YourType> for handlers_sdk::Error`. `M` tells
/// the kinds of types apart for the compiler.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::Invoke};
/// struct SoldOut(&'static str);
///
/// impl From<SoldOut> for Error {
///     fn from(SoldOut(item): SoldOut) -> Error {
///         Error::new("Order.SoldOut", format!("there is no {item}")).with_status(409)
///     }
/// }
///
/// #[function]
/// fn own() -> Result<(), SoldOut> {
///     Err(SoldOut("tea"))
/// }
///
/// #[function]
/// fn in_place() -> Result<(), (u16, String)> {
///     Err((404, "no such order".to_owned()))
/// }
///
/// assert_eq!(Invoke::http("GET", "/").run(own::MODULE).status(), 409);
/// assert_eq!(Invoke::http("GET", "/").run(in_place::MODULE).status(), 404);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a function",
    label = "not an error that a function may return",
    note = "return `handlers_sdk::Error`, `anyhow::Error`, `Box<dyn std::error::Error + Send + Sync>`, a type that implements \
            `std::error::Error`, `(u16, &str)` or `String`",
    note = "for an enum of your own, derive `thiserror::Error` (or implement `Display` and `std::error::Error`), and derive \
            `handlers_sdk::FaasError` to give it status, kind and public message"
)]
pub trait IntoError<M = ()> {
    /// Makes an [`Error`] of it.
    fn into_error(self) -> Error;
}

impl<E: Into<Error>> IntoError<Converted> for E {
    fn into_error(self) -> Error {
        let error: Error = self.into();
        // The place at which an error of another type was made is not known any more.
        if error.location().is_some_and(|place| place.file() == file!()) { error.without_place() } else { error }
    }
}

impl<E: AsRef<dyn StdError + Send + Sync>> IntoError<Holder> for E {
    fn into_error(self) -> Error {
        Error::foreign(&kind_of::<E>(), self.as_ref(), None)
    }
}

impl IntoError for Box<dyn StdError> {
    fn into_error(self) -> Error {
        Error::foreign("Error", &*self, None)
    }
}

/// A text that was made while the program ran may hold anything.
impl IntoError for String {
    fn into_error(self) -> Error {
        Error::internal("Error", self).without_place()
    }
}

/// A text of the program's own.
impl IntoError for &'static str {
    fn into_error(self) -> Error {
        Error::msg(self).without_place()
    }
}

/// A status for HTTP triggers, and what callers read.
impl<S: IntoStatus, T: Into<String>> IntoError for (S, T) {
    fn into_error(self) -> Error {
        Error::new("Error", self.1).with_status(self.0.into_status()).without_place()
    }
}
