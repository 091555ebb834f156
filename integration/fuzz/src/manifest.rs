//! The reader of the manifest against `serde_json`'s tree of the same text, and its mistakes against the text.

use faas_core::manifest::{FunctionSpec, Manifest, Mistake};
use serde_json::Value as Tree;
use std::collections::BTreeSet;

/// Reads `text`, and compares the result or the reported mistakes.
pub fn check(text: &[u8]) {
    match Manifest::read(text) {
        // Numbers at the largest float are the one thing that `serde_json` judges otherwise; the target `json` has
        // them.
        Ok(manifest) => match serde_json::from_slice::<Tree>(text) {
            Ok(tree) => same(&manifest, &tree),
            Err(error) => assert!(error.to_string().starts_with("number out of range"), "{error}"),
        },
        Err(mistakes) => lie_in(&String::from_utf8_lossy(text), &mistakes),
    }
}

fn same(manifest: &Manifest, tree: &Tree) {
    assert_eq!(tree["version"], 1);
    assert_eq!(manifest.name, tree["name"].as_str().unwrap_or_default());
    assert_eq!(manifest.digest, tree["digest"].as_str().unwrap_or_default());
    assert_eq!(manifest.layers.len(), tree["layers"].as_array().map_or(0, Vec::len));
    let functions = tree["functions"].as_array().expect("functions are a list");
    assert_eq!(manifest.functions.len(), functions.len());
    let names: BTreeSet<&str> = manifest.functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(names.len(), functions.len(), "each name once");
    let default = manifest.default.map(|index| manifest.functions[index].name.as_str());
    assert_eq!(default, tree["default"].as_str());
    for (function, tree) in manifest.functions.iter().zip(functions) {
        same_function(function, tree);
    }
}

fn same_function(function: &FunctionSpec, tree: &Tree) {
    let name = tree["name"].as_str().expect("a function has a name");
    assert_eq!(function.name, name);
    assert_eq!(function.handler, tree["handler"].as_str().unwrap_or(name));
    match tree.get("config") {
        None => assert_eq!(function.config, ""),
        Some(tree) => assert_eq!(&serde_json::from_str::<Tree>(&function.config).expect("it is JSON"), tree),
    }
    let none = serde_json::Map::new();
    let variables = tree["environment"].as_object().unwrap_or(&none);
    assert_eq!(function.environment.len(), variables.len(), "each variable once");
    for (name, value) in &function.environment {
        match &variables[name] {
            Tree::String(text) => assert_eq!(value, text),
            other => assert_eq!(&serde_json::from_str::<Tree>(value).expect("a number or a boolean"), other),
        }
    }
    assert_eq!(function.concurrency.map(|number| number as u64), tree["concurrency"].as_u64());
    assert_eq!(function.timeout.is_some(), tree.get("timeout").is_some());
    assert_eq!(function.events.len(), tree["events"].as_array().map_or(0, Vec::len));
}

fn lie_in(text: &str, mistakes: &[Mistake]) {
    assert!(!mistakes.is_empty(), "refused without a mistake");
    assert!(mistakes.is_sorted_by_key(|mistake| mistake.position));
    let lines: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    for mistake in mistakes {
        let length = lines.get(mistake.position.line - 1).expect("there is such a line");
        assert!((1..=length + 1).contains(&mistake.position.column), "{mistake}");
    }
}
