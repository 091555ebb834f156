//! Fn and Oracle Functions: `func.yaml` and a Dockerfile a unit, in an app for the service.

use super::File;
use super::deployment::{Deployment, within};
use super::document::{Document, Mapping};
use super::image;
use super::names::{label, label_of_path};
use super::script::{Script, Tool, quoted, variable};
use super::site::Site;
use crate::diagnostic::Diagnostic;
use crate::gateway;

const FN: Tool = Tool { program: "fn", from: "https://github.com/fnproject/cli/releases" };

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let service = &site.spec.service;
    let app = quoted(&label(&format!("{}-{}", service.name, service.stage)));
    let mut files = Vec::new();
    script.run(FN, format!("fn inspect app {app} >/dev/null 2>&1 || fn create app {app}"));
    for deployment in deployments {
        let folder = &deployment.unit.name;
        files.push(image::build(site, deployment, &[], script));
        let function = function(site, deployment);
        let text = Document::from(function).to_yaml(&site.head());
        files.push(File { path: format!("{folder}/func.yaml"), text });
        let (name, image) = (quoted(&deployment.name), quoted(&image::name(site, deployment)));
        let mut options = String::new();
        if let Some(memory) = memory(site, deployment) {
            options += &format!(" --memory {memory}");
        }
        if let Some(timeout) = deployment.timeout {
            options += &format!(" --timeout {}", timeout.value);
        }
        let make = |verb: &str| format!("fn {verb} function {app} {name} {image}{options} \"$@\"");
        script.run(FN, format!("{} 2>/dev/null || {}", make("update"), make("create")));
        let config =
            |name: &str, value: String| format!("fn config function {app} {} {name} {value}", quoted(&deployment.name));
        for (name, value) in &deployment.variables {
            script.run(FN, config(name, quoted(value)));
        }
        for (name, secret) in &deployment.secrets {
            script.run(FN, config(name, format!("\"${{{}:?the secret {secret}}}\"", variable(secret))));
        }
        for (trigger, path) in sources(site, deployment) {
            // An app has one trigger for a path, whatever it is called.
            let (trigger, path) = (quoted(&trigger), quoted(&path));
            let is_its = "{for (i = 1; i <= NF; i++) if ($i == ENVIRON[\"path\"]) found = 1} END {exit !found}";
            let made = format!("fn list triggers {app} {name} 2>/dev/null | path={path} awk '{is_its}'");
            script.run(
                FN,
                format!("{made} ||\n    fn create trigger {app} {name} {trigger} --type http --source {path}"),
            );
        }
    }
    files
}

fn function(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut out = Mapping::new();
    out.put("schema_version", 20_180_708);
    out.put("name", deployment.name.as_str());
    out.put("version", "0.0.1");
    out.put("runtime", "docker");
    out.put_some("memory", memory(site, deployment));
    out.put_some("timeout", within(site, "a timeout", deployment.timeout, 1..=300, "seconds"));
    out.put_some("config", deployment.environment().some());
    if let Some(limit) = deployment.init_timeout.filter(|limit| limit.value != 5) {
        site.lacks(limit.span, "a start on Fn may take 5 seconds, whatever `initTimeout` says", "");
    }
    let triggers: Vec<Mapping> = sources(site, deployment)
        .into_iter()
        .map(|(name, path)| Mapping::new().with("name", name).with("type", "http").with("source", path))
        .collect();
    if !triggers.is_empty() {
        out.put("triggers", triggers);
    }
    for trigger in deployment.triggers.iter().filter(|trigger| !matches!(trigger.kind, "http" | "raw" | "timer")) {
        trigger.is_lacking(site, "call the function by its name from whatever has such events");
    }
    out
}

fn memory(site: &Site<'_>, deployment: &Deployment<'_>) -> Option<i64> {
    let steps: Vec<i64> = (2..=48).map(|number| number * 64).collect();
    super::deployment::step_up(site, "memory", deployment.memory, &steps)
}

/// Returns the triggers of requests, each as a name and an exact path. The script leaves a trigger that is there for its
/// path. Of two with one name only one would be made, so the name is that of one path, whatever else the yml has.
fn sources(site: &Site<'_>, deployment: &Deployment<'_>) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for trigger in deployment.requests() {
        let Some(pattern) = &trigger.event.path else { continue };
        let gateway = gateway::route(site.platform, &pattern.value);
        if gateway.routes.is_empty() {
            let message = format!("a trigger on Fn has one exact path, and `{}` is many", pattern.value);
            site.lacks(pattern.span, message, "put an API gateway before the function");
        }
        for path in gateway.routes {
            let name = label_of_path(&deployment.unit.name, &path);
            match all.iter().find(|(other, _)| *other == name) {
                Some((_, other)) if *other == path => {}
                Some((_, other)) => {
                    let message = format!("the triggers of `{other}` and `{path}` on Fn are both called `{name}`");
                    site.add(
                        Diagnostic::error("same-name", pattern.span, message).help("take another path for one of them"),
                    );
                }
                None => all.push((name, path)),
            }
        }
    }
    all
}
