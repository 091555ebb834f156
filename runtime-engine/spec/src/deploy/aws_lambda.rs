//! AWS Lambda, by a template of the Serverless Application Model.
//!
//! Queues, topics, streams and tables are named and not made: a stack that makes them deletes them, too. A bucket has
//! to be of the template, since SAM subscribes to no other one; it is kept when the stack goes. A resource that
//! `resources` of the yml makes under the same name is referred to.

mod ids;

use super::File;
use super::deployment::{Deployment, Trigger, warns_of_order, within};
use super::document::{Document, Mapping};
use super::names::word_within;
use super::script::{Filter, JQ, Script, Tool, quoted};
use super::site::Site;
use crate::diagnostic::Diagnostic;
use crate::gateway;
use crate::source::Span;
use crate::tree::Node;
use ids::{Ids, is_of, logical, section};
use std::collections::BTreeMap;

const SAM: Tool = Tool { program: "sam", from: "pip install aws-sam-cli" };

/// The most characters of the name of a stack. Source: CloudFormation, "CreateStack".
const MOST_OF_STACK: usize = 128;
/// The most characters of the name of a rule and of a schedule. Source: EventBridge, "PutRule" and "CreateSchedule".
const MOST_OF_TIMER: usize = 64;

/// The file of the values of parameters, while the script runs. SAM reads YAML and TOML by this end of the name, and JSON
/// is YAML. Source: the repository `aws/aws-sam-cli`, `CfnParameterOverridesType`, from version 1.152.0 on.
const PARAMETERS: &str = ".parameters.yaml";
/// The function of jq that takes a value as it is, or ends the deployment. SAM takes quotes off the ends of a value, and
/// backslashes before spaces and quotes, and does so once for each file around the value; no text comes through that as one
/// of these. YAML takes U+0085 for the end of a line.
const FOR_SAM: &str = concat!(
    r#"def for_sam(name): if test("\\\\[ \"\u0027]|\u0085") or .[:1] == .[-1:] and test("^[\"\u0027]") "#,
    r#"then error("SAM changes the value of \(name): "#,
    r#"it has quotes at both ends, or a backslash before a space or a quote") else . end;"#
);

/// The resources that are collected beside the functions.
#[derive(Default)]
struct Stack {
    resources: Mapping,
    parameters: Mapping,
    outputs: Mapping,
    ids: Ids,
    /// The parameters that the deploying shell has to have as variables, each with its meaning.
    asked: BTreeMap<String, String>,
    /// The names of rules and of schedules, each of which is one in an account's region.
    timers: BTreeMap<(&'static str, String), Span>,
    /// The id of the gateway that all routes of the service are at.
    api: String,
    has_api: bool,
    has_iam: bool,
    has_cors: bool,
}

pub(super) fn write(site: &Site<'_>, deployments: &[Deployment<'_>], script: &mut Script) -> Vec<File> {
    // The template knows what a bucket tells by the functions; the id of such an event is that of a permission alone.
    warns_of_order(site, deployments, |trigger| trigger.kind != "storage");
    let own = site.get(&site.spec.tree, "resources");
    let mut stack = Stack::default();
    let places = stack.ids.take_all(site, deployments, own);
    stack.api = stack.ids.of_gateway(own);
    let mut root = Mapping::new();
    root.put("AWSTemplateFormatVersion", "2010-09-09");
    root.put("Transform", "AWS::Serverless-2016-10-31");
    let service = &site.spec.service;
    root.put("Description", format!("{} in stage {}", service.name, service.stage));
    for deployment in deployments {
        let function = function(site, deployment, own, &mut stack);
        stack.resources.put(logical(&deployment.unit.name), function);
    }
    ids::check_roles(site, deployments, own, &stack.outputs, &places);
    api(site, &mut stack);
    merge(site, own, &mut stack, &mut root);
    root.put_some("Parameters", stack.parameters.some());
    root.put("Resources", stack.resources);
    root.put_some("Outputs", stack.outputs.some());
    let region =
        site.provider_text("region").map(|region| format!(" --region {}", quoted(&region))).unwrap_or_default();
    script.run(SAM, format!("sam validate --lint --template-file template.yaml{region}"));
    let overrides = overrides(&stack.asked, script);
    script.run(
        SAM,
        format!(
            "sam deploy --template-file template.yaml --stack-name {} --resolve-s3 --capabilities CAPABILITY_IAM{overrides} \
             --no-fail-on-empty-changeset{region} \"$@\"",
            quoted(&word_within(&format!("{}-{}", service.name, service.stage), MOST_OF_STACK))
        ),
    );
    let text = Document::from(root).to_yaml(&site.head());
    vec![File { path: "template.yaml".to_owned(), text }]
}

