//! The logging agent's reading of a line on standard output: an entry with severity, trace and labels, if the line is
//! one JSON object, else a text.

use serde_json::Value;

/// The severities that exist.
const SEVERITIES: [&str; 9] =
    ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"];

/// An entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The severity; `DEFAULT` for a text.
    pub severity: String,
    /// The message that is shown.
    pub message: String,
    /// The trace, as `projects/<project>/traces/<id>`.
    pub trace: Option<String>,
    /// The span, as 16 hexadecimal digits.
    pub span: Option<String>,
    /// `true` if the trace is sampled.
    pub sampled: bool,
    /// The labels of the entry.
    pub labels: Value,
    /// The members that have no place of their own.
    pub payload: Value,
}

/// Reads a line.
///
/// # Errors
/// The line is an object, and a member with a meaning has a wrong type.
pub fn read(line: &str) -> Result<Entry, String> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(line) else {
        return Ok(Entry {
            severity: "DEFAULT".to_owned(),
            message: line.to_owned(),
            trace: None,
            span: None,
            sampled: false,
            labels: Value::Null,
            payload: Value::Null,
        });
    };
    let mut text = |name: &str| match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{name} is no text: {other}")),
    };
    let severity = text("severity")?.unwrap_or_else(|| "DEFAULT".to_owned());
    if !SEVERITIES.contains(&&*severity) {
        return Err(format!("no severity: {severity}"));
    }
    let message = text("message")?.unwrap_or_default();
    let time = text("time")?;
    if time.as_ref().is_some_and(|time| time.len() < 20 || !time.ends_with('Z') || time.as_bytes()[10] != b'T') {
        return Err(format!("no time: {time:?}"));
    }
    let trace = text("logging.googleapis.com/trace")?;
    if let Some(name) = &trace {
        let id = match name.strip_prefix("projects/") {
            Some(rest) => rest.split_once("/traces/").filter(|(project, _)| !project.is_empty()).map(|(_, id)| id),
            None => Some(name.as_str()),
        };
        if !id.is_some_and(|id| is_hex(id, 32)) {
            return Err(format!("no trace: {name}"));
        }
    }
    let span = text("logging.googleapis.com/spanId")?;
    if span.as_ref().is_some_and(|span| !is_hex(span, 16)) {
        return Err(format!("no span: {span:?}"));
    }
    let sampled = match members.remove("logging.googleapis.com/trace_sampled") {
        None => false,
        Some(Value::Bool(sampled)) => sampled,
        Some(other) => return Err(format!("trace_sampled is no truth: {other}")),
    };
    let labels = members.remove("logging.googleapis.com/labels").unwrap_or_default();
    let all_texts = |labels: &serde_json::Map<String, Value>| labels.values().all(Value::is_string);
    if !labels.is_null() && !labels.as_object().is_some_and(all_texts) {
        return Err(format!("labels are texts: {labels}"));
    }
    Ok(Entry { severity, message, trace, span, sampled, labels, payload: Value::Object(members) })
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "11112222333344445555666677778888";

    #[test]
    fn an_object_becomes_an_entry_and_anything_else_a_text() {
        let line = format!(
            r#"{{"severity":"INFO","message":"painted","time":"2026-01-02T03:04:05.006Z","n":"1",
            "logging.googleapis.com/trace":"projects/p/traces/{TRACE}","logging.googleapis.com/spanId":"aaaabbbbccccdddd",
            "logging.googleapis.com/trace_sampled":true,"logging.googleapis.com/labels":{{"execution_id":"x"}}}}"#
        );
        let entry = read(&line).expect("an entry");
        assert_eq!((&*entry.severity, &*entry.message, entry.sampled), ("INFO", "painted", true));
        assert_eq!(entry.trace, Some(format!("projects/p/traces/{TRACE}")));
        assert_eq!(
            (entry.labels["execution_id"].as_str(), entry.payload.to_string()),
            (Some("x"), r#"{"n":"1"}"#.into())
        );
        let text = read("holding").expect("a text");
        assert_eq!((&*text.severity, &*text.message), ("DEFAULT", "holding"));
    }

    #[test]
    fn members_with_a_meaning_are_held_to_it() {
        for wrong in [
            r#"{"severity":"LOUD"}"#,
            r#"{"severity":7}"#,
            r#"{"message":{}}"#,
            r#"{"time":"noon"}"#,
            r#"{"logging.googleapis.com/trace":"projects//traces/1"}"#,
            r#"{"logging.googleapis.com/trace":"short"}"#,
            r#"{"logging.googleapis.com/spanId":"12297848147757817309"}"#,
            r#"{"logging.googleapis.com/trace_sampled":"true"}"#,
            r#"{"logging.googleapis.com/labels":{"a":1}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(&format!(r#"{{"logging.googleapis.com/trace":"{TRACE}"}}"#)).is_ok(), "a bare id");
    }
}
