//! The meaning of a line of a runtime's output. Text is read here, and nothing is kept.

use serde_json::{Value, json};
use std::time::Duration;

/// The time of a layer or the function, and of all that is inside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The name of the layer or the function.
    pub(crate) name: String,
    /// The number of spans outside of it.
    pub(crate) depth: u64,
    /// The moment it began, in microseconds since the event was whole.
    pub(crate) from_us: u64,
    /// The moment it ended, in microseconds since the event was whole.
    pub(crate) to_us: u64,
    /// The outcome: `ok`, or the kind of a failure.
    pub(crate) outcome: String,
}

impl Span {
    /// Returns the span as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "span": self.name, "depth": self.depth, "fromUs": self.from_us, "toUs": self.to_us, "outcome": self.outcome,
        })
    }
}

/// The time of a layer or the function in a phase of the process. The moments count from the start of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PhaseSpan {
    /// The name of the phase: `FunctionStart`.
    pub(crate) phase: String,
    /// The function whose phase it is; `None` if it is that of the whole process.
    pub(crate) function: Option<String>,
    /// `true` if that function starts when it is needed. A line does not say so.
    pub(crate) is_lazy: bool,
    /// The span.
    pub(crate) span: Span,
}

impl PhaseSpan {
    /// Returns the span as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let mut all = self.span.to_json();
        all["phase"] = self.phase.as_str().into();
        all["function"] = self.function.as_deref().into();
        all
    }
}

/// A failure, as a line tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The kind of the failure: `Order.SoldOut`.
    pub(crate) kind: String,
    /// The failure in words.
    pub(crate) message: String,
    /// The place as `file:line:column`; empty if it is not known.
    pub(crate) place: String,
    /// The cause of the failure; empty if the line names no cause.
    pub(crate) cause: String,
}

impl Problem {
    /// Returns the failure as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({"kind": self.kind, "message": self.message, "place": self.place, "cause": self.cause})
    }
}

/// The invocation that a layer's line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Of {
    /// The id of the request.
    pub(crate) request_id: String,
    /// `true` if it is the first of its process.
    pub(crate) is_first: bool,
}

/// A line of the process' log, by its content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    /// A phase of the process has ended.
    Phase {
        /// The name of the phase.
        name: String,
        /// The time that the phase took.
        took: Duration,
        /// The outcome: `ok`, or the failure.
        outcome: String,
    },
    /// A span of a phase has ended.
    PhaseSpan(PhaseSpan),
    /// A span of an invocation has ended.
    Span(Of, Span),
    /// The members that the layer monitor wrote about an invocation.
    Invocation(Of, Value),
    /// Any other line.
    Text {
        /// The request id; `None` if the line has no id.
        request_id: Option<String>,
        /// The function; `None` if the line names no function.
        function: Option<String>,
        /// The failure; `None` if the line tells of no failure.
        problem: Option<Problem>,
    },
}

/// Reads a line of output.
pub(crate) fn read(text: &str) -> Line {
    if text.starts_with('{')
        && let Ok(line) = serde_json::from_str::<Value>(text)
    {
        return marked(&line).unwrap_or_else(|| json_log(&line));
    }
    text_log(text).unwrap_or(Line::Text { request_id: None, function: None, problem: None })
}

/// Reads the lines of the layers monitor and span; `None` for any other line.
fn marked(line: &Value) -> Option<Line> {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    let outcome = match (text("outcome"), text("error")) {
        (Some(outcome), Some(error)) => format!("{outcome}: {error}"),
        (outcome, _) => outcome.unwrap_or_else(|| "ok".to_owned()),
    };
    let of = || Some(Of { request_id: text("requestId")?, is_first: line["cold_start"].as_bool()? });
    match line["faas"].as_str()? {
        "phase" => {
            let took = Duration::from_micros(line["us"].as_u64()?);
            Some(Line::Phase { name: text("phase")?, took, outcome })
        }
        "span" => {
            let number = |key: &str| line[key].as_u64();
            let (depth, from_us, to_us) = (number("depth")?, number("from_us")?, number("to_us")?);
            let span = Span { name: text("span")?, depth, from_us, to_us, outcome };
            Some(match text("phase") {
                Some(phase) => Line::PhaseSpan(PhaseSpan { phase, function: text("function"), is_lazy: false, span }),
                None => Line::Span(of()?, span),
            })
        }
        "invocation" => Some(Line::Invocation(of()?, line.clone())),
        _ => None,
    }
}

/// Reads a line of the log in the format `json`.
fn json_log(line: &Value) -> Line {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    let problem = text("errorType").map(|kind| Problem {
        message: text("message").unwrap_or_default().trim_start_matches(&format!("{kind}: ")).to_owned(),
        kind,
        place: text("location").unwrap_or_default(),
        cause: text("cause").unwrap_or_default(),
    });
    Line::Text { request_id: text("requestId"), function: text("function"), problem }
}

