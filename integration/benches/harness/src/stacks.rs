//! Stacks of layers: the cost of each that comes with the runtimes at the start, of eight small ones together beside
//! eight of tower's, and of telemetry and its collector for callers.

use crate::counts;
use crate::http::{self, Connections};
use crate::lambda::{self, Load, quantity};
use crate::name;
use crate::samples::Samples;
use crate::subject::{Built, Subject};
use crate::table::{self, Column};
use crate::units;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// The layers that come with the runtimes, each with the variable that it needs.
const OWN: [(&str, &str); 10] = [
    ("warmup", ""),
    ("monitor", ""),
    ("log", ""),
    ("metrics", ""),
    ("trace", ""),
    ("record", ""),
    ("cors", r#"{"allowOrigins":["*"]}"#),
    ("limit", r#"{"rate":1000000,"per":"1s"}"#),
    ("compress", ""),
    ("cache", r#"{"ttl":"1m"}"#),
];

/// The number of connections of the load generator.
const CONNECTIONS: u32 = 8;

const NONE: &str = "no layer";
const EIGHT: &str = "eight small ones, a library each";
const ONE: &str = "eight small ones in one library";
const HYPER: &str = "hyper, no layer";
const OF_TOWER: &str = "hyper, eight of tower's";
const QUIET: &str = "no telemetry";
const TAKES: &str = "trace and metrics, a collector that takes all";
const HOLDS: &str = "trace and metrics, a collector that never answers";

/// The measured values of stacks.
#[derive(Debug, Default)]
pub struct Stacks {
    subjects: Vec<String>,
    starts: Samples,
    /// The instructions of a start, one invocation and a stop.
    lives: Vec<(String, f64)>,
    /// The instructions of a request.
    requests: Vec<(String, f64)>,
    /// The round trips of a request.
    trips: Samples,
    telemetry: Samples,
}

/// Returns a runtime with a function, under the name of its layers.
fn light(built: &Built, function: &str, layers: &[&str], name: &str) -> Subject {
    built.runtime(name::LIGHT, function).layers(layers).named(name)
}

/// Returns a subject with eight small layers, each from a library of its own or all from one.
fn eight(built: &Built, function: &str, apart: bool) -> Subject {
    let layers: Vec<String> =
        (1..=8).map(|number| if apart { format!("toil{number}.toil") } else { "bench.toil".to_owned() }).collect();
    let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
    light(built, function, &layers, if apart { EIGHT } else { ONE })
}

fn starts(built: &Built) -> Vec<Subject> {
    let mut subjects = vec![light(built, "echo", &[], NONE)];
    for (layer, config) in OWN {
        let subject = light(built, "echo", &[layer], layer);
        let variable = format!("FAAS_LAYER_{}", layer.to_uppercase());
        subjects.push(if config.is_empty() { subject } else { subject.env(&variable, config) });
    }
    subjects.extend([eight(built, "echo", true), eight(built, "echo", false)]);
    subjects
}

/// Measures all stacks: `rounds` of starts and of loads, `times` requests under callgrind.
///
/// # Errors
/// The second value has the measurements that failed, by name.
pub fn measure(built: &Built, rounds: usize, times: usize) -> (Stacks, Vec<(String, io::Error)>) {
    let (mut stacks, mut missing) = (Stacks::default(), Vec::new());
    let subjects = starts(built);
    stacks.subjects = subjects.iter().map(|subject| subject.name.clone()).collect();
    let load = Load::echo(1024, 0, 0).anywhere();
    for round in 0..rounds {
        let ordered: Vec<&Subject> =
            if round % 2 == 0 { subjects.iter().collect() } else { subjects.iter().rev().collect() };
        for subject in ordered {
            if let Err(error) = lambda::round(built, subject, &load, &mut stacks.starts, round) {
                missing.push((subject.name.clone(), error));
            }
        }
    }
    for subject in &subjects {
        match counts::of_life(built, subject, &|subject, times| lambda::watched(built, subject, times)) {
            Ok(life) => stacks.lives.push((subject.name.clone(), life)),
            Err(error) => missing.push((format!("{}, instructions", subject.name), error)),
        }
    }
    let tower = |stack: &str, name: &str| built.subject(name, "tower_server").env("STACK", stack);
    let requests = [
        light(built, "bench.plain", &[], NONE),
        eight(built, "bench.plain", true),
        eight(built, "bench.plain", false),
        tower("0", HYPER),
        tower("8", OF_TOWER),
    ];
    for round in 0..rounds {
        for subject in &requests {
            let asked = units::trips_of(built, subject, &http::Ask::plain(), 4 * times, &mut stacks.trips, round);
            if let Err(error) = asked {
                missing.push((format!("{}, round trips", subject.name), error));
            }
        }
    }
    for subject in requests {
        match counts::instructions(built, &subject, times, &|subject, times| http::watched(built, subject, times)) {
            Ok((each, _)) => stacks.requests.push((subject.name, each)),
            Err(error) => missing.push((format!("{}, a request", subject.name), error)),
        }
    }
    if let Err(error) = telemetry(built, rounds.div_ceil(8), &mut stacks.telemetry) {
        missing.push(("telemetry".to_owned(), error));
    }
    (stacks, missing)
}

/// Measures the same load without telemetry, with a collector that takes all, and with one that never answers. One
/// trace in a hundred is kept.
fn telemetry(built: &Built, rounds: usize, samples: &mut Samples) -> io::Result<()> {
    let (takes, holds) = (collector(true)?, collector(false)?);
    let told = |name: &str, port: u16| {
        let trace = format!(r#"{{"endpoint":"http://127.0.0.1:{port}/v1/traces","sampleRate":0.01}}"#);
        light(built, "bench.plain", &["metrics", "trace"], name)
            .env("FAAS_LAYER_TRACE", &trace)
            .env("OTEL_METRICS_EXPORTER", "otlp")
            .env("OTEL_METRIC_EXPORT_INTERVAL", "100")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{port}"))
    };
    for round in 0..rounds {
        for subject in [light(built, "bench.plain", &[], QUIET), told(TAKES, takes), told(HOLDS, holds)] {
            let mut loads = [(Connections(CONNECTIONS), std::mem::take(samples))];
            let ended = http::round(built, &subject, 1, &mut loads, round);
            let [(_, noted)] = loads;
            *samples = noted;
            ended?;
        }
    }
    Ok(())
}

/// Returns a collector on a port of its own, until the process ends.
fn collector(answers: bool) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        // Connections that are never answered stay open.
        let mut held = Vec::new();
        for stream in listener.incoming().filter_map(Result::ok) {
            if answers {
                // A failure concerns only the client that goes away.
                let _ = take(stream);
            } else {
                held.push(stream);
            }
        }
    });
    Ok(port)
}

fn take(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    io::copy(&mut reader.take(length), &mut io::sink())?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

const STARTS: &str = "\
light-bootstrap on AWS Lambda with the function echo, from just before the process is started until its first answer has been read
whole; page cache warm, nothing pinned. *Instructions*: of a start, one invocation and a stop, without the kernel's (callgrind).
*More* is to no layer. The small layers set a header of the reply, look at the clock twice and count.
";

const REQUESTS: &str = "\
An HTTP request under the same eight, beside eight of tower's that do the same by tower-http and are compiled into one program with
their server: instructions (callgrind), and round trip and processor time on one core with the client.
";

const TELEMETRY: &str = "\
wrk with eight connections against one text. One trace in a hundred is kept, metrics go out ten times a second. Who never answers
is given up after two seconds, again and again.
";

/// Writes the sections of the page about stacks.
pub fn write(page: &mut String, stacks: &Stacks) {
    if stacks.subjects.is_empty() {
        return;
    }
    let life = |name: &str| stacks.lives.iter().find(|(other, _)| other == name).map(|(_, life)| *life);
    let head = ["", "first answer ms", "more ms", "instructions, thousands", "more"].map(str::to_owned);
    let rows = stacks.subjects.iter().map(|subject| {
        let more = stacks.starts.paired(subject, NONE, quantity::FIRST_ANSWER, |one, other| one - other);
        let (all, base) = (life(subject), life(NONE));
        vec![
            subject.clone(),
            table::number(stacks.starts.median(subject, quantity::FIRST_ANSWER), 2),
            table::number(more, 2),
            table::number(all.map(|all| all / 1e3), 0),
            table::number(all.zip(base).map(|(all, base)| (all - base) / 1e3), 0),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let _ = write!(page, "\n## Stacks of layers\n\n{STARTS}\n{}", table::markdown(&head, &rows));
    let head = ["", "instructions", "more", "p50 µs", "more ns", "CPU µs", "more ns"].map(str::to_owned);
    let each = |name: &str| stacks.requests.iter().find(|(other, _)| other == name).map(|(_, each)| *each);
    let rows = stacks.requests.iter().map(|(name, count)| {
        let base = if name.starts_with("hyper") { HYPER } else { NONE };
        let more = |quantity| stacks.trips.paired(name, base, quantity, |one, other| (one - other) * 1e3);
        vec![
            name.clone(),
            table::number(Some(*count), 0),
            table::number(each(base).map(|base| count - base), 0),
            table::number(stacks.trips.median(name, quantity::P50), 2),
            table::number(more(quantity::P50), 0),
            table::number(stacks.trips.median(name, quantity::CPU), 2),
            table::number(more(quantity::CPU), 0),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let _ = write!(page, "\n{REQUESTS}\n{}", table::markdown(&head, &rows));
    let columns = [
        Column("requests/s", quantity::RATE, 0, true),
        Column("p50 µs", quantity::P50, 0, true),
        Column("p99 µs", quantity::P99, 0, true),
        Column("CPU µs", quantity::CPU, 1, true),
    ];
    let subjects = [QUIET, TAKES, HOLDS].map(str::to_owned);
    let _ = write!(page, "\n{TELEMETRY}\n{}", table::of_samples(&subjects, &stacks.telemetry, &columns));
}
