//! The error of a function or a layer: what kind, in words, and in detail.

use std::error::Error as StdError;
use std::fmt;

/// Why a call failed. Made from any error by `?`, or with [`Error::new`].
///
/// It does not implement [`std::error::Error`] itself, since then nothing could be turned into it.
pub struct Error(Box<Parts>);

struct Parts {
    kind: String,
    message: String,
    detail: String,
    status: Option<u16>,
}

impl Error {
    /// `kind` is what callers and alarms tell errors apart by: `"Order.SoldOut"`. `message` is for people.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Error {
        Error(Box::new(Parts { kind: kind.into(), message: message.into(), detail: String::new(), status: None }))
    }

    /// An error of kind `Error` with a message.
    pub fn msg(message: impl fmt::Display) -> Error {
        Error::new("Error", message.to_string())
    }

    /// For an HTTP trigger: answer with this status (200 to 599) and a JSON body of kind and message, instead of failing.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Error {
        self.0.status = Some(status);
        self
    }

    /// What people need beside the message: where, and what lies beneath. Never shown to the caller of an HTTP trigger.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Error {
        self.0.detail = detail.into();
        self
    }

    /// Another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<String>) -> Error {
        self.0.kind = kind.into();
        self
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The detail; often empty.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The HTTP status, if it has one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }
}

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
    /// The kind is the type's name, the detail its chain of sources.
    fn from(error: E) -> Error {
        let mut detail = String::new();
        let mut source = error.source();
        while let Some(cause) = source {
            if !detail.is_empty() {
                detail.push_str("; ");
            }
            detail.push_str("caused by: ");
            detail.push_str(&cause.to_string());
            source = cause.source();
        }
        Error::new(short_name(std::any::type_name::<E>()), error.to_string()).with_detail(detail)
    }
}

/// `a::b::Kind<c::D>` → `Kind`.
fn short_name(full: &str) -> &str {
    let plain = full.split('<').next().unwrap_or(full);
    plain.rsplit("::").next().unwrap_or(plain)
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
        assert_eq!(error.kind(), "SoldOut");
        assert_eq!(error.message(), "nothing left");
        assert_eq!(error.detail(), "caused by: invalid digit found in string");
    }

    #[test]
    fn generics_and_paths_are_no_part_of_a_kind() {
        assert_eq!(short_name("a::b::Kind<c::D<e::F>>"), "Kind");
        assert_eq!(short_name("Kind"), "Kind");
    }
}
