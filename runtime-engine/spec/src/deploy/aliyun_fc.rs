//! Alibaba Function Compute, by `s.yaml` of Serverless Devs 3: a resource `fc3` a unit, and one `fc3-domain` that has
//! all routes of the service, since each change of a domain replaces its routes.

use super::File;
use super::deployment::{Deployment, Trigger, warns_of_order, within};
use super::document::{Document, Mapping};
use super::image;
use super::script::{Script, Tool, variable};
use super::site::Site;
use crate::diagnostic::Diagnostic;
use crate::gateway;
use crate::source::Span;
use crate::tree::{Entry, Node};
use std::collections::BTreeMap;

const S: Tool = Tool { program: "s", from: "npm install -g @serverless-devs/s" };
/// The name of the trigger for all requests of a function.
const HTTP: &str = "http";
/// The methods that a trigger can name.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    warns_of_order(site, deployments, |_| true);
    let service = &site.spec.service;
    let mut resources = Mapping::new();
    let mut files = Vec::new();
    let region = site.provider_text("region").unwrap_or_else(|| "cn-hangzhou".to_owned());
    let own =
        site.get(&site.spec.tree, "resources").and_then(Node::as_map).map(|map| map.entries()).unwrap_or_default();
    wants_own_resources(site, deployments, own);
    let of_images = deployments.iter().filter(|deployment| runtime(site, deployment) == "custom-container");
    image::wants_own_images(site, of_images);
    for deployment in deployments {
        let props = function(site, deployment, &region, script, &mut files);
        resources.put(resource(&deployment.unit.name), Mapping::new().with("component", "fc3").with("props", props));
    }
    if let Some(domain) = domain(site, deployments, &region) {
        // The yml may lay a domain of its own over this one.
        let is_taken = |name: &str| {
            let other = own.iter().any(|entry| entry.key == name && !is_of(&entry.value, "fc3-domain"));
            resources.has(name) || other
        };
        let mut names = std::iter::once("domain".to_owned()).chain((2..).map(|number| format!("domain_{number}")));
        let name = names.find(|name| !is_taken(name)).unwrap_or_default();
        resources.put(name, Mapping::new().with("component", "fc3-domain").with("props", domain));
    }
    for entry in own {
        resources.put(entry.key.as_str(), Document::of(&entry.value, site.sources));
    }
    let root = Mapping::new()
        .with("edition", "3.0.0")
        .with("name", format!("{}-{}", service.name, service.stage))
        .with("access", "default")
        .with("resources", resources);
    script.run(S, "s deploy -t s.yaml --assume-yes \"$@\"");
    files.insert(0, File { path: "s.yaml".to_owned(), text: Document::from(root).to_yaml(&site.head()) });
    files
}

/// Reports functions whose resources have one name, and resources of the yml that would take a function's place.
fn wants_own_resources(site: &Site<'_>, deployments: &[Deployment<'_>], own: &[Entry]) {
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    for deployment in deployments {
        let name = resource(&deployment.unit.name);
        let message = format!("`{}` is called like another one in s.yaml, `{name}`", deployment.unit.name);
        if let Some(earlier) = names.insert(name, deployment.span()) {
            let help = "`_`, `-` and `.` are one sign there: take another name";
            let diagnostic = Diagnostic::error("same-name", deployment.span(), message);
            site.add(diagnostic.other(earlier, "the other one").help(help));
        }
    }
    for entry in own.iter().filter(|entry| !is_of(&entry.value, "fc3")) {
        let Some(function) = names.get(&entry.key) else { continue };
        let message = format!("`{}` is what a function is called in s.yaml", entry.key);
        let diagnostic = Diagnostic::error("same-name", entry.key_span, message);
        site.add(diagnostic.other(*function, "the function").help("call the resource otherwise"));
    }
}

/// Returns `true` for a resource of this component.
fn is_of(resource: &Node, component: &str) -> bool {
    resource.get("component").and_then(Node::as_text) == Some(component)
}

