//! An app's own files, as the host reads them when it starts: `host.json`, a `function.json` a folder, and the settings
//! of `local.settings.json`, which Core Tools take.

use super::Mode;
use super::call::{Call, Output, Request, decoded};
use serde_json::Value;
use std::path::Path;

/// An app, as its files say it.
#[derive(Clone, Debug)]
pub struct App {
    /// The way in which requests are handed on.
    pub mode: Mode,
    /// The app settings that have a value.
    pub settings: Vec<(String, String)>,
    /// The functions, by their names.
    functions: Vec<Function>,
}

/// A folder of an app, which is a function.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name of the folder.
    pub name: String,
    bindings: Vec<Value>,
    /// What stands before its route.
    prefix: String,
}

impl App {
    /// Reads the files of an app.
    ///
    /// # Errors
    /// A file cannot be read, or the host would not load a function. The error names the file.
    pub fn read(root: &Path) -> Result<App, String> {
        let json = |path: &Path| -> Result<Value, String> {
            let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
        };
        let host = json(&root.join("host.json"))?;
        let is_on = |key: &str| host["customHandler"][key] == true;
        let mode = match (is_on("enableForwardingHttpRequest"), is_on("enableProxyingHttpRequest")) {
            (_, true) => Mode::Proxy,
            (true, false) => Mode::Forward,
            (false, false) => Mode::Envelope,
        };
        let local = json(&root.join("local.settings.json"))?;
        let settings = local["Values"].as_object().into_iter().flatten();
        let settings = settings.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let prefix = host["extensions"]["http"]["routePrefix"].as_str().unwrap_or("api").to_owned();
        let mut functions = Vec::new();
        for entry in std::fs::read_dir(root).map_err(|error| format!("{}: {error}", root.display()))? {
            let file = entry.map_err(|error| error.to_string())?.path().join("function.json");
            if !file.is_file() {
                continue;
            }
            let name = file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
            if !is_name(&name) {
                return Err(format!("{}: {name:?} is not a valid function name", file.display()));
            }
            let bindings = json(&file)?["bindings"].as_array().cloned().unwrap_or_default();
            functions.push(Function { name, bindings, prefix: prefix.clone() });
        }
        functions.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let settings = settings.filter(|(_, value)| !value.is_empty()).collect();
        Ok(App { mode, settings, functions })
    }

    /// Returns the function that the host sends a request to, the first by name whose route and methods fit; `None` if
    /// the host answers it by itself, with 404.
    pub fn routed(&self, method: &str, target: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.params(method, target).is_some())
    }

    /// Returns the first function whose trigger is of this type; `None` if there is none.
    pub fn triggered(&self, kind: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.trigger().is_some_and(|trigger| trigger["type"] == kind))
    }
}

impl Function {
    fn trigger(&self) -> Option<&Value> {
        let is_trigger = |binding: &&Value| binding["type"].as_str().is_some_and(|kind| kind.ends_with("Trigger"));
        self.bindings.iter().find(is_trigger)
    }

    /// Returns the parameters that the function's route finds in the path of a request; `None` if the route or the
    /// methods do not fit.
    fn params(&self, method: &str, target: &str) -> Option<Vec<(String, String)>> {
        let trigger = self.trigger().filter(|trigger| trigger["type"] == "httpTrigger")?;
        let route = trigger["route"].as_str().unwrap_or(&self.name);
        let is_method = |other: &Value| other.as_str().is_some_and(|other| other.eq_ignore_ascii_case(method));
        let takes = trigger["methods"].as_array().is_none_or(|methods| methods.iter().any(is_method));
        let path = target.split('?').next().unwrap_or_default();
        params(&format!("{}/{route}", self.prefix), path).filter(|_| takes)
    }

    /// Returns a call of this function by a client's request, with the parameters of its route.
    pub fn request(&self, mut request: Request) -> Call {
        if let Some(params) = self.params(&request.method, &request.target) {
            request.params = params;
        }
        self.bound(Call::http(&self.name, request))
    }

    /// Returns a call with the names that this function's bindings have.
    pub fn bound(&self, mut call: Call) -> Call {
        call.function.clone_from(&self.name);
        let name = |binding: &Value| binding["name"].as_str().unwrap_or_default().to_owned();
        if let (Some(trigger), Some(first)) = (self.trigger(), call.data.first_mut()) {
            first.0 = name(trigger);
        }
        let outputs = self.bindings.iter().filter(|binding| binding["direction"] == "out");
        call.outputs = outputs
            .map(|binding| Output {
                name: name(binding),
                is_http: binding["type"] == "http",
                is_binary: binding["dataType"] == "binary",
            })
            .collect();
        call
    }
}

