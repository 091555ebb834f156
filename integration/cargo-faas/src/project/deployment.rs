//! The deployments of a project: the units of the yml, or one of everything that the libraries declare. Each has the
//! content of its package: the manifest, libraries, layers.

use super::library::{DeclaredLayer, Library, LibraryKind};
use crate::failure::Failure;
use faas_core::manifest::{EventFilter, Manifest, timer_name};
use faas_core::modules::{Name, pick};
use faas_core::router::{Matching, Router};
use serde_json::{Value, json};
use serverless_spec::Spec;
use std::collections::{BTreeMap, HashSet};

/// One deployment of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deployment {
    /// The name of the unit, or of the project.
    pub(crate) name: String,
    /// The text of `faas.json`, which is to lie beside the libraries. It is `None` if the handler alone determines the
    /// function.
    pub(crate) manifest: Option<String>,
    /// The handler on the platform, `_HANDLER` on AWS. With a manifest it is the deployment's name, and names no
    /// function unless one is called so.
    pub(crate) handler: String,
    /// The functions, in the order of the manifest.
    pub(crate) functions: Vec<DeployedFunction>,
    /// The layers around all functions, outermost first, as `FAAS_LAYERS` names them. They are in the manifest, if
    /// there is one; without one `FAAS_LAYERS` has to be set.
    pub(crate) layers: Vec<String>,
    /// All libraries that have to be there; [`Library::place`] has the place of each.
    pub(crate) libraries: Vec<Library>,
}

/// A function of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeployedFunction {
    /// The name of the function in the process.
    pub(crate) name: String,
    /// The handler, as `library.function`.
    pub(crate) handler: String,
    /// The events that it serves, each in the form of an element of a manifest's `events`: those of the yml, else those
    /// that the library declares. Without any it serves every event, by its name or as the only function.
    pub(crate) events: Vec<Value>,
}

/// Returns the deployments of a yml, in its order.
///
/// # Errors
/// A handler or a layer that no library has.
pub(crate) fn of_spec(spec: &Spec, libraries: &[Library]) -> Result<Vec<Deployment>, Failure> {
    let one = |unit: &serverless_spec::units::Unit| {
        let manifest = spec.manifest(unit).map_err(|error| Failure::new("manifest", error))?;
        of_manifest(&unit.name, manifest, libraries)
    };
    spec.units.iter().map(one).collect()
}

/// Returns the deployment of a manifest's text.
fn of_manifest(name: &str, manifest: String, libraries: &[Library]) -> Result<Deployment, Failure> {
    let tree: Value = serde_json::from_str(&manifest).map_err(|error| Failure::new("manifest", error))?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut used = Vec::new();
    let mut functions = Vec::new();
    for function in list(&tree["functions"]) {
        let called = function["name"].as_str().unwrap_or_default();
        let handler = function["handler"].as_str().unwrap_or(called);
        let (library, number) = find_function(handler, libraries)
            .map_err(|why| Failure::new("function", format!("{called} of the deployment {name}: {why}")))?;
        let declared = &libraries[library].declared.functions[number];
        let events = list(&function["events"]);
        functions.push(DeployedFunction {
            name: called.to_owned(),
            handler: format!("{}.{}", libraries[library].name, declared.name),
            events: if events.is_empty() { declared.triggers.clone() } else { events },
        });
        used.push(library);
        used.extend(find_layers(&list(&function["layers"]), libraries)?);
    }
    used.extend(find_layers(&list(&tree["layers"]), libraries)?);
    let told = |layer: &Value| {
        let is_optional = layer["optional"].as_bool().unwrap_or(false);
        format!("{}{}", layer_name(layer), if is_optional { "?" } else { "" })
    };
    let layers = list(&tree["layers"]).iter().map(told).collect();
    Ok(Deployment {
        name: name.to_owned(),
        handler: name.to_owned(),
        functions,
        layers,
        libraries: chosen(used, libraries),
        manifest: Some(manifest),
    })
}

/// Returns the libraries of these numbers, each once, in their own order.
fn chosen(mut numbers: Vec<usize>, libraries: &[Library]) -> Vec<Library> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(|number| libraries[number].clone()).collect()
}

/// Returns the name of a layer of a manifest, which is a text or an object that has it.
fn layer_name(layer: &Value) -> &str {
    layer.as_str().or(layer["name"].as_str()).unwrap_or_default()
}

fn find_layers(layers: &[Value], libraries: &[Library]) -> Result<Vec<usize>, Failure> {
    layers.iter().map(|layer| find_layer(layer_name(layer), libraries)).collect()
}

