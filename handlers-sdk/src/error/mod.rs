//! The error of a function or a layer: its kind, its words, and its detail.

pub(crate) mod convert;
pub(crate) mod described;
pub(crate) mod kind;
pub(crate) mod status;

use crate::debug;
use crate::stream_error::StreamError;
use convert::IntoError;
use faas_abi::{E_INTERNAL, E_USER, Status};
use kind::kind_of;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

/// The reason why a call failed. It is made of any error by `?`, or with [`Error::new`].
///
/// The runtime logs all of it, with the place where it was made. Of an error that was made with `new` or `msg`, callers
/// read kind and message. The message of one that `?` has made is somebody else's text, with addresses and paths in it
/// perhaps. So clients of HTTP triggers read its kind alone, until [`with_message`](Error::with_message) says what they
/// may read.
///
/// It does not implement [`std::error::Error`] itself, since then nothing could be turned into it.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::Error;
///
/// #[function]
/// fn pieces(text: String) -> Result<String, Error> {
///     let pieces: u32 = text.parse()?;
///     if pieces == 0 {
///         return Err(Error::new("Order.Pieces", "expected 1 or more, found 0").with_status(400));
///     }
///     Ok(format!("{pieces} pieces"))
/// }
///
/// let answer = Invoke::http("POST", "/").body("0").run(pieces::MODULE);
/// assert_eq!((answer.status(), &answer.json()["errorType"]), (400, &"Order.Pieces".into()));
/// let failed = Invoke::event("two").run(pieces::MODULE).failed.expect("it is no number");
/// assert_eq!(failed.message, "invalid digit found in string", "which is for the log");
/// assert_eq!(failed.told, "the function failed", "which is for clients");
/// ```
pub struct Error(Box<Parts>);

struct Parts {
    kind: String,
    message: String,
    detail: String,
    status: Option<u16>,
    /// `true` if the message is not meant for callers.
    is_internal: bool,
    /// `true` if the thing that an argument is made from was not sent at all.
    is_absent: bool,
    /// The place where it was made; `None` if the detail has it, or it is not known.
    place: Option<&'static Location<'static>>,
}

impl Error {
    /// Makes an error. `kind` is what callers and alarms tell errors apart by: `"Order.SoldOut"`. `message` is for
    /// people.
    #[track_caller]
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Error {
        Error(Box::new(Parts {
            kind: kind.into(),
            message: message.into(),
            detail: String::new(),
            status: None,
            is_internal: false,
            is_absent: false,
            place: Some(Location::caller()),
        }))
    }

    /// Makes the error of an argument whose source was not sent at all: status 400, and an argument `Option<T>` is
    /// `None`.
    ///
    /// ```
    /// # use handlers_sdk::Error;
    /// let error = Error::absent("Tenant.Missing", "expected a header X-Tenant");
    /// assert_eq!((error.kind(), error.status()), ("Tenant.Missing", Some(400)));
    /// ```
    #[track_caller]
    pub fn absent(kind: impl Into<String>, message: impl Into<String>) -> Error {
        let mut error = Error::new(kind, message).with_status(400);
        error.0.is_absent = true;
        error
    }

    /// Makes the error that of an absent thing, after which an argument `Option<T>` is `None`.
    pub(crate) fn into_absent(mut self) -> Error {
        self.0.is_absent = true;
        self
    }

    /// Adds a line to the detail.
    pub(crate) fn with_line(mut self, line: &str) -> Error {
        if !self.0.detail.is_empty() {
            self.0.detail.push('\n');
        }
        self.0.detail.push_str(line);
        self
    }

    /// Returns an error whose message is not meant for callers.
    #[track_caller]
    pub(crate) fn internal(kind: impl Into<String>, message: impl Into<String>) -> Error {
        let mut error = Error::new(kind, message);
        error.0.is_internal = true;
        error
    }

