//! Cloud Run: a service a unit, in the form of Knative's; jobs of Cloud Scheduler and triggers of Eventarc by commands.

use super::File;
use super::deployment::{
    Deployment, Trigger, is_delivered, joined_name, only_host, wants_names_apart, warns_of_order, within,
};
use super::document::{Document, Mapping};
use super::image;
use super::names::MOST_OF_LABEL;
use super::probes;
use super::script::{Script, Tool, quoted};
use super::site::Site;

const GCLOUD: Tool = Tool { program: "gcloud", from: "https://cloud.google.com/sdk/docs/install" };

/// The most characters of the name of a job.
const MOST_OF_JOB: usize = 500;

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut files = Vec::new();
    // Jobs of Cloud Scheduler and triggers of Eventarc have names apart from one another.
    let is_job = |trigger: &Trigger<'_>| trigger.kind == "timer";
    wants_names_apart(site, deployments, |trigger| is_job(trigger).then(|| most(trigger)));
    wants_names_apart(site, deployments, |trigger| (is_delivered(trigger) && !is_job(trigger)).then(|| most(trigger)));
    warns_of_order(site, deployments, |_| true);
    let region = site.provider_text("region");
    // Options of the deploying shell, such as `--project`, are for every command.
    let every = |option: &str| {
        let region = region.as_ref().map(|region| format!(" {option} {}", quoted(region)));
        region.unwrap_or_default() + " \"$@\""
    };
    let (at, location) = (every("--region"), every("--location"));
    for deployment in deployments {
        files.push(image::build(site, deployment, &[], script));
        let file = format!("{}/service.yaml", deployment.unit.name);
        script.run(GCLOUD, format!("gcloud run services replace {}{at}", quoted(&file)));
        let service = service(site, deployment, region.as_deref());
        files.push(File { path: file, text: Document::from(service).to_yaml(&site.head()) });
        let name = quoted(&deployment.name);
        if deployment.has_requests() && deployment.is_public(site) {
            let who = "--member allUsers --role roles/run.invoker";
            script.run(GCLOUD, format!("gcloud run services add-iam-policy-binding {name}{at} {who}"));
        }
        for trigger in &deployment.triggers {
            event(site, deployment, trigger, (&at, &location), script);
        }
    }
    if let Some((host, service)) = only_host(site, deployments) {
        let (host, service) = (quoted(&host), quoted(service));
        script.run(GCLOUD, format!("gcloud beta run domain-mappings create --service {service} --domain {host}{at}"));
    }
    files
}

fn service(site: &Site<'_>, deployment: &Deployment<'_>, region: Option<&str>) -> Mapping {
    // A path of a probe is known only by these; every other path is the function's.
    let paths = [("FAAS_READINESS_PATH", "/readyz"), ("FAAS_LIVENESS_PATH", "/livez")];
    let mut container = probes::container(site, deployment, "latest", &paths);
    if let Some(memory) = within(site, "memory", deployment.memory, 128..=32_768, "MB") {
        // More memory needs more processors.
        let cpu = match memory {
            ..=4_096 => "1",
            4_097..=8_192 => "2",
            8_193..=16_384 => "4",
            16_385..=24_576 => "6",
            _ => "8",
        };
        let limits = Mapping::new().with("cpu", cpu).with("memory", format!("{memory}Mi"));
        container.put("resources", Mapping::new().with("limits", limits));
    }
    let seconds = within(site, "`initTimeout`", deployment.init_timeout, 1..=240, "seconds").unwrap_or(60);
    container.put("startupProbe", probes::http("/readyz").with("periodSeconds", 1).with("failureThreshold", seconds));
    container.put("livenessProbe", probes::http("/livez"));
    let mut spec = Mapping::new();
    spec.put_some("containerConcurrency", within(site, "concurrency", deployment.concurrency, 1..=1_000, "requests"));
    spec.put_some("timeoutSeconds", within(site, "a timeout", deployment.timeout, 1..=3_600, "seconds"));
    spec.put_some("serviceAccountName", site.provider_text("role"));
    spec.put("containers", vec![container]);
    let mut annotations = Mapping::new();
    if let Some(vpc) = site.provider("vpcConfig") {
        let mut interface = Mapping::new();
        interface.put_some("network", site.text(vpc, "vpcId"));
        let switch = site.texts(vpc, "vSwitchIds").into_iter().next();
        interface.put_some("subnetwork", site.text(vpc, "subnetId").or(switch));
        let interfaces = Document::List(vec![interface.into()]).to_json_line();
        annotations.put("run.googleapis.com/network-interfaces", interfaces);
    }
    let mut template = Mapping::new();
    template.put_some("metadata", annotations.some().map(|all| Mapping::new().with("annotations", all)));
    template.put("spec", spec);
    let mut metadata = Mapping::new().with("name", deployment.name.as_str());
    metadata.put_some("labels", region.map(|region| Mapping::new().with("cloud.googleapis.com/location", region)));
    let ingress = if deployment.has_requests() { "all" } else { "internal" };
    metadata.put("annotations", Mapping::new().with("run.googleapis.com/ingress", ingress));
    Mapping::new()
        .with("apiVersion", "serving.knative.dev/v1")
        .with("kind", "Service")
        .with("metadata", metadata)
        .with("spec", Mapping::new().with("template", template))
}

