//! The body of a request or reply on a line: redacted, and cut.

use handlers_sdk::{Line, Redact};
use serde_json::Value;

/// The most bytes of a body that are read to be redacted. Of a larger one only the size is told.
const LARGEST: usize = 256 << 10;

/// Adds a body as `name`: JSON as JSON if it fits, otherwise the beginning of its text.
pub(crate) fn add(line: &mut Line, name: &str, body: &[u8], most: usize, redact: &Redact) {
    if most == 0 || body.is_empty() {
        return;
    }
    if body.len() > LARGEST {
        line.text(name, &format!("({} bytes)", body.len()));
        return;
    }
    let text = match (serde_json::from_slice::<Value>(body), std::str::from_utf8(body)) {
        (Ok(mut value), _) => {
            redact.json(&mut value);
            let json = value.to_string();
            if json.len() <= most {
                line.json(name, &json);
                return;
            }
            json
        }
        (_, Ok(text)) => redact.body(text),
        _ => {
            line.text(name, &format!("({} bytes)", body.len()));
            return;
        }
    };
    if text.len() <= most {
        line.text(name, &text);
    } else {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        line.text(name, &format!("{}\u{2026}", &text[..end]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(body: &[u8], most: usize) -> String {
        let redact = Redact::new(&[], vec!["sk_*".to_owned()]);
        let mut line = Line::new();
        add(&mut line, "body", body, most, &redact);
        line.finish()
    }

    #[test]
    fn a_body_is_redacted_before_it_is_cut() {
        for (body, most, expected) in [
            (&b"{\"a\":1, \"password\":\"x\"}"[..], 99, r#"{"body":{"a":1,"password":"*****"}}"#),
            (b"{\"password\":\"xxxxxxxxxxxxxxxxx\"}", 15, r#"{"body":"{\"password\":\"**…"}"#),
            (b"user=ann&password=x&n", 99, r#"{"body":"user=ann&password=*****&n"}"#),
            ("grüße sk_1".as_bytes(), 3, r#"{"body":"gr…"}"#),
            (b"say sk_1", 99, r#"{"body":"say *****"}"#),
            (&[0xff, 0], 99, r#"{"body":"(2 bytes)"}"#),
            (b"{}", 0, "{}"),
            (b"", 9, "{}"),
        ] {
            assert_eq!(added(body, most), expected);
        }
        assert_eq!(added(&vec![b'x'; LARGEST + 1], 10), format!(r#"{{"body":"({} bytes)"}}"#, LARGEST + 1));
    }
}
