//! The shape of a function that was written for `lambda_runtime`, so that it can be taken as it is.
//!
//! ```
//! use handlers_sdk::function;
//! use handlers_sdk::lambda::{Error, LambdaEvent};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct Request {
//!     name: String,
//! }
//!
//! #[derive(Serialize)]
//! struct Response {
//!     greeting: String,
//!     request_id: String,
//! }
//!
//! #[function(lambda)]
//! async fn greet(event: LambdaEvent<Request>) -> Result<Response, Error> {
//!     let (request, context) = event.into_parts();
//!     Ok(Response { greeting: format!("hello, {}", request.name), request_id: context.request_id })
//! }
//! # fn main() {}
//! ```
//!
//! The event is read as JSON as it came, also that of an HTTP trigger, and the result is written as JSON and handed to
//! the platform untouched. The types of `aws_lambda_events` are made for that.

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::json;
use crate::error;
use crate::error::kind::kind_of;
use crate::reply::Reply;
use crate::reply::outcome::Outcome;
use faas_abi::{META_CLIENT_CONTEXT, META_IDENTITY, META_INVOKED_AS, META_TRACE, NUM_DEADLINE_EPOCH_MS, NUM_MEMORY_MB};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// An error of any type, as `lambda_runtime` has it.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::lambda::{Error, LambdaEvent};
///
/// #[function(lambda)]
/// async fn double(event: LambdaEvent<u32>) -> Result<u32, Error> {
///     event.payload.checked_mul(2).ok_or_else(|| "it is too large".into())
/// }
///
/// assert_eq!(Invoke::event("21").run(double::MODULE).text(), "42");
/// assert_eq!(Invoke::event("3000000000").run(double::MODULE).failed.expect("too large").message, "it is too large");
/// ```
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The event, together with the platform's knowledge of its invocation.
///
/// ```
/// use handlers_sdk::lambda::{Context, LambdaEvent};
///
/// fn greeting(event: LambdaEvent<String>) -> String {
///     format!("hello, {}", event.payload)
/// }
///
/// // A test makes one by hand.
/// assert_eq!(greeting(LambdaEvent::new("ada".to_owned(), Context::default())), "hello, ada");
/// ```
#[derive(Clone, Debug)]
pub struct LambdaEvent<T> {
    /// The event, read as a type.
    pub payload: T,
    /// The context of the invocation.
    pub context: Context,
}

impl<T> LambdaEvent<T> {
    /// Puts the two parts together, for a test.
    pub fn new(payload: T, context: Context) -> LambdaEvent<T> {
        LambdaEvent { payload, context }
    }

    /// Takes the two parts apart.
    pub fn into_parts(self) -> (T, Context) {
        (self.payload, self.context)
    }
}

/// The platform's knowledge of an invocation. Where the platform says nothing, texts are empty and numbers 0.
///
/// ```
/// # use handlers_sdk::{abi, function, testing::Invoke};
/// use handlers_sdk::lambda::{Context, Error, LambdaEvent};
///
/// fn alias(context: &Context) -> &str {
///     context.invoked_function_arn.splitn(8, ':').nth(7).unwrap_or("$LATEST")
/// }
///
/// #[function(lambda)]
/// async fn which(event: LambdaEvent<()>) -> Result<String, Error> {
///     Ok(alias(&event.context).to_owned())
/// }
///
/// let arn = "arn:aws:lambda:eu-west-1:111122223333:function:shop:live";
/// assert_eq!(Invoke::event("null").meta(abi::META_INVOKED_AS, arn).run(which::MODULE).text(), r#""live""#);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Context {
    /// The id of the request.
    pub request_id: String,
    /// The moment at which the invocation has to end, in milliseconds since 1970.
    pub deadline: u64,
    /// The name that this call used: an ARN on AWS.
    pub invoked_function_arn: String,
    /// The X-Ray trace, as its header has it.
    pub xray_trace_id: Option<String>,
    /// The mobile client's description of itself, as JSON.
    pub client_context: Option<Value>,
    /// The caller's identity of Cognito, as JSON.
    pub identity: Option<Value>,
    /// The configuration of the function.
    pub env_config: Arc<Config>,
}

/// The configuration of a function, from the environment.
///
/// ```
/// # use handlers_sdk::{function, testing::{App, Invoke}};
/// use handlers_sdk::lambda::{Error, LambdaEvent};
///
/// #[function(lambda)]
/// async fn log_group(event: LambdaEvent<()>) -> Result<String, Error> {
///     let config = &event.context.env_config;
///     Ok(config.log_group.clone())
/// }
///
/// let app = App::builder().module(log_group::MODULE).config("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/shop");
/// let app = app.start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("null")).text(), r#""/aws/lambda/shop""#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The name of the function.
    pub function_name: String,
    /// The memory of the function in MiB, or 0 if the platform does not tell it.
    pub memory: i32,
    /// The version of the function.
    pub version: String,
    /// The stream that its log goes to, from the environment.
    pub log_stream: String,
    /// The group that its log goes to, from the environment.
    pub log_group: String,
}

impl Context {
    fn of(ctx: &FaasContext) -> Context {
        let reader = ctx.held().reader();
        let variable = |name| ctx.env(name).unwrap_or_default().to_owned();
        let json = |key| serde_json::from_slice(reader.meta(key)).ok();
        let trace = reader.text(META_TRACE);
        Context {
            request_id: ctx.request_id().to_owned(),
            deadline: reader.num(NUM_DEADLINE_EPOCH_MS),
            invoked_function_arn: reader.text(META_INVOKED_AS).to_owned(),
            xray_trace_id: (!trace.is_empty()).then(|| trace.to_owned()),
            client_context: json(META_CLIENT_CONTEXT),
            identity: json(META_IDENTITY),
            env_config: Arc::new(Config {
                function_name: reader.text(faas_abi::META_FUNCTION).to_owned(),
                memory: i32::try_from(reader.num(NUM_MEMORY_MB)).unwrap_or(i32::MAX),
                version: reader.text(faas_abi::META_VERSION).to_owned(),
                log_stream: variable("AWS_LAMBDA_LOG_STREAM_NAME"),
                log_group: variable("AWS_LAMBDA_LOG_GROUP_NAME"),
            }),
        }
    }
}

impl<T: DeserializeOwned> FromInvocation for LambdaEvent<T> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, error::Error> {
        let payload = json::read(ctx.held().reader().event())?;
        Ok(LambdaEvent { payload, context: Context::of(ctx) })
    }
}

/// Ends the call of a function that is marked `lambda` with the value it returned.
#[doc(hidden)]
pub fn ended<R: Serialize, E: Into<Error>>(ctx: &FaasContext, result: Result<R, E>) -> Outcome {
    let written = result.map_err(|error| failed::<E>(&*error.into())).and_then(|reply| {
        serde_json::to_vec(&reply).map_err(|error| error::Error::internal("Runtime.MarshalError", error.to_string()))
    });
    match written {
        Ok(bytes) => Outcome::of(ctx.held(), Reply::raw(bytes)),
        Err(error) => Outcome::failed(error),
    }
}

/// Makes the function's error of another one. An error whose type is known has the type's name as its kind.
fn failed<E>(error: &(dyn std::error::Error + 'static)) -> error::Error {
    error::Error::foreign(&kind_of::<E>(), error, None)
}
