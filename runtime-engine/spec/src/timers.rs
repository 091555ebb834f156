//! The schedules of timers: read where they stand, and put into the words of the platform that the yml is for.

use crate::cron::dialect::Dialect;
use crate::cron::{Both, CronError, Schedule};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Event, Service};
use crate::source::{Sources, Span};
use crate::tree::Node;

/// The schedule of a timer, and its place in the yml.
#[derive(Debug)]
pub struct Timer {
    /// The schedule that was read.
    pub schedule: Schedule,
    /// The time zone; `None` for UTC.
    pub timezone: Option<String>,
    /// The place of the schedule.
    pub span: Span,
}

/// Checks all timers of a service.
pub(crate) fn check(service: &Service, platform: Option<&str>, sources: &Sources, found: &mut Diagnostics) {
    for function in &service.functions {
        for event in function.events.iter().filter(|event| event.key.kinds == ["timer"]) {
            let timer = match read(event, sources) {
                Ok(Some(timer)) => timer,
                Ok(None) => continue,
                Err(diagnostic) => {
                    found.add(*diagnostic);
                    continue;
                }
            };
            if let Some(zone) = timer.timezone.as_deref().filter(|zone| !is_zone(zone)) {
                let span = event.node.get("timezone").map_or(timer.span, |node| node.span);
                let message = format!("`{zone}` is no name of a time zone");
                let help = "write a name of the IANA's, such as `Europe/Berlin`, or `UTC`";
                found.add(Diagnostic::error("bad-timezone", span, message).help(help));
                continue;
            }
            let Some(dialect) = platform.and_then(Dialect::of) else { continue };
            if let Err(refused) = dialect.emit(&timer.schedule, timer.timezone.as_deref()) {
                let message = format!("this schedule cannot be on {}: {refused}", platform.unwrap_or_default());
                found.add(Diagnostic::error("schedule-refused", timer.span, message));
            }
        }
    }
}

/// Returns the schedule of a timer; `None` if the yml has no schedule, which is then set at deployment.
///
/// # Errors
/// The schedule is wrong, for this reason.
pub fn read(event: &Event, sources: &Sources) -> Result<Option<Timer>, Box<Diagnostic>> {
    let of = |key: &str| event.node.get(key);
    let word = |key: &str| of(key).and_then(Node::as_text).map(str::to_ascii_lowercase);
    let forms: Vec<(&str, &Node)> =
        ["value", "cron", "every"].into_iter().filter_map(|key| of(key).map(|node| (key, node))).collect();
    let (key, node) = match forms[..] {
        [] => return Ok(None),
        [only] => only,
        [(first, node), (second, other), ..] => {
            let message = format!("a timer has one schedule, and this one has `{first}` and `{second}`");
            let diagnostic = Diagnostic::error("two-schedules", other.span, message).other(node.span, "the other one");
            return Err(Box::new(diagnostic));
        }
    };
    let both = match word("days").as_deref() {
        Some("or") => Some(Both::Or),
        Some("and") => Some(Both::And),
        _ => None,
    };
    let text = node.as_written(sources).unwrap_or_default().to_owned();
    let is_span = key == "every" || (key == "value" && matches!(word("type").as_deref(), Some("every" | "interval")));
    let read = match text.trim_start().starts_with('@') {
        false if is_span => {
            Schedule::parse(&format!("@every {text}"), None).map_err(|error| CronError { at: 0..text.len(), ..error })
        }
        _ => Schedule::parse(&text, both),
    };
    let timezone = of("timezone").and_then(|node| node.as_written(sources)).map(str::to_owned);
    match read {
        Ok(schedule) => Ok(Some(Timer { schedule, timezone, span: node.span })),
        Err(error) => {
            let span = match sources.part(node.span).find(&text) {
                Some(start) => {
                    let start = node.span.start as usize + start;
                    Span::new(node.span.file, start + error.at.start, start + error.at.end)
                }
                None => node.span,
            };
            Err(Box::new(Diagnostic::error("bad-schedule", span, error.message.clone()).help(error.help)))
        }
    }
}

/// Returns `true` if it reads like a zone of the IANA's. The zones that exist are known only where the timer runs.
fn is_zone(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_uppercase())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
    };
    name == "UTC" || (name.contains('/') && name.split('/').all(is_part))
}
