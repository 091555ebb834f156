//! A process of many functions: its start, its resources, and the cost of finding the function of an invocation.

use crate::counts::{self, Counts};
use crate::http::{self, Ask};
use crate::lambda::{self, quantity};
use crate::name;
use crate::samples::{Samples, percentile};
use crate::subject::{Built, Process, Subject};
use crate::sys::{self, Cores};
use faas_core::manifest::Manifest;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The number of functions of the large unit.
pub const FUNCTIONS: usize = 1000;
/// The number of libraries they are in.
pub const LIBRARIES: usize = 100;
/// The number of the function that is asked, of those of the large unit.
const ASKED: usize = 512;

/// The names of the quantities that only the tables of this module show. The others are in `lambda::quantity`.
pub mod held {
    /// The time from just before the process is started until its first answer has been read whole, in milliseconds.
    pub const FIRST_ANSWER: &str = "first answer over http";
    /// The processor time until then, all threads, in milliseconds.
    pub const CPU_OF_START: &str = "cpu of the start";
    /// The number of page faults until then.
    pub const FAULTS: &str = "page faults";
    /// The number of open descriptors then.
    pub const DESCRIPTORS: &str = "descriptors";
    /// The number of threads once a function of every library has been called.
    pub const THREADS_LATER: &str = "threads later";
    /// The proportional share of memory then, in MiB.
    pub const PSS_LATER: &str = "pss later";
    /// The number of open descriptors then.
    pub const DESCRIPTORS_LATER: &str = "descriptors later";
}

/// The way in which the functions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They are plain functions on std alone: `echo`.
    Std,
    /// They are `async fn` on tokio: `hello`.
    Async,
}

impl Kind {
    /// Both kinds of functions.
    pub const ALL: [Kind; 2] = [Kind::Std, Kind::Async];

    /// Returns the library that all of the unit are copies of, and the function in it.
    fn module(self) -> &'static str {
        match self {
            Kind::Std => "echo",
            Kind::Async => "hello",
        }
    }

    /// Returns the words that name the kind of function in the tables.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Std => "std-only functions",
            Kind::Async => "async functions on tokio",
        }
    }

    /// Returns a request to a function of the large unit.
    fn ask(self, function: usize) -> Ask {
        match self {
            Kind::Std => Ask { target: format!("/s{function}/items/7"), holds: "" },
            Kind::Async => Ask { target: format!("/s{function}/items/7"), holds: "\"hello\":\"world\"" },
        }
    }

    /// Returns a request that an `async fn` cannot answer at once, so that its library's executor has to run.
    fn ask_to_wait(self, function: usize) -> Ask {
        let mut ask = self.ask(function);
        if self == Kind::Async {
            ask.target.push_str("?wait_ms=1");
        }
        ask
    }
}

/// The functions that the process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The process has one function, named by `FAAS_HANDLER`.
    Alone,
    /// The process has one function of a manifest, without events.
    One,
    /// The process has one function of a manifest, with the events of each of the thousand.
    OneRouted,
    /// The process has a thousand functions, which start with the process.
    Eager,
    /// The process has a thousand functions, each of which starts with its first invocation.
    Lazy,
}

impl Unit {
    /// All units, in the order of the tables.
    pub const ALL: [Unit; 5] = [Unit::Alone, Unit::One, Unit::OneRouted, Unit::Eager, Unit::Lazy];