/// Returns the option that gives parameters the values of the deploying shell's variables of their names, and adds the
/// command that writes these into a file. An argument is seen by everybody on the machine, and a parameter may be a
/// secret.
fn overrides(asked: &BTreeMap<String, String>, script: &mut Script) -> String {
    if asked.is_empty() {
        return String::new();
    }
    let mut fill = Filter::new(&format!("{FOR_SAM} {{}}"));
    for (name, meaning) in asked {
        // No variable of a shell begins with a digit.
        let digit = if name.starts_with(|first: char| first.is_ascii_digit()) { "_" } else { "" };
        // The meaning may be anybody's text, and stands where a shell looks for more than texts.
        let meaning = meaning.replace(['"', '\'', '\\', '$', '`', '}', '\n', '\r'], " ");
        fill.with(&format!("{digit}{name}"), &meaning, |value| {
            format!(".[\"{name}\"] = ({value} | for_sam(\"{name}\"))")
        });
    }
    script.removes(JQ, &[PARAMETERS]);
    script.run(JQ, fill.command(" --null-input", "/dev/null", PARAMETERS));
    format!(" --parameter-overrides file://{PARAMETERS}")
}

/// Lays the yml's own `resources` over those that are made here, as they are written.
fn merge(site: &Site<'_>, own: Option<&Node>, stack: &mut Stack, root: &mut Mapping) {
    for entry in own.and_then(Node::as_map).into_iter().flat_map(|map| map.entries()) {
        let section = match entry.key.as_str() {
            "Resources" => &mut stack.resources,
            "Outputs" => &mut stack.outputs,
            "Parameters" => &mut stack.parameters,
            "extensions" => {
                site.lacks(
                    entry.key_span,
                    "`extensions` is no section of a template",
                    "write the resource into `Resources`",
                );
                continue;
            }
            _ => {
                root.put(entry.key.as_str(), Document::of(&entry.value, site.sources));
                continue;
            }
        };
        for inner in entry.value.as_map().into_iter().flat_map(|map| map.entries()) {
            if entry.key == "Parameters" {
                stack.asked.remove(&inner.key);
                // Others are no names of parameters, and would be commands of a shell.
                if inner.value.get("Default").is_none() && inner.key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    let meaning = inner.value.get("Description").and_then(Node::as_text);
                    let meaning = meaning.unwrap_or("a parameter of the template").to_owned();
                    stack.asked.insert(inner.key.clone(), meaning);
                }
            }
            section.put(inner.key.as_str(), Document::of(&inner.value, site.sources));
        }
    }
}

fn function(site: &Site<'_>, deployment: &Deployment<'_>, own: Option<&Node>, stack: &mut Stack) -> Mapping {
    let mut properties = Mapping::new();
    properties.put("FunctionName", deployment.name.as_str());
    properties.put_some("Description", deployment.description.clone());
    properties.put("Runtime", "provided.al2023");
    let architecture = if site.options.machine == "aarch64" { "arm64" } else { "x86_64" };
    properties.put("Architectures", vec![architecture]);
    properties.put("Handler", deployment.handler.as_str());
    properties.put("CodeUri", format!("{}/{}.zip", site.options.packages, deployment.unit.name));
    properties.put_some("MemorySize", within(site, "memory", deployment.memory, 128..=10_240, "MB"));
    properties.put_some("Timeout", within(site, "a timeout", deployment.timeout, 1..=900, "seconds"));
    if let Some(limit) = deployment.init_timeout {
        site.lacks(limit.span, "a start on AWS Lambda may take 10 seconds, whatever `initTimeout` says", "");
    }
    let mut variables = deployment.environment();
    for (name, secret) in &deployment.secrets {
        variables.put(name.as_str(), format!("{{{{resolve:secretsmanager:{secret}}}}}"));
    }
    properties.put_some("Environment", variables.some().map(|all| Mapping::new().with("Variables", all)));
    common(site, &mut properties);
    let mut events = Mapping::new();
    for trigger in &deployment.triggers {
        event(site, deployment, trigger, own, stack, &mut properties, &mut events);
    }
    properties.put_some("Events", events.some());
    Mapping::new().with("Type", "AWS::Serverless::Function").with("Properties", properties)
}

