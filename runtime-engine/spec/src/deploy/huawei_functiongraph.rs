//! Huawei FunctionGraph: the bodies of its API's calls "create a function", "change its configuration" and "create a
//! trigger", since no text form of a deployment is published.
//!
//! An event function takes requests, too: API Gateway sends them as events.

use super::File;
use super::deployment::{Deployment, Trigger, step_up, within};
use super::document::{Document, Mapping};
use super::names::{label, numbered};
use super::script::{Filter, JQ, Script, Tool, quoted};
use super::site::Site;
use crate::gateway;
use crate::tree::Node;
use std::collections::BTreeSet;

const HCLOUD: Tool = Tool { program: "hcloud", from: "https://support.huaweicloud.com/intl/en-us/qs-hcli" };

/// The ids that no yml knows, each with its meaning. The deploying shell has them as variables.
const IDS: [(&str, &str); 5] = [
    ("API_GROUP_ID", "the group of API Gateway"),
    ("GATEWAY_INSTANCE_ID", "the dedicated gateway"),
    ("KAFKA_INSTANCE_ID", "the instance of Kafka"),
    ("LOG_GROUP_ID", "the log group"),
    ("DDS_INSTANCE_ID", "the instance of DDS"),
];

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut files = Vec::new();
    let region = site.provider_text("region").map(|region| format!(" --cli-region={}", quoted(&region)));
    // Options of the deploying shell, such as `--cli-profile`, are for every command.
    let every = region.unwrap_or_default() + " \"$@\"";
    script.removes(JQ, &["*/.code", "*/.request.json", "*/.config.json"]);
    // The names in the group of the gateway, which all functions have in common.
    let mut apis = BTreeSet::new();
    for deployment in deployments {
        let folder = &deployment.unit.name;
        let mut put = |name: &str, map: Mapping| {
            files.push(File { path: format!("{folder}/{name}.json"), text: Document::from(map).to_json() });
        };
        let configuration = configuration(site, deployment);
        put("function", configuration.clone().with("package", "default").with("code_type", "zip"));
        // The one part of it that the call which creates a function does not take.
        let strategy = strategy(site, deployment).map(|strategy| configuration.with("strategy_config", strategy));
        let path = quoted(folder);
        let package = quoted(&format!("{}/{folder}.zip", site.options.packages));
        // The code and the secrets are put in here, and stay in no file of the repository.
        script.run(JQ, format!("umask 077; base64 {package} | tr -d '\\n' > {path}/.code"));
        let mut fill = Filter::new(".func_code = {file: $code}");
        fill.secrets(&deployment.secrets, |name, value| {
            format!(".encrypted_user_data |= ((. // \"{{}}\") | fromjson | .[\"{name}\"] = {value} | tojson)")
        });
        let [from, to] = ["function.json", ".request.json"].map(|name| format!("{folder}/{name}"));
        script.run(JQ, fill.command(&format!(" --rawfile code {path}/.code"), &from, &to));
        let triggers: Vec<(String, Mapping)> =
            deployment.triggers.iter().flat_map(|trigger| triggers(site, deployment, trigger, &mut apis)).collect();
        let create = format!("hcloud FunctionGraph CreateFunction{every} --cli-jsonInput={path}/.request.json");
        let is_named = !triggers.is_empty() || strategy.is_some();
        // Variables of secrets are in capitals: no variable of the script is one of theirs.
        let create = if is_named { format!("urn=$({create} | jq -er .func_urn)") } else { create };
        script.run(HCLOUD, create);
        if let Some(body) = strategy {
            put("config", body);
            let mut file = format!("{path}/config.json");
            if !deployment.secrets.is_empty() {
                // A call without the secrets might clear them.
                let secrets = quoted(".encrypted_user_data = $request[0].encrypted_user_data");
                let whole = format!("{path}/.config.json");
                script.run(JQ, format!("jq --slurpfile request {path}/.request.json {secrets} {file} > {whole}"));
                file = whole;
            }
            let update = "hcloud FunctionGraph UpdateFunctionConfig";
            script.run(HCLOUD, format!("{update}{every} --function_urn=\"$urn\" --cli-jsonInput={file}"));
        }
        let mut taken = BTreeSet::new();
        for (name, body) in triggers {
            let name = numbered(&name, label, &mut taken);
            let text = Document::from(body.clone()).to_json_line();
            put(&format!("trigger-{name}"), body);
            let mut file = quoted(&format!("{folder}/trigger-{name}.json"));
            let asked: Vec<&(&str, &str)> = IDS.iter().filter(|(id, _)| text.contains(id)).collect();
            if !asked.is_empty() {
                let of = |(id, what): &&(&str, &str)| format!(" -e \"s/{id}/${{{id}:?{what}}}/\"");
                let fill: String = asked.iter().map(of).collect();
                script.run(JQ, format!("sed{fill} {file} > {path}/.request.json"));
                file = format!("{path}/.request.json");
            }
            let create = "hcloud FunctionGraph CreateFunctionTrigger";
            script.run(HCLOUD, format!("{create}{every} --function_urn=\"$urn\" --cli-jsonInput={file}"));
        }
    }
    files
}

