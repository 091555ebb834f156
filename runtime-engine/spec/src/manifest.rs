//! The manifest of a unit: the `faas.json` that both runtimes read.

use crate::model::{Event, Fence, Function, Layer, Placed, Service, Written};
use crate::owners::environment;
use crate::units::Unit;
use faas_core::manifest::timer_name;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Serialize)]
struct Manifest<'m> {
    version: u32,
    name: String,
    digest: &'m str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<LayerEntry<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routing: Option<Routing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'m str>,
    functions: Vec<FunctionEntry<'m>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Routing {
    #[serde(skip_serializing_if = "Option::is_none")]
    trailing_slash: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LayerEntry<'m> {
    Name(&'m str),
    Object {
        name: &'m str,
        #[serde(skip_serializing_if = "Option::is_none")]
        config: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "is_false")]
        optional: bool,
    },
}

#[derive(Serialize)]
struct FunctionEntry<'m> {
    name: &'m str,
    #[serde(skip_serializing_if = "str::is_empty")]
    handler: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<&'m str, &'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<LayerEntry<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fence: Option<FenceEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<RecordsEntry<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<BTreeMap<&'static str, Filter<'m>>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum FenceEntry {
    Never(bool),
    After { failures: u32, r#for: String },
}

#[derive(Serialize)]
struct RecordsEntry<'m> {
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<&'m str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Filter<'m> {
    Every(bool),
    Http {
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<&'m str>,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        method: &'m [String],
    },
    Source {
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#type: Option<&'m str>,
        #[serde(flatten)]
        schedule: Option<&'m Written>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Returns the manifest of a unit, as JSON with line ends. `digest` is that of the yml; `udev` are variables that stand
/// over those of the yml.
pub(crate) fn manifest(
    service: &Service,
    unit: &Unit,
    digest: &str,
    udev: &BTreeMap<String, String>,
) -> Result<String, serde_json::Error> {
    let functions: Vec<&Function> = unit.members.iter().map(|number| &service.functions[*number]).collect();
    let routing = (service.strict_slash || service.ignore_case).then(|| Routing {
        trailing_slash: service.strict_slash.then_some("strict"),
        case: service.ignore_case.then_some("insensitive"),
    });
    let default = functions.iter().find(|function| function.default.is_some());
    let timers = functions.iter().flat_map(|function| &function.events).filter(|event| event.key.kinds == ["timer"]);
    let names = TimerNames { is_only_one: timers.count() == 1 };
    let layers = service.layers.iter().chain(&service.provider.layers).chain(&unit.common.layers);
    let manifest = Manifest {
        version: 1,
        name: format!("{}-{}", service.name, unit.name),
        digest,
        layers: entries(layers)?,
        routing,
        default: default.map(|function| function.name.as_str()),
        functions: functions
            .iter()
            .map(|function| entry(service, unit, function, &names, udev))
            .collect::<Result<_, _>>()?,
    };
    serde_json::to_string_pretty(&manifest).map(|text| text + "\n")
}

/// The names for timers that have no name in the yml.
pub(crate) struct TimerNames {
    /// `true` if there is one timer alone, which needs no name: it gets every event of a timer.
    pub(crate) is_only_one: bool,
}

impl TimerNames {
    /// Returns the name that a deployment gives the timer of that number among the function's timers, from 0.
    pub(crate) fn of(function: &Function, number: usize) -> String {
        timer_name(&function.name, number + 1)
    }
}

fn entry<'m>(
    service: &'m Service,
    unit: &'m Unit,
    function: &'m Function,
    names: &TimerNames,
    udev: &'m BTreeMap<String, String>,
) -> Result<FunctionEntry<'m>, serde_json::Error> {
    let mut variables: BTreeMap<&str, &str> =
        environment(service, unit, function).into_iter().map(|variable| (&*variable.name, &*variable.value)).collect();
    variables.extend(udev.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let commons = [&function.common, &unit.common, &service.provider];
    let timeout: Option<Placed<Duration>> = commons.iter().find_map(|common| common.timeout);
    let concurrency = commons.iter().find_map(|common| common.concurrency);
    let mut timer = 0;
    let mut events = Vec::new();
    for event in &function.events {
        let is_timer = event.key.kinds == ["timer"];
        for kind in event.key.kinds {
            let generated = is_timer.then(|| TimerNames::of(function, timer)).filter(|_| !names.is_only_one);
            events.push(BTreeMap::from([(*kind, filter(event, generated))]));
        }
        timer += usize::from(is_timer);
    }
    Ok(FunctionEntry {
        name: &function.name,
        handler: &function.handler,
        config: raw(&function.config)?,
        environment: variables,
        timeout: timeout.map(|timeout| duration(timeout.value)),
        concurrency: concurrency.map(|concurrency| concurrency.value),
        start: function.is_lazy.then_some("lazy"),
        layers: entries(function.common.layers.iter())?,
        fence: function.fence.map(|fence| match fence {
            Fence::Never => FenceEntry::Never(false),
            Fence::After(failures, time) => FenceEntry::After { failures, r#for: duration(time) },
        }),
        records: function
            .records
            .as_ref()
            .map(|records| RecordsEntry { concurrency: records.concurrency, failures: records.failures.as_deref() }),
        events,
    })
}

fn filter(event: &Event, generated: Option<String>) -> Filter<'_> {
    if event.is_http() {
        return match (&event.path, event.methods.is_empty()) {
            (None, true) => Filter::Every(true),
            (path, _) => Filter::Http { path: path.as_ref().map(|path| path.value.as_str()), method: &event.methods },
        };
    }
    let source = event.source.clone().or(generated);
    match (source, event.kind_type.as_deref(), event.schedule.as_ref()) {
        (None, None, None) => Filter::Every(true),
        (source, r#type, schedule) => Filter::Source { source, r#type, schedule },
    }
}

/// Returns the layers in order. A layer that is there with the same configuration already is not added again.
fn entries<'m>(layers: impl Iterator<Item = &'m Layer>) -> Result<Vec<LayerEntry<'m>>, serde_json::Error> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut all = Vec::new();
    for layer in layers {
        if seen.contains(&(&layer.name, &layer.config)) {
            continue;
        }
        seen.push((&layer.name, &layer.config));
        all.push(if layer.config.is_empty() && !layer.is_optional {
            LayerEntry::Name(&layer.name)
        } else {
            LayerEntry::Object { name: &layer.name, config: raw(&layer.config)?, optional: layer.is_optional }
        });
    }
    Ok(all)
}

fn raw(json: &str) -> Result<Option<Box<RawValue>>, serde_json::Error> {
    if json.is_empty() { Ok(None) } else { RawValue::from_string(json.to_owned()).map(Some) }
}

/// Returns a time in the form of the manifest.
fn duration(time: Duration) -> String {
    match (time.as_secs(), time.subsec_millis()) {
        (seconds, 0) => format!("{seconds}s"),
        _ => format!("{}ms", time.as_millis()),
    }
}
