//! The command `invoke`: one event through, the reply, every phase, and the end.

use crate::dev::{self, Asking};
use crate::failure::Failure;
use crate::invoked;
use crate::journal::Phase;
use crate::local::{Local, Stopped};
use crate::project::deployment::Deployment;
use crate::reply::{self, Reply};
use crate::running::RunArgs;
use crate::screen::{Screen, bytes, duration};
use crate::task::Task;
use crate::{event, events};
use clap::Args;
use platform_emulators::aws_lambda::{Answer, Event, Kind};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The names of the phases that a process goes through.
const PHASES: [&str; 4] = ["RuntimeStart", "FunctionStart", "Invoke", "Close"];

/// The platform that `invoke` runs under.
const PLATFORM: &str = "aws-lambda";

/// Send one event through a function of this project, print the reply and every phase, and exit
///
/// A running `cargo faas dev` of this project sends it, if there is one; otherwise a runtime is started for it under a local AWS
/// Lambda. Without an event it is then one that the function is written for: a request to its first route, or the event of its
/// trigger.
#[derive(Debug, Args)]
pub(crate) struct Invoke {
    /// Send this JSON file; `-` is the standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "sample"])]
    event: Option<PathBuf>,

    /// Send this JSON
    #[arg(long, value_name = "JSON", conflicts_with = "sample")]
    data: Option<String>,

    /// Send an event of AWS' by its name: `cargo faas events list aws-lambda`
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,

    #[command(flatten)]
    asking: Asking,

    #[command(flatten)]
    run: RunArgs,
}

impl Invoke {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        if self.asking.needs_dev() || (!self.asking.alone && self.run.is_for_dev() && dev::runs()) {
            return self.ask(screen);
        }
        let (answer, screen) = (screen, if self.asking.json { Screen::aside() } else { screen });
        let given = self.given()?;
        let prepared = self.run.prepare(screen)?;
        let event = match given {
            Some(event) => event,
            None => of_deployment(&prepared.deployment)?,
        };
        let task = Task::make(prepared)?;
        announce(&task, screen);
        let monitored = task.is_monitored();
        let local = Local::start(task, self.run.timeout(), screen)?;
        let mut phases = local.start_phases();
        let title = kind_of(&event);
        screen.head("event", &format!("{title}, {}", bytes(event.len())));
        let served = local.invoke(Event::from(event.as_str()))?;
        let failed = show(&served.answer, is_request(&event), screen);
        phases.extend(served.invocation.iter().map(|seen| Phase {
            name: "Invoke".to_owned(),
            took: seen.took,
            outcome: if seen.cold_start { format!("{}, cold start", seen.outcome) } else { seen.outcome.clone() },
        }));
        let stopped = local.stop();
        phases.extend(stopped.phases.iter().filter(|phase| phase.name == "Close").cloned());
        screen.head("shutdown", &ending(&stopped));
        if monitored {
            screen.head("phases", "as the runtime timed them");
            screen.phases(&phases);
        } else {
            screen.head("phases", "not timed: --layers monitor times them");
        }
        if self.asking.json {
            let problem = failed.as_deref();
            let document = invoked::document(&title, &served, is_request(&event), problem, &phases, &stopped);
            answer.line(&format!("{document:#}"));
        }
        match failed {
            Some(why) => Err(Failure::new("invocation", why)),
            None => judge(&stopped, monitored.then_some(&phases[..])).map(|()| ExitCode::SUCCESS),
        }
    }

    /// Asks a running dev to send it.
    fn ask(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let is_request = self.asking.path.is_some();
        let data = match (&self.event, &self.data) {
            (Some(file), _) if !is_request => Some(read(file)?),
            (Some(file), _) => Some(read_text(file)?.0),
            (None, data) => data.clone(),
        };
        let sample = self.sample.as_deref();
        let sent = dev::Sent { function: self.run.function.as_deref(), sample, data, platform: self.run.platform() };
        dev::ask(&self.asking, sent, screen)
    }

    /// Returns the event that the command line gives; `None` without one.
    fn given(&self) -> Result<Option<String>, Failure> {
        if let Some(file) = &self.event {
            return read(file).map(Some);
        }
        if let Some(text) = &self.data {
            return json(text.clone(), "--data").map(Some);
        }
        let Some(name) = &self.sample else { return Ok(None) };
        let sample = events::find(name)?;
        if sample.platform() != PLATFORM {
            let why = format!(
                "{name} is sent by {}; `invoke` runs under {PLATFORM}, whose events are {PLATFORM}'s",
                sample.platform()
            );
            return Err(Failure::new("event", why));
        }
        Ok(Some(text_of(sample.bytes())))
    }
}