    /// Returns the words that name the unit in the tables.
    pub fn words(self) -> &'static str {
        match self {
            Unit::Alone => "no manifest",
            Unit::One => "a unit of one",
            Unit::OneRouted => "a unit of one with routes and a timer",
            Unit::Eager => "1,000 functions, eager",
            Unit::Lazy => "1,000 functions, lazy",
        }
    }

    /// Returns the numbers of the unit's functions; empty without a manifest.
    fn functions(self) -> std::ops::Range<usize> {
        match self {
            Unit::Alone => 0..0,
            Unit::One | Unit::OneRouted => ASKED..ASKED + 1,
            Unit::Eager | Unit::Lazy => 0..FUNCTIONS,
        }
    }

    /// Returns the manifest's text; empty without one.
    fn manifest(self, kind: Kind) -> String {
        let (entry, start) = (kind.module(), if self == Unit::Lazy { "lazy" } else { "eager" });
        let functions = self.functions().map(|number| {
            let library = number / (FUNCTIONS / LIBRARIES);
            let events = if self == Unit::One { String::new() } else { events(number) };
            format!(
                r#"    {{"name": "f{number}", "handler": "m{library}.{entry}", "start": "{start}",
      "config": {{"currency": "EUR", "number": {number}}}{events}}}"#
            )
        });
        let functions: Vec<_> = functions.collect();
        if functions.is_empty() {
            return String::new();
        }
        format!("{{\n  \"version\": 1,\n  \"functions\": [\n{}\n  ]\n}}\n", functions.join(",\n"))
    }
}

/// Returns two routes and a timer for a function.
fn events(number: usize) -> String {
    format!(
        r#",
      "events": [
        {{"http": {{"path": "/s{number}/items/:id", "method": ["GET", "POST"]}}}},
        {{"http": {{"path": "/s{number}/items/:id/parts/:part"}}}},
        {{"timer": {{"source": "t{number}"}}}}
      ]"#
    )
}

/// Returns the event of a schedule of EventBridge's that function `number` serves.
pub fn timer(number: usize) -> String {
    format!(
        r#"{{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2026-01-01T00:00:00Z","region":"us-east-2","resources":["arn:aws:events:us-east-2:123456789012:rule/t{number}"],"detail":{{}}}}"#
    )
}

/// Returns the folder of a kind: copies of a library, since the linker would take links for one and the same, and
/// manifests.
fn folder(built: &Built, kind: Kind) -> PathBuf {
    built.root.join(format!("unit-{}", kind.module()))
}

/// Makes libraries and manifests.
///
/// # Errors
/// The system refuses, with its own error.
pub fn prepare(built: &Built) -> io::Result<()> {
    for kind in Kind::ALL {
        let folder = folder(built, kind);
        std::fs::create_dir_all(&folder)?;
        let library = built.task().join(format!("lib{}.so", kind.module()));
        for number in 0..LIBRARIES {
            std::fs::copy(&library, folder.join(format!("libm{number}.so")))?;
        }
        for unit in Unit::ALL {
            let text = unit.manifest(kind);
            if !text.is_empty() {
                std::fs::write(manifest_file(built, kind, unit), text)?;
            }
        }
    }
    Ok(())
}

fn manifest_file(built: &Built, kind: Kind, unit: Unit) -> PathBuf {
    folder(built, kind).join(format!("{unit:?}.json").to_lowercase())
}

/// Returns a runtime with these functions.
pub fn subject(built: &Built, runtime: &str, kind: Kind, unit: Unit) -> Subject {
    let root = folder(built, kind).to_string_lossy().into_owned();
    let subject = built.subject(unit.words(), runtime).env("FAAS_LOG", "error").env("FAAS_ROOT", &root);
    if unit == Unit::Alone {
        let library = ASKED / (FUNCTIONS / LIBRARIES);
        return subject.env("FAAS_HANDLER", &format!("m{library}.{}", kind.module()));
    }
    subject.env("FAAS_MANIFEST", &manifest_file(built, kind, unit).to_string_lossy())
}

