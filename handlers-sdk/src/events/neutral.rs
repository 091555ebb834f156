//! What the readers of neutral triggers have in common: what an invocation's event is, and how one that does not fit is
//! refused.

use super::azure::Envelope;
use super::cloudevents::CloudEvent;
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::error::Error;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Returns the error of an event that has no such form: it says what was expected, and what the event is.
pub(super) fn refused(expected: &str, ctx: &FaasContext) -> Error {
    let found = match (ctx.trigger(), ctx.source(), cloud_event(ctx)) {
        (_, _, Some(event)) => format!("a CloudEvent of type {:?}", event.kind()),
        ("http", ..) => "an HTTP request".to_owned(),
        ("raw", ..) => "an event that nothing recognises".to_owned(),
        (trigger, source, None) => format!("an event of kind {trigger} from {source}"),
    };
    Error::absent("Runtime.TriggerMismatch", format!("expected {expected}, found {found}"))
}

/// Returns the event as a CloudEvent. `None`: it is none.
pub(super) fn cloud_event(ctx: &FaasContext) -> Option<CloudEvent> {
    CloudEvent::from_invocation(ctx).ok()
}

/// Returns the last part of a path or resource name.
pub(super) fn last_part(path: &str) -> String {
    path.rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}

/// Returns a text that is empty where nobody said it.
pub(super) fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns a value as bytes: a text is its own bytes, `null` none, and anything else its JSON.
pub(super) fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// Returns a value as text: a text as it is, `null` the empty one, and anything else its JSON.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// JSON of no known form.
pub(super) fn json(bytes: &[u8]) -> Result<Value, Error> {
    crate::call::json::read(bytes)
}

/// What the host of Azure Functions knows of a trigger.
pub(super) struct AzureMetadata(Envelope);

impl AzureMetadata {
    pub(super) fn of(ctx: &FaasContext) -> Result<AzureMetadata, Error> {
        Envelope::parse(ctx.event()).map(AzureMetadata)
    }

    /// Returns a value, or its default where the host does not say it.
    pub(super) fn get<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        self.0.metadata::<Option<T>>(name).ok().flatten().unwrap_or_default()
    }
}
