//! Layers that are configured in JSON: their schemas, and whether a runtime starts with a configuration.

use crate::artifacts::{self, workspace};
use crate::deployment::Deployment;
use crate::on_http;
use crate::wait::limit;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use serde_json::Value;

/// The names of the layers.
pub const LAYERS: [&str; 13] = [
    "auth",
    "cache",
    "compress",
    "cors",
    "http-client",
    "idempotency",
    "kv",
    "limit",
    "log",
    "params",
    "record",
    "trace",
    "warmup",
];

/// Returns the schema of a layer's configuration.
///
/// # Panics
/// The layer has no schema.
pub fn schema(layer: &str) -> Value {
    let path = workspace().join(format!("layers/{layer}/config.schema.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the variable with a layer's configuration.
pub fn variable(layer: &str) -> String {
    format!("FAAS_LAYER_{}", layer.to_ascii_uppercase().replace('-', "_"))
}

/// Starts a function with the layer and this configuration.
///
/// # Errors
/// It does not start. The error is its message.
///
/// # Panics
/// It neither starts nor says why.
pub fn start(layer: &str, config: &Value) -> Result<(), String> {
    let variable = variable(layer);
    let deployment = Deployment::of("echo");
    // Its keys have to be kept somewhere.
    let deployment = if layer == "idempotency" { deployment.layer("kv") } else { deployment };
    let deployment = deployment.layer(layer).env(&variable, &config.to_string());
    let command = on_http::command(artifacts::get().light_bootstrap(), &deployment, "echo", free_port());
    let process = Process::spawn(command, |_| ()).expect("it starts");
    let is_over = |line: &str| line.contains("listening") || line.contains("could not be made");
    let line = process.wait_for_line(is_over, limit());
    let line = line.unwrap_or_else(|late| panic!("{config}: {late}; output:\n{}", process.output()));
    if line.contains("listening") { Ok(()) } else { Err(process.output()) }
}

/// Returns configurations of a layer. They are the examples of its schema, the first example with each property of
/// several types of JSON in turn and of its default, and the first example with an unknown property.
///
/// # Panics
/// The schema has no examples or no properties.
pub fn configurations(schema: &Value) -> Vec<Value> {
    let examples = schema["examples"].as_array().expect("a schema has examples");
    let first = examples[0].as_object().expect("an object");
    let with = |name: &str, value: &Value| {
        let mut config = first.clone();
        config.insert(name.to_owned(), value.clone());
        Value::Object(config)
    };
    let values: Vec<Value> =
        serde_json::from_str(r#"[-1, true, "no such word", {"x": 1}, [{"x": [7]}]]"#).expect("JSON");
    let properties = schema["properties"].as_object().expect("a schema has properties");
    let mut all = examples.clone();
    for (name, property) in properties {
        all.extend(values.iter().map(|value| with(name, value)));
        all.extend(property.get("default").map(|value| with(name, value)));
    }
    all.push(with("noSuchKey", &Value::Null));
    all
}
