//! Statements 1 to 7, 14 to 17, 23 and 24: which calls are made, when, how often, and what happens when they fail.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::on_aws::OnAws;
use integration::wait::{limit, silence};
use platform_emulators::aws_lambda::{
    Ending, Endpoint, Event, Fault, InitType, Kind, MAX_PAYLOAD, Options, Post, Snapshot,
};
use platform_emulators::process::Signal;
use std::time::{Duration, Instant};

integration::both![
    checklist_01_only_the_address_in_the_variable_is_used,
    checklist_02_a_poll_survives_silence,
    checklist_03_one_poll_at_a_time,
    checklist_04_polls_and_handlers_stand_side_by_side,
    checklist_05_the_id_in_the_path_is_the_events_byte_for_byte,
    checklist_06_exactly_one_answer_an_invocation,
    checklist_07_the_next_poll_waits_for_the_reply_to_the_answer,
    checklist_14_a_refused_answer_does_not_end_the_loop,
    checklist_14_a_500_to_an_answer_ends_the_process,
    checklist_15_a_reset_poll_is_tried_again,
    checklist_15_a_control_plane_that_is_gone_ends_the_process,
    checklist_16_event_bytes_arrive_unharmed,
    checklist_17_the_largest_reply_passes_and_one_byte_more_does_not,
    checklist_23_the_restore_call_comes_first_under_snap_start,
    checklist_23_no_restore_call_without_snap_start,
    checklist_24_sigterm_while_parked_ends_the_process_cleanly,
    checklist_24_sigterm_runs_close_within_the_platforms_grace,
];

fn checklist_01_only_the_address_in_the_variable_is_used(runtime: &Runtime) {
    // A runtime that resolves a name or reads a proxy variable would not get past these.
    let deployment =
        Deployment::of("faulty").env("http_proxy", "http://127.0.0.1:1").env("HTTP_PROXY", "http://127.0.0.1:1");
    let run = OnAws::launch(runtime, deployment, "faulty", Options::default()).polling();
    let answer = run.aws.invoke(faulty::ERROR);
    assert_eq!(answer.kind, Kind::Error);
    let host = run.aws.errors()[0].headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).cloned();
    assert_eq!(host.map(|(_, value)| value), Some(run.aws.address().to_string()));
    let peers = peers_of(run.process.pid());
    assert!(!peers.is_empty(), "it is connected to the control plane");
    let wanted = run.aws.address();
    assert!(peers.iter().all(|peer| *peer == wanted), "{peers:?}, expected only {wanted}");
    run.assert_clean();
}

/// Returns the far ends of a process' TCP connections over IPv4, as the kernel tells them.
fn peers_of(pid: u32) -> Vec<std::net::SocketAddr> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is there");
    let links = links.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let sockets: Vec<String> =
        links.filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect();
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel tells");
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = rows.filter(|row| row.len() > 9 && sockets.iter().any(|inode| inode == row[9]));
    own.map(|row| {
        let (address, port) = row[2].split_once(':').expect("address:port");
        let address = u32::from_str_radix(address, 16).expect("hexadecimal");
        let port = u16::from_str_radix(port, 16).expect("hexadecimal");
        (std::net::Ipv4Addr::from(address.to_ne_bytes()), port).into()
    })
    .collect()
}

fn checklist_02_a_poll_survives_silence(runtime: &Runtime) {
    let run = OnAws::start(runtime, "echo", Options::default());
    assert!(run.process.wait(silence()).is_err(), "it left:\n{}", run.process.output());
    assert_eq!(run.aws.next_calls(), 1, "the first poll is still the one that waits");
    assert_eq!(run.call("after the silence").text(), "after the silence");
    run.assert_clean();
}

fn checklist_03_one_poll_at_a_time(runtime: &Runtime) {
    let run = OnAws::start(runtime, "echo", Options::default());
    let waiting: Vec<_> = (0..50).map(|n| run.aws.submit(Event::from(n.to_string().as_str()))).collect();
    for pending in waiting {
        assert_eq!(pending.wait().kind, Kind::Response);
    }
    let now = run.aws.wait_for(|now| now.parked == 1, limit()).expect("it polls on");
    assert_eq!((now.max_parked, now.next_calls), (1, 51));
    run.assert_clean();
}

fn checklist_04_polls_and_handlers_stand_side_by_side(runtime: &Runtime) {
    const N: usize = 4;
    let options = Options { max_concurrency: Some(N), timeout: limit(), ..Options::default() };
    let run = OnAws::launch(runtime, Deployment::of("probe"), "probe.gate", options);
    let all_parked = |now: &Snapshot| now.parked == N;
    for round in 0..3 {
        run.aws.wait_for(all_parked, limit()).unwrap_or_else(|late| panic!("round {round}: {late}"));
        let waiting: Vec<_> = (0..N).map(|_| run.aws.submit("4")).collect();
        for pending in waiting {
            let answer = pending.wait();
            assert_eq!((answer.kind, answer.text().as_str()), (Kind::Response, "met"), "handlers do not overlap");
        }
    }
    run.aws.wait_for(all_parked, limit()).expect("all poll again");
    assert_eq!(run.aws.max_parked(), N);
    run.assert_clean();
}