/// Makes a name of a resource: letters, digits and `_`, which `${resources.…}` can name.
fn resource(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect()
}

fn function(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    region: &str,
    script: &mut Script,
    files: &mut Vec<File>,
) -> Mapping {
    let mut props = Mapping::new();
    props.put("region", region);
    props.put("functionName", deployment.name.as_str());
    props.put_some("description", deployment.description.clone());
    if runtime(site, deployment) == "custom-container" {
        props.put("runtime", "custom-container");
        let image = image::name(site, deployment);
        props.put("customContainerConfig", Mapping::new().with("image", image).with("port", 9_000));
        files.push(image::build_of_zip(site, deployment, &[], script));
    } else {
        props.put("runtime", runtime(site, deployment));
        props.put("code", format!("{}/{}.zip", site.options.packages, deployment.unit.name));
        // There is no command, so /code/bootstrap is started.
        props.put("customRuntimeConfig", Mapping::new().with("port", 9_000));
    }
    props.put("handler", deployment.handler.as_str());
    if let Some(memory) = memory(site, deployment) {
        props.put("memorySize", memory);
        // A core has 1 to 4 GB of memory, in twentieths.
        let twentieths = ((memory * 20 + 4_095) / 4_096).max(1);
        props.put("cpu", Document::Number(format!("{}.{:02}", twentieths / 20, twentieths % 20 * 5)));
        props.put("diskSize", 512);
    }
    props.put_some("timeout", within(site, "a timeout", deployment.timeout, 1..=86_400, "seconds"));
    props.put_some("instanceConcurrency", within(site, "concurrency", deployment.concurrency, 1..=200, "invocations"));
    let mut hooks = Mapping::new();
    if let Some(limit) = within(site, "`initTimeout`", deployment.init_timeout, 1..=600, "seconds") {
        hooks.put("initializer", Mapping::new().with("handler", "initialize").with("timeout", limit));
    }
    // Without the hook a function is not told of its end.
    hooks.put("preStop", Mapping::new().with("handler", "preStop").with("timeout", 10));
    props.put("instanceLifecycleConfig", hooks);
    let mut variables = deployment.environment();
    for (name, secret) in &deployment.secrets {
        // The value comes from the deploying environment, and is never in this file.
        variables.put(name.as_str(), format!("${{env('{}')}}", variable(secret)));
    }
    props.put_some("environmentVariables", variables.some());
    common(site, &mut props);
    if let Some(only) = deployment.only().and_then(|only| site.of_function(&only.name)) {
        // A runtime of one's own has no handler for it: the start is asked for by its path.
        let _ = site.get(only, "initializer");
    }
    let mut triggers: Vec<Mapping> = Vec::new();
    triggers.extend(requests(site, deployment));
    triggers.extend(deployment.triggers.iter().filter_map(|trigger| event(site, trigger, region)));
    wants_own_triggers(site, deployment);
    if !triggers.is_empty() {
        props.put("triggers", triggers);
    }
    props
}

/// Returns the custom runtime that the yml names, or the newest.
fn runtime(site: &Site<'_>, deployment: &Deployment<'_>) -> String {
    let of_function = deployment.only().and_then(|only| site.of_function(&only.name));
    let places = [site.of_unit(deployment.unit), of_function, site.spec.tree.get("provider")];
    let words = places.into_iter().flatten().filter_map(|node| site.text(node, "runtime"));
    words.into_iter().find(|word| word.starts_with("custom")).unwrap_or_else(|| "custom.debian12".to_owned())
}

fn memory(site: &Site<'_>, deployment: &Deployment<'_>) -> Option<i64> {
    let memory = within(site, "memory", deployment.memory, 64..=32_768, "MB")?;
    let stepped = (memory.max(128) + 63) / 64 * 64;
    if stepped != memory {
        let span = deployment.memory.map_or(deployment.span(), |memory| memory.span);
        site.lacks(
            span,
            format!("memory on Function Compute is a multiple of 64 MB from 128 on: {memory} becomes {stepped}"),
            "",
        );
    }
    Some(stepped)
}