/// Returns how many requests an instance takes at once; `None` if the yml does not say.
fn strategy(site: &Site<'_>, deployment: &Deployment<'_>) -> Option<Mapping> {
    let limit = within(site, "concurrency", deployment.concurrency, 1..=1_000, "requests")?;
    Some(Mapping::new().with("concurrency", -1).with("concurrent_num", limit))
}

fn configuration(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut out = Mapping::new();
    out.put("func_name", deployment.name.as_str());
    out.put_some("description", deployment.description.clone());
    out.put("runtime", "Custom");
    out.put("handler", deployment.handler.as_str());
    let steps = [128, 256, 512, 768, 1_024, 1_280, 1_536, 1_792, 2_048, 2_560, 3_072, 3_584, 4_096, 8_192, 10_240];
    out.put("memory_size", step_up(site, "memory", deployment.memory, &steps).unwrap_or(128));
    out.put("timeout", within(site, "a timeout", deployment.timeout, 3..=900, "seconds").unwrap_or(30));
    out.put_some("xrole", site.provider_text("role"));
    // Variables are a text of JSON there.
    out.put_some("user_data", deployment.environment().some().map(|all| Document::from(all).to_json_line()));
    if let Some(limit) = deployment.init_timeout {
        site.lacks(limit.span, "an event function with a runtime of its own has no time limit for its start there", "");
    }
    if let Some(vpc) = site.provider("vpcConfig") {
        let mut network = Mapping::new();
        network.put_some("vpc_id", site.text(vpc, "vpcId"));
        let switch = site.texts(vpc, "vSwitchIds").into_iter().next();
        network.put_some("subnet_id", site.text(vpc, "subnetId").or(switch));
        network.put_some("security_groups", site.text(vpc, "securityGroupId").map(|group| vec![group]));
        out.put_some("func_vpc", network.some());
    }
    if let Some(logs) = site.provider("logConfig") {
        let mut place = Mapping::new();
        place.put_some("group_id", site.text(logs, "project"));
        place.put_some("stream_id", site.text(logs, "logstore"));
        out.put_some("log_config", place.some());
    }
    out
}

fn body(kind: &str, is_enabled: bool, data: Mapping) -> Mapping {
    let status = if is_enabled { "ACTIVE" } else { "DISABLED" };
    Mapping::new().with("trigger_type_code", kind).with("trigger_status", status).with("event_data", data)
}

/// Returns the calls that make a trigger, each with its name, which may be another one's in a file.
fn triggers(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
    apis: &mut BTreeSet<String>,
) -> Vec<(String, Mapping)> {
    if trigger.is_http() {
        return requests(site, deployment, trigger, apis);
    }
    let name = trigger.name.clone();
    one(site, trigger).map(|(kind, data)| (name, body(kind, trigger.is_enabled(site), data))).into_iter().collect()
}

