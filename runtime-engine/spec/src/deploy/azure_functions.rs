//! Azure Functions as a custom handler: a folder a unit, which is an app, with `host.json` and a folder a trigger.
//!
//! The host asks its routes in the order of the names of its folders. So routes stand in folders that are numbered as
//! the process's router would try them, unless a unit has one route alone. The name of such a folder is no function's,
//! and the router decides by path.
//!
//! An app is one of a plan of Flex Consumption, which hears of blobs by Event Grid alone, and has no time zones.

use super::File;
use super::deployment::{Deployment, Trigger, joined_name, step_up, wants_names_apart, within};
use super::document::{Document, Mapping};
use super::names::{label, label_within};
use super::script::{AZ, Script, Tool, UNZIP, quoted, unpack, variable};
use super::site::Site;
use crate::gateway;
use crate::source::Span;
use std::cmp::Ordering;

const FUNC: Tool = Tool { program: "func", from: "npm install -g azure-functions-core-tools@4" };
/// The app setting of the storage account that Functions uses itself, and for queues and blobs without a connection of
/// their own.
const STORAGE: &str = "AzureWebJobsStorage";

/// The folder of a unit's folder that is uploaded: the files that are written here, and those of the package.
const APP: &str = ".app";

const GROUP: &str = "--resource-group \"${GROUP:?the resource group}\"";
const ACCOUNT: &str = "\"${STORAGE:?the storage account}\"";

/// The most characters of the name of a folder that is a function.
const MOST_OF_FOLDER: usize = 128;
/// The most characters of the name of a subscription of Event Grid.
const MOST_OF_SUBSCRIPTION: usize = 64;

/// A folder, which the host knows as a function of the folder's name.
struct Folder<'d> {
    name: String,
    bindings: Vec<Mapping>,
    /// The trigger; `None` for a request.
    trigger: Option<&'d Trigger<'d>>,
}

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    let mut files = Vec::new();
    wants_names_apart(site, deployments, |trigger| (trigger.kind == "storage").then_some(MOST_OF_SUBSCRIPTION));
    for deployment in deployments {
        let folder = &deployment.unit.name;
        let mut settings = settings(deployment);
        let mut connections: Vec<&'static str> = Vec::new();
        let mut parts: Vec<String> = Vec::new();
        let mut put = |path: String, document: Mapping| {
            parts.push(format!("{folder}/{}", path.split('/').next().unwrap_or_default()));
            files.push(File { path: format!("{folder}/{path}"), text: Document::from(document).to_json() });
        };
        put("host.json".to_owned(), host(site, deployment));
        let folders = functions(site, deployment, &mut settings, &mut connections);
        for Folder { name, bindings, .. } in &folders {
            put(format!("{name}/function.json"), Mapping::new().with("bindings", bindings.clone()));
        }
        let mut values =
            Mapping::new().with(STORAGE, "UseDevelopmentStorage=true").with("FUNCTIONS_WORKER_RUNTIME", "custom");
        for (name, value) in &settings {
            values.put(name.as_str(), value.as_str());
        }
        // The values are empty here, and to be filled in: this file stays on the machine.
        for name in connections.iter().copied().chain(deployment.secrets.iter().map(|(name, _)| name.as_str())) {
            values.put(name, "");
        }
        put("local.settings.json".to_owned(), Mapping::new().with("IsEncrypted", false).with("Values", values));
        commands(site, deployment, &settings, &connections, &parts, script);
        subscriptions(site, deployment, &folders, script);
    }
    files
}

/// Returns the app settings that are no secrets. `FAAS_HANDLER` is none of them: a process that has it answers to that
/// name alone, and folders have other names. The manifest in the package has the handler.
fn settings(deployment: &Deployment<'_>) -> Vec<(String, String)> {
    let mut all = deployment.variables.clone();
    let takes_root = |trigger: &Trigger<'_>| {
        trigger.event.path.as_ref().is_none_or(|path| matches!(gateway::literal(&path.value).0.as_str(), "/"))
    };
    if deployment.requests().any(takes_root) {
        // The host has a page of its own there.
        all.push(("AzureWebJobsDisableHomepage".to_owned(), "true".to_owned()));
    }
    if let Some(limit) = deployment.concurrency {
        all.push(("FAAS_CONCURRENCY".to_owned(), limit.value.to_string()));
    }
    all
}