/// Returns the library of a layer, by its number.
///
/// # Errors
/// No library has it, or the library has several and the name says no single one.
pub(crate) fn find_layer(text: &str, libraries: &[Library]) -> Result<usize, Failure> {
    let failed = |why: String| Failure::new("layer", why);
    let name = Name::parse(text).map_err(|error| failed(error.to_string()))?;
    let Some(number) = libraries.iter().position(|library| library.is_layer_called(&name.library)) else {
        let names: Vec<&str> = libraries
            .iter()
            .filter(|library| !library.declared.layers.is_empty())
            .map(|library| library.layer_name())
            .collect();
        let there = if names.is_empty() { "no library has layers".to_owned() } else { names.join(", ") };
        return Err(failed(format!("no library for `{text}`; there is: {there}")));
    };
    let offered = libraries[number].declared.layers.iter().map(|layer| layer.name.as_str());
    let wanted = name.entry.as_deref().or_else(|| offered.clone().find(|layer| *layer == name.library));
    pick("layer", offered, wanted).map_err(|why| failed(format!("`{text}`: {why}")))?;
    Ok(number)
}

/// Returns the library of a handler and the function in it, by their numbers.
///
/// # Errors
/// There is no such function. The words say what there is in its place.
fn find_function(handler: &str, libraries: &[Library]) -> Result<(usize, usize), String> {
    let name = Name::parse(handler).map_err(|error| error.to_string())?;
    let modules = libraries.iter().filter(|library| library.kind() == LibraryKind::Functions);
    let Some(number) = libraries
        .iter()
        .position(|library| library.kind() == LibraryKind::Functions && library.is_called(&name.library))
    else {
        let declaring =
            modules.clone().find(|library| library.declared.functions.iter().any(|function| function.name == *handler));
        let hint = declaring.map(|library| format!("; did you mean `{}.{handler}`?", library.name));
        let names: Vec<&str> = modules.map(|library| library.name.as_str()).collect();
        let there = if names.is_empty() { "none with functions".to_owned() } else { names.join(", ") };
        return Err(format!(
            "no library `{}` for the handler `{handler}`; there is: {there}{}",
            name.library,
            hint.unwrap_or_default()
        ));
    };
    let offered = libraries[number].declared.functions.iter().map(|function| function.name.as_str());
    let function = pick("function", offered, name.entry.as_deref());
    let function = function.map_err(|why| format!("the handler `{handler}`: {why}"))?;
    Ok((number, function))
}

/// Returns the one deployment of everything that libraries declare.
///
/// # Errors
/// There is no function.
pub(crate) fn of_libraries(name: &str, libraries: &[Library]) -> Result<Deployment, Failure> {
    let of = |library: &Library| library.declared.functions.len();
    let count: usize = libraries.iter().map(of).sum();
    if count == 0 {
        let names: Vec<_> = libraries.iter().map(|library| library.path.display().to_string()).collect();
        let names = if names.is_empty() { "there is no library".to_owned() } else { names.join(", ") };
        return Err(Failure::new("function", format!("no library declares one: {names}")));
    }
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    let all = || libraries.iter().flat_map(|library| library.declared.functions.iter().map(move |one| (library, one)));
    all().for_each(|(_, function)| *times.entry(&function.name).or_default() += 1);
    let functions: Vec<_> = all()
        .map(|(library, function)| {
            let handler = format!("{}.{}", library.name, function.name);
            // A name that two libraries have would belong to two functions.
            let name = if times[&*function.name] == 1 { function.name.clone() } else { handler.clone() };
            DeployedFunction { name, handler, events: function.triggers.clone() }
        })
        .collect();
    let layers: Vec<String> = libraries.iter().flat_map(layers_of).collect();
    let alone = alone(libraries).filter(|_| layers.is_empty());
    let manifest = alone.is_none().then(|| {
        let defaults: Vec<usize> =
            all().enumerate().filter(|(_, (_, function))| function.is_default).map(|(number, _)| number).collect();
        manifest(name, &functions, &layers, if let [one] = defaults[..] { Some(one) } else { None })
    });
    let handler = match (alone, &functions[..]) {
        (Some(library), _) => library.name.clone(),
        (None, [only]) => only.name.clone(),
        (None, _) => name.to_owned(),
    };
    Ok(Deployment { name: name.to_owned(), handler, manifest, functions, layers, libraries: libraries.to_vec() })
}

/// The part of some deployments that a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// All of the deployment of this number.
    Unit(usize),
    /// The function of the second number, in the deployment of the first.
    Function(usize, usize),
}