fn common(site: &Site<'_>, props: &mut Mapping) {
    props.put_some("role", site.provider_text("role"));
    props.put_some("internetAccess", site.provider("internetAccess").and_then(Node::as_bool));
    if let Some(vpc) = site.provider("vpcConfig") {
        let mut out = Mapping::new();
        out.put_some("vpcId", site.text(vpc, "vpcId"));
        let mut switches = site.texts(vpc, "vSwitchIds");
        switches.extend(site.text(vpc, "subnetId"));
        if !switches.is_empty() {
            out.put("vSwitchIds", switches);
        }
        out.put_some("securityGroupId", site.text(vpc, "securityGroupId"));
        if ["vpcId", "vSwitchIds", "securityGroupId"].iter().any(|key| !out.has(key)) {
            let help = "write `vpcId`, `vSwitchIds` and `securityGroupId`";
            site.refuses(
                vpc.span,
                "a private network on Function Compute is a network, switches and a security group",
                help,
            );
        }
        props.put("vpcConfig", out);
    }
    if let Some(logs) = site.provider("logConfig") {
        let mut out = Mapping::new();
        for key in ["project", "logstore"] {
            out.put_some(key, site.text(logs, key));
            if !out.has(key) {
                site.refuses(logs.span, format!("a place for logs on Function Compute has a `{key}`"), "");
            }
        }
        for key in ["enableRequestMetrics", "enableInstanceMetrics"] {
            out.put_some(key, site.get(logs, key).and_then(Node::as_bool));
        }
        props.put("logConfig", out);
    }
    if let Some(files) = site.provider("nasConfig") {
        if files.as_map().is_none() {
            props.put("nasConfig", "auto");
        } else {
            let id = |key: &str| site.get(files, key).and_then(Node::as_int).unwrap_or(10_003);
            let mut out = Mapping::new().with("userId", id("userId")).with("groupId", id("groupId"));
            let points = site.get(files, "mountPoints").and_then(Node::as_list).unwrap_or_default();
            let mount = |point: &Node| {
                let text = |key: &str| site.text(point, key).unwrap_or_default();
                Mapping::new().with("serverAddr", text("serverAddr")).with("mountDir", text("mountDir"))
            };
            out.put("mountPoints", points.iter().map(mount).collect::<Vec<_>>());
            props.put("nasConfig", out);
        }
    }
    if let Some(tracing) = site.provider("tracingConfig") {
        match tracing.as_text().map(str::to_ascii_lowercase).as_deref() {
            Some("disable") => {}
            Some(_) => {
                let help = "write `{type: Jaeger, jaegerConfig: {endpoint: …}}`, which is handed on";
                site.lacks(tracing.span, "tracing on Function Compute needs an endpoint", help);
            }
            None => props.put("tracingConfig", Document::of(tracing, site.sources)),
        }
    }
    if let Some(calls) = site.provider("asyncConfiguration") {
        let mut out = Mapping::new();
        if let Some(all) = site.get(calls, "destination") {
            let mut destinations = Mapping::new();
            for key in ["onSuccess", "onFailure"] {
                destinations.put_some(key, site.text(all, key).map(|arn| Mapping::new().with("destination", arn)));
            }
            out.put_some("destinationConfig", destinations.some());
        }
        for key in ["maxAsyncEventAgeInSeconds", "maxAsyncRetryAttempts"] {
            out.put_some(key, site.get(calls, key).and_then(Node::as_int));
        }
        out.put_some("asyncTask", site.get(calls, "statefulInvocation").and_then(Node::as_bool));
        props.put_some("asyncInvokeConfig", out.some());
    }
}

