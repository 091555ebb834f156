//! One unit on one platform, with the parts that every platform's writer needs.

use super::document::{Document, Mapping};
use super::names::{in_words_of, label, label_within, numbered};
use super::script;
use super::site::Site;
use crate::cron::dialect::{Dialect, Emitted};
use crate::diagnostic::Diagnostic;
use crate::manifest::TimerNames;
use crate::model::{Event, Function, Placed};
use crate::owners::environment;
use crate::source::Span;
use crate::timers;
use crate::tree::Node;
use crate::units::Unit;
use faas_core::secrets::MARK;
use std::collections::{BTreeMap, BTreeSet};

/// One unit on one platform.
#[derive(Debug)]
pub(super) struct Deployment<'s> {
    pub(super) unit: &'s Unit,
    pub(super) functions: Vec<&'s Function>,
    /// The unit's name on the platform.
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// The text that names its function. With several functions it is the unit's name, which is no function's.
    pub(super) handler: String,
    /// The memory of an instance in MB; `None` if the yml does not set it.
    pub(super) memory: Option<Placed<i64>>,
    /// The longest time that one of its functions may take, in whole seconds; `None` if the yml does not set it.
    pub(super) timeout: Option<Placed<i64>>,
    /// The time that its start may take, in whole seconds; `None` if the yml does not set it.
    pub(super) init_timeout: Option<Placed<i64>>,
    /// The number of invocations that run in an instance at once; `None` if the yml does not set it.
    pub(super) concurrency: Option<Placed<i64>>,
    /// The variables of the process. A variable of only one of several functions stays in the manifest, where the
    /// others do not see it.
    pub(super) variables: Vec<(String, String)>,
    /// The variables that bring secrets, with the names of these.
    pub(super) secrets: Vec<(String, String)>,
    /// The events that are delivered to it.
    pub(super) triggers: Vec<Trigger<'s>>,
}

/// An event that is delivered to a unit.
#[derive(Debug)]
pub(super) struct Trigger<'s> {
    pub(super) function: &'s Function,
    pub(super) event: &'s Event,
    /// The kind of event, as the word of the manifest; for `mq`, which has two words, the first.
    pub(super) kind: &'static str,
    /// The name of the trigger, which no other trigger of the unit has.
    pub(super) name: String,
    /// `true` if the name is the yml's own, or that of a timer, by which the runtime knows it; with a number if another one
    /// has it, too.
    is_named: bool,
    /// The schedule in the platform's words. It is `None` if it is no timer, or the platform has no such timers, which
    /// is reported.
    pub(super) schedule: Option<Emitted>,
}

impl<'s> Trigger<'s> {
    pub(super) fn is_http(&self) -> bool {
        self.event.is_http()
    }