/// Sets the properties that the provider gives all functions.
fn common(site: &Site<'_>, properties: &mut Mapping) {
    properties.put_some("Role", site.provider_text("role"));
    if let Some(policies) = site.provider("policies") {
        let list = policies.as_list().unwrap_or(std::slice::from_ref(policies));
        let all: Vec<Document> = list.iter().map(|policy| Document::of(policy, site.sources)).collect();
        properties.put("Policies", all);
    }
    if let Some(vpc) = site.provider("vpcConfig") {
        // The network follows from its subnets.
        let _ = site.get(vpc, "vpcId");
        let mut subnets = site.texts(vpc, "vSwitchIds");
        subnets.extend(site.text(vpc, "subnetId"));
        let groups = site.texts(vpc, "securityGroupId");
        if subnets.is_empty() || groups.is_empty() {
            let help = "write `vSwitchIds` (or `subnetId`) and `securityGroupId`";
            site.refuses(vpc.span, "a private network on AWS is subnets and a security group", help);
        }
        properties.put("VpcConfig", Mapping::new().with("SubnetIds", subnets).with("SecurityGroupIds", groups));
    }
    if let Some(tracing) = site.provider("tracingConfig") {
        match tracing.as_text().map(str::to_ascii_lowercase).as_deref() {
            Some("enable") => properties.put("Tracing", "Active"),
            Some("disable") => properties.put("Tracing", "PassThrough"),
            _ => site.lacks(tracing.span, "tracing on AWS is `enable` or `disable`", ""),
        }
    }
    if let Some(logs) = site.provider("logConfig") {
        properties
            .put_some("LoggingConfig", site.text(logs, "logstore").map(|name| Mapping::new().with("LogGroup", name)));
    }
    if let Some(files) = site.provider("nasConfig").filter(|files| files.as_map().is_some()) {
        let points = site.get(files, "mountPoints").and_then(Node::as_list).unwrap_or_default();
        let mut mounts = Vec::new();
        for point in points {
            let address = site.text(point, "serverAddr").unwrap_or_default();
            let folder = site.text(point, "mountDir").unwrap_or_default();
            if address.starts_with("arn:") && folder.starts_with("/mnt/") {
                mounts.push(Mapping::new().with("Arn", address).with("LocalMountPath", folder));
            } else {
                let help = "`serverAddr` is the ARN of an access point of EFS, and `mountDir` begins with /mnt/";
                site.lacks(point.span, "this mount point is none on AWS", help);
            }
        }
        if !mounts.is_empty() {
            properties.put("FileSystemConfigs", mounts);
        }
    } else if let Some(files) = site.provider("nasConfig") {
        site.lacks(files.span, "AWS makes no file system by itself", "name the access point of one in `mountPoints`");
    }
    if let Some(calls) = site.provider("asyncConfiguration") {
        asynchronous(site, calls, properties);
    }
    if let Some(access) = site.provider("internetAccess").filter(|access| access.as_bool() == Some(false)) {
        let help = "functions in a private network without a NAT gateway reach nothing outside";
        site.lacks(access.span, "the internet is not shut off by a setting on AWS", help);
    }
}

