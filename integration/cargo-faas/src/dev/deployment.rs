//! A deployment on disk: a folder for each unit, with its libraries, its manifest and its layers, copied to a place
//! where nobody changes it any more. Nothing is started here.

use crate::failure::Failure;
use crate::package::layout::MANIFEST;
use crate::project::deployment::{DeployedFunction, Named, find_named};
use faas_core::manifest::{EventFilter, Manifest, StartWhen};
use faas_core::router::{Found, Matching, Params, Router};
use faas_core::trigger::Kind;
use serde_json::{Value, json};
use serverless_spec::cron::{Both, Schedule};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The name of the file with the variables of a deployment folder.
const DOTENV: &str = ".env";

/// A unit of a deployment.
#[derive(Debug)]
pub(crate) struct Unit {
    /// The name of the unit.
    pub(crate) name: String,
    /// The folder of the unit.
    pub(crate) root: PathBuf,
    /// The manifest, as its author wrote it.
    pub(crate) manifest: Manifest,
    /// The manifest's text, spans included.
    pub(crate) text: String,
    /// The functions, each with the events that it serves.
    pub(crate) functions: Vec<DeployedFunction>,
}

/// A timer of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    /// The unit of the timer.
    pub(crate) unit: String,
    /// The function of the timer.
    pub(crate) function: String,
    /// The name of the timer; empty if it has no name.
    pub(crate) source: String,
    /// The schedule that it fires by.
    pub(crate) schedule: Schedule,
    /// The schedule as its author wrote it.
    pub(crate) written: String,
}

/// A deployment in a folder of its own.
#[derive(Debug)]
pub(crate) struct Deployment {
    /// The folder, which is removed with the deployment.
    folder: TempDir,
    /// The units, in the order of their names.
    pub(crate) units: Vec<Unit>,
    /// The number of the unit that is meant where no function is named: the first of the yml, without a yml the first of
    /// the list.
    pub(crate) first: usize,
    /// The variables of every process.
    pub(crate) environment: Vec<(String, String)>,
    /// The timers, which fire by the clock.
    pub(crate) timers: Vec<Timer>,
    /// `true` if there is a span around each layer and function.
    pub(crate) has_spans: bool,
    router: Router,
}

impl Deployment {
    /// Copies a deployment folder: that of one unit, with a `faas.json` in it, or one with such a folder for each unit.
    /// If the library of the layer span is given, a span is put around each layer and function.
    pub(crate) fn copy(
        from: &Path,
        span: Option<&Path>,
        environment: &[(String, String)],
    ) -> Result<Deployment, Failure> {
        let folder = tempfile::Builder::new().prefix("faas-dev-").tempdir();
        let folder = folder.map_err(|error| failed(from, &error))?;
        let mut units = Vec::new();
        let mut timers = Vec::new();
        for (name, source) in unit_folders(from)? {
            let root = folder.path().join(&name);
            copy_tree(&source, &root).map_err(|error| failed(&source, &error))?;
            let path = root.join(MANIFEST);
            let written = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
            let manifest = Manifest::read(written.as_bytes()).map_err(|mistakes| {
                let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                Failure::new("manifest", format!("{}: {}", source.join(MANIFEST).display(), mistakes.join("; ")))
            })?;
            timers.extend(timers_of(&name, &written)?);
            let functions = functions_of(&written);
            let text = match span {
                Some(library) => {
                    add_library(&root, library).map_err(|error| failed(library, &error))?;
                    with_spans(&written)
                }
                None => written,
            };
            fs::write(&path, &text).map_err(|error| failed(&path, &error))?;
            units.push(Unit { name, root, manifest, text, functions });
        }
        let router = router(&units)?;
        let mut variables = dotenv(&from.join(DOTENV))?;
        variables.extend(environment.iter().cloned());
        let has_spans = span.is_some();
        Ok(Deployment { folder, units, first: 0, environment: variables, timers, has_spans, router })
    }

