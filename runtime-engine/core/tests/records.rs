//! Records of a batch through a whole process: order, concurrency, deadlines, layers, and what the platform is told.
#![allow(unsafe_code, reason = "a linked module is read through its table, as drivers do")]
#![allow(missing_docs, reason = "tests")]

use faas_abi::Module;
use faas_abi::host::{CheckedModule, Needs};
use faas_abi::{CANCEL_CLOSING, CANCEL_DEADLINE, F_MAY_BLOCK, F_RECORDS};
use faas_core::chain::Place;
use faas_core::functions::{Linked, Loader};
use faas_core::http1::Assembly;
use faas_core::invocation::InvocationMetadata;
use faas_core::lifecycle::{Runtime, Start};
use faas_core::log::{Format, Level, LineKind, Log, Sink};
use faas_core::modules::{Files, Roots};
use faas_core::parking::block_on;
use faas_core::process::{Deadline, Identity, Process};
use faas_core::settings::{Env, Settings};
use handlers_sdk::{Error, FaasContext, Failure, Flow, Invocation, Layer, Recovery, function, layer};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

/// The records that the functions of one test have begun. Tests find them by the word before the first `/` of every
/// payload.
#[derive(Default)]
struct Seen {
    begun: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
    /// The condition that wakes the threads that wait for other records to be begun.
    came: Condvar,
}

static WORLDS: Mutex<Vec<(String, Arc<Seen>)>> = Mutex::new(Vec::new());

fn world(name: &str) -> Arc<Seen> {
    let mut worlds = WORLDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, seen)) = worlds.iter().find(|(other, _)| other == name) {
        return seen.clone();
    }
    worlds.push((name.to_owned(), Arc::default()));
    worlds[worlds.len() - 1].1.clone()
}

/// Marks a record as in progress as long as it lives.
struct Busy(Arc<Seen>);

