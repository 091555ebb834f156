//! JSON in replies, and [`Raw`] as an argument, which is a form of a reply too.

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::json::{self, Json};
use crate::error::Error;
use crate::reply::forms::Raw;
use crate::reply::{IntoReply, Reply};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The event itself as JSON, whatever is inside of it: of a request inside of an event the whole event, where [`Json`]
/// is the request's body. The types of `aws_lambda_events` fit as they are.
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
        json::read(ctx.event()).map(Raw)
    }
}

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::value(json::write(&self.0)?))
    }
}

impl IntoReply for serde_json::Value {
    fn into_reply(self) -> Result<Reply, Error> {
        Json(self).into_reply()
    }
}
