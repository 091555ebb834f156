//! Neutral triggers over the samples of every platform: each reads every sample it is for and refuses every other, and
//! the table in `docs/events.md` says which those are. `FAAS_REWRITE=1 cargo test -p handlers-sdk --all-features --test
//! triggers` writes the table anew.
#![cfg(feature = "events-log")]
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::events::{
    CloudEvent, Log, Message, Operation, Queue, Storage, StorageEvent, TableChange, Timer, Topic,
};
use handlers_sdk::testing::{Answer, Invoke, Sample, sample, samples};
use handlers_sdk::{FaasContext, FromInvocation, function};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The readings by each neutral trigger of the sample that was read last on this thread's app.
#[derive(Debug)]
struct Read {
    timer: Result<Timer, String>,
    queue: Result<Queue, String>,
    topic: Result<Topic, String>,
    storage: Result<Storage, String>,
    log: Result<Log, String>,
    table: Result<TableChange, String>,
    is_cloud_event: bool,
}

static READ: Mutex<BTreeMap<String, Read>> = Mutex::new(BTreeMap::new());

#[function]
fn read_all(ctx: FaasContext) {
    fn of<T: FromInvocation>(ctx: &FaasContext) -> Result<T, String> {
        T::from_invocation(ctx).map_err(|error| {
            assert_eq!(error.kind(), "Runtime.TriggerMismatch", "{error}");
            error.message().to_owned()
        })
    }
    let read = Read {
        timer: of(&ctx),
        queue: of(&ctx),
        topic: of(&ctx),
        storage: of(&ctx),
        log: of(&ctx),
        table: of(&ctx),
        is_cloud_event: CloudEvent::from_invocation(&ctx).is_ok(),
    };
    READ.lock().unwrap_or_else(PoisonError::into_inner).insert(ctx.request_id().to_owned(), read);
}

/// Returns the readings of an invocation by all triggers.
fn read(name: &str, invoke: Invoke) -> Read {
    // Tests read the same samples at once, so each reading has an id of its own.
    static READINGS: AtomicUsize = AtomicUsize::new(0);
    let id = format!("{}:{}", name.replace('/', ":"), READINGS.fetch_add(1, Ordering::Relaxed));
    let answer = invoke.meta(handlers_sdk::abi::META_REQUEST_ID, &id).run(read_all::MODULE);
    assert_eq!(answer.failed, None, "{name}");
    let read = READ.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    read.expect("it was read")
}

/// Returns the trigger that reads a sample, with its view: by the kind that the runtime recognises, or by the content
/// of a request or CloudEvent.
fn expected(sample: &Sample) -> &'static str {
    match (sample.trigger(), sample.name()) {
        (_, "aws/firehose") => "",
        ("timer", _) | (_, "google/scheduler" | "knative/ping" | "openfaas/cron" | "vefaas/timer") => "Timer",
        ("queue" | "stream", _) | (_, "knative/kafka") => "Queue",
        ("topic", _) | (_, "google/pubsub") => "Topic",
        ("storage", _) => "Storage",
        (_, "azure/eventgrid" | "azure/eventgrid-cloudevent" | "google/storage" | "google/storage-deleted") => {
            "Storage"
        }
        ("log", _) => "Log",
        ("table", _) | (_, "google/firestore") => "TableChange",
        _ => "",
    }
}

#[test]
fn each_trigger_reads_what_is_its_own_and_refuses_all_else() {
    for sample in samples() {
        let read = read(sample.name(), sample.invoke());
        let found = [
            ("Timer", read.timer.err()),
            ("Queue", read.queue.err()),
            ("Topic", read.topic.err()),
            ("Storage", read.storage.err()),
            ("Log", read.log.err()),
            ("TableChange", read.table.err()),
        ];
        for (trigger, refused) in found {
            // A subscription of Pub/Sub is what a queue of the yml is on Google Cloud.
            let is_own = trigger == expected(sample) || trigger == "Queue" && sample.name().ends_with("pubsub");
            assert_eq!(refused.is_none(), is_own, "{}: {trigger}: {refused:?}", sample.name());
        }
    }
}

