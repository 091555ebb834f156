//! The attributes for the events that a function serves: `#[http(get, "/orders/{id}")]`, `#[timer("0 5 * * *")]`. Each
//! becomes an event in the shape of a manifest, as JSON.

use crate::function_options::{Options, WORDS};
use crate::options::Word;
use crate::route;
use proc_macro2::Span;
use std::fmt::Write;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, ExprArray, ExprLit, Lit, LitStr, Meta, Result, Token};

/// A kind of event, and the key of its first text: the path of `#[http("/")]`.
pub(crate) const KINDS: [(&str, &str); 12] = [
    ("http", "path"),
    ("timer", "cron"),
    ("queue", "source"),
    ("topic", "source"),
    ("storage", "source"),
    ("log", "source"),
    ("stream", "source"),
    ("table", "source"),
    ("event", "type"),
    ("websocket", "source"),
    ("authorizer", "source"),
    ("raw", ""),
];

const METHODS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];

/// One event that a function serves.
pub(crate) struct Trigger {
    kind: &'static str,
    /// The keys of the manifest's event with their values, in the order of the manifest's tables.
    keys: Vec<(&'static str, Vec<String>)>,
    pub(crate) span: Span,
}

/// A text without a key, or a word.
enum Item {
    Text(LitStr),
    Word(Word),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) { Ok(Item::Text(input.parse()?)) } else { Ok(Item::Word(input.parse()?)) }
    }
}

impl Trigger {
    /// Reads an attribute of a function; `None` if it is not one of these. Its options for the function go to
    /// `options`.
    pub(crate) fn read(attribute: &Attribute, options: &mut Options) -> Result<Option<Trigger>> {
        let name = attribute.path().get_ident().map(ToString::to_string).unwrap_or_default();
        let Some((kind, first)) = KINDS.into_iter().find(|(kind, _)| *kind == name) else { return Ok(None) };
        let span = attribute.path().get_ident().map_or_else(Span::call_site, proc_macro2::Ident::span);
        let mut trigger = Trigger { kind, keys: Vec::new(), span };
        let items = match &attribute.meta {
            Meta::Path(_) => Punctuated::new(),
            meta => meta.require_list()?.parse_args_with(Punctuated::<Item, Token![,]>::parse_terminated)?,
        };
        for item in items {
            match item {
                Item::Text(text) if first.is_empty() => {
                    return Err(Error::new(text.span(), format!("`#[{kind}]` takes no text")));
                }
                Item::Text(text) => trigger.set(first, vec![text.value()], text.span())?,
                Item::Word(word) => trigger.word(&word, options)?,
            }
        }
        Ok(Some(trigger))
    }

    fn word(&mut self, word: &Word, options: &mut Options) -> Result<()> {
        let name = word.name.to_string();
        if self.kind == "http" && METHODS.contains(&name.as_str()) {
            word.flag()?;
            return self.add("method", name.to_uppercase(), word.name.span());
        }
        if self.kind == "http" && name == "method" {
            let method = word.text()?;
            return self.add("method", method, word.name.span());
        }
        let key = match (self.kind, name.as_str()) {
            ("http", "path") => "path",
            ("timer", "cron") => "cron",
            ("timer", "every") => "every",
            ("event", "type") => "type",
            ("storage", "bucket") => "source",
            ("storage", "events") => return self.set("events", texts(word)?, word.name.span()),
            ("http" | "raw", "source") => "",
            (_, "source") => "source",
            _ => "",
        };
        if !key.is_empty() {
            return self.set(key, vec![word.text()?], word.name.span());
        }
        if options.word(word)? {
            return Ok(());
        }
        let own = match self.kind {
            "http" => "a path, get, head, post, put, patch, delete, options, method = \"…\"",
            "timer" => "a cron expression, every = \"5m\", source = \"…\"",
            "storage" => "a bucket, events = \"…\"",
            "event" => "a type, source = \"…\"",
            "raw" => "no words of its own",
            _ => "the name of its source, source = \"…\"",
        };
        Err(word.unknown(&format!("{own}; and of a function: {}", WORDS)))
    }

    /// Sets a key that has one value.
    fn set(&mut self, key: &'static str, values: Vec<String>, span: Span) -> Result<()> {
        if self.keys.iter().any(|(other, _)| *other == key) {
            return Err(Error::new(span, format!("`#[{}]` has a {key} already", self.kind)));
        }
        if let [value] = values.as_slice() {
            check(key, value).map_err(|fault| Error::new(span, fault))?;
        }
        let is_schedule = |key: &str| matches!(key, "cron" | "every");
        if is_schedule(key) && self.keys.iter().any(|(other, _)| is_schedule(other)) {
            return Err(Error::new(span, "a timer has a cron expression or `every`, not both"));
        }
        self.keys.push((key, values));
        Ok(())
    }

