//! The labels of an invocation's series, and their form in Prometheus' text format.

use handlers_sdk::{Failure, Invocation};

/// Appends `name="value"`, with a comma if something stands there already. An empty value is no label.
pub(crate) fn push(out: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push(',');
    }
    out.extend(name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
    out.push_str("=\"");
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Returns all labels, as they stand between the braces of a line.
pub(crate) fn line<N: AsRef<str>>(pairs: &[(N, String)]) -> String {
    let mut out = String::new();
    pairs.iter().for_each(|(name, value)| push(&mut out, name.as_ref(), value));
    out
}

/// The way in which an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    /// It was answered with a status of 400 to 499: the caller's mistake.
    Refused,
    /// It failed, or was answered with a status of 500 or more.
    Error,
    Panic,
    Cancelled,
}

impl Outcome {
    pub(crate) fn of_status(status: Option<u16>) -> Outcome {
        match status {
            Some(500..) => Outcome::Error,
            Some(400..) => Outcome::Refused,
            _ => Outcome::Ok,
        }
    }

    pub(crate) fn of_failure(failure: &Failure<'_>) -> Outcome {
        match failure {
            failure if failure.is_panic() => Outcome::Panic,
            failure if failure.is_cancelled() => Outcome::Cancelled,
            _ => Outcome::Error,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Refused => "refused",
            Outcome::Error => "error",
            Outcome::Panic => "panic",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// Returns `true` if an alarm should count it.
    pub(crate) fn is_failure(self) -> bool {
        !matches!(self, Outcome::Ok | Outcome::Refused)
    }
}

/// The labels that an invocation is counted under. Every member has few values: an unknown method is `other`, and of a
/// request's path only the pattern that matched is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels<'a> {
    pub(crate) function: &'a str,
    pub(crate) trigger: &'a str,
    pub(crate) route: &'a str,
    pub(crate) method: &'a str,
    pub(crate) status: &'static str,
    pub(crate) outcome: Outcome,
}

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

impl<'a> Labels<'a> {
    /// Finds the labels. It reads the event, unless that has been read.
    pub(crate) fn of(invocation: &'a Invocation<'_>, outcome: Outcome) -> Labels<'a> {
        let http = invocation.http();
        let method = http.map_or("", |http| known(http.method()));
        let status = match http {
            Some(_) => class(invocation.reply_status().filter(|_| outcome_has_reply(outcome)), outcome),
            None => "",
        };
        Labels {
            function: invocation.function(),
            trigger: invocation.trigger(),
            route: http.and_then(|http| http.route()).unwrap_or_default(),
            method,
            status,
            outcome,
        }
    }

    /// Returns the labels for more series than are kept apart: only those whose values cannot grow in number.
    pub(crate) fn other(self) -> Labels<'static> {
        let [function, trigger, route, method] = ["other"; 4];
        Labels { function, trigger, route, method, status: self.status, outcome: self.outcome }
    }

    /// Writes one text for each series: its members, each ended by a byte that no text holds.
    pub(crate) fn write_key(&self, out: &mut String) {
        out.clear();
        for part in [self.function, self.trigger, self.route, self.method, self.status, self.outcome.word()] {
            out.push_str(part);
            out.push('\0');
        }
    }

    /// Returns names and values of all labels that are not empty.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("function", self.function),
            ("trigger", self.trigger),
            ("route", self.route),
            ("method", self.method),
            ("status", self.status),
            ("outcome", self.outcome.word()),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.to_owned())).collect()
    }
}

fn known(method: &str) -> &'static str {
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}

/// Returns `true` if the invocation has a reply. A failure has no reply: the platform's own error reply is a status of
/// 500 and more.
fn outcome_has_reply(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Panic | Outcome::Cancelled)
}

/// Returns the class of a status: `2xx` for 204.
pub(crate) fn class(status: Option<u16>, outcome: Outcome) -> &'static str {
    match status.unwrap_or(if outcome.is_failure() { 500 } else { 200 }) {
        500.. => "5xx",
        400.. => "4xx",
        300.. => "3xx",
        200.. => "2xx",
        _ => "1xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_the_server_is_a_failure_and_one_of_the_caller_is_apart() {
        for (status, word, fails) in
            [(None, "ok", false), (Some(204), "ok", false), (Some(404), "refused", false), (Some(503), "error", true)]
        {
            let outcome = Outcome::of_status(status);
            assert_eq!((outcome.word(), outcome.is_failure()), (word, fails), "{status:?}");
        }
        assert_eq!((class(Some(204), Outcome::Ok), class(None, Outcome::Error)), ("2xx", "5xx"));
    }

    #[test]
    fn values_are_escaped_and_names_kept_legal() {
        let mut out = String::new();
        push(&mut out, "a", "");
        push(&mut out, "shop.name", "C:\\ \"x\"\n");
        push(&mut out, "b", "1");
        assert_eq!(out, r#"shop_name="C:\\ \"x\"\n",b="1""#);
        assert_eq!((known("GET"), known("BREW")), ("GET", "other"));
    }
}