/// Starts a process, asks it once, then a function of every library, and notes everything as one round.
///
/// # Errors
/// It does not start or an answer is a wrong one.
pub fn start(
    built: &Built,
    subject: &Subject,
    kind: Kind,
    unit: Unit,
    samples: &mut Samples,
    round: usize,
) -> io::Result<()> {
    let mut note = |quantity, number| samples.note(&subject.name, quantity, round, number);
    let ask = kind.ask(ASKED);
    let began = Instant::now();
    let (process, port) = http::start(built, subject, &ask)?;
    note(held::FIRST_ANSWER, began.elapsed().as_secs_f64() * 1e3);
    note(held::CPU_OF_START, sys::cpu_time(process.id())?.as_secs_f64() * 1e3);
    note(held::FAULTS, faults(&process)?);
    note(quantity::THREADS, process.proc("status", "Threads:")?);
    note(quantity::RSS, process.proc("status", "VmRSS:")? / 1024.0);
    note(quantity::PSS, process.proc("smaps_rollup", "Pss:")? / 1024.0);
    note(held::DESCRIPTORS, descriptors(&process)?);
    let mut stream = http::connect(port)?;
    let one_a_library: Vec<_> = match unit.functions().len() {
        0 | 1 => vec![ASKED],
        functions => (0..functions).step_by(functions / LIBRARIES).collect(),
    };
    for function in one_a_library {
        http::exchange(&mut stream, &kind.ask_to_wait(function))?;
    }
    note(held::THREADS_LATER, process.proc("status", "Threads:")?);
    note(held::PSS_LATER, process.proc("smaps_rollup", "Pss:")? / 1024.0);
    note(held::DESCRIPTORS_LATER, descriptors(&process)?);
    drop(stream);
    process.end()
}

/// Returns the number of page faults of a process so far, with and without a read from a disk.
fn faults(process: &Process) -> io::Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", process.id()))?;
    // The fields stand behind the name, which may hold anything: fields 10 and 12 of proc(5), the first of which here
    // is field 3.
    let fields: Vec<_> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let number = |at: usize| fields.get(at - 3).and_then(|text| text.parse::<f64>().ok());
    number(10).zip(number(12)).map(|(minor, major)| minor + major).ok_or_else(|| io::Error::other("no page faults"))
}

fn descriptors(process: &Process) -> io::Result<f64> {
    Ok(lambda::count(std::fs::read_dir(format!("/proc/{}/fd", process.id()))?.count()))
}

/// Sends requests to one function of a started process, both sides on one core, as one round.
///
/// # Errors
/// It fails as [`start`] does.
pub fn trips(built: &Built, subject: &Subject, requests: usize, samples: &mut Samples, round: usize) -> io::Result<()> {
    trips_of(built, subject, &Kind::Std.ask(ASKED), requests, samples, round)
}

/// Sends another request as [`trips`] does.
///
/// # Errors
/// It fails as [`trips`] does.
pub fn trips_of(
    built: &Built,
    subject: &Subject,
    ask: &http::Ask,
    requests: usize,
    samples: &mut Samples,
    round: usize,
) -> io::Result<()> {
    sys::run_on(Cores::One(0));
    let result = trips_here(built, subject, ask, requests, samples, round);
    sys::run_on(Cores::All);
    result
}

fn trips_here(
    built: &Built,
    subject: &Subject,
    ask: &http::Ask,
    requests: usize,
    samples: &mut Samples,
    round: usize,
) -> io::Result<()> {
    let (process, port) = http::start(built, subject, ask)?;
    let mut stream = http::connect(port)?;
    for _ in 0..requests / 5 {
        http::exchange(&mut stream, ask)?;
    }
    let used = sys::cpu_time(process.id())?;
    let mut trips = Vec::with_capacity(requests);
    for _ in 0..requests {
        let began = Instant::now();
        http::exchange(&mut stream, ask)?;
        trips.push(began.elapsed().as_secs_f64() * 1e6);
    }
    let used = sys::cpu_time(process.id())? - used;
    let mut note = |quantity, number| samples.note(&subject.name, quantity, round, number);
    note(quantity::CPU, used.as_secs_f64() * 1e6 / lambda::count(requests));
    note(quantity::P50, percentile(&mut trips, 0.5));
    note(quantity::MIN, percentile(&mut trips, 0.0));
    Ok(())
}

