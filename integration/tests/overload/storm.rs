//! All of it at once: ten times the calls that fit, among slow readers, trickling senders, half requests, silent peers
//! of HTTP/2 and a call that never ends.

use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::kernel;
use integration::on_http::OnHttp;
use integration::wait::{limit, silence};
use platform_emulators::process::Signal;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

integration::both![
    a_storm_is_answered_within_its_budget_and_leaves_nothing_behind,
    a_stop_in_the_middle_of_a_storm_loses_nothing_accepted,
];

/// The number of callers at once. Two threads run thirty calls of [`CALL`] within the limit of 300 ms.
const CALLERS: usize = 300;
const CALL: &str = "/work?do=sleep&ms=20";
/// The number of half requests that stay.
const HALVES: usize = 5000;
/// The memory that the process may take: its program, the 5 MB that each of eight slow readers has asked for, and a
/// buffer of 8 KiB for each half request.
const MEMORY: u64 = 112 << 20;

fn start(runtime: &Runtime, more: &[(&str, &str)]) -> OnHttp {
    let deployment = Deployment::of("faulty").env("FAAS_THREADS", "2").env("FAAS_TIMEOUT", "300ms");
    let deployment = deployment.env("FAAS_MAX_HUNG", "4").env("FAAS_READ_TIMEOUT", "1h");
    let deployment = more.iter().fold(deployment, |deployment, (name, value)| deployment.env(name, value));
    OnHttp::start(runtime, deployment, "faulty")
}

/// The number of answers with each status.
type Answers = BTreeMap<u16, usize>;

/// Calls one after the other until `over`, and once more. The error is that of the last call, once `over`; before that,
/// every call has its answer.
fn caller(run: &OnHttp, over: &AtomicBool) -> (Answers, io::Result<()>) {
    let mut answers = Answers::new();
    let mut kept: Option<Client> = None;
    loop {
        let last = over.load(Ordering::Acquire);
        let client = match kept.take() {
            Some(client) => Ok(client),
            None => Client::connect(run.address),
        };
        let reply = client.and_then(|mut client| Ok((client.call("GET", CALL, "", b"")?, client)));
        match reply {
            Ok((reply, client)) => {
                *answers.entry(reply.status).or_default() += 1;
                kept = Some(client).filter(|_| !reply.closes);
            }
            Err(error) if last || over.load(Ordering::Acquire) => return (answers, Err(error)),
            Err(error) => panic!("{error}:\n{}", run.process.output()),
        }
        if last {
            return (answers, Ok(()));
        }
    }
}

type Caller<'scope> = ScopedJoinHandle<'scope, (Answers, io::Result<()>)>;

fn callers<'scope>(
    scope: &'scope Scope<'scope, '_>,
    run: &'scope OnHttp,
    over: &'scope AtomicBool,
) -> Vec<Caller<'scope>> {
    let caller = || thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, || caller(run, over));
    (0..CALLERS).map(|_| caller().expect("a thread")).collect()
}

/// Adds up the answers of all callers. The failures that ended the last call of some come second.
fn sum(callers: Vec<Caller<'_>>) -> (Answers, Vec<io::Error>) {
    let mut all = Answers::new();
    let mut ends = Vec::new();
    for caller in callers {
        let (answers, end) = caller.join().expect("every call has its answer");
        answers.into_iter().for_each(|(status, count)| *all.entry(status).or_default() += count);
        ends.extend(end.err());
    }
    (all, ends)
}

fn assert_known(answers: &Answers, run: &OnHttp) {
    let known = answers.keys().all(|status| matches!(status, 200 | 429 | 503 | 504));
    assert!(known && answers.contains_key(&200), "{answers:?}\n{}", run.process.output());
}

/// Returns clients that ask for more than they read, that never finish a request, and that send nothing in HTTP/2.
fn nuisances(run: &OnHttp) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut reader = run.client();
        reader.request("GET", "/?do=reply&bytes=5000000", "", b"").expect("it is open");
        clients.push(reader);
        let mut silent = run.client();
        silent.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("it is open");
        clients.push(silent);
    }
    let mut hung = run.client();
    hung.request("GET", "/?do=sleep&ms=3600000", "", b"").expect("it is open");
    clients.push(hung);
    let heads = ["POST / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"];
    for head in heads.iter().cycle().take(HALVES) {
        let mut half = run.client();
        half.send(head.as_bytes()).expect("it is open");
        clients.push(half);
    }
    clients
}

