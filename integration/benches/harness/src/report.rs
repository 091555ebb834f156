//! The page `docs/performance.md`: the measured values, the method, and the budgets.

use crate::budgets;
use crate::counts::Counts;
use crate::lambda::quantity::*;
use crate::machine;
use crate::name;
use crate::stacks;
use crate::suites::{LAYERS, Results, Suite, layered};
use crate::table::{self, Column};
use crate::units::{self, held};
use std::fmt::Write;

/// Returns the text of the page.
pub fn page(results: &Results, lock: &str, quick: bool, load: &str) -> String {
    let mut page = String::new();
    page.push_str(INTRODUCTION);
    if quick {
        page.push_str("\n**A quick run: it shows that everything runs, its numbers are worth nothing.**\n");
    }
    let peers = ["lambda_runtime", "lambda_http", "tokio", "hyper", "hyper-util", "serde_json"];
    let _ = write!(page, "\n## Machine and versions\n\n{}", machine::describe());
    let _ = writeln!(page, "- Peers: {}", machine::versions(lock, &peers));
    let _ = writeln!(page, "- Load average when the run began: {load}");
    let _ = write!(page, "\n## Budgets\n\n{BUDGETS}\n{}", budgets::table(results));
    lambda(&mut page, results);
    layers(&mut page, results);
    servers(&mut page, results);
    counts(&mut page, results);
    many_functions(&mut page, results);
    stacks::write(&mut page, &results.stacks);
    let _ = write!(page, "\n## Sizes of files\n\n{FILES}\n{}", files(results));
    if !results.missing.is_empty() {
        page.push_str("\n## Not measured\n\n");
        for (what, why) in &results.missing {
            let _ = writeln!(page, "- {what}: {}", why.replace('\n', " "));
        }
    }
    page
}

const INTRODUCTION: &str = "\
# Performance

Written by `integration/benches/run`; do not edit by hand. `integration/benches/run --quick` shows in a minute that all
parts of it work.

Every table is one run: fresh processes, the subjects in turn, their order reversed every other round. A number is the
median over rounds; a **ratio** is the median of the ratios to the first row, each taken within its round, so that what
disturbs a round disturbs both sides. Compare within a table, not across. Under a few percent nothing is a difference.

- *C* floors are `integration/benches/floor`: what the platform's protocol costs with no runtime at all.
- *tuned* is opt-level 3, fat LTO, one codegen unit, panic = abort, stripped. *As users build it* is `cargo build
  --release`. *README shape* is `#[tokio::main]`, a JSON value in and out. Peers are in `integration/benches/peers`.
- *Two layers* are `monitor` and `metrics`, which write a line each for every invocation.
- The Runtime API is a thin one of the benches' own, on loopback; every answer is checked.
";

const BUDGETS: &str = "\
A ratio is paired as in the tables below; what a table shows is what counts. For an HTTP load, p99 is *not worse* up to
1.1 ×, and a layer costs *nothing* up to 5 ns: less cannot be told from noise.
";

const COLD: &str = "\
From just before the process is started until its first poll has been read whole, and until its first answer has. Page
cache warm, no pinning.
";

const STEADY: &str = "\
Echo of 1 KiB, control plane and process on one core. Round trip: from just before the event is written until the answer
has been read whole. CPU: all threads of the process, user and system. Memory after the load.
";

const SPARSE: &str = "Echo of 1 KiB, 5 ms of nothing before each event, no pinning.\n";

const SIZE: &str = "Echo by size of the event, control plane and process on a core each; round trip, median.\n";

const HTTP_EVENT: &str = "\
An event of API Gateway (payload 2.0, 1.6 KB) whose method, path, query, header and body the function looks at; it answers
with a text. One core.
";

const LAYERS_TEXT: &str = "\
Echo of 1 KiB under layers, one core. An *empty* layer has no hook; a *working* one asks for the time before and after,
reads the request's id and counts. ns: what one layer adds to the round trip.
";

