//! The context that layers and functions further in see, through the layer's real table. The integration tests show
//! where spans go.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::abi::services::FUNCTION_SPAN;
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{FaasContext, abi, function};
use layer_trace::Trace;

/// Returns the context, and its headers for W3C, B3 and X-Ray.
#[function]
fn told(ctx: FaasContext) -> String {
    let header = |name| ctx.http().and_then(|http| http.header(name)).unwrap_or("-").to_owned();
    let own = ctx.traceparent().unwrap_or("-").to_owned();
    [own, header("traceparent"), header("b3"), header("x-amzn-trace-id")].join("\n")
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn app(config: &str) -> App {
    // Nobody listens there, so all that is sent is dropped.
    let endpoint = r#""endpoint":"http://127.0.0.1:9/v1/traces""#;
    let config = if config.is_empty() { format!("{{{endpoint}}}") } else { format!("{{{endpoint},{config}}}") };
    App::builder().configured(Trace::MODULE, &config).module(told::MODULE).start().expect("starts")
}

fn lines(app: &App, call: Invoke) -> Vec<String> {
    app.invoke(call).text().lines().map(str::to_owned).collect()
}

/// Returns trace, span and flags.
fn parts(traceparent: &str) -> (String, String, String) {
    let parts: Vec<&str> = traceparent.split('-').collect();
    assert_eq!((parts.len(), parts[0]), (4, "00"), "{traceparent}");
    (parts[1].to_owned(), parts[2].to_owned(), parts[3].to_owned())
}

#[test]
fn a_callers_trace_goes_on_in_a_span_of_ones_own() {
    let app = app("");
    let xray = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";
    for (name, value) in [
        ("traceparent", format!("00-{TRACE}-{SPAN}-01")),
        ("b3", format!("{TRACE}-{SPAN}-1")),
        ("X-Amzn-Trace-Id", xray.to_owned()),
    ] {
        let lines = lines(&app, Invoke::http("GET", "/").header(name, &value));
        let (trace, span, flags) = parts(&lines[0]);
        assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"), "{name}");
        assert_ne!(span, SPAN, "{name}");
        assert_eq!(lines[1], lines[0], "the header is that of the context: {name}");
    }
    let apart =
        Invoke::http("GET", "/").header("X-B3-TraceId", TRACE).header("X-B3-SpanId", SPAN).header("X-B3-Sampled", "1");
    assert_eq!(parts(&lines(&app, apart)[0]).0, TRACE);
    let of_event = lines(&app, Invoke::event("{}").meta(abi::META_TRACEPARENT, &format!("00-{TRACE}-{SPAN}-00")));
    assert_eq!(
        (parts(&of_event[0]).0.as_str(), parts(&of_event[0]).2.as_str()),
        (TRACE, "00"),
        "the caller has decided"
    );
}

#[test]
fn without_a_caller_a_trace_begins_and_each_is_its_own() {
    let app = app("");
    let traces: Vec<_> = (0..3).map(|_| parts(&lines(&app, Invoke::http("GET", "/"))[0])).collect();
    assert!(traces.iter().all(|(trace, _, flags)| trace != &"0".repeat(32) && flags == "01"), "{traces:?}");
    assert!(traces[0].0 != traces[1].0 && traces[1].0 != traces[2].0);
    let broken = lines(&app, Invoke::http("GET", "/").header("traceparent", "00-0-0-01"));
    assert_ne!(parts(&broken[0]).0, "0", "what is none is no caller's");
}

#[test]
fn the_context_goes_on_in_the_forms_that_are_chosen() {
    let app = app(r#""propagators":["b3","xray"],"sampleRate":0"#);
    let lines = lines(&app, Invoke::http("GET", "/"));
    let (trace, span, flags) = parts(&lines[0]);
    assert_eq!((flags.as_str(), lines[1].as_str()), ("00", "-"));
    assert_eq!(lines[2], format!("{trace}-{span}-0"));
    assert_eq!(lines[3], format!("Root=1-{}-{};Parent={span};Sampled=0", &trace[..8], &trace[8..]));
}

#[test]
fn the_caller_decides_unless_it_may_not() {
    let unsampled = || Invoke::http("GET", "/").header("traceparent", &format!("00-{TRACE}-{SPAN}-00"));
    let sampled = || Invoke::http("GET", "/").header("traceparent", &format!("00-{TRACE}-{SPAN}-01"));
    let flags = |app: &App, call| parts(&lines(app, call)[0]).2;
    let never = app(r#""sampleRate":0"#);
    assert_eq!((flags(&never, sampled()), flags(&never, unsampled())), ("01".to_owned(), "00".to_owned()));
    let own = app(r#""sampleRate":1,"parentBased":false"#);
    assert_eq!((flags(&own, sampled()), flags(&own, unsampled())), ("01".to_owned(), "01".to_owned()));
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    let start = |config: &str, variables: &[(&str, &str)]| {
        let app = App::builder().configured(Trace::MODULE, config).module(told::MODULE);
        variables.iter().fold(app, |app, (name, value)| app.config(name, value)).start().map(drop)
    };
    for (config, why) in [
        (
            r#"{"endpoint":"otel:4318"}"#,
            r#"endpoint: expected a URL such as http://localhost:4318/v1/traces, found "otel:4318""#,
        ),
        (r#"{"endpoint":"https://otel"}"#, "endpoint: expected a URL with http://: this layer has no TLS"),
        (r#"{"sampleRate":1.5}"#, "sampleRate: expected a share from 0 to 1, found 1.5"),
        (
            r#"{"propagators":["jaeger"]}"#,
            "propagators[0]: unknown variant `jaeger`, expected one of `w3c`, `b3`, `xray`",
        ),
        (r#"{"timeout":0}"#, "timeout: expected a time over zero, found 0"),
        (r#"{"maxBatch":4096}"#, "maxBatch: expected a number over zero and up to maxQueue, 2048, found 4096"),
        (r#"{"headers":{"a":"b\nc"}}"#, "headers: expected names and values of one line"),
        (r#"{"url":"x"}"#, "unknown field `url`, expected one of `endpoint`"),
    ] {
        let found = start(config, &[]).expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
    for (name, value, why) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel", r#"OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as"#),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote", "OTEL_TRACES_SAMPLER: expected always_on, always_off or traceidratio"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2s", "OTEL_EXPORTER_OTLP_TIMEOUT: expected milliseconds, like 2000"),
    ] {
        let found = start("{}", &[(name, value)]).expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
        let own = r#"{"endpoint":"http://a/","timeout":1}"#;
        assert_eq!(
            start(own, &[(name, value)]).is_ok(),
            name != "OTEL_TRACES_SAMPLER",
            "what is said here goes before"
        );
    }
}

/// Returns the context that the function's own spans stand below, or `-`.
#[function]
fn below(ctx: FaasContext) -> String {
    ctx.extension(FUNCTION_SPAN).unwrap_or("-").to_owned()
}

#[test]
fn the_function_is_told_the_span_of_its_own_call_where_there_is_one() {
    let endpoint = r#""endpoint":"http://127.0.0.1:9/v1/traces""#;
    let told = |more: &str| {
        let config = format!("{{{endpoint}{more}}}");
        let app = App::builder().configured(Trace::MODULE, &config).module(below::MODULE).start().expect("starts");
        lines(&app, Invoke::event("{}").meta(abi::META_TRACEPARENT, &format!("00-{TRACE}-{SPAN}-01"))).join("")
    };
    let (trace, span, flags) = parts(&told(""));
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"));
    assert_ne!(span, SPAN);
    assert_eq!(told(r#","layers":false"#), "-", "the invocation's is the only one");
    assert_eq!(told(r#","parentBased":false,"sampleRate":0"#), "-", "it is not sampled");
}
