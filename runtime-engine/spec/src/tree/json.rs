//! The form of a tree as JSON.

use super::{Node, Value, literal, plain};
use crate::source::Sources;

impl Node {
    /// Returns the value as JSON. Numbers are written as they stand, so that no number is rounded.
    pub fn to_json(&self, sources: &Sources) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => {
                let written = sources.part(self.span);
                let is_json = serde_json::from_str::<serde_json::Number>(written).is_ok();
                if is_json { written.to_owned() } else { serde_json::json!(value).to_string() }
            }
            Value::Text { text, is_given: true, .. } => match plain(text) {
                // A text that reads like a value of JSON, and is written exactly so, is one.
                Value::Int(value) if value.to_string() == *text => text.clone(),
                Value::Bool(value) if value.to_string() == *text => text.clone(),
                _ => serde_json::json!(text).to_string(),
            },
            Value::Text { text, .. } => serde_json::json!(text).to_string(),
            Value::List(list) => {
                let elements: Vec<String> = list.iter().map(|element| element.to_json(sources)).collect();
                format!("[{}]", elements.join(","))
            }
            Value::Map(map) => {
                // A key is never searched for secrets.
                let member = |name: &str, value: &Node| {
                    format!("{}:{}", serde_json::json!(literal(name)), value.to_json(sources))
                };
                let members = map.entries().iter().map(|entry| member(&entry.key, &entry.value));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }
}