#[test]
fn an_event_that_does_not_fit_is_called_by_its_name() {
    for (name, found) in [
        ("aws/sqs", "an event of kind queue from aws:sqs"),
        ("aws/apigateway-v2", "an HTTP request"),
        ("fn/call", "an event that nothing recognises"),
        ("knative/event", "a CloudEvent of type \"org.example.order.placed\""),
    ] {
        let why = read(name, sample(name)).timer.expect_err("no timer");
        assert_eq!(why, format!("expected an event of a timer, found {found}"));
    }
}

#[test]
fn every_timer_is_called_by_its_name_and_says_what_it_was_given() {
    for (name, called, payload, has_time) in [
        ("aliyun/timer", "nightly", r#"{"run":"full"}"#, true),
        ("aws/schedule", "nightly", "", true),
        ("aws/scheduler", "nightly", r#"{"run":"full"}"#, true),
        ("azure/timer", "read_all", "", false),
        ("google/scheduler", "nightly", r#"{"run":"full"}"#, true),
        ("huawei/timer", "nightly", r#"{"run":"full"}"#, true),
        ("knative/ping", "nightly", r#"{"run":"full"}"#, true),
        ("openfaas/cron", "cron-function", "", false),
        ("tencent/timer", "nightly", r#"{"run":"full"}"#, true),
        ("vefaas/timer", "nightly", r#"{"run":"full"}"#, true),
        ("yandex/timer", "a1s5msktijh2nightly", r#"{"run":"full"}"#, true),
    ] {
        let timer = read(name, sample(name)).timer.expect(name);
        assert_eq!((timer.name.as_str(), String::from_utf8_lossy(&timer.payload)), (called, payload.into()), "{name}");
        assert_eq!(timer.time.is_some(), has_time, "{name}");
        assert!(timer.view == "Request" || timer.view.starts_with("events::"), "{name}");
    }
}

#[test]
fn a_timer_is_called_as_its_yml_says_where_the_job_that_sends_it_has_another_name() {
    for (name, header) in [("google/scheduler", "X-Timer-Name"), ("knative/ping", "ce-timer")] {
        let timer = read(name, sample(name).header(header, "weekly")).timer.expect(name);
        assert_eq!(timer.name, "weekly", "{name}");
    }
}

#[test]
fn every_queue_and_topic_hands_over_what_was_sent() {
    for sample in samples().iter().filter(|sample| matches!(expected(sample), "Queue" | "Topic")) {
        let name = sample.name();
        let read = read(name, sample.invoke());
        let messages = read.queue.map(|queue| queue.messages).or(read.topic.map(|topic| topic.messages)).expect(name);
        let first = if name == "aws/sqs-fifo" { "first" } else { r#"{"order":7}"# };
        assert_eq!(messages[0].text().expect("text"), first, "{name}");
    }
    let queue = |name: &str| read(name, sample(name)).queue.expect(name).messages;
    let of = |message: &Message| {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        (
            message.id.clone(),
            message.attempt,
            message.group.clone(),
            message.key.as_ref().map(text),
            message.source.clone(),
        )
    };
    let some = |text: &str| Some(text.to_owned());
    for (name, id, attempt, group, key, source) in [
        (
            "aws/sqs-fifo",
            "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5",
            1,
            some("customer-7"),
            None,
            "arn:aws:sqs:eu-west-1:111122223333:orders.fifo",
        ),
        ("aws/kafka", "orders-0-15", 0, some("orders-0"), some("customer-7"), "orders"),
        ("aws/rabbitmq", "m-1", 1, None, None, "orders"),
        ("aliyun/kafka", "orders-3-15", 0, some("orders-3"), some("customer-7"), "orders"),
        ("azure/servicebus", "m-1", 2, some("customer-7"), None, ""),
        ("azure/eventhub", "5", 0, some("0"), some("customer-7"), "orders"),
        ("tencent/ckafka", "orders-1-36", 0, some("orders-1"), some("customer-7"), "orders"),
        (
            "knative/kafka",
            "ff1ee4c2-4a1b-4f0c-8d1c-0f0f2e4c1d11",
            0,
            some("partition:0"),
            some("customer-7"),
            "/apis/v1/namespaces/shop/kafkasources/orders#orders",
        ),
    ] {
        assert_eq!(of(&queue(name)[0]), (id.to_owned(), attempt, group, key, source.to_owned()), "{name}");
    }
    for name in [
        "aws/sqs",
        "aws/kafka",
        "aws/activemq",
        "aws/rabbitmq",
        "aliyun/rocketmq",
        "azure/servicebus",
        "azure/eventhub",
        "yandex/ymq",
    ] {
        assert_eq!(queue(name)[0].attributes["tenant"], "acme", "{name}");
    }
    for name in ["aws/sns", "aliyun/mns-attributes", "google/pubsub", "google/legacy-pubsub"] {
        let topic = read(name, sample(name)).topic.expect(name);
        assert_eq!(topic.messages[0].attributes["tenant"], "acme", "{name}");
    }
    let batch = queue("azure/servicebus-batch");
    assert_eq!((batch[1].id.as_str(), batch[1].attempt, batch[1].text().expect("text")), ("m-2", 2, r#"{"order":8}"#));
    assert_eq!(queue("tencent/ckafka")[1].key, None, "the platform has a word for no key");
}

#[test]
fn every_bucket_tells_the_object_and_what_happened_to_it() {
    for sample in samples().iter().filter(|sample| expected(sample) == "Storage" && sample.name() != "aws/s3-test") {
        let name = sample.name();
        let storage = read(name, sample.invoke()).storage.expect(name);
        let object = &storage.objects[0];
        assert_eq!((object.bucket.as_str(), object.key.as_str()), ("photos", "in/my cat.jpg"), "{name}");
        let is_gone = ["removed", "deleted", "cloudevent"].iter().any(|word| name.contains(word));
        assert_eq!(object.event, if is_gone { StorageEvent::Removed } else { StorageEvent::Created }, "{name}");
        assert!(!object.event_name.is_empty() && !object.time.is_empty(), "{name}: {object:?}");
        if !is_gone && name != "yandex/storage" {
            assert!(object.size.is_some(), "{name}");
        }
    }
    assert!(read("aws/s3-test", sample("aws/s3-test")).storage.expect("S3").objects.is_empty());
}

#[test]
fn every_log_has_lines_with_their_times_and_one_says_where_they_are() {
    for (name, count, group) in [
        ("aws/logs", 2, "/aws/lambda/orders"),
        ("huawei/lts", 1, "97a9d284-4448-11e8-8fa4-286ed488ce70"),
        ("tencent/cls", 2, "orders"),
        ("yandex/logging", 1, ""),
    ] {
        let log = read(name, sample(name)).log.expect(name);
        assert_eq!((log.lines.len(), log.group.as_str()), (count, group), "{name}");
        let line = log.lines.iter().find(|line| line.message.contains("no tea")).expect(name);
        assert!(line.millis.is_some_and(|millis| millis / 10 == 176_732_304_500), "{name}: {line:?}");
    }
    let log = read("aliyun/sls", sample("aliyun/sls")).log.expect("SLS");
    assert_eq!((log.lines.len(), log.group.as_str()), (0, "shop/orders"));
}

#[test]
fn a_bundle_that_is_no_gzip_is_refused() {
    #[function]
    fn lines(log: Log) -> String {
        log.lines.len().to_string()
    }
    for (coded, why) in [("aGk=", "expected gzip"), ("H4sIAAAAAAAAAA==", "expected gzip")] {
        let event = json!({ "awslogs": { "data": coded } }).to_string();
        let failed = Invoke::event(event).run(lines::MODULE).failed.expect("refused");
        assert_eq!(failed.kind, "Runtime.UnmarshalError");
        assert!(failed.message.contains(why), "{}", failed.message);
    }
}

#[test]
fn every_table_tells_key_operation_and_row() {
    let changes = |name: &str| read(name, sample(name)).table.expect(name).changes;
    let object = |value: serde_json::Value| value.as_object().cloned().expect("an object");
    let stock = changes("aws/dynamodb");
    assert_eq!((stock[0].operation, stock[1].operation), (Operation::Insert, Operation::Remove));
    assert_eq!((stock[0].table.as_str(), &stock[0].keys), ("stock", &object(json!({ "Id": 101 }))));
    let new = json!({ "Id": 101, "Name": "tea", "Tags": ["green", "dry"], "Raw": "AAEC", "Open": true, "Note": null,
        "Sizes": [1.5, { "unit": "kg" }] });
    assert_eq!(stock[0].new, Some(object(new)));
    assert_eq!((&stock[1].new, &stock[1].old), (&None, &Some(object(json!({ "Id": 102, "Name": "mate" })))));
    let rows = changes("aliyun/tablestore");
    assert_eq!((rows[0].operation, rows[1].operation), (Operation::Write, Operation::Remove));
    assert_eq!(rows[0].new, Some(object(json!({ "id": 101, "name": "tea", "price": 2.5 }))));
    assert_eq!((&rows[1].keys, &rows[1].new), (&object(json!({ "id": 102 })), &None));
    for (name, operation, table) in [
        ("aws/docdb", Operation::Insert, "stock"),
        ("azure/cosmosdb", Operation::Write, ""),
        ("google/firestore", Operation::Write, "stock"),
        ("google/legacy-firestore", Operation::Write, "stock"),
        ("huawei/dds", Operation::Insert, "stock"),
        ("openwhisk/cloudant", Operation::Write, "stock"),
    ] {
        let change = &changes(name)[0];
        assert_eq!((change.operation, change.table.as_str()), (operation, table), "{name}");
        assert_eq!(change.keys.len(), 1, "{name}");
        assert_eq!(change.new.is_some(), name != "openwhisk/cloudant", "{name}");
    }
}

#[test]
fn one_function_takes_several_triggers() {
    #[function]
    fn either(timer: Option<Timer>, queue: Option<Queue>) -> String {
        format!("{} {}", timer.is_some(), queue.map_or(0, |queue| queue.messages.len()))
    }
    let text = |answer: Answer| answer.text();
    assert_eq!(text(sample("tencent/timer").run(either::MODULE)), "true 0");
    assert_eq!(text(sample("yandex/ymq").run(either::MODULE)), "false 1");
    assert_eq!(text(Invoke::http("GET", "/").run(either::MODULE)), "false 0");
    let torn = r#"{"Records":[{"eventSource":"aws:sqs","body":{}}]}"#;
    assert_eq!(Invoke::event(torn).run(either::MODULE).failed.expect("sent wrong").kind, "Runtime.UnmarshalError");
}

#[test]
fn the_table_of_the_guide_is_what_the_triggers_read() {
    const COLUMNS: [&str; 7] = ["Timer", "Queue", "Topic", "Storage", "Log", "TableChange", "CloudEvent"];
    let mut rows: BTreeMap<&str, [Vec<&str>; 7]> = BTreeMap::new();
    for sample in samples() {
        let read = read(sample.name(), sample.invoke());
        let views = [
            read.timer.is_ok(),
            read.queue.is_ok(),
            read.topic.is_ok(),
            read.storage.is_ok(),
            read.log.is_ok(),
            read.table.is_ok(),
            read.is_cloud_event,
        ];
        let row = rows.entry(sample.platform()).or_default();
        let short = sample.name().split('/').nth(1).expect("a folder and a name");
        for (cell, _) in row.iter_mut().zip(views).filter(|(_, reads)| *reads) {
            cell.push(short);
        }
    }
    let mut table =
        format!("| platform | {} |\n|---|{}\n", COLUMNS.map(|name| format!("`{name}`")).join(" | "), "---|".repeat(7));
    for (platform, cells) in rows.into_iter().filter(|(_, cells)| cells.iter().any(|names| !names.is_empty())) {
        table.push_str(&format!("| {platform} | {} |\n", cells.map(|names| names.join(", ")).join(" | ")));
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    let text = std::fs::read_to_string(&page).expect("the page is there");
    let (before, rest) = text.split_once("<!-- table -->\n").expect("the table has marks");
    let (found, after) = rest.split_once("<!-- end -->").expect("the table has marks");
    if std::env::var_os("FAAS_REWRITE").is_some() {
        std::fs::write(&page, format!("{before}<!-- table -->\n{table}<!-- end -->{after}")).expect("written");
        return;
    }
    assert_eq!(found, table);
}