fn asynchronous(site: &Site<'_>, calls: &Node, properties: &mut Mapping) {
    let mut out = Mapping::new();
    let limit = |key: &str, range: std::ops::RangeInclusive<i64>| {
        let node = site.get(calls, key)?;
        let placed = crate::model::Placed { value: node.as_int()?, span: node.span };
        within(site, &format!("`{key}`"), Some(placed), range, "")
    };
    out.put_some("MaximumEventAgeInSeconds", limit("maxAsyncEventAgeInSeconds", 60..=21_600));
    out.put_some("MaximumRetryAttempts", limit("maxAsyncRetryAttempts", 0..=2));
    let mut destinations = Mapping::new();
    if let Some(all) = site.get(calls, "destination") {
        for (key, name) in [("onSuccess", "OnSuccess"), ("onFailure", "OnFailure")] {
            let Some(arn) = site.text(all, key) else { continue };
            let kind = match arn.split(':').nth(2) {
                Some("sqs") => "SQS",
                Some("sns") => "SNS",
                Some("lambda") => "Lambda",
                Some("events") => "EventBridge",
                _ => {
                    let message = format!(
                        "`{key}` on AWS is the ARN of a queue, a topic, a function or a bus, and this is {arn}"
                    );
                    site.lacks(all.span, message, "");
                    continue;
                }
            };
            destinations.put(name, Mapping::new().with("Type", kind).with("Destination", arn));
        }
    }
    out.put_some("DestinationConfig", destinations.some());
    properties.put_some("EventInvokeConfig", out.some());
}

/// Returns the ARN of a name: that of the yml's own resource under that name, or one in this account and region.
fn arn(own: Option<&Node>, name: &str, property: &str, service: &str, prefix: &str) -> Document {
    if name.starts_with("arn:") {
        return name.into();
    }
    if let Some(id) = made(own, name, property) {
        // A reference to a topic is its ARN.
        return if service == "sns" {
            Document::Tagged("!Ref".to_owned(), Box::new(id.into()))
        } else {
            Document::Tagged("!GetAtt".to_owned(), Box::new(format!("{id}.Arn").into()))
        };
    }
    let text = format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{prefix}{name}");
    Document::Tagged("!Sub".to_owned(), Box::new(text.into()))
}

/// Returns the resource of the yml's own that has this name; `None` if there is none.
fn made<'n>(own: Option<&'n Node>, name: &str, property: &str) -> Option<&'n str> {
    let all = section(own, "Resources").iter();
    all.clone().find(|entry| property_of(&entry.value, property) == Some(name)).map(|entry| entry.key.as_str())
}

/// Returns the text of a property of a resource; `None` without one.
fn property_of<'n>(resource: &'n Node, property: &str) -> Option<&'n str> {
    resource.get("Properties")?.get(property)?.as_text()
}

