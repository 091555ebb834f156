//! Azure Container Apps: the text of an app a unit, for `az containerapp update --yaml`, and that of a job a timer.

use super::File;
use super::deployment::{Deployment, Trigger, joined_name, only_host, wants_names_apart, within};
use super::document::{Document, Mapping};
use super::image;
use super::kubernetes;
use super::names::{MOST_OF_APP, label};
use super::probes;
use super::script::{AZ, Script, quoted, variable};
use super::site::Site;

const GROUP: &str = "--resource-group \"${GROUP:?the resource group}\"";
const ENVIRONMENT: &str = "--environment \"${ENVIRONMENT:?the environment of Container Apps}\"";

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut files = Vec::new();
    if deployments.iter().any(|deployment| !deployment.secrets.is_empty()) {
        script.removes(AZ, &["*/.secret-*"]);
    }
    wants_names_apart(site, deployments, |trigger| (trigger.kind == "timer").then_some(MOST_OF_APP));
    for deployment in deployments {
        files.push(image::build(site, deployment, &[], script));
        let file = format!("{}/app.yaml", deployment.unit.name);
        let (name, path) = (quoted(&deployment.name), quoted(&file));
        // An app is made empty first: its text has only the places of secrets.
        let made = format!("az containerapp show {GROUP} --name {name} >/dev/null 2>&1");
        let create = format!("az containerapp create {GROUP} {ENVIRONMENT} --name {name} --output none");
        script.run(AZ, format!("{made} ||\n    {create}"));
        if !deployment.secrets.is_empty() {
            let pair = |(_, secret): &(String, String)| {
                let label = label(secret);
                let path = format!("{}/.secret-{label}", deployment.unit.name);
                script.for_az(&label, &variable(secret), "a secret", &path)
            };
            let pairs: Vec<String> = deployment.secrets.iter().map(pair).collect();
            let pairs = pairs.join(" ");
            script.run(AZ, format!("az containerapp secret set {GROUP} --name {name} --output none --secrets {pairs}"));
        }
        script.run(AZ, format!("az containerapp update {GROUP} --name {name} --yaml {path} --output none \"$@\""));
        files.push(File { path: file, text: Document::from(app(site, deployment)).to_yaml(&site.head()) });
        for trigger in &deployment.triggers {
            files.extend(event(site, deployment, trigger, script));
        }
    }
    if let Some((host, app)) = only_host(site, deployments) {
        let (host, app) = (quoted(&host), quoted(app));
        script.run(AZ, format!("az containerapp hostname add {GROUP} --name {app} --hostname {host}"));
    }
    files
}

fn app(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut env: Vec<Mapping> = Vec::new();
    for (name, value) in &deployment.variables {
        env.push(Mapping::new().with("name", name.as_str()).with("value", value.as_str()));
    }
    for (name, secret) in &deployment.secrets {
        env.push(Mapping::new().with("name", name.as_str()).with("secretRef", label(secret)));
    }
    let mut container = Mapping::new().with("name", "function").with("image", image::name(site, deployment));
    if !env.is_empty() {
        container.put("env", env);
    }
    container.put("resources", resources(site, deployment));
    let probe = |kind: &str, probe: Mapping| Mapping::new().with("type", kind).and(probe);
    container.put(
        "probes",
        vec![
            probe("Startup", probes::start(deployment, "/readyz")),
            probe("Readiness", probes::http("/readyz").with("periodSeconds", 2)),
            probe("Liveness", probes::http("/livez")),
        ],
    );
    let mut scale = Mapping::new().with("minReplicas", 0).with("maxReplicas", 10);
    if let Some(limit) = deployment.concurrency {
        let metadata = Mapping::new().with("concurrentRequests", limit.value.to_string());
        let http = Mapping::new().with("metadata", metadata);
        scale.put("rules", vec![Mapping::new().with("name", "http").with("http", http)]);
    }
    let template = Mapping::new()
        .with("containers", vec![container])
        .with("scale", scale)
        .with("terminationGracePeriodSeconds", 30);
    let external = deployment.has_requests() && deployment.is_public(site);
    let ingress = Mapping::new().with("external", external).with("targetPort", 8_080).with("transport", "auto");
    let configuration = Mapping::new().with("activeRevisionsMode", "Single").with("ingress", ingress);
    Mapping::new().with("properties", Mapping::new().with("configuration", configuration).with("template", template))
}

/// Sets the memory, which comes in halves of a GB, each with a quarter of a processor.
fn resources(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let halves =
        within(site, "memory", deployment.memory, 1..=4_096, "MB").map_or(1, |memory| (memory.max(1) + 511) / 512);
    let quarter = |quarters: i64| Document::Number(format!("{}.{:02}", quarters / 4, quarters % 4 * 25));
    Mapping::new().with("cpu", quarter(halves)).with("memory", format!("{}.{}Gi", halves / 2, halves % 2 * 5))
}

/// Makes the job of a timer, which calls the app.
fn event(site: &Site<'_>, deployment: &Deployment<'_>, trigger: &Trigger<'_>, script: &mut Script) -> Option<File> {
    if matches!(trigger.kind, "http" | "raw") {
        return None;
    }
    if trigger.kind != "timer" {
        trigger.is_lacking(site, "deploy to Azure Functions, which has such triggers");
        return None;
    }
    let schedule = trigger.schedule.as_ref()?;
    deployment.needs_default(site, trigger);
    let name = joined_name(deployment, trigger, MOST_OF_APP);
    // The name of a job has a `-`, so that no job's file is the app's.
    let path = format!("{}/{name}.yaml", deployment.unit.name);
    // The arguments stand in the file, for az itself takes none that begins with a dash (Azure/azure-cli#27011). It puts
    // the job, so that one that is there already is changed.
    let (name, file) = (quoted(&name), quoted(&path));
    script
        .run(AZ, format!("az containerapp job create {GROUP} {ENVIRONMENT} --name {name} --yaml {file} --output none"));
    let call = kubernetes::call(site, trigger, &format!("http://{}", deployment.name));
    Some(File { path, text: Document::from(job(&schedule.text, call)).to_yaml(&site.head()) })
}

/// Returns the job that runs curl with these arguments. Its members are those of `Microsoft.App/jobs`.
fn job(schedule: &str, arguments: Vec<String>) -> Mapping {
    let configuration = Mapping::new()
        .with("triggerType", "Schedule")
        .with("scheduleTriggerConfig", Mapping::new().with("cronExpression", schedule))
        .with("replicaTimeout", 300)
        .with("replicaRetryLimit", 2);
    let smallest = Mapping::new().with("cpu", Document::Number("0.25".to_owned())).with("memory", "0.5Gi");
    let container = Mapping::new()
        .with("name", "call")
        .with("image", "curlimages/curl:8.17.0")
        .with("command", vec!["curl"])
        .with("args", arguments)
        .with("resources", smallest);
    let template = Mapping::new().with("containers", vec![container]);
    Mapping::new().with("properties", Mapping::new().with("configuration", configuration).with("template", template))
}