/// Returns the part of deployments, each given by its name and its functions, that a name means: the deployment of that
/// name; the function of that name, or of `library.function`; a deployment of a library's functions alone. It is `None`
/// if the name means nothing.
pub(crate) fn find_named(units: &[(&str, &[DeployedFunction])], name: &str) -> Option<Named> {
    if let Some(unit) = units.iter().position(|(own, _)| *own == name) {
        return Some(Named::Unit(unit));
    }
    // `my-shop.order` means `my_shop.order`, as it does for the runtimes.
    let spelt = |name: &str| {
        name.split_once('.').map_or_else(
            || name.replace('-', "_"),
            |(library, function)| format!("{}.{function}", library.replace('-', "_")),
        )
    };
    let wanted = spelt(name);
    for (unit, (_, functions)) in units.iter().enumerate() {
        let is_it = |one: &DeployedFunction| one.name == name || spelt(&one.handler) == wanted;
        if let Some(function) = functions.iter().position(is_it) {
            return Some(Named::Function(unit, function));
        }
    }
    // A library means its functions, if nothing else is in the deployment.
    let is_whole = |functions: &[DeployedFunction]| {
        functions.iter().all(|one| spelt(&one.handler).split('.').next() == Some(&wanted))
    };
    units.iter().position(|(_, functions)| is_whole(functions)).map(Named::Unit)
}

/// Returns the chosen deployment: the one of that name; a deployment of the function of that name, or of
/// `library.function`, alone; without a name, the first one.
///
/// # Errors
/// There is no such deployment.
pub(crate) fn choose(mut units: Vec<Deployment>, name: Option<&str>) -> Result<Deployment, Failure> {
    let failed = |why: String| Err(Failure::new("function", why));
    if units.is_empty() {
        return failed("there is no deployment".to_owned());
    }
    let Some(name) = name else { return Ok(units.remove(0)) };
    let parts: Vec<_> = units.iter().map(|unit| (unit.name.as_str(), &unit.functions[..])).collect();
    match find_named(&parts, name) {
        Some(Named::Unit(unit)) => return Ok(units.swap_remove(unit)),
        Some(Named::Function(unit, function)) => return units[unit].only(&units[unit].functions[function]),
        None => {}
    }
    let names: Vec<&str> = units.iter().flat_map(|unit| unit.functions.iter().map(|one| one.name.as_str())).collect();
    failed(format!("there is no function `{name}`; there are: {}", names.join(", ")))
}

impl Deployment {
    /// Returns the deployment with one function alone.
    fn only(&self, function: &DeployedFunction) -> Result<Deployment, Failure> {
        let mut deployment = Deployment { functions: vec![function.clone()], ..self.clone() };
        if self.functions.len() == 1 {
            return Ok(deployment);
        }
        deployment.name = function.name.clone();
        let Some(manifest) = &self.manifest else {
            deployment.handler = function.handler.clone();
            return Ok(deployment);
        };
        let failed = |error: serde_json::Error| Failure::new("manifest", error);
        let mut tree: Value = serde_json::from_str(manifest).map_err(failed)?;
        if let Some(functions) = tree["functions"].as_array_mut() {
            functions.retain(|one| one["name"] == *function.name);
        }
        if let Some(members) =
            tree.as_object_mut().filter(|members| members.get("default").is_some_and(|name| *name != *function.name))
        {
            members.remove("default");
        }
        deployment.handler = function.name.clone();
        deployment.manifest = Some(format!("{tree:#}\n"));
        Ok(deployment)
    }
}

/// Returns the only library with functions, if its name is enough for a handler: it has one function, or its triggers
/// say which function serves an event.
fn alone(libraries: &[Library]) -> Option<&Library> {
    let mut modules = libraries.iter().filter(|library| library.kind() == LibraryKind::Functions);
    let (first, None) = (modules.next()?, modules.next()) else { return None };
    let functions = &first.declared.functions;
    let is_whole = functions.iter().all(|function| function.name != "handler")
        && functions.iter().any(|function| !function.triggers.is_empty());
    (functions.len() == 1 || is_whole).then_some(first)
}

/// Returns the names of a library's layers, as manifests and `FAAS_LAYERS` write them.
fn layers_of(library: &Library) -> Vec<String> {
    let layers = &library.declared.layers;
    let name = library.layer_name();
    let one = |layer: &DeclaredLayer| {
        let is_plain = layer.name == name || layers.len() == 1 && library.kind() == LibraryKind::Layers;
        if is_plain { name.to_owned() } else { format!("{name}.{}", layer.name) }
    };
    layers.iter().map(one).collect()
}