/// Reports triggers of a function that have one name: the one would take the place of the other.
fn wants_own_triggers(site: &Site<'_>, deployment: &Deployment<'_>) {
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    let requests = deployment.requests().next().map(|trigger| (HTTP.to_owned(), trigger));
    let events = deployment.triggers.iter().filter(|trigger| !matches!(trigger.kind, "http" | "raw"));
    for (name, trigger) in requests.into_iter().chain(events.map(|trigger| (trigger_name(trigger), trigger))) {
        let message = format!("two triggers of `{}` are called `{name}` on {}", deployment.unit.name, site.title());
        if let Some(earlier) = names.insert(name, trigger.event.span) {
            let diagnostic = Diagnostic::error("same-name", trigger.event.span, message);
            site.add(diagnostic.other(earlier, "the other one").help("give the event another `name`"));
        }
    }
}

fn trigger_name(trigger: &Trigger<'_>) -> String {
    trigger.name.replace('.', "-")
}

/// Makes the trigger for all requests of a function, which has one at most.
fn requests(site: &Site<'_>, deployment: &Deployment<'_>) -> Option<Mapping> {
    let all: Vec<&Trigger<'_>> = deployment.requests().collect();
    let first = all.first()?;
    let is_public = deployment.is_public(site);
    let mixed = all.iter().find(|trigger| deployment.is_anonymous(site, trigger) != is_public);
    if let Some(other) = mixed {
        let message =
            "a function on Function Compute has one trigger for all requests, so that all of them are let pass alike";
        let help = "it is closed to strangers here; deploy apart what anybody may call";
        site.lacks(other.event.span, message, help);
    }
    let mut methods: Vec<&str> = Vec::new();
    for trigger in &all {
        match &trigger.event.methods[..] {
            [] => methods.extend(METHODS),
            some => methods.extend(some.iter().map(String::as_str)),
        }
        if let Some(method) = trigger.event.methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            site.lacks(trigger.event.span, format!("no trigger on Function Compute takes the method {method}"), "");
        }
        if let Some(version) = trigger.get(site, "version") {
            site.lacks(version.span, "a version on Function Compute is the domain's matter, and LATEST here", "");
        }
    }
    let methods: Vec<&str> = METHODS.into_iter().filter(|method| methods.contains(method)).collect();
    let config =
        Mapping::new().with("authType", if is_public { "anonymous" } else { "function" }).with("methods", methods);
    let mut trigger = Mapping::new().with("triggerName", HTTP).with("triggerType", "http");
    trigger.put_some("invocationRole", first.text(site, "role"));
    Some(trigger.with("triggerConfig", config))
}

