//! The keys, the defaults and the examples of each `config.schema.json` against the layer's own reading, and the words
//! that a mistake ends the start with. A validator reads the schemas in `foreign/layers.rs`.

use integration::configured::{LAYERS, schema, start, variable};
use serde_json::{Map, Value, json};

#[test]
fn keys_defaults_and_examples_of_the_schemas_are_those_of_the_layers() {
    for layer in LAYERS {
        let schema = schema(layer);
        let examples = schema["examples"].as_array().expect("a schema has examples");
        for example in examples {
            start(layer, example).unwrap_or_else(|why| panic!("{layer} {example}: {why}"));
        }
        let properties = schema["properties"].as_object().expect("a schema has properties");
        for (name, property) in properties {
            if let Some(default) = property.get("default") {
                let mut config: Map<String, Value> = examples[0].as_object().cloned().expect("an object");
                config.insert(name.clone(), default.clone());
                start(layer, &config.into()).unwrap_or_else(|why| panic!("{layer}.{name}, its default: {why}"));
            }
            let why = start(layer, &json!({name: -1})).expect_err(&format!("{layer}: {name} of -1"));
            let variable = variable(layer);
            assert!([&variable, name, "expected"].iter().all(|words| why.contains(*words)), "{layer}.{name}: {why}");
        }
        let why = start(layer, &json!({"noSuchKey": 1})).expect_err("an unknown key");
        let mut known: Vec<&str> = why.split('`').skip(1).step_by(2).filter(|name| *name != "noSuchKey").collect();
        known.sort_unstable();
        let mut named: Vec<&str> = properties.keys().map(String::as_str).collect();
        named.sort_unstable();
        assert_eq!(known, named, "{layer}: the keys that the layer reads and those of its schema");
    }
}