    pub(super) fn word(&self) -> &'static str {
        self.event.key.word
    }

    /// Returns the source of the events; `None` without one. Then there is nothing to subscribe to, which is reported.
    pub(super) fn source(&self, site: &Site<'_>) -> Option<&'s str> {
        let event: &'s Event = self.event;
        if event.source.is_none() {
            let message = format!("`{}` does not say where its events come from", self.word());
            site.lacks(event.span, message, &format!("write `{}` beside it", event.key.source));
        }
        event.source.as_deref()
    }

    pub(super) fn get(&self, site: &Site<'_>, key: &str) -> Option<&'s Node> {
        let event: &'s Event = self.event;
        site.get(&event.node, key)
    }

    pub(super) fn text(&self, site: &Site<'_>, key: &str) -> Option<String> {
        site.text(&self.event.node, key)
    }

    /// Returns `false` if the yml switches it off. Only a platform that can do so asks.
    pub(super) fn is_enabled(&self, site: &Site<'_>) -> bool {
        self.get(site, "enable").and_then(Node::as_bool).unwrap_or(true)
    }

    /// Returns the payload of a timer as a text.
    pub(super) fn payload(&self, site: &Site<'_>) -> Option<String> {
        let payload = self.get(site, "payload")?;
        Some(match payload.as_written(site.sources) {
            Some(text) => text.to_owned(),
            None => Document::of(payload, site.sources).to_json_line(),
        })
    }

    /// Returns the beginning and the end of objects' names, by which a bucket's events are filtered.
    pub(super) fn filter(&self, site: &Site<'_>) -> (String, String) {
        let Some(filter) = self.get(site, "filter") else { return Default::default() };
        let text = |key| site.text(filter, key).unwrap_or_default();
        (text("prefix"), text("suffix"))
    }

    /// Reports that the platform delivers no such events.
    pub(super) fn is_lacking(&self, site: &Site<'_>, help: &str) {
        let message =
            format!("nothing on {} delivers `{}` to a function by a deployment file", site.title(), self.word());
        site.lacks(self.event.span, message, help);
        // One report for the whole event is enough.
        site.take_all(&self.event.node);
    }
}

impl Deployment<'_> {
    pub(super) fn span(&self) -> Span {
        self.unit.span
    }

    /// Returns the only function; `None` if there are several.
    pub(super) fn only(&self) -> Option<&Function> {
        if let [only] = self.functions[..] { Some(only) } else { None }
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &Trigger<'_>> {
        self.triggers.iter().filter(|trigger| trigger.is_http())
    }

    pub(super) fn has_requests(&self) -> bool {
        self.requests().next().is_some()
    }

    /// Returns `true` if anybody may call every trigger of HTTP.
    pub(super) fn is_public(&self, site: &Site<'_>) -> bool {
        self.requests().all(|trigger| self.is_anonymous(site, trigger))
    }

    /// Returns `true` if anybody may call this trigger: the first setting counts of the trigger itself, its function,
    /// its unit, the provider.
    pub(super) fn is_anonymous(&self, site: &Site<'_>, trigger: &Trigger<'_>) -> bool {
        let function = site.of_function(&trigger.function.name);
        let places = [Some(&trigger.event.node), function, site.of_unit(self.unit), site.spec.tree.get("provider")];
        let words: Vec<_> = places.into_iter().flatten().filter_map(|node| site.text(node, "authType")).collect();
        words.first().is_none_or(|word| word.eq_ignore_ascii_case("anonymous"))
    }

    /// Returns a mapping of its variables.
    pub(super) fn environment(&self) -> Mapping {
        let mut out = Mapping::new();
        for (name, value) in &self.variables {
            out.put(name.as_str(), value.as_str());
        }
        out
    }

    /// Checks an event that is no request. It reaches the process as a request without the name of a function, so in a
    /// unit of several functions the default one gets it. Reports if the event is another function's.
    pub(super) fn needs_default(&self, site: &Site<'_>, trigger: &Trigger<'_>) {
        if self.only().is_none() && trigger.function.default.is_none() {
            let message = format!(
                "on {} this event does not say which function of `{}` it is for, and goes to the default one",
                site.title(),
                self.unit.name
            );
            let help = format!("write `default: true` at `{}`, or deploy it by itself", trigger.function.name);
            site.lacks(trigger.event.span, message, &help);
        }
    }
}

/// Returns the host of the domain where it can be one deployment's alone, and the name of that one. If there are
/// several, that is reported.
pub(super) fn only_host<'d>(site: &Site<'_>, deployments: &'d [Deployment<'_>]) -> Option<(String, &'d str)> {
    let host = site.host()?;
    let all: Vec<&Deployment<'_>> = deployments.iter().filter(|deployment| deployment.has_requests()).collect();
    match all[..] {
        [only] => Some((host, &only.name)),
        [] => None,
        [..] => {
            let span = site.domain().map_or(all[0].span(), |domain| domain.span);
            let message = format!("a domain on {} is one deployment's, and {} have requests", site.title(), all.len());
            site.lacks(span, message, "put the functions into one unit, or a load balancer before them");
            None
        }
    }
}

