//! The JSON schema that editors complete and check a yml with, made of the table of keys.
//!
//! It checks less than [`check`](crate::check): rules that a schema cannot express, such as the owner of a route, are
//! not in it. A yml that it refuses is wrong here as well.

use crate::keys::{Effect, KINDS, Key, Object, SERVICE, Shape};
use serde_json::{Map, Value, json};

/// Makes the schema (JSON Schema draft 7, which most editors know).
///
/// ```
/// use serverless_spec::schema::schema;
///
/// let schema = schema();
/// assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
/// assert!(schema["properties"]["functions"].is_object());
/// ```
pub fn schema() -> Value {
    let mut maker = Maker { definitions: Map::new() };
    let mut root = maker.object(&SERVICE);
    // Platforms and stages have parts of the whole.
    let mut part = root.clone();
    if let Some(members) = part.as_object_mut() {
        members.remove("required");
    }
    maker.definitions.insert("part".to_owned(), part);
    let whole = root.as_object_mut().expect("an object's schema is an object");
    whole.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    whole.insert("title".to_owned(), json!("serverless.yml of runtime-engine"));
    whole.insert("definitions".to_owned(), Value::Object(maker.definitions));
    root
}

struct Maker {
    definitions: Map<String, Value>,
}

impl Maker {
    /// Returns a reference to the schema of a mapping, which is made once.
    fn reference(&mut self, object: &'static Object) -> Value {
        let name = object.what.replace(' ', "-");
        if !self.definitions.contains_key(&name) {
            // The entry comes before its keys, since they may lead back to it.
            self.definitions.insert(name.clone(), Value::Null);
            let made = self.object(object);
            self.definitions.insert(name.clone(), made);
        }
        json!({"$ref": format!("#/definitions/{name}")})
    }

    fn object(&mut self, object: &'static Object) -> Value {
        let properties: Map<String, Value> =
            object.keys.iter().map(|key| (key.name.to_owned(), self.key(key))).collect();
        let required: Vec<&str> = object.keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
        let mut schema = json!({"type": "object", "properties": properties, "patternProperties": {"^x-": true}});
        let members = schema.as_object_mut().expect("it is an object");
        if !required.is_empty() {
            members.insert("required".to_owned(), json!(required));
        }
        if !object.is_open() {
            members.insert("additionalProperties".to_owned(), json!(false));
        }
        schema
    }

    fn key(&mut self, key: &'static Key) -> Value {
        let of = match key.name {
            "stages" | "platforms" => json!({"type": "object", "additionalProperties": {"$ref": "#/definitions/part"}}),
            _ => self.shape(&key.shape),
        };
        let mut description = key.doc.to_owned();
        if let Effect::Nothing(why) = key.effect {
            description.push_str(&format!(" Without effect: {why}."));
        }
        // A key without a value is a key that is left out, and any value may come from a variable.
        let mut alternatives = vec![of];
        if !key.is_required {
            alternatives.push(json!({"type": "null"}));
        }
        if takes_variable(&key.shape) {
            alternatives.push(variable());
        }
        let mut schema = Map::from_iter([("description".to_owned(), json!(description))]);
        if let Some(default) = key.default {
            schema.insert("description".to_owned(), json!(format!("{description} Default: {default}.")));
        }
        schema.insert("anyOf".to_owned(), json!(alternatives));
        Value::Object(schema)
    }

    fn shape(&mut self, shape: &'static Shape) -> Value {
        match shape {
            Shape::Text => json!({"type": ["string", "number"]}),
            Shape::Name => {
                json!({"anyOf": [{"type": "string", "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"}, {"type": "number"}, variable()]})
            }
            Shape::Bool => json!({"type": "boolean"}),
            Shape::Int { least, most, .. } => json!({"type": "integer", "minimum": least, "maximum": most}),
            Shape::Time => {
                json!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^(\d+(ms|s|m|h))+$|^\d+$"}, variable()]})
            }
            Shape::Choice(words) => {
                // The words are listed in small letters and capitals, since the check takes any case.
                let all = words.iter().flat_map(|word| [(*word).to_owned(), word.to_uppercase(), capitalised(word)]);
                let mut all: Vec<String> = all.collect();
                all.sort();
                all.dedup();
                json!({"enum": all})
            }
            Shape::Route => json!({"anyOf": [{"type": "string", "pattern": "^/"}, variable()]}),
            Shape::Method => json!({"type": "string"}),
            Shape::Object(object) => self.reference(object),
            Shape::Map(_, of) => {
                let of = self.shape(of);
                json!({"type": "object", "patternProperties": {"^x-": true}, "additionalProperties": {"anyOf": [of, {"type": "null"}, variable()]}})
            }
            Shape::List(of) => {
                let of = self.shape(of);
                json!({"type": "array", "items": {"anyOf": [of, variable()]}})
            }
            Shape::OneOrMany(of) => {
                let of = self.shape(of);
                json!({"anyOf": [of, {"type": "array", "items": {"anyOf": [of, variable()]}}]})
            }
            Shape::Either(shapes) => {
                let all: Vec<Value> = shapes.iter().map(|shape| self.shape(shape)).collect();
                json!({"anyOf": all})
            }
            Shape::Environment => {
                json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}})
            }
            Shape::Event => self.event(),
            Shape::Any => json!(true),
        }
    }

    fn event(&mut self) -> Value {
        if !self.definitions.contains_key("event") {
            self.definitions.insert("event".to_owned(), Value::Null);
            let kinds: Map<String, Value> = KINDS
                .iter()
                .map(|kind| {
                    let of = self.reference(kind.object);
                    let schema = json!({"description": kind.doc, "anyOf": [of, {"const": true}, {"type": "null"}]});
                    (kind.word.to_owned(), schema)
                })
                .collect();
            let event = json!({
                "type": "object", "properties": kinds, "additionalProperties": false, "minProperties": 1, "maxProperties": 1
            });
            self.definitions.insert("event".to_owned(), event);
        }
        json!({"$ref": "#/definitions/event"})
    }
}

/// Returns the schema of a text with a variable in it, which may replace any value.
fn variable() -> Value {
    json!({"type": "string", "pattern": r"\$\{"})
}

/// Returns `true` if a variable can stand there that the shape itself would refuse.
fn takes_variable(shape: &Shape) -> bool {
    !matches!(shape, Shape::Text | Shape::Any)
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
