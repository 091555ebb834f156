//! The layers around a function, checked against the rules of `faas.h`: real tables of real hooks on the real chain,
//! with failures, panics (as an SDK's guard reports them), pendings, cancels, streams and broken promises. What must
//! happen comes from an oracle written from the header's text, never from the code under test.

#[path = "onion/module.rs"]
mod module;
#[path = "onion/oracle.rs"]
mod oracle;
#[path = "onion/plan.rs"]
mod plan;
#[path = "onion/stream.rs"]
mod stream;
#[path = "onion/world.rs"]
mod world;

use faas_abi::host::CheckedModule;
use faas_abi::{
    CLOSE, E_INTERNAL, FUNCTION_START, INVOKE, OK, PENDING, REPLIED, RESUME, RUNTIME_START, SUSPEND, Status,
};
use faas_core::chain::{Chain, ConfiguredLayer, Place};
use faas_core::failure::Failure;
use faas_core::functions::{Linked, Loader};
use faas_core::host::Environment;
use faas_core::http1::Assembly;
use faas_core::invocation::{Invocation, InvocationMetadata, Progress};
use faas_core::lifecycle::{Runtime, Start, invoke};
use faas_core::log::{Format, Level, LineKind, Log, Sink};
use faas_core::modules::{Files, Roots};
use faas_core::platform::Signal;
use faas_core::process::{Identity, Process};
use faas_core::settings::{Env, LayerName, Settings};
use oracle::{Reply, Walk};
use plan::{FUNCTION, LayerPlan, Plan};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use world::{Event, Hook, Other, Words, World, lock};

/// Counts the lines that say a layer was skipped, those that say one is not well, and the errors.
#[derive(Default)]
struct Lines {
    skips: AtomicUsize,
    unwell: AtomicUsize,
    errors: AtomicUsize,
}

impl Sink for Lines {
    fn write(&self, line: &[u8], kind: LineKind) {
        let text = String::from_utf8_lossy(line);
        for (counter, counts) in [
            (&self.skips, text.contains("skipped")),
            (&self.unwell, text.contains("is not well")),
            (&self.errors, kind.level == Some(Level::Error)),
        ] {
            counter.fetch_add(usize::from(counts), Ordering::Relaxed);
        }
    }
}

impl Lines {
    fn counts(&self) -> [usize; 3] {
        [&self.skips, &self.unwell, &self.errors].map(|counter| counter.load(Ordering::Relaxed))
    }
}

fn process(lines: &Arc<Lines>) -> Arc<Process> {
    Arc::new(Process::new(Identity::default(), Log::new(Level::Warn, Format::Text, lines.clone())))
}

/// Returns the one host table for all cases: it has to live as long as the process.
fn host() -> faas_abi::host::HostTable {
    static TABLE: OnceLock<faas_abi::host::HostTable> = OnceLock::new();
    *TABLE.get_or_init(|| {
        let shared = faas_core::host::Shared::new(process(&Arc::default()));
        faas_core::host::table(&shared, "scripted".to_owned(), &Environment::default(), 0)
    })
}

