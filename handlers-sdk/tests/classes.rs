//! Classes: one instance for all methods, made and ended by them, with what is injected.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

mod later;

use handlers_sdk::testing::{App, Builder, Invoke};
use handlers_sdk::{
    AsyncSink, Error, FaasContext, Inject, PhaseContext, StreamError, abi, function, functions, provider,
};
use later::Later;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The record of all that happened in one app, which the test gives.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, line: &str) {
        self.0.lock().expect("no panic under the lock").push(line.to_owned());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic under the lock").clone()
    }
}

struct Pool(&'static str);

#[provider]
fn pool(ctx: PhaseContext, diary: Inject<Diary>) -> Result<Pool, Error> {
    diary.write("make pool");
    ctx.env("URL").map(Pool).ok_or_else(|| Error::new("Pool.Unset", "expected URL"))
}

struct Caller(String);

#[provider(per_request)]
fn caller(ctx: FaasContext) -> Caller {
    Caller(String::from_utf8_lossy(ctx.body()).into_owned())
}

struct Shop {
    name: String,
    orders: AtomicUsize,
    pool: Inject<Pool>,
    diary: Diary,
}

#[functions]
impl Shop {
    /// A constant and a helper are left alone by the macro.
    const LIMIT: usize = 100;

    fn count(&self) -> usize {
        self.orders.fetch_add(1, Ordering::Relaxed).min(Self::LIMIT)
    }

    #[init]
    async fn new(ctx: PhaseContext, pool: Inject<Pool>, diary: Inject<Diary>) -> Result<Self, Error> {
        Later::default().await;
        diary.write("make shop");
        let name = String::from_utf8_lossy(ctx.config().json()).into_owned();
        if name == "\"broken\"" {
            return Err(Error::new("Shop.Broken", "no shelves"));
        }
        Ok(Shop { name, orders: AtomicUsize::new(0), pool, diary: Diary::clone(&diary) })
    }

    #[http(get, "/orders/{id}")]
    #[http(post, "/orders")]
    async fn order(&self, caller: Inject<Caller>) -> String {
        Later::default().await;
        format!("{} orders number {} of {}", caller.0, self.count(), self.pool.0)
    }

    #[timer("0 5 * * *", name = "tidy")]
    fn clean_up(&self) -> String {
        format!("{} is clean after {}", self.name, self.orders.load(Ordering::Relaxed))
    }

    #[queue("jobs", blocking)]
    fn work(&self, body: Vec<u8>) -> Result<(), Error> {
        if body == b"bad" { Err(Error::new("Job.Bad", "cannot be done")) } else { Ok(()) }
    }

    #[function(stream)]
    async fn watch(&self, mut sink: AsyncSink) -> Result<(), StreamError> {
        sink.write(self.name.as_bytes()).await?;
        sink.write(b"!").await
    }

    #[suspend]
    fn sleep(&self, _: PhaseContext) {
        self.diary.write("sleep");
    }

    #[resume]
    async fn wake(&self) -> Result<(), Error> {
        Later::default().await;
        self.diary.write("wake");
        Ok(())
    }

    #[close]
    async fn end(&self) -> Result<(), Error> {
        Later::default().await;
        self.diary.write("close shop");
        Ok(())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.diary.write("drop shop");
    }
}

/// A class made by `Default`, named by its attribute, and injected into a function beside it.
#[derive(Default)]
struct Counter(AtomicUsize);

#[functions(name = "tally", prefix = "tally-")]
impl Counter {
    #[function]
    fn add(&self) -> String {
        (self.0.fetch_add(1, Ordering::Relaxed) + 1).to_string()
    }

    #[queue(record)]
    async fn count(&self, number: String) -> Result<(), Error> {
        self.0.fetch_add(number.parse()?, Ordering::Relaxed);
        Ok(())
    }

    #[event("com.example.added", source = "/tally", name = "reset", default)]
    async fn start_again(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

#[function]
fn total(counter: Inject<Counter>) -> String {
    counter.0.load(Ordering::Relaxed).to_string()
}

#[function]
fn who(shop: Inject<Shop>) -> String {
    shop.name.clone()
}

handlers_sdk::module!(functions: [total], classes: [Shop, Counter]);

fn shop(diary: &Diary) -> Builder {
    App::builder().config("URL", "db://one").provide(diary.clone())
}

fn tables(module: &'static abi::Module) -> Vec<(String, String)> {
    let functions = handlers_sdk::testing::functions(module).expect("fits");
    functions.into_iter().map(|function| (function.name, function.triggers)).collect()
}

#[test]
fn methods_share_one_instance_which_is_made_and_ended_once() {
    for lends_thread in [false, true] {
        let diary = Diary::default();
        let builder = shop(&diary).configured(Shop::MODULE, "\"north\"");
        let app = if lends_thread { builder.lends_thread() } else { builder }.start().expect("starts");
        assert_eq!(app.invoke(Invoke::event("ada").function("order")).text(), "ada orders number 0 of db://one");
        assert_eq!(app.invoke(Invoke::event("bob").function("order")).text(), "bob orders number 1 of db://one");
        assert_eq!(app.invoke(Invoke::event("").function("tidy")).text(), "\"north\" is clean after 2");
        let failed = app.invoke(Invoke::event("bad").function("work")).failed.expect("fails");
        assert_eq!(failed.kind, "Job.Bad");
        let streamed = app.invoke(Invoke::event("").function("watch"));
        assert_eq!(streamed.chunks, Some(vec![b"\"north\"".to_vec(), b"!".to_vec()]));
        app.close();
        let lines = ["make pool", "make shop", "close shop", "drop shop"];
        assert_eq!(diary.lines(), lines, "lends_thread {lends_thread}");
    }
}

#[test]
fn a_class_has_methods_for_suspend_and_resume() {
    let diary = Diary::default();
    let app = shop(&diary).module(Shop::MODULE).start().expect("starts");
    app.run_phase(abi::SUSPEND).expect("sleeps");
    app.run_phase(abi::RESUME).expect("wakes");
    assert!(diary.lines().contains(&"sleep".to_owned()) && diary.lines().contains(&"wake".to_owned()));
    app.close();
}

#[test]
fn two_configurations_have_two_instances() {
    let diary = Diary::default();
    let app = shop(&diary).configured(Shop::MODULE, "\"north\"").configured(who::MODULE, "\"south\"").start();
    let app = app.expect("starts");
    assert_eq!(app.invoke(Invoke::event("").function("tidy")).text(), "\"north\" is clean after 0");
    assert_eq!(app.invoke(Invoke::event("").function("who")).text(), "\"south\"");
    app.close();
    for line in ["make pool", "make shop", "close shop", "drop shop"] {
        assert_eq!(diary.lines().iter().filter(|other| *other == line).count(), 2, "{line}");
    }
}

#[test]
fn an_init_that_fails_is_the_failure_of_the_start() {
    let why = shop(&Diary::default()).configured(Shop::MODULE, "\"broken\"").start().expect_err("does not start");
    assert!(why.contains("Shop.Broken: ") && why.contains("no shelves"), "{why}");
    let line = include_str!("classes.rs").lines().position(|line| line == "impl Shop {").expect("it is here") + 1;
    assert!(why.contains(&format!("while Shop (handlers-sdk/tests/classes.rs:{line}) was made")), "{why}");
}

#[test]
fn an_instance_made_by_default_is_injected_into_a_function_beside_it() {
    let app = App::builder().module(Counter::MODULE).module(total::MODULE).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("").function("tally-add")).text(), "1");
    assert_eq!(app.invoke(Invoke::event("").function("tally-add")).text(), "2");
    assert_eq!(app.invoke(Invoke::event("").function("total")).text(), "2");
    assert_eq!(app.invoke(Invoke::event("").function("tally-reset")).failed, None);
    assert_eq!(app.invoke(Invoke::event("").function("total")).text(), "0");
    app.close();
}

#[test]
fn a_method_takes_one_record_at_a_time() {
    let app = App::builder().module(Counter::MODULE).module(total::MODULE).start().expect("starts");
    let records = [("m1", "2"), ("m2", "many"), ("m3", "3")];
    let answer = app.invoke(Invoke::records(records).function("tally-count"));
    let failed: Vec<&str> = answer.failed_records.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((failed, answer.failed), (vec!["m2"], None));
    assert_eq!(app.invoke(Invoke::event("").function("total")).text(), "5");
    app.close();
}

#[test]
fn a_test_gives_the_instance_itself() {
    let app = App::builder().module(Counter::MODULE).provide(Counter(AtomicUsize::new(41))).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("").function("tally-add")).text(), "42");
    app.close();
}

