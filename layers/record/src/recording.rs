//! One invocation as JSON. The README has the form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handlers_sdk::{Failure, HttpView, Invocation, Line, Pairs, Redact};
use serde_json::Value;
use std::time::SystemTime;

/// Writes the recording. `marker` is a first member that tells its line from others.
pub(crate) fn of(
    invocation: &Invocation<'_>,
    failure: Option<&Failure<'_>>,
    redact: &Redact,
    most: usize,
    marker: Option<&str>,
) -> String {
    let writer = Writer { redact, most };
    let mut line = Line::new();
    if let Some(marker) = marker {
        line.text("faas", marker);
    }
    line.number("version", 1).time("recordedAt", SystemTime::now());
    line.text("platform", invocation.platform()).text("function", invocation.function());
    line.text("requestId", invocation.request_id());
    line.text("trigger", invocation.trigger()).text("source", invocation.source());
    if let Some(trace) = invocation.traceparent() {
        line.text("traceparent", trace);
    }
    match invocation.http() {
        // A request inside an event is not one of a server: the event is written.
        Some(http) if invocation.source() == "http" => line.json("http", &writer.request(http)),
        _ => line.json("event", &writer.event(invocation)),
    };
    match failure {
        Some(failure) => {
            let mut told = Line::new();
            told.text("kind", failure.kind).text("message", &redact.text(failure.message));
            line.json("failure", &told.finish());
        }
        None => _ = line.json("reply", &writer.reply(invocation)),
    }
    let took_ns = invocation.now_ns().saturating_sub(invocation.received_ns());
    line.number("us", took_ns / 1000);
    line.finish()
}

struct Writer<'a> {
    redact: &'a Redact,
    most: usize,
}

impl Writer<'_> {
    fn request(&self, http: HttpView<'_>) -> String {
        let mut line = Line::new();
        let query = self.redact.form(http.raw_query());
        let apart = if query.is_empty() { "" } else { "?" };
        line.text("method", http.method()).text("target", &format!("{}{apart}{query}", http.raw_path()));
        line.json("headers", &self.pairs(http.headers()));
        self.add_body(&mut line, http.body());
        line.finish()
    }

    fn event(&self, invocation: &Invocation<'_>) -> String {
        let mut line = Line::new();
        let event = invocation.event();
        let document = (event.len() <= self.most).then(|| serde_json::from_slice::<Value>(event).ok()).flatten();
        match document {
            Some(mut document) => {
                self.open_body(&mut document, invocation);
                self.redact.json(&mut document);
                line.json("json", &document.to_string());
            }
            None => self.add_body(&mut line, event),
        }
        line.finish()
    }

    /// Writes a body in base64 as text where it is text, since base64 hides its secrets from the rules.
    fn open_body(&self, document: &mut Value, invocation: &Invocation<'_>) {
        let Some(members) = document.as_object_mut() else { return };
        let is_coded = members.get("isBase64Encoded").is_some_and(|coded| *coded == true || *coded == "true");
        let text = invocation.http().and_then(|http| std::str::from_utf8(http.body()).ok());
        if let Some(text) = text.filter(|_| is_coded) {
            members.insert("body".to_owned(), text.into());
            members.insert("isBase64Encoded".to_owned(), false.into());
        }
    }

    fn reply(&self, invocation: &Invocation<'_>) -> String {
        let mut line = Line::new();
        if let Some(status) = invocation.reply_status() {
            line.number("status", u64::from(status));
        }
        line.json("headers", &self.pairs(invocation.reply_headers()));
        if invocation.is_streamed() {
            line.number("omitted", invocation.reply_bytes());
        } else {
            self.add_body(&mut line, invocation.reply_body());
        }
        line.finish()
    }

    fn pairs(&self, pairs: Pairs<'_>) -> String {
        let shown = pairs.map(|(name, value)| Value::from(vec![name.to_owned(), self.redact.value(name, value)]));
        Value::from(shown.collect::<Vec<_>>()).to_string()
    }

    /// Adds the body: `text`, or `base64` of bytes that are no text, or `omitted` with the size of a body that is too
    /// large.
    fn add_body(&self, line: &mut Line, body: &[u8]) {
        if body.len() > self.most {
            line.number("omitted", body.len() as u64);
        } else if let Ok(text) = std::str::from_utf8(body) {
            line.text("text", &self.redact.body(text));
        } else {
            line.text("base64", &STANDARD.encode(body));
        }
    }
}