/// Instructions, exactly, of one process of functions.
#[derive(Debug)]
pub struct Counted {
    /// The name of the runtime.
    pub runtime: &'static str,
    /// The functions of the process.
    pub unit: Unit,
    /// The instructions from the start of the process to its end, with one request.
    pub life: f64,
    /// The cost of one request.
    pub request: Counts,
    /// The cost of one event of a timer on AWS Lambda.
    pub timer: Counts,
}

/// Counts the instructions of starts and invocations. `times` is the smaller number of invocations.
///
/// # Errors
/// A tool is missing or the subject fails.
pub fn counted(built: &Built, runtime: &'static str, unit: Unit, times: usize) -> io::Result<Counted> {
    let mut subject = subject(built, runtime, Kind::Std, unit);
    subject.program = built.with_symbols(runtime);
    let ask = Kind::Std.ask(ASKED);
    let requests = |subject: &Subject, times: usize| http::watched_with(built, subject, &ask, times);
    let life = counts::of_life(built, &subject, &|subject, _| requests(subject, 0))?;
    let request = counts::of(built, &subject, times, &requests)?;
    // AWS' own handler text names no function of these.
    let on_lambda = if unit == Unit::Alone { subject } else { subject.env("FAAS_HANDLER", &format!("f{ASKED}")) };
    let event = timer(ASKED);
    let timers = |subject: &Subject, times: usize| lambda::watched_with(built, subject, event.as_bytes(), times);
    let timer = counts::of(built, &on_lambda, times, &timers)?;
    Ok(Counted { runtime, unit, life, request, timer })
}

/// The cost of reading the manifest of a thousand functions.
#[derive(Debug)]
pub struct Reading {
    /// The length of the text in bytes.
    pub bytes: usize,
    /// The number of instructions.
    pub instructions: f64,
    /// The shortest time of a reading.
    pub least: Duration,
    /// The median time of a reading.
    pub median: Duration,
}

/// Measures the reading alone, by this very program under callgrind and by the clock.
///
/// # Errors
/// A tool is missing.
pub fn reading(built: &Built) -> io::Result<Reading> {
    let file = manifest_file(built, Kind::Std, Unit::Eager);
    let this = Subject { program: std::env::current_exe()?, ..built.subject("the manifest", "") };
    let (instructions, _) = counts::instructions(built, &this, 5, &|subject, times| {
        let mut command = Command::new(&subject.wrapper[0]);
        command.args(&subject.wrapper[1..]).arg(&subject.program).arg("--read").arg(&file);
        let status = command.args(["--times", &times.to_string()]).stdout(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) }
    })?;
    let text = std::fs::read(&file)?;
    let mut times: Vec<_> = (0..200).map(|_| read_once(&text)).collect::<Result<_, _>>().map_err(io::Error::other)?;
    times.sort();
    Ok(Reading { bytes: text.len(), instructions, least: times[0], median: times[times.len() / 2] })
}

/// Reads the manifest in `file` that many times, for tools that watch it.
///
/// # Errors
/// The text is its first mistake.
pub fn read(file: &Path, times: usize) -> Result<(), String> {
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    (0..times).try_for_each(|_| read_once(&text).map(drop))
}

fn read_once(text: &[u8]) -> Result<Duration, String> {
    let began = Instant::now();
    let manifest = Manifest::read(text);
    let took = began.elapsed();
    match manifest {
        Ok(manifest) => {
            std::hint::black_box(&manifest);
            Ok(took)
        }
        Err(mistakes) => Err(mistakes.iter().fold(String::new(), |mut all, mistake| {
            // Writing into memory cannot fail.
            let _ = writeln!(all, "{mistake}");
            all
        })),
    }
}

/// The names of both runtimes.
pub const RUNTIMES: [&str; 2] = [name::LIGHT, name::FULL];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_reads_and_has_its_functions() {
        for kind in Kind::ALL {
            for unit in [Unit::One, Unit::OneRouted, Unit::Eager, Unit::Lazy] {
                let manifest = Manifest::read(unit.manifest(kind).as_bytes()).expect("no mistakes");
                assert_eq!(manifest.functions.len(), unit.functions().len());
            }
        }
    }
}