/// Returns the events of functions with a name for each timer, if several have none: without names each of their
/// functions would get the events of all. The names are those that the runtimes give, `sweep-timer` and
/// `sweep-timer-2`.
pub(crate) fn with_named_timers(functions: &[DeployedFunction]) -> Vec<Vec<Value>> {
    let is_unnamed =
        |event: &Value| event.get("timer").is_some_and(|timer| timer.get("source").is_none_or(Value::is_null));
    let unnamed = functions.iter().flat_map(|function| &function.events).filter(|event| is_unnamed(event)).count();
    let mut all: Vec<Vec<Value>> = functions.iter().map(|function| function.events.clone()).collect();
    if unnamed < 2 {
        return all;
    }
    for (function, events) in functions.iter().zip(&mut all) {
        let timers = events.iter_mut().filter(|event| event.get("timer").is_some());
        for (number, event) in (1..).zip(timers).filter(|(_, event)| is_unnamed(event)) {
            let source = timer_name(&function.name, number);
            if !event["timer"].is_object() {
                // `true` is an object without members.
                event["timer"] = json!({});
            }
            event["timer"]["source"] = source.into();
        }
    }
    all
}

/// Returns the events that functions have in a manifest, which gives each event to one function: an event that an
/// earlier function has is left out. So are all events of a function that declares one which no manifest may have. The
/// runtimes read the same declarations and tell of both.
fn with_one_owner_each(functions: &[DeployedFunction]) -> Vec<Vec<Value>> {
    let mut routes = Router::new(Matching::default());
    let mut others = HashSet::new();
    let mut all = with_named_timers(functions);
    for events in &mut all {
        let text = Value::from(events.clone()).to_string();
        let Ok(read) = Manifest::read_triggers(text.as_bytes()) else {
            events.clear();
            continue;
        };
        let mut is_new = read.into_iter().map(|event| match event.filter {
            EventFilter::Http { path, methods } => {
                let methods: Vec<&str> = methods.iter().map(|method| &**method).collect();
                routes.add(path.as_deref().unwrap_or("/*"), &methods, 0).is_ok()
            }
            EventFilter::Other { kind, source, event_type } => others.insert((kind, source, event_type)),
        });
        events.retain(|_| is_new.next().unwrap_or(false));
    }
    all
}

/// Returns a manifest of functions with the events that their libraries declare.
fn manifest(name: &str, functions: &[DeployedFunction], layers: &[String], default: Option<usize>) -> String {
    let one = |(function, events): (&DeployedFunction, Vec<Value>)| {
        let mut one = json!({"name": function.name, "handler": function.handler});
        if !events.is_empty() {
            one["events"] = events.into();
        }
        one
    };
    let list: Vec<_> = functions.iter().zip(with_one_owner_each(functions)).map(one).collect();
    let mut tree = json!({"version": 1, "name": name, "layers": layers, "functions": list});
    if let Some(number) = default {
        tree["default"] = json!(functions[number].name);
    }
    format!("{tree:#}\n")
}

#[cfg(test)]
mod tests {
    use super::super::library::tests::library;
    use super::*;
    use faas_core::manifest::Manifest;

