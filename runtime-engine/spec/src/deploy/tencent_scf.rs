//! Tencent SCF, by the component `scf` of Serverless Framework: a folder a unit.
//!
//! The API gateway that older templates name was closed in 2025: requests come by a function's own URL, as events. So
//! one function takes requests and all other events, and its process tells paths apart.

use super::File;
use super::deployment::{Deployment, Trigger, within};
use super::document::{Document, Mapping};
use super::script::{Script, Tool, UNZIP, quoted, unpack, variable};
use super::site::Site;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::tree::Node;
use std::collections::BTreeMap;

const SCF: Tool = Tool { program: "scf", from: "npm install -g serverless-cloud-framework" };

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let service = &site.spec.service;
    let mut files = Vec::new();
    let mut instances: BTreeMap<String, Span> = BTreeMap::new();
    for deployment in deployments {
        let instance = deployment.unit.name.replace('.', "-");
        let message =
            format!("`{}` is called like another one in its serverless.yml, `{instance}`", deployment.unit.name);
        if let Some(earlier) = instances.insert(instance.clone(), deployment.span()) {
            let diagnostic = Diagnostic::error("same-name", deployment.span(), message);
            site.add(
                diagnostic.other(earlier, "the other one").help("`-` and `.` are one sign there: take another name"),
            );
        }
        let root = Mapping::new()
            .with("component", "scf")
            .with("name", instance)
            .with("app", service.name.as_str())
            .with("stage", service.stage.as_str())
            .with("inputs", inputs(site, deployment));
        let folder = &deployment.unit.name;
        let text = Document::from(root).to_yaml(&site.head());
        files.push(File { path: format!("{folder}/serverless.yml"), text });
        script.run(UNZIP, unpack(site, folder, &format!("{folder}/code"), &[]));
        script.run(SCF, format!("(cd {} && scf deploy \"$@\")", quoted(folder)));
    }
    if let Some(host) = site.domain().filter(|domain| domain.as_bool() != Some(false)) {
        if site.host().is_some() {
            let message = "a function's URL on SCF is bound to a domain in the console";
            site.lacks(host.span, message, "");
        }
        for key in ["protocol", "certConfig"] {
            let _ = site.get(host, key);
        }
    }
    files
}

fn inputs(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut inputs = Mapping::new();
    inputs.put("name", deployment.name.as_str());
    inputs.put_some("description", deployment.description.clone());
    // The package is unpacked beside this file.
    inputs.put("src", "./code");
    inputs.put("type", "event");
    inputs.put("runtime", "CustomRuntime");
    inputs.put("handler", deployment.handler.as_str());
    inputs.put("region", site.provider_text("region").unwrap_or_else(|| "ap-guangzhou".to_owned()));
    inputs.put("namespace", "default");
    inputs.put_some("memorySize", memory(site, deployment));
    inputs.put_some("timeout", within(site, "a timeout", deployment.timeout, 1..=900, "seconds"));
    inputs.put_some("initTimeout", within(site, "`initTimeout`", deployment.init_timeout, 3..=300, "seconds"));
    inputs.put_some("role", site.provider_text("role"));
    let mut variables = deployment.environment();
    for (name, secret) in &deployment.secrets {
        variables.put(name.as_str(), format!("${{env:{}}}", variable(secret)));
    }
    inputs.put_some("environment", variables.some().map(|all| Mapping::new().with("variables", all)));
    if let Some(vpc) = site.provider("vpcConfig") {
        let mut out = Mapping::new();
        out.put_some("vpcId", site.text(vpc, "vpcId"));
        let switch = site.texts(vpc, "vSwitchIds").into_iter().next();
        out.put_some("subnetId", site.text(vpc, "subnetId").or(switch));
        inputs.put_some("vpcConfig", out.some());
    }
    if let Some(logs) = site.provider("logConfig") {
        let mut out = Mapping::new();
        out.put_some("logsetId", site.text(logs, "project"));
        out.put_some("topicId", site.text(logs, "logstore"));
        inputs.put_some("cls", out.some());
    }
    inputs.put_some("publicAccess", site.provider("internetAccess").and_then(Node::as_bool));
    if let Some(calls) = site.provider("asyncConfiguration") {
        inputs.put_some("msgTTL", site.get(calls, "maxAsyncEventAgeInSeconds").and_then(Node::as_int));
        inputs.put_some("retryNum", site.get(calls, "maxAsyncRetryAttempts").and_then(Node::as_int));
    }
    let mut events: Vec<Mapping> = url(site, deployment).into_iter().collect();
    events.extend(deployment.triggers.iter().filter_map(|trigger| event(site, trigger)));
    if !events.is_empty() {
        inputs.put("events", events);
    }
    inputs
}

fn memory(site: &Site<'_>, deployment: &Deployment<'_>) -> Option<i64> {
    let steps: Vec<i64> = std::iter::once(64).chain((1..=24).map(|number| number * 128)).collect();
    super::deployment::step_up(site, "memory", deployment.memory, &steps)
}