fn event(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
    own: Option<&Node>,
    stack: &mut Stack,
    function: &mut Mapping,
    events: &mut Mapping,
) {
    let mut properties = Mapping::new();
    let source = || trigger.source(site);
    // A table's changes and a cluster have an id that does not follow from their name.
    let mut parameter = |usual: &str, what: String| {
        let is_laid_over = section(own, "Parameters").iter().any(|entry| entry.key == usual);
        let id = stack.ids.id(&what, usual, &[""], is_laid_over);
        stack.asked.insert(id.clone(), what.clone());
        stack.parameters.put(id.as_str(), Mapping::new().with("Type", "String").with("Description", what));
        Document::Tagged("!Ref".to_owned(), Box::new(id.into()))
    };
    let kind = match (trigger.kind, trigger.word()) {
        ("http", _) => return request(site, deployment, trigger, stack, function, events),
        ("timer", _) => return timer(site, deployment, trigger, stack, events),
        ("queue", "queue") => {
            let Some(source) = source() else { return };
            properties.put("Queue", arn(own, source, "QueueName", "sqs", ""));
            if let Some(size) = trigger.get(site, "batchSize").and_then(Node::as_int) {
                properties.put("BatchSize", size);
                if size > 10 {
                    properties.put("MaximumBatchingWindowInSeconds", 1);
                }
            }
            properties.put("FunctionResponseTypes", vec!["ReportBatchItemFailures"]);
            properties.put("Enabled", trigger.is_enabled(site));
            "SQS"
        }
        ("topic", _) | ("queue", _) => {
            let Some(source) = source() else { return };
            properties.put("Topic", arn(own, source, "TopicName", "sns", ""));
            properties.put_some("Region", trigger.text(site, "region"));
            "SNS"
        }
        ("stream", "stream") => {
            let Some(source) = source() else { return };
            properties.put("Stream", arn(own, source, "Name", "kinesis", "stream/"));
            properties.put("StartingPosition", "LATEST");
            properties.put("FunctionResponseTypes", vec!["ReportBatchItemFailures"]);
            properties.put("Enabled", trigger.is_enabled(site));
            "Kinesis"
        }
        ("stream", _) => {
            let Some(source) = source() else { return };
            let what = "The ARN of the cluster of Kafka (MSK)";
            properties.put("Stream", parameter("KafkaClusterArn", what.to_owned()));
            properties.put("Topics", vec![source]);
            properties.put("StartingPosition", "LATEST");
            properties.put_some("ConsumerGroupId", trigger.text(site, "group"));
            properties.put("Enabled", trigger.is_enabled(site));
            "MSK"
        }
        ("table", "rds") => return trigger.is_lacking(site, "RDS sends no changes of rows to functions"),
        ("table", _) => {
            let Some(source) = source() else { return };
            let id = format!("{}StreamArn", logical(source));
            properties.put("Stream", parameter(&id, format!("The ARN of the stream of the table {source}")));
            properties.put("StartingPosition", "LATEST");
            properties.put("FunctionResponseTypes", vec!["ReportBatchItemFailures"]);
            properties.put("Enabled", trigger.is_enabled(site));
            "DynamoDB"
        }
        ("log", _) => {
            let Some(source) = source() else { return };
            properties.put("LogGroupName", source);
            properties.put("FilterPattern", "");
            "CloudWatchLogs"
        }
        ("event", "event") => {
            let mut pattern = Mapping::new();
            pattern.put_some("source", trigger.event.source.as_deref().map(|source| vec![source]));
            pattern.put_some("detail-type", trigger.event.kind_type.as_deref().map(|kind| vec![kind]));
            if pattern.is_empty() {
                // The pattern is for every event of the bus, and must not be empty.
                pattern.put("version", vec!["0"]);
            }
            properties.put("Pattern", pattern);
            if !trigger.is_enabled(site) {
                properties.put("State", "DISABLED");
            }
            "EventBridgeRule"
        }
        ("storage", _) => return bucket(site, deployment, trigger, own, stack, events),
        ("raw", _) => return,
        ("websocket", _) => return trigger.is_lacking(site, "make an `AWS::ApiGatewayV2::Api` in `resources`"),
        ("authorizer", _) => {
            return trigger.is_lacking(site, "name the function at the API that asks it, in `resources`");
        }
        _ => return trigger.is_lacking(site, "set the trigger up by hand"),
    };
    events.put(
        stack.ids.event(deployment, &trigger.name),
        Mapping::new().with("Type", kind).with("Properties", properties),
    );
}

