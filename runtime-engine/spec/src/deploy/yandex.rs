//! Yandex Cloud Functions: commands of `yc`, and the text of an API gateway for the routes.

use super::File;
use super::deployment::{Deployment, Trigger, joined_name, step_up, wants_joined_names_apart, within};
use super::document::{Document, Mapping};
use super::names::{MOST_OF_LABEL, label};
use super::script::{JQ, Script, Tool, quoted};
use super::site::Site;
use crate::gateway;
use crate::tree::Node;
use std::fmt::Write;

const YC: Tool = Tool { program: "yc", from: "https://yandex.cloud/docs/cli/quickstart" };
/// The options of the deploying shell, such as `--folder-id`, which every command of `yc` is given.
const OPTIONS: &str = "\"$@\"";
/// The memory of a function is a multiple of this, in MB. Source: Yandex Cloud Functions, "Quotas and limits".
const MEMORY_STEP: i64 = 128;
/// The account that gateway and triggers call functions as.
const CALLER: &str = "\"${INVOKER:?the service account that may call the functions}\"";

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut paths = Mapping::new();
    let mut routes: Vec<(String, Mapping)> = Vec::new();
    let mut names = Vec::new();
    wants_joined_names_apart(site, deployments, MOST_OF_LABEL);
    for deployment in deployments {
        function(site, deployment, script);
        for trigger in &deployment.triggers {
            if trigger.is_http() {
                let is_routed = request(site, deployment, trigger, &mut routes);
                if is_routed && !names.contains(&deployment.name) {
                    names.push(deployment.name.clone());
                }
            } else {
                event(site, deployment, trigger, script);
            }
        }
    }
    for (path, operations) in routes {
        paths.put(path, operations);
    }
    let Some(paths) = paths.some() else { return Vec::new() };
    let service = &site.spec.service;
    let title = label(&format!("{}-{}", service.name, service.stage));
    let root = Mapping::new()
        .with("openapi", "3.0.0")
        .with("info", Mapping::new().with("title", title.as_str()).with("version", "1.0.0"))
        .with("paths", paths);
    // Ids are known once the functions exist.
    let mut fill = format!("sed -e s/INVOKER\\$/{CALLER}/");
    for name in &names {
        let id = format!("\"$(yc serverless function get --name {name} --format json {OPTIONS} | jq -r .id)\"");
        let _ = write!(fill, " \\\n    -e s/FUNCTION_ID_OF_{name}\\$/{id}/");
    }
    script.run(JQ, format!("{fill} \\\n    gateway.yaml > .gateway.yaml"));
    let name = quoted(&title);
    let made = format!("yc serverless api-gateway get --name {name} {OPTIONS} >/dev/null 2>&1");
    let update = format!("yc serverless api-gateway update --name {name} --spec .gateway.yaml {OPTIONS}");
    let create = format!("yc serverless api-gateway create --name {name} --spec .gateway.yaml {OPTIONS}");
    script.run(YC, format!("if {made}; then {update}; else {create}; fi"));
    if let Some(host) = site.host() {
        let certificate = "--certificate-id \"${CERTIFICATE:?the id of the certificate}\"";
        script.run(
            YC,
            format!(
                "yc serverless api-gateway add-domain --name {name} --domain {} {certificate} {OPTIONS}",
                quoted(&host)
            ),
        );
    }
    let text = Document::from(root).to_yaml(&site.head());
    vec![File { path: "gateway.yaml".to_owned(), text }]
}