/// Returns the cost of five thousand calls, one after the other: ticks of 10 ms on processors.
fn work(run: &OnHttp) -> u64 {
    let mut client = run.client();
    let before = kernel::ticks(&run.process);
    for _ in 0..5000 {
        let reply = client.call("GET", "/?do=nothing", "", b"").expect("an answer");
        assert_eq!(reply.status, 200, "{}", run.process.output());
    }
    kernel::ticks(&run.process) - before
}

fn a_storm_is_answered_within_its_budget_and_leaves_nothing_behind(runtime: &Runtime) {
    kernel::allow_open_files(16_384);
    let run = start(runtime, &[]);
    let before = work(&run);
    let clients = nuisances(&run);
    let over = AtomicBool::new(false);
    let answers = thread::scope(|scope| {
        let callers = callers(scope, &run, &over);
        let end = Instant::now() + silence();
        let mut trickling = run.client();
        trickling.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").expect("it is open");
        while Instant::now() < end {
            trickling.send(b"x").expect("it is open");
            assert_eq!(run.get("/livez").status, 200, "{}", run.process.output());
            assert!(run.process.wait(Duration::from_millis(50)).is_err(), "it lives:\n{}", run.process.output());
        }
        over.store(true, Ordering::Release);
        let (answers, ends) = sum(callers);
        assert!(ends.is_empty(), "{ends:?}\n{}", run.process.output());
        answers
    });
    assert_known(&answers, &run);
    let refused: usize = answers.iter().filter(|(status, _)| **status != 200).map(|(_, count)| count).sum();
    assert!(refused > answers[&200], "ten times as much as fits: {answers:?}");
    let late = answers.get(&504).copied().unwrap_or(0);
    assert!(late < answers[&200], "what begins has time enough: {answers:?}");
    let peak = kernel::peak_memory(&run.process);
    assert!(peak <= MEMORY, "{} MiB", peak >> 20);

    // This is afterwards, with all of them still there but the callers.
    let ticks = kernel::ticks(&run.process);
    assert!(run.process.wait(Duration::from_secs(1)).is_err(), "it lives:\n{}", run.process.output());
    let spent = kernel::ticks(&run.process) - ticks;
    assert!(spent <= 5, "{spent} ticks of 10 ms in an idle second");
    let after = work(&run);
    eprintln!("{answers:?}, peak {} MiB, 5,000 calls cost {before} ticks before and {after} after", peak >> 20);
    // A call costs up to four times as much while its connection changes threads, in a storm's wake or without one. A
    // look at each of those five thousand connections would cost far more.
    assert!(after <= 4 * before + 10, "5,000 calls cost {before} ticks before the storm and {after} after it");
    drop(clients);
}

fn a_stop_in_the_middle_of_a_storm_loses_nothing_accepted(runtime: &Runtime) {
    let run = start(runtime, &[("FAAS_ACCESS_LOG", "1"), ("FAAS_GRACE", "20s")]);
    let over = AtomicBool::new(false);
    let (answers, status) = thread::scope(|scope| {
        let callers = callers(scope, &run, &over);
        assert!(run.process.wait(Duration::from_secs(1)).is_err(), "it lives:\n{}", run.process.output());
        over.store(true, Ordering::Release);
        run.process.signal(Signal::Term).expect("the signal is sent");
        let status = run.process.wait(limit()).expect("it leaves");
        (sum(callers).0, status)
    });
    assert_eq!(status.code(), Some(0), "{}", run.process.output());
    assert_known(&answers, &run);
    let lines = run.process.lines();
    let served =
        lines.iter().filter(|line| line.text.contains("path=/work ") && line.text.contains("status=200 ")).count();
    assert_eq!(answers[&200], served, "what was served has arrived: {answers:?}");
    let failed = lines.iter().filter(|line| line.text.contains(" ERROR ")).count();
    assert_eq!(answers.get(&504).copied().unwrap_or(0), failed, "a line for each failure:\n{}", run.process.output());
}