fn host(site: &Site<'_>, deployment: &Deployment<'_>) -> Mapping {
    let mut host = Mapping::new().with("version", "2.0");
    if let Some(limit) = deployment.init_timeout.filter(|limit| limit.value != 30) {
        site.lacks(limit.span, "a start on Azure may take 30 seconds, whatever `initTimeout` says", "");
    }
    if let Some(seconds) = within(site, "a timeout", deployment.timeout, 1..=86_400, "seconds") {
        // The process has to be the first to report that time is up.
        let seconds = seconds + 5;
        let text = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
        host.put("functionTimeout", text);
    }
    let bundle = Mapping::new().with("id", "Microsoft.Azure.Functions.ExtensionBundle").with("version", "[4.*, 5.0.0)");
    host.put("extensionBundle", bundle);
    // Paths are those of the yml, without `/api` before them.
    host.put("extensions", Mapping::new().with("http", Mapping::new().with("routePrefix", "")));
    let description = Mapping::new()
        .with("defaultExecutablePath", "bootstrap")
        .with("workingDirectory", "")
        .with("arguments", Document::List(Vec::new()));
    // A request is forwarded as it came: an envelope carries neither several cookies nor bytes.
    host.put(
        "customHandler",
        Mapping::new().with("description", description).with("enableForwardingHttpRequest", true),
    );
    host.put("logging", Mapping::new().with("logLevel", Mapping::new().with("default", "Information")));
    host
}

/// A request's route, as the host has it.
struct Route<'t> {
    route: String,
    pattern: String,
    methods: &'t [String],
    is_anonymous: bool,
    function: &'t str,
    span: Span,
}

fn functions<'d>(
    site: &Site<'_>,
    deployment: &'d Deployment<'_>,
    settings: &mut Vec<(String, String)>,
    connections: &mut Vec<&'static str>,
) -> Vec<Folder<'d>> {
    let mut all = routes(site, deployment);
    for trigger in deployment.triggers.iter().filter(|trigger| !trigger.is_http()) {
        let Some((binding, needs)) = binding(site, deployment, trigger) else { continue };
        connections.extend(needs.filter(|needed| !connections.contains(needed)));
        let function = &trigger.function.name;
        // A folder of another function's name would be taken for that function, whether that one has a folder or not.
        let is_taken = |name: &str| {
            let mut others = deployment.functions.iter().filter(|other| other.name != *function);
            all.iter().any(|folder| folder.name.eq_ignore_ascii_case(name))
                || others.any(|other| other.name.eq_ignore_ascii_case(name))
        };
        let numbered = (1..).map(|number| folder_name(&format!("{function}-{}-{number}", trigger.kind)));
        let name = std::iter::once(folder_name(function)).chain(numbered).find(|name| !is_taken(name));
        let name = name.unwrap_or_default();
        // The name of a folder is the function of its events.
        if !name.eq_ignore_ascii_case(function) {
            deployment_wide(site, deployment, trigger);
        }
        if !trigger.is_enabled(site) {
            // The host knows the switch by this name.
            settings.push((format!("AzureWebJobs.{name}.Disabled"), "true".to_owned()));
        }
        all.push(Folder { name, bindings: vec![binding], trigger: Some(trigger) });
    }
    all
}

/// Returns a function's name as the host takes it for a folder: letters, digits, `_` and `-`, the first of them a
/// letter, and not `host`. Source: the repository `Azure/azure-functions-host`, `Utility.IsValidFunctionName`.
fn folder_name(function: &str) -> String {
    let mut name = function.replace('.', "-");
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) || name.eq_ignore_ascii_case("host") {
        name.insert(0, 'f');
    }
    if name.len() > MOST_OF_FOLDER { label_within(function, MOST_OF_FOLDER) } else { name }
}

/// Reports a trigger whose folder has another name than its function, so that its event is found by its kind alone, if
/// there is another function with events of this kind.
fn deployment_wide(site: &Site<'_>, deployment: &Deployment<'_>, trigger: &Trigger<'_>) {
    let kind = trigger.kind;
    let other =
        deployment.triggers.iter().find(|other| other.kind == kind && other.function.name != trigger.function.name);
    if let Some(other) = other {
        let message = format!(
            "this trigger of `{}` has a folder of another name, and an event of Azure does not say where it comes from: `{}` has one of this kind, too",
            trigger.function.name, other.function.name
        );
        site.lacks(trigger.event.span, message, "deploy one of the functions by itself");
    }
}