fn function(site: &Site<'_>, deployment: &Deployment<'_>, script: &mut Script) {
    let name = quoted(&deployment.name);
    let made = format!("yc serverless function get --name {name} {OPTIONS} >/dev/null 2>&1");
    script.run(YC, format!("{made} ||\n    yc serverless function create --name {name} {OPTIONS}"));
    let mut line = format!("yc serverless function version create --function-name {name} --runtime bash-2204");
    line += " --entrypoint handler.sh";
    let _ =
        write!(line, " --source-path {}", quoted(&format!("{}/{}.zip", site.options.packages, deployment.unit.name)));
    let steps: Vec<i64> = (1..=64).map(|number| number * MEMORY_STEP).collect();
    let memory = step_up(site, "memory", deployment.memory, &steps).unwrap_or(MEMORY_STEP);
    let _ = write!(line, " --memory {memory}m");
    let timeout = within(site, "a timeout", deployment.timeout, 1..=3_600, "seconds").unwrap_or(10);
    let _ = write!(line, " --execution-timeout {timeout}s");
    if let Some(role) = site.provider_text("role") {
        let _ = write!(line, " --service-account-id {}", quoted(&role));
    }
    if let Some(vpc) = site.provider("vpcConfig") {
        if let Some(network) = site.text(vpc, "vpcId") {
            let _ = write!(line, " --network-id {}", quoted(&network));
        }
        for subnet in site.texts(vpc, "vSwitchIds").into_iter().chain(site.text(vpc, "subnetId")) {
            let _ = write!(line, " --subnet-id {}", quoted(&subnet));
        }
    }
    if let Some(group) = site.provider("logConfig").and_then(|logs| site.text(logs, "logstore")) {
        let _ = write!(line, " --log-group-id {}", quoted(&group));
    }
    let mut variables = deployment.variables.clone();
    if deployment.only().is_some() {
        variables.push(("FAAS_HANDLER".to_owned(), deployment.handler.clone()));
    }
    for (variable, value) in &variables {
        if value.contains([',', '"']) {
            let message = format!("the value of `{variable}` cannot be told to yc: it has a comma or a quote");
            site.lacks(deployment.span(), message, "the manifest in the package has it, where the function sees it");
            continue;
        }
        let _ = write!(line, " \\\n    --environment {}", quoted(&format!("{variable}={value}")));
    }
    for (variable, secret) in &deployment.secrets {
        // The text has the name and the key within it; the value stays in Lockbox.
        let (name, key) = secret.rsplit_once('/').unwrap_or((secret, "value"));
        let text = format!("environment-variable={variable},name={},key={key}", label(name));
        let _ = write!(line, " \\\n    --secret {}", quoted(&text));
    }
    let _ = write!(line, " {OPTIONS}");
    script.run(YC, line);
    if let Some(limit) = deployment.concurrency.filter(|limit| limit.value > 1) {
        let message = "a bash function on Yandex takes one call at a time: a process is started for each";
        site.lacks(limit.span, message, "ship an image to Serverless Containers where that matters");
    }
    if let Some(limit) = deployment.init_timeout {
        site.lacks(limit.span, "a start on Yandex is part of the call", "");
    }
}

/// Adds a route at the gateway. Returns `false` if there is no route: without a path the function has an address of its
/// own.
fn request(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
    routes: &mut Vec<(String, Mapping)>,
) -> bool {
    let Some(path) = &trigger.event.path else { return false };
    let _ = deployment.is_anonymous(site, trigger);
    let mut is_routed = false;
    for route in gateway::route(site.platform, &path.value).routes {
        let integration = Mapping::new()
            .with("type", "cloud_functions")
            .with("function_id", format!("FUNCTION_ID_OF_{}", deployment.name))
            .with("service_account_id", "INVOKER")
            .with("payload_format_version", "1.0");
        let mut operation = Mapping::new();
        let parameters: Vec<Mapping> = gateway::parameters(&route)
            .into_iter()
            .map(|name| {
                let schema = Mapping::new().with("type", "string");
                Mapping::new().with("name", name).with("in", "path").with("required", true).with("schema", schema)
            })
            .collect();
        if !parameters.is_empty() {
            operation.put("parameters", parameters);
        }
        operation.put("x-yc-apigateway-integration", integration);
        let responses = Mapping::new().with("200", Mapping::new().with("description", "What the function says."));
        operation.put("responses", responses);
        let verbs: Vec<String> = match &trigger.event.methods[..] {
            [] => vec!["x-yc-apigateway-any-method".to_owned()],
            methods => methods.iter().map(|method| method.to_ascii_lowercase()).collect(),
        };
        let known = routes.iter().position(|(other, _)| *other == route);
        let index = known.unwrap_or_else(|| {
            routes.push((route.clone(), Mapping::new()));
            routes.len() - 1
        });
        for verb in verbs {
            routes[index].1.put(verb, operation.clone());
        }
        is_routed = true;
    }
    if let Some(cors) = trigger.get(site, "cors").filter(|cors| cors.as_bool() != Some(false)) {
        site.lacks(cors.span, "preflights are set up in the gateway's text: `x-yc-apigateway: {cors: …}`", "");
    }
    is_routed
}

