//! Runtimes on AWS' Runtime API: one process driven from its start to its last answer.

use crate::events;
use crate::mock::Mock;
use crate::samples::{Samples, percentile};
use crate::subject::{Built, Subject};
use crate::sys::{self, Cores};
use std::io;
use std::time::{Duration, Instant};

/// The load of a process: its event, the number of them, and the processors of both sides.
#[derive(Clone, Debug)]
pub struct Load {
    /// The bytes of the event.
    pub event: Vec<u8>,
    /// The answer that is expected.
    pub answer: Answer,
    /// The number of invocations before anything is measured.
    pub warm_up: usize,
    /// The number of invocations that are measured.
    pub count: usize,
    /// The pause before each of them; `None` without one.
    pub idle: Option<Duration>,
    /// The processors of the control plane.
    pub mock: Cores,
    /// The processors of the process.
    pub process: Cores,
}

/// The answer that is expected.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// The answer is the event, byte for byte.
    Event,
    /// The answer is JSON that holds this text.
    Holds(&'static str),
}

impl Load {
    /// Returns an echo of `size` bytes with both sides on one core.
    pub fn echo(size: usize, warm_up: usize, count: usize) -> Load {
        let (mock, process) = (Cores::One(0), Cores::One(0));
        Load { event: events::of_size(size), answer: Answer::Event, warm_up, count, idle: None, mock, process }
    }

    /// Returns the load with each side on a core of its own.
    #[must_use]
    pub fn on_two_cores(self) -> Load {
        Load { process: Cores::One(1), ..self }
    }

    /// Returns the load with both sides on any core.
    #[must_use]
    pub fn anywhere(self) -> Load {
        Load { mock: Cores::All, process: Cores::All, ..self }
    }
}

/// The names of the tables' quantities. Times of starts are in milliseconds, of round trips in microseconds.
pub mod quantity {
    /// The time from just before the process is started until its first poll has been read whole.
    pub const FIRST_POLL: &str = "first poll";
    /// The time from just before the process is started until its first answer has been read whole.
    pub const FIRST_ANSWER: &str = "first answer";
    /// The shortest round trip.
    pub const MIN: &str = "min";
    /// The median round trip.
    pub const P50: &str = "p50";
    /// The 99th percentile of round trips.
    pub const P99: &str = "p99";
    /// The number of invocations or requests a second.
    pub const RATE: &str = "rate";
    /// The processor time of the process for one invocation or request, all its threads.
    pub const CPU: &str = "cpu";
    /// The proportional share of memory after the load, in MiB.
    pub const PSS: &str = "pss";
    /// The resident memory after the load, in MiB.
    pub const RSS: &str = "rss";
    /// The highest resident memory, in MiB.
    pub const PEAK: &str = "peak";
    /// The number of threads after the load.
    pub const THREADS: &str = "threads";
}

/// Starts a process, drives it, and notes everything as one round.
///
/// # Errors
/// It does not start, answers wrongly or says nothing; with the last it wrote on standard error.
pub fn round(built: &Built, subject: &Subject, load: &Load, samples: &mut Samples, round: usize) -> io::Result<()> {
    let name = subject.name.clone();
    let mut note = |quantity, number| samples.note(&name, quantity, round, number);
    let mut mock = Mock::new()?;
    let endpoint = mock.endpoint()?;
    let subject = subject.clone().on_lambda(built);
    sys::run_on(load.process);
    let began = Instant::now();
    let process = subject.start(built, &[("AWS_LAMBDA_RUNTIME_API", &endpoint)])?;
    sys::run_on(load.mock);
    let mut drive = || -> io::Result<()> {
        mock.poll()?;
        note(quantity::FIRST_POLL, millis(began.elapsed()));
        let check = |answer: &[u8]| match load.answer {
            Answer::Event => answer == load.event,
            Answer::Holds(text) => memchr::memmem::find(answer, text.as_bytes()).is_some(),
        };
        mock.invoke(&load.event, &check)?;
        note(quantity::FIRST_ANSWER, millis(began.elapsed()));
        if load.count == 0 {
            return Ok(());
        }
        for _ in 0..load.warm_up {
            mock.invoke(&load.event, &check)?;
        }
        mock.poll()?;
        let mut trips = Vec::with_capacity(load.count);
        let (used, started) = (sys::cpu_time(process.id())?, Instant::now());
        for _ in 0..load.count {
            if let Some(idle) = load.idle {
                mock.poll()?;
                pause(idle);
            }
            trips.push(micros(mock.invoke(&load.event, &check)?.round_trip));
        }
        let took = started.elapsed();
        mock.poll()?;
        let used = sys::cpu_time(process.id())? - used;
        let count = count(load.count);
        note(quantity::RATE, count / took.as_secs_f64());
        note(quantity::CPU, micros(used) / count);
        note(quantity::P50, percentile(&mut trips, 0.5));
        note(quantity::P99, percentile(&mut trips, 0.99));
        note(quantity::MIN, percentile(&mut trips, 0.0));
        note(quantity::PSS, process.proc("smaps_rollup", "Pss:")? / 1024.0);
        note(quantity::RSS, process.proc("status", "VmRSS:")? / 1024.0);
        note(quantity::PEAK, process.proc("status", "VmHWM:")? / 1024.0);
        note(quantity::THREADS, process.proc("status", "Threads:")?);
        Ok(())
    };
    let result = drive();
    sys::run_on(Cores::All);
    result.map_err(|error| io::Error::other(format!("{error} [{}]", process.last_words())))
}

/// Drives a process with `count` echoes and lets it end by itself: for tools that watch it.
///
/// # Errors
/// It fails as [`round`] does.
pub fn watched(built: &Built, subject: &Subject, count: usize) -> io::Result<()> {
    watched_with(built, subject, &events::of_size(1024), count)
}

/// Drives a process as [`watched`] does, with another event.
///
/// # Errors
/// It fails as [`round`] does.
pub fn watched_with(built: &Built, subject: &Subject, event: &[u8], count: usize) -> io::Result<()> {
    let mut mock = Mock::new()?;
    let endpoint = mock.endpoint()?;
    let process = subject.clone().on_lambda(built).start(built, &[("AWS_LAMBDA_RUNTIME_API", &endpoint)])?;
    for _ in 0..count {
        let result = mock.invoke(event, &|answer| answer == event);
        result.map_err(|error| io::Error::other(format!("{error} [{}]", process.last_words())))?;
    }
    mock.poll()?;
    process.end()
}

#[expect(clippy::disallowed_methods, reason = "the pause is what is measured: sparse traffic")]
fn pause(idle: Duration) {
    std::thread::sleep(idle);
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Returns a count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn count(count: usize) -> f64 {
    count as f64
}
