//! OpenWhisk, by `manifest.yaml` of wskdeploy: an action of an image a unit, with triggers, feeds and rules.

use super::File;
use super::deployment::{Deployment, Trigger, within};
use super::document::{Document, Mapping};
use super::image;
use super::script::{CURL, Filter, JQ, Script, Tool, quoted};
use super::site::Site;
use crate::diagnostic::Diagnostic;
use faas_core::encoding::percent;

const WSK: Tool = Tool { program: "wsk", from: "https://github.com/apache/openwhisk-cli/releases" };
const WSKDEPLOY: Tool = Tool { program: "wskdeploy", from: "https://github.com/apache/openwhisk-wskdeploy/releases" };

/// The name of a file with the values of secrets, which the script removes.
const REQUEST: &str = ".request.json";

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    image::wants_own_images(site, deployments.iter());
    let service = &site.spec.service;
    let (mut actions, mut triggers, mut rules) = (Mapping::new(), Mapping::new(), Mapping::new());
    let mut files = Vec::new();
    for deployment in deployments {
        // An action has no variables of its own beside its image's.
        let variables: Vec<(&str, &str)> =
            deployment.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        files.push(image::build_of_zip(site, deployment, &variables, script));
        actions.put(deployment.name.as_str(), action(site, deployment));
        for trigger in &deployment.triggers {
            let Some(feed) = feed(site, deployment, trigger) else { continue };
            let name = format!("{}-{}", deployment.name, trigger.name);
            if triggers.has(&name) {
                let message = format!("what brings two events on OpenWhisk is called `{name}`");
                let diagnostic = Diagnostic::error("same-name", trigger.event.span, message);
                site.add(diagnostic.help("give one of them another `name`"));
            }
            rules.put(
                format!("{name}-rule"),
                Mapping::new().with("trigger", name.as_str()).with("action", deployment.name.as_str()),
            );
            triggers.put(name, feed);
        }
    }
    let mut package = Mapping::new().with("actions", actions);
    package.put_some("triggers", triggers.some());
    package.put_some("rules", rules.some());
    let packages = Mapping::new().with(format!("{}-{}", service.name, service.stage), package);
    let text = Document::from(Mapping::new().with("packages", packages)).to_yaml(&site.head());
    files.insert(0, File { path: "manifest.yaml".to_owned(), text });
    script.run(WSKDEPLOY, "wskdeploy --manifest manifest.yaml \"$@\"");
    secrets(site, deployments, script);
    files
}

/// Adds the commands that bring secrets. Of an action's parameters, those of `init` are in the environment that comes
/// with `/init`, and in no event. A manifest and `wsk` cannot set these, so that the script asks the API itself.
/// Source: OpenWhisk, `Parameter.scala` and `ContainerProxy.partitionArguments`.
fn secrets(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) {
    let mut with_some = deployments.iter().filter(|deployment| !deployment.secrets.is_empty()).peekable();
    if with_some.peek().is_none() {
        return;
    }
    script.removes(JQ, &[&format!("*/{REQUEST}")]);
    // Variables of secrets are in capitals: no variable of the script is one of theirs.
    script.run(WSK, "host=$(wsk property get --apihost)");
    script.run(WSK, "host=${host##*[[:space:]]}");
    script.run(WSK, "case $host in *://*) ;; *) host=https://$host ;; esac");
    let service = &site.spec.service;
    for deployment in with_some {
        let request = format!("{}/{REQUEST}", deployment.unit.name);
        let mut fill = Filter::new("{parameters: []}");
        fill.secrets(&deployment.secrets, |name, value| {
            format!(".parameters += [{{key: \"{name}\", value: {value}, init: true}}]")
        });
        script.run(JQ, fill.command(" --null-input", "/dev/null", &request));
        // Neither the key of the account nor a secret is among the arguments of a process, or in the output.
        let account = "wsk property get --auth | awk '{print \"user = \\\"\" $NF \"\\\"\"}'";
        let call = "curl --config - --fail --silent --show-error --output /dev/null --request PUT";
        let body =
            format!("--header 'Content-Type: application/json' --data-binary {}", quoted(&format!("@{request}")));
        let mut path = b"/api/v1/namespaces/_/actions/".to_vec();
        let action = format!("{}-{}/{}", service.name, service.stage, deployment.name);
        percent::encode_path_into(&mut path, action.as_bytes());
        let path = quoted(&(String::from_utf8_lossy(&path).into_owned() + "?overwrite=true"));
        script.run(CURL, format!("{account} |\n    {call} \\\n    {body} \"$host\"{path}"));
    }
}

fn action(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut action = Mapping::new().with("docker", image::name(site, deployment));
    let mut limits = Mapping::new();
    let timeout = within(site, "a timeout", deployment.timeout, 1..=600, "seconds");
    // The platform counts in thousandths of a second.
    limits.put_some("timeout", timeout.map(|seconds| seconds * 1_000));
    limits.put_some("memorySize", within(site, "memory", deployment.memory, 128..=2_048, "MB"));
    limits
        .put_some("concurrentActivations", within(site, "concurrency", deployment.concurrency, 1..=500, "invocations"));
    action.put_some("limits", limits.some());
    if deployment.has_requests() {
        // Path, query and body are handed on byte for byte.
        action.put("web", "raw");
        if !deployment.is_public(site) {
            action.put("annotations", Mapping::new().with("require-whisk-auth", true));
        }
    }
    if let Some(limit) = deployment.init_timeout {
        site.lacks(limit.span, "a start on OpenWhisk has the time that a call has", "");
    }
    action
}

fn feed(site: &Site<'_>, deployment: &Deployment<'_>, trigger: &Trigger<'_>) -> Option<Mapping> {
    let mut inputs = Mapping::new();
    let feed = match (trigger.kind, trigger.word()) {
        ("http" | "raw", _) => return None,
        ("timer", _) => {
            let schedule = trigger.schedule.as_ref()?;
            deployment.needs_default(site, trigger);
            inputs.put_some("trigger_payload", trigger.payload(site));
            // The feed of spans of time takes minutes, which are a number and no cron expression.
            if let Ok(minutes) = schedule.text.parse::<i64>() {
                inputs.put("minutes", minutes);
                "/whisk.system/alarms/interval"
            } else {
                inputs.put("cron", schedule.text.as_str());
                inputs.put_some("timezone", schedule.timezone.clone());
                "/whisk.system/alarms/alarm"
            }
        }
        ("stream", "kafka") => {
            inputs.put("brokers", "${KAFKA_BROKERS}");
            inputs.put("topic", trigger.source(site)?);
            if let Some(group) = trigger.get(site, "group") {
                site.lacks(group.span, "the feed of Kafka on OpenWhisk has a consumer group of its own", "");
            }
            "/whisk.system/messaging/kafkaFeed"
        }
        ("table", "table") => {
            inputs.put("dbname", trigger.source(site)?);
            inputs.put("host", "${CLOUDANT_HOST}");
            inputs.put("username", "${CLOUDANT_USERNAME}");
            inputs.put("password", "${CLOUDANT_PASSWORD}");
            let _ = trigger.text(site, "instance");
            "/whisk.system/cloudant/changes"
        }
        _ => {
            trigger.is_lacking(site, "make a trigger, and fire it by whatever has such events");
            return None;
        }
    };
    Some(Mapping::new().with("feed", feed).with("inputs", inputs))
}