/// Makes a trigger of API Gateway for each route and method.
fn requests(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
    apis: &mut BTreeSet<String>,
) -> Vec<(String, Mapping)> {
    let pattern = trigger.event.path.as_ref().map_or("/*", |path| path.value.as_str());
    let any = ["ANY".to_owned()];
    let methods = if trigger.event.methods.is_empty() { &any[..] } else { &trigger.event.methods[..] };
    let is_public = deployment.is_anonymous(site, trigger);
    let gateway = gateway::route(site.platform, pattern);
    let mut all = Vec::new();
    for route in &gateway.routes {
        for method in methods {
            let name = format!("{}-{method}{}", deployment.unit.name, route.replace('/', "-"));
            let name = numbered(&name, label, apis);
            let data = Mapping::new()
                .with("group_id", "API_GROUP_ID")
                .with("instance_id", "GATEWAY_INSTANCE_ID")
                .with("env_id", "DEFAULT_ENVIRONMENT_RELEASE_ID")
                .with("env_name", "RELEASE")
                .with("auth", if is_public { "NONE" } else { "IAM" })
                .with("protocol", "HTTPS")
                .with("name", name.replace('-', "_"))
                .with("path", route.as_str())
                .with("match_mode", gateway.mode)
                .with("req_method", method.as_str())
                .with("backend_type", "FUNCTION")
                .with("type", if is_public { 1 } else { 2 });
            all.push((name, body("DEDICATEDGATEWAY", true, data)));
        }
    }
    if let Some(cors) = trigger.get(site, "cors").filter(|cors| cors.as_bool() != Some(false)) {
        site.lacks(cors.span, "preflights are set up at the gateway itself on Huawei Cloud", "");
    }
    all
}

fn one(site: &Site<'_>, trigger: &Trigger<'_>) -> Option<(&'static str, Mapping)> {
    let source = || trigger.source(site);
    let data = Mapping::new().with("name", trigger.name.as_str());
    match (trigger.kind, trigger.word()) {
        ("timer", _) => {
            let schedule = trigger.schedule.as_ref()?;
            let mut data = data.with("schedule_type", "Cron").with("schedule", schedule.text.as_str());
            data.put_some("user_event", trigger.payload(site));
            Some(("TIMER", data))
        }
        ("storage", _) => {
            let mut events = site.texts(&trigger.event.node, "events");
            if events.is_empty() {
                events.push("ObjectCreated".to_owned());
            }
            for event in &mut events {
                // There `oss:ObjectCreated:*` and others are one word.
                let middle = event.split(':').find(|part| part.starts_with("Object")).map(str::to_owned);
                *event = middle.unwrap_or_else(|| event.clone());
            }
            let (prefix, suffix) = trigger.filter(site);
            let data = data.with("bucket", source()?).with("events", events);
            Some(("OBS", data.with("prefix", prefix).with("suffix", suffix)))
        }
        ("topic", _) | ("queue", "mq" | "cmq") => Some(("SMN", data.with("topic_urn", source()?))),
        ("stream", "kafka") => {
            if let Some(group) = trigger.get(site, "group") {
                site.lacks(group.span, "a trigger of Kafka on FunctionGraph has a consumer group of its own", "");
            }
            let data = data.with("instance_id", "KAFKA_INSTANCE_ID").with("topic_ids", vec![source()?]);
            Some(("KAFKA", data.with("batch_size", 100)))
        }
        ("stream", _) => {
            let data = data.with("stream_name", source()?).with("sharditerator_type", "TRIM_HORIZON");
            Some(("DIS", data.with("polling_interval", 30).with("polling_unit", "s").with("batch_size", 100)))
        }
        ("log", _) => {
            let group = trigger.text(site, "project").unwrap_or_else(|| "LOG_GROUP_ID".to_owned());
            Some(("LTS", data.with("log_group_id", group).with("log_topic_id", source()?)))
        }
        ("table", "table") => {
            let base = trigger.text(site, "instance").unwrap_or_else(|| "DDS_INSTANCE_ID".to_owned());
            let data = data.with("instance_id", base).with("collection_name", source()?);
            Some(("DDS", data.with("batch_size", 50)))
        }
        ("raw", _) => None,
        _ => {
            let _ = trigger.get(site, "batchSize").map(Node::as_int);
            trigger.is_lacking(site, "make a rule of EventGrid that calls the function");
            None
        }
    }
}
