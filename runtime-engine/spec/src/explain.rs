//! Answers about a key, a function, or a request: the result, and the line that it comes from.

use crate::Spec;
use crate::cron::Civil;
use crate::cron::dialect::Dialect;
use crate::gateway;
use crate::keys::{AGGREGATION, Effect, FUNCTION, KINDS, Key, Object, PROVIDER, SERVICE, Shape};
use crate::manifest::TimerNames;
use crate::model::{Event, Function};
use crate::owners::environment;
use crate::source::{Sources, Span};
use crate::timers;
use crate::units::Unit;
use faas_core::router::{Found, Matching, Params, Router};
use std::fmt::Write;

/// A key with the place in the yml where it may stand.
#[derive(Debug)]
pub struct KeyPlace {
    /// The place, as `functions.<name>.timeout`.
    pub path: String,
    /// The key itself.
    pub key: &'static Key,
}

/// Returns all keys, in the order of the table, each with the path to it.
pub fn keys() -> Vec<KeyPlace> {
    let mut all = Vec::new();
    of_object(&SERVICE, "", &mut all);
    for kind in KINDS {
        of_object(kind.object, &format!("functions.<name>.events[].{}", kind.word), &mut all);
    }
    all
}

fn of_object(object: &'static Object, path: &str, all: &mut Vec<KeyPlace>) {
    for key in object.keys {
        let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        all.push(KeyPlace { path: path.clone(), key });
        of_shape(&key.shape, &path, all);
    }
}

fn of_shape(shape: &'static Shape, path: &str, all: &mut Vec<KeyPlace>) {
    match shape {
        Shape::Object(object) => of_object(object, path, all),
        Shape::Map(_, of) => of_shape(of, &format!("{path}.<name>"), all),
        Shape::List(of) | Shape::OneOrMany(of) => of_shape(of, &format!("{path}[]"), all),
        Shape::Either(shapes) => {
            // Lists and mappings of one thing have its keys in common, so one path to them is enough.
            let leads = |shape: &&Shape| {
                matches!(shape, Shape::Object(_) | Shape::Map(..) | Shape::List(_) | Shape::OneOrMany(_))
            };
            if let Some(shape) = shapes.iter().rev().find(leads) {
                of_shape(shape, path, all);
            }
        }
        _ => {}
    }
}