/// Returns all units of the service, as deployments on the platform.
pub(super) fn all<'s>(site: &Site<'s>) -> Vec<Deployment<'s>> {
    let spec = site.spec;
    // Every platform reads these, whether there is a unit or not.
    let _ = (site.provider("runtime"), site.provider("region"));
    take_texts(site);
    take_domain(site);
    let all: Vec<Deployment<'s>> = spec.units.iter().map(|unit| deployment(site, unit)).collect();
    wants_secrets_apart(site, &all);
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    for deployment in &all {
        if let Some(earlier) = names.insert(&deployment.name, deployment.span()) {
            let message = format!("two deployments are called `{}` on {}", deployment.name, site.title());
            let diagnostic = Diagnostic::error("same-name", deployment.span(), message);
            site.add(diagnostic.other(earlier, "the other one").help("give one of them another `name`"));
        }
    }
    all
}

/// Reports secrets whose names become one: who asks for the one would get the other.
fn wants_secrets_apart(site: &Site<'_>, deployments: &[Deployment<'_>]) {
    let mut known: BTreeMap<(Option<&str>, String), (&str, Span)> = BTreeMap::new();
    for deployment in deployments {
        for (variable, secret) in &deployment.secrets {
            // A process has its own variables, and what is beyond it belongs to all.
            let beyond = names_of_secret(site.platform, secret).into_iter().map(|name| (None, name));
            let names: Vec<_> =
                std::iter::once((Some(deployment.unit.name.as_str()), variable.clone())).chain(beyond).collect();
            let other = names.iter().find_map(|name| Some((name, *known.get(name)?)));
            match other.filter(|(_, (other, _))| other != secret) {
                Some(((_, name), (other, earlier))) => {
                    let message = format!("the secrets `{other}` and `{secret}` are both `{name}` on {}", site.title());
                    let diagnostic = Diagnostic::error("same-name", deployment.span(), message);
                    site.add(diagnostic.other(earlier, "the other one is here").help("give one of them another name"));
                }
                None => known.extend(names.into_iter().map(|name| (name, (secret.as_str(), deployment.span())))),
            }
        }
    }
}

/// Returns what a secret is called outside of the processes: as the deploying shell's variable, or where it is kept.
fn names_of_secret(platform: &str, secret: &str) -> Vec<String> {
    match platform {
        // Secrets Manager takes every name as it is.
        "aws-lambda" => Vec::new(),
        "yandex" => {
            let (name, key) = secret.rsplit_once('/').unwrap_or((secret, "value"));
            vec![format!("{}/{key}", label(name))]
        }
        "azure-functions" | "google-cloud" | "knative" | "kubernetes" => vec![label(secret)],
        "azure-container-apps" | "openfaas" => vec![script::variable(secret), label(secret)],
        _ => vec![script::variable(secret)],
    }
}

/// Takes the domain in `custom`. The platform's own domain, and no domain, need no setting.
fn take_domain(site: &Site<'_>) {
    let Some(custom) = site.get(&site.spec.tree, "custom") else { return };
    let Some(domain) = custom.get("customDomain") else { return };
    let is_own = match domain.get("domainName") {
        Some(name) => name.as_text() == Some("auto"),
        None => domain.as_map().is_none(),
    };
    if is_own {
        site.take(domain);
        domain.as_map().into_iter().flat_map(|map| map.entries()).for_each(|entry| site.take(&entry.value));
    }
}

/// Takes the texts for people, and the keys whose values are the defaults.
fn take_texts(site: &Site<'_>) {
    let tree = &site.spec.tree;
    let parts = |key: &str| tree.get(key).and_then(Node::as_map).map(|map| map.entries()).unwrap_or_default();
    let places = parts("functions").iter().chain(parts("aggregation")).map(|entry| &entry.value);
    for node in places.chain(tree.get("provider")).chain(tree.get("service")) {
        for key in ["description", "name", "runtime", "authType"] {
            let _ = site.get(node, key);
        }
    }
    for event in site.spec.service.functions.iter().flat_map(|function| &function.events) {
        let _ = site.get(&event.node, "name");
        for (key, usual) in [("enable", true), ("integratedResponse", true), ("cors", false)] {
            if let Some(node) = event.node.get(key).filter(|node| node.as_bool() == Some(usual)) {
                site.take(node);
            }
        }
    }
}

