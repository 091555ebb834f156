//! The place of the layers of the command line: outside those that a deployment has itself, in the order in which they
//! are named. One that the deployment has as well moves outward, with the configuration that the deployment gives it,
//! and runs once. `dev` and `invoke` ask here, so that both run the same.

use serde_json::{Value, json};

/// Returns the names, as `FAAS_LAYERS` has them, of the named layers and of those of a deployment.
pub(crate) fn names(named: &[String], own: &[String]) -> Vec<String> {
    let rest = own.iter().filter(|own| named.iter().all(|named| bare(named) != bare(own)));
    named.iter().chain(rest).cloned().collect()
}

/// Returns a manifest with named layers outside of its own.
pub(crate) fn in_manifest(mut manifest: Value, named: &[String]) -> Value {
    let mut own = manifest["layers"].as_array().cloned().unwrap_or_default();
    let mut layers: Vec<Value> = Vec::new();
    for name in named {
        let is_it = |layer: &Value| layer.as_str().or_else(|| layer["name"].as_str()) == Some(bare(name));
        layers.push(match own.iter().position(is_it) {
            Some(place) => own.remove(place),
            None if bare(name) == name => json!(name),
            None => json!({"name": bare(name), "optional": true}),
        });
    }
    layers.extend(own);
    if !layers.is_empty() {
        manifest["layers"] = layers.into();
    }
    manifest
}

/// Returns a layer's name without the mark of an optional one.
fn bare(name: &str) -> &str {
    name.strip_suffix('?').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_the_command_line_stand_outside_those_of_the_deployment_and_once() {
        let named = ["trace?".to_owned(), "monitor".to_owned()];
        let own = json!({"layers": ["auth", {"name": "monitor", "config": {"slowMs": 5}}]});
        let expected =
            json!([{"name": "trace", "optional": true}, {"name": "monitor", "config": {"slowMs": 5}}, "auth"]);
        assert_eq!(in_manifest(own, &named)["layers"], expected);
        assert_eq!(in_manifest(json!({}), &[]), json!({}));
        assert_eq!(names(&named, &["auth".to_owned(), "monitor?".to_owned()]), ["trace?", "monitor", "auth"]);
    }
}
