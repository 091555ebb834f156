//! A layer that hangs, answers garbage or takes all memory, eight deep: the layers around it see the outcome, its
//! policy decides on that, and others are served.

use crate::fronts::{Front, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::kernel::Memory;
use integration::on_http::OnHttp;
use integration::wait::limit;

integration::both![
    garbage_of_a_required_layer_is_a_failure_that_the_layers_around_it_see,
    garbage_of_an_optional_layer_is_passed_over,
    a_layer_that_hangs_is_answered_in_its_place_and_others_are_served,
    a_layer_that_takes_all_memory_ends_the_process_and_answers_nothing_wrong,
];

const PAGE: &str = "https://a.example";
/// Seven layers that come with the runtimes; the errant one stands inside of them.
const AROUND: [&str; 7] = ["warmup", "monitor", "log", "metrics", "record", "cors", "limit"];
/// The ends of its that are no answer.
const GARBAGE: [&str; 4] = ["status", "failure", "after", "bytes"];

fn eight(errant: &str, how: &str) -> Deployment {
    let deployment = AROUND.iter().fold(Deployment::of("errant"), |all, name| all.layer(name)).layers(&[errant]);
    deployment
        .env("ERRANT", how)
        .env("FAAS_LAYER_CORS", r#"{"allowOrigins":["https://a.example"]}"#)
        .env("FAAS_LAYER_LIMIT", r#"{"rate":1000,"per":"1s"}"#)
}

fn call(front: &Front, body: &str) -> (u16, Option<String>, String) {
    let reply = front.call("POST", "/", &[("Origin", PAGE)], body.as_bytes());
    (reply.status, reply.header("access-control-allow-origin").map(str::to_owned), reply.text())
}

fn spared(front: &Front, how: &str) {
    let expected = (200, Some(PAGE.to_owned()), "spared".to_owned());
    assert_eq!(call(front, "spared"), expected, "{how}: {}", front.output());
}

fn garbage_of_a_required_layer_is_a_failure_that_the_layers_around_it_see(runtime: &Runtime) {
    for how in GARBAGE {
        let front = Front::start(Platform::Http, runtime, eight("errant", how), "errant");
        for _ in 0..3 {
            let (status, origin, text) = call(&front, "event");
            assert_eq!((status, origin.as_deref()), (500, Some(PAGE)), "{how}: {text}");
            assert!(text.chars().all(|character| !character.is_control() || character == '\n'), "{how}: {text:?}");
        }
        front.said(&[r#""faas":"invocation""#, r#""outcome":"error""#, r#""error":""#]);
        front.said(&[r#""function_request_id""#, r#""outcome":"error""#]);
        front.said(&[r#""faas":"recording""#]);
        spared(&front, how);
    }
}

fn garbage_of_an_optional_layer_is_passed_over(runtime: &Runtime) {
    for how in GARBAGE {
        let front = Front::start(Platform::Http, runtime, eight("errant?", how), "errant");
        for _ in 0..3 {
            assert_eq!(call(&front, "event"), (200, Some(PAGE.to_owned()), "event".to_owned()), "{how}");
        }
        front.process().wait_for_line(|line| line.contains("layer errant failed in"), limit()).expect("it is said");
        front.said(&[r#""faas":"invocation""#, r#""outcome":"ok""#]);
        spared(&front, how);
    }
}

fn a_layer_that_hangs_is_answered_in_its_place_and_others_are_served(runtime: &Runtime) {
    // A running layer cannot be passed over, so an optional one is no other case.
    for layer in ["errant", "errant?"] {
        for how in ["hang", "pending"] {
            let deployment = eight(layer, how).env("FAAS_TIMEOUT", "1s");
            let front = Front::start(Platform::Http, runtime, deployment, "errant");
            spared(&front, how);
            for _ in 0..2 {
                assert_eq!(call(&front, "event").0, 504, "{layer} {how}: {}", front.output());
                spared(&front, how);
            }
            front.process().wait_for_line(|line| line.contains("Function.TimedOut"), limit()).expect("it is said");
        }
    }
}

fn a_layer_that_takes_all_memory_ends_the_process_and_answers_nothing_wrong(runtime: &Runtime) {
    for layer in ["errant", "errant?"] {
        let memory = Memory::limit(256 << 20);
        let wrapper = memory.wrapper();
        let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
        let start = || OnHttp::start_under(&wrapper, runtime, eight(layer, "hoard"), "errant");
        let run = start();
        assert_eq!(run.call("POST", "/", "", b"spared").text(), "spared");
        let mut client = run.client();
        let reply = client.call("POST", "/", "", b"event");
        assert!(reply.is_err(), "{layer}: {reply:?}");
        let status = run.process.wait(limit()).unwrap_or_else(|late| panic!("{layer}: {late}"));
        assert!(!status.success(), "{layer}: {status}");
        // A fresh process serves.
        assert_eq!(start().call("POST", "/", "", b"spared").text(), "spared", "{layer}");
    }
}
