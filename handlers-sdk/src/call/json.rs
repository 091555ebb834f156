//! JSON in arguments, and the way in which JSON is read and written everywhere. What replies with it is in
//! [`reply`](crate::reply), of which nothing in here knows.

use crate::call::content_type;
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::encoding::json_path;
use crate::error::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as JSON. As an argument it is made of the body (of an HTTP trigger) or event. As a reply it is a value,
/// which for an HTTP trigger is the JSON body of a 200.
///
/// A body that is no such JSON is a 400 which names line, column and field. A request whose `Content-Type` says that
/// its body is something else is a 415; one without a content type is read. No body at all counts as absent:
/// `Option<Json<T>>`.
///
/// ```
/// use handlers_sdk::{Json, function, testing::Invoke};
///
/// #[derive(serde::Deserialize)]
/// struct Order { count: u32 }
///
/// #[function]
/// fn triple(Json(order): Json<Order>) -> Json<u32> {
///     Json(order.count * 3)
/// }
/// assert_eq!(Invoke::event(r#"{"count":7}"#).run(triple::MODULE).text(), "21");
/// assert_eq!(Invoke::http("POST", "/").body(r#"{"count":"x"}"#).run(triple::MODULE).status(), 400);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        if body.is_empty() {
            return Error::absent("Runtime.UnmarshalError", "expected JSON, found no bytes");
        }
        let path = if error.is_data() { json_path::path(body, error.line(), error.column()) } else { String::new() };
        let message = if path.is_empty() { error.to_string() } else { format!("{path}: {error}") };
        Error::new("Runtime.UnmarshalError", message).with_status(400)
    })
}

pub(crate) fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::internal("Runtime.MarshalError", error.to_string()))
}

impl<T: DeserializeOwned> FromInvocation for Json<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        // An event without a request has no content type. A request may say that its body is something else.
        if let Some(request) = ctx.http() {
            content_type::check(request, "application/json", content_type::is_json)?;
        }
        read(ctx.body()).map(Json)
    }
}
