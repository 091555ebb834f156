//! Platforms that are a parent with a pipe: one event in, one answer out, until the input ends.
//!
//! On the main thread, blocking and without tokio: nothing happens at the same time but the watchdog. A stop signal ends
//! the waiting for the next event; what runs is answered first.

mod input;

use crate::deadline::{Hands, Overdue, Then, timed_out};
use crate::start::{FAILED, Life, complain, say_failed};
use crate::stop::Stop;
use crate::{sys, traces};
use faas_abi::{CANCEL_DEADLINE, F_MAY_BLOCK, F_REPLIED, F_STREAM_OUT};
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::lifecycle::{RequestIds, Runtime};
use faas_core::log::{Level, Log};
use faas_core::parking::block_on;
use faas_core::platform::{Feed, Piping};
use faas_core::watchdog::Slot;
use input::Input;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

/// Where answers go.
#[derive(Clone, Debug)]
pub(crate) struct Answers(Arc<Mutex<File>>);

impl Answers {
    /// The parent's descriptor, in a copy that children of functions do not get.
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

    /// One answer in one go.
    fn write(&self, answer: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(answer)
    }

    /// The same, where nothing can be done about a parent that is gone but to say so. False: it is.
    fn tell(&self, log: &Log, answer: &[u8]) -> bool {
        if answer.is_empty() {
            return true;
        }
        let written = self.write(answer);
        if let Err(error) = &written {
            log.say(Level::Error, &format!("an answer did not reach the parent process: {error}"));
        }
        written.is_ok()
    }
}

/// Answers in the place of the main thread, and wakes it when a stop begins.
struct Report {
    log: Log,
    protocol: Arc<dyn Piping>,
    answers: Answers,
    stop: UnixStream,
}

impl Overdue for Report {
    fn answer(&self, _: usize, request_id: &[u8], failure: &Failure) -> Then {
        let mut answer = Vec::new();
        self.protocol.failed(request_id, failure, &mut answer);
        self.answers.tell(&self.log, &answer);
        Then::Leave
    }

    fn stopping(&self) {
        // It is read by nobody: that there is something to read is all that is looked for.
        let _ = (&self.stop).write(&[1]);
    }
}

/// Lives the process' life; its exit code.
pub(crate) fn run(life: &Life, protocol: &Arc<dyn Piping>, answers: Answers) -> i32 {
    let started = |result: Result<(), &Failure>| {
        let mut text = Vec::new();
        protocol.started(result, &mut text);
        text
    };
    let late = {
        let (unit, answers, protocol) = (life.unit.clone(), answers.clone(), protocol.clone());
        move |failure: Failure| {
            say_failed(&unit, &failure);
            let mut text = Vec::new();
            protocol.started(Err(&failure), &mut text);
            answers.tell(&unit.log, &text);
            traces::leave(FAILED);
        }
    };
    let mut features = F_STREAM_OUT | F_REPLIED;
    if !life.is_linked() {
        // As where one worker asks for events: a linked module may share what must not run inside itself.
        features |= F_MAY_BLOCK;
    }
    let runtime = match life.start(features, late) {
        Ok(runtime) => runtime,
        Err(failure) => {
            say_failed(&life.unit, &failure);
            answers.tell(&life.unit.log, &started(Err(&failure)));
            return FAILED;
        }
    };
    life.say_started("");
    let (input, stop) = match input() {
        Ok(both) => both,
        Err(error) => return complain(&format_args!("no descriptors for events: {error}")),
    };
    let log = life.unit.log.clone();
    let overdue = Report { log, protocol: protocol.clone(), answers: answers.clone(), stop };
    let hands = Hands { unit: life.unit.clone(), stop: life.stop.clone(), overdue };
    if let Err(error) = life.stop.launch(hands) {
        return complain(&format_args!("no thread for deadlines and signals: {error}"));
    }
    let mut code = FAILED;
    if answers.tell(&life.unit.log, &started(Ok(()))) {
        let mut child = Child::new(&runtime, &**protocol, &answers, &life.stop);
        code = if child.work(input) { life.stop.code() } else { FAILED };
    }
    block_on(runtime.close());
    code
}

/// Standard input, and what ends the waiting for it.
fn input() -> io::Result<(Input<File>, UnixStream)> {
    let (wake, stop) = UnixStream::pair()?;
    let events = io::stdin().as_fd().try_clone_to_owned()?.into();
    Ok((Input::new(events, wake), stop))
}

struct Child<'a> {
    runtime: &'a Runtime,
    protocol: &'a dyn Piping,
    answers: &'a Answers,
    stop: &'a Stop,
    place: Place,
    slot: Arc<Slot>,
    ids: RequestIds,
    out: Vec<u8>,
}

impl<'a> Child<'a> {
    fn new(runtime: &'a Runtime, protocol: &'a dyn Piping, answers: &'a Answers, stop: &'a Stop) -> Child<'a> {
        let place = runtime.place();
        let (_, slot) = stop.watchdog().slot(place.cancel_handle());
        Child { runtime, protocol, answers, stop, place, slot, ids: RequestIds::default(), out: Vec::new() }
    }

    /// Serves events until there are no more, or a stop. False: the process has to say that something failed.
    fn work(&mut self, mut input: Input<File>) -> bool {
        let feed = self.protocol.feed();
        loop {
            let event = match feed {
                Feed::Lines => input.line(),
                Feed::Whole => input.whole(),
            };
            match event {
                Ok(Some(event)) => {
                    if !self.serve(event) {
                        return false;
                    }
                    if feed == Feed::Whole || self.stop.watchdog().is_stopping() {
                        return true;
                    }
                }
                Ok(None) => return true,
                Err(error) => {
                    let message = format!("events cannot be read from standard input: {error}");
                    self.runtime.process().log.say(Level::Error, &message);
                    return false;
                }
            }
        }
    }

    /// Serves one event and answers it. False: nothing more is to be served, and the process has failed.
    fn serve(&mut self, event: &[u8]) -> bool {
        let unit = self.runtime.process();
        let (message, facts) = match self.protocol.event(unit, event) {
            Ok(event) => event,
            // A parent that sends one event sees of a failure what the exit code says.
            Err(answer) => return self.answers.tell(&unit.log, &answer) && self.protocol.feed() == Feed::Lines,
        };
        let watchdog = self.stop.watchdog();
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
            // The watchdog has answered, and ends the process.
            loop {
                std::thread::park();
            }
        }
        if self.place.cancelled() == CANCEL_DEADLINE && self.place.get().failure().is_some() {
            self.place.get_mut().set_failure(timed_out());
        }
        self.out.clear();
        let well = self.protocol.answer(self.place.get(), &mut self.out);
        let told = self.answers.tell(&unit.log, &self.out);
        if self.runtime.has_replied_work() {
            block_on(self.runtime.replied(&mut self.place));
        }
        self.place.get_mut().clear();
        unit.leave();
        well && told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_that_the_parent_did_not_open_is_named() {
        let error = Answers::to(9998).unwrap_err().to_string();
        assert_eq!(error, "descriptor 9998, which answers are to go to, is not open");
    }
}