/// Makes the folders of requests, in the order in which the process's router would try their routes.
fn routes<'d>(site: &Site<'_>, deployment: &Deployment<'_>) -> Vec<Folder<'d>> {
    let mut routes: Vec<Route<'_>> = Vec::new();
    for trigger in deployment.requests() {
        let pattern = trigger.event.path.as_ref().map_or("/*", |path| path.value.as_str());
        let span = trigger.event.path.as_ref().map_or(trigger.event.span, |path| path.span);
        for route in gateway::route(site.platform, pattern).routes {
            routes.push(Route {
                route,
                pattern: pattern.to_owned(),
                methods: &trigger.event.methods,
                is_anonymous: deployment.is_anonymous(site, trigger),
                function: &trigger.function.name,
                span,
            });
        }
    }
    routes.sort_by(|one, other| match gateway::order(&one.pattern, &other.pattern) {
        // A route that names its methods comes before one that takes any.
        Ordering::Equal => one.methods.is_empty().cmp(&other.methods.is_empty()),
        order => order,
    });
    let is_only = routes.len() == 1;
    let width = routes.len().to_string().len();
    let mut all = Vec::new();
    for (number, route) in routes.iter().enumerate() {
        if route.route.len() > 512 {
            site.refuses(route.span, "a route on Azure is at most 512 characters long", "");
        }
        let name = if is_only {
            folder_name(route.function)
        } else {
            format!("http-{:0width$}-{}", number + 1, label(route.function))
        };
        let mut trigger = Mapping::new().with("type", "httpTrigger").with("direction", "in").with("name", "req");
        trigger.put("authLevel", if route.is_anonymous { "anonymous" } else { "function" });
        if !route.methods.is_empty() {
            trigger.put("methods", route.methods.iter().map(|method| method.to_ascii_lowercase()).collect::<Vec<_>>());
        }
        trigger.put("route", route.route.as_str());
        let out = Mapping::new().with("type", "http").with("direction", "out").with("name", "res");
        all.push(Folder { name, bindings: vec![trigger, out], trigger: None });
    }
    all
}

/// Makes the binding of a trigger, and the app setting that has its connection.
fn binding(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
) -> Option<(Mapping, Option<&'static str>)> {
    let source = || trigger.source(site);
    let of = |kind: &str, more: Mapping, connection| {
        let binding = Mapping::new().with("type", kind).with("direction", "in").with("name", "event");
        Some((binding.and(more), connection))
    };
    match (trigger.kind, trigger.word()) {
        ("raw", _) => None,
        ("timer", _) => {
            of("timerTrigger", Mapping::new().with("schedule", trigger.schedule.as_ref()?.text.as_str()), None)
        }
        ("queue", "queue") => {
            let map = Mapping::new().with("queueName", source()?).with("connection", STORAGE);
            of("queueTrigger", map, None)
        }
        ("topic" | "queue", _) => {
            let map = Mapping::new()
                .with("topicName", source()?)
                .with("subscriptionName", deployment.name.as_str())
                .with("connection", "ServiceBusConnection");
            of("serviceBusTrigger", map, Some("ServiceBusConnection"))
        }
        ("storage", _) => {
            let (prefix, suffix) = trigger.filter(site);
            // The trigger is for objects that are new or changed, so the kind of event is not used.
            let _ = trigger.get(site, "events");
            let path = format!("{}/{prefix}{{name}}{suffix}", source()?);
            let map = Mapping::new().with("path", path).with("connection", STORAGE).with("source", "EventGrid");
            of("blobTrigger", map, None)
        }
        ("stream", "kafka") => {
            let map = Mapping::new()
                .with("topic", source()?)
                .with("brokerList", "%KafkaBrokers%")
                .with("consumerGroup", trigger.text(site, "group").unwrap_or_else(|| "$Default".to_owned()));
            of("kafkaTrigger", map, Some("KafkaBrokers"))
        }
        ("stream", _) => {
            let map = Mapping::new()
                .with("eventHubName", source()?)
                .with("connection", "EventHubConnection")
                .with("cardinality", "many")
                .with("consumerGroup", "$Default");
            of("eventHubTrigger", map, Some("EventHubConnection"))
        }
        ("table", "rds") => {
            trigger.is_lacking(site, "use change tracking of Azure SQL and a `sqlTrigger` by hand");
            None
        }
        ("table", _) => {
            let Some(instance) = trigger.text(site, "instance") else {
                site.refuses(
                    trigger.event.span,
                    "a table on Azure is a container of a database: the `instance` is missing",
                    "",
                );
                return None;
            };
            let map = Mapping::new()
                .with("connection", "CosmosDBConnection")
                .with("databaseName", instance)
                .with("containerName", source()?)
                .with("leaseContainerName", "leases")
                .with("createLeaseContainerIfNotExists", true);
            of("cosmosDBTrigger", map, Some("CosmosDBConnection"))
        }
        ("event", "event") => {
            if trigger.event.source.is_some() || trigger.event.kind_type.is_some() {
                let message =
                    "which events come is said by a subscription of Event Grid, and not by the function's files";
                site.lacks(
                    trigger.event.span,
                    message,
                    "`az eventgrid event-subscription create --included-event-types …`",
                );
            }
            of("eventGridTrigger", Mapping::new(), None)
        }
        _ => {
            trigger.is_lacking(site, "set the binding up by hand");
            None
        }
    }
}

