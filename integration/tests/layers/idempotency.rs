//! `layer-idempotency` with the store of `layer-kv` in memory, through each platform's front.

use crate::fronts::{ALL, Front};
use integration::artifacts::Runtime;
use integration::bank::Bank;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use platform_emulators::aws_lambda::Options;
use serde_json::{Value, json};

integration::both![
    who_asks_twice_is_charged_once,
    of_many_that_ask_at_once_one_is_charged,
    a_client_that_goes_away_and_comes_again_is_not_charged_again,
    a_hang_is_answered_at_its_deadline_and_its_key_is_free_a_moment_later,
    each_record_takes_place_once_however_often_its_batch_is_delivered,
];

fn charging(bank: &Bank) -> Deployment {
    Deployment::of("charge").layer("kv").layer("idempotency").env("BANK", &bank.address())
}

fn who_asks_twice_is_charged_once(runtime: &Runtime) {
    for platform in ALL {
        let bank = Bank::open();
        let deployment = charging(&bank).layer("cors").env("FAAS_LAYER_CORS", r#"{"allowOrigins":["*"]}"#);
        let front = Front::start(platform, runtime, deployment, "charge");
        let charge = |key: &str, order: &str| {
            let headers = [("Idempotency-Key", key), ("Origin", "https://a.example"), ("Content-Type", "text/plain")];
            front.call("POST", "/charges", &headers, order.as_bytes())
        };
        let first = charge("k-1", "order 1");
        assert_eq!((first.status, first.text().as_str()), (201, "receipt 1"), "{platform:?}: {first:?}");
        assert_eq!(first.header("idempotent-replayed"), None, "{platform:?}");
        let again = charge("k-1", "order 1");
        assert_eq!((again.status, again.text().as_str()), (201, "receipt 1"), "{platform:?}: {again:?}");
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{platform:?}: {again:?}");
        assert_eq!(again.header("content-type"), first.header("content-type"), "{platform:?}");
        let origin = "access-control-allow-origin";
        assert_eq!((again.all(origin), first.all(origin)), (vec!["*"], vec!["*"]), "{platform:?}: it is there once");
        assert_eq!(charge("k-1", "order 2").status, 422, "{platform:?}");
        assert_eq!(charge("k-2", "order 1").text(), "receipt 2", "{platform:?}");
        // A failed call may be tried again.
        let refused = [charge("k-3", "bad"), charge("k-3", "bad")];
        assert!(refused.iter().all(|reply| reply.status >= 500), "{platform:?}: {refused:?}");
        let charged = ["order 1", "order 2", "bad"].map(|order| bank.charged(order));
        assert_eq!(charged, [2, 0, 2], "{platform:?}");
    }
}

fn of_many_that_ask_at_once_one_is_charged(runtime: &Runtime) {
    let bank = Bank::open();
    let run = OnHttp::start(runtime, charging(&bank), "charge");
    bank.hold(true);
    let mut first = run.client();
    first.request("POST", "/", "Idempotency-Key: k\r\n", b"order").expect("it is open");
    bank.wait_for("order", 1);
    let others: Vec<_> = (0..8).map(|_| run.call("POST", "/", "Idempotency-Key: k\r\n", b"order")).collect();
    for other in &others {
        assert_eq!((other.status, other.header("retry-after")), (409, Some("1")), "{other:?}");
        assert!(other.text().contains("Idempotency.InProgress"), "{other:?}");
    }
    bank.hold(false);
    assert_eq!(first.read().expect("a reply").text(), "receipt 1");
    assert_eq!(run.call("POST", "/", "Idempotency-Key: k\r\n", b"order").text(), "receipt 1");
    assert_eq!(bank.charged("order"), 1);
}

fn a_client_that_goes_away_and_comes_again_is_not_charged_again(runtime: &Runtime) {
    let bank = Bank::open();
    let run = OnHttp::start(runtime, charging(&bank), "charge");
    bank.hold(true);
    let mut impatient = run.client();
    impatient.request("POST", "/", "Idempotency-Key: k\r\n", b"order").expect("it is open");
    bank.wait_for("order", 1);
    drop(impatient);
    assert_eq!(run.call("POST", "/", "Idempotency-Key: k\r\n", b"order").status, 409, "the first is still at it");
    bank.hold(false);
    assert_eq!(bank.charged("order"), 1);
}

fn a_hang_is_answered_at_its_deadline_and_its_key_is_free_a_moment_later(runtime: &Runtime) {
    let deployment = Deployment::of("hello").layer("kv").layer("idempotency").env("FAAS_TIMEOUT", "1s");
    let run = OnHttp::start(runtime, deployment, "hello");
    let call = |target: &str| run.call("POST", target, "Idempotency-Key: k\r\n", b"");
    assert_eq!(call("/?wait_ms=3600000").status, 504);
    // By then it is 409, 422 for another payload; the lease is three seconds.
    let free = integration::wait::until("the key is free", &run.process, || {
        let reply = call("/");
        assert!([200, 422].contains(&reply.status), "{reply:?}");
        (reply.status == 200).then_some(())
    });
    free.unwrap_or_else(|why| panic!("{why}"));
}

fn each_record_takes_place_once_however_often_its_batch_is_delivered(runtime: &Runtime) {
    let bank = Bank::open();
    let deployment = charging(&bank).env("FAAS_LAYER_IDEMPOTENCY", r#"{"record":"id"}"#);
    let run = OnAws::launch(runtime, deployment, "charge.settle", Options::default()).polling();
    let batch = |orders: &[(&str, &str)]| -> Vec<String> {
        let records: Vec<Value> = orders
            .iter()
            .map(|(id, order)| {
                json!({"messageId": id, "body": order, "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders"})
            })
            .collect();
        let answer = run.call(&*json!({ "Records": records }).to_string());
        let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let failures = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
        failures.iter().map(|one| one["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(batch(&[("a", "1"), ("b", "bad 2"), ("c", "3")]), ["b"]);
    assert_eq!(batch(&[("a", "1"), ("b", "bad 2"), ("c", "3"), ("d", "4")]), ["b"]);
    assert_eq!(batch(&[("a", "1"), ("c", "3"), ("d", "4")]), Vec::<String>::new());
    assert_eq!(["1", "bad 2", "3", "4"].map(|order| bank.charged(order)), [1, 2, 1, 1]);
    run.assert_clean();
}