const SERVER: &str = "\
wrk, one thread, keep-alive, `GET /` answered with a text of 13 bytes. From 50 connections on wrk is the bottleneck: look
at the CPU for one request there.
";

const WAITING: &str = "\
The same load on a function that blocks its thread for five milliseconds; hyper waits without a thread. Each connection has one
request in flight. Both runtimes run up to 64 invocations at once (`FAAS_THREADS`); what is accepted beyond that waits.
";

const COUNTS: &str = "\
Of one echo of 1 KiB, and of one HTTP request on a connection that stays open: the difference of two runs of which one had
twice as many. Instructions are the process' own, without the kernel's (callgrind), system calls are strace's.
";

const UNITS: &str = "\
One process with a manifest of 1,000 functions, ten in each of 100 libraries: instances of one function, each with a
configuration, two routes and a timer. Beside it a unit of one of them, and the same function without a manifest. *Eager*:
all start with the process. *Lazy*: each starts with its first invocation. The platform is plain HTTP.
";

const UNIT_STARTS: &str = "\
From just before the process is started until its first answer has been read whole; the page cache is warm, and nothing is
pinned. What the process holds then, and once a function of every library has been called; the async ones then had to wait
for a timer of tokio's, so that each library runs its executor.
";

const UNIT_TRIPS: &str = "\
The same request to the same function, client and process on one core. *More*: how much longer it takes than without a
manifest, the median of all rounds and its quartiles; of the round trip's median, and of the processor time of the process.
";

const UNIT_COUNTS: &str = "\
Instructions of the process, without the kernel's (callgrind). A life is a start, one request and a stop. A request is
`GET /s512/items/7`; a timer is an event of EventBridge's schedule on AWS Lambda. *More* is to no manifest; without one
nobody looks what an event is.
";

const FILES: &str = "Bytes, stripped. The static program holds the function, the others load it.\n";

fn lambda(page: &mut String, results: &Results) {
    let mut section = |title: &str, text: &str, suite: &Suite, columns: &[Column]| {
        if !suite.subjects.is_empty() {
            let table = table::of_samples(&suite.subjects, &suite.samples, columns);
            let _ = write!(page, "\n## {title}\n\n{text}\n{table}");
        }
    };
    let first = Column("first poll ms", FIRST_POLL, 2, true);
    section("Cold start", COLD, &results.cold, &[first, Column("first answer ms", FIRST_ANSWER, 2, true)]);
    let trips = [
        Column("min µs", MIN, 1, false),
        Column("p50 µs", P50, 1, true),
        Column("p99 µs", P99, 1, false),
        Column("inv/s", RATE, 0, true),
        Column("CPU µs", CPU, 1, true),
    ];
    let memory =
        [Column("Pss MiB", PSS, 2, false), Column("RSS MiB", RSS, 2, false), Column("threads", THREADS, 0, false)];
    section("Per invocation", STEADY, &results.steady, &[&trips[..], &memory[..]].concat());
    let sparse = [trips[0], trips[1], trips[2], trips[4]];
    section("Sparse traffic", SPARSE, &results.sparse, &sparse);
    section("An HTTP event", HTTP_EVENT, &results.http_event, &trips);
    let Some((_, last)) = results.sizes.last() else { return };
    let mut head = vec![String::new()];
    head.extend(results.sizes.iter().flat_map(|(label, _)| [format!("{label} µs"), "ratio".to_owned()]));
    head.push("peak RSS MiB".to_owned());
    let rows = last.subjects.iter().map(|subject| {
        let mut row = vec![subject.clone()];
        for (_, suite) in &results.sizes {
            row.push(table::number(suite.samples.median(subject, P50), 1));
            row.push(table::number(suite.samples.ratio(subject, &last.subjects[0], P50), 2));
        }
        row.push(table::number(last.samples.median(subject, PEAK), 1));
        row
    });
    let _ = write!(page, "\n## Size of the event\n\n{SIZE}\n{}", table::markdown(&head, &rows.collect::<Vec<_>>()));
}

