//! VolcEngine veFaaS: the bodies of its API's calls `CreateFunction`, `CreateTimer` and `CreateKafkaTrigger`, since no
//! text form of a deployment is published.

use super::File;
use super::deployment::{Deployment, Trigger, within};
use super::document::{Document, Mapping};
use super::names::numbered;
use super::script::{CURL, Filter, JQ, Script, Tool, quoted};
use super::site::Site;
use std::collections::BTreeSet;

const VE: Tool = Tool { program: "ve", from: "https://github.com/volcengine/volcengine-cli/releases" };

/// The longest payload of a timer, in characters. Source: veFaaS, "CreateTimer".
const LONGEST_PAYLOAD: usize = 1_000;

/// A call about a function that is there. The script puts the function's id into its body.
struct Call {
    action: &'static str,
    /// The name of the file of its body.
    name: String,
    body: Mapping,
    /// The members of the body that the deploying shell knows, each with its variable and the variable's meaning.
    given: &'static [(&'static str, &'static str, &'static str)],
}

const OF_KAFKA: &[(&str, &str, &str)] = &[
    (".MqInstanceId", "KAFKA_INSTANCE_ID", "the instance of Kafka"),
    (".KafkaCredentials.Username", "KAFKA_USERNAME", "a user of the instance"),
    (".KafkaCredentials.Password", "KAFKA_PASSWORD", "the password of this user"),
];

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut files = Vec::new();
    script.removes(JQ, &["*/.request.json"]);
    for deployment in deployments {
        let folder = &deployment.unit.name;
        let mut put = |name: &str, map: Mapping| {
            files.push(File { path: format!("{folder}/{name}.json"), text: Document::from(map).to_json() });
        };
        put("function", function(site, deployment));
        if deployment.has_requests() {
            // No call of the published API makes such a trigger.
            let span = deployment.requests().next().map_or(deployment.span(), |trigger| trigger.event.span);
            let message =
                "requests reach a function on veFaaS by a trigger of the API gateway, which is made in the console";
            site.lacks(span, message, "its path is every path, and the process tells them apart");
        }
        let request = format!("{folder}/.request.json");
        let body = format!("\"$(cat {})\"", quoted(&request));
        let mut fill = Filter::new(".");
        fill.secrets(&deployment.secrets, |name, value| format!(".Envs += [{{Key: \"{name}\", Value: {value}}}]"));
        script.run(JQ, fill.command("", &format!("{folder}/function.json"), &request));
        // Variables of secrets are in capitals: no variable of the script is one of theirs.
        script.run(VE, format!("id=$(ve vefaas CreateFunction --body {body} \"$@\" | jq -er .Result.Id)"));
        code(site, folder, script);
        let mut streams = BTreeSet::new();
        let events = deployment.triggers.iter().filter_map(|trigger| event(site, deployment, trigger, &mut streams));
        for call in events {
            let mut fill = Filter::new(".FunctionId = $id");
            for (member, variable, meaning) in call.given {
                fill.with(variable, meaning, |value| format!("{member} = {value}"));
            }
            script.run(JQ, fill.command(" --arg id \"$id\"", &format!("{folder}/{}.json", call.name), &request));
            script.run(VE, format!("ve vefaas {} --body {body} \"$@\"", call.action));
            put(&call.name, call.body);
        }
    }
    files
}

/// Adds the commands that bring the code of a function, and put it before all requests. A package is far too long for
/// an argument of a process.
fn code(site: &Site<'_>, folder: &str, script: &mut Script) {
    let package = quoted(&format!("{}/{folder}.zip", site.options.packages));
    let address = "ve vefaas GetCodeUploadAddress --FunctionId \"$id\" --ContentLength";
    script.run(VE, format!("to=$({address} \"$(($(wc -c < {package})))\" \"$@\" | jq -er .Result.UploadAddress)"));
    let kind = "--header 'Content-Type: application/zip'";
    script.run(CURL, format!("curl --fail --silent --show-error {kind} --upload-file {package} \"$to\""));
    // The tool's own list lacks this call, which the vendor's programs make.
    let told = "ve vefaas CodeUploadCallback --force --method POST";
    script.run(VE, format!("{told} --body \"{{\\\"FunctionId\\\": \\\"$id\\\"}}\" \"$@\""));
    let newest = "--RevisionNumber 0 --TargetTrafficWeight 100 --RollingStep 100";
    script.run(VE, format!("ve vefaas Release --FunctionId \"$id\" {newest} \"$@\""));
}

