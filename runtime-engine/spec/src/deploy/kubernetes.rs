//! Kubernetes: a Deployment and a Service a unit, a CronJob a timer; an autoscaler to apply if it is wanted.

use super::File;
use super::deployment::{Deployment, Trigger, joined_name, wants_joined_names_apart};
use super::document::{Document, Mapping, documents};
use super::image;
use super::knative;
use super::names::label;
use super::probes;
use super::script::{KUBECTL, Script, quoted};
use super::site::Site;

/// The most characters of the name of a CronJob.
const MOST_OF_JOB: usize = 52;

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut files = Vec::new();
    wants_joined_names_apart(site, deployments, MOST_OF_JOB);
    for deployment in deployments {
        files.push(image::build(site, deployment, &[], script));
        let mut all = vec![Document::from(pods(site, deployment)), service(deployment).into()];
        for trigger in &deployment.triggers {
            all.extend(event(site, deployment, trigger).map(Document::from));
        }
        let file = format!("{}/deployment.yaml", deployment.unit.name);
        script.run(KUBECTL, format!("kubectl apply --filename {} \"$@\"", quoted(&file)));
        files.push(File { path: file, text: documents(&site.head(), &all) });
        // The autoscaler needs the metrics server, so its file is there and is not applied.
        let text = Document::from(scaler(deployment)).to_yaml(&site.head());
        files.push(File { path: format!("{}/autoscaler.yaml", deployment.unit.name), text });
    }
    if let Some(ingress) = ingress(site, deployments) {
        let text = Document::from(ingress).to_yaml(&site.head());
        files.push(File { path: "ingress.yaml".to_owned(), text });
        script.run(KUBECTL, "kubectl apply --filename ingress.yaml \"$@\"");
    }
    knative::own(site, &mut files, script);
    files
}

fn app(deployment: &Deployment<'_>) -> Mapping {
    probes::labels(&[("app.kubernetes.io/name", &deployment.name)])
}

fn pods(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut container = probes::container(site, deployment, "value", &[]);
    if let Some(memory) = deployment.memory {
        // The autoscaler counts in shares of the requested resources.
        let requests = Mapping::new().with("memory", format!("{}Mi", memory.value)).with("cpu", "100m");
        let limits = Mapping::new().with("memory", format!("{}Mi", memory.value));
        container.put("resources", Mapping::new().with("requests", requests).with("limits", limits));
    } else {
        container.put("resources", Mapping::new().with("requests", Mapping::new().with("cpu", "100m")));
    }
    container.put("startupProbe", probes::start(deployment, "/readyz"));
    container.put("readinessProbe", probes::http("/readyz").with("periodSeconds", 2));
    container.put("livenessProbe", probes::http("/livez"));
    container.put(
        "securityContext",
        Mapping::new()
            .with("readOnlyRootFilesystem", true)
            .with("allowPrivilegeEscalation", false)
            .with("runAsNonRoot", true)
            .with("runAsUser", 65_532)
            .with("capabilities", Mapping::new().with("drop", vec!["ALL"])),
    );
    container.put("volumeMounts", vec![Mapping::new().with("name", "tmp").with("mountPath", "/tmp")]);
    let mut spec = Mapping::new();
    spec.put_some("serviceAccountName", site.provider_text("role"));
    // The time is more than a stop takes: FAAS_GRACE is 25 seconds there.
    spec.put("terminationGracePeriodSeconds", 30);
    spec.put("containers", vec![container]);
    spec.put("volumes", vec![Mapping::new().with("name", "tmp").with("emptyDir", Mapping::new())]);
    let template = Mapping::new().with("metadata", Mapping::new().with("labels", app(deployment))).with("spec", spec);
    let selector = Mapping::new().with("matchLabels", app(deployment));
    Mapping::new()
        .with("apiVersion", "apps/v1")
        .with("kind", "Deployment")
        .with("metadata", Mapping::new().with("name", deployment.name.as_str()).with("labels", app(deployment)))
        .with("spec", Mapping::new().with("selector", selector).with("template", template))
}

fn service(deployment: &Deployment<'_>) -> Mapping {
    let port = Mapping::new().with("name", "http").with("port", 80).with("targetPort", 8_080);
    Mapping::new()
        .with("apiVersion", "v1")
        .with("kind", "Service")
        .with("metadata", Mapping::new().with("name", deployment.name.as_str()))
        .with("spec", Mapping::new().with("selector", app(deployment)).with("ports", vec![port]))
}

fn scaler(deployment: &Deployment<'_>) -> Mapping {
    let target =
        Mapping::new().with("apiVersion", "apps/v1").with("kind", "Deployment").with("name", deployment.name.as_str());
    let use_of = Mapping::new().with("type", "Utilization").with("averageUtilization", 80);
    let cpu = Mapping::new().with("name", "cpu").with("target", use_of);
    let metric = Mapping::new().with("type", "Resource").with("resource", cpu);
    Mapping::new()
        .with("apiVersion", "autoscaling/v2")
        .with("kind", "HorizontalPodAutoscaler")
        .with("metadata", Mapping::new().with("name", deployment.name.as_str()))
        .with(
            "spec",
            Mapping::new()
                .with("scaleTargetRef", target)
                .with("minReplicas", 1)
                .with("maxReplicas", 10)
                .with("metrics", vec![metric]),
        )
}

