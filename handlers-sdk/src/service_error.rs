//! The reasons why a call of a service fails. They stand below [`service`](crate::service), since an error of a function
//! tells them apart from others.

use faas_abi::*;
use std::fmt;

/// The reason why a call of a service failed.
///
/// ```
/// # use handlers_sdk::service::http::{Request, Sent, Transport};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::service::ErrorKind;
/// # use handlers_sdk::service::Offered;
/// # struct Fake(#[allow(dead_code)] Offered);
/// # struct Answers;
/// # impl Transport for Answers {
/// #     fn send(&self, _: Request, answer: Sent) { answer.give(Err(ErrorKind::Deadline)) }
/// # }
/// # #[layer(name = "fake")]
/// # impl Layer for Fake {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_http_client(Arc::new(Answers)).map(Fake) }
/// # }
///
/// /// Asks for the weather, and does without it where it takes too long.
/// #[function]
/// async fn weather(ctx: FaasContext) -> Result<String, Error> {
///     let client = ctx.http_client().ok_or_else(|| Error::msg("expected a layer such as http-client"))?;
///     match client.send(Request::get("https://weather.example/vienna")).await {
///         Ok(reply) => Ok(reply.text().into_owned()),
///         Err(error) if error.kind() == ErrorKind::Deadline => Ok("weather".to_owned()),
///         Err(error) => Err(error.into()),
///     }
/// }
///
/// let app = App::builder().module(Fake::MODULE).module(weather::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "weather");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The provider does not have this function.
    Absent,
    /// The request itself is not possible.
    Invalid,
    /// The call was cancelled, or its provider has ended.
    Cancelled,
    /// The call took too long.
    Deadline,
    /// A value is longer than it may be.
    TooBig,
    /// The thing that was asked for is not there.
    NotFound,
    /// The state is not as the caller expected it.
    Conflict,
    /// The call failed for any other reason. The provider's log line says more.
    Failed,
}

impl ErrorKind {
    pub(crate) fn of_status(status: Status) -> ErrorKind {
        match status {
            E_UNSUPPORTED => ErrorKind::Absent,
            E_INVALID => ErrorKind::Invalid,
            E_CANCELLED => ErrorKind::Cancelled,
            E_DEADLINE => ErrorKind::Deadline,
            E_TOO_BIG => ErrorKind::TooBig,
            E_NOT_FOUND => ErrorKind::NotFound,
            E_CONFLICT => ErrorKind::Conflict,
            _ => ErrorKind::Failed,
        }
    }

    pub(crate) fn status(self) -> Status {
        match self {
            ErrorKind::Absent => E_UNSUPPORTED,
            ErrorKind::Invalid => E_INVALID,
            ErrorKind::Cancelled => E_CANCELLED,
            ErrorKind::Deadline => E_DEADLINE,
            ErrorKind::TooBig => E_TOO_BIG,
            ErrorKind::NotFound => E_NOT_FOUND,
            ErrorKind::Conflict => E_CONFLICT,
            ErrorKind::Failed => E_INTERNAL,
        }
    }
}

/// A call of a service that failed, with the service and the reason.
///
/// ```
/// # use handlers_sdk::service::params::{Got, Source, Value, Watch};
/// # use handlers_sdk::service::{ErrorKind, Offered};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// # struct One(#[allow(dead_code)] Offered);
/// # struct Known;
/// # impl Source for Known {
/// #     fn get(&self, name: &str, answer: Got) {
/// #         answer.give(if name == "mail/key" { Ok(Value::new("s3cr3t", 1)) } else { Err(ErrorKind::NotFound) });
/// #     }
/// #     fn watch(&self, _: &str, watch: Watch) { watch.tell(Ok(Value::new("s3cr3t", 1))); }
/// # }
/// # #[layer(name = "one")]
/// # impl Layer for One {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_params(Arc::new(Known)).map(One) }
/// # }
/// use handlers_sdk::service;
///
/// fn described(error: service::Error) -> Error {
///     let text = format!("{} says {:?}", error.service(), error.kind());
///     Error::new("Mail.Key", text).with_detail(error.to_string())
/// }
///
/// #[function]
/// async fn send(ctx: FaasContext) -> Result<(), Error> {
///     let params = ctx.params().ok_or_else(|| Error::msg("expected a layer such as params"))?;
///     params.get("mail/password").await.map(|_| ()).map_err(described)
/// }
///
/// let app = App::builder().module(One::MODULE).module(send::MODULE).start().expect("starts");
/// let failed = app.invoke(Invoke::event("")).failed.expect("there is no such name");
/// assert_eq!(failed.message, "faas.params says NotFound");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    service: &'static str,
    kind: ErrorKind,
}

impl Error {
    pub(crate) fn new(service: &'static str, kind: ErrorKind) -> Error {
        Error { service, kind }
    }

    /// Returns the service's name: `"faas.http"`.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Returns the reason why it failed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            ErrorKind::Absent => "the provider does not have this function",
            ErrorKind::Invalid => "what was asked for cannot be",
            ErrorKind::Cancelled => "the call was cancelled, or the provider has ended",
            ErrorKind::Deadline => "the provider did not answer in time",
            ErrorKind::TooBig => "it is longer than it may be",
            ErrorKind::NotFound => "it is not there",
            ErrorKind::Conflict => "it is not as the caller expected it",
            ErrorKind::Failed => "the provider failed; its own log line says more",
        };
        write!(f, "service {}: {why}", self.service)
    }
}

impl std::error::Error for Error {}