fn deployment<'s>(site: &Site<'s>, unit: &'s Unit) -> Deployment<'s> {
    let service = &site.spec.service;
    let functions: Vec<&'s Function> = unit.members.iter().map(|number| &service.functions[*number]).collect();
    let own = match (site.of_unit(unit), &functions[..]) {
        (None, [only]) => site.of_function(&only.name),
        (own, _) => own,
    };
    let text = |key: &str| own.and_then(|own| site.text(own, key));
    let name = text("name").unwrap_or_else(|| format!("{}-{}-{}", service.name, service.stage, unit.name));
    let handler = match &functions[..] {
        [only] if only.handler.is_empty() => only.name.clone(),
        [only] => only.handler.clone(),
        _ => unit.name.clone(),
    };
    let (variables, secrets) = variables(site, unit, &functions);
    Deployment {
        unit,
        name: in_words_of(site.platform, &name),
        description: text("description"),
        handler,
        memory: limit(site, unit, &functions, "memorySize"),
        timeout: timeout(site, unit, &functions),
        init_timeout: limit(site, unit, &functions, "initTimeout"),
        concurrency: limit(site, unit, &functions, "concurrency"),
        variables,
        secrets,
        triggers: if unit.is_owner { triggers(site, &functions) } else { Vec::new() },
        functions,
    }
}

/// Returns the name of what brings an event to a deployment, of at most `most` characters: a label of DNS, made of both
/// names.
pub(super) fn joined_name(deployment: &Deployment<'_>, trigger: &Trigger<'_>, most: usize) -> String {
    label_within(&format!("{}-{}", deployment.name, trigger.name), most)
}

/// Reports events whose [`joined_name`]s are one: what brings the one would take the place of what brings the other.
pub(super) fn wants_joined_names_apart(site: &Site<'_>, deployments: &[Deployment<'_>], most: usize) {
    wants_names_apart(site, deployments, |trigger| is_delivered(trigger).then_some(most));
}

/// Returns `true` for an event that something apart from the function brings.
pub(super) fn is_delivered(trigger: &Trigger<'_>) -> bool {
    !matches!(trigger.kind, "http" | "raw")
}