/// Subscribes a function to a bucket. SAM does so for the buckets of its own template alone.
fn bucket(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
    own: Option<&Node>,
    stack: &mut Stack,
    events: &mut Mapping,
) {
    let Some(source) = trigger.source(site) else { return };
    let bucket = match made(own, source, "BucketName") {
        Some(id) => id.to_owned(),
        None => {
            let usual = format!("{}Bucket", logical(source));
            let is_laid_over = section(own, "Resources").iter().any(|entry| {
                let is_other = property_of(&entry.value, "BucketName").is_some();
                entry.key == usual && is_of(&entry.value, "AWS::S3::Bucket") && !is_other
            });
            let id = stack.ids.id(&format!("the bucket {source}"), &usual, &[""], is_laid_over);
            let made = Mapping::new()
                .with("Type", "AWS::S3::Bucket")
                .with("DeletionPolicy", "Retain")
                .with("UpdateReplacePolicy", "Retain")
                .with("Properties", Mapping::new().with("BucketName", source));
            let why = "SAM subscribes to buckets of its own template alone. One that exists has to be imported into the stack.";
            stack.resources.put_noted(id.as_str(), made, why);
            id
        }
    };
    let mut properties = Mapping::new();
    properties.put("Bucket", Document::Tagged("!Ref".to_owned(), Box::new(bucket.into())));
    let mut kinds: Vec<String> = site.texts(&trigger.event.node, "events");
    if kinds.is_empty() {
        kinds.push("s3:ObjectCreated:*".to_owned());
    }
    for kind in &mut kinds {
        // These are the words of other clouds for the same event.
        if let Some(rest) = ["oss:", "cos:"].iter().find_map(|prefix| kind.strip_prefix(prefix)) {
            *kind = format!("s3:{rest}");
        }
    }
    properties.put("Events", kinds);
    let (prefix, suffix) = trigger.filter(site);
    let rule = |name: &str, value: String| Mapping::new().with("Name", name).with("Value", value);
    let rules: Vec<Mapping> = [("prefix", prefix), ("suffix", suffix)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| rule(name, value))
        .collect();
    if !rules.is_empty() {
        properties.put("Filter", Mapping::new().with("S3Key", Mapping::new().with("Rules", rules)));
    }
    events.put(
        stack.ids.event(deployment, &trigger.name),
        Mapping::new().with("Type", "S3").with("Properties", properties),
    );
}

fn timer(site: &Site<'_>, deployment: &Deployment<'_>, trigger: &Trigger<'_>, stack: &mut Stack, events: &mut Mapping) {
    let Some(schedule) = &trigger.schedule else { return };
    let mut properties = Mapping::new();
    // The event has the name of its rule, by which the runtime finds its function.
    properties.put("Name", trigger.name.as_str());
    if trigger.name.len() > MOST_OF_TIMER {
        let message = format!("the name of a timer on AWS has at most {MOST_OF_TIMER} characters");
        let help = "its events are told apart by it, so that it is not cut: give it a shorter `name`";
        site.refuses(trigger.event.span, format!("{message}, and this is `{}`", trigger.name), help);
    }
    let is_enabled = trigger.is_enabled(site);
    if let Some(payload) = trigger.payload(site) {
        if deployment.only().is_none() {
            let message =
                "an event with a payload on AWS is this payload alone, and does not say which timer it is from";
            site.lacks(trigger.event.span, message, "leave out `payload`, or deploy the function by itself");
        }
        let is_json = serde_json::from_str::<serde_json::Value>(&payload).is_ok();
        properties.put("Input", if is_json { payload } else { Document::from(payload).to_json_line() });
    }
    let kind = match &schedule.timezone {
        None => {
            properties.put("Schedule", schedule.text.as_str());
            properties.put("State", if is_enabled { "ENABLED" } else { "DISABLED" });
            "Schedule"
        }
        // A rule is in UTC; a schedule of EventBridge Scheduler has a zone.
        Some(zone) => {
            properties.put("ScheduleExpression", schedule.text.as_str());
            properties.put("ScheduleExpressionTimezone", zone.as_str());
            properties.put("State", if is_enabled { "ENABLED" } else { "DISABLED" });
            "ScheduleV2"
        }
    };
    if let Some(earlier) = stack.timers.insert((kind, trigger.name.clone()), trigger.event.span) {
        let message = format!("two timers on AWS are called `{}`, as no two rules of a region are", trigger.name);
        let diagnostic = Diagnostic::error("same-name", trigger.event.span, message);
        site.add(diagnostic.other(earlier, "the other one").help("give one of them another `name`"));
    }
    events.put(
        stack.ids.event(deployment, &trigger.name),
        Mapping::new().with("Type", kind).with("Properties", properties),
    );
}

