//! The command `invoke`: one event through, the reply, every phase, and the end.

mod document;
mod on_stage;

use crate::dev::{self, Asking};
use crate::events;
use crate::failure::Failure;
use crate::interrupt::Watch;
use crate::journal::{self, Phase};
use crate::local::{Local, Stopped};
use crate::recording::Recording;
use crate::reply;
use crate::running::RunArgs;
use crate::screen::{Screen, bytes, duration};
use crate::stage::{self, CallInput, Platform};
use crate::task::Task;
use crate::wanted::{self, Given};
use clap::Args;
use document::{Ended, body_text};
use platform_emulators::aws_lambda::{Answer, Event, Kind};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The names of the phases that a process goes through.
const PHASES: [&str; 4] = ["RuntimeStart", "FunctionStart", "Invoke", "Close"];

/// The platform that `invoke` runs under if none is named.
const PLATFORM: &str = "aws-lambda";

/// Send one event through a function of this project, print the reply and every phase, and exit
///
/// A running `cargo faas dev` of this project sends it, if there is one; otherwise a runtime is started for it under a
/// local AWS Lambda, or under the platform that --platform names. Without an event it is then one that the function is
/// written for: a request to its first route, or the event of its trigger.
#[derive(Debug, Args)]
pub(crate) struct Invoke {
    /// Send this JSON file; `-` is the standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "sample"])]
    event: Option<PathBuf>,

    /// Send this JSON
    #[arg(long, value_name = "JSON", conflicts_with = "sample")]
    data: Option<String>,

    /// Send an event of the platform's by its name: `cargo faas events list aws-lambda`
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,

    /// Send again what the layer record wrote down: a file of its folder, or a line of the log; `-` is the standard
    /// input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["event", "data", "sample", "path"])]
    replay: Option<PathBuf>,

    /// Print everything that is known of the invocation, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    run: RunArgs,

    // The heading of these counts for all arguments behind them, so they are the last.
    #[command(flatten)]
    asking: Asking,
}

