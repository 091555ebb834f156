//! The reasons why a stream cannot go on, in either direction.

use faas_abi::*;
use std::any::Any;
use std::fmt;

/// The reason why a stream cannot go on. A function's error that `?` makes of it answers an HTTP trigger with the
/// status that its variant names.
///
/// ```
/// # use handlers_sdk::{BodyStream, abi, function, testing::Invoke};
/// use handlers_sdk::StreamError;
///
/// #[function]
/// async fn upload(mut body: BodyStream) -> Result<String, StreamError> {
///     let mut bytes = 0;
///     while let Some(part) = body.next().await {
///         match part {
///             Ok(part) => bytes += part.len(),
///             Err(StreamError::TooLarge) => return Ok(format!("kept the first {bytes} bytes")),
///             Err(error) => return Err(error),
///         }
///     }
///     Ok(format!("{bytes} bytes"))
/// }
///
/// let cut = Invoke::http("POST", "/").body_in_parts(["abc", "def"]).body_ends_with(abi::E_TOO_BIG);
/// assert_eq!(cut.run(upload::MODULE).text(), "kept the first 6 bytes");
/// let broken = Invoke::http("POST", "/").body_in_parts(["abc"]).body_ends_with(abi::E_INVALID);
/// assert_eq!(broken.run(upload::MODULE).status(), 400);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError {
    /// The client or the platform is gone, or the invocation was cancelled. The function should stop.
    PeerGone,
    /// The head of the reply is out already.
    Begun,
    /// The body of the request is larger than the runtime takes (`FAAS_MAX_BODY`): 413.
    TooLarge,
    /// The client is slower with the body of its request than it may be (`FAAS_READ_TIMEOUT`): 408.
    TooSlow,
    /// The client breaks the framing of the body of its request: 400.
    BadBody,
    /// The host refused, with this status of the contract.
    Refused(i32),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamError::PeerGone => f.write_str("the peer of the stream is gone"),
            StreamError::Begun => {
                f.write_str("the head of the stream is out already; status and headers come before it")
            }
            StreamError::TooLarge => f.write_str("the body is larger than this server takes"),
            StreamError::TooSlow => f.write_str("the request did not come in within its time limit"),
            StreamError::BadBody => f.write_str("the framing of the body is broken"),
            StreamError::Refused(status) => write!(f, "the host refused the stream with status {status}"),
        }
    }
}

impl std::error::Error for StreamError {}

impl StreamError {
    /// Returns the status that tells a client of it; `None` if it is not the client's fault, or nobody is there to be
    /// told.
    fn http_status(self) -> Option<u16> {
        match self {
            StreamError::TooLarge => Some(413),
            StreamError::TooSlow => Some(408),
            StreamError::BadBody => Some(400),
            StreamError::PeerGone | StreamError::Begun | StreamError::Refused(_) => None,
        }
    }

    /// Returns the status that tells a client of an error which may be a stream's; `None` for every other error.
    pub(crate) fn status_of(error: &dyn Any) -> Option<u16> {
        error.downcast_ref::<StreamError>()?.http_status()
    }

    /// Makes the error of the status that the reading end was answered.
    pub(crate) fn of_reading(status: Status) -> StreamError {
        match status {
            E_CANCELLED => StreamError::PeerGone,
            E_TOO_BIG => StreamError::TooLarge,
            E_DEADLINE => StreamError::TooSlow,
            E_INVALID => StreamError::BadBody,
            status => StreamError::Refused(status),
        }
    }
}

/// Turns the status that the writing end was answered into a result.
pub(crate) fn check(status: Status) -> Result<(), StreamError> {
    match status {
        E_CANCELLED => Err(StreamError::PeerGone),
        status if status < 0 => Err(StreamError::Refused(status)),
        _ => Ok(()),
    }
}