fn layers(page: &mut String, results: &Results) {
    if results.layers.subjects.is_empty() {
        return;
    }
    let head = ["layers", "light-bootstrap p50 µs", "ns each", "bootstrap p50 µs", "ns each"].map(str::to_owned);
    let mut rows = Vec::new();
    for kind in ["empty", "working"] {
        for count in LAYERS {
            let mut row = vec![format!("{count} {kind}")];
            for runtime in [name::LIGHT, name::FULL] {
                row.push(table::number(results.layers.samples.median(&layered(runtime, kind, count), P50), 2));
                let each = budgets::layer_ns(results, runtime, kind, count).filter(|_| count > 0);
                row.push(table::number(each, 0));
            }
            rows.push(row);
        }
    }
    let _ = write!(page, "\n## Layers\n\n{LAYERS_TEXT}\n{}", table::markdown(&head, &rows));
}

fn servers(page: &mut String, results: &Results) {
    if results.server.is_empty() && results.waiting.is_empty() {
        return;
    }
    let columns = [
        Column("requests/s", RATE, 0, true),
        Column("p50 µs", P50, 0, false),
        Column("p99 µs", P99, 0, true),
        Column("CPU µs", CPU, 1, true),
        Column("Pss MiB", PSS, 2, false),
        Column("threads", THREADS, 0, false),
    ];
    let _ = write!(page, "\n## HTTP servers\n\n{SERVER}");
    for (connections, suite) in &results.server {
        let table = table::of_samples(&suite.subjects, &suite.samples, &columns);
        let _ = write!(page, "\n{connections} connections:\n\n{table}");
    }
    if results.waiting.is_empty() {
        return;
    }
    let _ = write!(page, "\n## Invocations in flight\n\n{WAITING}");
    for (in_flight, suite) in &results.waiting {
        let table = table::of_samples(&suite.subjects, &suite.samples, &columns);
        let _ = write!(page, "\n{in_flight} in flight:\n\n{table}");
    }
}

fn counts(page: &mut String, results: &Results) {
    if results.counts.is_empty() {
        return;
    }
    let head = ["", "instructions", "system calls", "which"].map(str::to_owned);
    let rows = |counts: &[(String, Counts)]| -> Vec<_> {
        let row = |(subject, counts): &(String, Counts)| {
            let all: f64 = counts.calls.values().sum();
            let which = counts.calls.iter().map(|(name, each)| format!("{name} {each:.2}"));
            let which = which.collect::<Vec<_>>().join(", ");
            vec![subject.clone(), format!("{:.0}", counts.instructions), format!("{all:.2}"), which]
        };
        counts.iter().map(row).collect()
    };
    let _ = write!(page, "\n## Instructions and system calls\n\n{COUNTS}");
    let _ = write!(page, "\nAn echo:\n\n{}", table::markdown(&head, &rows(&results.counts)));
    let _ = write!(page, "\nAn HTTP request:\n\n{}", table::markdown(&head, &rows(&results.http_counts)));
    for (what, counts) in [("an echo", &results.counts), ("an HTTP request", &results.http_counts)] {
        let most = layered(name::LIGHT, "working", LAYERS[LAYERS.len() - 1]);
        let shown = [name::LIGHT, name::FULL, name::FULL_BLOCKING, &most];
        for (subject, counts) in counts.iter().filter(|(subject, _)| shown.contains(&&**subject)) {
            let head = ["function", "instructions"].map(str::to_owned);
            let row = |(function, each): &(String, f64)| vec![format!("`{function}`"), format!("{each:.0}")];
            let rows: Vec<_> = counts.functions.iter().map(row).collect();
            let _ = write!(page, "\nWhere {subject} spends {what}:\n\n{}", table::markdown(&head, &rows));
        }
    }
}