    /// Adds to a key that has several values.
    fn add(&mut self, key: &'static str, value: String, span: Span) -> Result<()> {
        if let Some((_, values)) = self.keys.iter_mut().find(|(other, _)| *other == key) {
            if values.contains(&value) {
                return Err(Error::new(span, format!("`{value}` stands here twice")));
            }
            values.push(value);
        } else {
            self.keys.push((key, vec![value]));
        }
        Ok(())
    }

    /// Returns `true` if both may fit the same event, as far as the texts tell.
    pub(crate) fn overlaps(&self, other: &Trigger) -> bool {
        let get = |trigger: &Trigger, key: &str| {
            trigger.keys.iter().find(|(own, _)| *own == key).map(|(_, values)| values.clone()).unwrap_or_default()
        };
        let same = |key: &str| get(self, key) == get(other, key);
        let methods = || {
            let (own, others) = (get(self, "method"), get(other, "method"));
            own.is_empty() && others.is_empty() || own.iter().any(|method| others.contains(method))
        };
        self.kind == other.kind && same("path") && same("source") && same("type") && methods()
    }

    /// Returns a description of the trigger for messages.
    pub(crate) fn describe(&self) -> String {
        let values: Vec<String> = self.keys.iter().flat_map(|(_, values)| values.clone()).collect();
        if values.is_empty() {
            format!("every event of `{}`", self.kind)
        } else {
            format!("`{} {}`", self.kind, values.join(" "))
        }
    }

    fn json(&self) -> String {
        if self.keys.is_empty() {
            return format!("{{{}:true}}", quoted(self.kind));
        }
        let keys: Vec<String> = self
            .keys
            .iter()
            .map(|(key, values)| {
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                let is_list = matches!(*key, "method" | "events");
                let value = if is_list { format!("[{}]", values.join(",")) } else { values.concat() };
                format!("{}:{value}", quoted(key))
            })
            .collect();
        format!("{{{}:{{{}}}}}", quoted(self.kind), keys.join(","))
    }
}

/// Returns the events of a function as a JSON array; empty if there are none.
pub(crate) fn json(triggers: &[Trigger]) -> String {
    if triggers.is_empty() {
        return String::new();
    }
    let all: Vec<String> = triggers.iter().map(Trigger::json).collect();
    format!("[{}]", all.join(","))
}

/// Returns a text as JSON.
fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' | '\\' => json.extend(['\\', sign]),
            '\0'..'\u{20}' => {
                let _ = write!(json, "\\u{:04x}", u32::from(sign));
            }
            _ => json.push(sign),
        }
    }
    json.push('"');
    json
}

/// Reads `"text"` or `["text", "text"]`.
fn texts(word: &Word) -> Result<Vec<String>> {
    let Some(Expr::Array(ExprArray { elems, .. })) = &word.value else { return Ok(vec![word.text()?]) };
    let text = |value: &Expr| match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.value()),
        other => Err(Error::new_spanned(other, "expected \"text\"")),
    };
    elems.iter().map(text).collect()
}

fn check(key: &str, value: &str) -> std::result::Result<(), String> {
    match key {
        "path" => route::check(value),
        "cron" => check_cron(value),
        "every" => check_every(value),
        _ if value.is_empty() => Err(format!("expected a {key} that is not empty")),
        _ => Ok(()),
    }
}

/// Checks a schedule of five fields, of which the first is the minute, or six, of which the first is the second.
fn check_cron(value: &str) -> std::result::Result<(), String> {
    match value.split_whitespace().count() {
        5 | 6 => Ok(()),
        1 if value.trim().chars().all(|sign| sign.is_ascii_digit() || "smhd".contains(sign)) => {
            Err(format!("`{value}` is no cron expression; write `every = \"{value}\"`"))
        }
        count => Err(format!(
            "expected a cron expression of 5 fields, `minute hour day month weekday`, or of 6 with the second first; \
             found {count}"
        )),
    }
}

