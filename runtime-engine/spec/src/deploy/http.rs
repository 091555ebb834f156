//! Plain HTTP: an image a unit, and a file for Docker Compose that runs all of them.

use super::File;
use super::deployment::Deployment;
use super::document::{Document, Mapping};
use super::image;
use super::script::{DOCKER, Script, variable};
use super::site::Site;

/// The first port at which services are reached on the machine that runs them.
const FIRST_PORT: usize = 8_080;

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut services = Mapping::new();
    let mut files = Vec::new();
    for (number, deployment) in deployments.iter().enumerate() {
        files.push(image::build(site, deployment, &[], script));
        services.put(deployment.name.as_str(), service(site, deployment, FIRST_PORT + number));
        for trigger in deployment.triggers.iter().filter(|trigger| !matches!(trigger.kind, "http" | "raw" | "timer")) {
            trigger.is_lacking(site, "send it as a request, or deploy to a platform that has such a trigger");
        }
    }
    let text = Document::from(Mapping::new().with("services", services)).to_yaml(&site.head());
    files.insert(0, File { path: "compose.yaml".to_owned(), text });
    script.run(DOCKER, "docker compose --file compose.yaml up --detach \"$@\"");
    files
}

fn service(site: &Site<'_>, deployment: &Deployment<'_>, port: usize) -> Mapping {
    let mut service = Mapping::new().with("image", image::name(site, deployment));
    service.put("ports", vec![format!("{port}:8080")]);
    let mut environment = Mapping::new();
    if let Some(timeout) = deployment.timeout {
        environment.put("FAAS_TIMEOUT", format!("{}s", timeout.value));
    }
    if let Some(limit) = deployment.concurrency {
        environment.put("FAAS_CONCURRENCY", limit.value.to_string());
    }
    for (name, value) in &deployment.variables {
        // A dollar is doubled, since Compose has variables of its own.
        environment.put(name.as_str(), value.replace('$', "$$"));
    }
    for (name, secret) in &deployment.secrets {
        environment.put(name.as_str(), format!("${{{}:?a secret}}", variable(secret)));
    }
    service.put_some("environment", environment.some());
    if let Some(memory) = deployment.memory {
        service.put("mem_limit", format!("{}m", memory.value));
    }
    if let Some(limit) = deployment.init_timeout {
        site.lacks(limit.span, "nobody limits a start in plain Docker", "");
    }
    // The time is longer than a stop takes.
    service.put("stop_grace_period", "10s");
    service.put("read_only", true);
    service.put("tmpfs", vec!["/tmp"]);
    service.put("restart", "unless-stopped");
    service
}
