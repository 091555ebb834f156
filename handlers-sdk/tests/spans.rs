//! Spans of `tracing` reach the layer that takes them, below the span of the function whose call they are in.
#![forbid(unsafe_code)]
#![cfg(feature = "tracing")]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::abi::META_TRACEPARENT;
use handlers_sdk::abi::services::FUNCTION_SPAN;
use handlers_sdk::telemetry::{GatherSpans, Labels, SpanEnd};
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Config, Error, FaasContext, Flow, Invocation, Layer, function, layer};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use tracing::{Instrument, info_span};

/// A span as it was told of; its number is its place, from 1.
#[derive(Clone, Debug, Default)]
struct Told {
    parent: String,
    name: String,
    attributes: Vec<(String, String)>,
    events: Vec<String>,
    end: Option<SpanEnd>,
}

#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Told>>);

fn pairs(labels: Labels<'_>) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Returns the context of a span by its number.
fn context(number: u64) -> String {
    format!("00-{:032x}-{number:016x}-01", 7)
}

impl Kept {
    fn change(&self, span: u64, change: impl FnOnce(&mut Told)) {
        let index = usize::try_from(span).expect("a small number").checked_sub(1).expect("a span that was begun");
        change(&mut self.0.lock().expect("no thread panics with it")[index]);
    }
}

impl GatherSpans for Kept {
    fn begin(&self, parent: &str, name: &str, attributes: Labels<'_>) -> u64 {
        let mut all = self.0.lock().expect("no thread panics with it");
        let (parent, name, attributes) = (parent.to_owned(), name.to_owned(), pairs(attributes));
        all.push(Told { parent, name, attributes, ..Told::default() });
        all.len() as u64
    }

    fn context(&self, span: u64) -> Option<String> {
        Some(context(span))
    }

    fn event(&self, span: u64, name: &str, attributes: Labels<'_>) {
        self.change(span, |told| told.events.push(format!("{name} {:?}", pairs(attributes))));
    }

    fn end(&self, span: u64, end: SpanEnd, attributes: Labels<'_>) {
        self.change(span, |told| {
            told.end = Some(end);
            told.attributes.extend(pairs(attributes));
        });
    }
}

/// The spans that all tests of this process tell of: each test looks for its own invocation.
static KEPT: Mutex<Option<Arc<Kept>>> = Mutex::new(None);

fn told() -> Vec<Told> {
    let kept = KEPT.lock().expect("no thread panics with it").clone().expect("the layer is there");
    kept.0.lock().expect("no thread panics with it").clone()
}

/// Takes spans. The body of an invocation is the number that its span and, one higher, its function's have.
struct Takes;

#[layer(name = "takes")]
impl Layer for Takes {
    fn create(config: &Config) -> Result<Self, Error> {
        let kept = KEPT.lock().expect("no thread panics with it").get_or_insert_default().clone();
        config.offer_spans(kept)?;
        Ok(Takes)
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let number: u64 = String::from_utf8_lossy(invocation.body()).trim_matches('"').parse().expect("a number");
        invocation.set_meta(META_TRACEPARENT, &context(number))?;
        invocation.set_extension(FUNCTION_SPAN, &context(number + 1))?;
        info_span!("of the layer").in_scope(|| ());
        Ok(Flow::Continue)
    }
}

fn listen(_: FaasContext) -> Result<(), Error> {
    handlers_sdk::install_tracing();
    Ok(())
}

fn app(functions: &'static handlers_sdk::abi::Module) -> App {
    App::builder().module(Takes::MODULE).module(functions).start().expect("starts")
}

/// Returns those right below the span of that number, which no other test uses.
fn below(all: &[Told], number: u64) -> Vec<&Told> {
    all.iter().filter(|told| told.parent == context(number)).collect()
}

fn number_of(all: &[Told], name: &str) -> u64 {
    1 + all.iter().position(|told| told.name == name).unwrap_or_else(|| panic!("{name} in {all:#?}")) as u64
}

/// Waits once: whatever runs it goes on with something else.
async fn wait() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[function(start = listen)]
async fn waits() {
    async {
        wait().await;
        async {
            wait().await;
            tracing::info!(pieces = 2, "counted");
            tracing::Span::current().record("left", 5);
        }
        .instrument(info_span!("inner", shop = "tea", left = tracing::field::Empty))
        .await;
        wait().await;
        info_span!("after").in_scope(|| ());
    }
    .instrument(info_span!("outer"))
    .await;
    wait().await;
    info_span!("second").in_scope(|| ());
}

#[test]
fn spans_stand_below_the_function_and_below_one_another_also_after_they_waited() {
    app(waits::MODULE).invoke(Invoke::event("1000")).text();
    let all = told();
    let names = |number| below(&all, number).iter().map(|told| told.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(1000), ["of the layer"], "{all:#?}");
    assert_eq!(names(1001), ["outer", "second"], "{all:#?}");
    assert_eq!(names(number_of(&all, "outer")), ["inner", "after"], "{all:#?}");
    let inner = &below(&all, number_of(&all, "outer"))[0];
    let attributes: Vec<String> = inner.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(attributes, ["shop=tea", "left=5"]);
    assert_eq!(inner.events, [r#"counted [("pieces", "2")]"#]);
    assert!(below(&all, 1001).iter().all(|told| told.end == Some(SpanEnd::Unsaid)), "{all:#?}");
}

static BOTH: Barrier = Barrier::new(2);

#[function(start = listen)]
async fn together(number: String) {
    let name = number.clone();
    async {
        BOTH.wait();
        wait().await;
        info_span!("child", of = name).in_scope(|| ());
    }
    .instrument(info_span!("parent", of = number))
    .await;
}

#[test]
fn invocations_at_once_keep_their_spans_apart() {
    let app = app(together::MODULE);
    std::thread::scope(|scope| {
        for number in ["2000", "3000"] {
            let app = &app;
            scope.spawn(move || app.invoke(Invoke::event(number)).text());
        }
    });
    let all = told();
    for number in [2000, 3000] {
        let parents = below(&all, number + 1);
        let of = [("of".to_owned(), number.to_string())];
        assert!(parents.len() == 1 && parents[0].name == "parent" && parents[0].attributes == of, "{all:#?}");
        let own = all.iter().position(|told| std::ptr::eq(told, parents[0])).expect("it is one of them") as u64 + 1;
        let children = below(&all, own);
        assert!(children.len() == 1 && children[0].attributes == of, "{all:#?}");
    }
}

#[function(start = listen)]
fn fails() {
    info_span!("failing").in_scope(|| tracing::error!("out of tea"));
    info_span!("going well").in_scope(|| tracing::warn!("nearly out of tea"));
    tracing::trace_span!("of a library", seen = %Unwanted).in_scope(|| ());
    let parent = info_span!("with a thread");
    let child = parent.clone();
    let work = move || {
        info_span!("on its own").in_scope(|| ());
        child.in_scope(|| info_span!("of the thread").in_scope(|| ()));
    };
    std::thread::spawn(work).join().expect("it ends");
}

/// A value that must never be formatted.
struct Unwanted;

impl fmt::Display for Unwanted {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a span that nobody takes was formatted")
    }
}

#[test]
fn an_error_makes_a_span_a_failure_and_those_of_nobody_or_of_libraries_are_not_taken() {
    app(fails::MODULE).invoke(Invoke::event("4000")).text();
    let all = told();
    let ends: Vec<_> = below(&all, 4001).into_iter().map(|told| (told.name.as_str(), told.end)).collect();
    let expected = [("failing", SpanEnd::Failed), ("going well", SpanEnd::Unsaid), ("with a thread", SpanEnd::Unsaid)];
    assert_eq!(ends, expected.map(|(name, end)| (name, Some(end))), "{all:#?}");
    assert_eq!(below(&all, number_of(&all, "with a thread"))[0].name, "of the thread");
    assert!(all.iter().all(|told| told.name != "on its own" && told.name != "of a library"), "{all:#?}");
}

#[function(start = listen)]
fn formats() -> &'static str {
    info_span!("wanted by nobody", seen = %Unwanted).in_scope(|| ());
    "done"
}

#[test]
fn nothing_is_formatted_without_a_taker_or_without_a_sample() {
    let sampled = "00-00000000000000000000000000000007-0000000000000001-01";
    let app = App::builder().module(formats::MODULE).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("").meta(META_TRACEPARENT, sampled)).text(), "done");

    struct Unsampled;

    #[layer(name = "unsampled")]
    impl Layer for Unsampled {
        fn create(config: &Config) -> Result<Self, Error> {
            config.offer_spans(Arc::<Kept>::default())?;
            Ok(Unsampled)
        }
    }

    let app = App::builder().module(Unsampled::MODULE).module(formats::MODULE).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("").meta(META_TRACEPARENT, &sampled.replace("-01", "-00"))).text(), "done");
    assert_eq!(app.invoke(Invoke::event("")).text(), "done", "in no trace at all");
}