/// Returns the most characters of the name of what brings an event: a job for a timer, else a trigger of Eventarc.
fn most(trigger: &Trigger<'_>) -> usize {
    if trigger.kind == "timer" { MOST_OF_JOB } else { MOST_OF_LABEL }
}

/// Returns the account that calls the service for a trigger: the function's own, or the one that the deployer names.
fn caller(site: &Site<'_>) -> String {
    match site.provider_text("role") {
        Some(role) => quoted(&role),
        None => "\"${INVOKER:?the service account that may call the service}\"".to_owned(),
    }
}

fn event(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
    (at, location): (&str, &str),
    script: &mut Script,
) {
    let service = quoted(&deployment.name);
    let name = quoted(&joined_name(deployment, trigger, most(trigger)));
    let eventarc = |filters: &str, script: &mut Script| {
        // A trigger that exists already stays as it is.
        let of = format!("gcloud eventarc triggers describe {name}{location} >/dev/null 2>&1 ||");
        let to = format!("--destination-run-service {service} --service-account {}", caller(site));
        script.run(GCLOUD, format!("{of}\n    gcloud eventarc triggers create {name}{location} {to} {filters}"));
    };
    let filter = |text: String| format!("--event-filters {}", quoted(&text));
    match (trigger.kind, trigger.word()) {
        ("http" | "raw", _) => {}
        ("timer", _) => {
            let Some(schedule) = &trigger.schedule else { return };
            deployment.needs_default(site, trigger);
            let zone = quoted(schedule.timezone.as_deref().unwrap_or("Etc/UTC"));
            let url = format!("\"$(gcloud run services describe {service}{at} --format 'value(status.url)')\"");
            let mut rest = format!("--schedule {} --time-zone {zone} --uri {url}", quoted(&schedule.text));
            rest += &format!(" --http-method POST --oidc-service-account-email {}", caller(site));
            // A request has the name of its job, which is not that of the timer alone.
            rest += &format!(" --headers {}", quoted(&format!("X-Timer-Name={}", trigger.name)));
            if let Some(payload) = trigger.payload(site) {
                rest += &format!(" --message-body {}", quoted(&payload));
            }
            let jobs = "gcloud scheduler jobs";
            let deleted = format!("{jobs} delete {name}{location} --quiet >/dev/null 2>&1 || true");
            script.run(GCLOUD, format!("{deleted}\n{jobs} create http {name}{location} {rest}"));
            if !trigger.is_enabled(site) {
                script.run(GCLOUD, format!("{jobs} pause {name}{location}"));
            }
        }
        ("topic" | "queue", _) => {
            let Some(source) = trigger.source(site) else { return };
            let kind = filter("type=google.cloud.pubsub.topic.v1.messagePublished".to_owned());
            eventarc(&format!("{kind} --transport-topic {}", quoted(source)), script);
        }
        ("storage", _) => {
            let Some(source) = trigger.source(site) else { return };
            let events = site.texts(&trigger.event.node, "events");
            let is_removal = |event: &String| event.to_ascii_lowercase().contains("remove") || event.contains("delete");
            if events.iter().any(is_removal) && !events.iter().all(is_removal) {
                let message = "a trigger of Eventarc has one kind of events: objects that are there anew";
                site.lacks(trigger.event.span, message, "write an event of its own for removals");
            }
            let kind = if !events.is_empty() && events.iter().all(is_removal) { "deleted" } else { "finalized" };
            let kind = filter(format!("type=google.cloud.storage.object.v1.{kind}"));
            eventarc(&format!("{kind} {}", filter(format!("bucket={source}"))), script);
        }
        ("table", "rds") => trigger.is_lacking(site, "use Datastream, which writes to Pub/Sub or a bucket"),
        ("table", _) => {
            let Some(source) = trigger.source(site) else { return };
            let kind = filter("type=google.cloud.firestore.document.v1.written".to_owned());
            let base = trigger.text(site, "instance").unwrap_or_else(|| "(default)".to_owned());
            let database = filter(format!("database={base}"));
            let document = format!("--event-filters-path-pattern {}", quoted(&format!("document={source}/{{id}}")));
            let coding = "--event-data-content-type application/json";
            eventarc(&format!("{kind} {database} {document} {coding}"), script);
        }
        ("event", "event") => {
            let Some(kind) = &trigger.event.kind_type else {
                site.lacks(
                    trigger.event.span,
                    "a trigger of Eventarc needs the type of its events",
                    "write `type` beside it",
                );
                return;
            };
            let mut filters = filter(format!("type={kind}"));
            if let Some(source) = &trigger.event.source {
                filters += &format!(" {}", filter(format!("source={source}")));
            }
            eventarc(
                &format!("{filters} --channel \"${{CHANNEL:?the channel of Eventarc that has these events}}\""),
                script,
            );
        }
        _ => trigger.is_lacking(site, "publish it to a topic of Pub/Sub, and take a `topic`"),
    }
}