/// Returns the call that makes a trigger; `None` if no call of the published API makes one, which is reported. `streams`
/// are the names of the triggers of Kafka that the function has already.
fn event(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
    streams: &mut BTreeSet<String>,
) -> Option<Call> {
    match (trigger.kind, trigger.word()) {
        ("http" | "raw", _) => None,
        ("timer", _) => {
            let schedule = trigger.schedule.as_ref()?;
            let name = named(site, trigger, trigger.name.clone(), '-', 64)?;
            let payload = trigger.payload(site);
            if payload.as_ref().is_some_and(|payload| payload.chars().count() > LONGEST_PAYLOAD) {
                let message = format!("a payload on veFaaS has at most {LONGEST_PAYLOAD} characters");
                site.refuses(trigger.event.span, message, "");
            }
            let mut body = Mapping::new().with("Name", name.as_str()).with("Crontab", schedule.text.as_str());
            body.put("Enabled", trigger.is_enabled(site));
            body.put_some("Payload", payload);
            Some(Call { action: "CreateTimer", name: format!("timer-{name}"), body, given: &[] })
        }
        ("stream", "kafka") => {
            deployment.needs_default(site, trigger);
            if let Some(group) = trigger.get(site, "group") {
                site.lacks(group.span, "a trigger of Kafka on veFaaS has a consumer group of its own", "");
            }
            let name = numbered(&trigger.name, |name| name.replace('-', "_"), streams);
            let name = named(site, trigger, name, '_', 63)?;
            let mut body = Mapping::new().with("Name", name.as_str()).with("TopicName", trigger.source(site)?);
            body.put("Enabled", trigger.is_enabled(site));
            body.put("KafkaCredentials", Mapping::new().with("Mechanism", "PLAIN"));
            Some(Call { action: "CreateKafkaTrigger", name: format!("kafka-{name}"), body, given: OF_KAFKA })
        }
        _ => {
            trigger.is_lacking(site, "set the trigger up in the console");
            None
        }
    }
}

/// Returns the name of a trigger if the platform takes it: a letter, then letters, digits and one sign, of 4 characters
/// to `most`. It is `None` if it does not, which is reported. Source: veFaaS, "CreateTimer" and "CreateKafkaTrigger".
fn named(site: &Site<'_>, trigger: &Trigger<'_>, name: String, sign: char, most: usize) -> Option<String> {
    let is_sound = |char: char| char.is_ascii_alphanumeric() || char == sign;
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if begins && name.chars().all(is_sound) && (4..=most).contains(&name.len()) {
        return Some(name);
    }
    let message = format!(
        "veFaaS takes as the name of a `{}` a letter, then letters, digits and `{sign}`, 4 to {most} of them, and \
         this is `{name}`",
        trigger.word()
    );
    site.refuses(trigger.event.span, message, "give it another `name`");
    None
}

fn function(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut out = Mapping::new();
    out.put("Name", deployment.name.as_str());
    out.put_some("Description", deployment.description.clone());
    out.put("Runtime", "native/v1");
    out.put("Command", "./run.sh");
    out.put_some("MemoryMB", within(site, "memory", deployment.memory, 128..=65_536, "MB"));
    out.put_some("RequestTimeout", within(site, "a timeout", deployment.timeout, 1..=900, "seconds"));
    out.put_some("MaxConcurrency", within(site, "concurrency", deployment.concurrency, 1..=1_000, "requests"));
    out.put_some("InitializerSec", within(site, "`initTimeout`", deployment.init_timeout, 1..=300, "seconds"));
    out.put_some("Role", site.provider_text("role"));
    let mut envs: Vec<Mapping> = Vec::new();
    for (name, value) in &deployment.variables {
        envs.push(Mapping::new().with("Key", name.as_str()).with("Value", value.as_str()));
    }
    if deployment.only().is_some() && deployment.triggers.iter().any(|trigger| !trigger.is_http()) {
        envs.push(Mapping::new().with("Key", "FAAS_HANDLER").with("Value", deployment.handler.as_str()));
    }
    out.put("Envs", envs);
    if let Some(vpc) = site.provider("vpcConfig") {
        let mut network = Mapping::new().with("EnableVpc", true);
        network.put_some("VpcId", site.text(vpc, "vpcId"));
        let mut subnets = site.texts(vpc, "vSwitchIds");
        subnets.extend(site.text(vpc, "subnetId"));
        network.put("SubnetIds", subnets);
        network.put("SecurityGroupIds", site.texts(vpc, "securityGroupId"));
        out.put("VpcConfig", network);
    }
    if let Some(logs) = site.provider("logConfig") {
        let mut place = Mapping::new().with("EnableLog", true);
        place.put_some("TlsProjectId", site.text(logs, "project"));
        place.put_some("TlsTopicId", site.text(logs, "logstore"));
        out.put("TlsConfig", place);
    }
    out
}
