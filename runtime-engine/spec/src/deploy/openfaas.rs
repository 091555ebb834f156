//! OpenFaaS: one `stack.yml`, with a function a unit in the place of of-watchdog.

use super::File;
use super::deployment::Deployment;
use super::document::{Document, Mapping};
use super::image;
use super::names::label;
use super::script::{Script, Tool, quoted};
use super::site::Site;

const FAAS: Tool = Tool { program: "faas-cli", from: "https://docs.openfaas.com/cli/install" };

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut functions = Mapping::new();
    let mut files = Vec::new();
    for deployment in deployments {
        // Nothing in its container names OpenFaaS, so this variable does.
        files.push(image::build(site, deployment, &[("FAAS_PLATFORM", "openfaas")], script));
        functions.put(deployment.name.as_str(), function(site, deployment));
    }
    let provider = Mapping::new().with("name", "openfaas").with("gateway", "${OPENFAAS_URL:-http://127.0.0.1:8080}");
    let root = Mapping::new().with("version", Document::Number("1.0".to_owned())).with("provider", provider);
    let root = root.with("functions", functions);
    files.insert(0, File { path: "stack.yml".to_owned(), text: Document::from(root).to_yaml(&site.head()) });
    let mut secrets: Vec<&String> =
        deployments.iter().flat_map(|deployment| &deployment.secrets).map(|(_, name)| name).collect();
    secrets.sort();
    secrets.dedup();
    for secret in secrets {
        let (name, value) = (quoted(&label(secret)), super::script::variable(secret));
        let read = format!("printf %s \"${{{value}:?the secret {secret}}}\" | faas-cli secret");
        script.run(FAAS, format!("{read} create {name} || {read} update {name}"));
    }
    script.run(FAAS, "faas-cli deploy --yaml stack.yml \"$@\"");
    files
}

fn function(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut function = Mapping::new();
    function.put("image", image::name(site, deployment));
    function.put("skip_build", true);
    let mut environment = Mapping::new();
    if let Some(timeout) = deployment.timeout {
        environment.put("exec_timeout", format!("{}s", timeout.value));
        // The gateway waits longer than the function may take.
        environment.put("read_timeout", format!("{}s", timeout.value + 5));
        environment.put("write_timeout", format!("{}s", timeout.value + 5));
    }
    environment.put_some("max_inflight", deployment.concurrency.map(|limit| limit.value.to_string()));
    for (name, value) in &deployment.variables {
        environment.put(name.as_str(), value.as_str());
    }
    function.put_some("environment", environment.some());
    if !deployment.secrets.is_empty() {
        let names: Vec<String> = deployment.secrets.iter().map(|(_, secret)| label(secret)).collect();
        function.put("secrets", names);
        for (_, secret) in deployment.secrets.iter().filter(|(_, secret)| label(secret) != *secret) {
            let message =
                format!("a secret on OpenFaaS is a file that is called like it, and `{secret}` is no name there");
            let help = format!("call it `{}`: lower-case letters, digits and `-`", label(secret));
            site.refuses(deployment.span(), message, &help);
        }
    }
    if let Some(memory) = deployment.memory {
        function.put("limits", Mapping::new().with("memory", format!("{}Mi", memory.value)));
    }
    if let Some(limit) = deployment.init_timeout {
        // Kubernetes waits for the function to be ready as long as it takes.
        site.lacks(limit.span, "a start on OpenFaaS may take as long as its probes allow", "");
    }
    function.put_some("annotations", annotations(site, deployment));
    function
}

/// Makes the annotations that connectors read: topics, and one schedule.
fn annotations(site: &Site<'_>, deployment: &Deployment<'_>) -> Option<Mapping> {
    let mut topics: Vec<&str> = Vec::new();
    let mut schedule: Option<&str> = None;
    for trigger in &deployment.triggers {
        match (trigger.kind, trigger.word()) {
            ("http" | "raw", _) => {}
            ("timer", _) => {
                let Some(emitted) = &trigger.schedule else { continue };
                deployment.needs_default(site, trigger);
                if schedule.is_some() {
                    let message = "a function on OpenFaaS has one schedule, and this is another one";
                    site.refuses(trigger.event.span, message, "deploy the function of one of them by itself");
                    continue;
                }
                schedule = Some(&emitted.text);
                topics.push("cron-function");
            }
            ("topic", _) | ("stream", "kafka") | ("queue", "mq" | "cmq") => {
                deployment.needs_default(site, trigger);
                topics.extend(trigger.source(site));
            }
            _ => trigger.is_lacking(site, "a connector of OpenFaaS that has such events takes them by a `topic`"),
        }
    }
    let mut out = Mapping::new();
    out.put_some("topic", Some(topics.join(",")).filter(|topics| !topics.is_empty()));
    out.put_some("schedule", schedule);
    out.some()
}
