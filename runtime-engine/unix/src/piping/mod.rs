//! Platforms that are a parent with a pipe: one event in, one answer out, until the input ends.
//!
//! All of it runs on the main thread; only the thread of the deadlines is beside it. A stop signal ends the waiting for
//! the next event, and what runs is answered first. What events and answers look like is the protocol's ([`Piping`]).

mod input;

use crate::background::Background;
use crate::exit_code::FAILED;
use crate::life::{Life, features};
use crate::runtime_files;
use crate::shutdown::Shutdown;
use crate::sys::{self, Alarm};
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::flight::{Actions, Canceller, Lost, Slot};
use faas_core::functions::Functions;
use faas_core::lifecycle::{RequestIds, Runtime};
use faas_core::log::{Level, Log};
use faas_core::parking::block_on;
use faas_core::platform::{Feed, Piping};
use faas_core::process::Process;
use input::Input;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The pipe that answers are written to.
#[derive(Clone, Debug)]
pub(crate) struct Answers(Arc<Mutex<File>>);

impl Answers {
    /// Copies the parent's descriptor, so that children of functions do not get it. It is called before this process
    /// opens any descriptor: the number could else be one of its own.
    ///
    /// # Errors
    /// It is not open.
    pub(crate) fn to(descriptor: i32) -> io::Result<Answers> {
        let file = if descriptor == 1 {
            io::stdout().as_fd().try_clone_to_owned()?.into()
        } else {
            let none = || {
                let why = format!("descriptor {descriptor}, which answers are to go to, is not open");
                io::Error::new(io::ErrorKind::NotFound, why)
            };
            sys::inherited(descriptor).ok_or_else(none)?.try_clone()?
        };
        Ok(Answers(Arc::new(Mutex::new(file))))
    }

    /// Writes one answer at once. Returns `false` if the parent is gone, which is written to the log.
    fn tell(&self, log: &Log, answer: &[u8]) -> bool {
        if answer.is_empty() {
            return true;
        }
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(answer);
        if let Err(error) = &written {
            log.say(Level::Error, &format!("an answer did not reach the parent process: {error}"));
        }
        written.is_ok()
    }
}

/// The actions on deadlines and stop signals for a process with a pipe.
struct Hands {
    log: Log,
    process: Arc<Process>,
    functions: Weak<Functions>,
    background: Background,
    protocol: Arc<dyn Piping>,
    answers: Answers,
    stop: Arc<Alarm>,
}

impl Actions for Hands {
    fn cancel(&self, canceller: Canceller, reason: u32) {
        self.background.run(move || canceller.fire(reason));
    }

    /// Answers the parent, and has the process leave: the function has the only thread there is.
    fn overdue(&self, _: usize, lost: Lost<'_>, closing: bool) {
        let failure = if closing { Failure::closing() } else { Failure::timed_out() };
        let mut answer = Vec::new();
        self.protocol.failed(lost.request_id, &failure, &mut answer);
        self.answers.tell(&self.log, &answer);
        if let Some(functions) = self.functions.upgrade() {
            functions.out_of_reach(&self.process, lost, &failure, "and is still running: leaving");
        }
        runtime_files::leave(FAILED);
    }

    fn hung(&self, _: usize, replied: Option<Lost<'_>>) {
        if let (Some(lost), Some(functions)) = (replied, self.functions.upgrade()) {
            functions.replied_does_not_end(&self.process, lost, "leaving");
        }
        runtime_files::leave(FAILED);
    }

    fn stop(&self) {
        self.stop.set(Duration::ZERO);
    }

    fn leave(&self) {
        self.log.say(Level::Error, "leaving before everything has ended: the grace is over, or a second signal came");
        runtime_files::leave(FAILED);
    }
}

/// Runs the process from its start to its end; returns its exit code.
pub(crate) fn run(life: &Life<'_>, protocol: &Arc<dyn Piping>, answers: &Answers) -> i32 {
    let log = &life.process.log;
    let tell_start = {
        let (log, protocol, answers) = (log.clone(), protocol.clone(), answers.clone());
        move |result: Result<(), &Failure>| {
            let mut text = Vec::new();
            protocol.started(result, &mut text);
            answers.tell(&log, &text)
        }
    };
    let late = {
        let tell_start = tell_start.clone();
        move |failure: &Failure| {
            tell_start(Err(failure));
        }
    };
    let runtime = match life.start(features(1, false, true), late) {
        Ok(runtime) => runtime,
        Err(failure) => {
            life.say_failed(&failure);
            tell_start(Err(&failure));
            return FAILED;
        }
    };
    let code = match work(life, protocol, answers, &runtime, &tell_start) {
        Ok(code) => code,
        Err(error) => {
            log.say(Level::Error, &format!("events cannot be waited for: {error}"));
            FAILED
        }
    };
    block_on(runtime.close());
    code
}

