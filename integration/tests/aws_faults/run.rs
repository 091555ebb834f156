//! The parts that the cases share: the beginning of a run, and the checks that it has gone on, or has left.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::kernel::stat;
pub(crate) use integration::kernel::{freeze, thaw};
use integration::on_aws::OnAws;
use integration::wait::{self, limit, silence};
use platform_emulators::aws_lambda::{Answer, Aws, Ending, Endpoint, Fault, Kind, Options, Pending, Record};
use platform_emulators::process::Process;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Returns options for a function that has all the time a slow machine needs.
pub(crate) fn patient() -> Options {
    Options { timeout: limit(), ..Options::default() }
}

/// Returns options for a function with this long until its deadline, which the runtime alone keeps.
pub(crate) fn due_in(timeout: Duration) -> Options {
    Options { timeout, enforce_deadline: false, ..Options::default() }
}

/// Starts the function `faulty`, and waits until it polls.
pub(crate) fn faulty(runtime: &Runtime, options: Options) -> OnAws {
    OnAws::start(runtime, "faulty", options)
}

/// Starts the function `unruly`, and waits until it polls.
pub(crate) fn unruly(runtime: &Runtime, options: Options) -> OnAws {
    OnAws::start(runtime, "unruly", options)
}

/// Starts a runtime whose control plane is prepared before it starts.
pub(crate) fn launch_prepared(
    runtime: &Runtime,
    deployment: Deployment,
    handler: &str,
    options: Options,
    prepare: impl FnOnce(&Aws),
) -> OnAws {
    let options = Options {
        handler: Some(handler.to_owned()),
        task_root: Some(deployment.root().to_owned()),
        patience: limit(),
        ..options
    };
    let aws = Aws::start(options).expect("there is a free port");
    prepare(&aws);
    let process = aws.spawn(deployment.command(runtime)).expect("the runtime starts");
    OnAws { aws, process, deployment }
}

/// An invocation of `unruly` that is held until [`Held::let_go`].
pub(crate) struct Held {
    pending: Pending,
    file: PathBuf,
}

/// Sends `unruly` the command `hold`, `fail` or `torn` and waits until it is being carried out.
pub(crate) fn hold(run: &OnAws, command: &str) -> Held {
    let earlier = holding(&run.process);
    let file = run.deployment.path(&format!("let-go-{earlier}"));
    let pending = run.aws.submit(format!("{command} {}", file.display()).as_str());
    until_holding(run, earlier + 1);
    Held { pending, file }
}

/// Returns the number of lines "holding" so far.
pub(crate) fn holding(process: &Process) -> usize {
    process.lines().iter().filter(|line| line.text == "holding").count()
}

/// Waits until that many invocations have said that they are being carried out.
pub(crate) fn until_holding(run: &OnAws, count: usize) {
    let there = wait::until("the function runs", &run.process, || (holding(&run.process) >= count).then_some(()));
    there.unwrap_or_else(|why| panic!("{why}"));
}

impl Held {
    /// Returns the request id of the invocation.
    pub(crate) fn id(&self) -> &str {
        self.pending.request_id()
    }

    /// Lets the function end.
    pub(crate) fn let_go(&self) {
        std::fs::write(&self.file, "").expect("there is room for an empty file");
    }

    /// Waits for the answer of the invocation.
    pub(crate) fn answer(self) -> Answer {
        self.pending.wait()
    }
}

/// Ends every connection, and waits until the kernel has told the runtime's side. It is for a runtime that does not
/// make new ones meanwhile.
pub(crate) fn cut(run: &OnAws, ending: Ending) {
    run.aws.cut(ending);
    until_connected(run, 0);
}

/// Waits until exactly that many connections are left, as the kernel has told the runtime's side.
pub(crate) fn until_connected(run: &OnAws, count: usize) {
    // The kernel's table is read in pieces, and a row that moves meanwhile may be missing from one look.
    let mut looks = 0;
    let told = wait::until("connections end", &run.process, || {
        looks = if connected(run) == count { looks + 1 } else { 0 };
        (looks == 3).then_some(())
    });
    told.unwrap_or_else(|why| panic!("{why}"));
}

/// Returns the number of sockets that are connected to the control plane, as far as their own side knows.
pub(crate) fn connected(run: &OnAws) -> usize {
    const ESTABLISHED: &str = "01";
    let SocketAddr::V4(address) = run.aws.address() else { panic!("an address of version 4") };
    let wanted = format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel tells");
    let rows = table.lines().map(|line| line.split_whitespace().skip(2));
    rows.filter_map(|mut row| (row.next()? == wanted && row.next()? == ESTABLISHED).then_some(())).count()
}

/// Ends the connection of a parked poll, and waits until another one is parked.
pub(crate) fn cut_parked(run: &OnAws, ending: Ending) {
    let earlier = run.aws.next_calls();
    run.aws.cut(ending);
    let again = run.aws.wait_for(|now| now.next_calls > earlier && now.parked == 1, limit());
    again.unwrap_or_else(|late| panic!("{ending:?}: {late}; output:\n{}", run.process.output()));
}

/// Refuses new connections and resets the old ones.
pub(crate) fn go_down(run: &OnAws) {
    run.aws.refuse();
    cut(run, Ending::Reset);
}

