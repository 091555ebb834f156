//! A local AWS Lambda with one environment: the real runtime as its process, started again after it has left, as the
//! platform does. Invocations take their turns, one at a time.

use crate::failure::Failure;
use crate::journal::{Invocation, Journal, Phase};
use crate::reply::error_words;
use crate::screen::{Screen, duration};
use crate::task::Task;
use platform_emulators::aws_lambda::{self, Answer, Aws, Event, Kind, Shutdown};
use platform_emulators::process::Process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time that a runtime may take until its first poll.
const INIT_LIMIT: Duration = Duration::from_secs(30);

/// The time that a runtime may take from an answer to its next poll.
const IDLE_LIMIT: Duration = Duration::from_secs(2);

/// The time that a caller waits beyond the function's own limit.
const SPARE: Duration = Duration::from_secs(10);

/// A local platform.
pub(crate) struct Local {
    aws: Aws,
    task: Task,
    screen: Screen,
    /// The lock of the invocation that has its turn.
    turn: Mutex<()>,
    /// The environment that runs now; the lock is held for a moment only.
    environment: Mutex<Arc<Environment>>,
}

/// The process of a runtime, and its output.
struct Environment {
    process: Arc<Process>,
    journal: Journal,
}

/// The answer to an event, and the runtime's record of its invocation. The record is `None` without the layer monitor,
/// and for an event that was not delivered.
pub(crate) struct Served {
    pub(crate) answer: Answer,
    pub(crate) invocation: Option<Invocation>,
}

/// The end of the environment.
pub(crate) struct Stopped {
    pub(crate) shutdown: Shutdown,
    /// All phases of the last process, in order.
    pub(crate) phases: Vec<Phase>,
    /// Breaches of the platform's protocol, in words.
    pub(crate) violations: Vec<String>,
}

impl Local {
    /// Starts platform and runtime, and returns when the runtime polls for its first event.
    pub(crate) fn start(task: Task, timeout: Duration, screen: Screen) -> Result<Local, Failure> {
        let aws = Aws::start(aws_lambda::Options {
            function_name: task.handler().to_owned(),
            handler: Some(task.handler().to_owned()),
            task_root: Some(task.root().to_owned()),
            timeout,
            patience: timeout + SPARE,
            ..aws_lambda::Options::default()
        });
        let aws = aws.map_err(|error| Failure::new("local platform", error))?;
        screen.head("platform", &format!("AWS Lambda, local, Runtime API at {}", aws.address()));
        let environment = Mutex::new(Arc::new(spawn(&aws, &task, screen)?));
        Ok(Local { aws, task, screen, turn: Mutex::default(), environment })
    }

    fn environment(&self) -> Arc<Environment> {
        Arc::clone(&self.environment.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the phases of the start; empty without a layer that tells of them.
    pub(crate) fn start_phases(&self) -> Vec<Phase> {
        if self.task.is_monitored() { self.environment().journal.phases_to("FunctionStart") } else { Vec::new() }
    }

    /// Waits for its turn, sends an event and waits for its outcome; the runtime is started first if it has left.
    pub(crate) fn invoke(&self, event: Event) -> Result<Served, Failure> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut environment = self.environment();
        // A runtime that leaves after its last answer is seen to go, rather than sent an event that it will never take.
        let _ = self.aws.wait_for(|now| now.parked > 0 || now.ended, IDLE_LIMIT);
        if environment.process.status().is_some() {
            // The last lines of the process before are shown before the first of the next.
            environment.journal.all_phases();
            environment = Arc::new(spawn(&self.aws, &self.task, self.screen)?);
            *self.environment.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&environment);
        }
        let answer = self.aws.invoke(event);
        if matches!(answer.kind, Kind::Timeout | Kind::Exited) {
            // The platform is ending this process, or it has ended itself; the next event finds it gone.
            let _ = environment.process.wait(aws_lambda::GRACE + SPARE);
        }
        let monitored = self.task.is_monitored() && answer.delivered.is_some();
        let invocation = monitored.then(|| environment.journal.invocation(&answer.request_id)).flatten();
        Ok(Served { answer, invocation })
    }

    /// Ends the environment as the platform does, between two invocations.
    pub(crate) fn stop(self) -> Stopped {
        let environment = self.environment();
        // The answer is out before the runtime asks for the next event; one that never asks is ended all the same.
        let _ = self.aws.wait_for(|now| now.parked > 0 || now.ended, IDLE_LIMIT);
        let shutdown = self.aws.shutdown(&environment.process);
        Stopped { shutdown, phases: environment.journal.all_phases(), violations: self.aws.violations() }
    }
}

/// Starts the runtime and waits for its first poll.
fn spawn(aws: &Aws, task: &Task, screen: Screen) -> Result<Environment, Failure> {
    let started = Instant::now();
    // The count goes on over environments.
    let reported = aws.snapshot().init_errors;
    let failed = |why: String| Failure::new("starting the runtime", why);
    let process = aws.spawn(task.command()).map_err(|error| failed(error.to_string()))?;
    let process = Arc::new(process);
    let name = task.runtime_name();
    let journal = Journal::follow(process.tail(), name.clone(), screen)?;
    let reached = aws.wait_for(|now| now.parked > 0 || now.init_errors > reported || now.ended, INIT_LIMIT);
    let took = duration(started.elapsed());
    let outcome = match reached {
        Ok(now) if now.parked > 0 => {
            screen.head("runtime", &format!("{name}, pid {}, first poll after {took}", process.pid()));
            return Ok(Environment { process, journal });
        }
        Ok(now) if now.init_errors > reported => {
            let report = aws.init_errors().into_iter().next_back();
            let words = report.map(|report| error_words(&report.body)).unwrap_or_default();
            format!("{name} reported a failed start: {words}")
        }
        Ok(_) => match process.status() {
            Some(status) => format!("{name} ended before its first poll: {status}"),
            None => format!("{name} ended before its first poll"),
        },
        Err(_) => format!("{name} made no poll within {}", duration(INIT_LIMIT)),
    };
    aws.shutdown(&process);
    // Its output is on the screen before the reason.
    journal.all_phases();
    Err(failed(outcome))
}
