//! The parts that the readers of neutral triggers have in common: the kind of an invocation's event, and the refusal of
//! an event that does not fit.

use super::azure::Envelope;
use super::cloudevents::CloudEvent;
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::error::Error;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Returns the error of an event that has no such form. It says which event was expected, and which event came.
pub(super) fn refused(expected: &str, ctx: &FaasContext) -> Error {
    let found = match (ctx.trigger(), ctx.source(), cloud_event(ctx)) {
        (_, _, Some(event)) => format!("a CloudEvent of type {:?}", event.kind()),
        ("http", ..) => "an HTTP request".to_owned(),
        ("raw", ..) => "an event that nothing recognises".to_owned(),
        (trigger, source, None) => format!("an event of kind {trigger} from {source}"),
    };
    Error::absent("Runtime.TriggerMismatch", format!("expected {expected}, found {found}"))
}

/// Returns the event as a CloudEvent; `None` if it is no CloudEvent.
pub(super) fn cloud_event(ctx: &FaasContext) -> Option<CloudEvent> {
    CloudEvent::from_invocation(ctx).ok()
}

/// Returns the last part of a path or resource name.
pub(super) fn last_part(path: &str) -> String {
    path.rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}

/// Returns a text; `None` if it is empty, which means that the platform did not say it.
pub(super) fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns a value as bytes: a text as its own bytes, `null` as no bytes, and anything else as its JSON.
pub(super) fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// Returns a value as text: a text as it is, `null` as the empty text, and anything else as its JSON.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Reads JSON of no known form.
pub(super) fn json(bytes: &[u8]) -> Result<Value, Error> {
    crate::call::json::read(bytes)
}

/// The metadata of a trigger that the host of Azure Functions sends.
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
