//! `faas.kv` between a layer that keeps values and a function that asks, across the contract's table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::service::kv::{Command, Condition, Entry, Op, Outcome, Store, Stored, WriteOutcome};
use handlers_sdk::service::{Offered, ServiceErrorKind};
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
use std::sync::Arc;
use std::time::Duration;

/// A store that answers by the key, and says back the operation it was asked for.
struct Answers;

impl Store for Answers {
    fn call(&self, Command { key, op }: Command, answer: Stored) {
        let said = Entry { value: format!("{op:?}").into_bytes(), version: 7 };
        let outcome = match key.as_slice() {
            b"here" => Ok(Outcome::Found(said)),
            b"changed" => Ok(Outcome::Changed(8)),
            b"absent" => Ok(Outcome::Absent),
            b"conflict" => Ok(Outcome::Conflict(said)),
            b"late" => Err(ServiceErrorKind::Deadline),
            b"panic" => panic!("on purpose"),
            b"dropped" => return drop(answer),
            // The answer comes from another thread, once the caller waits.
            _ => {
                std::thread::spawn(move || answer.give(Ok(Outcome::Changed(9))));
                return;
            }
        };
        answer.give(outcome);
    }
}

struct Keeps(#[allow(dead_code, reason = "the service ends with the layer")] Offered);

#[layer(name = "keeps")]
impl Layer for Keeps {
    fn create(config: &Config) -> Result<Self, Error> {
        config.offer_kv(Arc::new(Answers)).map(Keeps)
    }
}

/// Makes one of the calls, with the key behind it: `get here`.
#[function]
async fn asks(ctx: FaasContext, order: String) -> Result<String, Error> {
    let Some(kv) = ctx.kv() else { return Ok("nobody".to_owned()) };
    let (call, key) = order.split_once(' ').unwrap_or((&order, ""));
    let (key, ttl) = (key.as_bytes(), Some(Duration::from_micros(1500)));
    let told = |change: WriteOutcome| match change {
        WriteOutcome::Conflict(entry) => format!("{} {}", String::from_utf8_lossy(&entry.value), entry.version),
        other => format!("{other:?}"),
    };
    Ok(match call {
        "get" => match kv.get(key).await? {
            Some(entry) => format!("{} {}", String::from_utf8_lossy(&entry.value), entry.version),
            None => "none".to_owned(),
        },
        "put" => kv.put(key, b"v".to_vec(), ttl).await?.to_string(),
        "first" => told(kv.put_if_absent(key, b"v".to_vec(), None).await?),
        "over" => told(kv.put_if_version(key, 3, Vec::new(), ttl).await?),
        _ => told(kv.remove(key, Some(3)).await?),
    })
}

fn app() -> App {
    App::builder().module(Keeps::MODULE).module(asks::MODULE).start().expect("starts")
}

#[test]
fn a_store_is_asked_what_the_caller_asks_and_the_caller_hears_what_it_says() {
    let app = app();
    let put = |ttl, only_if, value: &[u8]| format!("{:?} 7", Op::Put { value: value.to_vec(), ttl, only_if });
    let two = Some(Duration::from_millis(2));
    for (order, expected) in [
        ("get here", "Get 7".to_owned()),
        ("get absent", "none".to_owned()),
        ("put changed", "8".to_owned()),
        ("put elsewhere", "9".to_owned()),
        ("first changed", "Made(8)".to_owned()),
        ("first conflict", put(None, Condition::Absent, b"v")),
        ("over conflict", put(two, Condition::Version(3), b"")),
        ("over absent", "Absent".to_owned()),
        ("remove conflict", format!("{:?} 7", Op::Remove { expected: Some(3) })),
    ] {
        assert_eq!(app.invoke(Invoke::event(order)).text(), expected, "{order}");
    }
}

#[test]
fn a_call_that_is_not_answered_well_is_an_error() {
    let app = app();
    for (order, words) in [
        ("get late", "did not answer in time"),
        ("get panic", "the provider failed"),
        ("put dropped", "the provider failed"),
        // This is no possible answer to a plain write.
        ("put conflict", "not as the caller expected it"),
        ("get ", "what was asked for cannot be"),
    ] {
        let failed = app.invoke(Invoke::event(order)).failed.expect(order);
        assert!(failed.message.contains(words), "{order}: {}", failed.message);
    }
    let long = format!("get {}", "k".repeat(513));
    assert!(app.invoke(Invoke::event(long)).failed.is_some_and(|failed| failed.message.contains("cannot be")));
    assert_eq!(Invoke::event("get here").run(asks::MODULE).text(), "nobody");
}
