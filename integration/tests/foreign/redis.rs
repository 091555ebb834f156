//! `layer-kv` and `layer-idempotency` with Redis, which is killed, stopped and started again, and with processes that
//! die.

use crate::authority::Authority;
use crate::fronts::{ALL, Front};
use crate::needs::{over_both, program};
use integration::artifacts::Runtime;
use integration::bank::Bank;
use integration::client::Reply;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::redis::Redis;
use integration::wait::{limit, until};
use libtest_mimic::Trial;
use platform_emulators::ports::free_port;
use platform_emulators::process::Signal;
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let redis = program("redis-server");
    over_both(&mut trials, &redis, "what_one_instance_has_charged_another_knows_on_each_platform", on_each_platform);
    over_both(
        &mut trials,
        &redis,
        "while_redis_is_stopped_or_dead_nothing_is_charged_and_then_it_goes_on",
        down_and_up,
    );
    over_both(&mut trials, &redis, "of_two_processes_that_are_asked_at_once_one_charges", at_once);
    over_both(&mut trials, &redis, "who_dies_behind_the_charge_leaves_a_key_that_is_free_after_its_lease", dies);
    over_both(&mut trials, &redis, "what_redis_does_not_hear_is_charged_and_said", not_heard);
    over_both(&mut trials, &redis, "redis_is_asked_as_a_user_and_a_wrong_password_is_said", as_user);
    over_both(&mut trials, &redis, "a_caller_is_answered_at_its_deadline_however_long_redis_takes", at_its_deadline);
    let secured = program("openssl").and(redis.clone());
    over_both(&mut trials, &secured, "redis_is_asked_by_tls_over_a_connection_that_is_kept", by_tls);
    over_both(
        &mut trials,
        &secured,
        "a_redis_with_a_wrong_name_an_expired_or_an_unknown_certificate_is_told_nothing",
        untrusted,
    );
    over_both(&mut trials, &secured, "a_redis_that_wants_a_certificate_is_shown_one", shown);
    let stepped = program("faketime").and(redis);
    over_both(&mut trials, &stepped, "instances_whose_clocks_are_days_apart_charge_once", steps);
    trials
}

fn charging(redis: &Redis, bank: &Bank, more: &str) -> Deployment {
    let store = json!({"redis": redis.address().to_string(), "timeout": "500ms"}).to_string();
    let deployment = Deployment::of("charge").layer("kv").layer("idempotency").env("BANK", &bank.address());
    deployment.env("FAAS_LAYER_KV", &store).env("FAAS_LAYER_IDEMPOTENCY", more)
}

fn start(runtime: &Runtime, deployment: Deployment) -> OnHttp {
    OnHttp::start(runtime, deployment, "charge")
}

/// Charges an order under a key of its own name.
fn charge(run: &OnHttp, order: &str) -> Reply {
    run.call("POST", "/charges", &format!("Idempotency-Key: key-{order}\r\n"), order.as_bytes())
}

/// Charges again and again, until the reply is no refusal for lack of the store or a lease.
fn charged(run: &OnHttp, order: &str) -> Reply {
    let reply = until("it is charged", &run.process, || {
        let reply = charge(run, order);
        assert!([201, 409, 503].contains(&reply.status), "{reply:?}");
        (reply.status == 201).then_some(reply)
    });
    reply.unwrap_or_else(|why| panic!("{why}"))
}

fn said(run: &OnHttp, words: &str) {
    let line = run.process.wait_for_line(|line| line.contains(words), limit());
    line.unwrap_or_else(|late| panic!("{words}: {late}; output:\n{}", run.process.output()));
}