impl Busy {
    /// Begins a record with this payload.
    fn with(job: &str) -> Busy {
        let (test, job) = job.split_once('/').expect("a payload is `test/word`");
        let seen = world(test);
        let now = seen.now.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most.fetch_max(now, Ordering::SeqCst);
        seen.begun.lock().unwrap_or_else(PoisonError::into_inner).push(job.to_owned());
        seen.came.notify_all();
        Busy(seen)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

fn outcome(job: &str) -> Result<(), Error> {
    match job.rsplit('/').next().unwrap_or_default() {
        job if job.starts_with("bad") => Err(Error::new("Job.Bad", "it is bad")),
        "poison" => panic!("poisoned"),
        _ => Ok(()),
    }
}

#[function(record)]
fn plain(job: String) -> Result<(), Error> {
    let busy = Busy::with(&job);
    // `meet` is begun while another one runs, or the test does not end.
    if job.ends_with("meet") {
        let begun = busy.0.begun.lock().unwrap_or_else(PoisonError::into_inner);
        drop(busy.0.came.wait_while(begun, |begun| begun.len() < 2).unwrap_or_else(PoisonError::into_inner));
    }
    outcome(&job)
}

/// Waits until this many looks have been taken.
async fn looks(count: usize) {
    let mut left = count;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[function(record)]
async fn waiting(job: String) -> Result<(), Error> {
    let busy = Busy::with(&job);
    let seen = busy.0.clone();
    match job.rsplit('/').next().unwrap_or_default() {
        "hang" => std::future::pending::<()>().await,
        // All of them are begun before one of them ends.
        "together" => {
            std::future::poll_fn(|context| {
                if seen.most.load(Ordering::SeqCst) >= 4 {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
        _ => looks(3).await,
    }
    outcome(&job)
}

#[function]
fn whole(event: String) -> String {
    format!("{} records in one", event.matches("messageId").count())
}

/// A module that counts the calls of its hooks.
#[derive(Default)]
struct Tally {
    hooks: Mutex<Vec<String>>,
}

impl Tally {
    fn note(&self, invocation: &Invocation<'_>, hook: &str) {
        let id = invocation.record().map_or("batch", |record| record.id()).to_owned();
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{hook} {id}"));
    }
}

#[layer(name = "tally")]
impl Layer for Tally {
    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        self.note(invocation, "in");
        Ok(Flow::Continue)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.note(invocation, "out");
        let hooks = std::mem::take(&mut *self.hooks.lock().unwrap_or_else(PoisonError::into_inner));
        let failed: Vec<String> = invocation.failed_records().map(|(id, reason)| format!("{id} {reason}")).collect();
        invocation.set_reply(format!("{} | {}", hooks.join(", "), failed.join(", ")))
    }

    fn before_record(&self, record: &mut Invocation<'_>) -> Result<Flow, Error> {
        self.note(record, "in");
        match record.record().map(|record| record.id()) {
            Some("seen") => Ok(Flow::Respond),
            Some("barred") => Err(Error::new("Tally.Barred", "not this one")),
            _ => Ok(Flow::Continue),
        }
    }

    fn after_record(&self, record: &mut Invocation<'_>) -> Result<(), Error> {
        self.note(record, "out");
        Ok(())
    }

    fn record_failed(&self, record: &mut Invocation<'_>, _: &Failure<'_>) -> Result<Recovery, Error> {
        self.note(record, "failed");
        if record.record().is_some_and(|record| record.id() == "forgiven") {
            Ok(Recovery::Recovered)
        } else {
            Ok(Recovery::Pass)
        }
    }
}

struct Nothing;

impl Files for Nothing {
    fn exists(&self, _: &Path) -> bool {
        false
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

impl Loader for Nothing {
    fn load(&self, _: &Path, _: u64) -> Result<CheckedModule, String> {
        Err("no such file".to_owned())
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Sink for Kept {
    fn write(&self, line: &[u8], _: LineKind) {
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

fn checked(module: &'static Module) -> CheckedModule {
    // SAFETY: a reference to a static table of this program; all it points to is static.
    unsafe { CheckedModule::read(module, Needs { features: u64::MAX }, &|_, _| true) }.expect("a module")
}

/// A process with one function, its log, and a place for invocations.
struct World {
    runtime: Runtime,
    log: Arc<Kept>,
    place: Place,
}

impl World {
    fn of(function: &'static Module, layers: &[&'static Module], settings: &[(&str, &str)]) -> World {
        let look_up =
            |name: &str| settings.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        let settings = Settings::read(&Env::new(&look_up)).expect("the settings fit");
        let log = Arc::new(Kept::default());
        let identity = Identity { platform: "aws-lambda", ..Identity::default() };
        let process = Arc::new(Process::new(identity, Log::new(Level::Info, Format::Text, log.clone())));
        let roots = Roots { task: PathBuf::from("/task") };
        let linked = Linked {
            function: Some(checked(function)),
            layers: layers.iter().map(|module| checked(module)).collect(),
            ..Linked::default()
        };
        let features = F_RECORDS | F_MAY_BLOCK;
        let start = Start { settings: &settings, manifest: None, roots: &roots, features, linked };
        let runtime = block_on(Runtime::start(&process, Arc::new(Nothing), start, None)).expect("it starts");
        let place = runtime.place();
        World { runtime, log, place }
    }

    /// Takes an event as a driver does. `left` is the time that it may take.
    fn begin(&mut self, event: &str, left: Option<Duration>) {
        let mut assembly = Assembly::request(Vec::new(), b"", b"", b"");
        assembly.body().extend_from_slice(event.as_bytes());
        let deadline = Deadline::within(self.runtime.process(), left);
        self.place.reset();
        self.place.get_mut().renew(
            assembly.finish(),
            &InvocationMetadata { deadline, ..InvocationMetadata::default() },
            false,
        );
        self.place.get_mut().set_request_id(b"r-1");
    }

    /// Returns the reply, or the reason why there is none.
    fn end(&mut self) -> Result<String, String> {
        block_on(self.runtime.invoke(&mut self.place));
        let invocation = self.place.get();
        match invocation.failure() {
            Some(failure) => Err(failure.to_string()),
            None => Ok(String::from_utf8_lossy(invocation.reply().as_slice()).into_owned()),
        }
    }

    fn run(&mut self, event: &str) -> Result<String, String> {
        self.begin(event, None);
        self.end()
    }

    /// Returns the lines of a level, from the target on.
    fn lines(&self, level: &str) -> Vec<String> {
        let lines = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_level = lines.iter().filter_map(|line| line.split_once(&format!(" {level} r-1 runtime: ")));
        of_level.map(|(_, message)| message.to_owned()).collect()
    }
}

/// Makes a batch of SQS out of id, group and payload of each message.
fn queue(test: &str, messages: &[(&str, &str, &str)]) -> String {
    let record = |(id, group, job): &(&str, &str, &str)| {
        let (queue, attributes) = match *group {
            "" => ("q", String::new()),
            group => ("q.fifo", format!(r#""MessageGroupId":"{group}""#)),
        };
        format!(
            r#"{{"messageId":"{id}","body":"{test}/{job}","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:{queue}","attributes":{{{attributes}}}}}"#
        )
    };
    let records: Vec<String> = messages.iter().map(record).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn report(ids: &[&str]) -> String {
    let items: Vec<String> = ids.iter().map(|id| format!(r#"{{"itemIdentifier":"{id}"}}"#)).collect();
    format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(","))
}

fn begun(test: &str) -> Vec<String> {
    world(test).begun.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[test]
fn failed_records_are_reported_by_id_and_the_others_are_done() {
    for (test, module) in [("report-plain", plain::MODULE), ("report-waiting", waiting::MODULE)] {
        let mut world = World::of(module, &[], &[]);
        let batch = queue(test, &[("a", "", "1"), ("b", "", "bad"), ("c", "", "poison"), ("d", "", "2")]);
        assert_eq!(world.run(&batch), Ok(report(&["b", "c"])));
        let mut begun = begun(test);
        begun.sort_unstable();
        assert_eq!(begun, ["1", "2", "bad", "poison"]);
        let lines = world.lines("ERROR");
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("Job.Bad: it is bad errorType=Job.Bad function="), "{lines:?}");
        assert!(lines[0].contains(" record=b ") && lines[1].contains(" record=c "), "{lines:?}");
        assert!(lines[1].starts_with("Panic: poisoned "), "{lines:?}");
        assert_eq!(world.run(&queue(test, &[("e", "", "3")])), Ok(report(&[])));
    }
}

#[test]
fn the_records_behind_a_failed_one_of_their_group_are_not_run_and_come_again() {
    for (test, module) in [("fifo-plain", plain::MODULE), ("fifo-waiting", waiting::MODULE)] {
        let mut world = World::of(module, &[], &[]);
        let batch = queue(
            test,
            &[
                ("a1", "a", "x1"),
                ("b1", "b", "y1"),
                ("a2", "a", "bad-x2"),
                ("b2", "b", "y2"),
                ("a3", "a", "x3"),
                ("a4", "a", "x4"),
            ],
        );
        assert_eq!(world.run(&batch), Ok(report(&["a2", "a3", "a4"])));
        let begun = begun(test);
        let of = |group: char| begun.iter().filter(|job| job.contains(group)).map(String::as_str).collect::<Vec<_>>();
        assert_eq!((of('x'), of('y')), (vec!["x1", "bad-x2"], vec!["y1", "y2"]));
        let warning = "records that were not run and count as failed: 2 behind a record that failed";
        assert_eq!(world.lines("WARN"), [warning]);
        assert_eq!(world.lines("ERROR").len(), 1);
    }
}

#[test]
fn a_stream_goes_on_from_the_first_record_that_failed() {
    let record = |number: usize, job: &str| {
        let mut data = Vec::new();
        faas_core::encoding::base64::encode_into(&mut data, format!("shard/{job}").as_bytes());
        let data = String::from_utf8(data).expect("base64");
        format!(
            r#"{{"eventSource":"aws:kinesis","kinesis":{{"partitionKey":"p{number}","sequenceNumber":"{number}","data":"{data}"}}}}"#
        )
    };
    let records: Vec<String> = ["1", "bad", "3", "4"].iter().enumerate().map(|(at, job)| record(at, job)).collect();
    let mut world = World::of(plain::MODULE, &[], &[]);
    assert_eq!(world.run(&format!(r#"{{"Records":[{}]}}"#, records.join(","))), Ok(report(&["1", "2", "3"])));
    assert_eq!(begun("shard"), ["1", "bad"], "all behind it comes again anyhow");
}

#[test]
fn a_batch_whose_platform_knows_no_partial_failure_fails_with_the_first_reasons() {
    let notes = |jobs: &[&str]| {
        let record = |(at, job): (usize, &&str)| {
            format!(r#"{{"EventSource":"aws:sns","Sns":{{"MessageId":"n{at}","Message":"whole/{job}"}}}}"#)
        };
        let records: Vec<String> = jobs.iter().enumerate().map(record).collect();
        format!(r#"{{"Records":[{}]}}"#, records.join(","))
    };
    let mut world = World::of(plain::MODULE, &[], &[]);
    assert_eq!(world.run(&notes(&["1", "2"])), Ok(String::new()));
    let failed = world.run(&notes(&["bad", "1", "bad", "poison", "bad"])).expect_err("it fails");
    let bad = "Job.Bad: it is bad";
    let expected =
        format!("Runtime.RecordsFailed: 4 of 5 records failed: n0: {bad}; n2: {bad}; n3: Panic: poisoned; and 1 more");
    assert_eq!(failed, expected);
    assert!(world.run(&notes(&["bad"])).is_err_and(|failed| failed.starts_with(bad)), "the only one speaks for itself");
    let mut forgiving = World::of(plain::MODULE, &[], &[("FAAS_RECORD_FAILURES", "log")]);
    assert_eq!(forgiving.run(&notes(&["bad", "1"])), Ok(String::new()));
    assert_eq!(forgiving.lines("ERROR").len(), 1, "it has its line all the same");
}

#[test]
fn a_setting_fails_or_forgives_batches_whose_platform_takes_reports() {
    let batch = queue("rule", &[("a", "", "1"), ("b", "", "bad")]);
    let run = |rule| World::of(plain::MODULE, &[], &[("FAAS_RECORD_FAILURES", rule)]).run(&batch);
    assert_eq!(run("report"), Ok(report(&["b"])));
    assert_eq!(run("fail"), Err("Runtime.RecordsFailed: 1 of 2 records failed: b: Job.Bad: it is bad".into()));
    assert_eq!(run("log"), Ok(report(&[])));
}

#[test]
fn what_waits_runs_together_up_to_the_limit_and_a_group_never_does() {
    let ids: Vec<String> = (0..40).map(|id| id.to_string()).collect();
    let messages = |group: &'static str| ids.iter().map(|id| (id.as_str(), group, "together")).collect::<Vec<_>>();
    let mut together = World::of(waiting::MODULE, &[], &[("FAAS_RECORD_CONCURRENCY", "4")]);
    assert_eq!(together.run(&queue("together", &messages(""))), Ok(report(&[])));
    assert_eq!(world("together").most.load(Ordering::SeqCst), 4);
    let grouped: Vec<_> = ids.iter().map(|id| (id.as_str(), "g", "1")).collect();
    assert_eq!(World::of(waiting::MODULE, &[], &[]).run(&queue("alone", &grouped)), Ok(report(&[])));
    assert_eq!(world("alone").most.load(Ordering::SeqCst), 1);
}

#[test]
fn records_that_hold_a_thread_run_one_by_one_unless_more_are_asked_for() {
    let ids: Vec<String> = (0..8).map(|id| id.to_string()).collect();
    let messages: Vec<_> = ids.iter().map(|id| (id.as_str(), "", "1")).collect();
    assert_eq!(World::of(plain::MODULE, &[], &[]).run(&queue("serial", &messages)), Ok(report(&[])));
    assert_eq!(world("serial").most.load(Ordering::SeqCst), 1);
    let mut two = World::of(plain::MODULE, &[], &[("FAAS_RECORD_CONCURRENCY", "2")]);
    assert_eq!(
        two.run(&queue("threads", &[("a", "", "meet"), ("b", "", "meet"), ("c", "", "bad")])),
        Ok(report(&["c"]))
    );
    assert_eq!(world("threads").most.load(Ordering::SeqCst), 2);
}

#[test]
fn ten_thousand_records_run_and_no_more_at_once_than_allowed() {
    let ids: Vec<String> = (0..10_000).map(|id| format!("m{id}")).collect();
    for (test, module, most) in [("many-plain", plain::MODULE, 1), ("many-waiting", waiting::MODULE, 16)] {
        let job = |id: &String| if id.ends_with("999") { "bad" } else { "1" };
        let messages: Vec<_> = ids.iter().map(|id| (id.as_str(), "", job(id))).collect();
        let failed: Vec<&str> = ids.iter().filter(|id| id.ends_with("999")).map(String::as_str).collect();
        assert_eq!(failed.len(), 10);
        assert_eq!(World::of(module, &[], &[]).run(&queue(test, &messages)), Ok(report(&failed)));
        assert_eq!(begun(test).len(), 10_000);
        assert!(world(test).most.load(Ordering::SeqCst) <= most);
    }
}

#[test]
fn a_record_that_hangs_until_the_cancel_costs_only_itself_and_what_was_not_begun() {
    for (reason, kind, rest) in [
        (CANCEL_DEADLINE, "Function.TimedOut", "for lack of time"),
        (CANCEL_CLOSING, "Runtime.Closing", "because the instance is stopping"),
    ] {
        let test = format!("hang-{reason}");
        let mut world = World::of(waiting::MODULE, &[], &[("FAAS_RECORD_CONCURRENCY", "2")]);
        let messages = [("a", "", "1"), ("b", "", "hang"), ("c", "", "2"), ("d", "", "hang"), ("e", "", "3")];
        world.begin(&queue(&test, &messages), None);
        let cancel = world.place.cancel_handle();
        let seen = self::world(&test);
        let waiter = std::thread::spawn(move || {
            let begun = seen.begun.lock().unwrap_or_else(PoisonError::into_inner);
            // Both workers are stuck in records that hang.
            drop(seen.came.wait_while(begun, |begun| begun.len() < 4).unwrap_or_else(PoisonError::into_inner));
            cancel.fire(reason);
        });
        assert_eq!(world.end(), Ok(report(&["b", "d", "e"])));
        waiter.join().expect("it cancels");
        let lines = world.lines("ERROR");
        assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with(kind)), "{lines:?}");
        assert_eq!(world.lines("WARN"), [format!("records that were not run and count as failed: 1 {rest}")]);
    }
}

#[test]
fn no_record_is_begun_when_the_time_is_nearly_over() {
    let mut world = World::of(plain::MODULE, &[], &[]);
    world.begin(&queue("late", &[("a", "", "1"), ("b", "", "2")]), Some(Duration::from_nanos(1)));
    assert_eq!(world.end(), Ok(report(&["a", "b"])));
    assert!(begun("late").is_empty());
    let warning = "records that were not run and count as failed: 2 for lack of time";
    assert_eq!(world.lines("WARN"), [warning]);
}

#[test]
fn hooks_of_records_are_an_onion_of_their_own_inside_that_of_the_batch() {
    let mut world = World::of(plain::MODULE, &[Tally::MODULE], &[]);
    let messages =
        [("a", "", "1"), ("seen", "", "bad"), ("barred", "", "1"), ("forgiven", "", "bad"), ("b", "", "bad")];
    let hooks = "in batch, in a, out a, in seen, in barred, in forgiven, failed forgiven, in b, failed b, out batch";
    let failed = "barred Tally.Barred: not this one, b Job.Bad: it is bad";
    assert_eq!(world.run(&queue("hooks", &messages)), Ok(format!("{hooks} | {failed}")));
    assert_eq!(begun("hooks"), ["1", "bad", "bad"]);
}

#[test]
fn a_record_has_from_its_batch_what_belongs_to_all_of_it() {
    #[function(record)]
    fn told(ctx: FaasContext, body: String) -> Result<(), Error> {
        let record = ctx.record().expect("a record");
        let about = format!("{} {} {}", ctx.request_id(), ctx.trigger(), ctx.source());
        let own = format!("{} {:?} {} {}", record.id(), record.group(), record.index(), ctx.attempt());
        let sender = record.attribute("SenderId").unwrap_or_default();
        let limited = ctx.remaining().is_some();
        let is_event = ctx.event().starts_with(b"{\"messageId\"") && ctx.http().is_none();
        Err(Error::new("Told", format!("{about} {own} {sender} {limited} {is_event} {body}")))
    }
    let event = r#"{"Records":[{"messageId":"a","body":"{\"a\":\"\u00fc\"}","eventSource":"aws:sqs","eventSourceARN":"x.fifo",
        "attributes":{"MessageGroupId":"g","SenderId":"s","ApproximateReceiveCount":"2"}}]}"#;
    let mut world = World::of(told::MODULE, &[], &[("FAAS_RECORD_FAILURES", "fail")]);
    world.begin(event, Some(Duration::from_secs(60)));
    let told = world.end().expect_err("it fails");
    assert!(told.starts_with(r#"Told: r-1 queue aws:sqs a Some("g") 0 1 s true true {"a":"ü"}"#), "{told}");
}

#[test]
fn an_event_that_is_no_batch_is_one_record_and_a_batch_for_another_function_is_whole() {
    let mut world = World::of(plain::MODULE, &[Tally::MODULE], &[]);
    assert_eq!(world.run("single/1"), Ok("in batch, in batch, out batch, out batch | ".into()));
    assert!(world.run("single/bad").is_err_and(|failed| failed.starts_with("Job.Bad: it is bad")));
    let batch = queue("x", &[("a", "", "1"), ("b", "", "2")]);
    assert_eq!(World::of(whole::MODULE, &[], &[]).run(&batch), Ok("2 records in one".into()));
}

#[test]
fn a_batch_without_records_is_done() {
    let window = r#"{"Records":[],"window":{"start":"s","end":"e"},"eventSourceARN":"arn:aws:kinesis:r:1:stream/s"}"#;
    assert_eq!(World::of(plain::MODULE, &[], &[]).run(window), Ok(report(&[])));
}