/// Makes one URL for all requests of a function.
fn url(site: &Site<'_>, deployment: &Deployment<'_>) -> Option<Mapping> {
    deployment.requests().next()?;
    for trigger in deployment.requests() {
        if let Some(id) = trigger.event.node.get("serviceId") {
            site.take(id);
            site.lacks(
                id.span,
                "the API gateway of Tencent was closed in 2025: requests come by the function's URL",
                "",
            );
        }
    }
    if let Some(id) = site.provider("serviceId") {
        site.lacks(id.span, "the API gateway of Tencent was closed in 2025: requests come by the function's URL", "");
    }
    let is_public = deployment.is_public(site);
    let mut parameters = Mapping::new();
    parameters.put("name", "url");
    parameters.put("qualifier", "$DEFAULT");
    parameters.put("authType", if is_public { "NONE" } else { "CAM" });
    parameters.put("netConfig", Mapping::new().with("enableIntranet", true).with("enableExtranet", true));
    let cors = |trigger: &Trigger<'_>| trigger.get(site, "cors").is_some_and(|cors| cors.as_bool() != Some(false));
    // Each trigger is asked, so that no key is left over.
    if deployment.requests().filter(|trigger| cors(trigger)).count() > 0 {
        let all = vec!["*"];
        let cors = Mapping::new()
            .with("enable", true)
            .with("origins", all.clone())
            .with("methods", all.clone())
            .with("headers", all);
        parameters.put("corsConfig", cors);
    }
    Some(Mapping::new().with("http", Mapping::new().with("parameters", parameters)))
}

fn event(site: &Site<'_>, trigger: &Trigger<'_>) -> Option<Mapping> {
    let source = || trigger.source(site);
    let mut parameters = Mapping::new();
    let version = trigger.event.node.get("version").and_then(Node::as_text).unwrap_or("$DEFAULT").to_owned();
    let kind = match (trigger.kind, trigger.word()) {
        ("http" | "raw", _) => return None,
        ("timer", _) => {
            parameters.put("name", trigger.name.as_str());
            parameters.put("cronExpression", trigger.schedule.as_ref()?.text.as_str());
            parameters.put_some("argument", trigger.payload(site));
            "timer"
        }
        ("storage", _) => {
            parameters.put("bucket", source()?);
            let mut events = site.texts(&trigger.event.node, "events");
            if events.is_empty() {
                events.push("cos:ObjectCreated:*".to_owned());
            }
            if events.len() > 1 {
                let message = "a trigger of a bucket on SCF has one kind of events";
                site.lacks(trigger.event.span, message, "write a `storage` event for each");
            }
            let event = events.swap_remove(0);
            let rest = ["oss:", "s3:"].iter().find_map(|prefix| event.strip_prefix(prefix));
            // Removals are called deletions there.
            let event =
                rest.map_or(event.clone(), |rest| format!("cos:{}", rest.replace("ObjectRemoved", "ObjectRemove")));
            parameters.put("events", event);
            let (prefix, suffix) = trigger.filter(site);
            let mut filter = Mapping::new();
            filter.put_some("prefix", Some(prefix).filter(|text| !text.is_empty()));
            filter.put_some("suffix", Some(suffix).filter(|text| !text.is_empty()));
            parameters.put_some("filter", filter.some());
            "cos"
        }
        ("topic", _) | ("queue", "mq" | "cmq") => {
            let topic = trigger.event.source.clone().or_else(|| trigger.text(site, "name"));
            let Some(topic) = topic else {
                let _ = source();
                return None;
            };
            parameters.put("name", topic);
            let tags = site.texts(&trigger.event.node, "tags");
            parameters.put_some("filterKey", Some(tags.join(",")).filter(|tags| !tags.is_empty()));
            "cmq"
        }
        ("stream", "kafka") => {
            // Both together become its name.
            parameters.put("instanceId", "${env:CKAFKA_INSTANCE_ID}");
            parameters.put("topic", source()?);
            parameters.put("maxMsgNum", 100);
            parameters.put("offset", "latest");
            if let Some(group) = trigger.get(site, "group") {
                site.lacks(group.span, "a trigger of CKafka on SCF has a consumer group of its own", "");
            }
            "ckafka"
        }
        ("log", _) => {
            parameters.put("topicId", source()?);
            parameters.put_some("maxWait", trigger.get(site, "interval").and_then(Node::as_int));
            "cls"
        }
        _ => {
            trigger.is_lacking(site, "make a rule of EventBridge that calls the function");
            return None;
        }
    };
    let _ = trigger.get(site, "version");
    parameters.put("qualifier", version);
    parameters.put("enable", trigger.is_enabled(site));
    Some(Mapping::new().with(kind, Mapping::new().with("parameters", parameters)))
}
