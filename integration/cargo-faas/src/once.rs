//! `--once`: one event through, the reply, every phase, and the end.

use crate::event;
use crate::failure::Failure;
use crate::journal::Phase;
use crate::local::{Local, Stopped};
use crate::options::Options;
use crate::reply::{self, Reply};
use crate::screen::{Screen, bytes, duration};
use crate::serve;
use crate::task::Task;
use platform_emulators::aws::{Answer, Event, Kind};
use serde_json::Value;
use std::path::Path;
use std::process::ExitCode;

/// The phases a process goes through, by name.
const PHASES: [&str; 4] = ["RuntimeStart", "FunctionStart", "Invoke", "Close"];

/// Runs it.
pub(crate) fn run(options: &Options, screen: &Screen) -> Result<ExitCode, Failure> {
    let event = options.event.as_deref().map_or_else(|| Ok(event::BUILT_IN.to_owned()), read)?;
    let task = Task::make(options, screen)?;
    serve::announce(&task, *screen);
    let monitored = task.is_monitored();
    let local = Local::start(task, options, *screen)?;
    let mut phases = local.start_phases();
    screen.head("event", &format!("{}, {}", kind_of(&event), bytes(event.len())));
    let served = local.invoke(Event::from(event.as_str()))?;
    let failed = show(&served.answer, *screen);
    phases.extend(served.invocation.map(|seen| Phase {
        name: "Invoke".to_owned(),
        took: seen.took,
        outcome: if seen.cold_start { format!("{}, cold start", seen.outcome) } else { seen.outcome },
    }));
    let stopped = local.stop();
    phases.extend(stopped.phases.iter().filter(|phase| phase.name == "Close").cloned());
    screen.head("shutdown", &serve::ending(&stopped));
    if monitored {
        screen.head("phases", "as the runtime timed them");
        screen.phases(&phases);
    } else {
        screen.head("phases", "not timed: the layer monitor is not among the layers");
    }
    match failed {
        Some(why) => Err(Failure::new("invocation", why)),
        None => judge(&stopped, monitored.then_some(&phases[..])).map(|()| ExitCode::SUCCESS),
    }
}

/// An end that is not what the platform expects is a failure of the run.
fn judge(stopped: &Stopped, phases: Option<&[Phase]>) -> Result<(), Failure> {
    if let Some(breach) = stopped.violations.first() {
        return Err(Failure::new("protocol", breach));
    }
    let Some(phases) = phases else { return Ok(()) };
    // With the monitor there is work at Close, so the process was asked to leave and had its say.
    if stopped.shutdown.status.is_none_or(|status| !status.success()) {
        return Err(Failure::new("shutdown", serve::ending(stopped)));
    }
    match PHASES.iter().find(|wanted| phases.iter().all(|phase| phase.name != **wanted)) {
        Some(missing) => Err(Failure::new("phases", format!("the runtime never reported {missing}"))),
        None => Ok(()),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let failed = |why: String| Failure::new("event", format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str::<Value>(&text).map_err(|error| failed(format!("expected JSON: {error}")))?;
    Ok(text)
}

/// What an event is, in words.
fn kind_of(event: &str) -> String {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let (method, path) = (&event["requestContext"]["http"]["method"], &event["rawPath"]);
    match (event["version"].as_str(), method.as_str(), path.as_str()) {
        (Some("2.0"), Some(method), Some(path)) => {
            let query = event["rawQueryString"].as_str().filter(|query| !query.is_empty());
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            format!("API Gateway, payload 2.0: {method} {path}{query}")
        }
        _ => "JSON".to_owned(),
    }
}

/// Shows the answer; what went wrong, if anything did.
fn show(answer: &Answer, screen: Screen) -> Option<String> {
    let took = answer.round_trip().map(|took| format!(", round trip {}", duration(took))).unwrap_or_default();
    match reply::of(answer) {
        Ok(reply) => {
            screen.head("reply", &format!("{}, {}{took}", reply.status, bytes(reply.body.len())));
            for (name, value) in &reply.headers {
                screen.under(&format!("{name}: {value}"));
            }
            screen.under(&body_text(&reply));
            None
        }
        Err(why) if answer.kind == Kind::Response => {
            screen.head("reply", &format!("{}{took}", bytes(answer.body.len())));
            screen.under(&answer.text());
            Some(why.to_string())
        }
        Err(why) => {
            screen.head("reply", &format!("none{took}"));
            Some(format!("{:?}: {why}", answer.kind))
        }
    }
}

fn body_text(reply: &Reply) -> String {
    match std::str::from_utf8(&reply.body) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("({}, not text)", bytes(reply.body.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_by_what_they_are() {
        assert_eq!(kind_of(event::BUILT_IN), "API Gateway, payload 2.0: GET /greetings?name=Ada%20Lovelace&lang=en");
        assert_eq!(kind_of(r#"{"n":1}"#), "JSON");
    }

    #[test]
    fn a_file_that_holds_no_json_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("event.json");
        std::fs::write(&file, "{").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.starts_with("event: ") && error.contains("event.json: expected JSON: "), "{error}");
        assert!(read(&folder.path().join("none")).is_err());
    }
}