fn on_each_platform(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (redis, bank) = (Redis::start(program, &[]), Bank::open());
    for platform in ALL {
        let start = || Front::start(platform, runtime, charging(&redis, &bank, "{}"), "charge");
        let (one, other) = (start(), start());
        let order = format!("{platform:?}");
        let charge =
            |front: &Front, body: &str| front.call("POST", "/", &[("Idempotency-Key", &order)], body.as_bytes());
        let first = charge(&one, &order);
        assert_eq!(first.status, 201, "{platform:?}: {first:?}; output:\n{}", one.output());
        let again = charge(&other, &order);
        assert_eq!((again.status, &again.body), (201, &first.body), "{platform:?}: {again:?}");
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{platform:?}: {again:?}");
        assert_eq!(charge(&other, "another order").status, 422, "{platform:?}");
        assert_eq!(bank.charged(&order), 1, "{platform:?}");
    }
    Ok(())
}

fn down_and_up(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (mut redis, bank) = (Redis::start(program, &[]), Bank::open());
    let run = start(runtime, charging(&redis, &bank, r#"{"lease":"1s"}"#));
    assert_eq!(charge(&run, "1").text(), "receipt 1");
    redis.signal(Signal::Stop);
    let refused = charge(&run, "2");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    assert!(refused.text().contains("Idempotency.StoreDown"), "{refused:?}");
    said(&run, "does not work: it did not answer within 500ms");
    assert_eq!(bank.charged("2"), 0);
    redis.signal(Signal::Cont);
    // Redis may have heard the claim of the refused call. Then it is 409 for as long as its lease.
    charged(&run, "2");
    said(&run, "works again");
    redis.kill();
    assert_eq!(charge(&run, "3").status, 503);
    assert_eq!(charge(&run, "1").status, 503, "nobody knows whether it was charged");
    redis.start_again();
    charged(&run, "3");
    for order in ["1", "2", "3"] {
        assert_eq!(charge(&run, order).header("idempotent-replayed"), Some("true"), "{order}");
        assert_eq!(bank.charged(order), 1, "{order}");
    }
    let lines = run.process.output();
    let (down, up) = (lines.matches("does not work").count(), lines.matches("works again").count());
    assert!((down, up) == (2, 2), "one line each time: {lines}");
    assert_eq!(run.stop().code(), Some(0));
    Ok(())
}

fn at_once(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (redis, bank) = (Redis::start(program, &[]), Bank::open());
    let runs = [(); 2].map(|()| start(runtime, charging(&redis, &bank, "{}")));
    for round in 0..5 {
        let order = format!("order {round}");
        let head = format!("Idempotency-Key: {round}\r\n");
        let mut clients: Vec<_> = (0..12).map(|index| runs[index % 2].client()).collect();
        for client in &mut clients {
            client.request("POST", "/", &head, order.as_bytes()).map_err(|error| error.to_string())?;
        }
        for client in &mut clients {
            let reply = client.read().map_err(|error| format!("{error}; output:\n{}", runs[0].process.output()))?;
            assert!([201, 409].contains(&reply.status), "{reply:?}");
        }
        assert_eq!(bank.charged(&order), 1, "{order}");
    }
    Ok(())
}

fn dies(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    for (on_crash, is_free) in [("retry", true), ("refuse", false)] {
        let (redis, bank) = (Redis::start(program, &[]), Bank::open());
        let config = format!(r#"{{"lease":"1s","onCrash":"{on_crash}"}}"#);
        let [dying, other] = [(); 2].map(|()| start(runtime, charging(&redis, &bank, &config)));
        bank.hold(true);
        let mut client = dying.client();
        let head = "Idempotency-Key: key-1\r\n";
        client.request("POST", "/charges", head, b"1").map_err(|error| error.to_string())?;
        bank.wait_for("1", 1);
        dying.process.signal(Signal::Kill).map_err(|error| error.to_string())?;
        dying.process.wait(limit()).map_err(|late| late.to_string())?;
        bank.hold(false);
        if is_free {
            // Until the lease is over it is refused. Then the bank is asked again, as is documented.
            assert_eq!(charged(&other, "1").text(), "receipt 2");
            assert_eq!(bank.charged("1"), 2);
        } else {
            assert_eq!(charge(&other, "1").status, 409);
            let left = redis.ask(r#"EVAL "return redis.call('PTTL', redis.call('KEYS', '*')[1])" 0"#);
            let left: u64 = left.trim_start_matches(':').parse().map_err(|_| left.clone())?;
            assert!(left > 23 * 3600 * 1000, "it stands for a day: {left} ms");
            assert_eq!(bank.charged("1"), 1);
        }
    }
    Ok(())
}

fn not_heard(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (redis, bank) = (Redis::start(program, &[]), Bank::open());
    let run = start(runtime, charging(&redis, &bank, "{}"));
    bank.hold(true);
    let mut client = run.client();
    client.request("POST", "/charges", "Idempotency-Key: key-1\r\n", b"1").map_err(|error| error.to_string())?;
    bank.wait_for("1", 1);
    redis.signal(Signal::Stop);
    bank.hold(false);
    let reply = client.read().map_err(|error| error.to_string())?;
    assert_eq!((reply.status, reply.text().as_str()), (201, "receipt 1"), "the caller hears what was done");
    said(&run, "the store may not know");
    redis.signal(Signal::Cont);
    // The claim stands, or Redis has heard the outcome from its socket after all.
    let again = until("Redis answers again", &run.process, || {
        let reply = charge(&run, "1");
        (reply.status != 503).then_some(reply)
    })?;
    assert!([201, 409].contains(&again.status), "{again:?}");
    assert_eq!(bank.charged("1"), 1);
    Ok(())
}

fn at_its_deadline(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (redis, bank) = (Redis::start(program, &[]), Bank::open());
    let config = json!({"redis": redis.address().to_string(), "timeout": "60s"}).to_string();
    let deployment = charging(&redis, &bank, "{}").env("FAAS_LAYER_KV", &config).env("FAAS_TIMEOUT", "1s");
    let run = start(runtime, deployment);
    redis.signal(Signal::Stop);
    // The store's own answer would be 503.
    assert_eq!(charge(&run, "1").status, 504);
    assert_eq!(bank.charged("1"), 0);
    redis.signal(Signal::Cont);
    Ok(())
}

fn as_user(program: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let users = "--user shop on >s3cr3t ~shop:* +get +set +del +eval +select --user default off";
    let users: Vec<&str> = users.split(' ').collect();
    let (redis, bank) = (Redis::start(program, &users), Bank::open());
    let with = |password: &str| {
        let config = json!({"redis": redis.address().to_string(), "username": "shop", "password": password,
            "database": 3, "prefix": "shop:"});
        start(runtime, charging(&redis, &bank, "{}").env("FAAS_LAYER_KV", &config.to_string()))
    };
    let run = with("s3cr3t");
    for _ in 0..2 {
        let reply = charge(&run, "1");
        assert_eq!(reply.text(), "receipt 1", "{reply:?}; output:\n{}", run.process.output());
    }
    let wrong = with("guess");
    assert_eq!(charge(&wrong, "1").status, 503);
    said(&wrong, "it refuses the connection: WRONGPASS");
    assert!(!wrong.process.output().contains("guess"));
    Ok(())
}

fn steps(faketime: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let program = program("redis-server").path().ok_or("needs redis-server")?;
    let (redis, bank) = (Redis::start(&program, &[]), Bank::open());
    let wrapper = faketime.to_str().ok_or("a path of text")?;
    let stepped = |offset: &str| {
        let deployment = charging(&redis, &bank, "{}").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        OnHttp::start_under(&[wrapper, "-f", offset], runtime, deployment, "charge")
    };
    let (now, ahead, behind) = (start(runtime, charging(&redis, &bank, "{}")), stepped("+2d"), stepped("-2d"));
    for (order, runs) in
        [("1", [&now, &ahead, &behind]), ("2", [&ahead, &behind, &now]), ("3", [&behind, &now, &ahead])]
    {
        for run in runs {
            let reply = charge(run, order);
            assert_eq!(reply.status, 201, "{reply:?}");
        }
        assert_eq!(bank.charged(order), 1, "{order}");
    }
    let date = |run: &OnHttp| run.process.output().chars().take(10).collect::<String>();
    assert!(date(&behind) < date(&now) && date(&now) < date(&ahead), "{} {}", date(&behind), date(&ahead));
    Ok(())
}

/// Starts a Redis with a certificate. Returns its address behind TLS, too.
fn with_tls(authority: &Authority<'_>, name: &str, clients: &str) -> Result<(Redis, String), String> {
    let program = program("redis-server").path().ok_or("needs redis-server")?;
    let port = free_port().to_string();
    let [certificate, key] = ["pem", "key"].map(|end| authority.path(&format!("{name}.{end}")));
    let ca = authority.path("ca.pem");
    let redis = Redis::start(
        &program,
        &[
            "--tls-port",
            &port,
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
            "--tls-auth-clients",
            clients,
        ],
    );
    Ok((redis, format!("rediss://localhost:{port}")))
}

fn secured(redis: &Redis, bank: &Bank, store: &Value) -> Deployment {
    charging(redis, bank, "{}").env("FAAS_LAYER_KV", &store.to_string())
}

fn by_tls(openssl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (authority, bank) = (Authority::new(openssl)?, Bank::open());
    authority.sign("right", "ca", "DNS:localhost", "2")?;
    let (mut redis, address) = with_tls(&authority, "right", "no")?;
    let store = json!({"redis": address, "ca": authority.path("ca.pem"), "timeout": "5s", "connections": 1});
    let run = start(runtime, secured(&redis, &bank, &store));
    let first = charge(&run, "1");
    assert_eq!((first.status, first.text().as_str()), (201, "receipt 1"), "output:\n{}", run.process.output());
    let count =
        r#"EVAL "return tonumber(string.match(redis.call('INFO', 'stats'), 'total_connections_received:(%d+)'))" 0"#;
    let connections = || redis.ask(count).trim_start_matches(':').parse::<u64>().map_err(|error| error.to_string());
    let before = connections()?;
    for order in ["1", "2", "3"] {
        assert_eq!(charge(&run, order).status, 201, "{order}");
    }
    assert_eq!(connections()? - before, 1, "the question's own alone is new");
    redis.kill();
    assert_eq!(charge(&run, "4").status, 503);
    redis.start_again();
    charged(&run, "4");
    for order in ["1", "2", "3", "4"] {
        assert_eq!(bank.charged(order), 1, "{order}");
    }
    Ok(())
}

fn untrusted(openssl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (authority, bank) = (Authority::new(openssl)?, Bank::open());
    authority.root("stranger")?;
    for (name, by, names, days, words) in [
        ("elsewhere", "ca", "DNS:shop.example", "2", "not valid for name"),
        ("old", "ca", "DNS:localhost", "-1", "Expired"),
        ("unknown", "stranger", "DNS:localhost", "2", "UnknownIssuer"),
    ] {
        authority.sign(name, by, names, days)?;
        let (redis, address) = with_tls(&authority, name, "no")?;
        let store = json!({"redis": address, "ca": authority.path("ca.pem"), "password": "s3cret", "timeout": "5s"});
        let run = start(runtime, secured(&redis, &bank, &store));
        assert_eq!(charge(&run, "1").status, 503, "{name}");
        said(&run, words);
    }
    assert_eq!(bank.charged("1"), 0);
    Ok(())
}

fn shown(openssl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let (authority, bank) = (Authority::new(openssl)?, Bank::open());
    authority.sign("right", "ca", "DNS:localhost", "2")?;
    authority.sign("client", "ca", "DNS:client", "2")?;
    let (redis, address) = with_tls(&authority, "right", "yes")?;
    let mut store = json!({"redis": address, "ca": authority.path("ca.pem"), "timeout": "5s"});
    let without = start(runtime, secured(&redis, &bank, &store));
    assert_eq!(charge(&without, "1").status, 503);
    said(&without, "CertificateRequired");
    store["certificate"] = authority.path("client.pem").into();
    store["key"] = authority.path("client.key").into();
    let run = start(runtime, secured(&redis, &bank, &store));
    assert_eq!(charge(&run, "1").text(), "receipt 1", "output:\n{}", run.process.output());
    Ok(())
}
