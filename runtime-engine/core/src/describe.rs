//! Writes the declarations of a module as one line of JSON: the answer of the programs to `--describe`, for tools that
//! look for functions and layers without starting any.

use crate::json::{Writer, parse};
use faas_abi::host::CheckedModule;

/// Returns the entries that the module offers, as a JSON object in one line, without a line end. Members are only ever
/// added:
///
/// ```json
/// {"name": "shop", "version": "0.1.0", "builtWith": "rustc 1.88.0",
///  "functions": [{"name": "order", "group": "shop", "triggers": [{"http": true}], "isDefault": false}],
///  "layers": [{"name": "auth", "isRequired": true}]}
/// ```
///
/// `triggers` are the events that the function is written for, in the form of a manifest's `events`. The array is empty
/// for any event, and it is `null` if the text of the module is no JSON array. `group` is empty if the function shares
/// its instance with no other.
pub fn describe(module: &CheckedModule) -> String {
    let mut out = Vec::with_capacity(256);
    let mut json = Writer::new(&mut out);
    json.begin_object();
    json.key("name").string(&module.name);
    json.key("version").string(&module.version);
    json.key("builtWith").string(&module.built_with);
    json.key("functions").begin_array();
    for function in &module.functions {
        json.begin_object();
        json.key("name").string(&function.name);
        json.key("group").string(&function.group);
        json.key("triggers");
        write_triggers(&mut json, &function.triggers);
        json.key("isDefault").bool(function.is_default());
        json.end_object();
    }
    json.end_array();
    json.key("layers").begin_array();
    for layer in &module.layers {
        json.begin_object();
        json.key("name").string(&layer.name);
        json.key("isRequired").bool(layer.is_required());
        json.end_object();
    }
    json.end_array();
    json.end_object();
    // The answer is one line, whatever a module's own JSON looks like: a line end in it is white space between values.
    out.iter_mut().filter(|byte| matches!(**byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    String::from_utf8_lossy(&out).into_owned()
}

/// Writes the triggers' text of the module as it stands, since it is JSON already.
fn write_triggers(json: &mut Writer<'_>, text: &str) {
    let text = text.trim();
    if text.is_empty() {
        json.begin_array().end_array();
    } else if text.starts_with('[') && parse(text.as_bytes()).is_ok() {
        json.raw(text.as_bytes());
    } else {
        json.null();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::ValueKind;

    #[test]
    fn triggers_are_kept_as_they_are_written_and_what_is_none_is_null() {
        for (text, expected) in [
            ("", "[]"),
            ("  ", "[]"),
            (r#"[{"http": {"path": "/a"}}]"#, r#"[{"http": {"path": "/a"}}]"#),
            (r#"{"http": true}"#, "null"),
            ("[{]", "null"),
        ] {
            let mut out = Vec::new();
            write_triggers(&mut Writer::new(&mut out), text);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_module_without_anything_is_described_in_one_line() {
        let module = CheckedModule {
            name: "say \"no\"\n".into(),
            version: "1".into(),
            built_with: String::new(),
            functions: Vec::new(),
            layers: Vec::new(),
        };
        let text = describe(&module);
        assert!(!text.contains('\n'), "{text}");
        let value = parse(text.as_bytes()).unwrap();
        assert_eq!(value.get("name").unwrap().as_str().unwrap(), "say \"no\"\n");
        for list in ["functions", "layers"] {
            assert_eq!(value.get(list).unwrap().kind(), ValueKind::Array);
        }
    }
}
