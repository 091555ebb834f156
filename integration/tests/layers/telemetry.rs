//! All layers that tell of invocations, whatever happens to the process and the collector: callers get the same
//! replies, nobody waits for the collector, and dropped items are counted and told.

use crate::fronts::{Front, Platform};
use integration::artifacts::Runtime;
use integration::collector::{Collector, Mode};
use integration::deployment::Deployment;
use integration::kernel::{freeze, thaw};
use integration::on_http::OnHttp;
use integration::wait::{limit, until};
use platform_emulators::ports::free_port;
use platform_emulators::process::Signal;

integration::both![
    what_a_freeze_right_after_the_reply_interrupts_is_sent_after_the_thaw,
    what_waits_when_the_process_is_told_to_stop_is_sent,
    no_collector_changes_a_reply_or_holds_one_up,
    what_a_collector_that_is_down_misses_is_counted_exactly,
];

/// Returns the layers that tell of invocations, with more of the configuration of `trace`.
fn telling(collector: &Collector, more: &str) -> Deployment {
    let deployment =
        ["monitor", "log", "metrics", "trace"].iter().fold(Deployment::of("faulty"), |all, name| all.layer(name));
    let deployment = collector.metrics().iter().fold(deployment, |all, (name, value)| all.env(name, value));
    deployment.env("FAAS_LAYER_TRACE", &collector.config(more))
}

/// Returns how many invocations the collector has been told of, by spans and by metrics.
fn told(collector: &Collector) -> (usize, f64) {
    let spans = collector.spans().iter().filter(|span| span.kind == 2).count();
    let counts = collector.points().into_iter().filter(|point| point.metric == "faas.invocations");
    (spans, counts.map(|point| point.value).sum())
}

fn until_told(front: &Front, collector: &Collector, count: u32) {
    let there = until("the collector is told", &front.process(), || {
        let (spans, points) = told(collector);
        (spans >= count as usize && points >= f64::from(count)).then_some(())
    });
    there.unwrap_or_else(|why| panic!("{why}: {:?}", told(collector)));
}

fn what_a_freeze_right_after_the_reply_interrupts_is_sent_after_the_thaw(runtime: &Runtime) {
    for platform in [Platform::Http, Platform::Aws] {
        for mode in [Mode::Takes, Mode::Holds] {
            let collector = Collector::start(mode);
            let front = Front::start(platform, runtime, telling(&collector, r#""interval":"10ms""#), "faulty");
            for count in 1..=3 {
                assert_eq!(front.get("/", &[]).text(), "\"fine\"", "{platform:?}, {mode:?}");
                freeze(&front.process());
                // The requests it had begun to send may be answered while it cannot look.
                collector.release();
                thaw(&front.process());
                until_told(&front, &collector, count);
            }
            assert!(!front.output().contains("were dropped"), "{platform:?}, {mode:?}: {}", front.output());
        }
    }
}

fn what_waits_when_the_process_is_told_to_stop_is_sent(runtime: &Runtime) {
    for platform in [Platform::Http, Platform::Aws, Platform::Google] {
        let collector = Collector::start(Mode::Takes);
        let deployment = telling(&collector, r#""interval":"1h""#).env("OTEL_METRIC_EXPORT_INTERVAL", "3600000");
        let front = Front::start(platform, runtime, deployment, "faulty");
        for _ in 0..3 {
            assert_eq!(front.get("/", &[]).text(), "\"fine\"", "{platform:?}");
        }
        front.process().signal(Signal::Term).expect("the signal is sent");
        let status = front.process().wait(limit()).unwrap_or_else(|late| panic!("{platform:?}: {late}"));
        assert_eq!(status.code(), Some(0), "{platform:?}: {}", front.output());
        let (spans, points) = told(&collector);
        assert_eq!(spans, 3, "{platform:?}: {:?}", collector.spans());
        assert!((points - 3.0).abs() < 0.5, "{platform:?}: {:?}", collector.points());
        assert!(!front.output().contains("were dropped"), "{platform:?}: {}", front.output());
    }
}

fn no_collector_changes_a_reply_or_holds_one_up(runtime: &Runtime) {
    let modes = [
        Mode::Takes,
        Mode::Answers(429),
        Mode::Answers(500),
        Mode::Answers(503),
        Mode::Garbage,
        Mode::CutsShort,
        Mode::HangsUp,
        // It answers when it is released, which it never is: any answer here has not waited for it.
        Mode::Holds,
    ];
    for mode in modes {
        let collector = Collector::start(mode);
        let deployment = telling(&collector, r#""flush":"reply""#);
        let run = OnHttp::start(runtime, deployment, "faulty");
        for replies in run.at_once(4, "GET", "/?do=reply&bytes=1000", b"").iter().zip(1..) {
            let (reply, number) = replies;
            assert_eq!((reply.status, reply.body.len()), (200, 1000), "{mode:?}, {number}");
        }
        for _ in 0..10 {
            assert_eq!(run.get("/").text(), "\"fine\"", "{mode:?}");
            assert_eq!(run.get("/?do=error&status=409").status, 409, "{mode:?}");
            assert_eq!(run.get("/?do=panic").status, 500, "{mode:?}");
        }
        let asked = until("the collector is asked", &run.process, || (collector.requests() > 0).then_some(()));
        asked.unwrap_or_else(|why| panic!("{mode:?}: {why}"));
        // Every invocation has its lines, whatever the collector does.
        for line in [r#""faas":"invocation""#, r#""function_request_id""#] {
            let all = until("each invocation has its line", &run.process, || {
                let lines = run.process.lines().iter().filter(|said| said.text.contains(line)).count();
                (lines == 34).then_some(())
            });
            all.unwrap_or_else(|why| panic!("{mode:?}: {why}"));
        }
        assert_eq!(run.stop().code(), Some(0), "{mode:?}: {}", run.process.output());
        let said = run.process.output();
        assert_eq!(said.contains("spans were dropped"), mode != Mode::Takes, "{mode:?}: {said}");
    }
}

fn what_a_collector_that_is_down_misses_is_counted_exactly(runtime: &Runtime) {
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let trace = format!(r#"{{"endpoint":"{nowhere}/v1/traces","layers":false,"interval":"1h"}}"#);
    let deployment = Deployment::of("faulty").layer("metrics").layer("trace").env("FAAS_LAYER_TRACE", &trace);
    let deployment = deployment
        .env("OTEL_METRICS_EXPORTER", "otlp")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &nowhere)
        .env("OTEL_METRIC_EXPORT_INTERVAL", "3600000");
    let run = OnHttp::start(runtime, deployment, "faulty");
    for _ in 0..7 {
        assert_eq!(run.get("/").text(), "\"fine\"");
    }
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    let said = run.process.output();
    let lines = |word: &str| said.lines().filter(|line| line.contains(word)).map(str::to_owned).collect::<Vec<_>>();
    // Seven invocations and two phases of the start; of one series a count and a histogram, cold starts and those in
    // progress.
    for (word, dropped) in [("spans were dropped", "dropped=9"), ("data points were dropped", "dropped=4")] {
        let lines = lines(word);
        assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].ends_with(dropped), "{dropped}: {said}");
    }
}
