//! Lines as Google Cloud's log reads them from standard output: one JSON object each, whose special members become the
//! entry's severity, time, trace and labels.
//!
//! Source: Google Cloud's documentation on structured logging.

use super::{Each, Entry, Level, add_fields};
use crate::json::Writer;

/// The members that are the runtime's own, and those that Google's log would take for the time of the entry.
const OWN: [&str; 13] = [
    "severity",
    "time",
    "timestamp",
    "timestampSeconds",
    "timestampNanos",
    "message",
    "logger",
    "entry",
    "tenantId",
    "logging.googleapis.com/trace",
    "logging.googleapis.com/spanId",
    "logging.googleapis.com/trace_sampled",
    "logging.googleapis.com/labels",
];

/// Appends a line without its newline.
pub(super) fn line(line: &mut Vec<u8>, entry: Entry<'_>, fields: Each<'_>) {
    let Entry { level, origin, message, .. } = entry;
    let mut json = Writer::new(line);
    json.begin_object();
    json.key("severity").string(severity(level));
    json.key("time").string(entry.stamp());
    json.key("message").string(message);
    for (key, value) in [("logger", origin.target), ("entry", origin.entry.as_bytes()), ("tenantId", origin.tenant)] {
        if !value.is_empty() {
            json.key(key).string(value);
        }
    }
    add_fields(&mut json, &OWN, fields);
    // `00-<trace, 32 digits>-<span, 16>-<flags>`: a log is no place to doubt it.
    if let Some((trace, rest)) = origin.trace.get(3..).and_then(|ids| ids.split_at_checked(32))
        && let Some((span, flags)) = rest.get(1..).and_then(|rest| rest.split_at_checked(16))
    {
        json.key("logging.googleapis.com/trace");
        if origin.account.is_empty() {
            json.string(trace);
        } else {
            json.string([b"projects/", origin.account.as_bytes(), b"/traces/", trace].concat());
        }
        json.key("logging.googleapis.com/spanId").string(span);
        let sampled =
            flags.last().is_some_and(|digit| char::from(*digit).to_digit(16).is_some_and(|flags| flags & 1 == 1));
        json.key("logging.googleapis.com/trace_sampled").bool(sampled);
    }
    if !origin.request_id.is_empty() {
        json.key("logging.googleapis.com/labels").begin_object();
        json.key("execution_id").string(origin.request_id).end_object();
    }
    json.end_object();
}

/// Returns the severity of a level. There is no severity below `DEBUG`.
fn severity(level: Level) -> &'static str {
    match level {
        Level::Error => "ERROR",
        Level::Warn => "WARNING",
        Level::Info => "INFO",
        Level::Debug | Level::Trace => "DEBUG",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Field, Origin};
    use super::*;
    use std::time::Duration;

    fn written(level: Level, origin: Origin<'_>, fields: &[(&[u8], &[u8])]) -> String {
        let mut out = Vec::new();
        let entry = Entry { time: Duration::from_millis(7), level, origin, message: b"painted" };
        line(&mut out, entry, &|take| fields.iter().for_each(|(name, value)| take(Field::text(name, value))));
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    const TRACE: &[u8] = b"00-11112222333344445555666677778888-aaaabbbbccccdddd-01";

    #[test]
    fn a_line_within_a_trace_names_it() {
        let origin = Origin {
            request_id: b"x1",
            trace: TRACE,
            account: "p",
            target: b"shop",
            entry: "function order",
            ..Origin::default()
        };
        assert_eq!(
            written(Level::Info, origin, &[(b"n", b"1")]),
            concat!(
                r#"{"severity":"INFO","time":"1970-01-01T00:00:00.007Z","message":"painted","logger":"shop","#,
                r#""entry":"function order","n":"1","#,
                r#""logging.googleapis.com/trace":"projects/p/traces/11112222333344445555666677778888","#,
                r#""logging.googleapis.com/spanId":"aaaabbbbccccdddd","logging.googleapis.com/trace_sampled":true,"#,
                r#""logging.googleapis.com/labels":{"execution_id":"x1"}}"#
            )
        );
    }

    #[test]
    fn without_a_project_the_trace_is_bare_and_without_a_trace_there_is_none() {
        let bare = written(Level::Warn, Origin { trace: TRACE, ..Origin::default() }, &[]);
        assert!(bare.contains(r#""logging.googleapis.com/trace":"11112222333344445555666677778888""#), "{bare}");
        for trace in [&b""[..], b"junk", b"00-11112222"] {
            let none = written(Level::Error, Origin { trace, account: "p", ..Origin::default() }, &[]);
            assert_eq!(none, r#"{"severity":"ERROR","time":"1970-01-01T00:00:00.007Z","message":"painted"}"#);
        }
    }

    #[test]
    fn a_field_cannot_pass_for_a_special_member() {
        let origin =
            Origin { request_id: b"x1", trace: TRACE, account: "p", target: b"shop", entry: "e", tenant: b"t" };
        let special = |name: &str| format!("logging.googleapis.com/{name}");
        let names = ["severity", "time", "message", "logger", "entry", "tenantId", "timestamp", "timestampSeconds"];
        let names = names.map(str::to_owned).into_iter();
        let names: Vec<_> = names.chain(["trace", "spanId", "trace_sampled", "labels"].map(special)).collect();
        let fields: Vec<_> = names.iter().map(|name| (name.as_bytes(), &b"forged"[..])).collect();
        let line = written(Level::Info, origin, &fields);
        for name in &names {
            assert!(line.contains(&format!("\"field.{name}\":\"forged\"")), "{name}: {line}");
            assert!(!line.contains(&format!("\"{name}\":\"forged\"")), "{name}: {line}");
        }
        let line =
            written(Level::Info, origin, &[(b"n", b"1"), (b"n", b"2"), (b"level", b"ours"), (b"httpRequest", b"h")]);
        assert!(line.contains(r#""n":"1","field.2.n":"2","level":"ours","httpRequest":"h","#), "{line}");
    }

    #[test]
    fn levels_become_severities() {
        for (level, word) in [(Level::Warn, "WARNING"), (Level::Debug, "DEBUG"), (Level::Trace, "DEBUG")] {
            let line = written(level, Origin::default(), &[]);
            assert!(line.starts_with(&format!("{{\"severity\":\"{word}\"")), "{line}");
        }
    }
}