/// Returns `true` for a name that the host loads a function of. Source: `Utility.IsValidFunctionName`.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= 128
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        && !name.eq_ignore_ascii_case("host")
}

/// Returns the parameters that a route of ASP.NET finds in a path; `None` if the path does not fit. Of constraints
/// `maxlength(0)` is known alone.
fn params(route: &str, path: &str) -> Option<Vec<(String, String)>> {
    // Only in queries a plus sign is a space.
    let value = |text: &str| decoded(&text.replace('+', "%2B"));
    let mut path = path.split('/').filter(|segment| !segment.is_empty());
    let mut found = Vec::new();
    for part in route.split('/').filter(|part| !part.is_empty()) {
        let name = part.trim_start_matches(['{', '*']).split([':', '?', '}']).next().unwrap_or_default().to_owned();
        if part.starts_with("{*") {
            found.push((name, value(&path.collect::<Vec<_>>().join("/"))));
            return Some(found);
        }
        let is_parameter = part.starts_with('{');
        match path.next() {
            Some(segment) if is_parameter && !part.contains(":maxlength(0)") => found.push((name, value(segment))),
            Some(segment) if !is_parameter && segment.eq_ignore_ascii_case(part) => {}
            None if is_parameter && part.ends_with("?}") => {}
            _ => return None,
        }
    }
    path.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(functions: &[(&str, &str)]) -> Result<App, String> {
        let folder = tempfile::tempdir().expect("there is room");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
            std::fs::write(path, text).expect("there is room");
        };
        write(
            "host.json",
            r#"{"extensions":{"http":{"routePrefix":""}},"customHandler":{"enableForwardingHttpRequest":true}}"#,
        );
        write("local.settings.json", r#"{"Values":{"A":"1","SECRET":""}}"#);
        for (name, bindings) in functions {
            write(&format!("{name}/function.json"), &format!(r#"{{"bindings":{bindings}}}"#));
        }
        App::read(folder.path())
    }

    #[test]
    fn a_request_goes_to_the_first_folder_whose_route_and_methods_fit() {
        let http = |route: &str, methods: &str| {
            format!(
                r#"[{{"type":"httpTrigger","name":"req","route":"{route}"{methods}}},
                    {{"type":"http","direction":"out","name":"res"}}]"#
            )
        };
        let all = [
            ("http-1", http("orders/{id}", r#","methods":["get"]"#)),
            ("http-2", http("{root:maxlength(0)?}", "")),
            ("http-3", http("files/{*rest}", "")),
        ];
        let all: Vec<(&str, &str)> = all.iter().map(|(name, bindings)| (*name, bindings.as_str())).collect();
        let app = app(&all).expect("the host reads it");
        assert_eq!((app.mode, &app.settings[..]), (Mode::Forward, &[("A".to_owned(), "1".to_owned())][..]));
        for (method, target, expected) in [
            ("GET", "/orders/7?a=b", Some("http-1")),
            ("POST", "/orders/7", None),
            ("GET", "/orders", None),
            ("GET", "/", Some("http-2")),
            ("GET", "/x", None),
            ("PUT", "/files/a/b", Some("http-3")),
        ] {
            let found = app.routed(method, target).map(|function| function.name.as_str());
            assert_eq!(found, expected, "{method} {target}");
        }
        for (method, target, params) in [
            ("GET", "/orders/7%2B1?id=8", r#"{"id":"7+1"}"#),
            ("GET", "/", "{}"),
            ("PUT", "/files/a/b", r#"{"rest":"a/b"}"#),
        ] {
            let function = app.routed(method, target).expect("a route fits");
            let envelope: Value =
                serde_json::from_str(&function.request(Request::new(method, target, &[], "")).envelope())
                    .expect("JSON");
            assert_eq!(envelope["Data"]["req"]["Params"].to_string(), params, "{method} {target}");
        }
    }

    #[test]
    fn a_call_has_the_names_of_the_bindings() {
        let timer = r#"[{"type":"timerTrigger","direction":"in","name":"event"},
                        {"type":"queue","direction":"out","name":"done"}]"#;
        let app = app(&[("tidy-timer-1", timer)]).expect("the host reads it");
        let function = app.triggered("timerTrigger").expect("there is one");
        let call = function.bound(Call::timer(""));
        assert_eq!((call.function.as_str(), call.data[0].0.as_str()), ("tidy-timer-1", "event"));
        assert!(call.outputs.iter().all(|output| output.name == "done" && !output.is_http));
        assert!(app.triggered("queueTrigger").is_none());
    }

    #[test]
    fn a_folder_whose_name_is_no_functions_is_refused() {
        for name in ["order.list", "2nd", "Host"] {
            let error = app(&[(name, "[]")]).expect_err("the host does not load it");
            assert!(error.contains("is not a valid function name"), "{error}");
        }
    }
}