/// Returns `true` if one of five tries succeeds. A check that is a race against the machine gets these: one that is
/// stalled spoils some, a runtime that is late by itself all of them.
pub(crate) fn one_of_five_tries(mut succeeds: impl FnMut() -> bool) -> bool {
    (0..5).any(|_| succeeds())
}

/// Waits until every scripted fault has struck.
pub(crate) fn until_struck(run: &OnAws) {
    let struck = run.aws.wait_for(|now| now.faults == 0, limit());
    struck.unwrap_or_else(|late| panic!("{late}; output:\n{}", run.process.output()));
}

/// Waits until the runtime has said this.
pub(crate) fn until_said(run: &OnAws, words: &str) {
    let said = run.process.wait_for_line(|line| line.contains(words), limit());
    said.unwrap_or_else(|late| panic!("{words:?}: {late}"));
}

pub(crate) fn record(run: &OnAws, id: &str) -> Record {
    run.aws.record(id).unwrap_or_else(|| panic!("{id} was never submitted"))
}

/// Asserts that one answer was sent and accepted, after that many deliveries. A delivery more than one is the
/// platform's doing: it hands an event out again whose answer it did not get. With one delivery, one post is proof that
/// nothing was sent twice.
pub(crate) fn assert_answered_once(run: &OnAws, id: &str, deliveries: usize) {
    let record = record(run, id);
    let counts = (record.deliveries.len(), record.posts.len(), record.accepted());
    assert_eq!(counts, (deliveries, 1, 1), "deliveries, posts, accepted: {record:?}\n{}", run.process.output());
}

/// Asserts that no rule was broken and nothing panicked.
pub(crate) fn assert_calm(run: &OnAws) {
    run.assert_clean();
    let said = run.process.output();
    assert!(!said.contains("panicked at"), "{said}");
}

/// Asserts that the process lives and serves the next invocation as if nothing had been.
pub(crate) fn assert_goes_on(run: &OnAws) {
    let event = "{\"do\":\"nothing\"}";
    let answer = run.call(event);
    assert!(["\"fine\"", event].contains(&answer.text().as_str()), "{}", answer.text());
    assert_answered_once(run, &answer.request_id, 1);
    assert_eq!(run.process.status(), None, "{}", run.process.output());
    assert_calm(run);
}

/// Asserts that the process leaves with code 1 and says why.
pub(crate) fn assert_leaves(run: &OnAws, words: &str) {
    let status = run.process.wait(limit()).unwrap_or_else(|late| panic!("it does not leave: {late}"));
    let said = run.process.output();
    assert_eq!(status.code(), Some(1), "{status}:\n{said}");
    assert!(said.contains(words), "{words:?} is not in:\n{said}");
    assert_calm(run);
}

/// Asserts that a fresh process in the same environment serves.
pub(crate) fn assert_next_one_serves(run: &mut OnAws, runtime: &Runtime) {
    run.process = run.aws.spawn(run.deployment.command(runtime)).expect("a fresh environment starts");
    assert_goes_on(run);
}

/// Asserts that an answer is the error of that type, and returns its message.
pub(crate) fn assert_error(answer: &Answer, kind: &str) -> String {
    assert_eq!(answer.kind, Kind::Error, "{}", answer.text());
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|why| panic!("{why}: {}", answer.text()));
    assert_eq!(json["errorType"], kind, "{json}");
    json["errorMessage"].as_str().unwrap_or_else(|| panic!("no message in {json}")).to_owned()
}

/// Returns the time that a process has had of the processors. The kernel counts in hundredths of a second.
pub(crate) fn processor_time(process: &Process) -> Duration {
    let ticks: u64 = stat(process).split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Asserts that a process that has had `before` of the processors is all but asleep: less than a hundredth of the time
/// that passed, and a start's worth.
pub(crate) fn assert_no_busy_loop(process: &Process, before: Duration, passed: Duration) {
    let used = processor_time(process).saturating_sub(before);
    let allowed = Duration::from_millis(20) + passed / 100;
    assert!(used <= allowed, "{used:?} of the processor in {passed:?}, {allowed:?} allowed:\n{}", process.output());
}

/// Watches a process do nothing for a while.
pub(crate) fn assert_idles(process: &Process) {
    let before = processor_time(process);
    assert!(process.wait(silence()).is_err(), "it left:\n{}", process.output());
    assert_no_busy_loop(process, before, silence());
}

/// The end of an invocation that an answer goes to.
pub(crate) struct End {
    pub(crate) endpoint: Endpoint,
    /// The event that makes `faulty` answer there.
    pub(crate) event: &'static str,
    /// The command that makes `unruly` answer there, once it is let go.
    pub(crate) command: &'static str,
    /// The kind of outcome for the invoker.
    pub(crate) kind: Kind,
}

/// The ends of an invocation: a response and an error.
pub(crate) const ENDS: [End; 2] = [
    End { endpoint: Endpoint::Response, event: integration::faulty::FINE, command: "hold", kind: Kind::Response },
    End { endpoint: Endpoint::Error, event: integration::faulty::ERROR, command: "fail", kind: Kind::Error },
];

/// Starts `faulty` with these faults queued for its polls, from the second one on: the first is parked by then.
pub(crate) fn polls_meet(runtime: &Runtime, options: Options, faults: &[Fault]) -> OnAws {
    let run = faulty(runtime, options);
    for fault in faults {
        run.aws.fault(Endpoint::Next, fault.clone());
    }
    run.call(integration::faulty::FINE);
    run
}
