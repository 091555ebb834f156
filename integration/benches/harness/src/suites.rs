//! The comparisons: subjects, loads and rounds of every table.

use crate::counts::{self, Counts};
use crate::events;
use crate::http::{self, Connections};
use crate::lambda::{self, Answer, Load};
use crate::name;
use crate::samples::Samples;
use crate::stacks::{self, Stacks};
use crate::subject::{Built, Subject};
use crate::units;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// The numbers of layers that stand in a row.
pub const LAYERS: [usize; 5] = [0, 1, 2, 8, 32];
/// The sizes of events, in bytes.
pub const SIZES: [(&str, usize); 4] = [("2 B", 2), ("1 KiB", 1 << 10), ("100 KiB", 100 << 10), ("6 MiB", 6_000_000)];
/// The numbers of connections of the load generator.
pub const CONNECTIONS: [u32; 3] = [1, 50, 200];

/// The numbers of invocations in flight, of a function that waits.
pub const IN_FLIGHT: [u32; 3] = [1, 8, 64];

/// All that was measured.
#[derive(Debug, Default)]
pub struct Results {
    /// The starts of processes.
    pub cold: Suite,
    /// The echo of 1 KiB, both sides on one core.
    pub steady: Suite,
    /// The same echo with a pause before each event.
    pub sparse: Suite,
    /// The echo by size, on two cores.
    pub sizes: Vec<(&'static str, Suite)>,
    /// An event of API Gateway whose HTTP view is used.
    pub http_event: Suite,
    /// The echo of 1 KiB under layers.
    pub layers: Suite,
    /// HTTP servers by number of connections.
    pub server: Vec<(u32, Suite)>,
    /// HTTP servers with a function that waits, by number of invocations in flight.
    pub waiting: Vec<(u32, Suite)>,
    /// The instructions and system calls of an echo.
    pub counts: Vec<(String, Counts)>,
    /// The instructions and system calls of an HTTP request.
    pub http_counts: Vec<(String, Counts)>,
    /// The starts of processes of functions, by runtime and by the language of the functions.
    pub unit_starts: Vec<(&'static str, units::Kind, Suite)>,
    /// The requests to one of many functions, by runtime.
    pub unit_trips: Vec<(&'static str, Suite)>,
    /// The instructions of processes of functions.
    pub unit_counts: Vec<units::Counted>,
    /// The reading of a manifest.
    pub manifest: Option<units::Reading>,
    /// The stacks of layers.
    pub stacks: Stacks,
    /// The sizes of files in bytes.
    pub files: Vec<(String, u64)>,
    /// The values that could not be measured, with the reasons.
    pub missing: BTreeMap<String, String>,
}

/// Some subjects side by side.
#[derive(Debug, Default)]
pub struct Suite {
    /// The subjects, in the order of the table.
    pub subjects: Vec<String>,
    /// The numbers of the subjects.
    pub samples: Samples,
}

impl Suite {
    /// Makes the suite of the subjects that were measured.
    fn of(subjects: &[Subject], samples: Samples) -> Suite {
        Suite { subjects: subjects.iter().map(|subject| subject.name.clone()).collect(), samples }
    }
}

type Measure = fn(&Bench, &mut Results);

/// The measurements and their settings.
#[derive(Debug)]
pub struct Bench {
    /// The programs and modules.
    pub built: Built,
    /// `true` for few rounds, which show that all parts work.
    pub quick: bool,
    /// The name of the only suite that runs; `None` for all.
    pub only: Option<String>,
}

impl Bench {
    /// Runs every suite.
    pub fn run(&self) -> Results {
        let mut results = Results::default();
        let all: [(&str, Measure); 12] = [
            ("cold", Bench::cold),
            ("steady", Bench::steady),
            ("sparse", Bench::sparse),
            ("sizes", Bench::sizes),
            ("http-event", Bench::http_event),
            ("layers", Bench::layers),
            ("server", Bench::server),
            ("waiting", Bench::waiting),
            ("counts", Bench::counts),
            ("units", Bench::units),
            ("stacks", Bench::stacks),
            ("files", Bench::files),
        ];
        for (name, suite) in all {
            if self.only.as_ref().is_none_or(|only| only == name) {
                eprintln!("measuring: {name}");
                suite(self, &mut results);
            }
        }
        results
    }

    fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    fn floors(&self) -> Vec<Subject> {
        let module = self.built.task().join("libecho.so").to_string_lossy().into_owned();
        let plain = self.built.program("libplain.so").to_string_lossy().into_owned();
        vec![
            self.built.subject(name::C_STATIC, "floor_static"),
            self.built.subject(name::C_DYNAMIC, "floor_dynamic"),
            self.built.subject(name::C_MODULE, "floor_module").env("FLOOR_MODULE", &module),
            self.built.subject(name::C_PLAIN, "floor_plain").env("FLOOR_MODULE", &plain),
            self.built.subject(name::C_PIPELINED, "floor_pipelined"),
        ]
    }

    fn light(&self) -> Subject {
        self.built.runtime(name::LIGHT, "echo")
    }

    fn full(&self) -> Subject {
        self.built.runtime(name::FULL, "echo")
    }

    fn peers(&self) -> Vec<Subject> {
        vec![
            self.built.subject(name::RAW, "lambda_raw"),
            self.built.subject(name::README, "lambda_readme"),
            self.built.subject(name::README_STOCK, "lambda_readme_stock"),
        ]
    }

    fn everything(&self) -> Vec<Subject> {
        let two = ["monitor", "metrics"];
        let mut all = self.floors();
        all.push(self.built.subject(name::ONE_FILE, "one-file").env("FAAS_LOG", "error"));
        all.push(self.light());
        all.push(self.built.runtime("light-bootstrap-aws", "echo").named(name::LIGHT_AWS));
        all.push(self.light().layers(&two).named(name::LIGHT_LAYERS));
        all.push(self.full());
        all.push(self.full().layers(&two).named(name::FULL_LAYERS));
        all.extend(self.peers());
        all
    }

    fn cold(&self, results: &mut Results) {
        let load = Load::echo(1024, 0, 0).anywhere();
        results.cold = self.lambda(&self.everything(), &load, self.pick(100, 8), &mut results.missing);
    }

    fn steady(&self, results: &mut Results) {
        let load = Load::echo(1024, self.pick(500, 100), self.pick(3000, 500));
        results.steady = self.lambda(&self.everything(), &load, self.pick(10, 2), &mut results.missing);
    }

    fn sparse(&self, results: &mut Results) {
        let load = Load::echo(1024, 20, self.pick(120, 40)).anywhere();
        let load = Load { idle: Some(Duration::from_millis(5)), ..load };
        let mut subjects = self.few();
        subjects.extend([self.built.subject(name::README_STOCK, "lambda_readme_stock")]);
        results.sparse = self.lambda(&subjects, &load, self.pick(8, 1), &mut results.missing);
    }

    /// Returns both runtimes between their floors and the best peer.
    fn few(&self) -> Vec<Subject> {
        let mut subjects = self.floors();
        subjects.retain(|subject| [name::C_STATIC, name::C_MODULE].contains(&&*subject.name));
        subjects.extend([self.light(), self.full(), self.built.subject(name::RAW, "lambda_raw")]);
        subjects
    }

    fn sizes(&self, results: &mut Results) {
        let mut subjects = self.few();
        subjects.push(self.built.subject(name::README, "lambda_readme"));
        for (label, size) in SIZES {
            let (warm_up, count) = match size {
                0..=2048 => (self.pick(300, 50), self.pick(2000, 200)),
                2049..=200_000 => (self.pick(50, 10), self.pick(300, 40)),
                _ => (2, self.pick(10, 2)),
            };
            let load = Load::echo(size, warm_up, count).on_two_cores();
            let suite = self.lambda(&subjects, &load, self.pick(6, 1), &mut results.missing);
            results.sizes.push((label, suite));
        }
    }

    fn http_event(&self, results: &mut Results) {
        let load = Load::echo(2, self.pick(500, 100), self.pick(3000, 500));
        let (event, answer) = (events::API_GATEWAY_V2.into(), Answer::Holds(events::API_GATEWAY_V2_TEXT));
        let load = Load { event, answer, ..load };
        let subjects = [
            self.built.subject(name::HTTP_SINGLE, "lambda_http_single"),
            self.built.subject(name::HTTP_MULTI, "lambda_http_multi"),
            self.built.runtime(name::LIGHT, "bench.http"),
            self.built.runtime(name::FULL, "bench.http"),
        ];
        results.http_event = self.lambda(&subjects, &load, self.pick(10, 2), &mut results.missing);
    }

    fn layers(&self, results: &mut Results) {
        let load = Load::echo(1024, self.pick(300, 50), self.pick(2500, 300));
        let mut subjects = Vec::new();
        for runtime in [self.light(), self.full()] {
            for kind in ["empty", "working"] {
                for count in LAYERS {
                    let names = vec![format!("bench.{kind}"); count];
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    let name = layered(&runtime.name, kind, count);
                    subjects.push(runtime.clone().layers(&names).named(&name));
                }
            }
        }
        results.layers = self.lambda(&subjects, &load, self.pick(10, 1), &mut results.missing);
    }

    fn servers(&self) -> Vec<Subject> {
        vec![
            self.built.subject(name::C_SERVER, "http_server"),
            self.built.subject(name::HYPER_ONE, "hyper_server").env("WORKERS", "1"),
            self.built.subject(name::HYPER, "hyper_server"),
            self.built.runtime(name::LIGHT, "bench.plain"),
            self.built.runtime(name::FULL, "bench.plain"),
            self.built.runtime(name::FULL, "bench.plain_blocking").named(name::FULL_BLOCKING),
        ]
    }

    fn server(&self, results: &mut Results) {
        let subjects = self.servers();
        let connections = self.pick(&CONNECTIONS[..], &CONNECTIONS[..2]);
        let mut loads: Vec<_> = connections.iter().map(|count| (Connections(*count), Samples::default())).collect();
        self.rounds(&subjects, self.pick(5, 1), &mut results.missing, |subject, round| {
            http::round(&self.built, subject, self.pick(2, 1), &mut loads, round)
        });
        let names: Vec<_> = subjects.into_iter().map(|subject| subject.name).collect();
        let suite = |(count, samples): (Connections, Samples)| (count.0, Suite { subjects: names.clone(), samples });
        results.server = loads.into_iter().map(suite).collect();
    }

    fn waiting(&self, results: &mut Results) {
        let subjects = vec![
            self.built.subject(name::HYPER, "hyper_server").env("WAIT_MS", "5"),
            self.built.runtime(name::LIGHT, "bench.waiting"),
            self.built.runtime(name::FULL, "bench.waiting"),
        ];
        let in_flight = self.pick(&IN_FLIGHT[..], &IN_FLIGHT[..2]);
        let mut loads: Vec<_> = in_flight.iter().map(|count| (Connections(*count), Samples::default())).collect();
        self.rounds(&subjects, self.pick(5, 1), &mut results.missing, |subject, round| {
            http::round(&self.built, subject, self.pick(2, 1), &mut loads, round)
        });
        let names: Vec<_> = subjects.into_iter().map(|subject| subject.name).collect();
        let suite = |(count, samples): (Connections, Samples)| (count.0, Suite { subjects: names.clone(), samples });
        results.waiting = loads.into_iter().map(suite).collect();
    }

    fn counts(&self, results: &mut Results) {
        let times = self.pick(500, 40);
        let mut subjects = self.floors();
        subjects.retain(|subject| ![name::C_DYNAMIC, name::C_PLAIN].contains(&&*subject.name));
        subjects.extend([self.light(), self.full()]);
        if !self.quick {
            for runtime in [self.light(), self.full()] {
                for kind in ["empty", "working"] {
                    let names = vec![format!("bench.{kind}"); 32];
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    let name = layered(&runtime.name, kind, 32);
                    subjects.push(runtime.clone().layers(&names).named(&name));
                }
            }
        }
        subjects.extend(self.peers().into_iter().take(self.pick(2, 1)));
        let run = |subject: &Subject, times: usize| lambda::watched(&self.built, subject, times);
        results.counts = self.counted(subjects, times, &run, &mut results.missing);
        let run = |subject: &Subject, times: usize| http::watched(&self.built, subject, times);
        results.http_counts = self.counted(self.servers(), times, &run, &mut results.missing);
    }

    fn counted(
        &self,
        subjects: Vec<Subject>,
        times: usize,
        run: counts::Watched<'_>,
        missing: &mut BTreeMap<String, String>,
    ) -> Vec<(String, Counts)> {
        let mut found = Vec::new();
        for mut subject in subjects {
            if let Some(program) = subject.program.file_name().map(|name| name.to_string_lossy().into_owned()) {
                subject.program = self.built.with_symbols(&program);
            }
            match counts::of(&self.built, &subject, times, run) {
                Ok(counts) => found.push((subject.name, counts)),
                Err(error) => {
                    eprintln!("  {}: {error}", subject.name);
                    missing.insert(format!("{}, counts", subject.name), error.to_string());
                }
            }
        }
        found
    }

    fn units(&self, results: &mut Results) {
        let mut note = |what: String, error: io::Error| {
            eprintln!("  {what}: {error}");
            results.missing.insert(what, error.to_string());
        };
        if let Err(error) = units::prepare(&self.built) {
            return note("units".to_owned(), error);
        }
        match units::reading(&self.built) {
            Ok(reading) => results.manifest = Some(reading),
            Err(error) => note("the reading of a manifest".to_owned(), error),
        }
        for runtime in units::RUNTIMES {
            for unit in units::Unit::ALL {
                match units::counted(&self.built, runtime, unit, self.pick(500, 40)) {
                    Ok(counted) => results.unit_counts.push(counted),
                    Err(error) => note(format!("{runtime}, {}, counts", unit.words()), error),
                }
            }
        }
        for runtime in units::RUNTIMES {
            for kind in units::Kind::ALL {
                let subjects = units::Unit::ALL.map(|unit| units::subject(&self.built, runtime, kind, unit));
                let mut samples = Samples::default();
                self.rounds(&subjects, self.pick(20, 2), &mut results.missing, |subject, round| {
                    let unit = units::Unit::ALL.into_iter().find(|unit| unit.words() == subject.name);
                    unit.map_or(Ok(()), |unit| units::start(&self.built, subject, kind, unit, &mut samples, round))
                });
                results.unit_starts.push((runtime, kind, Suite::of(&subjects, samples)));
            }
            let subjects = units::Unit::ALL.map(|unit| units::subject(&self.built, runtime, units::Kind::Std, unit));
            let mut samples = Samples::default();
            self.rounds(&subjects, self.pick(30, 2), &mut results.missing, |subject, round| {
                units::trips(&self.built, subject, self.pick(2000, 200), &mut samples, round)
            });
            results.unit_trips.push((runtime, Suite::of(&subjects, samples)));
        }
    }

    fn stacks(&self, results: &mut Results) {
        let (stacks, missing) = stacks::measure(&self.built, self.pick(40, 2), self.pick(500, 40));
        results.stacks = stacks;
        for (what, error) in missing {
            eprintln!("  {what}: {error}");
            results.missing.insert(what, error.to_string());
        }
    }

    fn files(&self, results: &mut Results) {
        let mut subjects = self.everything();
        subjects.retain(|subject| subject.env.iter().all(|(name, _)| name != "FAAS_LAYERS"));
        subjects.push(self.built.subject(name::HTTP_MULTI, "lambda_http_multi"));
        subjects.push(self.built.subject(name::HYPER, "hyper_server"));
        for subject in subjects {
            if let Ok(size) = subject.size() {
                results.files.push((subject.name, size));
            }
        }
        for module in ["libecho.so", "liblayer_monitor.so", "liblayer_metrics.so"] {
            if let Ok(data) = self.built.task().join(module).metadata() {
                results.files.push((module.to_owned(), data.len()));
            }
        }
    }

    fn lambda(
        &self,
        subjects: &[Subject],
        load: &Load,
        rounds: usize,
        missing: &mut BTreeMap<String, String>,
    ) -> Suite {
        let mut samples = Samples::default();
        self.rounds(subjects, rounds, missing, |subject, round| {
            lambda::round(&self.built, subject, load, &mut samples, round)
        });
        Suite::of(subjects, samples)
    }

    /// Measures all subjects in turn, forwards and backwards by turns. One that fails is not tried again.
    fn rounds(
        &self,
        subjects: &[Subject],
        rounds: usize,
        missing: &mut BTreeMap<String, String>,
        mut run: impl FnMut(&Subject, usize) -> io::Result<()>,
    ) {
        let mut failed: Vec<&str> = Vec::new();
        for round in 0..rounds {
            let mut order: Vec<_> = subjects.iter().collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for subject in order {
                if failed.contains(&&*subject.name) {
                    continue;
                }
                if let Err(error) = run(subject, round) {
                    eprintln!("  {}: {error}", subject.name);
                    missing.insert(subject.name.clone(), error.to_string());
                    failed.push(&subject.name);
                }
            }
        }
    }
}

/// Returns the name of a runtime under `count` layers.
pub fn layered(runtime: &str, kind: &str, count: usize) -> String {
    format!("{runtime}, {count} {kind}")
}