/// Does the same where it depends on the event how many characters its name has. An event of which that is `None` is
/// passed over.
pub(super) fn wants_names_apart(
    site: &Site<'_>,
    deployments: &[Deployment<'_>],
    most: impl Fn(&Trigger<'_>) -> Option<usize>,
) {
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    for deployment in deployments {
        for trigger in &deployment.triggers {
            let Some(most) = most(trigger) else { continue };
            let (name, span) = (joined_name(deployment, trigger, most), trigger.event.span);
            let message = format!("what brings two events on {} is called `{name}`", site.title());
            if let Some(earlier) = names.insert(name, span) {
                let diagnostic = Diagnostic::error("same-name", span, message);
                site.add(diagnostic.other(earlier, "the other one").help("give one of them another `name`"));
            }
        }
    }
}

/// Returns a limit of a unit, in seconds where it is a time: its own, else the most that its functions ask for, else
/// the provider's.
fn limit(site: &Site<'_>, unit: &Unit, functions: &[&Function], key: &str) -> Option<Placed<i64>> {
    let number = |node: &Node| {
        let value = node.as_int().or_else(|| {
            let time = faas_core::settings::duration(node.as_written(site.sources)?)?;
            i64::try_from(time.as_secs_f64().ceil() as u64).ok()
        })?;
        Some(Placed { value, span: node.span })
    };
    let own = site.of_unit(unit).and_then(|own| site.get(own, key)).and_then(number);
    let of = functions.iter().filter_map(|function| site.get(site.of_function(&function.name)?, key).and_then(number));
    let most = of.max_by_key(|placed| placed.value);
    own.or(most).or_else(|| site.provider(key).and_then(number))
}

/// Returns the longest time that a function of the unit may take.
fn timeout(site: &Site<'_>, unit: &Unit, functions: &[&Function]) -> Option<Placed<i64>> {
    let of = |function: &&Function| {
        let commons = [&function.common, &unit.common, &site.spec.service.provider];
        let timeout = commons.into_iter().find_map(|common| common.timeout)?;
        let seconds = timeout.value.as_secs() + u64::from(timeout.value.subsec_nanos() > 0);
        Some(Placed { value: i64::try_from(seconds).ok()?, span: timeout.span })
    };
    functions.iter().filter_map(of).max_by_key(|placed| placed.value)
}

type Pairs = Vec<(String, String)>;

/// Returns the variables of the process, and its secrets. A text with a secret in it stays in the manifest, where the
/// process puts the value into its place. The platform only brings the secret, under the name that the process asks its
/// environment for.
fn variables(site: &Site<'_>, unit: &Unit, functions: &[&Function]) -> (Pairs, Pairs) {
    let service = &site.spec.service;
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    let mut secrets: BTreeSet<(String, String)> = BTreeSet::new();
    let mut look = |text: &str| {
        let all = secrets_in(text);
        let has_some = !all.is_empty();
        secrets.extend(all.into_iter().map(|name| (script::process_variable(name), name.to_owned())));
        has_some
    };
    for function in functions {
        for variable in environment(service, unit, function) {
            let is_own = function.common.environment.iter().any(|own| own.name == variable.name);
            if !look(&variable.value) && (functions.len() == 1 || !is_own) {
                // Where no runtime reads it, the sign for the text itself is replaced by the text.
                let value = variable.value.replace(&format!("${MARK}"), MARK);
                variables.insert(variable.name.clone(), value);
            }
        }
        look(&function.config);
        for layer in &function.common.layers {
            look(&layer.config);
        }
    }
    for layer in service.layers.iter().chain(&service.provider.layers).chain(&unit.common.layers) {
        look(&layer.config);
    }
    variables.extend(site.spec.udev.iter().map(|(name, value)| (name.clone(), value.clone())));
    (variables.into_iter().collect(), secrets.into_iter().collect())
}

/// Returns the names of the secrets in a text.
fn secrets_in(text: &str) -> Vec<&str> {
    let starts = text.match_indices(MARK).filter(|(at, _)| !text[..*at].ends_with('$'));
    starts.filter_map(|(at, sign)| text[at + sign.len()..].split_once('}')).map(|(name, _)| name.trim()).collect()
}

fn triggers<'s>(site: &Site<'s>, functions: &[&'s Function]) -> Vec<Trigger<'s>> {
    let mut all: Vec<Trigger<'s>> = Vec::new();
    for function in functions {
        let mut timer = 0;
        for event in &function.events {
            let Some(kind) = event.key.kinds.first().copied() else { continue };
            let is_timer = kind == "timer";
            let generated = is_timer.then(|| TimerNames::of(function, timer));
            timer += usize::from(is_timer);
            // The event of a timer has the timer's name as its source.
            let named = if is_timer { None } else { event.node.get("name").and_then(Node::as_text).map(str::to_owned) };
            let named = named.or_else(|| event.source.clone().filter(|_| is_timer)).or(generated);
            let is_named = named.is_some();
            let name = named.unwrap_or_else(|| usual_name(function, event));
            let schedule = if is_timer { schedule(site, event) } else { None };
            all.push(Trigger { function, event, kind, name, is_named, schedule });
        }
    }
    // An event without a name, wherever it stands, takes no other one's name.
    let mut taken = BTreeSet::new();
    for is_named in [true, false] {
        for trigger in all.iter_mut().filter(|trigger| trigger.is_named == is_named) {
            trigger.name = numbered(&trigger.name, str::to_owned, &mut taken);
        }
    }
    all
}

/// Returns the name of an event to which the yml gives none.
fn usual_name(function: &Function, event: &Event) -> String {
    format!("{}-{}", function.name, event.key.word)
}

/// Reports events that have their names by their order alone, of those for which `is_known_by_name` is `true`. If one more
/// is put before them, the platform finds under each name what another one's events come from.
pub(super) fn warns_of_order(
    site: &Site<'_>,
    deployments: &[Deployment<'_>],
    is_known_by_name: impl Fn(&Trigger<'_>) -> bool,
) {
    for deployment in deployments {
        let mut alike: BTreeMap<String, Vec<&Trigger<'_>>> = BTreeMap::new();
        for trigger in &deployment.triggers {
            if is_delivered(trigger) && !trigger.is_named && is_known_by_name(trigger) {
                alike.entry(usual_name(trigger.function, trigger.event)).or_default().push(trigger);
            }
        }
        for all in alike.values() {
            let [first, second, ..] = all[..] else { continue };
            let names: Vec<String> = all.iter().map(|trigger| format!("`{}`", trigger.name)).collect();
            let title = site.title();
            let message = format!("events on {title} have their names by their order in the yml: {}", names.join(", "));
            let diagnostic = Diagnostic::warning("name-by-order", second.event.span, message);
            let help = "write that name beside each as its `name`, so that it keeps it when others come or go";
            site.add(diagnostic.other(first.event.span, "the first of them").help(help));
        }
    }
}

/// Returns the schedule of a timer in the platform's words; `None` if there is none. A schedule that the platform
/// cannot have is reported.
fn schedule(site: &Site<'_>, event: &Event) -> Option<Emitted> {
    let timer = match timers::read(event, site.sources) {
        Ok(Some(timer)) => timer,
        Ok(None) => {
            let help = "write `cron` or `every` beside it";
            site.lacks(event.span, "the timer does not say when, so no trigger is written", help);
            return None;
        }
        // The check of the yml has reported it.
        Err(diagnostic) => {
            site.add(*diagnostic);
            return None;
        }
    };
    let Some(dialect) = Dialect::of(site.platform) else {
        let message = format!("{} has no timers that a deployment file sets up", site.title());
        site.lacks(event.span, message, "send it a request from a timer elsewhere");
        site.take_all(&event.node);
        return None;
    };
    for key in ["type", "value", "cron", "every", "timezone", "days"] {
        let _ = site.get(&event.node, key);
    }
    match dialect.emit(&timer.schedule, timer.timezone.as_deref()) {
        Ok(emitted) => {
            if dialect.leaves_zone_open(&timer.schedule) {
                let message = format!("this schedule is in UTC, and {} does not say which zone it has", site.title());
                site.lacks(
                    timer.span,
                    message,
                    "look at its first times there; every quarter of an hour is the same in all zones",
                );
            }
            Some(emitted)
        }
        Err(refused) => {
            let message = format!("this schedule cannot be on {}: {refused}", site.title());
            site.refuses(timer.span, message, "");
            None
        }
    }
}

/// Reports a limit that is larger than the platform takes. Returns the value if it fits.
pub(super) fn within(
    site: &Site<'_>,
    what: &str,
    placed: Option<Placed<i64>>,
    range: std::ops::RangeInclusive<i64>,
    unit: &str,
) -> Option<i64> {
    let Placed { value, span } = placed?;
    if range.contains(&value) {
        return Some(value);
    }
    let (least, most) = range.into_inner();
    let message = format!("{} takes {what} from {least} to {most} {unit}, and this is {value}", site.title());
    site.refuses(span, message, "");
    None
}

/// Returns the least value of a list that is at least this one. Says that a limit was rounded up; beyond the last is an
/// error.
pub(super) fn step_up(site: &Site<'_>, what: &str, placed: Option<Placed<i64>>, steps: &[i64]) -> Option<i64> {
    let Placed { value, span } = placed?;
    let Some(step) = steps.iter().copied().find(|step| *step >= value) else {
        let most = steps.last().copied().unwrap_or_default();
        site.refuses(span, format!("{} has at most {most} MB of {what}, and this is {value}", site.title()), "");
        return None;
    };
    if step != value {
        site.lacks(span, format!("{} has {what} in steps: {value} becomes {step} MB", site.title()), "");
    }
    Some(step)
}
