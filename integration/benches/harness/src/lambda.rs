//! Runtimes on AWS' Runtime API: one process driven from its start to its last answer.

use crate::events;
use crate::mock::Mock;
use crate::samples::{Samples, percentile};
use crate::subject::{Built, Subject};
use crate::sys::{self, Cores};
use std::io;
use std::time::{Duration, Instant};

/// What is sent to a process, how often, and where both run.
#[derive(Clone, Debug)]
pub struct Load {
    /// The event.
    pub event: Vec<u8>,
    /// What the answer must be.
    pub answer: Answer,
    /// Invocations before anything is measured.
    pub warm_up: usize,
    /// Invocations that are measured.
    pub count: usize,
    /// Pause before each of them.
    pub idle: Option<Duration>,
    /// Where the control plane runs.
    pub mock: Cores,
    /// Where the process runs.
    pub process: Cores,
}

/// What an answer must be.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// The event, byte for byte.
    Event,
    /// JSON that holds this text.
    Holds(&'static str),
}

impl Load {
    /// Returns an echo of `size` bytes with both sides on one core.
    pub fn echo(size: usize, warm_up: usize, count: usize) -> Load {
        let (mock, process) = (Cores::One(0), Cores::One(0));
        Load { event: events::of_size(size), answer: Answer::Event, warm_up, count, idle: None, mock, process }
    }

    /// The same with each side on a core of its own.
    #[must_use]
    pub fn on_two_cores(self) -> Load {
        Load { process: Cores::One(1), ..self }
    }

    /// The same wherever the kernel likes.
    #[must_use]
    pub fn anywhere(self) -> Load {
        Load { mock: Cores::All, process: Cores::All, ..self }
    }
}

/// Quantities of the tables. Times of starts are in milliseconds, of round trips in microseconds.
pub mod quantity {
    /// From just before the process is started until its first poll has been read whole.
    pub const FIRST_POLL: &str = "first poll";
    /// The same until its first answer has been read whole.
    pub const FIRST_ANSWER: &str = "first answer";
    /// Round trip, the shortest.
    pub const MIN: &str = "min";
    /// Round trip, the median.
    pub const P50: &str = "p50";
    /// Round trip, the 99th percentile.
    pub const P99: &str = "p99";
    /// Invocations or requests a second.
    pub const RATE: &str = "rate";
    /// Processor time of the process for one invocation or request, all its threads.
    pub const CPU: &str = "cpu";
    /// Proportional share of memory after the load, MiB.
    pub const PSS: &str = "pss";
    /// Resident memory after the load, MiB.
    pub const RSS: &str = "rss";
    /// Highest resident memory, MiB.
    pub const PEAK: &str = "peak";
    /// Threads after the load.
    pub const THREADS: &str = "threads";
}

/// Starts a process, drives it, and notes everything as one round.
///
/// # Errors
/// If it does not start, answers wrongly or says nothing; with the last it wrote on standard error.
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
/// As for [`round`].
pub fn watched(built: &Built, subject: &Subject, count: usize) -> io::Result<()> {
    watched_with(built, subject, &events::of_size(1024), count)
}

/// The same with another event.
///
/// # Errors
/// As for [`round`].
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