    /// Returns an error whose message is not meant for callers, and whose detail begins with its place, as far as it is
    /// known.
    pub(crate) fn placed(kind: &str, message: String, detail: String) -> Error {
        let mut error = Error::internal(kind, message).with_detail(detail);
        error.0.place = None;
        error
    }

    /// Returns an error made of anything that a function may return as one: `anyhow::Error`, a boxed error, a text, a
    /// status with a text. `?` alone converts what implements [`std::error::Error`].
    ///
    /// ```
    /// # use handlers_sdk::Error;
    /// fn parse(text: &str) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> { Ok(text.parse()?) }
    ///
    /// fn total(text: &str) -> Result<u32, Error> {
    ///     Ok(parse(text).map_err(Error::of)? * 2)
    /// }
    /// assert!(total("x").is_err());
    /// ```
    pub fn of<M>(error: impl IntoError<M>) -> Error {
        error.into_error()
    }

    /// Forgets the place where the error was made.
    pub(crate) fn without_place(mut self) -> Error {
        self.0.place = None;
        self
    }

    /// Returns an error of kind `Error` with a message.
    #[track_caller]
    pub fn msg(message: impl fmt::Display) -> Error {
        Error::new("Error", message.to_string())
    }

    /// Lets an HTTP trigger be answered with this status (200 to 599) and a JSON body of kind and message, instead of
    /// failing.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Error {
        self.0.status = Some(status);
        self
    }

    /// Sets the detail, which people need beside the message: what lies beneath. It goes to the log alone, or with
    /// `FAAS_DEBUG` to callers.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Error {
        self.0.detail = detail.into();
        self
    }

    /// Sets another message, for callers to read. The one that stood here is kept as a cause.
    ///
    /// ```
    /// # use handlers_sdk::Error;
    /// let error = "two".parse::<u32>().expect_err("it is no number");
    /// let error = Error::from(error).with_message("expected a number of pieces");
    /// assert_eq!(error.message(), "expected a number of pieces");
    /// assert_eq!(error.detail(), "caused by: invalid digit found in string");
    /// ```
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Error {
        let message = std::mem::replace(&mut self.0.message, message.into());
        let apart = if self.0.detail.is_empty() { "" } else { "; " };
        self.0.detail = format!("caused by: {message}{apart}{}", self.0.detail);
        self.0.is_internal = false;
        self
    }

    /// Sets another kind, by which callers tell errors apart.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<String>) -> Error {
        self.0.kind = kind.into();
        self
    }

    /// Returns the kind, by which callers tell errors apart.
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Returns the message, as the log has it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the detail; often empty.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Returns the HTTP status; `None` if it has no status of its own.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns the place where it was made: the call of `new`, or the `?`. It is `None` if it is not known.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.0.place
    }

    /// Returns the part of the message that callers read.
    pub(crate) fn public_message(&self) -> &str {
        if self.0.is_internal && !debug::is_on() { CONCEALED } else { &self.0.message }
    }

    /// Returns `true` if the thing that an argument is made from was not sent at all.
    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_absent
    }

    /// Returns `true` if the message is not meant for callers.
    pub(crate) fn is_internal(&self) -> bool {
        self.0.is_internal
    }

    /// Returns the detail with the place on its first line, as the host takes it apart.
    pub(crate) fn placed_detail(&self) -> String {
        match self.0.place {
            None => self.0.detail.clone(),
            Some(place) if self.0.detail.is_empty() => format!("at {place}"),
            Some(place) => format!("at {place}\n{}", self.0.detail),
        }
    }

    /// Returns the status with which a call ends: by it the host knows whether the message is meant for callers.
    pub(crate) fn ends_with(&self) -> Status {
        if self.0.is_internal { E_INTERNAL } else { E_USER }
    }
}

/// The message that stands in place of one that callers are not to read, as the runtimes have it.
const CONCEALED: &str = "the function failed";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind, self.0.message)?;
        if !self.0.detail.is_empty() {
            write!(f, " ({})", self.0.detail)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("detail", &self.0.detail)
            .field("status", &self.0.status)
            .finish()
    }
}

