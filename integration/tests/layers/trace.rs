//! `layer-trace` in the real runtimes, with a collector that takes spans, and with those that do not.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::collector::{Collector, Mode, Span};
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::until;
use platform_emulators::aws_lambda::Options;
use serde_json::{Value, json};

integration::both![
    an_invocation_is_a_span_of_its_callers_trace,
    who_waits_for_a_reply_never_waits_for_the_collector,
    what_a_collector_does_not_take_is_counted_and_said,
    what_is_left_is_sent_when_the_process_ends,
    spans_are_out_before_the_platform_freezes_the_process,
    a_caller_that_does_not_sample_is_heeded,
    each_record_of_a_batch_is_a_span,
    spans_of_the_functions_own_stand_below_its_span,
    spans_of_invocations_at_once_stay_in_their_traces,
    without_a_layer_that_takes_spans_a_function_with_spans_is_the_same,
];

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn traced(function: &str, config: &str) -> Deployment {
    Deployment::of(function).layer("trace").env("FAAS_LAYER_TRACE", config)
}

fn caller(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

/// Returns the spans, once there are `count` of them.
fn collected(front: &Front, collector: &Collector, count: usize) -> Vec<Span> {
    let there = until("the spans have come", &front.process(), || {
        let spans = collector.spans();
        (spans.len() >= count).then_some(spans)
    });
    there.unwrap_or_else(|why| panic!("{why}"))
}

fn an_invocation_is_a_span_of_its_callers_trace(runtime: &Runtime) {
    for platform in ALL {
        let collector = Collector::start(Mode::Takes);
        let config = collector.config(r#""flush":"reply","serviceName":"shop","attributes":{"team":"a"}"#);
        let front = Front::start(platform, runtime, traced("inspect", &config), "inspect");
        let headers = [("traceparent", &*caller("01")), ("tracestate", "vendor=1"), ("User-Agent", "test/1")];
        let seen = Inspected::read(&front.get("/orders/7?secret=1", &headers).body);
        let spans = collected(&front, &collector, 3);
        let span = spans.iter().find(|span| span.kind == 2).unwrap_or_else(|| panic!("{platform:?}: {spans:?}"));
        assert_eq!((&*span.trace, &*span.parent, &*span.state), (TRACE, SPAN, "vendor=1"), "{platform:?}");
        assert_eq!(seen.0["trace"]["traceparent"], format!("00-{TRACE}-{}-01", span.id), "{platform:?}");
        assert_eq!((&*span.name, span.status), ("GET", 0), "{platform:?}");
        assert!(span.start > 0 && span.end >= span.start, "{platform:?}: {span:?}");
        for (name, value) in [
            ("service.name", "shop"),
            ("team", "a"),
            ("faas.name", seen.text("function")),
            ("faas.trigger", "http"),
            ("faas.coldstart", "1"),
            ("http.request.method", "GET"),
            ("url.path", "/orders/7"),
            ("http.response.status_code", "200"),
            ("user_agent.original", "test/1"),
        ] {
            assert_eq!(span.attribute(name), value, "{platform:?}, {name}: {span:?}");
        }
        assert!(!format!("{spans:?}").contains("secret"), "{spans:?}");
        for phase in ["RuntimeStart", "FunctionStart"] {
            let of_phase =
                spans.iter().find(|span| span.name == phase).unwrap_or_else(|| panic!("{platform:?}: {spans:?}"));
            assert_eq!((&of_phase.parent, &*of_phase.trace), (&span.id, TRACE), "{platform:?}: {phase}");
        }
    }
}

fn who_waits_for_a_reply_never_waits_for_the_collector(runtime: &Runtime) {
    for platform in [Platform::Http, Platform::Aws] {
        let collector = Collector::start(Mode::Holds);
        let config = collector.config(r#""flush":"reply","timeout":"1h""#);
        let front = Front::start(platform, runtime, traced("faulty", &config), "faulty");
        // The answer is here, and the collector has not answered and will not until it may.
        assert_eq!(front.get("/", &[]).text(), "\"fine\"", "{platform:?}");
        let asked = until("the collector is asked", &front.process(), || (collector.requests() > 0).then_some(()));
        asked.unwrap_or_else(|why| panic!("{platform:?}: {why}"));
        collector.release();
        assert_eq!(front.get("/", &[]).text(), "\"fine\"", "{platform:?}: and the next is served");
    }
}

fn what_a_collector_does_not_take_is_counted_and_said(runtime: &Runtime) {
    let modes = [Mode::Answers(400), Mode::Answers(503), Mode::Garbage, Mode::HangsUp, Mode::CutsShort, Mode::Rejects];
    for mode in modes.into_iter().map(Some).chain([None]) {
        // `None` means that nobody listens where it should be.
        let collector = Collector::start(mode.unwrap_or(Mode::Takes));
        let own = r#""maxQueue":4,"maxBatch":2,"interval":"10ms","timeout":"2s""#;
        let config = match mode {
            Some(_) => collector.config(own),
            None => format!(r#"{{"endpoint":"http://127.0.0.1:{}/",{own}}}"#, platform_emulators::ports::free_port()),
        };
        let run = OnHttp::start(runtime, traced("faulty", &config), "faulty");
        for _ in 0..10 {
            assert_eq!(run.get("/").text(), "\"fine\"", "{mode:?}");
        }
        if mode.is_some() {
            let asked = until("the collector is asked", &run.process, || (collector.requests() > 0).then_some(()));
            asked.unwrap_or_else(|why| panic!("{mode:?}: {why}"));
        }
        assert_eq!(run.stop().code(), Some(0), "{mode:?}:\n{}", run.process.output());
        let output = run.process.output();
        assert!(output.contains("spans were dropped"), "{mode:?}:\n{output}");
    }
}

fn what_is_left_is_sent_when_the_process_ends(runtime: &Runtime) {
    let collector = Collector::start(Mode::Takes);
    let run = OnHttp::start(runtime, traced("faulty", &collector.config(r#""interval":"1h""#)), "faulty");
    run.get("/");
    assert_eq!(run.call("GET", "/?do=panic", "", b"").status, 500);
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    let spans: Vec<Span> = collector.spans().into_iter().filter(|span| span.kind == 2).collect();
    let ended: Vec<_> = spans.iter().map(|span| (span.status, span.attribute("error.type"))).collect();
    assert_eq!(ended, [(0, ""), (2, "Panic")], "{spans:?}");
}

fn spans_are_out_before_the_platform_freezes_the_process(runtime: &Runtime) {
    let collector = Collector::start(Mode::Takes);
    let deployment = traced("faulty", &collector.config(r#""interval":"1h""#));
    let run = OnAws::launch(runtime, deployment, "faulty", Options::default()).polling();
    for number in 1..4 {
        let xray = format!("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent={SPAN};Sampled=1");
        let event = platform_emulators::aws_lambda::Event {
            trace_id: Some(xray),
            ..platform_emulators::aws_lambda::Event::from("{}")
        };
        run.call(event);
        let polls = run.aws.wait_for(|now| now.parked > 0, integration::wait::limit());
        polls.unwrap_or_else(|late| panic!("{late:?}; output:\n{}", run.process.output()));
        // It polls again, so all its lines have been written.
        let spans = collector.spans();
        let served: Vec<&Span> = spans.iter().filter(|span| span.kind == 2).collect();
        assert_eq!(served.len(), number, "{spans:?}");
        assert_eq!((&*served[number - 1].trace, &*served[number - 1].parent), (TRACE, SPAN));
        assert_eq!(served[number - 1].attribute("cloud.platform"), "aws_lambda");
    }
    run.assert_clean();
}

fn a_caller_that_does_not_sample_is_heeded(runtime: &Runtime) {
    let collector = Collector::start(Mode::Takes);
    let config = collector.config(r#""flush":"reply","sampleRate":0"#);
    let front = Front::start(Platform::Http, runtime, traced("inspect", &config), "inspect");
    let call = |flags: &str| Inspected::read(&front.get("/", &[("traceparent", &caller(flags))]).body);
    let unsampled = call("00");
    let handed = unsampled.0["trace"]["traceparent"].as_str().expect("a context").to_owned();
    assert!(handed.starts_with(&format!("00-{TRACE}-")) && handed.ends_with("-00"), "{handed}");
    front.get("/", &[]);
    call("01");
    let spans = collected(&front, &collector, 1);
    let served: Vec<&str> = spans.iter().filter(|span| span.kind == 2).map(|span| &*span.parent).collect();
    assert_eq!(served, [SPAN], "one of three is sampled");
}

fn each_record_of_a_batch_is_a_span(runtime: &Runtime) {
    let collector = Collector::start(Mode::Takes);
    let deployment = traced("records", &collector.config(""));
    let run = OnAws::launch(runtime, deployment, "records.plain", Options::default()).polling();
    let message = |id: &str, body: &str| json!({"eventSource": "aws:sqs", "messageId": id, "body": body});
    let batch = json!({"Records": [message("m1", "7"), message("m2", "bad")]});
    let failed: Value = serde_json::from_slice(&run.call(&*batch.to_string()).body).expect("JSON");
    assert_eq!(failed["batchItemFailures"][0]["itemIdentifier"], "m2");
    let polls = run.aws.wait_for(|now| now.parked > 0, integration::wait::limit());
    polls.unwrap_or_else(|late| panic!("{late:?}; output:\n{}", run.process.output()));
    let spans = collector.spans();
    let of = |id: &str| spans.iter().find(|span| span.attribute("messaging.message.id") == id);
    let batch = spans.iter().find(|span| span.attribute("faas.trigger") == "pubsub").expect("a span of the batch");
    for (id, status) in [("m1", 0), ("m2", 2)] {
        let span = of(id).unwrap_or_else(|| panic!("{id}: {spans:?}"));
        assert_eq!((span.kind, span.status, &span.trace, &span.parent), (5, status, &batch.trace, &batch.id), "{id}");
    }
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not among {spans:#?}"))
}

fn spans_of_the_functions_own_stand_below_its_span(runtime: &Runtime) {
    for platform in ALL {
        let collector = Collector::start(Mode::Takes);
        let front =
            Front::start(platform, runtime, traced("traced", &collector.config(r#""flush":"reply""#)), "traced");
        let caller = caller("01");
        let headers = [("traceparent", caller.as_str())];
        assert_eq!(front.get("/orders/tea", &headers).text(), "tea costs 21", "{platform:?}");
        let there = until("the reply's span has come", &front.process(), || {
            let spans = collector.spans();
            spans.iter().any(|span| span.name == "reply").then_some(spans)
        });
        let spans = there.unwrap_or_else(|why| panic!("{platform:?}: {why}: {:#?}", collector.spans()));
        let function = spans.iter().find(|span| span.attribute("faas.hook") == "invoke").expect("the function's span");
        let served = spans.iter().find(|span| span.kind == 2).expect("the invocation's span");
        let [count, price, ask] = ["count", "price", "ask the shop"].map(|name| named(&spans, name));
        for (span, parent) in [(function, served), (count, function), (price, function), (ask, price)] {
            assert_eq!((&*span.trace, &span.parent), (TRACE, &parent.id), "{platform:?}: {span:#?}");
            assert!(parent.start <= span.start && span.end <= parent.end, "{platform:?}: {span:#?} in {parent:#?}");
        }
        assert!(count.end <= price.start, "{platform:?}: {count:#?} and {price:#?}");
        let of_price = ["order", "price", "password"].map(|name| price.attribute(name));
        assert_eq!(of_price, ["tea", "21", "*****"], "{platform:?}");
        assert_eq!((count.attribute("order"), ask.attribute("pieces")), ("tea", "3"), "{platform:?}");
        assert_eq!((&*price.events, price.status), (&["priced".to_owned()][..], 0), "{platform:?}");

        // API Gateway makes a 502 of a failure.
        assert!(front.get("/orders/tea?fail=1", &headers).status >= 500, "{platform:?}");
        let there = until("the failure has come", &front.process(), || {
            collector.spans().into_iter().find(|span| span.name == "price" && span.status == 2)
        });
        there.unwrap_or_else(|why| panic!("{platform:?}: {why}: {:#?}", collector.spans()));
    }
}

fn spans_of_invocations_at_once_stay_in_their_traces(runtime: &Runtime) {
    let collector = Collector::start(Mode::Takes);
    let run = OnHttp::start(runtime, traced("traced", &collector.config(r#""interval":"1h""#)), "traced");
    for reply in run.at_once(4, "GET", "/orders/milk?at-once=4", b"") {
        assert_eq!(reply.text(), "milk costs 28");
    }
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    let spans = collector.spans();
    let served: Vec<&Span> = spans.iter().filter(|span| span.kind == 2).collect();
    assert_eq!(served.len(), 4, "{spans:#?}");
    for served in served {
        let own: Vec<&Span> = spans.iter().filter(|span| span.trace == served.trace).collect();
        let function = own.iter().find(|span| span.attribute("faas.hook") == "invoke").expect("the function's span");
        for (name, parent) in [("count", &function.name), ("price", &function.name), ("ask the shop", &"price".into())]
        {
            let of_name: Vec<_> = own.iter().filter(|span| span.name == name).collect();
            assert_eq!(of_name.len(), 1, "{name}: {own:#?}");
            let of_parent = own.iter().find(|span| span.id == of_name[0].parent).map(|span| &span.name);
            assert_eq!(of_parent, Some(parent), "{name}: {own:#?}");
        }
    }
}

fn without_a_layer_that_takes_spans_a_function_with_spans_is_the_same(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("traced"), "traced");
    assert_eq!(run.get("/orders/tea").text(), "tea costs 21");
    assert_eq!(run.get("/orders/tea?fail=1").status, 500);
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
}