/// Checks a duration such as `5m` or `1h30m`.
fn check_every(value: &str) -> std::result::Result<(), String> {
    let mut rest = value;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
        let unit = rest.get(digits..digits + 1);
        if digits == 0 || !matches!(unit, Some("s" | "m" | "h" | "d")) {
            break;
        }
        rest = &rest[digits + 1..];
    }
    let is_zero = !value.chars().any(|sign| matches!(sign, '1'..='9'));
    if !rest.is_empty() || is_zero {
        return Err(format!("expected a duration such as 30s, 5m or 1h30m, found `{value}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn read(attribute: &Attribute) -> std::result::Result<String, String> {
        let trigger = Trigger::read(attribute, &mut Options::default());
        trigger.map(|trigger| trigger.expect("it is a trigger").json()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_attribute_becomes_an_event_of_the_manifest() {
        let table: [(Attribute, &str); 16] = [
            (parse_quote!(#[http]), r#"{"http":true}"#),
            (parse_quote!(#[http("/")]), r#"{"http":{"path":"/"}}"#),
            (parse_quote!(#[http(get, post, "/x/{id}")]), r#"{"http":{"method":["GET","POST"],"path":"/x/{id}"}}"#),
            (parse_quote!(#[http(method = "PURGE")]), r#"{"http":{"method":["PURGE"]}}"#),
            (parse_quote!(#[timer("0 5 * * *")]), r#"{"timer":{"cron":"0 5 * * *"}}"#),
            (parse_quote!(#[timer(every = "5m", source = "tick")]), r#"{"timer":{"every":"5m","source":"tick"}}"#),
            (parse_quote!(#[timer]), r#"{"timer":true}"#),
            (parse_quote!(#[queue("jobs")]), r#"{"queue":{"source":"jobs"}}"#),
            (parse_quote!(#[topic("a\"b")]), r#"{"topic":{"source":"a\"b"}}"#),
            (
                parse_quote!(#[storage(bucket = "in", events = ["created", "removed"])]),
                r#"{"storage":{"source":"in","events":["created","removed"]}}"#,
            ),
            (parse_quote!(#[storage("in", events = "created")]), r#"{"storage":{"source":"in","events":["created"]}}"#),
            (parse_quote!(#[log]), r#"{"log":true}"#),
            (parse_quote!(#[event("com.a", source = "/b")]), r#"{"event":{"type":"com.a","source":"/b"}}"#),
            (parse_quote!(#[table("orders")]), r#"{"table":{"source":"orders"}}"#),
            (parse_quote!(#[raw]), r#"{"raw":true}"#),
            (parse_quote!(#[queue(blocking, name = "work")]), r#"{"queue":true}"#),
        ];
        for (attribute, json) in &table {
            assert_eq!(read(attribute).as_deref(), Ok(*json));
        }
    }

    #[test]
    fn what_is_wrong_says_what_to_write() {
        let table: [(Attribute, &str); 12] = [
            (parse_quote!(#[http("orders")]), "a pattern begins with a slash: write `/orders`"),
            (parse_quote!(#[http(fetch, "/")]), "unknown option `fetch`"),
            (parse_quote!(#[http(get, get, "/")]), "`GET` stands here twice"),
            (parse_quote!(#[http("/a", "/b")]), "`#[http]` has a path already"),
            (parse_quote!(#[timer("0 5 * *")]), "5 fields, `minute hour day month weekday`, or of 6"),
            (parse_quote!(#[timer("5m")]), "write `every = \"5m\"`"),
            (parse_quote!(#[timer(every = "5 minutes")]), "a duration such as 30s, 5m or 1h30m"),
            (parse_quote!(#[timer(every = "0s")]), "a duration such as 30s, 5m or 1h30m"),
            (parse_quote!(#[timer("0 5 * * *", every = "1m")]), "a cron expression or `every`, not both"),
            (parse_quote!(#[queue("")]), "expected a source that is not empty"),
            (parse_quote!(#[raw("x")]), "`#[raw]` takes no text"),
            (parse_quote!(#[queue(bucket = "x")]), "unknown option `bucket`"),
        ];
        for (attribute, words) in &table {
            let fault = read(attribute).expect_err(words);
            assert!(fault.contains(words), "{fault}");
        }
    }

    #[test]
    fn two_events_overlap_if_one_event_could_be_both() {
        let read = |attribute: &Attribute| {
            Trigger::read(attribute, &mut Options::default()).expect("fits").expect("is a trigger")
        };
        let table: [(Attribute, Attribute, bool); 7] = [
            (parse_quote!(#[http(get, "/a")]), parse_quote!(#[http(post, get, "/a")]), true),
            (parse_quote!(#[http(get, "/a")]), parse_quote!(#[http(post, "/a")]), false),
            (parse_quote!(#[http(get, "/a")]), parse_quote!(#[http("/a")]), false),
            (parse_quote!(#[http(get, "/a")]), parse_quote!(#[http(get, "/b")]), false),
            (parse_quote!(#[timer("0 5 * * *")]), parse_quote!(#[timer(every = "1m")]), true),
            (parse_quote!(#[timer(source = "a")]), parse_quote!(#[timer(source = "b")]), false),
            (parse_quote!(#[queue]), parse_quote!(#[topic]), false),
        ];
        for (one, other, overlaps) in &table {
            assert_eq!(read(one).overlaps(&read(other)), *overlaps);
        }
    }
}