impl<E: StdError + 'static> From<E> for Error {
    /// Makes an error of any other one. Its kind is the path of the other's type, for a type of std the public path.
    /// Its detail is the chain of sources, and its place that of the `?`. Where the error or one of its sources is
    /// described by [`FaasError`](derive@crate::FaasError), kind, status and message are as described.
    #[track_caller]
    fn from(error: E) -> Error {
        let mut made = Error::foreign(&kind_of::<E>(), &error, Some(Location::caller()));
        if let Some(status) = StreamError::status_of(&error) {
            // The error tells the client about a mistake of its own.
            (made.0.status, made.0.is_internal) = (Some(status), false);
        }
        made
    }
}

impl Error {
    /// Makes an error of one that is somebody else's: its text is for the log, unless it is described.
    pub(crate) fn foreign(
        kind: &str,
        error: &(dyn StdError + 'static),
        place: Option<&'static Location<'static>>,
    ) -> Error {
        let text = error.to_string();
        let causes = causes(error.source());
        let mut made = match described::find(error) {
            None => Error::internal(kind, text).with_detail(causes),
            Some(shown) => {
                let whole = if causes.is_empty() { text } else { format!("{text}; {causes}") };
                let made = match shown.message {
                    None => Error::internal(shown.kind, whole),
                    Some(message) if message == whole => Error::new(shown.kind, message),
                    Some(message) => Error::new(shown.kind, message).with_detail(format!("caused by: {whole}")),
                };
                shown.status.into_iter().fold(made, Error::with_status)
            }
        };
        made.0.place = place;
        made
    }
}

/// Returns the causes of an error, outermost first; empty if there are none.
fn causes(mut source: Option<&(dyn StdError + 'static)>) -> String {
    let mut causes = String::new();
    while let Some(cause) = source {
        if !causes.is_empty() {
            causes.push_str("; ");
        }
        causes.push_str("caused by: ");
        causes.push_str(&cause.to_string());
        source = cause.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct SoldOut(std::num::ParseIntError);

    impl fmt::Display for SoldOut {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("nothing left")
        }
    }

    impl StdError for SoldOut {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_question_mark_keeps_type_message_and_sources() {
        fn fails() -> Result<(), Error> {
            Err(SoldOut("x".parse::<u8>().expect_err("no number")))?
        }
        let error = fails().expect_err("it fails");
        assert_eq!(error.kind(), "handlers_sdk::error::tests::SoldOut");
        assert_eq!(error.message(), "nothing left");
        assert_eq!(error.detail(), "caused by: invalid digit found in string");
    }

    #[test]
    fn an_error_knows_where_it_was_made() {
        fn fails() -> Result<u8, Error> {
            Ok("x".parse::<u8>()?)
        }
        let here = line!();
        for (error, line) in [(fails().expect_err("no number"), here - 2), (Error::new("K", "m"), here + 1)] {
            let place = error.location().expect("it was made here");
            assert_eq!((place.file(), place.line()), (file!(), line));
            assert!(error.placed_detail().starts_with(&format!("at {}:{line}:", file!())), "{}", error.placed_detail());
        }
    }

    #[test]
    fn a_foreign_message_is_internal_until_the_author_gives_another() {
        let foreign = || Error::from("x".parse::<u8>().expect_err("no number"));
        assert_eq!((foreign().ends_with(), foreign().public_message()), (E_INTERNAL, "the function failed"));
        let own = foreign().with_message("expected a number");
        assert_eq!((own.ends_with(), own.public_message()), (E_USER, "expected a number"));
        assert_eq!((own.kind(), own.detail()), ("std::num::ParseIntError", "caused by: invalid digit found in string"));
        assert_eq!(Error::new("K", "m").ends_with(), E_USER);
        assert_eq!(Error::msg("m").ends_with(), E_USER);
    }
}
