//! Functions that take one record of a batch at a time, from a plain `fn`, an `async fn` that waits and C: on a
//! platform that takes reports of single records, on one that does not, and over HTTP.

use crate::knative::run::OnKnative;
use crate::tencent_scf::run as scf;
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::cloudevents::Request;
use platform_emulators::process::{Process, Signal};
use platform_emulators::runtime_api::Kind as PlaneKind;
use serde_json::{Value, json};
use std::time::Duration;

integration::both![
    fifo_order_is_kept_and_failed_records_are_reported_with_those_behind_them,
    a_poisoned_record_costs_only_itself,
    a_record_that_hangs_until_the_deadline_costs_only_itself,
    records_of_what_waits_are_in_progress_together,
    records_that_need_a_thread_have_one_each_where_that_is_asked_for,
    ten_thousand_records_take_no_more_memory_than_their_batch,
    the_hooks_of_records_run_around_each_and_those_of_the_batch_once,
    a_function_of_batches_sees_the_whole_and_may_report_records_itself,
    a_batch_of_tencent_fails_whole_with_the_first_reasons,
    a_batch_of_cloudevents_over_http_fails_whole_unless_failures_are_only_logged,
];

/// The module and the name of each function.
const FUNCTIONS: [(&str, &str); 3] = [("records", "plain"), ("records", "waiting"), ("record", "record")];

fn deployment(module: &str) -> Deployment {
    Deployment::of(module).env("FAAS_LOG", "info")
}

fn on_aws(runtime: &Runtime, module: &str, function: &str, deployment: Deployment, options: Options) -> OnAws {
    OnAws::launch(runtime, deployment, &format!("{module}.{function}"), options).polling()
}

/// Returns a batch of SQS: id, group and body of each message; without a group it is of a standard queue.
fn queue<'a>(messages: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Vec<u8> {
    let message = |(id, group, body): (&str, &str, &str)| {
        let queue = if group.is_empty() { "jobs" } else { "jobs.fifo" };
        json!({"messageId": id, "body": body, "eventSource": "aws:sqs", "attributes": {"MessageGroupId": group},
            "eventSourceARN": format!("arn:aws:sqs:eu-west-1:123456789012:{queue}")})
    };
    let records: Vec<Value> = messages.into_iter().map(message).collect();
    json!({"Records": records}).to_string().into_bytes()
}