fn checklist_05_the_id_in_the_path_is_the_events_byte_for_byte(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    for id in ["5c1d7c1e-0f5a-4b7e-9b06-2a3f6d1e9a11", "UPPER-and-lower.~_0", "a"] {
        let event = |body: &str| Event { request_id: Some(id.to_owned()), ..Event::from(body) };
        assert_eq!(run.aws.invoke(event(faulty::FINE)).kind, Kind::Response, "{id}");
    }
    let event = Event { request_id: Some("Mixed-Case.9".to_owned()), ..Event::from(faulty::ERROR) };
    assert_eq!(run.aws.invoke(event).kind, Kind::Error);
    let posts: Vec<_> = run.aws.records().into_iter().flat_map(|record| record.posts).collect();
    assert_eq!(posts.iter().map(|post| post.post == Post::Error).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(posts[3].request_id, "Mixed-Case.9");
    assert_eq!(run.aws.strays().len(), 0);
    run.assert_clean();
}

fn checklist_06_exactly_one_answer_an_invocation(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    let events = [faulty::FINE, faulty::ERROR, faulty::PANIC, faulty::FINE, faulty::SEVEN_MB];
    for event in events.iter().cycle().take(40) {
        run.aws.invoke(*event);
    }
    run.aws.wait_for(|now| now.parked == 1, limit()).expect("it polls on");
    let records = run.aws.records();
    assert_eq!(records.len(), 40);
    for record in &records {
        assert_eq!((record.deliveries.len(), record.accepted(), record.refused()), (1, 1, 0), "{record:?}");
    }
    run.assert_clean();
}

fn checklist_07_the_next_poll_waits_for_the_reply_to_the_answer(runtime: &Runtime) {
    let run = OnAws::start(runtime, "echo", Options::default());
    let late = Duration::from_millis(400);
    run.aws.fault(Endpoint::Response, Fault::Delay(late));
    let answer = run.call("1");
    let posted = run.aws.record(&answer.request_id).expect("it was submitted").posts[0].at;
    run.aws.wait_for(|now| now.next_calls == 2, limit()).expect("it polls again");
    // The delay began after the head was read, so a poll within it came before the reply.
    assert!(posted.elapsed() >= late, "polled after {:?}, the reply took {late:?}", posted.elapsed());
    run.assert_clean();
}

fn checklist_14_a_refused_answer_does_not_end_the_loop(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    for status in [400, 403, 410, 413] {
        for (endpoint, event) in [(Endpoint::Response, faulty::FINE), (Endpoint::Error, faulty::ERROR)] {
            run.aws.fault(endpoint, Fault::Status(status));
            let lost = run.aws.invoke(event);
            assert_eq!(lost.kind, Kind::Faulted, "{status} at {endpoint:?}");
            run.call(faulty::FINE);
            let record = run.aws.record(&lost.request_id).expect("it was submitted");
            assert_eq!(record.posts.len(), 1, "a refused answer is not sent again: {record:?}");
        }
    }
}

fn checklist_14_a_500_to_an_answer_ends_the_process(runtime: &Runtime) {
    for (endpoint, event) in [(Endpoint::Response, faulty::FINE), (Endpoint::Error, faulty::ERROR)] {
        let run = OnAws::start(runtime, "faulty", Options::default());
        run.aws.fault(endpoint, Fault::Status(500));
        run.aws.invoke(event);
        let status = run.process.wait(limit()).expect("it leaves");
        assert!(status.code().is_some_and(|code| code > 0), "{status}:\n{}", run.process.output());
        assert_eq!(run.aws.next_calls(), 1, "it does not poll again");
    }
}

fn checklist_15_a_reset_poll_is_tried_again(runtime: &Runtime) {
    let run = OnAws::start(runtime, "echo", Options::default());
    for (polls, ending) in [(2, Ending::Reset), (3, Ending::Close)] {
        run.aws.cut(ending);
        let again = run.aws.wait_for(|now| now.parked == 1 && now.next_calls == polls, limit());
        again.unwrap_or_else(|late| panic!("{ending:?}: {late}; output:\n{}", run.process.output()));
    }
    run.aws.fault(Endpoint::Next, Fault::Reset);
    run.aws.fault(Endpoint::Next, Fault::Garbage(b"nonsense\r\n\r\n".to_vec()));
    assert_eq!(run.call("first").text(), "first");
    assert_eq!(run.call("second").text(), "second");
    run.assert_clean();
}

fn checklist_15_a_control_plane_that_is_gone_ends_the_process(runtime: &Runtime) {
    let run = OnAws::start(runtime, "echo", Options::default());
    run.aws.refuse();
    run.aws.cut(Ending::Reset);
    let status = run.process.wait(limit()).expect("the tries are bounded");
    assert!(status.code().is_some_and(|code| code > 0), "{status}:\n{}", run.process.output());
    let said = run.process.output();
    assert!(said.contains(&run.aws.address().to_string()), "it says what it could not reach:\n{said}");
}

fn checklist_16_event_bytes_arrive_unharmed(runtime: &Runtime) {
    let all: Vec<u8> = (0..=255).collect();
    let bodies: [&[u8]; 5] = [b"", b"\xff\xfe\x00\x80", &all, b"\"\xc3\x28\"", b"   "];
    let run = OnAws::start(runtime, "echo", Options::default());
    for body in bodies {
        assert_eq!(run.call(body.to_vec()).body, body);
    }
    run.assert_clean();
    let run = OnAws::start(runtime, "inspect", Options::default());
    for body in bodies {
        assert_eq!(run.inspect(body.to_vec()).event(), body);
    }
    run.assert_clean();
}

fn checklist_17_the_largest_reply_passes_and_one_byte_more_does_not(runtime: &Runtime) {
    let run = OnAws::start(runtime, "echo", Options { timeout: limit(), ..Options::default() });
    let largest: Vec<u8> = (0..MAX_PAYLOAD).map(|at| (at % 251) as u8).collect();
    assert!(run.call(largest.clone()).body == largest, "6291556 bytes come back as they went");
    let mut larger = largest;
    larger.push(b'x');
    let answer = run.aws.invoke(larger);
    assert_eq!(
        answer.error_type.as_deref(),
        Some("Function.ResponseSizeTooLarge"),
        "{:?} {}",
        answer.kind,
        answer.text()
    );
    assert!(answer.text().contains("(6291557 bytes)"), "{}", answer.text());
    assert_eq!(run.call("after").text(), "after");
    run.assert_clean();
}

fn checklist_23_the_restore_call_comes_first_under_snap_start(runtime: &Runtime) {
    let options = Options { init_type: InitType::SnapStart, ..Options::default() };
    let run = OnAws::launch(runtime, Deployment::of("echo"), "echo", options);
    let parked = run.aws.wait_for(|now| now.restore_parked || now.ended, limit()).expect("it waits to be restored");
    assert!(parked.restore_parked, "output:\n{}", run.process.output());
    assert_eq!(parked.next_calls, 0, "no poll before the restore");
    assert!(run.aws.restore());
    assert_eq!(run.call("restored").text(), "restored");
    run.assert_clean();
}

fn checklist_23_no_restore_call_without_snap_start(runtime: &Runtime) {
    for init_type in [InitType::OnDemand, InitType::ProvisionedConcurrency] {
        let run = OnAws::start(runtime, "echo", Options { init_type, ..Options::default() });
        assert_eq!(run.call("1").text(), "1");
        // The restore call does not exist here, and to ask for it is a breach.
        run.assert_clean();
    }
}

fn checklist_24_sigterm_while_parked_ends_the_process_cleanly(runtime: &Runtime) {
    // A shared machine may stall one try; a runtime that needs longer by itself fails all.
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let run = OnAws::start(runtime, "echo", Options::default());
        let sent = Instant::now();
        run.process.signal(Signal::Term).expect("the signal is sent");
        let status = run.process.wait(limit()).expect("it leaves");
        fastest = fastest.min(sent.elapsed());
        assert_eq!(status.code(), Some(0), "{status}:\n{}", run.process.output());
        run.assert_clean();
        if fastest < Duration::from_millis(300) {
            return;
        }
    }
    panic!("the fastest of five ends took {fastest:?}, expected less than 300 ms");
}

fn checklist_24_sigterm_runs_close_within_the_platforms_grace(runtime: &Runtime) {
    let run = OnAws::launch(runtime, Deployment::of("probe"), "probe.ending", Options::default()).polling();
    // Without an extension the platform would kill it without notice.
    run.aws.wait_for(|now| now.extensions_parked == 1, limit()).expect("work at close registers an extension");
    assert_eq!(run.call("1").text(), "1");
    let shutdown = run.aws.shutdown(&run.process);
    assert_eq!((shutdown.signals, shutdown.status.and_then(|status| status.code())), (vec![Signal::Term], Some(0)));
    let closed = run.process.wait_for_line(|line| line == "closed", limit());
    closed.expect("Close came before the end");
    run.assert_clean();
}
