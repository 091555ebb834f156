//! The store as functions see it, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::service::kv::WriteOutcome;
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Error, FaasContext, function};
use layer_kv::Kv;
use std::net::TcpListener;
use std::time::Duration;

/// Carries out the order of the event: `put 5`, `get`, `first`, `over 1`, `remove`, `remove 1`, `long`, `key`.
#[function]
async fn keeper(ctx: FaasContext, order: String) -> Result<String, Error> {
    let kv = ctx.kv().ok_or_else(|| Error::msg("expected a layer such as kv"))?;
    let (word, rest) = order.split_once(' ').unwrap_or((&order, ""));
    let number = rest.parse().unwrap_or(0);
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let told = |change: WriteOutcome| match change {
        WriteOutcome::Made(version) => format!("made {version}"),
        WriteOutcome::Absent => "absent".to_owned(),
        WriteOutcome::Conflict(entry) => format!("conflict {} {}", text(&entry.value), entry.version),
    };
    Ok(match word {
        "get" => {
            kv.get(b"k").await?.map_or("none".to_owned(), |entry| format!("{} {}", text(&entry.value), entry.version))
        }
        "put" => kv.put(b"k", b"put".to_vec(), Some(Duration::from_secs(number))).await?.to_string(),
        "first" => told(kv.put_if_absent(b"k", b"first".to_vec(), None).await?),
        "over" => told(kv.put_if_version(b"k", number, b"over".to_vec(), None).await?),
        "remove" => told(kv.remove(b"k", Some(number).filter(|version| *version != 0)).await?),
        "long" => kv.put(b"k", vec![b'x'; 100], None).await?.to_string(),
        _ => kv.put(&[b'k'; 513], Vec::new(), None).await?.to_string(),
    })
}

fn app(config: &str) -> App {
    App::builder().configured(Kv::MODULE, config).module(keeper::MODULE).start().expect("starts")
}

fn says(app: &App, order: &str) -> String {
    app.invoke(Invoke::event(order)).text()
}

fn fails(app: &App, order: &str) -> String {
    app.invoke(Invoke::event(order)).failed.expect("it fails").message
}

#[test]
fn a_value_is_written_read_and_removed_as_the_contract_says() {
    let app = app("");
    for (order, expected) in [
        ("get", "none"),
        ("over 1", "absent"),
        ("remove", "absent"),
        ("first", "made 1"),
        ("first", "conflict first 1"),
        ("over 7", "conflict first 1"),
        ("over 1", "made 2"),
        ("get", "over 2"),
        ("remove 1", "conflict over 2"),
        ("remove 2", "made 0"),
        ("get", "none"),
    ] {
        assert_eq!(says(&app, order), expected, "{order}");
    }
}

#[test]
fn a_value_is_gone_after_its_time() {
    let app = app("");
    assert_eq!((says(&app, "put 5"), says(&app, "get")), ("1".into(), "put 1".into()));
    app.advance(Duration::from_secs(5));
    assert_eq!(says(&app, "get"), "none");
}

#[test]
fn a_key_or_a_value_that_is_too_long_is_refused_and_so_is_what_does_not_fit_any_more() {
    let small = app(r#"{"maxValueBytes":50}"#);
    assert!(fails(&small, "long").contains("it is longer than it may be"));
    assert!(fails(&small, "key").contains("what was asked for cannot be"));
    let full = app(r#"{"maxBytes":200}"#);
    assert_eq!(says(&full, "first"), "made 1");
    assert!(fails(&full, "long").contains("the provider failed"));
    assert_eq!(says(&full, "get"), "first 1", "it forgets nothing");
    let lines = full.close();
    let said = lines.iter().filter(|line| line.message.contains("the memory of 200 bytes is full")).count();
    assert_eq!(said, 1, "{lines:?}");
}

#[test]
fn calls_end_also_if_redis_is_not_there_or_does_not_answer() {
    // Nobody listens at a port that was just closed.
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    assert!(fails(&app(&format!(r#"{{"redis":"{gone}"}}"#)), "get").contains("the provider failed"));
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    for scheme in ["", "rediss://"] {
        let waiting = app(&format!(r#"{{"redis":"{scheme}{address}","timeout":"200ms"}}"#));
        assert!(fails(&waiting, "get").contains("did not answer in time"), "{scheme}");
    }
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        (r#"{"redis":"cache"}"#, "redis: expected an address such as cache.internal:6379"),
        (r#"{"redis":"http://a:1"}"#, "redis: expected an address"),
        (r#"{"redis":"rediss://a"}"#, "redis: expected an address such as cache.internal:6379 or rediss://"),
        (r#"{"redis":"a:1","ca":"system"}"#, "ca: expected redis beside it that begins with rediss://"),
        (r#"{"redis":"rediss://a:1","ca":"none"}"#, "ca: expected mozilla, system, or the absolute path of a PEM file"),
        (r#"{"redis":"rediss://a:1","key":"/a.key"}"#, "key: expected certificate beside it"),
        (r#"{"password":"p"}"#, "password: expected redis beside it"),
        (r#"{"redis":"a:1","username":"u"}"#, "username: expected a password beside it"),
        (r#"{"timeout":0}"#, "timeout: expected a time over zero and up to 60s"),
        (r#"{"connections":0}"#, "connections: expected a number of 1 to 64"),
        (r#"{"maxBytes":0}"#, "maxBytes: expected a number of 1"),
        (r#"{"store":"redis"}"#, "unknown field `store`"),
    ] {
        let app = App::builder().configured(Kv::MODULE, config).module(keeper::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
}
