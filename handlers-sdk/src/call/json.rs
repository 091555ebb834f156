//! JSON in arguments and replies.

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::error::Error;
use crate::reply::forms::Raw;
use crate::reply::{IntoReply, Reply};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// As an argument: the body (of an HTTP trigger) or event as JSON. As a reply: a value, which for an HTTP trigger is the
/// JSON body of a 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        if body.is_empty() {
            return Error::absent("Runtime.UnmarshalError", "expected JSON, found no bytes");
        }
        Error::new("Runtime.UnmarshalError", error.to_string()).with_status(400)
    })
}

impl<T: DeserializeOwned> FromInvocation for Json<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        read(ctx.body()).map(Json)
    }
}

/// The event itself as JSON, whatever is inside of it: of a request inside of an event the whole event, where [`Json`] is the
/// request's body. The types of `aws_lambda_events` fit as they are.
///
/// ```
/// use handlers_sdk::testing::sample;
/// use handlers_sdk::{Raw, function};
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct ApiGatewayEvent {
///     raw_path: String,
/// }
///
/// #[function]
/// fn path(Raw(event): Raw<ApiGatewayEvent>) -> String {
///     event.raw_path
/// }
/// # #[cfg(feature = "testing")]
/// assert_eq!(sample("aws/apigateway-v2").run(path::MODULE).text(), "/orders/7");
/// ```
impl<T: DeserializeOwned> FromInvocation for Raw<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        read(ctx.event()).map(Raw)
    }
}

pub(crate) fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::internal("Runtime.MarshalError", error.to_string()))
}

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::value(write(&self.0)?))
    }
}

impl IntoReply for serde_json::Value {
    fn into_reply(self) -> Result<Reply, Error> {
        Json(self).into_reply()
    }
}