    /// Adds timers, each in the place of the manifest's own one of the same name.
    pub(crate) fn add_timers(&mut self, timers: Vec<Timer>) {
        let place = |timer: &Timer| (timer.unit.clone(), timer.function.clone(), timer.source.clone());
        self.timers.retain(|own| timers.iter().all(|timer| place(timer) != place(own)));
        self.timers.extend(timers);
    }

    /// Takes over the functions of a unit with the events that its libraries declare, which no manifest need have.
    pub(crate) fn learn(&mut self, unit: &str, functions: &[DeployedFunction]) {
        if let Some(unit) = self.units.iter_mut().find(|own| own.name == unit) {
            unit.functions = functions.to_vec();
        }
    }

    /// Returns the number of the unit that a name means, and the functions that are meant in it, by the rules of `invoke`
    /// without a running dev. Without a name it is all of the first unit. `None` if the name means nothing.
    pub(crate) fn asked_for(&self, name: Option<&str>) -> Option<(usize, Vec<DeployedFunction>)> {
        let Some(name) = name else {
            return self.units.get(self.first).map(|unit| (self.first, unit.functions.clone()));
        };
        let parts: Vec<_> = self.units.iter().map(|unit| (unit.name.as_str(), &unit.functions[..])).collect();
        Some(match find_named(&parts, name)? {
            Named::Unit(unit) => (unit, self.units[unit].functions.clone()),
            Named::Function(unit, function) => (unit, vec![self.units[unit].functions[function].clone()]),
        })
    }

    /// Returns the folder that it lies in.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the number of the unit that a request goes to. One that no route of any unit fits goes to the first with
    /// a default function, or to the first with routes, whose runtime says 404. Where there are no routes at all it goes
    /// to the first.
    pub(crate) fn route(&self, method: &str, target: &str) -> usize {
        let path = target.split('?').next().unwrap_or_default();
        match self.router.find(method.as_bytes(), path.as_bytes(), &mut Params::new()) {
            Found::Route { owner, .. } => owner,
            Found::Options(allow) | Found::MethodNotAllowed(allow) => {
                let methods = allow.methods();
                let first = methods.first().copied().unwrap_or("GET");
                match self.router.find(first.as_bytes(), path.as_bytes(), &mut Params::new()) {
                    Found::Route { owner, .. } => owner,
                    _ => 0,
                }
            }
            Found::NotFound => {
                let default = self.units.iter().position(|unit| unit.manifest.default.is_some());
                default.or_else(|| self.units.iter().position(Unit::has_routes)).unwrap_or(0)
            }
        }
    }

    /// Returns the number of the unit that has a function; `None` if no unit has it.
    pub(crate) fn unit_of(&self, function: &str) -> Option<usize> {
        let has = |unit: &Unit| unit.manifest.functions.iter().any(|other| other.name == function);
        self.units.iter().position(has)
    }

    /// Returns the number of the unit of a name; `None` if there is none, or if it does not have the named function.
    pub(crate) fn unit_with(&self, name: &str, function: Option<&str>) -> Option<usize> {
        let has = |unit: &Unit, wanted: &str| unit.manifest.functions.iter().any(|other| other.name == wanted);
        self.units.iter().position(|unit| unit.name == name && function.is_none_or(|wanted| has(unit, wanted)))
    }

    /// Returns the number of the unit that events of a kind go to: the first with such a trigger, else the first with a
    /// default function, or the first.
    pub(crate) fn unit_for(&self, kind: &str) -> usize {
        let serves = |filter: &EventFilter| match filter {
            EventFilter::Http { .. } => kind == "http",
            EventFilter::Other { kind: own, .. } => format!("{own:?}").eq_ignore_ascii_case(kind),
        };
        let functions = |unit: &Unit| {
            unit.manifest.functions.iter().any(|function| function.events.iter().any(|event| serves(&event.filter)))
        };
        let default = || self.units.iter().position(|unit| unit.manifest.default.is_some());
        self.units.iter().position(functions).or_else(default).unwrap_or(0)
    }