fn event(site: &Site<'_>, trigger: &Trigger<'_>, region: &str) -> Option<Mapping> {
    let account = "${config('AccountID')}";
    let source = || trigger.source(site);
    let mut arn = None;
    let (kind, config) = match (trigger.kind, trigger.word()) {
        ("http" | "raw", _) => return None,
        ("timer", _) => {
            let schedule = trigger.schedule.as_ref()?;
            let mut config = Mapping::new();
            config.put("cronExpression", schedule.text.as_str());
            config.put("enable", trigger.is_enabled(site));
            config.put_some("payload", trigger.payload(site));
            ("timer", config)
        }
        ("storage", _) => {
            arn = Some(format!("acs:oss:{region}:{account}:{}", source()?));
            let mut events = site.texts(&trigger.event.node, "events");
            if events.is_empty() {
                events.push("oss:ObjectCreated:*".to_owned());
            }
            for event in &mut events {
                if let Some(rest) = ["s3:", "cos:"].iter().find_map(|prefix| event.strip_prefix(prefix)) {
                    *event = format!("oss:{rest}");
                }
                if event == "oss:ObjectRemoved:*" {
                    "oss:ObjectRemoved:DeleteObject".clone_into(event);
                    events_of_removal(site, trigger);
                }
            }
            let (prefix, suffix) = trigger.filter(site);
            let key = Mapping::new().with("prefix", prefix).with("suffix", suffix);
            ("oss", Mapping::new().with("events", events).with("filter", Mapping::new().with("key", key)))
        }
        ("log", _) => {
            let logs = site.provider("logConfig");
            let own = |key: &str| logs.and_then(|logs| site.text(logs, key));
            let Some(project) = trigger.text(site, "project").or_else(|| own("project")) else {
                site.refuses(trigger.event.span, "a trigger of logs on Function Compute has a `project`", "");
                return None;
            };
            arn = Some(format!("acs:log:{region}:{account}:project/{project}"));
            let source = source()?;
            let store = trigger.text(site, "log").or_else(|| own("logstore")).unwrap_or_else(|| source.to_owned());
            // Numbers are texts there.
            let number = |key: &str, usual: &str| trigger.text(site, key).unwrap_or_else(|| usual.to_owned());
            let job = Mapping::new()
                .with("maxRetryTime", number("retryTime", "1"))
                .with("triggerInterval", number("interval", "30"));
            let config = Mapping::new()
                .with("sourceConfig", Mapping::new().with("logstore", source))
                .with("jobConfig", job)
                .with("functionParameter", Mapping::new())
                .with("logConfig", Mapping::new().with("project", project).with("logstore", store))
                .with("enable", true);
            ("log", config)
        }
        ("topic", _) | ("queue", "mq" | "cmq") => {
            let region = trigger.text(site, "region").unwrap_or_else(|| region.to_owned());
            arn = Some(format!("acs:mns:{region}:{account}:/topics/{}", source()?));
            let mut config = Mapping::new();
            let tags = site.texts(&trigger.event.node, "tags");
            if let [_, second, ..] = &tags[..] {
                let message =
                    format!("a trigger of a topic on Function Compute has one tag, and `{second}` is another one");
                site.lacks(trigger.event.span, message, "write an event for each");
            }
            config.put_some("filterTag", tags.into_iter().next());
            config.put("notifyContentFormat", "JSON");
            let strategy = trigger.text(site, "strategy").unwrap_or_else(|| "BACKOFF_RETRY".to_owned());
            config.put("notifyStrategy", strategy);
            ("mns_topic", config)
        }
        ("queue", _) => {
            let queue =
                Mapping::new().with("RegionId", region).with("QueueName", source()?).with("IsBase64Decode", true);
            let size = trigger.get(site, "batchSize").and_then(Node::as_int);
            ("eventbridge", stream(site, trigger, "MNS", Mapping::new().with("sourceMNSParameters", queue), size))
        }
        ("stream", "kafka") => {
            let topic = source()?;
            let group = trigger.text(site, "group").unwrap_or_else(|| trigger.function.name.clone());
            let kafka = Mapping::new()
                .with("RegionId", region)
                .with("InstanceId", "${env('KAFKA_INSTANCE_ID')}")
                .with("Topic", topic)
                .with("ConsumerGroup", group)
                .with("OffsetReset", "latest");
            ("eventbridge", stream(site, trigger, "Kafka", Mapping::new().with("sourceKafkaParameters", kafka), None))
        }
        ("table", "rds") => {
            trigger.is_lacking(site, "use a task of DTS, whose events come by EventBridge");
            return None;
        }
        ("table", _) => {
            let Some(instance) = trigger.text(site, "instance") else {
                site.refuses(trigger.event.span, "a trigger of a table on Function Compute has an `instance`", "");
                return None;
            };
            arn = Some(format!("acs:ots:{region}:{account}:instance/{instance}/table/{}", source()?));
            ("tablestore", Mapping::new())
        }
        ("event", "event") => {
            let mut pattern = Mapping::new();
            pattern.put_some("source", trigger.event.source.as_deref().map(|source| vec![source]));
            pattern.put_some("type", trigger.event.kind_type.as_deref().map(|kind| vec![kind]));
            let config = Mapping::new()
                .with("triggerEnable", trigger.is_enabled(site))
                .with("asyncInvocationType", false)
                .with("eventRuleFilterPattern", Document::from(pattern).to_json_line())
                .with("eventSourceConfig", source_of("Default", Mapping::new()))
                .with("eventSinkConfig", sink("event-driven"))
                .with("runOptions", Mapping::new());
            ("eventbridge", config)
        }
        ("event", "cdn") => {
            arn = Some(format!("acs:cdn:*:{account}"));
            let filter = Mapping::new().with("domain", vec![source()?]);
            let config = Mapping::new()
                .with("eventName", "LogFileCreated")
                .with("eventVersion", "1.0.0")
                .with("notes", trigger.name.as_str())
                .with("filter", filter);
            ("cdn_events", config)
        }
        _ => {
            trigger.is_lacking(site, "set the trigger up by hand");
            return None;
        }
    };
    let mut out = Mapping::new().with("triggerName", trigger_name(trigger)).with("triggerType", kind);
    out.put_some("qualifier", trigger.text(site, "version"));
    out.put_some("invocationRole", trigger.text(site, "role"));
    out.put_some("sourceArn", arn);
    Some(out.with("triggerConfig", config))
}

