//! Platforms that are a parent with a pipe: one event in, one answer out, until the input ends.
//!
//! All on the main thread; only the watchdog is beside it. A stop signal ends the waiting for the next event, and what
//! runs is answered first. What events and answers look like is the protocol's ([`Piping`]).

mod input;

use crate::start::{FAILED, Life, features};
use crate::stopper::Stopper;
use crate::sys::{self, Alarm};
use crate::traces;
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::lifecycle::{RequestIds, Runtime};
use faas_core::log::{Level, Log, Origin};
use faas_core::parking::block_on;
use faas_core::platform::{Feed, Piping};
use faas_core::watchdog::{Actions, Slot};
use input::Input;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where answers go.
#[derive(Clone, Debug)]
pub(crate) struct Answers(Arc<Mutex<File>>);

impl Answers {
    /// The parent's descriptor, in a copy that children of functions do not get. To be called before this process opens
    /// any: the number could else be one of its own.
    ///
    /// # Errors
    /// If it is not open.
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

    /// Writes one in one go. False: the parent is gone, which the log is told.
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

/// What the watchdog does here.
struct Hands {
    log: Log,
    protocol: Arc<dyn Piping>,
    answers: Answers,
    stop: Arc<Alarm>,
}

/// What the parent is told of an invocation over its deadline.
fn timed_out() -> Failure {
    Failure::new("Function.TimedOut", "the function did not answer within its time limit")
}

impl Actions for Hands {
    fn timed_out(&self, _: usize, request_id: &[u8]) {
        let failure = timed_out();
        let mut answer = Vec::new();
        self.protocol.failed(request_id, &failure, &mut answer);
        self.answers.tell(&self.log, &answer);
        let message = format!("{} and is still running: leaving", failure.message);
        let origin = Origin { request_id, target: b"runtime", ..Origin::default() };
        self.log.write(Level::Error, origin, message.as_bytes(), std::iter::empty());
        traces::leave(FAILED);
    }

    fn stop(&self) {
        self.stop.set(Duration::ZERO);
    }

    fn leave(&self) {
        traces::leave(FAILED);
    }
}

/// Lives the process' life; its exit code.
pub(crate) fn run(life: &Life<'_>, protocol: &Arc<dyn Piping>, answers: &Answers) -> i32 {
    let log = &life.unit.log;
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
    let runtime = match life.start(features(1, false), late) {
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

/// From the word that the start is over to the last answer.
fn work(
    life: &Life<'_>,
    protocol: &Arc<dyn Piping>,
    answers: &Answers,
    runtime: &Runtime,
    tell_start: &impl Fn(Result<(), &Failure>) -> bool,
) -> io::Result<i32> {
    let stop = Arc::new(Alarm::new()?);
    let stopper = life.stopper()?;
    let log = life.unit.log.clone();
    stopper.launch(Hands { log, protocol: protocol.clone(), answers: answers.clone(), stop: stop.clone() })?;
    let events: File = io::stdin().as_fd().try_clone_to_owned()?.into();
    if !tell_start(Ok(())) {
        return Ok(FAILED);
    }
    let place = runtime.place();
    let (_, slot) = stopper.watchdog().slot(place.cancel_handle());
    let (ids, out) = (RequestIds::default(), Vec::new());
    let mut child = Child { runtime, protocol: &**protocol, answers, stopper: &stopper, ids, place, slot, out };
    let well = child.serve_all(&mut Input::new(events, stop))?;
    Ok(if well { 0 } else { FAILED })
}

struct Child<'a> {
    runtime: &'a Runtime,
    protocol: &'a dyn Piping,
    answers: &'a Answers,
    stopper: &'a Stopper,
    ids: RequestIds,
    place: Place,
    slot: Arc<Slot>,
    out: Vec<u8>,
}

impl Child<'_> {
    /// Serves events until there are no more, or a stop. False: the exit code has to say that something failed.
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
            if feed == Feed::Whole || self.stopper.watchdog().is_stopping() {
                return Ok(true);
            }
        }
    }

    /// Serves one event and answers it. False: nothing more is to be served, and the process has failed.
    fn serve(&mut self, event: &[u8]) -> bool {
        let unit = self.runtime.process();
        let (message, facts) = match self.protocol.event(unit, event) {
            Ok(event) => event,
            // A parent that sends one event learns from the exit code that it was none.
            Err(answer) => return self.answers.tell(&unit.log, &answer) && self.protocol.feed() == Feed::Lines,
        };
        let watchdog = self.stopper.watchdog();
        let cold = unit.enter();
        self.place.reset();
        let invocation = self.place.get_mut();
        invocation.renew(message, facts, cold);
        if invocation.request_id().is_empty() {
            invocation.set_request_id(&self.ids.next());
        }
        watchdog.begin(&self.slot, &self.place);
        block_on(self.runtime.invoke(&mut self.place));
        if !watchdog.claim(&self.slot) {
            // The watchdog has answered, and the process is about to leave. This thread has nothing more to say.
            loop {
                std::thread::park();
            }
        }
        if self.place.cancelled() == faas_abi::CANCEL_DEADLINE && self.place.get().failure().is_some() {
            self.place.get_mut().set_failure(timed_out());
        }
        self.out.clear();
        let well = self.protocol.answer(self.place.get(), &mut self.out);
        let told = self.answers.tell(&unit.log, &self.out);
        if self.runtime.has_replied_work() {
            block_on(self.runtime.replied(&mut self.place));
        }
        unit.leave();
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