/// Makes the routes of all units at one host: exact paths, and prefixes of segments, of which an ingress takes the
/// longest.
fn ingress(site: &Site<'_>, deployments: &[Deployment<'_>]) -> Option<Mapping> {
    let host = site.host()?;
    let mut paths: Vec<(String, Mapping)> = Vec::new();
    for deployment in deployments {
        for trigger in deployment.requests() {
            let pattern = trigger.event.path.as_ref().map_or("/*", |path| &path.value);
            let (path, is_exact) = crate::gateway::literal(pattern);
            let port = Mapping::new().with("name", "http");
            let service = Mapping::new().with("name", deployment.name.as_str()).with("port", port);
            let kind = if is_exact { "Exact" } else { "Prefix" };
            let line = Mapping::new()
                .with("path", path.as_str())
                .with("pathType", kind)
                .with("backend", Mapping::new().with("service", service));
            match paths.iter().find(|(other, _)| *other == format!("{path} {kind}")) {
                Some((_, other)) if *other != line => {
                    let span = trigger.event.path.as_ref().map_or(trigger.event.span, |path| path.span);
                    let message = format!("an ingress cannot tell this route from another one: both are {path}");
                    site.refuses(span, message, "put the functions into one unit of `aggregation`");
                }
                Some(_) => {}
                None => paths.push((format!("{path} {kind}"), line)),
            }
        }
    }
    if paths.is_empty() {
        return None;
    }
    paths.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    let lines: Vec<Mapping> = paths.into_iter().map(|(_, line)| line).collect();
    let rule = Mapping::new().with("host", host.as_str()).with("http", Mapping::new().with("paths", lines));
    let mut spec = Mapping::new();
    if let Some(domain) = site.domain() {
        let protocol = site.text(domain, "protocol").unwrap_or_default();
        let certificate = site.get(domain, "certConfig");
        let secret = certificate.and_then(|all| ["secretName", "certName"].iter().find_map(|key| site.text(all, key)));
        if let Some(secret) = secret {
            spec.put("tls", vec![Mapping::new().with("hosts", vec![host.as_str()]).with("secretName", secret)]);
        } else if protocol.to_ascii_uppercase().contains("HTTPS") {
            let help = "write `certConfig: {secretName: …}`";
            site.lacks(domain.span, "HTTPS at an ingress needs the secret that has the certificate", help);
        }
    }
    spec.put("rules", vec![rule]);
    let service = &site.spec.service;
    Some(
        Mapping::new()
            .with("apiVersion", "networking.k8s.io/v1")
            .with("kind", "Ingress")
            .with("metadata", Mapping::new().with("name", label(&format!("{}-{}", service.name, service.stage))))
            .with("spec", spec),
    )
}

fn event(site: &Site<'_>, deployment: &Deployment<'_>, trigger: &Trigger<'_>) -> Option<Mapping> {
    if matches!(trigger.kind, "http" | "raw") {
        return None;
    }
    if trigger.kind != "timer" {
        trigger.is_lacking(
            site,
            "send it as a CloudEvent, as Knative does, or deploy to a platform that has such a trigger",
        );
        return None;
    }
    let schedule = trigger.schedule.as_ref()?;
    deployment.needs_default(site, trigger);
    let name = joined_name(deployment, trigger, MOST_OF_JOB);
    let container = Mapping::new()
        .with("name", "call")
        .with("image", "curlimages/curl:8.17.0")
        .with("args", call(site, trigger, &format!("http://{}", deployment.name)));
    let pod = Mapping::new().with("restartPolicy", "Never").with("containers", vec![container]);
    let template = Mapping::new().with("spec", pod);
    let job = Mapping::new().with("backoffLimit", 2).with("template", template);
    let mut spec = Mapping::new().with("schedule", schedule.text.as_str());
    spec.put("timeZone", schedule.timezone.as_deref().unwrap_or("Etc/UTC"));
    spec.put("concurrencyPolicy", "Forbid");
    if !trigger.is_enabled(site) {
        spec.put("suspend", true);
    }
    spec.put("jobTemplate", Mapping::new().with("spec", job));
    Some(
        Mapping::new()
            .with("apiVersion", "batch/v1")
            .with("kind", "CronJob")
            .with("metadata", Mapping::new().with("name", name))
            .with("spec", spec),
    )
}

/// Returns the arguments of curl: a request that the argument `Timer` reads, with the name of the timer.
pub(super) fn call(site: &Site<'_>, trigger: &Trigger<'_>, url: &str) -> Vec<String> {
    let mut all: Vec<String> = ["--fail", "--silent", "--show-error", "--request", "POST"].map(str::to_owned).to_vec();
    all.extend(["--header".to_owned(), format!("X-CloudScheduler-JobName: {}", trigger.name)]);
    if let Some(payload) = trigger.payload(site) {
        all.extend([
            "--header".to_owned(),
            "Content-Type: application/json".to_owned(),
            "--data-raw".to_owned(),
            payload,
        ]);
    }
    all.push(url.to_owned());
    all
}