impl Invoke {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let needs_dev = self.asking.needs_dev();
        if needs_dev.is_some() || (!self.asking.alone && dev::runs()) {
            if let Some(option) = self.run.of_a_start() {
                return Err(Failure::new("invoke", unheard(option, needs_dev)));
            }
            return self.ask(screen);
        }
        let watch = Watch::begin(if self.json { Screen::aside() } else { screen });
        let watch = watch.map_err(|error| Failure::new("signals", error))?;
        let ended = self.start(&watch, screen);
        watch.settle();
        ended
    }

    /// Starts a runtime, and sends the event to it.
    fn start(&self, watch: &Watch, screen: Screen) -> Result<ExitCode, Failure> {
        let (answer, screen) = (screen, if self.json { Screen::aside() } else { screen });
        let platform = stage::platform(self.run.platform().unwrap_or(PLATFORM))?;
        let given = self.given(platform)?;
        let prepared = self.run.prepare(screen)?;
        let is_on_aws = platform.name == PLATFORM;
        let functions = &prepared.deployment.functions;
        let wanted = match given {
            Some(given) => wanted::given(given, functions),
            // Its emulator takes a request as the event that it is there.
            None if is_on_aws => wanted::given(Given::Text(wanted::on_aws(functions)), functions),
            None => wanted::on(platform, functions),
        };
        let task = Task::make(prepared)?;
        announce(&task, screen);
        let monitored = task.is_monitored();
        let (ended, stopped) = match wanted.input {
            CallInput::Event(event) if is_on_aws => on_aws(task, &text_of(&event), self.run.timeout(), screen)?,
            _ => on_stage::run(platform, &task, wanted, self.run.timeout(), screen)?,
        };
        // What a signal has ended is told by the watch alone.
        watch.settle();
        screen.head("shutdown", &ending(&stopped));
        if monitored {
            screen.head("phases", "as the runtime timed them");
            journal::show(&stopped.phases, screen);
        } else {
            screen.head("phases", "not timed: --layers monitor times them");
        }
        if self.json {
            answer.line(&format!("{:#}", document::document(&ended, &stopped)));
        }
        match ended.problem {
            Some(why) => Err(Failure::new("invocation", why)),
            None => judge(&stopped, monitored).map(|()| ExitCode::SUCCESS),
        }
    }

    /// Asks a running dev to send it.
    fn ask(&self, screen: Screen) -> Result<ExitCode, Failure> {
        if let Some(file) = &self.replay {
            return self.ask_again(Recording::read(&read_text(file)?.0)?, screen);
        }
        let data = self.text()?;
        let sample = self.sample.as_deref();
        let (function, platform, as_json) = (self.run.function.as_deref(), self.run.platform(), self.json);
        let sent = dev::Sent { function, sample, data, platform, as_json };
        dev::ask(&self.asking, sent, screen)
    }

    /// Has the `cargo faas dev` that runs send a recording.
    fn ask_again(&self, recording: Recording, screen: Screen) -> Result<ExitCode, Failure> {
        let mut asking = self.asking.clone();
        let (function, platform) = (self.run.function.as_deref(), self.run.platform());
        let data = match recording {
            Recording::Event(event) => event,
            Recording::Request { method, target, headers, body } => {
                asking.path = Some(target);
                asking.method = Some(method);
                asking.header = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                body
            }
        };
        let sent = dev::Sent { function, sample: None, data: Some(data), platform, as_json: self.json };
        dev::ask(&asking, sent, screen)
    }

    /// Returns the text of the command line: an event, which has to be JSON, or the body of a request; `None` without
    /// one.
    fn text(&self) -> Result<Option<String>, Failure> {
        let (text, name) = match (&self.event, &self.data) {
            (Some(file), _) => read_text(file)?,
            (None, Some(data)) => (data.clone(), "--data".to_owned()),
            (None, None) => return Ok(None),
        };
        if self.asking.path.is_some() { Ok(Some(text)) } else { json(text, &name).map(Some) }
    }

    /// Returns the event of the command line: a text, a recording, or a sample of the platform's; `None` without one.
    fn given(&self, platform: &Platform) -> Result<Option<Given>, Failure> {
        if let Some(text) = self.text()? {
            return Ok(Some(Given::Text(text)));
        }
        if let Some(file) = &self.replay {
            let recording = Recording::read(&read_text(file)?.0)?;
            // A local AWS Lambda takes a request as the event that it is there.
            if platform.name == PLATFORM {
                return json(recording.event(), &file.display().to_string()).map(|text| Some(Given::Text(text)));
            }
            return Ok(Some(Given::Recording(recording)));
        }
        let Some(name) = &self.sample else { return Ok(None) };
        let sample = events::find(name)?;
        if sample.platform() != platform.name {
            let why = format!(
                "{name} is sent by {}, and this is {}: say --platform {}",
                sample.platform(),
                platform.name,
                sample.platform()
            );
            return Err(Failure::new("event", why));
        }
        Ok(Some(Given::Sample(sample)))
    }
}

/// Returns the reason why a running dev is not asked: it cannot heed an option.
fn unheard(option: &str, needs_dev: Option<&str>) -> String {
    let instead = match needs_dev {
        Some(other) => format!("{other} asks that dev: leave one of the two out"),
        None => "leave it out, or start a runtime for this event with --alone".to_owned(),
    };
    format!("{option} says how a runtime is built or started, which a running dev has decided: {instead}")
}

/// Shows the task that is about to run.
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