    /// Returns the function that serves a request in its unit; `None` if no route decides that.
    pub(crate) fn function_of(&self, unit: usize, method: &str, target: &str) -> Option<String> {
        let path = target.split('?').next().unwrap_or_default();
        let unit = self.units.get(unit)?;
        let mut router = Router::new(matching(unit));
        for (number, function) in unit.manifest.functions.iter().enumerate() {
            for event in &function.events {
                add(&mut router, &event.filter, number).ok()?;
            }
        }
        let found = match router.find(method.as_bytes(), path.as_bytes(), &mut Params::new()) {
            Found::Route { owner, .. } => Some(owner),
            _ if unit.manifest.functions.len() == 1 => Some(0),
            _ => unit.manifest.default,
        };
        Some(unit.manifest.functions.get(found?)?.name.clone())
    }

    /// Returns the words for a function that is not there.
    pub(crate) fn no_function(&self, name: &str) -> String {
        let names: Vec<&str> = self.functions().into_iter().map(|(_, name)| name).collect();
        format!("there is no function {name:?}; there are {}", names.join(", "))
    }

    /// Returns the functions of a unit that start when they are needed.
    pub(crate) fn lazy_of(&self, unit: &str) -> Arc<[String]> {
        let functions = self.units.iter().filter(|other| other.name == unit).flat_map(|unit| &unit.manifest.functions);
        let lazy = functions.filter(|function| function.start == StartWhen::Lazy);
        lazy.map(|function| function.name.clone()).collect()
    }

    /// Returns every function, by unit.
    pub(crate) fn functions(&self) -> Vec<(&str, &str)> {
        let of = |unit: &'_ Unit| unit.manifest.functions.len();
        let mut all = Vec::with_capacity(self.units.iter().map(of).sum());
        for unit in &self.units {
            all.extend(unit.manifest.functions.iter().map(|function| (unit.name.as_str(), function.name.as_str())));
        }
        all
    }
}

impl Unit {
    fn has_routes(&self) -> bool {
        let events = self.manifest.functions.iter().flat_map(|function| &function.events);
        events.into_iter().any(|event| matches!(event.filter, EventFilter::Http { .. }))
    }

    /// Returns the name of a function's timer of that number, counted from 0. It is empty if the timer has no name.
    pub(crate) fn timer_name(&self, function: &str, number: usize) -> String {
        let function = self.manifest.functions.iter().find(|other| other.name == function);
        let names =
            function.into_iter().flat_map(|function| &function.events).filter_map(|event| match &event.filter {
                EventFilter::Other { kind: Kind::Timer, source, .. } => Some(source.clone().unwrap_or_default()),
                _ => None,
            });
        names.into_iter().nth(number).unwrap_or_default()
    }

    /// Returns the manifest of one function alone, which serves every event.
    pub(crate) fn text_for(&self, function: &str) -> String {
        let mut manifest: Value = serde_json::from_str(&self.text).unwrap_or_default();
        if let Some(functions) = manifest["functions"].as_array_mut() {
            functions.retain(|other| other["name"] == function);
            functions.iter_mut().for_each(|function| function["events"] = json!([]));
        }
        manifest["default"] = function.into();
        manifest.to_string()
    }
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new("deployment", format!("{}: {error}", path.display()))
}

