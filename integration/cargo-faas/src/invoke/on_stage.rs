//! One event on a platform of the table of stages: the runtime is started as the platform starts it, gets the event,
//! and is told to leave.

use super::document::{self, Ended};
use crate::failure::Failure;
use crate::journal::{Journal, Phase};
use crate::local::Stopped;
use crate::screen::{Screen, bytes, duration};
use crate::stage::{Call, CallInput, Platform, Reply, Stage};
use crate::stamp;
use crate::task::Task;
use crate::wanted::Wanted;
use platform_emulators::aws_lambda::Shutdown;
use platform_emulators::process::Signal;
use std::time::{Duration, Instant};

/// The time that a runtime may take to leave after SIGTERM: its own grace and a little more.
const GRACE: Duration = Duration::from_secs(12);

/// Starts the task on a platform, sends it an event and ends it. The reply is shown on the screen.
///
/// # Errors
/// It does not start.
pub(super) fn run(
    platform: &'static Platform,
    task: &Task,
    wanted: Wanted,
    timeout: Duration,
    screen: Screen,
) -> Result<(Ended, Stopped), Failure> {
    screen.head("platform", &format!("{}, local", platform.title()));
    let started = (platform.start)(&task.setting(platform, timeout).without_clients());
    let stage = started.map_err(|why| Failure::new("starting the runtime", format!("{}: {why}", platform.title())))?;
    let name = task.runtime_name();
    let mut followed = Err(Failure::new("starting the runtime", "there is no process"));
    stage.with_process(&mut |process| {
        let ready = match stage.is_ready_before_events() {
            true => format!("ready after {}", duration(process.age())),
            false => "started for one event".to_owned(),
        };
        screen.head("runtime", &format!("{name}, pid {}, {ready}", process.pid()));
        followed = Journal::follow(process.tail(), name.clone(), screen);
    });
    let journal = followed?;
    let size = match &wanted.input {
        CallInput::Event(event) => event.len(),
        CallInput::Request(request) => request.body.len(),
    };
    screen.head("event", &format!("{}, {}", wanted.title, bytes(size)));
    let is_request = matches!(wanted.input, CallInput::Request(_));
    let request_id = stamp::request_id();
    let call = Call { request_id, function: wanted.function, input: wanted.input, deadline: None };
    let begun = Instant::now();
    let reply = stage.send(&call, &|_| ()).unwrap_or_else(Reply::left);
    let took = begun.elapsed();
    let problem = show(&reply, is_request, took, screen);
    let seen = if task.is_monitored() { journal.only_invocation() } else { None };
    let shutdown = end(&*stage);
    let mut phases = journal.all_phases();
    if let Some(seen) = &seen {
        let before_close = phases.iter().position(|phase| phase.name == "Close").unwrap_or(phases.len());
        phases.insert(before_close, Phase::from(seen));
    }
    let ended = Ended {
        request_id: reply.request_id.unwrap_or(call.request_id),
        title: wanted.title,
        platform: platform.name,
        status: reply.status,
        headers: reply.headers,
        body: reply.body,
        took: Some(took),
        cold_start: seen.map(|seen| seen.cold_start),
        problem,
    };
    Ok((ended, Stopped { shutdown, phases, violations: stage.breaches() }))
}

/// Shows the reply, and returns what went wrong; `None` if it went well.
fn show(reply: &Reply, is_request: bool, took: Duration, screen: Screen) -> Option<String> {
    let failed = || format!("the answer has the status {}", reply.status);
    let problem = reply.failure.clone().or_else(|| (reply.status >= 500).then(failed));
    let size = bytes(reply.body.len());
    let status = if is_request { format!("{}, ", reply.status) } else { String::new() };
    screen.head("reply", &format!("{status}{size}, round trip {}", duration(took)));
    for (name, value) in &reply.headers {
        screen.under(&format!("{name}: {value}"));
    }
    screen.under(&document::body_text(&reply.body));
    problem
}

/// Tells the process to leave, and waits for it.
fn end(stage: &dyn Stage) -> Shutdown {
    let begun = Instant::now();
    let mut shutdown = Shutdown { signals: Vec::new(), status: None, took: Duration::ZERO };
    stage.with_process(&mut |process| {
        shutdown.status = process.status();
        // One that cannot be signalled has ended.
        if shutdown.status.is_none() && process.signal(Signal::Term).is_ok() {
            shutdown.signals.push(Signal::Term);
            shutdown.status = process.wait(GRACE).ok();
        }
    });
    Shutdown { took: begun.elapsed(), ..shutdown }
}
