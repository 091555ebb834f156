//! Errors that choose themselves the text for callers: those of `#[derive(FaasError)]`.
//!
//! An error travels through `?`, boxes and `anyhow`, which forget its type. The derive therefore leaves a function that
//! recognises its type among the errors of the program, where every conversion finds it.

use crate::section::section;
use crate::service_error;
use crate::stream_error::StreamError;
use std::error::Error as StdError;

/// The parts of an error that callers read.
#[derive(Debug)]
pub struct Described {
    /// The kind by which callers tell errors apart.
    pub kind: &'static str,
    /// The status for HTTP triggers; `None` for a failure in the platform's own form.
    pub status: Option<u16>,
    /// The message for callers; `None` if they read no message.
    pub message: Option<String>,
}

/// Recognises one type of error and describes it. Returns `None` for an error of any other type.
pub type Describe = fn(&(dyn StdError + 'static)) -> Option<Described>;

section!(errors, Describe, "faas_errors");

/// Returns the SDK's own errors that functions hand on. Their paths are no part of the interface.
fn own(error: &(dyn StdError + 'static)) -> Option<Described> {
    let kind = match error {
        _ if error.is::<StreamError>() => "StreamError",
        _ if error.is::<service_error::ServiceError>() => "ServiceError",
        _ => return None,
    };
    Some(Described { kind, status: None, message: None })
}

/// Returns the description of an error, or of the outermost of its causes that has one.
pub(super) fn find(error: &(dyn StdError + 'static)) -> Option<Described> {
    let describes = errors::entries();
    let mut next = Some(error);
    while let Some(error) = next {
        let described = || describes.iter().find_map(|describe| describe(error));
        if let Some(found) = described().or_else(|| own(error)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}