#[test]
fn the_table_says_what_each_method_serves() {
    let http = r#"[{"http":{"method":["GET"],"path":"/orders/{id}"}},{"http":{"method":["POST"],"path":"/orders"}}]"#;
    let table = [
        ("order", http),
        ("tidy", r#"[{"timer":{"cron":"0 5 * * *"}}]"#),
        ("work", r#"[{"queue":{"source":"jobs"}}]"#),
        ("watch", ""),
    ];
    assert_eq!(tables(Shop::MODULE), table.map(|(name, triggers)| (name.to_owned(), triggers.to_owned())));
    let functions = handlers_sdk::testing::functions(Counter::MODULE).expect("fits");
    assert_eq!(functions[2].triggers, r#"[{"event":{"type":"com.example.added","source":"/tally"}}]"#);
    assert_eq!([functions[0].is_default(), functions[2].is_default()], [false, true]);
}

#[test]
fn a_module_is_made_of_functions_and_classes() {
    let names: Vec<String> = tables(faas_module()).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["total", "order", "tidy", "work", "watch", "tally-add", "tally-count", "tally-reset"]);
}

struct Desk;

#[functions]
impl Desk {
    #[init]
    fn new() -> Self {
        Desk
    }

    #[http(get, "/orders/{id}")]
    fn order(&self, handlers_sdk::Path(id): handlers_sdk::Path<u32>) -> String {
        format!("order {id}")
    }

    #[http(post, "/orders")]
    #[queue("jobs")]
    fn job(&self) -> &'static str {
        "job"
    }
}

#[test]
fn requests_and_events_find_the_method_that_declares_them() {
    let app = App::builder().module(Desk::MODULE).start().expect("starts");
    assert_eq!(app.invoke(Invoke::http("GET", "/orders/7")).text(), "order 7");
    assert_eq!(app.invoke(Invoke::http("POST", "/orders")).text(), "job");
    assert_eq!(app.invoke(Invoke::http("DELETE", "/orders")).status(), 405);
    assert_eq!(app.invoke(Invoke::http("GET", "/elsewhere")).status(), 404);
    let message =
        r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:jobs","messageId":"1","body":"x"}]}"#;
    assert_eq!(app.invoke(Invoke::event(message)).text(), "job");
}

#[test]
fn routes_of_the_test_take_the_place_of_a_methods_own() {
    let app = App::builder().module(Desk::MODULE).route("GET", "/v2/orders/{id}", "order").start().expect("starts");
    assert_eq!(app.invoke(Invoke::http("GET", "/v2/orders/7")).text(), "order 7");
    assert_eq!(app.invoke(Invoke::http("GET", "/orders/7")).status(), 404);
}

struct Alone;

#[functions]
impl Alone {
    #[init]
    fn new() -> Self {
        Alone
    }

    #[http(get, "/alone/{id}")]
    fn only(&self, handlers_sdk::Path(id): handlers_sdk::Path<u32>) -> String {
        format!("alone {id}")
    }
}

#[test]
fn the_only_method_of_a_class_has_its_route_too() {
    let app = App::builder().module(Alone::MODULE).start().expect("starts");
    assert_eq!(app.invoke(Invoke::http("GET", "/alone/7")).text(), "alone 7");
    assert_eq!(app.invoke(Invoke::http("POST", "/alone/7")).status(), 405);
    assert_eq!(app.invoke(Invoke::http("GET", "/")).status(), 404);
    assert_eq!(Invoke::http("GET", "/alone/8").run(Alone::MODULE).text(), "alone 8");
}
