//! Knative: a Service a unit, a PingSource a timer, a Trigger of the default broker an event.

use super::File;
use super::deployment::{Deployment, Trigger, joined_name, only_host, wants_joined_names_apart};
use super::document::{Document, Mapping, documents};
use super::image;
use super::names::MOST_OF_LABEL;
use super::probes;
use super::script::{KUBECTL, Script, quoted};
use super::site::Site;
use crate::tree::Node;

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut files = Vec::new();
    wants_joined_names_apart(site, deployments, MOST_OF_LABEL);
    let host = only_host(site, deployments);
    for deployment in deployments {
        files.push(image::build(site, deployment, &[], script));
        let mut all = vec![Document::from(service(site, deployment))];
        for trigger in &deployment.triggers {
            all.extend(event(site, deployment, trigger).map(Document::from));
        }
        all.extend(
            host.iter().filter(|(_, name)| *name == deployment.name).map(|(host, name)| domain(name, host).into()),
        );
        let file = format!("{}/service.yaml", deployment.unit.name);
        script.run(KUBECTL, format!("kubectl apply --filename {} \"$@\"", quoted(&file)));
        files.push(File { path: file, text: documents(&site.head(), &all) });
    }
    own(site, &mut files, script);
    files
}

/// Adds the yml's own resources, each as a document.
pub(super) fn own(site: &Site<'_>, files: &mut Vec<File>, script: &mut Script) {
    let Some(resources) = site.get(&site.spec.tree, "resources") else { return };
    let one = |node: &Node| Document::of(node, site.sources);
    let all: Vec<Document> = match resources.as_list() {
        Some(list) => list.iter().map(one).collect(),
        None if resources.get("kind").is_some() => vec![one(resources)],
        None => {
            site.lacks(resources.span, "`resources` for a cluster are a list of its objects, each with its `kind`", "");
            return;
        }
    };
    files.push(File { path: "resources.yaml".to_owned(), text: documents(&site.head(), &all) });
    script.run(KUBECTL, "kubectl apply --filename resources.yaml \"$@\"");
}

fn domain(service: &str, host: &str) -> Mapping {
    let reference =
        Mapping::new().with("kind", "Service").with("name", service).with("apiVersion", "serving.knative.dev/v1");
    Mapping::new()
        .with("apiVersion", "serving.knative.dev/v1beta1")
        .with("kind", "DomainMapping")
        .with("metadata", Mapping::new().with("name", host))
        .with("spec", Mapping::new().with("ref", reference))
}

fn service(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut container = probes::container(site, deployment, "value", &[]);
    container.put("readinessProbe", Mapping::new().with("httpGet", Mapping::new().with("path", "/health/readiness")));
    container.put("livenessProbe", Mapping::new().with("httpGet", Mapping::new().with("path", "/health/liveness")));
    let mut template = Mapping::new();
    if let Some(limit) = deployment.init_timeout {
        // This is the time that a revision may take until it is ready.
        let annotations = Mapping::new().with("serving.knative.dev/progress-deadline", format!("{}s", limit.value));
        template.put("metadata", Mapping::new().with("annotations", annotations));
    }
    let mut spec = Mapping::new();
    spec.put_some("serviceAccountName", site.provider_text("role"));
    spec.put_some(
        "containerConcurrency",
        super::deployment::within(site, "concurrency", deployment.concurrency, 1..=1_000, "requests"),
    );
    spec.put_some("timeoutSeconds", deployment.timeout.map(|timeout| timeout.value));
    spec.put("containers", vec![container]);
    template.put("spec", spec);
    let mut metadata = Mapping::new().with("name", deployment.name.as_str());
    if !deployment.is_public(site) || !deployment.has_requests() {
        // The service is reached within the cluster alone.
        metadata.put("labels", Mapping::new().with("networking.knative.dev/visibility", "cluster-local"));
    }
    Mapping::new()
        .with("apiVersion", "serving.knative.dev/v1")
        .with("kind", "Service")
        .with("metadata", metadata)
        .with("spec", Mapping::new().with("template", template))
}

fn sink(deployment: &Deployment<'_>) -> Mapping {
    let reference = Mapping::new()
        .with("apiVersion", "serving.knative.dev/v1")
        .with("kind", "Service")
        .with("name", deployment.name.as_str());
    Mapping::new().with("ref", reference)
}

fn event(site: &Site<'_>, deployment: &Deployment<'_>, trigger: &Trigger<'_>) -> Option<Mapping> {
    match (trigger.kind, trigger.word()) {
        ("http" | "raw", _) => None,
        ("timer", _) => {
            let schedule = trigger.schedule.as_ref()?;
            let mut spec = Mapping::new().with("schedule", schedule.text.as_str());
            spec.put_some("timezone", schedule.timezone.clone());
            if let Some(payload) = trigger.payload(site) {
                let is_json = serde_json::from_str::<serde_json::Value>(&payload).is_ok();
                spec.put("contentType", if is_json { "application/json" } else { "text/plain" });
                spec.put("data", payload);
            }
            // An event has the name of its PingSource, which is not that of the timer alone.
            let extensions = Mapping::new().with("timer", trigger.name.as_str());
            spec.put("ceOverrides", Mapping::new().with("extensions", extensions));
            spec.put("sink", sink(deployment));
            Some(
                Mapping::new()
                    .with("apiVersion", "sources.knative.dev/v1")
                    .with("kind", "PingSource")
                    .with("metadata", Mapping::new().with("name", joined_name(deployment, trigger, MOST_OF_LABEL)))
                    .with("spec", spec),
            )
        }
        ("event", "event") => {
            let mut attributes = Mapping::new();
            attributes.put_some("type", trigger.event.kind_type.clone());
            attributes.put_some("source", trigger.event.source.clone());
            let mut spec = Mapping::new().with("broker", "default");
            spec.put_some("filter", attributes.some().map(|all| Mapping::new().with("attributes", all)));
            spec.put("subscriber", sink(deployment));
            let name = joined_name(deployment, trigger, MOST_OF_LABEL);
            Some(
                Mapping::new()
                    .with("apiVersion", "eventing.knative.dev/v1")
                    .with("kind", "Trigger")
                    .with("metadata", Mapping::new().with("name", name))
                    .with("spec", spec),
            )
        }
        ("stream", "kafka") => {
            trigger
                .is_lacking(site, "make a KafkaSource in `resources`, with the brokers, and the Service as its sink");
            None
        }
        _ => {
            trigger.is_lacking(site, "make a source in `resources` with the Service as its sink, or take an `event`");
            None
        }
    }
}