fn request(
    site: &Site<'_>,
    deployment: &Deployment<'_>,
    trigger: &Trigger<'_>,
    stack: &mut Stack,
    function: &mut Mapping,
    events: &mut Mapping,
) {
    let is_anonymous = deployment.is_anonymous(site, trigger);
    let cors = trigger.get(site, "cors").filter(|cors| cors.as_bool() != Some(false));
    let Some(path) = &trigger.event.path else {
        // Every path is served, at an address of its own.
        let mut url = Mapping::new().with("AuthType", if is_anonymous { "NONE" } else { "AWS_IAM" });
        if cors.is_some() {
            url.put("Cors", Mapping::new().with("AllowOrigins", vec!["*"]).with("AllowMethods", vec!["*"]));
        }
        function.put("FunctionUrlConfig", url);
        let id = logical(&deployment.unit.name);
        let address = Document::Tagged("!GetAtt".to_owned(), Box::new(format!("{id}Url.FunctionUrl").into()));
        stack.outputs.put(format!("{id}Url"), Mapping::new().with("Value", address));
        return;
    };
    stack.has_api = true;
    stack.has_iam |= !is_anonymous;
    stack.has_cors |= cors.is_some();
    let methods = match &trigger.event.methods[..] {
        [] => vec!["ANY".to_owned()],
        methods => methods.to_vec(),
    };
    let waits = trigger.get(site, "timeout").and_then(|node| {
        let time = node
            .as_int()
            .map(|seconds| seconds * 1_000)
            .or_else(|| i64::try_from(faas_core::settings::duration(node.as_text()?)?.as_millis()).ok())?;
        let placed = crate::model::Placed { value: time, span: node.span };
        within(site, "a gateway's timeout", Some(placed), 50..=30_000, "ms")
    });
    for route in gateway::route(site.platform, &path.value).routes {
        for method in &methods {
            let mut properties = Mapping::new();
            properties.put("ApiId", Document::Tagged("!Ref".to_owned(), Box::new(stack.api.as_str().into())));
            properties.put("Path", route.as_str());
            properties.put("Method", method.as_str());
            properties.put_some("TimeoutInMillis", waits);
            if !is_anonymous {
                properties.put("Auth", Mapping::new().with("Authorizer", "AWS_IAM"));
            }
            let id = stack.ids.event(deployment, &format!("{method}-{route}"));
            events.put(id, Mapping::new().with("Type", "HttpApi").with("Properties", properties));
        }
    }
}

/// Makes the gateway that all routes of the service are at.
fn api(site: &Site<'_>, stack: &mut Stack) {
    if !stack.has_api {
        return;
    }
    let mut properties = Mapping::new();
    if stack.has_iam {
        properties.put("Auth", Mapping::new().with("EnableIamAuthorizer", true));
    }
    if stack.has_cors {
        let all = Mapping::new()
            .with("AllowOrigins", vec!["*"])
            .with("AllowMethods", vec!["*"])
            .with("AllowHeaders", vec!["*"]);
        properties.put("CorsConfiguration", all);
    }
    if let (Some(domain), Some(host)) = (site.domain(), site.host()) {
        let _ = site.get(domain, "protocol");
        let certificate = site.get(domain, "certConfig").and_then(|certificate| match certificate.as_text() {
            Some(arn) => Some(arn.to_owned()),
            None => ["certificateArn", "certName"].iter().find_map(|key| site.text(certificate, key)),
        });
        match certificate.filter(|arn| arn.starts_with("arn:")) {
            Some(arn) => properties.put("Domain", Mapping::new().with("DomainName", host).with("CertificateArn", arn)),
            None => {
                let help = "write `certConfig: {certificateArn: 'arn:aws:acm:…'}` beside it";
                site.lacks(domain.span, format!("the domain {host} on AWS needs a certificate"), help);
            }
        }
    }
    let mut api = Mapping::new().with("Type", "AWS::Serverless::HttpApi");
    api.put_some("Properties", properties.some());
    stack.resources.put(stack.api.as_str(), api);
    let url = format!("https://${{{}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}", stack.api);
    let url = Document::Tagged("!Sub".to_owned(), Box::new(url.into()));
    stack.outputs.put("Url", Mapping::new().with("Value", url));
}