/// Returns the folders of units: name and place.
fn unit_folders(from: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    if from.join(MANIFEST).is_file() {
        let name = from.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        return Ok(vec![(name.unwrap_or_else(|| "unit".to_owned()), from.to_owned())]);
    }
    let entries = fs::read_dir(from).map_err(|error| failed(from, &error))?;
    let folders = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.join(MANIFEST).is_file());
    let named = |path: PathBuf| Some((path.file_name()?.to_string_lossy().into_owned(), path));
    let mut found: Vec<_> = folders.filter_map(named).collect();
    found.sort();
    if found.is_empty() {
        return Err(failed(from, &"there is no faas.json in it, nor in a folder of it"));
    }
    Ok(found)
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        // Links are followed, since their targets may be replaced later.
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else if path.is_file() {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

fn add_library(root: &Path, library: &Path) -> std::io::Result<()> {
    let layers = root.join("layers");
    fs::create_dir_all(&layers)?;
    fs::copy(library, layers.join("liblayer_span.so")).map(drop)
}

/// Returns the manifest with a span around each layer and around each function.
fn with_spans(text: &str) -> String {
    let Ok(mut manifest) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let spanned = |layers: &Value, mut depth: usize, of: Option<&str>| {
        let mut all = Vec::new();
        for layer in layers.as_array().into_iter().flatten() {
            let name = layer.as_str().or_else(|| layer["name"].as_str()).unwrap_or_default().trim_end_matches('?');
            let mut config = json!({"span": name, "depth": depth});
            if let Some(of) = of {
                config["of"] = of.into();
            }
            all.push(json!({"name": "span", "config": config}));
            all.push(layer.clone());
            depth += 1;
        }
        (all, depth)
    };
    let (layers, depth) = spanned(&manifest["layers"], 0, None);
    if !layers.is_empty() {
        manifest["layers"] = layers.into();
    }
    for function in manifest["functions"].as_array_mut().into_iter().flatten() {
        let name = function["name"].as_str().unwrap_or_default().to_owned();
        let (mut layers, depth) = spanned(&function["layers"], depth, Some(&name));
        let config = json!({"span": name, "depth": depth, "of": name, "function": true});
        layers.push(json!({"name": "span", "config": config}));
        function["layers"] = layers.into();
    }
    manifest.to_string()
}

fn matching(unit: &Unit) -> Matching {
    Matching { strict_slash: unit.manifest.strict_slash, caseless: unit.manifest.caseless }
}

/// Returns the routes of all units: each by the unit's number.
fn router(units: &[Unit]) -> Result<Router, Failure> {
    let mut router = Router::new(units.first().map(matching).unwrap_or_default());
    for (number, unit) in units.iter().enumerate() {
        for event in unit.manifest.functions.iter().flat_map(|function| &function.events) {
            add(&mut router, &event.filter, number)
                .map_err(|why| Failure::new("routes", format!("{}: {why}", unit.name)))?;
        }
    }
    Ok(router)
}

fn add(router: &mut Router, filter: &EventFilter, owner: usize) -> Result<(), String> {
    let EventFilter::Http { path, methods } = filter else { return Ok(()) };
    let methods: Vec<&str> = methods.iter().map(|method| &**method).collect();
    router.add(path.as_deref().unwrap_or("/*"), &methods, owner).map_err(|error| error.to_string())
}

/// Returns the functions of a manifest, with the events that stand in it.
fn functions_of(text: &str) -> Vec<DeployedFunction> {
    let manifest: Value = serde_json::from_str(text).unwrap_or_default();
    let one = |function: &Value| {
        let name = function["name"].as_str().unwrap_or_default();
        DeployedFunction {
            name: name.to_owned(),
            handler: function["handler"].as_str().unwrap_or(name).to_owned(),
            events: function["events"].as_array().cloned().unwrap_or_default(),
        }
    };
    manifest["functions"].as_array().into_iter().flatten().map(one).collect()
}

/// Returns the timers of a manifest that says when they are due.
fn timers_of(unit: &str, text: &str) -> Result<Vec<Timer>, Failure> {
    let manifest: Value = serde_json::from_str(text).unwrap_or_default();
    let mut found = Vec::new();
    for function in manifest["functions"].as_array().into_iter().flatten() {
        for event in function["events"].as_array().into_iter().flatten() {
            let timer = &event["timer"];
            let schedule = timer["cron"].as_str().map(str::to_owned);
            let schedule = schedule.or_else(|| timer["every"].as_str().map(|every| format!("@every {every}")));
            let Some(written) = schedule else { continue };
            let days = match timer["days"].as_str() {
                Some("or") => Some(Both::Or),
                Some("and") => Some(Both::And),
                _ => None,
            };
            let schedule = Schedule::parse(&written, days)
                .map_err(|why| Failure::new("timer", format!("{unit}: {written:?}: {why}")))?;
            found.push(Timer {
                unit: unit.to_owned(),
                function: function["name"].as_str().unwrap_or_default().to_owned(),
                source: timer["source"].as_str().unwrap_or_default().to_owned(),
                schedule,
                written,
            });
        }
    }
    Ok(found)
}

/// Returns the variables of a dotenv file; empty if there is no such file.
pub(crate) fn dotenv(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let wrong = |error: &dotenvy::Error| match error {
        // The line may have a secret in it.
        dotenvy::Error::LineParse(_, at) => {
            failed(path, &format!("a line cannot be read, at its character {}", at + 1))
        }
        other => failed(path, other),
    };
    let entries = dotenvy::from_path_iter(path).map_err(|error| wrong(&error))?;
    entries.map(|entry| entry.map_err(|error| wrong(&error))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"{"version":1,"layers":["auth"],"functions":[
        {"name":"order","handler":"shop.order","layers":[{"name":"trace","optional":true}],
         "events":[{"http":{"path":"/orders/:id","method":"GET"}}]},
        {"name":"tidy","handler":"shop.tidy","events":[{"timer":{"source":"nightly","cron":"0 3 * * *"}}]}]}"#;
    const PAGES: &str = r#"{"version":1,"default":"page","functions":[{"name":"page","handler":"pages"}]}"#;

    fn folder(units: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, manifest) in units {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join(MANIFEST), manifest).unwrap();
        }
        folder
    }

    #[test]
    fn a_request_goes_to_the_unit_that_has_its_route() {
        let folder = folder(&[("a-pages", PAGES), ("shop", SHOP)]);
        let deployment = Deployment::copy(folder.path(), None, &[]).unwrap();
        for (method, target, unit) in
            [("GET", "/orders/7?x=/", 1), ("POST", "/orders/7", 1), ("OPTIONS", "/orders/7", 1), ("GET", "/", 0)]
        {
            assert_eq!(deployment.route(method, target), unit, "{method} {target}");
        }
        assert_eq!(deployment.function_of(1, "GET", "/orders/7").as_deref(), Some("order"));
        assert_eq!(deployment.function_of(0, "GET", "/any").as_deref(), Some("page"));
        assert_eq!(deployment.unit_of("tidy"), Some(1));
        assert_eq!((deployment.unit_for("timer"), deployment.unit_for("queue")), (1, 0));
        let timer = &deployment.timers[0];
        assert_eq!((timer.function.as_str(), timer.written.as_str()), ("tidy", "0 3 * * *"));
    }

    #[test]
    fn a_request_that_no_route_fits_goes_to_no_function_without_routes() {
        let report = r#"{"version":1,"functions":[{"name":"report","handler":"shop.report",
            "events":[{"timer":{"source":"nightly","cron":"0 3 * * *"}}]}]}"#;
        let found = |units: &[(&str, &str)]| {
            let folder = folder(units);
            Deployment::copy(folder.path(), None, &[]).unwrap().route("GET", "/favicon.ico")
        };
        assert_eq!(found(&[("a-report", report), ("shop", SHOP)]), 1, "the routes of shop are asked, and say 404");
        assert_eq!(found(&[("a-shop", SHOP), ("pages", PAGES)]), 1, "a default function takes all");
        assert_eq!(found(&[("a-report", report)]), 0);
    }

    #[test]
    fn a_timer_of_the_yml_stands_in_the_place_of_the_manifests() {
        let shop = SHOP.replace("\"cron\":\"0 3 * * *\"", "\"cron\":\"0 3 1 * MON\",\"days\":\"or\"");
        let folder = folder(&[("shop", &shop)]);
        let mut deployment = Deployment::copy(folder.path(), None, &[]).unwrap();
        let [own] = &deployment.timers[..] else { panic!("{:?}", deployment.timers) };
        let other = Timer { source: "another".to_owned(), ..own.clone() };
        let same = Timer { written: "@daily".to_owned(), ..own.clone() };
        deployment.add_timers(vec![same, other]);
        let written: Vec<&str> = deployment.timers.iter().map(|timer| timer.written.as_str()).collect();
        assert_eq!(written, ["@daily", "0 3 1 * MON"]);
    }

    #[test]
    fn spans_stand_before_each_layer_and_before_each_function() {
        let manifest: Value = serde_json::from_str(&with_spans(SHOP)).unwrap();
        let names = |layers: &Value| -> Vec<String> {
            let name = |layer: &Value| match &layer["config"]["span"] {
                Value::String(span) => format!("{span}@{}", layer["config"]["depth"]),
                _ => layer.as_str().or_else(|| layer["name"].as_str()).unwrap().to_owned(),
            };
            layers.as_array().unwrap().iter().map(name).collect()
        };
        assert_eq!(names(&manifest["layers"]), ["auth@0", "auth"]);
        assert_eq!(names(&manifest["functions"][0]["layers"]), ["trace@1", "trace", "order@2"]);
        assert_eq!(names(&manifest["functions"][1]["layers"]), ["tidy@1"]);
        assert!(Manifest::read(with_spans(SHOP).as_bytes()).is_ok());
    }

    #[test]
    fn a_folder_without_a_manifest_and_a_manifest_with_a_mistake_are_said() {
        let empty = tempfile::tempdir().unwrap();
        let why = Deployment::copy(empty.path(), None, &[]).unwrap_err().to_string();
        assert!(why.ends_with("there is no faas.json in it, nor in a folder of it"), "{why}");
        let wrong = folder(&[("shop", r#"{"version":1,"functions":[{"nam":"x"}]}"#)]);
        let why = Deployment::copy(wrong.path(), None, &[]).unwrap_err().to_string();
        assert!(why.contains("did you mean \"name\"?"), "{why}");
    }

    #[test]
    fn a_name_means_a_unit_a_function_or_a_librarys_function() {
        let folder = folder(&[("a-pages", PAGES), ("shop", SHOP)]);
        let deployment = Deployment::copy(folder.path(), None, &[]).unwrap();
        let meant = |name: Option<&str>| {
            let (unit, functions) = deployment.asked_for(name)?;
            Some((unit, functions.into_iter().map(|function| function.name).collect::<Vec<_>>().join(" ")))
        };
        for (name, unit, functions) in [
            (None, 0, "page"),
            (Some("tidy"), 1, "tidy"),
            (Some("shop"), 1, "order tidy"),
            (Some("shop.order"), 1, "order"),
            (Some("pages"), 0, "page"),
        ] {
            assert_eq!(meant(name), Some((unit, functions.to_owned())), "{name:?}");
        }
        assert_eq!(meant(Some("shop.sell")), None);
    }

    #[test]
    fn the_manifest_for_one_function_has_no_other_and_no_events() {
        let folder = folder(&[("shop", SHOP)]);
        let deployment = Deployment::copy(folder.path(), None, &[]).unwrap();
        let manifest = Manifest::read(deployment.units[0].text_for("tidy").as_bytes()).unwrap();
        assert_eq!((manifest.functions.len(), manifest.default), (1, Some(0)));
        assert!(manifest.functions[0].events.is_empty());
    }
}
