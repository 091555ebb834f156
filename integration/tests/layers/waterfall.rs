//! The layers that observe, together in one process: an invocation is one waterfall of spans, and its log lines, spans
//! and metrics carry the same ids.

use crate::fronts::{ALL, Front};
use integration::artifacts::Runtime;
use integration::collector::{Collector, Mode, Span};
use integration::deployment::Deployment;
use integration::wait::until;
use serde_json::Value;

integration::both![an_invocation_is_one_waterfall_with_the_same_ids_in_lines_spans_and_metrics];

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn looked_at(collector: &Collector) -> Deployment {
    let layers = ["monitor", "log", "metrics", "trace", "cors", "record"];
    let deployment = layers.iter().fold(Deployment::of("faulty"), |all, name| all.layer(name));
    let deployment = collector.metrics().iter().fold(deployment, |all, (name, value)| all.env(name, value));
    deployment
        .env("FAAS_LAYER_CORS", r#"{"allowOrigins":["https://a.example"]}"#)
        .env("FAAS_LAYER_TRACE", &collector.config(r#""flush":"reply""#))
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not among {spans:#?}"))
}

fn read(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
}

fn an_invocation_is_one_waterfall_with_the_same_ids_in_lines_spans_and_metrics(runtime: &Runtime) {
    for platform in ALL {
        let collector = Collector::start(Mode::Takes);
        let front = Front::start(platform, runtime, looked_at(&collector), "faulty");
        let caller = format!("00-{TRACE}-{CALLER}-01");
        let headers = [("traceparent", caller.as_str()), ("Origin", "https://a.example")];
        assert_eq!(front.get("/?do=nothing", &headers).status, 200, "{platform:?}");

        // The writing of the reply is told last.
        let there = until("the waterfall has come", &front.process(), || {
            let spans = collector.spans();
            spans.iter().any(|span| span.name == "reply").then_some(spans)
        });
        let spans = there.unwrap_or_else(|why| panic!("{platform:?}: {why}: {:#?}", collector.spans()));
        let served = spans.iter().find(|span| span.kind == 2).expect("a span of the invocation");
        assert_eq!((&*served.trace, &*served.parent), (TRACE, CALLER), "{platform:?}");
        for span in spans.iter().filter(|span| span.kind == 1) {
            assert_eq!((&span.trace, &span.parent), (&served.trace, &served.id), "{platform:?}: {span:?}");
            assert!(span.start <= span.end, "{platform:?}: {span:?}");
        }

        // The order is the start, then inward, the function, outward, the reply: each begins after the one before it
        // has ended.
        let function = served.attribute("faas.name").to_owned();
        let steps = [
            "trace before",
            "cors before",
            &function,
            "cors head",
            "trace head",
            "record after",
            "trace after",
            "metrics after",
            "log after",
            "monitor after",
            "reply",
        ];
        let steps: Vec<&Span> = steps
            .iter()
            .map(|step| {
                spans
                    .iter()
                    .find(|span| span.name == **step && !span.attribute("faas.hook").is_empty())
                    .unwrap_or_else(|| panic!("{platform:?}: {step} is not among {spans:#?}"))
            })
            .collect();
        for (one, next) in steps.iter().zip(&steps[1..]) {
            assert!(one.end <= next.start, "{platform:?}: {one:?} and {next:?}");
        }
        assert!(served.start <= steps[0].start && steps[5].end <= served.end, "{platform:?}: {spans:#?}");
        assert_eq!(named(&spans, "cors head").attribute("faas.layer"), "cors", "{platform:?}");
        assert!(named(&spans, "RuntimeStart").end <= named(&spans, "FunctionStart").start, "{platform:?}");
        assert_eq!(served.attribute("faas.coldstart"), "1", "{platform:?}");

        // The same ids in both lines and in the metrics.
        let request = served.attribute("faas.invocation_id");
        let log = read(&front.said(&[r#""function_request_id""#]));
        assert_eq!(
            (&log["function_request_id"], &log["xray_trace_id"]),
            (&request.into(), &TRACE.into()),
            "{platform:?}"
        );
        let monitor = read(&front.said(&[r#""faas":"invocation""#]));
        assert_eq!((&monitor["requestId"], &monitor["traceId"]), (&request.into(), &TRACE.into()), "{platform:?}");
        let example = until("a series has its example", &front.process(), || {
            collector.all_points().into_iter().find_map(|point| point.example)
        });
        let example = example.unwrap_or_else(|why| panic!("{platform:?}: {why}"));
        assert_eq!((example.0.as_str(), &example.1), (TRACE, &served.id), "{platform:?}");
    }
}