/// Returns a description of the keys of that name: by their whole path, with or without names in it, or by their last
/// word. It is empty if there is no such key.
///
/// ```
/// use serverless_spec::explain::key;
///
/// assert!(key("functions.handler").contains("handler"));
/// assert_eq!(key("memroy"), "");
/// ```
pub fn key(asked: &str) -> String {
    let fits = |place: &KeyPlace| {
        let plain = place.path.replace(".<name>", "").replace("[]", "");
        place.path == asked || plain == asked || place.key.name == asked
    };
    // The same key stands in several places. The parts that are the same are written once.
    let mut said: Vec<(Vec<String>, &'static Key)> = Vec::new();
    for KeyPlace { path, key } in keys().into_iter().filter(fits) {
        let is_same = |other: &Key| (other.doc, other.default, other.effect) == (key.doc, key.default, key.effect);
        match said.iter_mut().find(|(_, other)| is_same(other)) {
            Some((paths, _)) => paths.push(path),
            None => said.push((vec![path], key)),
        }
    }
    let mut out = String::new();
    for (paths, key) in said {
        let _ = writeln!(out, "{}: {}", paths.join(", "), key.shape.words());
        let _ = writeln!(out, "  {}", key.doc);
        if let Some(default) = key.default {
            let _ = writeln!(out, "  default: {default}");
        }
        let _ = writeln!(out, "  {}", effect(key));
        for (platform, name) in key.platforms {
            let _ = writeln!(out, "  on {platform}: {name}");
        }
    }
    out
}

/// Returns the effect of a key, in words.
pub fn effect(key: &Key) -> String {
    match key.effect {
        Effect::Manifest(becomes) => format!("becomes {becomes} in the manifest"),
        Effect::Plan(decides) => format!("decides {decides}"),
        Effect::Deployment => "goes into deployment files".to_owned(),
        Effect::Nothing(why) => format!("has no effect: {why}"),
    }
}

/// Returns a description of a function, with the line that each part comes from. It is empty if there is no such
/// function.
pub fn function(spec: &Spec, sources: &Sources, name: &str, from: Civil) -> String {
    let Some(number) = spec.service.functions.iter().position(|function| function.name == name) else {
        return String::new();
    };
    let function = &spec.service.functions[number];
    let mut out = String::new();
    let line = |out: &mut String, text: &str, span: Option<Span>| {
        let place = span.map(|span| format!("  ({})", sources.place(span))).unwrap_or_default();
        let _ = writeln!(out, "{text}{place}");
    };
    line(&mut out, &format!("function {name}"), Some(function.span));
    let handler = if function.handler.is_empty() { name } else { &function.handler };
    line(&mut out, &format!("  handler {handler}"), None);
    for unit in spec.units.iter().filter(|unit| unit.members.contains(&number)) {
        let what = match (unit.is_aggregation, unit.is_owner) {
            (true, _) => format!("  in the unit {} with {} functions", unit.name, unit.members.len()),
            (false, true) => "  a deployment of its own".to_owned(),
            (false, false) => "  a deployment of its own as well, without the events".to_owned(),
        };
        line(&mut out, &what, unit.is_aggregation.then_some(unit.span));
        limits(&mut out, spec, sources, unit, function);
    }
    events(&mut out, spec, sources, function, from);
    out
}

fn limits(out: &mut String, spec: &Spec, sources: &Sources, unit: &Unit, function: &Function) {
    let commons = [&function.common, &unit.common, &spec.service.provider];
    match commons.iter().find_map(|common| common.timeout) {
        Some(timeout) => {
            let _ = writeln!(out, "    timeout {:?}  ({})", timeout.value, sources.place(timeout.span));
        }
        None => out.push_str("    timeout: the platform's\n"),
    }
    match commons.iter().find_map(|common| common.concurrency) {
        Some(limit) => {
            let _ = writeln!(out, "    concurrency {}  ({})", limit.value, sources.place(limit.span));
        }
        None => out.push_str("    concurrency: the platform's\n"),
    }
    for variable in environment(&spec.service, unit, function) {
        // The value may be a secret, so it is left out.
        let _ = writeln!(out, "    environment {}  ({})", variable.name, sources.place(variable.span));
    }
    let layers = spec.service.layers.iter().chain(&spec.service.provider.layers).chain(&unit.common.layers);
    for layer in layers.chain(&function.common.layers) {
        let _ = writeln!(out, "    layer {}  ({})", layer.name, sources.place(layer.span));
    }
}

fn events(out: &mut String, spec: &Spec, sources: &Sources, function: &Function, from: Civil) {
    if function.events.is_empty() {
        out.push_str("  serves nothing by itself: it is called by its name\n");
    }
    let mut timer = 0;
    for event in &function.events {
        let place = sources.place(event.span);
        if event.is_http() {
            let path = event.path.as_ref().map_or("every path", |path| path.value.as_str());
            let methods = if event.methods.is_empty() { "ANY".to_owned() } else { event.methods.join(", ") };
            let _ = writeln!(out, "  {} {methods} {path}  ({place})", event.key.word);
            if let Some(path) = &event.path {
                gateways(out, spec.platform, &path.value);
            }
            continue;
        }
        let is_timer = event.key.kinds == ["timer"];
        let generated = is_timer.then(|| TimerNames::of(function, timer));
        timer += usize::from(is_timer);
        let source = event.source.clone().or(generated);
        let of = source.map(|source| format!(" {source}")).unwrap_or_default();
        let _ = writeln!(out, "  {}{of}  ({place})", event.key.word);
        if is_timer {
            schedule(out, spec.platform, sources, event, from);
        }
    }
}

/// Returns the platforms to describe: the one that the yml is for, or all.
fn platforms(platform: Option<&'static str>) -> Vec<&'static str> {
    platform.map_or_else(|| crate::platform::names().collect(), |platform| vec![platform])
}

fn gateways(out: &mut String, platform: Option<&'static str>, pattern: &str) {
    for platform in platforms(platform) {
        let gateway = gateway::route(platform, pattern);
        let routes =
            if gateway.routes.is_empty() { "no route at a gateway".to_owned() } else { gateway.routes.join(" and ") };
        let mode = if gateway.mode.is_empty() { String::new() } else { format!(" (match_mode {})", gateway.mode) };
        let note = if gateway.note.is_empty() { String::new() } else { format!(": {}", gateway.note) };
        let _ = writeln!(out, "    on {platform}: {routes}{mode}{note}");
    }
}

fn schedule(out: &mut String, platform: Option<&'static str>, sources: &Sources, event: &Event, from: Civil) {
    let Ok(Some(timer)) = timers::read(event, sources) else {
        out.push_str("    when: whoever deploys it says\n");
        return;
    };
    for platform in platforms(platform) {
        let Some(dialect) = Dialect::of(platform) else { continue };
        let text = match dialect.emit(&timer.schedule, timer.timezone.as_deref()) {
            Ok(emitted) => {
                let zone = emitted.timezone.map(|zone| format!(", time zone {zone}")).unwrap_or_default();
                let notes: String = emitted.notes.iter().map(|note| format!("; {note}")).collect();
                format!("{}{zone}{notes}", emitted.text)
            }
            Err(refused) => format!("cannot be: {refused}"),
        };
        let _ = writeln!(out, "    on {platform}: {text}");
    }
    let times = timer.schedule.next_times(from, 5);
    let zone = timer.timezone.as_deref().unwrap_or("UTC");
    if times.is_empty() {
        out.push_str("    next: counted from its deployment\n");
    }
    for time in times {
        let _ = writeln!(out, "    next: {time} {zone}");
    }
}

/// Returns a description of the function that serves a request, by method and path.
///
/// ```
/// # use serverless_spec::{Input, Read, read, variables::Files};
/// # use std::collections::BTreeMap;
/// # #[derive(Debug)]
/// # struct Alone;
/// # impl Files for Alone {
/// #     fn read(&self, path: &str) -> Result<String, String> { Err(format!("there is no file {path}")) }
/// # }
/// # fn read_text(text: &str) -> Read {
/// #     let none = BTreeMap::new();
/// #     let (name, text, environment, options) = ("serverless.yml", text.as_bytes(), &none, &none);
/// #     read(&Input { name, text, environment, options, stage: None, platform: Some("knative"), files: &Alone })
/// # }
/// let text = "service: shop\nfunctions:\n  order: {handler: shop.order, events: [{http: {path: '/orders/:id'}}]}\n";
/// use serverless_spec::explain::request;
///
/// let read = read_text(text);
/// let spec = read.spec.as_ref().expect("it is right");
/// let words = request(spec, &read.sources, "GET", "/orders/7");
/// assert!(words.contains("order"), "{words}");
/// ```
pub fn request(spec: &Spec, sources: &Sources, method: &str, path: &str) -> String {
    let service = &spec.service;
    let mut router = Router::new(Matching { strict_slash: service.strict_slash, caseless: service.ignore_case });
    let mut owners: Vec<(&Unit, &Function, Span)> = Vec::new();
    for unit in spec.units.iter().filter(|unit| unit.is_owner) {
        for function in unit.members.iter().map(|number| &service.functions[*number]) {
            for event in function.events.iter().filter(|event| event.is_http()) {
                let Some(pattern) = &event.path else { continue };
                let methods: Vec<&str> = event.methods.iter().map(String::as_str).collect();
                // The router takes every route that the check has passed.
                if router.add(&pattern.value, &methods, owners.len()).is_ok() {
                    owners.push((unit, function, pattern.span));
                }
            }
        }
    }
    let mut params = Params::new();
    match router.find(method.as_bytes(), path.as_bytes(), &mut params) {
        Found::Route { owner, pattern } => {
            let (unit, function, span) = owners[owner];
            let mut out = format!("{method} {path} goes to `{}`", function.name);
            if unit.is_aggregation {
                let _ = write!(out, " in the unit `{}`", unit.name);
            }
            let _ = writeln!(out, ", by {pattern}  ({})", sources.place(span));
            for (name, value) in params.iter() {
                let _ = writeln!(out, "  {} = {:?}", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            }
            out
        }
        Found::Options(allow) | Found::MethodNotAllowed(allow) => {
            format!("{method} {path} goes to no function: the path has {}\n", allow.methods().join(", "))
        }
        Found::NotFound => format!("{method} {path} goes to no function: no route fits the path\n"),
    }
}

/// Returns the functions, keys and routes that a word may have meant.
pub fn known(spec: Option<&Spec>) -> Vec<&str> {
    let functions =
        spec.into_iter().flat_map(|spec| spec.service.functions.iter().map(|function| function.name.as_str()));
    let of = |object: &'static Object| object.keys.iter().map(|key| key.name);
    functions.chain(of(&SERVICE)).chain(of(&PROVIDER)).chain(of(&FUNCTION)).chain(of(&AGGREGATION)).collect()
}