    #[test]
    fn one_function_needs_no_manifest_and_several_have_one_that_the_runtimes_read() {
        let hello = library("hello", &["hello"], &[]);
        let alone = of_libraries("hello", std::slice::from_ref(&hello)).unwrap();
        assert_eq!((alone.manifest, alone.handler.as_str()), (None, "hello"));

        let shop = library("shop", &["order", "hello"], &["auth"]);
        let both = of_libraries("service", &[hello, shop]).unwrap();
        let names: Vec<_> = both.functions.iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names, ["hello.hello", "order", "shop.hello"]);
        let manifest = Manifest::read(both.manifest.unwrap().as_bytes()).unwrap();
        assert_eq!(manifest.functions.len(), 3);
        assert_eq!(both.layers, ["shop.auth"]);
        assert_eq!(both.handler, "service");
    }

    #[test]
    fn a_class_is_served_by_its_librarys_name_unless_nothing_says_which_function_is_meant() {
        let mut shop = library("shop", &["order", "buy"], &[]);
        assert!(of_libraries("shop", std::slice::from_ref(&shop)).unwrap().manifest.is_some());
        shop.declared.functions[0].triggers.push(json!({"http": true}));
        let deployment = of_libraries("shop", std::slice::from_ref(&shop)).unwrap();
        assert_eq!((deployment.manifest, deployment.handler.as_str()), (None, "shop"));
    }

    #[test]
    fn a_manifest_has_the_events_that_libraries_declare_each_with_one_owner() {
        let mut shop = library("shop", &["list", "sweep", "tidy", "odd"], &["auth"]);
        let declared = [
            json!([{"http": {"path": "/orders/:id", "method": "GET"}}, {"queue": {"source": "paid"}}]),
            json!([{"timer": {"every": "3s"}}, {"http": {"path": "/orders/{id}", "method": "GET"}}]),
            json!([{"timer": true}, {"timer": {"source": "nightly", "cron": "0 3 * * *"}}, {"timer": {"every": "1h"}}]),
            json!([{"http": true}, {"tide": true}]),
        ];
        for (function, events) in shop.declared.functions.iter_mut().zip(declared) {
            function.triggers = events.as_array().unwrap().clone();
        }
        let manifest = of_libraries("shop", std::slice::from_ref(&shop)).unwrap().manifest.unwrap();
        assert_eq!(Manifest::read(manifest.as_bytes()).unwrap().functions.len(), 4);
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let events = |number: usize| manifest["functions"][number].get("events").cloned().unwrap_or_default();
        assert_eq!(events(0), Value::from(shop.declared.functions[0].triggers.clone()));
        assert_eq!(events(1), json!([{"timer": {"every": "3s", "source": "sweep-timer"}}]));
        let tidy = json!([
            {"timer": {"source": "tidy-timer"}},
            {"timer": {"source": "nightly", "cron": "0 3 * * *"}},
            {"timer": {"every": "1h", "source": "tidy-timer-3"}},
        ]);
        assert_eq!(events(2), tidy);
        assert_eq!(events(3), Value::Null, "the runtime says what is wrong with them");
        // One timer alone needs no name.
        shop.declared.functions.truncate(2);
        let manifest: Value = serde_json::from_str(&of_libraries("shop", &[shop]).unwrap().manifest.unwrap()).unwrap();
        assert_eq!(manifest["functions"][1]["events"], json!([{"timer": {"every": "3s"}}]));
    }

    #[test]
    fn a_deployment_is_chosen_by_its_name_a_functions_or_a_librarys() {
        let service =
            || of_libraries("service", &[library("my_shop", &["order", "buy"], &[]), library("hello", &["hi"], &[])]);
        let chosen = |name: Option<&str>| choose(vec![service().unwrap()], name);
        assert_eq!(chosen(None).unwrap(), service().unwrap());
        assert_eq!(chosen(Some("service")).unwrap().functions.len(), 3);
        for name in ["buy", "my_shop.buy", "my-shop.buy"] {
            let one = chosen(Some(name)).unwrap();
            let manifest = Manifest::read(one.manifest.unwrap().as_bytes()).unwrap();
            assert_eq!((manifest.functions.len(), manifest.functions[0].name.as_str()), (1, "buy"), "{name}");
        }
        let error = chosen(Some("sell")).unwrap_err().to_string();
        assert_eq!(error, "function: there is no function `sell`; there are: order, buy, hi");
        let shop = vec![of_libraries("my-shop", &[library("my_shop", &["order", "buy"], &[])]).unwrap()];
        assert_eq!(choose(shop.clone(), Some("my_shop")).unwrap(), shop[0]);
        let both = vec![service().unwrap(), shop[0].clone()];
        assert_eq!(choose(both, None).unwrap().name, "service");
    }

    #[test]
    fn libraries_without_functions_are_no_deployment() {
        let error = of_libraries("x", &[library("layer_auth", &[], &["auth"])]).unwrap_err().to_string();
        assert_eq!(error, "function: no library declares one: /t/liblayer_auth.so");
    }

    #[test]
    fn a_manifests_handlers_and_layers_are_looked_up_in_what_libraries_declare() {
        let all = [
            library("shop", &["order", "buy"], &[]),
            library("layer_auth", &[], &["auth"]),
            library("unused", &["handler"], &[]),
        ];
        let text = |handler: &str, layer: &str| {
            let manifest = json!({"version": 1, "layers": [{"name": layer, "optional": true}],
                "functions": [{"name": "o", "handler": handler}]});
            of_manifest("unit", manifest.to_string(), &all)
        };
        let unit = text("shop.order", "auth").unwrap();
        assert_eq!(unit.libraries.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["shop", "layer_auth"]);
        assert_eq!((unit.layers, unit.functions[0].handler.as_str()), (vec!["auth?".to_owned()], "shop.order"));
        for (handler, layer, words) in [
            ("shop", "auth", "no function is named, and it offers: order, buy; name one as `library.function`"),
            ("shop.sell", "auth", "no function \"sell\" in it; it offers: order, buy"),
            (
                "order",
                "auth",
                "no library `order` for the handler `order`; there is: shop, unused; did you mean `shop.order`?",
            ),
            ("shop.buy", "trace", "layer: no library for `trace`; there is: auth"),
        ] {
            let error = text(handler, layer).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