fn event(site: &Site<'_>, deployment: &Deployment<'_>, trigger: &Trigger<'_>, script: &mut Script) {
    let name = quoted(&joined_name(deployment, trigger, MOST_OF_LABEL));
    let to =
        format!("--invoke-function-name {} --invoke-function-service-account-id {CALLER}", quoted(&deployment.name));
    let source = || trigger.source(site).map(quoted);
    let (kind, rest) = match (trigger.kind, trigger.word()) {
        ("raw", _) => return,
        ("timer", _) => {
            let Some(schedule) = &trigger.schedule else { return };
            let mut rest = format!("--cron-expression {}", quoted(&schedule.text));
            if let Some(payload) = trigger.payload(site) {
                let _ = write!(rest, " --payload {}", quoted(&payload));
            }
            ("timer", rest)
        }
        ("queue", "queue") => {
            let Some(source) = source() else { return };
            let size = trigger.get(site, "batchSize").and_then(Node::as_int).unwrap_or(1);
            let account = format!("--queue-service-account-id {CALLER}");
            ("message-queue", format!("--queue {source} {account} --batch-size {size} --batch-cutoff 1s"))
        }
        ("storage", _) => {
            let Some(source) = source() else { return };
            let events = site.texts(&trigger.event.node, "events");
            let (prefix, suffix) = trigger.filter(site);
            let mut rest = format!("--bucket-id {source}");
            let is = |word: &str| events.iter().any(|event| event.to_ascii_lowercase().contains(word));
            if events.is_empty() || is("create") {
                rest += " --events create-object";
            }
            if is("remove") || is("delete") {
                rest += " --events delete-object";
            }
            for (option, value) in [("prefix", prefix), ("suffix", suffix)] {
                if !value.is_empty() {
                    let _ = write!(rest, " --{option} {}", quoted(&value));
                }
            }
            ("object-storage", rest)
        }
        ("log", _) => {
            let Some(source) = source() else { return };
            ("logging", format!("--log-group-name {source} --batch-size 100 --batch-cutoff 5s"))
        }
        ("topic", "topic") => {
            let Some(source) = source() else { return };
            let message = "topics on Yandex are those of IoT Core: a device's or a registry's";
            site.lacks(trigger.event.span, message, "set REGISTRY to the registry's id where it is deployed");
            (
                "internet-of-things",
                format!("--registry-id \"${{REGISTRY:?the registry of IoT Core}}\" --mqtt-topic {source}"),
            )
        }
        ("stream", "stream") => {
            let Some(source) = source() else { return };
            let of = "--database \"${DATABASE:?the database of Data Streams}\"";
            let account = format!("--stream-service-account-id {CALLER}");
            ("yds", format!("{of} --stream {source} {account} --batch-size 1048576 --batch-cutoff 1s"))
        }
        _ => return trigger.is_lacking(site, "set the trigger up by hand"),
    };
    // A trigger is made anew, since yc can change only some of its parts.
    let deleted = format!("yc serverless trigger delete --name {name} {OPTIONS} >/dev/null 2>&1 || true");
    script
        .run(YC, format!("{deleted}\nyc serverless trigger create {kind} --name {name} {rest} \\\n    {to} {OPTIONS}"));
    if !trigger.is_enabled(site) {
        script.run(YC, format!("yc serverless trigger pause --name {name} {OPTIONS}"));
    }
}