/// Sends an event through a local AWS Lambda, whose control plane says more than the stage that `dev` has of it.
fn on_aws(task: Task, event: &str, timeout: Duration, screen: Screen) -> Result<(Ended, Stopped), Failure> {
    let local = Local::start(task, timeout, screen)?;
    let mut phases = local.start_phases();
    let title = kind_of(event);
    screen.head("event", &format!("{title}, {}", bytes(event.len())));
    let served = local.invoke(Event::from(event))?;
    let is_request = is_request(event);
    let problem = show(&served.answer, is_request, screen);
    phases.extend(served.invocation.iter().map(Phase::from));
    let mut stopped = local.stop();
    phases.extend(stopped.phases.into_iter().filter(|phase| phase.name == "Close"));
    stopped.phases = phases;
    let answer = served.answer;
    let response = reply::of(&answer).ok().filter(|_| is_request);
    let went_well = if answer.kind == Kind::Response { 200 } else { 500 };
    let ended = Ended {
        took: answer.round_trip(),
        request_id: answer.request_id,
        title,
        platform: PLATFORM,
        status: response.as_ref().map_or(went_well, |response| response.status),
        headers: response.as_ref().map(|response| response.headers.clone()).unwrap_or_default(),
        body: response.map_or_else(|| answer.body.to_vec(), |response| response.body),
        cold_start: served.invocation.map(|seen| seen.cold_start),
        problem,
    };
    Ok((ended, stopped))
}

/// Checks how the process ended. An end that is not what the platform expects is a failure of the run.
fn judge(stopped: &Stopped, monitored: bool) -> Result<(), Failure> {
    if let Some(breach) = stopped.violations.first() {
        return Err(Failure::new("protocol", breach));
    }
    if !monitored {
        return Ok(());
    }
    // With the monitor there is work at Close, so the process was asked to leave and had its say.
    if stopped.shutdown.status.is_none_or(|status| !status.success()) {
        return Err(Failure::new("shutdown", ending(stopped)));
    }
    match PHASES.iter().find(|wanted| stopped.phases.iter().all(|phase| phase.name != **wanted)) {
        Some(missing) => Err(Failure::new("phases", format!("the runtime never reported {missing}"))),
        None => Ok(()),
    }
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
            screen.under(&body_text(&reply.body));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;
    use crate::command_line::tests::read;
    use crate::event;
    use clap::Args;
    use std::collections::BTreeSet;

    #[test]
    fn the_heading_of_the_help_has_what_is_asked_of_a_running_dev_alone() {
        let ids = |command: clap::Command, is_wanted: fn(&clap::Arg) -> bool| -> BTreeSet<String> {
            command.get_arguments().filter(|one| is_wanted(one)).map(|one| one.get_id().to_string()).collect()
        };
        let command = crate::command_line::definition();
        let command = command.find_subcommand("invoke").expect("it is a command").clone();
        let under = ids(command.clone(), |argument| argument.get_help_heading() == Some("With a running dev"));
        assert_eq!(under, ids(Asking::augment_args(clap::Command::new("asking")), |_| true));
        let headed = ids(command, |argument| argument.get_help_heading().is_some());
        assert_eq!(headed, under, "there is one heading");
    }

    #[test]
    fn events_are_told_by_what_they_are() {
        assert_eq!(kind_of(event::BUILT_IN), "API Gateway, payload 2.0: GET /?name=Ada%20Lovelace&lang=en");
        assert_eq!(kind_of(r#"{"n":1}"#), "JSON");
    }

    #[test]
    fn an_event_that_is_no_json_is_refused_and_the_body_of_a_request_is_not() {
        let text = |arguments: &[&str]| {
            let Command::Invoke(invoke) = read(&[&["invoke"], arguments].concat()).unwrap() else { unreachable!() };
            invoke.text().map_err(|failure| failure.to_string())
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("event.json");
        std::fs::write(&file, "{").unwrap();
        let (file, missing) = (file.display().to_string(), folder.path().join("none").display().to_string());
        let error = text(&["--event", &file]).unwrap_err();
        assert!(error.starts_with("event: ") && error.contains("event.json: expected JSON: "), "{error}");
        assert!(text(&["--event", &missing]).is_err());
        let error = text(&["--data", "{bad"]).unwrap_err();
        assert!(error.starts_with("event: --data: expected JSON: "), "{error}");
        assert_eq!(text(&["--data", "{bad", "--path", "/"]), Ok(Some("{bad".to_owned())));
        assert_eq!(text(&["--data", "{}"]), Ok(Some("{}".to_owned())));
    }
}
