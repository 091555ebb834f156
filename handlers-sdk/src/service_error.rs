//! The reasons why a call of a service fails. They stand below [`service`](crate::service), since an error of a function
//! tells them apart from others.

use faas_abi::*;
use std::fmt;

/// The reason why a call of a service failed.
///
/// ```
/// # use handlers_sdk::service::http::{ClientRequest, Sent, Transport};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// use handlers_sdk::service::ServiceErrorKind;
/// # use handlers_sdk::service::Offered;
/// # struct Fake(#[allow(dead_code)] Offered);
/// # struct Answers;
/// # impl Transport for Answers {
/// #     fn send(&self, _: ClientRequest, answer: Sent) { answer.give(Err(ServiceErrorKind::Deadline)) }
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
///     match client.send(ClientRequest::get("https://weather.example/vienna")).await {
///         Ok(reply) => Ok(reply.text().into_owned()),
///         Err(error) if error.kind() == ServiceErrorKind::Deadline => Ok("weather".to_owned()),
///         Err(error) => Err(error.into()),
///     }
/// }
///
/// let app = App::builder().module(Fake::MODULE).module(weather::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "weather");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceErrorKind {
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

impl ServiceErrorKind {
    pub(crate) fn of_status(status: Status) -> ServiceErrorKind {
        match status {
            E_UNSUPPORTED => ServiceErrorKind::Absent,
            E_INVALID => ServiceErrorKind::Invalid,
            E_CANCELLED => ServiceErrorKind::Cancelled,
            E_DEADLINE => ServiceErrorKind::Deadline,
            E_TOO_BIG => ServiceErrorKind::TooBig,
            E_NOT_FOUND => ServiceErrorKind::NotFound,
            E_CONFLICT => ServiceErrorKind::Conflict,
            _ => ServiceErrorKind::Failed,
        }
    }

    pub(crate) fn status(self) -> Status {
        match self {
            ServiceErrorKind::Absent => E_UNSUPPORTED,
            ServiceErrorKind::Invalid => E_INVALID,
            ServiceErrorKind::Cancelled => E_CANCELLED,
            ServiceErrorKind::Deadline => E_DEADLINE,
            ServiceErrorKind::TooBig => E_TOO_BIG,
            ServiceErrorKind::NotFound => E_NOT_FOUND,
            ServiceErrorKind::Conflict => E_CONFLICT,
            ServiceErrorKind::Failed => E_INTERNAL,
        }
    }
}

/// A call of a service that failed, with the service and the reason.
///
/// ```
/// # use handlers_sdk::service::params::{Got, Source, Value, Watch};
/// # use handlers_sdk::service::{ServiceErrorKind, Offered};
/// # use handlers_sdk::testing::{App, Invoke};
/// # use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
/// # use std::sync::Arc;
/// # struct One(#[allow(dead_code)] Offered);
/// # struct Known;
/// # impl Source for Known {
/// #     fn get(&self, name: &str, answer: Got) {
/// #         answer.give(if name == "mail/key" { Ok(Value::new("s3cr3t", 1)) } else { Err(ServiceErrorKind::NotFound) });
/// #     }
/// #     fn watch(&self, _: &str, watch: Watch) { watch.tell(Ok(Value::new("s3cr3t", 1))); }
/// # }
/// # #[layer(name = "one")]
/// # impl Layer for One {
/// #     fn create(config: &Config) -> Result<Self, Error> { config.offer_params(Arc::new(Known)).map(One) }
/// # }
/// use handlers_sdk::service;
///
/// fn described(error: service::ServiceError) -> Error {
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
pub struct ServiceError {
    service: &'static str,
    kind: ServiceErrorKind,
}

impl ServiceError {
    pub(crate) fn new(service: &'static str, kind: ServiceErrorKind) -> ServiceError {
        ServiceError { service, kind }
    }

    /// Returns the service's name: `"faas.http"`.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Returns the reason why it failed.
    pub fn kind(&self) -> ServiceErrorKind {
        self.kind
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            ServiceErrorKind::Absent => "the provider does not have this function",
            ServiceErrorKind::Invalid => "what was asked for cannot be",
            ServiceErrorKind::Cancelled => "the call was cancelled, or the provider has ended",
            ServiceErrorKind::Deadline => "the provider did not answer in time",
            ServiceErrorKind::TooBig => "it is longer than it may be",
            ServiceErrorKind::NotFound => "it is not there",
            ServiceErrorKind::Conflict => "it is not as the caller expected it",
            ServiceErrorKind::Failed => "the provider failed; its own log line says more",
        };
        write!(f, "service {}: {why}", self.service)
    }
}

impl std::error::Error for ServiceError {}
