//! The resource that telemetry belongs to, in the words of OpenTelemetry's conventions: service, function, cloud
//! (opentelemetry.io/docs/specs/semconv/resource).

use crate::message::{Attribute, Message, Value};
use crate::settings::{Export, text};
use handlers_sdk::Invocation;

/// The resource and the scope of a request.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    /// The name and version of the layer that sends.
    scope: (&'static str, &'static str),
    attributes: Vec<Attribute>,
}

impl Resource {
    /// Returns the resource that an invocation belongs to; `scope` is name and version of the layer that sends.
    pub fn of(invocation: &Invocation<'_>, export: &Export, scope: (&'static str, &'static str)) -> Resource {
        let unit = Some(invocation.service_name()).filter(|name| !name.is_empty()).unwrap_or(invocation.function());
        let (provider, platform) = cloud(invocation.platform());
        let mut attributes: Vec<Attribute> = [
            text("service.name", export.service_name.as_deref().unwrap_or(unit)),
            text("service.version", invocation.version()),
            text("deployment.environment.name", invocation.stage()),
            text("cloud.provider", provider),
            text("cloud.platform", platform),
            text("cloud.region", invocation.region()),
            text("cloud.account.id", invocation.account()),
            text("faas.version", invocation.version()),
            text("telemetry.sdk.name", scope.0),
            text("telemetry.sdk.language", "rust"),
            text("telemetry.sdk.version", scope.1),
        ]
        .into_iter()
        .flatten()
        .collect();
        let memory = i64::try_from(invocation.memory_mb().saturating_mul(1 << 20)).unwrap_or(0);
        if memory > 0 {
            attributes.push(("faas.max_memory".into(), Value::Int(memory)));
        }
        let mut resource = Resource { scope, attributes };
        for (name, value) in &export.attributes {
            resource.set(name, value);
        }
        resource
    }

    /// Sets an attribute of the resource.
    pub fn set(&mut self, name: &str, value: &str) {
        self.attributes.retain(|(other, _)| other != name);
        self.attributes.push((name.to_owned().into(), value.into()));
    }
}

/// Returns the bytes of a request: of one resource and one scope. The messages of every signal have the same shape
/// here; `fill` appends the signal's own members to `ScopeSpans` or `ScopeMetrics`, from field 2 on.
pub fn request(resource: &Resource, fill: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut out = Message::default();
    out.message(1, |of_resource| {
        of_resource.message(1, |out| out.attributes(1, &resource.attributes));
        of_resource.message(2, |of_scope| {
            of_scope.message(1, |scope| {
                scope.bytes(1, resource.scope.0.as_bytes());
                scope.bytes(2, resource.scope.1.as_bytes());
            });
            fill(of_scope);
        });
    });
    out.into_bytes()
}

/// Returns the trigger in OpenTelemetry's words.
pub fn faas_trigger(trigger: &str) -> &'static str {
    match trigger {
        "http" | "websocket" | "authorizer" => "http",
        "queue" | "topic" | "stream" | "event" => "pubsub",
        "storage" | "table" | "log" => "datasource",
        "timer" => "timer",
        _ => "other",
    }
}

/// Returns provider and platform in OpenTelemetry's words.
fn cloud(platform: &str) -> (&'static str, &'static str) {
    match platform {
        "aws-lambda" => ("aws", "aws_lambda"),
        "aliyun-fc" => ("alibaba_cloud", "alibaba_cloud_fc"),
        "tencent-scf" => ("tencent_cloud", "tencent_cloud_scf"),
        "azure-functions" => ("azure", "azure.functions"),
        "azure-container-apps" => ("azure", "azure.container_apps"),
        "google-cloud" => ("gcp", "gcp_cloud_run"),
        _ => ("", ""),
    }
}
