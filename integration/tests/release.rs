//! Every buffer that a module gives away is released exactly once, however its invocation ends. The C module `ledger`
//! counts, and writes the balance at Close.

use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::process::{Process, Signal};

integration::both![
    on_aws_every_end_of_an_invocation_releases_once,
    over_http_every_end_of_an_invocation_releases_once,
    a_client_that_gives_up_releases_once,
];

fn ledger() -> Deployment {
    let source = artifacts::workspace().join("integration/tests/c/ledger.c");
    let library = artifacts::compile_c(&source, "libledger.so", &[]).unwrap_or_else(|why| panic!("{why}"));
    Deployment::empty().file("libledger.so", &library).layers(&["ledger.over"])
}

/// The orders to the function, the number of buffers that it gives away for each, and whether the answer is a reply, an
/// error, or a stream, which may break.
const ENDS: &[(&str, usize, &[Kind])] = &[
    ("plain", 1, &[Kind::Response]),
    ("twice", 2, &[Kind::Response]),
    ("reply, fail", 1, &[Kind::Error]),
    ("fail, reply", 1, &[Kind::Response, Kind::Error]),
    ("reply, panic", 1, &[Kind::Error]),
    ("reply, cancelled", 1, &[Kind::Error]),
    ("no such code", 1, &[Kind::Error]),
    ("too big", 1, &[Kind::Error, Kind::TooLarge]),
    ("keep", 6, &[Kind::Response]),
    ("pending", 1, &[Kind::Response]),
    ("no stream", 2, &[Kind::Response]),
    ("recover", 2, &[Kind::Response]),
    ("over", 2, &[Kind::Response]),
    ("stream", 3, &[Kind::Stream]),
    ("stream, fail", 3, &[Kind::Stream]),
    ("stream, panic", 3, &[Kind::Stream]),
    ("reply, stream", 4, &[Kind::Stream, Kind::Response, Kind::Error]),
    ("stream, reply", 4, &[Kind::Stream]),
];
const ROUNDS: usize = 20;

/// Stops the process and reads the balance.
fn assert_balance(process: &Process, given: usize) {
    process.signal(Signal::Term).expect("the signal is sent");
    process.wait(limit()).expect("SIGTERM ends it");
    let lines = process.lines();
    let balance = lines.iter().find(|line| line.text.contains("balance: "));
    let balance = balance.unwrap_or_else(|| panic!("no balance in\n{}", process.output()));
    assert_eq!(balance.text, format!("balance: {given} given, {given} released, 0 released again"));
}

fn on_aws_every_end_of_an_invocation_releases_once(runtime: &Runtime) {
    let options = Options { timeout: limit(), ..Options::default() };
    let run = OnAws::launch(runtime, ledger(), "ledger", options).polling();
    let mut given = 0;
    for (event, gives, kinds) in ENDS.iter().cycle().take(ENDS.len() * ROUNDS) {
        let answer = run.aws.invoke(*event);
        assert!(kinds.contains(&answer.kind), "{event}: {:?} {:.200}", answer.kind, answer.text());
        given += gives;
    }
    let records = run.aws.records();
    assert!(records.iter().all(|record| record.posts.len() == 1), "one answer each");
    run.assert_clean();
    assert_balance(&run.process, given);
}

fn over_http_every_end_of_an_invocation_releases_once(runtime: &Runtime) {
    let run = OnHttp::start(runtime, ledger(), "ledger");
    let mut client = run.client();
    let mut given = 0;
    for (event, gives, kinds) in ENDS.iter().cycle().take(ENDS.len() * ROUNDS) {
        let reply = client.call("POST", "/", "Content-Type: text/plain\r\n", event.as_bytes());
        match &reply {
            Ok(reply) if reply.closes => client = run.client(),
            Ok(_) => {}
            Err(_) if kinds.contains(&Kind::Stream) => client = run.client(),
            Err(error) => panic!("{event}: {error}; output:\n{}", run.process.output()),
        }
        given += gives;
    }
    drop(client);
    assert_balance(&run.process, given);
}

fn a_client_that_gives_up_releases_once(runtime: &Runtime) {
    let run = OnHttp::start(runtime, ledger(), "ledger");
    for round in 1..=ROUNDS {
        let mut client = run.client();
        client.request("POST", "/", "Content-Type: text/plain\r\n", b"hold").expect("it is open");
        let mut held = 0;
        let holding = |line: &str| {
            held += usize::from(line == "holding");
            held == round
        };
        run.process.wait_for_line(holding, limit()).expect("it holds");
        drop(client);
    }
    assert_balance(&run.process, ROUNDS);
}