/// Serves events from the end of the start to the last answer.
fn work(
    life: &Life<'_>,
    protocol: &Arc<dyn Piping>,
    answers: &Answers,
    runtime: &Runtime,
    tell_start: &impl Fn(Result<(), &Failure>) -> bool,
) -> io::Result<i32> {
    let stop = Arc::new(Alarm::new()?);
    let shutdown = life.shutdown()?;
    let log = life.process.log.clone();
    let background = Background::new(&log);
    shutdown.launch(|| Hands {
        process: life.process.clone(),
        functions: Arc::downgrade(runtime.functions()),
        log,
        background,
        protocol: protocol.clone(),
        answers: answers.clone(),
        stop: stop.clone(),
    })?;
    let events: File = io::stdin().as_fd().try_clone_to_owned()?.into();
    if !tell_start(Ok(())) {
        return Ok(FAILED);
    }
    let mut place = runtime.place();
    let slot = shutdown.deadlines().slot(&mut place);
    let replied_timeout = life.settings.replied_timeout;
    let (ids, out) = (RequestIds::default(), Vec::new());
    let mut child =
        Child { runtime, protocol: &**protocol, answers, shutdown: &shutdown, replied_timeout, ids, place, slot, out };
    let well = child.serve_all(&mut Input::new(events, stop))?;
    Ok(if well { 0 } else { FAILED })
}

struct Child<'a> {
    runtime: &'a Runtime,
    protocol: &'a dyn Piping,
    answers: &'a Answers,
    shutdown: &'a Shutdown,
    replied_timeout: Duration,
    ids: RequestIds,
    place: Place,
    slot: Arc<Slot>,
    out: Vec<u8>,
}

impl Child<'_> {
    /// Serves events until there are no more, or a stop begins. Returns `false` if the exit code has to report a
    /// failure.
    fn serve_all(&mut self, input: &mut Input<File>) -> io::Result<bool> {
        let feed = self.protocol.feed();
        loop {
            let event = match feed {
                Feed::Lines => input.line()?,
                Feed::Whole => input.whole()?,
            };
            let Some(event) = event else { return Ok(true) };
            if !self.serve(event) {
                return Ok(false);
            }
            if feed == Feed::Whole || self.shutdown.deadlines().is_stopping() {
                return Ok(true);
            }
        }
    }

    /// Serves one event and answers it. Returns `false` if nothing more is to be served, and the process has failed.
    fn serve(&mut self, event: &[u8]) -> bool {
        let process = self.runtime.process();
        let (message, metadata) = match self.protocol.event(process, event) {
            Ok(event) => event,
            // A parent that sends one event learns from the exit code that it was not an event.
            Err(answer) => return self.answers.tell(&process.log, &answer) && self.protocol.feed() == Feed::Lines,
        };
        let deadlines = self.shutdown.deadlines();
        let cold = process.enter();
        self.place.reset();
        let invocation = self.place.get_mut();
        invocation.renew(message, &metadata, cold);
        if invocation.request_id().is_empty() {
            invocation.set_request_id(&self.ids.next());
        }
        deadlines.begin(&self.slot, &self.place);
        if !block_on(self.runtime.invoke(&mut self.place)) {
            // The parent has been answered, and the process is about to leave. This thread has nothing more to do.
            loop {
                std::thread::park();
            }
        }
        self.out.clear();
        let well = self.protocol.answer(self.place.get(), &mut self.out);
        let told = self.answers.tell(&process.log, &self.out);
        if self.runtime.has_replied_work(&self.place) {
            deadlines.begin_replied(&self.slot, &self.place, self.replied_timeout);
            block_on(self.runtime.replied(&mut self.place));
            self.slot.end_replied();
        }
        process.leave();
        self.place.get_mut().clear();
        well && told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_that_nobody_opened_is_named() {
        let error = Answers::to(9998).unwrap_err().to_string();
        assert_eq!(error, "descriptor 9998, which answers are to go to, is not open");
    }
}