fn events_of_removal(site: &Site<'_>, trigger: &Trigger<'_>) {
    let message =
        "Function Compute has no word for every removal of an object: it becomes oss:ObjectRemoved:DeleteObject";
    site.lacks(trigger.event.span, message, "name oss:ObjectRemoved:DeleteObjects and others as well");
}

fn source_of(kind: &str, parameters: Mapping) -> Mapping {
    Mapping::new().with("eventSourceType", kind).with("eventSourceParameters", parameters)
}

fn sink(mode: &str) -> Mapping {
    let delivery = Mapping::new().with("mode", mode).with("eventSchema", "CloudEvents");
    Mapping::new().with("deliveryOption", delivery)
}

/// Makes a stream of EventBridge from a queue or a topic of Kafka.
fn stream(site: &Site<'_>, trigger: &Trigger<'_>, kind: &str, parameters: Mapping, size: Option<i64>) -> Mapping {
    let mut run = Mapping::new().with("mode", "event-streaming").with("errorsTolerance", "ALL");
    run.put("retryStrategy", Mapping::new().with("PushRetryStrategy", "BACKOFF_RETRY"));
    let window = Mapping::new().with("CountBasedWindow", size.unwrap_or(1)).with("TimeBasedWindow", 0);
    run.put("batchWindow", window);
    Mapping::new()
        .with("triggerEnable", trigger.is_enabled(site))
        .with("asyncInvocationType", false)
        .with("eventRuleFilterPattern", "{}")
        .with("eventSourceConfig", source_of(kind, parameters))
        .with("eventSinkConfig", sink("event-streaming"))
        .with("runOptions", run)
}

/// A route of the domain, and the place of the yml's route that it is for.
struct Route<'s> {
    path: String,
    methods: Vec<String>,
    pattern: &'s str,
    deployment: &'s Deployment<'s>,
    span: Span,
}

