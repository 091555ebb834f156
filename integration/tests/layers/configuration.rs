//! What each `config.schema.json` says of a configuration against what the layer itself says: properties, examples, and every
//! property with a value of another type.

use integration::artifacts::{self, workspace};
use integration::deployment::Deployment;
use integration::on_http::{OnHttp, free_port};
use integration::wait::limit;
use platform_emulators::process::Process;
use serde_json::{Map, Value, json};

/// The layers that are configured in JSON.
const LAYERS: [&str; 8] = ["cache", "compress", "cors", "limit", "log", "record", "trace", "warmup"];

fn schema(layer: &str) -> Value {
    let path = workspace().join(format!("layers/{layer}/config.schema.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Starts `echo` with the layer configured so; what was said if it does not start.
fn start(layer: &str, config: &Value) -> Result<(), String> {
    let variable = format!("FAAS_LAYER_{}", layer.to_ascii_uppercase());
    let deployment = Deployment::of("echo").layer(layer).env(&variable, &config.to_string());
    let command = integration::on_http::command(artifacts::get().light_bootstrap(), &deployment, "echo", free_port());
    let run = OnHttp {
        process: Process::spawn(command, |_| ()).expect("it starts"),
        address: ([127, 0, 0, 1], 0).into(),
        deployment,
    };
    let ready =
        run.process.wait_for_line(|line| line.contains("listening") || line.contains("could not be made"), limit());
    let line = ready.unwrap_or_else(|late| panic!("{config}: {late}; output:\n{}", run.process.output()));
    if line.contains("listening") { Ok(()) } else { Err(run.process.output()) }
}

/// Values of every type of JSON, none of which has a meaning to anybody.
fn others(schema: &Value) -> Vec<Value> {
    let is = |kind: &str| schema.to_string().contains(&format!("\"type\":\"{kind}\""));
    let mut others = vec![json!(-1)];
    if !(is("array") && is("object")) {
        others.push(json!([{"x": [7]}]));
    }
    if !is("boolean") {
        others.push(json!(true));
    }
    // A text that says anything at all is one of a kind.
    if !is("string") || is("array") || schema.get("pattern").is_some() || schema.get("enum").is_some() {
        others.push(json!("no such word"));
    }
    if !is("object") || is("array") {
        others.push(json!({"x": 1}));
    }
    others
}

#[test]
fn what_the_schema_has_for_an_example_starts_and_what_it_forbids_does_not() {
    for layer in LAYERS {
        let schema = schema(layer);
        let examples = schema["examples"].as_array().expect("a schema has examples");
        for example in examples {
            start(layer, example).unwrap_or_else(|why| panic!("{layer} {example}: {why}"));
        }
        let example = examples.last().and_then(Value::as_object).expect("an object");
        let properties = schema["properties"].as_object().expect("a schema has properties");
        for (name, property) in properties {
            let with = |value: &Value| {
                let mut config: Map<String, Value> = examples[0].as_object().cloned().expect("an object");
                config.insert(name.clone(), value.clone());
                Value::Object(config)
            };
            if let Some(default) = property.get("default") {
                start(layer, &with(default)).unwrap_or_else(|why| panic!("{layer}.{name}, its default: {why}"));
            }
            for wrong in others(property) {
                let why = start(layer, &with(&wrong)).expect_err(&format!("{layer}: {name} of {wrong}"));
                let told = [format!("FAAS_LAYER_{}", layer.to_ascii_uppercase()), name.clone(), "expected".to_owned()];
                assert!(told.iter().all(|words| why.contains(words)), "{layer}: {name} of {wrong}: {why}");
            }
            assert!(example.contains_key(name) || layer == "limit", "{layer}: the last example has all: {name}");
        }
        let why = start(layer, &json!({"noSuchKey": 1})).expect_err("an unknown key");
        let mut known: Vec<&str> = why.split('`').skip(1).step_by(2).filter(|name| *name != "noSuchKey").collect();
        known.sort_unstable();
        let mut named: Vec<&str> = properties.keys().map(String::as_str).collect();
        named.sort_unstable();
        assert_eq!(known, named, "{layer}: the keys that the layer reads and those of its schema");
    }
}
