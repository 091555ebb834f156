//! `layer-metrics` in the real runtimes, with a collector that takes its reports, and with those that do not.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::collector::{Collector, Mode, Point};
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::until;

integration::both![
    a_collector_is_sent_counts_durations_and_own_numbers,
    who_waits_for_a_reply_never_waits_for_the_report,
    sums_are_whole_when_a_collector_was_full_for_a_while,
    a_report_that_is_never_taken_is_counted_and_said,
];

fn measured(function: &str, collector: &Collector) -> Deployment {
    let deployment = Deployment::of(function).layer("metrics");
    collector.metrics().iter().fold(deployment, |all, (name, value)| all.env(name, value))
}

fn sum(points: &[Point], metric: &str, label: &str, value: &str) -> f64 {
    points.iter().filter(|point| point.metric == metric && point.label(label) == value).map(|point| point.value).sum()
}

/// Waits for a report that has this number of invocations that went well, and returns it.
fn reported(front: &Front, collector: &Collector, count: f64) -> Vec<Point> {
    let there = until("the report has come", &front.process(), || {
        let points = collector.points();
        (sum(&points, "faas.invocations", "outcome", "ok") >= count).then_some(points)
    });
    there.unwrap_or_else(|why| panic!("{why}: {:?}", collector.points()))
}

fn a_collector_is_sent_counts_durations_and_own_numbers(runtime: &Runtime) {
    for platform in ALL {
        let collector = Collector::start(Mode::Takes);
        let deployment = measured("orders", &collector).env("OTEL_SERVICE_NAME", "shop");
        let front = Front::start(platform, runtime, deployment, "orders");
        for _ in 0..3 {
            assert_eq!(front.call("POST", "/", &[], b"graz").status, 200, "{platform:?}");
        }
        let points = reported(&front, &collector, 3.0);
        assert!((sum(&points, "faas.invocations", "outcome", "ok") - 3.0).abs() < 0.5, "{platform:?}: {points:?}");
        assert!((sum(&points, "orders_total", "shop", "graz") - 3.0).abs() < 0.5, "{platform:?}: {points:?}");
        assert!((sum(&points, "faas.coldstarts", "", "") - 1.0).abs() < 0.5, "{platform:?}: {points:?}");
        let duration = points.iter().find(|point| point.metric == "faas.invoke_duration");
        let duration = duration.unwrap_or_else(|| panic!("{platform:?}: {points:?}"));
        assert_eq!((duration.unit.as_str(), duration.label("faas.trigger")), ("s", "http"), "{platform:?}");
        assert_eq!(duration.label("http.request.method"), "POST", "{platform:?}: {duration:?}");
        let resource = |wanted: &str| duration.resource.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        assert_eq!(resource("service.name").map(String::as_str), Some("shop"), "{platform:?}");
        assert!(resource("service.instance.id").is_some_and(|id| id.len() == 32), "{platform:?}: {duration:?}");
        if platform == Platform::Aws {
            front.said(&["\"_aws\"", "\"Invocations\":1"]);
        }
    }
}

fn who_waits_for_a_reply_never_waits_for_the_report(runtime: &Runtime) {
    for platform in [Platform::Http, Platform::Aws] {
        let collector = Collector::start(Mode::Holds);
        let deployment = measured("faulty", &collector).env("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000");
        let front = Front::start(platform, runtime, deployment, "faulty");
        // The answer is here, and the collector has not answered and will not until it may.
        assert_eq!(front.get("/", &[]).text(), "\"fine\"", "{platform:?}");
        let asked = until("the collector is asked", &front.process(), || (collector.requests() > 0).then_some(()));
        asked.unwrap_or_else(|why| panic!("{platform:?}: {why}"));
        if platform == Platform::Http {
            assert_eq!(front.get("/", &[]).text(), "\"fine\"", "others are served meanwhile");
        }
        collector.release();
        assert_eq!(front.get("/", &[]).text(), "\"fine\"", "{platform:?}: and the next is served");
    }
}

fn sums_are_whole_when_a_collector_was_full_for_a_while(runtime: &Runtime) {
    let collector = Collector::start(Mode::FullFor(3));
    let front = Front::start(Platform::Http, runtime, measured("faulty", &collector), "faulty");
    for _ in 0..20 {
        assert_eq!(front.get("/", &[]).text(), "\"fine\"");
    }
    let points = reported(&front, &collector, 20.0);
    assert!((sum(&points, "faas.invocations", "outcome", "ok") - 20.0).abs() < 0.5, "{points:?}");
    assert!(collector.requests() > 3, "it was full at first");
    assert!(!front.output().contains("were dropped"), "{}", front.output());
}

fn a_report_that_is_never_taken_is_counted_and_said(runtime: &Runtime) {
    let modes = [Mode::Answers(400), Mode::Answers(503), Mode::Garbage, Mode::HangsUp, Mode::CutsShort, Mode::Rejects];
    for mode in modes {
        let collector = Collector::start(mode);
        let run = OnHttp::start(runtime, measured("faulty", &collector), "faulty");
        for _ in 0..5 {
            assert_eq!(run.get("/").text(), "\"fine\"", "{mode:?}");
        }
        let asked = until("the collector is asked", &run.process, || (collector.requests() > 0).then_some(()));
        asked.unwrap_or_else(|why| panic!("{mode:?}: {why}"));
        assert_eq!(run.stop().code(), Some(0), "{mode:?}:\n{}", run.process.output());
        let output = run.process.output();
        assert!(output.contains("data points were dropped"), "{mode:?}:\n{output}");
    }
}
