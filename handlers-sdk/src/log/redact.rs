//! Secrets that are hidden in text that is written down: values under secret keys, and words that look like a secret.

use serde_json::Value;

/// The text in the place of a secret.
const HIDDEN: &str = "*****";

/// The keys whose values are always hidden, whatever is configured.
const ALWAYS: [&str; 17] = [
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "client_secret",
    "cookie",
    "id_token",
    "passwd",
    "password",
    "private_key",
    "proxy_authorization",
    "refresh_token",
    "secret",
    "set_cookie",
    "token",
    "x_amz_security_token",
    "x_api_key",
];

/// Hides secrets in the text that a layer writes down: by key, as `password` or `authorization`, and by pattern.
///
/// The keys of credentials are always hidden, without case and with `-` as `_`. In a pattern `*` is any text and `#` a
/// digit; it is met by a whole word, which white space, quotes, brackets and `,;&=?|` end.
///
/// ```
/// use handlers_sdk::Redact;
///
/// let redact = Redact::new(&["iban".to_owned()], vec!["sk_*".to_owned()]);
/// assert_eq!(redact.value("Authorization", "Bearer x"), "*****");
/// assert_eq!(redact.text("the key is sk_live_1."), "the key is *****");
/// let mut document = serde_json::json!({"iban": "AT1", "body": "{\"password\":\"x\"}"});
/// redact.json(&mut document);
/// assert_eq!(document.to_string(), r#"{"body":"{\"password\":\"*****\"}","iban":"*****"}"#);
/// ```
#[derive(Debug)]
pub struct Redact {
    /// The keys, without case and with `-` as `_`.
    keys: Vec<String>,
    patterns: Vec<String>,
}

impl Redact {
    /// Makes the rules of keys beside those that are always hidden, and of patterns.
    pub fn new(keys: &[String], patterns: Vec<String>) -> Redact {
        Redact { keys: keys.iter().map(|key| plain(key)).collect(), patterns }
    }

    fn is_secret(&self, key: &str) -> bool {
        let key = plain(key);
        ALWAYS.contains(&key.as_str()) || self.keys.contains(&key)
    }

    /// Returns a value as it may be shown under this key.
    pub fn value(&self, key: &str, value: &str) -> String {
        if self.is_secret(key) { HIDDEN.to_owned() } else { self.text(value) }
    }

    /// Returns a text, without the words that look like a secret.
    pub fn text(&self, text: &str) -> String {
        if self.patterns.is_empty() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(is_between).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            let is_hidden = !word.is_empty() && self.patterns.iter().any(|pattern| fits(pattern, word));
            out.push_str(if is_hidden { HIDDEN } else { word });
            let gap = behind.find(|c| !is_between(c)).unwrap_or(behind.len());
            out.push_str(&behind[..gap]);
            rest = &behind[gap..];
        }
        out
    }

    /// Returns a form or a query, such as `a=1&b=2`, with its secrets hidden.
    pub fn form(&self, text: &str) -> String {
        let one = |pair: &str| match pair.split_once('=') {
            Some((key, value)) => format!("{key}={}", self.value(key, value)),
            None => self.text(pair),
        };
        text.split('&').map(one).collect::<Vec<_>>().join("&")
    }

    /// Returns a body of any kind of text, a document, a form, or words, with its secrets hidden.
    pub fn body(&self, text: &str) -> String {
        let is_document = text.starts_with(['{', '[']);
        if let Some(mut value) = is_document.then(|| serde_json::from_str(text).ok()).flatten() {
            self.json(&mut value);
            return value.to_string();
        }
        let is_form = text.contains('=') && !text.contains(char::is_whitespace);
        if is_form { self.form(text) } else { self.text(text) }
    }

    /// Hides the secrets of a document, at every depth; a text that is a document itself, too.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    if self.is_secret(key) {
                        *value = HIDDEN.into();
                    } else {
                        self.json(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::String(text) => *text = self.body(text),
            _ => {}
        }
    }
}

fn plain(key: &str) -> String {
    key.to_ascii_lowercase().replace('-', "_")
}

/// Returns `true` if the character ends a word.
fn is_between(c: char) -> bool {
    c.is_whitespace() || "\"'`,;&=?<>()[]{}|".contains(c)
}

/// Returns `true` if a word fits a pattern, in which `*` is any text and `#` a digit. Takes time in proportion to both
/// lengths.
fn fits(pattern: &str, word: &str) -> bool {
    let (pattern, word): (Vec<char>, Vec<char>) = (pattern.chars().collect(), word.chars().collect());
    let (mut at, mut seen, mut back) = (0, 0, None);
    while seen < word.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at + 1, seen));
                at += 1;
            }
            Some(&wanted) if wanted == word[seen] || wanted == '#' && word[seen].is_ascii_digit() => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star, taken)) = back else { return false };
                back = Some((star, taken + 1));
                (at, seen) = (star, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact() -> Redact {
        let patterns = ["sk_*", "*@*.*", "####-####-####-####"].map(str::to_owned).to_vec();
        Redact::new(&["Shoe-Size".to_owned()], patterns)
    }

    #[test]
    fn secret_keys_are_hidden_at_every_depth_and_in_every_spelling() {
        let mut value =
            serde_json::json!({"a": [{"Password": "p", "shoe_size": 44, "b": {"API-Key": {"x": 1}}, "n": 1}]});
        redact().json(&mut value);
        assert_eq!(
            value.to_string(),
            r#"{"a":[{"Password":"*****","b":{"API-Key":"*****"},"n":1,"shoe_size":"*****"}]}"#
        );
    }

    #[test]
    fn words_that_look_like_a_secret_are_hidden_and_the_rest_stays() {
        let redact = redact();
        for (text, expected) in [
            ("key=sk_live_1, mail <ann@shop.example>!", "key=*****, mail <*****>!"),
            ("card 1234-5678-9012-3456 of 12-3", "card ***** of 12-3"),
            ("sk", "sk"),
            ("", ""),
            ("grün  é", "grün  é"),
        ] {
            assert_eq!(redact.text(text), expected);
        }
        assert_eq!((redact.value("COOKIE", "a=b").as_str(), redact.value("x", "y").as_str()), (HIDDEN, "y"));
    }

    #[test]
    fn a_pattern_is_met_by_the_whole_word() {
        for (pattern, word, is) in [
            ("a*", "a", true),
            ("a*c*e", "abcde", true),
            ("a*c", "abcd", false),
            ("#", "7", true),
            ("#", "x", false),
            ("", "", true),
            ("**", "x", true),
        ] {
            assert_eq!(fits(pattern, word), is, "{pattern} {word}");
        }
        assert!(!fits(&"a*".repeat(20), &"a".repeat(5000).replace("aa", "ab")[..19]));
    }
}