/// Shows what is about to run.
fn announce(task: &Task, screen: Screen) {
    let (functions, layers) = (task.functions().join(", "), task.layers().join(", "));
    let layers = if layers.is_empty() { "no layers".to_owned() } else { format!("layers {layers}") };
    let what = if task.functions().len() == 1 { "function" } else { "functions" };
    screen.head("task", &format!("{}: {what} {functions}, {layers}", task.root().display()));
}

/// Returns how the runtime's process ended, in words.
fn ending(stopped: &Stopped) -> String {
    let shutdown = &stopped.shutdown;
    let signals: Vec<_> = shutdown.signals.iter().map(|signal| format!("SIG{signal:?}").to_uppercase()).collect();
    let signals = if signals.is_empty() { "no signal".to_owned() } else { signals.join(", then ") };
    let status = shutdown.status.map_or_else(|| "still running".to_owned(), |status| status.to_string());
    format!("{signals}, {status} after {}", duration(shutdown.took))
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns an event that a function of the deployment is written for: a request to the plainest of its routes if there
/// is one.
fn of_deployment(deployment: &Deployment) -> Result<String, Failure> {
    let all = || deployment.functions.iter().flat_map(|function| &function.events);
    let routes = all().filter_map(|event| event.get("http")).map(|http| {
        let path = http["path"].as_str().unwrap_or("/");
        (path.contains([':', '*', '{']), first_method(&http["method"]) != "GET", path, http)
    });
    if let Some((.., path, http)) =
        routes.min_by_key(|(has_parameters, changes, path, _)| (*has_parameters, *changes, *path))
    {
        return Ok(match http.get("path") {
            Some(_) => event::of_route(&first_method(&http["method"]), path),
            None => event::BUILT_IN.to_owned(),
        });
    }
    let Some(event) = all().next() else { return Ok(event::BUILT_IN.to_owned()) };
    let kind = event.as_object().and_then(|members| members.keys().next()).map(String::as_str);
    let sample = match kind {
        Some("timer") => "aws/schedule",
        Some("queue") => "aws/sqs",
        Some("topic") => "aws/sns",
        Some("storage") => "aws/s3",
        Some("log") => "aws/logs",
        Some("stream") => "aws/kinesis",
        Some("table") => "aws/dynamodb",
        Some("event") => "aws/eventbridge",
        Some("websocket") => "aws/websocket",
        Some("authorizer") => "aws/authorizer",
        _ => return Ok("{}".to_owned()),
    };
    Ok(text_of(events::find(sample)?.bytes()))
}

/// Returns the method of a route in capitals. In a manifest it is a text, a list, or left out.
fn first_method(method: &Value) -> String {
    let first = method.as_str().or_else(|| method[0].as_str()).unwrap_or("GET").to_ascii_uppercase();
    if matches!(&*first, "ANY" | "ALL" | "*") { "GET".to_owned() } else { first }
}

/// Judges the end of the process: one that the platform does not expect is a failure of the run.
fn judge(stopped: &Stopped, phases: Option<&[Phase]>) -> Result<(), Failure> {
    if let Some(breach) = stopped.violations.first() {
        return Err(Failure::new("protocol", breach));
    }
    let Some(phases) = phases else { return Ok(()) };
    // With the monitor there is work at Close, so the process was asked to leave and could report.
    if stopped.shutdown.status.is_none_or(|status| !status.success()) {
        return Err(Failure::new("shutdown", ending(stopped)));
    }
    match PHASES.iter().find(|wanted| phases.iter().all(|phase| phase.name != **wanted)) {
        Some(missing) => Err(Failure::new("phases", format!("the runtime never reported {missing}"))),
        None => Ok(()),
    }
}

/// Returns the text of a file, or of the standard input, which has to be JSON.
fn read(file: &Path) -> Result<String, Failure> {
    let (text, name) = read_text(file)?;
    json(text, &name)
}

/// Returns the text of a file, or of the standard input, and its name in messages.
fn read_text(file: &Path) -> Result<(String, String), Failure> {
    let name = if file == Path::new("-") { "the standard input".to_owned() } else { file.display().to_string() };
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().lock().read_to_string(&mut text).map(|_| text),
        false => std::fs::read_to_string(file),
    };
    read.map(|text| (text, name.clone())).map_err(|error| Failure::new("event", format!("{name}: {error}")))
}