/// Reads a line of the log in the format `text`: time, level, request id, origin, message, fields. It is `None` for any
/// other line.
fn text_log(text: &str) -> Option<Line> {
    let mut words = text.splitn(4, ' ');
    let (time, level, id, rest) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if !(time.ends_with('Z') && time.contains('T') && level.bytes().all(|byte| byte.is_ascii_uppercase())) {
        return None;
    }
    let (origin, message) = rest.split_once(": ")?;
    let problem = field(message, "errorType").map(|kind| {
        let said = message.split(" errorType=").next().unwrap_or_default();
        Problem {
            message: said.strip_prefix(&format!("{kind}: ")).unwrap_or(said).to_owned(),
            place: field(message, "location").unwrap_or_default(),
            cause: field(message, "cause").unwrap_or_default(),
            kind,
        }
    });
    let function = origin.strip_prefix("function ").map(str::to_owned).or_else(|| field(message, "function"));
    Some(Line::Text { request_id: (id != "-").then(|| id.to_owned()), function, problem })
}

/// Returns the value of a field behind the message: up to a space, or between quotation marks.
fn field(message: &str, name: &str) -> Option<String> {
    let at = message.rfind(&format!(" {name}="))? + name.len() + 2;
    let value = &message[at..];
    match value.strip_prefix('"') {
        Some(quoted) => {
            let mut text = String::new();
            let mut escaped = false;
            for letter in quoted.chars() {
                match letter {
                    _ if escaped => {
                        text.push(if letter == 'n' { '\n' } else { letter });
                        escaped = false;
                    }
                    '\\' => escaped = true,
                    '"' => break,
                    _ => text.push(letter),
                }
            }
            Some(text)
        }
        None => value.split(' ').next().map(str::to_owned),
    }
}

/// Returns a line without the backtrace behind it, which fills a terminal.
pub(crate) fn without_stack(text: &str) -> &str {
    text.split(" stackTrace=").next().unwrap_or(text)
}

/// Returns a line for a page, in which the backtrace behind it has lines of its own.
pub(crate) fn with_stack(text: &str) -> String {
    match text.split_once(" stackTrace=") {
        Some((line, stack)) => format!("{line}\n{}", stack.trim_matches('"').replace("\\n", "\n")),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_read_with_its_place() {
        let line = "2026-01-02T03:04:05.678Z ERROR 7d1c runtime: core::ParseIntError: invalid digit found \
                    errorType=core::ParseIntError function=order location=src/lib.rs:41:30 cause=\"a \\\"b\\\": c\"";
        let Line::Text { request_id, function, problem } = read(line) else { panic!("{line}") };
        assert_eq!((request_id.as_deref(), function.as_deref()), (Some("7d1c"), Some("order")));
        let expected = Problem {
            kind: "core::ParseIntError".into(),
            message: "invalid digit found".into(),
            place: "src/lib.rs:41:30".into(),
            cause: "a \"b\": c".into(),
        };
        assert_eq!(problem, Some(expected));
    }

    #[test]
    fn a_backtrace_is_left_out_or_has_lines_of_its_own() {
        let line = "failed location=a:1:2 stackTrace=   0: one\\n   1: two";
        assert_eq!(without_stack(line), "failed location=a:1:2");
        assert_eq!(with_stack(line), "failed location=a:1:2\n   0: one\n   1: two");
        assert_eq!((without_stack("x"), with_stack("x").as_str()), ("x", "x"));
    }

    #[test]
    fn lines_of_layers_are_told_from_others() {
        let phase = r#"{"faas":"phase","phase":"RuntimeStart","us":41,"outcome":"ok"}"#;
        let took = Duration::from_micros(41);
        assert_eq!(read(phase), Line::Phase { name: "RuntimeStart".into(), took, outcome: "ok".into() });
        let tail = r#""span":"auth","depth":1,"from_us":2,"to_us":9,"outcome":"X"}"#;
        let span = Span { name: "auth".into(), depth: 1, from_us: 2, to_us: 9, outcome: "X".into() };
        let of = Of { request_id: "r".into(), is_first: true };
        let head = r#"{"faas":"span","requestId":"r","cold_start":true,"#;
        assert_eq!(read(&format!("{head}{tail}")), Line::Span(of, span.clone()));
        let head = r#"{"faas":"span","phase":"Close","#;
        let expected = PhaseSpan { phase: "Close".into(), function: None, is_lazy: false, span };
        assert_eq!(read(&format!("{head}{tail}")), Line::PhaseSpan(expected));
        let invocation = r#"{"faas":"invocation","requestId":"r","cold_start":false}"#;
        assert!(matches!(read(invocation), Line::Invocation(Of { is_first: false, .. }, _)));
        for other in ["", "hello", r#"{"_aws":{}}"#, r#"{"faas":"phase"}"#, "Z T: x", "a b c d"] {
            assert_eq!(read(other), Line::Text { request_id: None, function: None, problem: None }, "{other}");
        }
    }
}