fn many_functions(page: &mut String, results: &Results) {
    if results.unit_counts.is_empty() && results.unit_starts.is_empty() {
        return;
    }
    let _ = write!(page, "\n## Many functions in one process\n\n{UNITS}");
    let columns = [
        Column("first answer ms", held::FIRST_ANSWER, 2, true),
        Column("CPU ms", held::CPU_OF_START, 1, false),
        Column("page faults", held::FAULTS, 0, false),
        Column("RSS MiB", RSS, 2, false),
        Column("Pss MiB", PSS, 2, false),
        Column("threads", THREADS, 0, false),
        Column("descriptors", held::DESCRIPTORS, 0, false),
        Column("all called: Pss MiB", held::PSS_LATER, 2, false),
        Column("threads", held::THREADS_LATER, 0, false),
        Column("descriptors", held::DESCRIPTORS_LATER, 0, false),
    ];
    let _ = write!(page, "\n{UNIT_STARTS}");
    for (runtime, kind, suite) in &results.unit_starts {
        let table = table::of_samples(&suite.subjects, &suite.samples, &columns);
        let _ = write!(page, "\n{runtime}, {}:\n\n{table}", kind.words());
    }
    let _ = write!(page, "\n{UNIT_TRIPS}");
    for (runtime, suite) in &results.unit_trips {
        let _ = write!(page, "\n{runtime}:\n\n{}", trips_of_units(suite));
    }
    let head = ["", "a life, thousands", "a request", "more", "a timer", "more"].map(str::to_owned);
    let rows = results.unit_counts.iter().map(|counted| {
        let alone = results.unit_counts.iter().find(|other| other.runtime == counted.runtime);
        let more = |all: f64, alone: Option<f64>| table::number(alone.map(|alone| all - alone), 0);
        let (request, timer) = (counted.request.instructions, counted.timer.instructions);
        vec![
            format!("{}, {}", counted.runtime, counted.unit.words()),
            table::number(Some(counted.life / 1e3), 0),
            table::number(Some(request), 0),
            more(request, alone.map(|alone| alone.request.instructions)),
            table::number(Some(timer), 0),
            more(timer, alone.map(|alone| alone.timer.instructions)),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let _ = write!(page, "\n{UNIT_COUNTS}\n{}", table::markdown(&head, &rows));
    if let Some(reading) = &results.manifest {
        let millis = |time: std::time::Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
        let head = ["", "bytes", "instructions", "least ms", "median ms"].map(str::to_owned);
        let row = vec![
            "1,000 functions".to_owned(),
            table::bytes(reading.bytes as u64),
            table::number(Some(reading.instructions), 0),
            millis(reading.least),
            millis(reading.median),
        ];
        let _ = write!(page, "\nThe reading of the manifest alone:\n\n{}", table::markdown(&head, &[row]));
    }
}

fn trips_of_units(suite: &Suite) -> String {
    let head = ["", "p50 µs", "more ns", "from – to", "CPU µs", "more ns", "from – to"].map(str::to_owned);
    let alone = units::Unit::Alone.words();
    let rows = suite.subjects.iter().map(|subject| {
        let mut row = vec![subject.clone()];
        for quantity in [P50, CPU] {
            let nanos = |with: f64, without: f64| (with - without) * 1e3;
            let spread = suite.samples.spread(subject, alone, quantity, nanos);
            row.push(table::number(suite.samples.median(subject, quantity), 2));
            row.push(table::number(suite.samples.paired(subject, alone, quantity, nanos), 0));
            row.push(spread.map_or_else(|| "–".to_owned(), |(from, to)| format!("{from:.0} – {to:.0}")));
        }
        row
    });
    table::markdown(&head, &rows.collect::<Vec<_>>())
}

fn files(results: &Results) -> String {
    let head = ["", "bytes"].map(str::to_owned);
    let rows: Vec<_> = results.files.iter().map(|(name, size)| vec![name.clone(), table::bytes(*size)]).collect();
    table::markdown(&head, &rows)
}