type Verdict = Result<(), TestCaseError>;

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Verdict {
    if found == expected {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{what}\n   found: {found:?}\nexpected: {expected:?}")))
}

/// Compares two logs and shows where they part.
fn same_log(found: &[Event], expected: &[Event]) -> Verdict {
    let Some(at) = (0..found.len().max(expected.len())).find(|at| found.get(*at) != expected.get(*at)) else {
        return Ok(());
    };
    Err(TestCaseError::fail(format!(
        "event {at}\n   found: {:?}\nexpected: {:?}\nboth before: {:#?}",
        found.get(at),
        expected.get(at),
        &found[..at]
    )))
}

/// Checks the rules that can be read off any log without the oracle. No hook is called twice. Layers are entered inward
/// and leave outward, and no layer leaves or has a head that was not asked to come in. Heads run outward before the
/// first `after`.
fn invariants(plan: &Plan, events: &[Event]) -> Verdict {
    let mut calls = Vec::new();
    for event in events {
        match event {
            Event::Call { who, hook, phase, .. } => {
                let call = (*phase, *who, *hook);
                same(&format!("{call:?} is called twice"), &calls.contains(&call), &false)?;
                calls.push(call);
            }
            Event::Fault(fault) => return Err(TestCaseError::fail(*fault)),
            _ => {}
        }
    }
    for phase in RUNTIME_START..=REPLIED {
        let calls: Vec<(usize, Hook)> =
            calls.iter().filter(|call| call.0 == phase).map(|call| (call.1, call.2)).collect();
        let of = |hooks: &[Hook]| -> Vec<usize> {
            calls.iter().filter(|(_, hook)| hooks.contains(hook)).map(|(who, _)| *who).collect()
        };
        let (asked, heads, left) = (of(&[Hook::Before]), of(&[Hook::Head]), of(&[Hook::After, Hook::OnError]));
        same("layers are entered inward", &asked.is_sorted_by(|a, b| a < b), &true)?;
        same("layers leave outward, each once", &left.is_sorted_by(|a, b| a > b), &true)?;
        same("heads run outward, each once", &heads.is_sorted_by(|a, b| a > b), &true)?;
        let aside = matches!(phase, SUSPEND | RESUME | REPLIED);
        for who in heads.iter().chain(&left).filter(|_| !aside) {
            let came = asked.contains(who) || !plan.layers[*who].before.hooks(phase);
            same(&format!("layer {who} was asked to come in"), &came, &true)?;
        }
        let last_head = calls.iter().rposition(|(_, hook)| *hook == Hook::Head);
        let first_after = calls.iter().position(|(_, hook)| *hook == Hook::After);
        if let (Some(head), Some(after)) = (last_head, first_after) {
            same("heads run before the first after", &(head < after), &true)?;
        }
    }
    Ok(())
}

/// Checks that everything given away or kept has ended exactly once.
fn exactly_once(world: &World) -> Verdict {
    let buffers: Vec<u32> = lock(&world.buffers).iter().map(|one| one.released.load(Ordering::Relaxed)).collect();
    same("releases of buffers", &buffers, &vec![1; buffers.len()])?;
    let lists =
        [("drops of slots", &world.slots), ("drops of filters", &world.filters), ("ends of tokens", &world.tokens)];
    for (what, list) in lists {
        let counts: Vec<u32> = lock(list).iter().map(|one| one.load(Ordering::Relaxed)).collect();
        same(what, &counts, &vec![1; counts.len()])?;
    }
    let ends: Vec<u32> = lock(&world.instances).iter().map(|one| one.ends()).collect();
    same("destroys", &ends, &vec![1; ends.len()])
}

/// Checks that a success has a reply, and a failure words and its first cause.
fn outcome(walk: &Walk<'_>, status: Status, invocation: &Invocation) -> Verdict {
    let headers: Vec<u8> = invocation.reply_headers().iter().map(|(_, value)| value[0]).collect();
    same("reply headers", &headers, &walk.headers)?;
    if status < 0 {
        same("is the stream's head out", &is_out(invocation), &matches!(walk.reply, Reply::Out { .. }))?;
        let Some(failure) = invocation.failure() else {
            return Err(TestCaseError::fail(format!("no failure for status {status}")));
        };
        same(&format!("is the message for callers in {failure}"), &is_open(failure), &walk.is_open)?;
        return failure_words(failure, walk.words, walk.cause);
    }
    same("failure", &invocation.failure(), &None)?;
    let (code, body) = match invocation.progress() {
        Progress::Open => return Err(TestCaseError::fail("a success without a reply")),
        Progress::Set(code) => (code, invocation.reply().as_slice()),
        Progress::Streaming(code) => (code, &[][..]),
    };
    let (expected_code, expected_body) = match &walk.reply {
        // A function that says nothing has said the empty value.
        Reply::None => (faas_abi::REPLY_VALUE, &[][..]),
        Reply::Set { code, body } => (*code, &body[..]),
        Reply::Out { code } => (*code, &[][..]),
    };
    same("code", &stream::number(code), &u64::from(expected_code))?;
    same("is it a stream", &is_out(invocation), &matches!(walk.reply, Reply::Out { .. }))?;
    same("body", &body, &expected_body)
}

fn is_open(failure: &Failure) -> bool {
    failure.for_caller().message == failure.message
}

fn is_out(invocation: &Invocation) -> bool {
    matches!(invocation.progress(), Progress::Streaming(_))
}

fn failure_words(failure: &Failure, words: Words, cause: Option<Words>) -> Verdict {
    let own = |number: u8| (format!("Kind.{number}"), format!("message {number}"));
    match words {
        Words::None => return Err(TestCaseError::fail("the oracle has a failure without words")),
        Words::Own(number) => same("words", &(failure.kind.clone(), failure.message.clone()), &own(number))?,
        Words::Runtime => {
            let named = !failure.kind.is_empty() && !failure.kind.starts_with("Kind.") && !failure.message.is_empty();
            same(&format!("the runtime's own words in {failure}"), &named, &true)?;
        }
    }
    let kept = match cause {
        None => failure.detail.is_empty(),
        Some(Words::Own(number)) => failure.detail.contains(&own(number).1),
        Some(_) => !failure.detail.is_empty(),
    };
    same(&format!("the first cause {cause:?} in {failure}"), &kept, &true)
}

fn modules(plan: &Plan) -> (CheckedModule, Vec<CheckedModule>) {
    let layers = (0..plan.layers.len()).map(|index| module::module(vec![], vec![module::layer(plan, index)])).collect();
    (module::module(vec![module::function(plan)], vec![]), layers)
}

fn invocations_case(plan: Plan, other: &Other) -> Verdict {
    let (function, layers) = modules(&plan);
    let world = World::new(plan, false, other);
    let result = invocations_in(&world, &function, &layers);
    world.end();
    result
}

fn invocations_in(world: &Arc<World>, function: &CheckedModule, layers: &[CheckedModule]) -> Verdict {
    let plan = &world.plan;
    let lines = Arc::<Lines>::default();
    let stack = layers.iter().zip(&plan.layers).enumerate().map(|(who, (module, layer))| {
        let instance = module.layers[0].create(host(), module::config(world, who).as_bytes()).expect("it creates");
        Arc::new(ConfiguredLayer { name: module::NAMES[who].to_owned(), instance, required: layer.required })
    });
    let chain = Chain::new(stack.collect(), process(&lines).log.clone());
    let function =
        function.functions[0].create(host(), module::config(world, FUNCTION).as_bytes()).expect("it creates");
    let mut place = Place::new(Invocation::new(process(&lines), Arc::from("f")));
    if plan.has_stream {
        place.get_mut().set_stream(Box::new(stream::Recorder(world.clone())));
    }
    *lock(&world.cancel) = Some(place.cancel_handle());
    world.take_log();
    let everyone: Vec<usize> = (0..plan.layers.len()).collect();
    let mut skipped = 0;
    for (index, runs) in plan.runs.chunks(2).enumerate() {
        world.begin_run(2 * index);
        place.reset();
        let event = Assembly::request(Vec::new(), b"", b"", b"").finish();
        place.get_mut().renew(
            event,
            &InvocationMetadata { is_whole: plan.is_whole, ..InvocationMetadata::default() },
            false,
        );
        let mut walk = Walk::new(plan, &runs[0], INVOKE);
        let status = walk.invocation(&everyone);
        world.drive(invoke(&chain, &function, &mut place));
        world.catch_up();
        let log = world.take_log();
        invariants(plan, &log)?;
        same_log(&log, &walk.events)?;
        outcome(&walk, status, place.get())?;
        world.begin_run(2 * index + 1);
        walk.events.clear();
        let first = walk.aside(REPLIED, &runs[1], &everyone);
        let found = world.drive(chain.outward(REPLIED, Some(&function), &mut place));
        world.catch_up();
        let log = world.take_log();
        invariants(plan, &log)?;
        same_log(&log, &walk.events)?;
        aside_result(found, first)?;
        outcome(&walk, status, place.get())?;
        let streamed: Vec<u8> = lock(&world.chunks).drain(..).flat_map(|chunk| chunk.as_slice().to_vec()).collect();
        same("bytes of the stream", &streamed, &walk.streamed)?;
        skipped += walk.skipped;
        same("lines about skipped and unwell layers, and errors", &lines.counts(), &[skipped, 0, 0])?;
        place.get_mut().clear();
    }
    health(plan, &chain, &lines)?;
    *lock(&world.cancel) = None;
    drop(place);
    function.destroy();
    chain.destroy(&process(&lines).services);
    exactly_once(world)
}

/// Checks the first failure of a phase beside invocations, in its own words or in the runtime's.
fn aside_result(found: Result<(), Failure>, expected: Option<Words>) -> Verdict {
    match (found, expected) {
        (Ok(()), None) => Ok(()),
        (Err(failure), Some(words)) => failure_words(&failure, words, None),
        (found, expected) => Err(TestCaseError::fail(format!("found {found:?}, expected {expected:?}"))),
    }
}

/// Checks a probe of health: the first required layer that is not well fails it. Each layer that is not well has one
/// line, however often it is asked.
fn health(plan: &Plan, chain: &Chain, lines: &Lines) -> Verdict {
    let ill = |layer: &LayerPlan| layer.health.filter(|(status, _)| *status != OK);
    let first = plan.layers.iter().zip(module::NAMES).find_map(|(layer, name)| {
        let (status, words) = ill(layer).filter(|_| layer.required)?;
        Some(match status {
            PENDING => format!("{name}: its health ended with status 1, which has no meaning there"),
            _ => format!("{name}: {}", if words { "out of sorts" } else { "it gives no reason" }),
        })
    });
    let before = lines.counts()[1];
    for _ in 0..2 {
        same("health", &chain.health().err(), &first)?;
    }
    let told = lines.counts()[1] - before;
    same(
        "lines about layers that are not well",
        &told,
        &plan.layers.iter().filter(|layer| ill(layer).is_some()).count(),
    )
}

/// A loader for which no file exists: nothing is loaded here.
struct NoFiles;

impl Files for NoFiles {
    fn exists(&self, _: &Path) -> bool {
        false
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

impl Loader for NoFiles {
    fn load(&self, path: &Path, _: u64) -> Result<CheckedModule, String> {
        Err(format!("{} was not to be loaded", path.display()))
    }
}

fn life_case(plan: Plan, other: &Other) -> Verdict {
    let (function, layers) = modules(&plan);
    let world = World::new(plan, true, other);
    let result = life_in(&world, function, layers);
    world.end();
    result
}

fn life_in(world: &Arc<World>, function: CheckedModule, layers: Vec<CheckedModule>) -> Verdict {
    let plan = &world.plan;
    let lines = Arc::<Lines>::default();
    let process = process(&lines);
    let mut settings = Settings::read(&Env::new(&|_| None)).expect("an empty environment is fine");
    settings.config = module::config(world, FUNCTION);
    settings.layers = plan
        .layers
        .iter()
        .enumerate()
        .map(|(who, layer)| LayerName {
            name: module::NAMES[who].to_owned(),
            required: layer.required,
            config: module::config(world, who),
        })
        .collect();
    let start = Start {
        settings: &settings,
        manifest: None,
        roots: &Roots { task: PathBuf::from("/nowhere") },
        features: 0,
        linked: Linked { function: Some(function), layers, ..Linked::default() },
    };
    let mut life = Life { plan, layers: Vec::new(), events: Vec::new(), skipped: 0, errors: 0 };
    let (started, starts) = (world.drive(Runtime::start(&process, Arc::new(NoFiles), start, None)), life.start());
    match started {
        Ok(runtime) => {
            same("did it start", &true, &starts)?;
            check(world, &mut life)?;
            let mut place = runtime.place();
            world.drive(runtime.invoke(&mut place));
            let (mut walk, status) = life.invoke();
            outcome(&walk, status, place.get())?;
            check(world, &mut life)?;
            world.drive(runtime.replied(&mut place));
            life.replied(&mut walk);
            outcome(&walk, status, place.get())?;
            check(world, &mut life)?;
            // Whatever Suspend comes to, the next invocation resumes first.
            let suspended = world.drive(runtime.signal(&Signal::Suspend));
            let first = life.aside(SUSPEND);
            aside_result(suspended, first)?;
            place.get_mut().clear();
            world.drive(runtime.invoke(&mut place));
            life.aside(RESUME);
            let (walk, status) = life.invoke();
            outcome(&walk, status, place.get())?;
            check(world, &mut life)?;
            drop(place);
            world.drive(runtime.close());
            life.close(true);
        }
        Err(failure) => {
            same(&format!("did it start, {failure}"), &false, &starts)?;
            same("kind and message of the failure", &(!failure.kind.is_empty() && !failure.message.is_empty()), &true)?;
        }
    }
    check(world, &mut life)?;
    same("lines about skipped layers, unwell ones, and errors", &lines.counts(), &[life.skipped, 0, life.errors])?;
    exactly_once(world)
}

/// Compares the events since the last time with those of the rules.
fn check(world: &Arc<World>, life: &mut Life<'_>) -> Verdict {
    world.catch_up();
    let log = world.take_log();
    invariants(life.plan, &log)?;
    same_log(&log, &std::mem::take(&mut life.events))
}

/// A whole life, as the rules have it.
struct Life<'a> {
    plan: &'a Plan,
    /// The layers that were made.
    layers: Vec<usize>,
    events: Vec<Event>,
    skipped: usize,
    /// The number of lines at level ERROR: one for an invocation that failed, and one for a phase after the start that
    /// did.
    errors: usize,
}

impl<'a> Life<'a> {
    /// Starts the process. Returns `true` if it has started; otherwise all that was made has been closed.
    fn start(&mut self) -> bool {
        let mut complete = true;
        for (who, layer) in self.plan.layers.iter().enumerate() {
            self.events.push(Event::Create(who));
            match (layer.creates, layer.required) {
                (true, _) => self.layers.push(who),
                (false, false) => self.skipped += 1,
                (false, true) => {
                    complete = false;
                    break;
                }
            }
        }
        let mut function = false;
        let mut status = E_INTERNAL;
        if complete && self.phase(RUNTIME_START, &mut |_| OK) >= 0 {
            status = self.phase(FUNCTION_START, &mut |walk| {
                walk.events.push(Event::Create(FUNCTION));
                function = walk.plan.function_creates;
                match function {
                    false => {
                        walk.words = Words::Runtime;
                        E_INTERNAL
                    }
                    true if walk.plan.phase.hooks(FUNCTION_START) => walk.function(Hook::Phase),
                    true => OK,
                }
            });
        }
        let started = status >= 0 && function;
        if !started {
            self.close(function);
        }
        started
    }

    fn phase(&mut self, phase: u32, centre: &mut dyn FnMut(&mut Walk<'_>) -> Status) -> Status {
        let mut walk = Walk::new(self.plan, &self.plan.runs[phase as usize], phase);
        let status = walk.walk(&self.layers, |walk| centre(walk));
        self.take(&mut walk);
        status
    }

    fn take(&mut self, walk: &mut Walk<'_>) {
        self.events.append(&mut walk.events);
        self.skipped += std::mem::take(&mut walk.skipped);
    }

    fn invoke(&mut self) -> (Walk<'a>, Status) {
        let mut walk = Walk::new(self.plan, &self.plan.runs[INVOKE as usize], INVOKE);
        let status = walk.invocation(&self.layers);
        self.errors += usize::from(status < 0);
        self.take(&mut walk);
        (walk, status)
    }

    fn replied(&mut self, walk: &mut Walk<'a>) {
        let failed = walk.aside(REPLIED, &self.plan.runs[REPLIED as usize], &self.layers).is_some();
        self.errors += usize::from(failed);
        self.take(walk);
    }

    fn aside(&mut self, phase: u32) -> Option<Words> {
        let run = &self.plan.runs[phase as usize];
        let mut walk = Walk::new(self.plan, run, phase);
        let first = walk.aside(phase, run, &self.layers);
        self.errors += usize::from(first.is_some());
        self.take(&mut walk);
        first
    }

    /// Closes as rule O6 of `faas.h` says, and ends all instances.
    fn close(&mut self, function: bool) {
        let status = self.phase(CLOSE, &mut |walk| match function && walk.plan.phase.hooks(CLOSE) {
            true => walk.function(Hook::Phase),
            false => OK,
        });
        self.errors += usize::from(status < 0);
        self.events.extend(function.then_some(Event::Destroy(FUNCTION)));
        self.events.extend(self.layers.iter().rev().map(|who| Event::Destroy(*who)));
    }
}

fn runner() -> TestRunner {
    // Enough for every rule to be met in many ways; `PROPTEST_CASES` raises it.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000);
    TestRunner::new(Config { cases, max_shrink_iters: 20_000, failure_persistence: None, ..Config::default() })
}

#[test]
fn every_invocation_follows_the_rules_of_the_contract() {
    let other = Other::start();
    let result = runner().run(&plan::invocations(), |plan| invocations_case(plan, &other));
    assert!(result.is_ok(), "{}", result.unwrap_err());
}

#[test]
fn every_life_of_a_process_follows_the_rules_of_the_contract() {
    let other = Other::start();
    let result = runner().run(&plan::lives(), |plan| life_case(plan, &other));
    assert!(result.is_ok(), "{}", result.unwrap_err());
}
