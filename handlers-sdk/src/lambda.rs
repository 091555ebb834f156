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
//! The event is read as JSON as it came, also that of an HTTP trigger, and the result is written as JSON and handed to the
//! platform untouched: what the types of `aws_lambda_events` are made for.

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::json;
use crate::error;
use crate::reply::Reply;
use crate::reply::outcome::Outcome;
use faas_abi::{META_CLIENT_CONTEXT, META_IDENTITY, META_INVOKED_AS, META_TRACE, NUM_DEADLINE_EPOCH_MS, NUM_MEMORY_MB};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// Any error.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The event, and what the platform says of its invocation.
#[derive(Clone, Debug)]
pub struct LambdaEvent<T> {
    /// The event.
    pub payload: T,
    /// The invocation.
    pub context: Context,
}

impl<T> LambdaEvent<T> {
    /// Puts the two together, for a test.
    pub fn new(payload: T, context: Context) -> LambdaEvent<T> {
        LambdaEvent { payload, context }
    }

    /// Takes the two apart.
    pub fn into_parts(self) -> (T, Context) {
        (self.payload, self.context)
    }
}

/// What the platform says of an invocation. Where it says nothing, texts are empty and numbers 0.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Context {
    /// The request's id.
    pub request_id: String,
    /// When the invocation has to end, in milliseconds since 1970.
    pub deadline: u64,
    /// The name that this call used: an ARN on AWS.
    pub invoked_function_arn: String,
    /// The X-Ray trace, as its header has it.
    pub xray_trace_id: Option<String>,
    /// What a mobile client says of itself, as JSON.
    pub client_context: Option<Value>,
    /// The caller's identity of Cognito, as JSON.
    pub identity: Option<Value>,
    /// What the function was configured with.
    pub env_config: Arc<Config>,
}

/// What a function was configured with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Its name.
    pub function_name: String,
    /// Its memory in MiB.
    pub memory: i32,
    /// Its version.
    pub version: String,
    /// Where its log goes, of the environment.
    pub log_stream: String,
    /// The same, by the larger unit.
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

/// What a function that is marked `lambda` returned.
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

/// The kind of an error whose type is known is its name.
fn failed<E>(error: &(dyn std::error::Error + 'static)) -> error::Error {
    let kind = match error::kind_of::<E>() {
        "&str" | "str" | "alloc::string::String" => "Error",
        name => name,
    };
    error::Error::foreign(kind, error, None)
}