/// Returns the ids of the report.
fn reported(body: &[u8]) -> Vec<String> {
    let report: Value = serde_json::from_slice(body).expect("a report is JSON");
    let items = report["batchItemFailures"].as_array().unwrap_or_else(|| panic!("no report: {report}"));
    items.iter().map(|item| item["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
}

/// Ends the process, and gives all that it has ever said.
fn last_words(process: &Process) -> String {
    process.signal(Signal::Kill).expect("the signal is sent");
    process.wait(limit()).expect("nothing survives it");
    process.output()
}

/// Returns the payloads of all records that were begun, in their order.
fn begun(output: &str) -> Vec<String> {
    let word = |line: &str| Some(line.split_once("begun ")?.1.split(' ').next()?.to_owned());
    output.lines().filter_map(word).collect()
}

fn fifo_order_is_kept_and_failed_records_are_reported_with_those_behind_them(runtime: &Runtime) {
    for (module, function) in FUNCTIONS {
        let run = on_aws(runtime, module, function, deployment(module), Options::default());
        let batch = [("a", "x", "x1"), ("b", "y", "y1"), ("c", "x", "bad-x2"), ("d", "y", "y2"), ("e", "x", "x3")];
        assert_eq!(reported(&run.call(queue(batch)).body), ["c", "e"], "{function}");
        let again = run.call(queue([("c", "x", "x2"), ("e", "x", "x3")]));
        assert_eq!(reported(&again.body), Vec::<String>::new(), "{function}");
        run.assert_clean();
        let output = last_words(&run.process);
        let begun = begun(&output);
        let of = |group: char| begun.iter().map(String::as_str).filter(|job| job.contains(group)).collect::<Vec<_>>();
        assert_eq!((of('x'), of('y')), (vec!["x1", "bad-x2", "x2", "x3"], vec!["y1", "y2"]), "{function}");
        let lines: Vec<&str> = output.lines().filter(|line| line.contains("Job.Bad: it is bad")).collect();
        assert!(lines.len() == 1 && lines[0].contains("ERROR") && lines[0].contains("record=c"), "{output}");
        assert!(output.contains("1 behind a record that failed"), "{output}");
    }
}

fn a_poisoned_record_costs_only_itself(runtime: &Runtime) {
    for (module, function) in FUNCTIONS {
        let run = on_aws(runtime, module, function, deployment(module), Options::default());
        let answer = run.call(queue([("a", "", "1"), ("b", "", "poison"), ("c", "", "2"), ("d", "", "wait")]));
        assert_eq!(reported(&answer.body), ["b"], "{function}");
        assert_eq!(run.process.status(), None, "the process lives on");
        run.assert_clean();
        assert_eq!(begun(&last_words(&run.process)).len(), 4, "{function}");
    }
}

fn a_record_that_hangs_until_the_deadline_costs_only_itself(runtime: &Runtime) {
    let options = Options { timeout: Duration::from_secs(2), ..Options::default() };
    let run = on_aws(runtime, "records", "waiting", deployment("records"), options);
    let answer = run.aws.invoke(queue([("a", "", "1"), ("b", "", "hang"), ("c", "", "2")]));
    // The platform's own answer is there for a runtime that was too slow on a stalled machine.
    assert!(matches!(answer.kind, Kind::Response | Kind::Timeout), "{:?}: {}", answer.kind, answer.text());
    if answer.kind == Kind::Response {
        assert_eq!(reported(&answer.body), ["b"]);
        assert_eq!(reported(&run.call(queue([("d", "", "3")])).body), Vec::<String>::new(), "the process lives on");
        let output = last_words(&run.process);
        assert!(output.contains("ERROR") && output.contains("Function.TimedOut"), "{output}");
    }
    run.assert_clean();
}

fn records_of_what_waits_are_in_progress_together(runtime: &Runtime) {
    let run = on_aws(runtime, "records", "waiting", deployment("records"), Options::default());
    let answer = run.call(queue(["a", "b", "c", "d", "e"].map(|id| (id, "", "four"))));
    assert_eq!(reported(&answer.body), Vec::<String>::new());
    run.assert_clean();
}

fn records_that_need_a_thread_have_one_each_where_that_is_asked_for(runtime: &Runtime) {
    for (module, function) in FUNCTIONS {
        let deployment = deployment(module).env("FAAS_RECORD_CONCURRENCY", "3");
        let run = on_aws(runtime, module, function, deployment, Options::default());
        let ids: Vec<String> = (0..20).map(|id| id.to_string()).collect();
        let job = |id: &str| if id == "7" { "bad" } else { "wait" };
        let answer = run.call(queue(ids.iter().map(|id| (id.as_str(), "", job(id)))));
        assert_eq!(reported(&answer.body), ["7"], "{function}");
        run.assert_clean();
        assert_eq!(begun(&last_words(&run.process)).len(), 20, "{function}");
    }
}

/// Returns the most memory that a process has ever had, in KiB.
fn peak(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it has memory");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

fn ten_thousand_records_take_no_more_memory_than_their_batch(runtime: &Runtime) {
    let ids: Vec<String> = (0..10_000).map(|id| format!("message-{id}")).collect();
    for (module, function) in FUNCTIONS {
        let deployment = Deployment::of(module).env("FAAS_LOG", "warn");
        let run = on_aws(runtime, module, function, deployment, Options::default());
        let batch = |count: usize, job: &'static str| queue(ids[..count].iter().map(|id| (id.as_str(), "", job)));
        assert_eq!(reported(&run.call(batch(100, "1")).body), Vec::<String>::new());
        let (event, before) = (batch(10_000, "1"), peak(&run.process));
        let size = event.len() as u64 >> 10;
        assert_eq!(reported(&run.call(event).body), Vec::<String>::new(), "{function}");
        let grown = peak(&run.process) - before;
        // The event itself and, for each record, some hundred bytes of index, whatever else it is made of.
        assert!(grown < 2 * size + 1024, "{function}: {grown} KiB more for an event of {size} KiB");
        run.assert_clean();
    }
}

fn the_hooks_of_records_run_around_each_and_those_of_the_batch_once(runtime: &Runtime) {
    for (module, function) in FUNCTIONS {
        // The layer lies in the module of the Rust functions.
        let more = if module == "records" { deployment(module) } else { deployment(module).module("records") };
        let run = on_aws(runtime, module, function, more.layers(&["records.tally"]), Options::default());
        run.call(queue([("a", "", "1"), ("b", "", "bad"), ("c", "", "2"), ("d", "", "poison")]));
        run.assert_clean();
        let output = last_words(&run.process);
        assert_eq!(output.matches("records: 4 in, 2 out, 2 failed").count(), 1, "{function}: {output}");
        assert_eq!(output.matches("records: ").count(), 1, "{function}: {output}");
    }
}

fn a_function_of_batches_sees_the_whole_and_may_report_records_itself(runtime: &Runtime) {
    let batch = queue([("a", "", "1"), ("b", "", "bad"), ("c", "", "2")]);
    let run = on_aws(runtime, "records", "whole", deployment("records"), Options::default());
    assert_eq!(run.call(batch.clone()).text(), format!("{} bytes", batch.len()));
    let run = on_aws(runtime, "record", "whole", deployment("record"), Options::default());
    assert_eq!(reported(&run.call(batch).body), ["b"]);
    let output = last_words(&run.process);
    assert!(output.contains("Function.RecordFailed: it is bad"), "{output}");
}

fn a_batch_of_tencent_fails_whole_with_the_first_reasons(runtime: &Runtime) {
    let batch = |jobs: &[&str]| {
        let record = |(offset, job): (usize, &&str)| json!({"Ckafka": {"topic": "jobs", "partition": 1, "offset": offset, "msgKey": "k", "msgBody": job}});
        json!({"Records": jobs.iter().enumerate().map(record).collect::<Vec<_>>()}).to_string().into_bytes()
    };
    for (module, function) in FUNCTIONS {
        let handler = format!("{module}.{function}");
        let run = scf::launch(runtime, deployment(module), Some(&handler), scf::patient()).polling();
        run.call(batch(&["1", "2"]));
        let outcome = run.plane.invoke(batch(&["3", "bad", "4"]));
        assert_eq!(outcome.kind, PlaneKind::Error, "{function}: {}", outcome.text());
        for words in ["2 of 3 records failed", "jobs-1-1: Job.Bad: it is bad", "jobs-1-2: Runtime.RecordNotRun"] {
            assert!(outcome.text().contains(words), "{function}: {words:?} in {}", outcome.text());
        }
        run.assert_clean();
        assert_eq!(begun(&run.last_words()), ["1", "2", "3", "bad"], "{function}: a partition keeps its order");
    }
}

fn a_batch_of_cloudevents_over_http_fails_whole_unless_failures_are_only_logged(runtime: &Runtime) {
    let events = |jobs: &[&str]| {
        let event = |(id, job): (usize, &&str)| {
            json!({"specversion": "1.0", "id": id.to_string(), "source": "/s", "type": "t", "data": job,
                "datacontenttype": "text/plain"})
        };
        Request::batch(&jobs.iter().enumerate().map(event).collect::<Vec<_>>())
    };
    for (module, function) in FUNCTIONS {
        let handler = format!("{module}.{function}");
        let run = OnKnative::start(runtime, deployment(module), &handler, crate::knative::run::function());
        assert_eq!(run.call(&events(&["1", "2"])).status / 100, 2, "{function}");
        let failed = run.call(&events(&["bad", "3", "poison"]));
        assert_eq!(failed.status, 500, "{function}");
        let mut begun = begun(&last_words(run.process()));
        begun.sort_unstable();
        assert_eq!(begun, ["1", "2", "3", "bad", "poison"], "{function}");
        let logged = deployment(module).env("FAAS_RECORD_FAILURES", "log");
        let run = OnKnative::start(runtime, logged, &handler, crate::knative::run::function());
        assert_eq!(run.call(&events(&["bad", "3"])).status / 100, 2, "{function}");
        assert!(last_words(run.process()).contains("Job.Bad: it is bad"), "{function}");
    }
}