/// Makes the domain with all routes of the service: exact paths first, then longer prefixes before shorter ones.
fn domain(site: &Site<'_>, deployments: &[Deployment<'_>], region: &str) -> Option<Mapping> {
    if site.domain().is_some_and(|domain| domain.as_bool() == Some(false)) {
        return None;
    }
    let mut routes: Vec<Route<'_>> = Vec::new();
    for deployment in deployments {
        for trigger in deployment.requests() {
            let Some(path) = &trigger.event.path else { continue };
            for route in gateway::route(site.platform, &path.value).routes {
                let methods = trigger.event.methods.clone();
                routes.push(Route { path: route, methods, pattern: &path.value, deployment, span: path.span });
            }
        }
    }
    if routes.is_empty() {
        if let Some(domain) = site.domain().filter(|domain| domain.as_map().is_some()) {
            site.lacks(domain.span, "a domain without a route is not made", "give an `http` event a `path`");
            for key in ["domainName", "protocol", "certConfig"] {
                let _ = site.get(domain, key);
            }
        }
        return None;
    }
    check_routes(site, &routes);
    // Each path and function has one line, with the methods of all its routes.
    let mut lines: BTreeMap<(String, &str), Option<Vec<String>>> = BTreeMap::new();
    for route in &routes {
        let methods =
            lines.entry((route.path.clone(), route.deployment.name.as_str())).or_insert_with(|| Some(Vec::new()));
        match (methods.as_mut(), route.methods.is_empty()) {
            (Some(all), false) => {
                all.extend(route.methods.iter().cloned());
                all.sort();
                all.dedup();
            }
            _ => *methods = None,
        }
    }
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_by(|((one, _), some), ((other, _), others)| {
        let rank = |path: &str, methods: &Option<Vec<String>>| {
            (path.ends_with('*'), std::cmp::Reverse(path.len()), methods.is_none())
        };
        rank(one, some).cmp(&rank(other, others)).then_with(|| one.cmp(other))
    });
    let line = |((path, function), methods): ((String, &str), Option<Vec<String>>)| {
        let mut out = Mapping::new().with("path", path).with("functionName", function).with("qualifier", "LATEST");
        out.put_some("methods", methods);
        out
    };
    let mut props = Mapping::new();
    props.put("region", region);
    props.put("domainName", site.host().unwrap_or_else(|| "auto".to_owned()));
    let text = |key: &str| site.domain().and_then(|domain| site.text(domain, key));
    props.put("protocol", text("protocol").unwrap_or_else(|| "HTTP".to_owned()));
    props.put("routeConfig", Mapping::new().with("routes", lines.into_iter().map(line).collect::<Vec<_>>()));
    if let Some(certificate) = site.domain().and_then(|domain| site.get(domain, "certConfig")) {
        props.put("certConfig", Document::of(certificate, site.sources));
    }
    Some(props)
}

/// Checks that the domain can tell the routes apart. It knows paths and prefixes alone. Two routes that are the same to
/// it have to belong to one unit, and so have the paths that a longer prefix takes from a shorter one.
fn check_routes(site: &Site<'_>, routes: &[Route<'_>]) {
    for (number, route) in routes.iter().enumerate() {
        for other in &routes[..number] {
            if std::ptr::eq(route.deployment, other.deployment) {
                continue;
            }
            let share_methods = route.methods.is_empty()
                || other.methods.is_empty()
                || route.methods.iter().any(|method| other.methods.contains(method));
            if route.path == other.path && share_methods && route.methods.is_empty() == other.methods.is_empty() {
                let message = format!(
                    "the domain of Function Compute cannot tell `{}` of `{}` from `{}` of `{}`: both are {}",
                    route.pattern, route.deployment.unit.name, other.pattern, other.deployment.unit.name, route.path
                );
                let diagnostic = Diagnostic::error("refused-by-platform", route.span, message);
                let help = "put the functions into one unit of `aggregation`, whose process tells them apart";
                site.add(diagnostic.other(other.span, "the other route").help(help));
                continue;
            }
            let (longer, shorter) = if route.path.len() > other.path.len() { (route, other) } else { (other, route) };
            let is_own = |pattern: &str| pattern.trim_end_matches('/') == longer.path;
            let is_inexact =
                longer.path.ends_with('*') && !gateway::route(site.platform, longer.pattern).note.is_empty();
            if is_inexact
                && share_methods
                && !is_own(shorter.pattern)
                && gateway::may_begin(&longer.path, shorter.pattern)
            {
                let message = format!(
                    "the domain of Function Compute sends all below {} to `{}`, so that `{}` of `{}` is not reached there",
                    longer.path, longer.deployment.unit.name, shorter.pattern, shorter.deployment.unit.name
                );
                let diagnostic = Diagnostic::warning("not-on-platform", shorter.span, message);
                let help = "put the functions into one unit of `aggregation`, whose process tells them apart";
                site.add(diagnostic.other(longer.span, "the route that takes them").help(help));
            }
        }
    }
}