fn json(text: String, name: &str) -> Result<String, Failure> {
    match serde_json::from_str::<Value>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new("event", format!("{name}: expected JSON: {error}"))),
    }
}

/// Returns `true` if the answer is to be an HTTP response.
fn is_request(event: &str) -> bool {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let context = &event["requestContext"];
    context.get("http").is_some() || context.get("elb").is_some() || event.get("httpMethod").is_some()
}

/// Returns the kind of an event, in words.
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

/// Shows the answer. Returns the failure as a text; `None` if there is none.
fn show(answer: &Answer, is_request: bool, screen: Screen) -> Option<String> {
    let took = answer.round_trip().map(|took| format!(", round trip {}", duration(took))).unwrap_or_default();
    match reply::of(answer) {
        Ok(_) if !is_request && answer.kind == Kind::Response => {
            screen.head("reply", &format!("{}{took}", bytes(answer.body.len())));
            screen.under(&answer.text());
            None
        }
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
    use crate::project::deployment::DeployedFunction;
    use serde_json::json;

    #[test]
    fn events_are_told_by_what_they_are() {
        assert_eq!(kind_of(event::BUILT_IN), "API Gateway, payload 2.0: GET /?name=Ada%20Lovelace&lang=en");
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

    #[test]
    fn without_an_event_it_is_one_that_the_function_is_written_for() {
        let deployment = |events: Value| Deployment {
            name: "d".into(),
            manifest: None,
            handler: "d".into(),
            functions: vec![DeployedFunction {
                name: "f".into(),
                handler: "d.f".into(),
                events: events.as_array().unwrap().clone(),
            }],
            layers: Vec::new(),
            libraries: Vec::new(),
        };
        let made = |events: Value| of_deployment(&deployment(events)).unwrap();
        assert_eq!(made(json!([])), event::BUILT_IN);
        assert_eq!(made(json!([{"http": true}])), event::BUILT_IN);
        let route: Value =
            serde_json::from_str(&made(json!([{"timer": true}, {"http": {"path": "/a/:id/*", "method": ["PUT"]}}])))
                .unwrap();
        assert_eq!((&route["rawPath"], &route["requestContext"]["http"]["method"]), (&json!("/a/1/1"), &json!("PUT")));
        let plainest =
            json!([{"http": {"path": "/a/:id"}}, {"http": {"path": "/b", "method": "post"}}, {"http": {"path": "/b"}}]);
        let plainest: Value = serde_json::from_str(&made(plainest)).unwrap();
        assert_eq!(
            (&plainest["rawPath"], &plainest["requestContext"]["http"]["method"]),
            (&json!("/b"), &json!("GET"))
        );
        assert!(made(json!([{"queue": {"source": "jobs"}}])).contains("aws:sqs"));
    }
}
