//! The path to a place in a JSON document, in the words of the document: `items[2].price`.

use std::fmt::Write;

/// An array or object that is open at the place.
enum Open<'a> {
    Array(usize),
    /// The key whose value is being read, as it is written.
    Object(&'a [u8]),
}

/// Returns the path to the line and column that a reader of JSON has stopped at, both counted from 1; empty at the
/// outermost level.
pub(crate) fn path(json: &[u8], line: usize, column: usize) -> String {
    let start: usize = json.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let read = &json[..(start + column).min(json.len())];
    let (mut open, mut at, mut last_text) = (Vec::new(), 0, &read[..0]);
    while let Some(byte) = read.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let end = at + text_len(&read[at..]);
                last_text = &read[at..end];
                at = end + 1;
            }
            b'{' => open.push(Open::Object(b"")),
            b'[' => open.push(Open::Array(0)),
            b'}' | b']' => _ = open.pop(),
            b':' => {
                if let Some(Open::Object(key)) = open.last_mut() {
                    *key = last_text;
                }
            }
            b',' => match open.last_mut() {
                Some(Open::Array(index)) => *index += 1,
                Some(Open::Object(key)) => *key = b"",
                None => {}
            },
            _ => {}
        }
    }
    let mut path = String::new();
    for step in open {
        match step {
            Open::Array(index) => _ = write!(path, "[{index}]"),
            Open::Object(b"") => {}
            Open::Object(key) => {
                let apart = if path.is_empty() { "" } else { "." };
                _ = write!(path, "{apart}{}", String::from_utf8_lossy(key));
            }
        }
    }
    path
}

/// Returns the length of a text up to its closing quote, or to the end.
fn text_len(rest: &[u8]) -> usize {
    let mut escaped = false;
    let end = rest.iter().position(|byte| {
        let is_end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        is_end
    });
    end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use std::collections::BTreeMap;

    /// Returns the path to where reading `T` stops.
    fn path<T: serde::de::DeserializeOwned>(json: &str) -> String {
        let Err(error) = serde_json::from_str::<T>(json) else { panic!("{json} is read") };
        super::path(json.as_bytes(), error.line(), error.column())
    }

    #[test]
    fn a_place_is_told_by_keys_and_indices() {
        type Lists = BTreeMap<String, Vec<BTreeMap<String, u8>>>;
        assert_eq!(path::<Lists>(r#"{"items":[{"a":1},{"a":2,"b":"x"}]}"#), "items[1].b");
        assert_eq!(path::<Lists>("{\n \"items\": [\n  {\"a\": 1},\n  {\"a\": true}\n ]\n}"), "items[1].a");
        assert_eq!(path::<Lists>(r#"{"a,b:{":[{"c\"]":300}]}"#), r#"a,b:{[0].c\"]"#);
        assert_eq!(path::<Vec<Vec<u8>>>("[[1],[2,[]]]"), "[1][1]");
        assert_eq!(path::<u8>(r#""x""#), "");
    }

    #[test]
    fn a_place_beyond_the_document_is_its_end() {
        for json in ["", "{", r#"{"a"#, r#"{"a":["#, "\n\n"] {
            let whole = super::path(json.as_bytes(), 9, 9);
            assert!(serde_json::from_str::<Value>(json).is_err() && whole.len() < 8, "{json}: {whole}");
        }
    }
}