fn commands(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    settings: &[(String, String)],
    connections: &[&str],
    parts: &[String],
    script: &mut Script,
) {
    let app = quoted(&deployment.name);
    let region = quoted(&site.provider_text("region").unwrap_or_else(|| "westeurope".to_owned()));
    let memory = step_up(site, "memory", deployment.memory, &[512, 2_048, 4_096]).unwrap_or(2_048);
    script.run(
        AZ,
        format!(
            "az functionapp show {GROUP} --name {app} >/dev/null 2>&1 ||\n    az functionapp create {GROUP} --name {app} \
             --storage-account {ACCOUNT} --flexconsumption-location {region} --runtime custom \
             --runtime-version 1.0 --instance-memory {memory}"
        ),
    );
    let mut pairs: Vec<String> = settings.iter().map(|(name, value)| quoted(&format!("{name}={value}"))).collect();
    if !connections.is_empty() {
        script.removes(AZ, &["*/.secret-*"]);
    }
    for name in connections {
        let path = format!("{}/.secret-{name}", deployment.unit.name);
        pairs.push(script.for_az(name, &variable(name), &format!("the connection of {name}"), &path));
    }
    for (name, secret) in &deployment.secrets {
        // The value stays in the vault.
        let vault = "VaultName=${VAULT:?the key vault that has the secrets}";
        let secret = super::names::label(secret);
        pairs.push(format!("\"{name}=@Microsoft.KeyVault({vault};SecretName={secret})\""));
    }
    if !pairs.is_empty() {
        let all = pairs.join(" ");
        script.run(
            AZ,
            format!("az functionapp config appsettings set {GROUP} --name {app} --output none --settings {all}"),
        );
    }
    let folder = format!("{}/{APP}", deployment.unit.name);
    script.run(UNZIP, unpack(site, &deployment.unit.name, &folder, parts));
    let folder = quoted(&folder);
    script.run(FUNC, format!("(cd {folder} && func azure functionapp publish {app} --custom --no-build \"$@\")"));
}

/// Subscribes the folders of blobs to Event Grid, which tells the app's extension of blobs of new ones. The extension has a
/// key of its own, which the host makes when it first starts with such a trigger.
fn subscriptions(site: &Site<'_>, deployment: &Deployment<'_>, folders: &[Folder<'_>], script: &mut Script) {
    let app = quoted(&deployment.name);
    let mut commands: Vec<String> = Vec::new();
    for Folder { name, trigger, .. } in folders {
        let Some(trigger) = trigger.filter(|trigger| trigger.kind == "storage") else { continue };
        let Some(container) = trigger.source(site) else { continue };
        let (prefix, suffix) = trigger.filter(site);
        let begin = format!("--subject-begins-with=/blobServices/default/containers/{container}/blobs/{prefix}");
        let end =
            if suffix.is_empty() { suffix } else { format!(" {}", quoted(&format!("--subject-ends-with={suffix}"))) };
        commands.push(format!(
            "printf %s \"https://$host/runtime/webhooks/blobs?functionName=Host.Functions.{name}&code=$key\" |\n    \
             az eventgrid event-subscription create --name {} --source-resource-id \"$account\" --output none \\\n    \
             --included-event-types Microsoft.Storage.BlobCreated {}{end} --endpoint @-",
            quoted(&joined_name(deployment, trigger, MOST_OF_SUBSCRIPTION)),
            quoted(&begin),
        ));
    }
    if commands.is_empty() {
        return;
    }
    let ask = "--output tsv --query";
    script.run(
        AZ,
        format!(
            "account=$(az storage account show {GROUP} --name {ACCOUNT} {ask} id)\n\
             host=$(az functionapp show {GROUP} --name {app} {ask} 'properties.defaultHostName || defaultHostName')\n\
             for _ in 1 2 3 4 5 6; do\n    \
             key=$(az functionapp keys list {GROUP} --name {app} {ask} systemKeys.blobs_extension) || key=\n    \
             [ -z \"$key\" ] || break\n    \
             sleep 10\n\
             done\n\
             : \"${{key:?{app} has not started yet, so that nothing tells it of blobs: run this again}}\"\n\
             {}",
            commands.join("\n")
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_a_name_that_the_host_takes() {
        for (function, folder) in [
            ("order", "order"),
            ("Order_2-b", "Order_2-b"),
            ("order.list", "order-list"),
            ("2nd", "f2nd"),
            ("_order", "f_order"),
            ("host", "fhost"),
            ("Host", "fHost"),
            ("hosts", "hosts"),
        ] {
            assert_eq!(folder_name(function), folder, "{function}");
        }
        let long = |end: &str| folder_name(&format!("{}{end}", "a".repeat(200)));
        assert!(long("b") != long("c") && long("b").len() <= MOST_OF_FOLDER, "{}", long("b"));
    }
}
