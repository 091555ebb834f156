//! Injection: order, lifetimes, failures, replacements, and the end of values.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

mod later;

use handlers_sdk::testing::{App, Builder, Invoke};
use handlers_sdk::{Error, FaasContext, Inject, PhaseContext, abi, function, provider};
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

struct Settings {
    url: &'static str,
    diary: Diary,
}

struct Pool {
    settings: Inject<Settings>,
    diary: Diary,
}

struct Repo {
    pool: Inject<Pool>,
    diary: Diary,
}

impl Drop for Settings {
    fn drop(&mut self) {
        self.diary.write("drop settings");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.diary.write("drop pool");
    }
}

impl Drop for Repo {
    fn drop(&mut self) {
        self.diary.write("drop repo");
    }
}

#[provider(close = end_repo)]
fn repo(pool: Inject<Pool>, diary: Inject<Diary>) -> Repo {
    diary.write("make repo");
    Repo { pool, diary: Diary::clone(&diary) }
}

fn end_repo(repo: Inject<Repo>) -> Result<(), Error> {
    repo.diary.write("close repo");
    if repo.pool.settings.url == "db://dirty" { Err(Error::new("Repo.Dirty", "not flushed")) } else { Ok(()) }
}

#[provider(close = end_pool)]
async fn pool(diary: Inject<Diary>, settings: Inject<Settings>) -> Result<Pool, Error> {
    Later::default().await;
    diary.write("make pool");
    Ok(Pool { settings, diary: Diary::clone(&diary) })
}

async fn end_pool(pool: Inject<Pool>) {
    Later::default().await;
    pool.diary.write("close pool");
}

#[provider]
fn settings(ctx: PhaseContext, diary: Inject<Diary>) -> Result<Settings, Error> {
    diary.write("make settings");
    let url = ctx.env("URL").ok_or_else(|| Error::new("Settings.Missing", "expected URL"))?;
    Ok(Settings { url, diary: Diary::clone(&diary) })
}

#[function]
fn read(repo: Inject<Repo>, pool: Inject<Pool>) -> String {
    assert!(std::ptr::eq(&raw const *repo.pool, &raw const *pool), "one pool for both");
    repo.pool.settings.url.to_owned()
}

#[function]
async fn write(repo: Inject<Repo>) -> String {
    Later::default().await;
    repo.pool.settings.url.to_owned()
}

#[function]
fn apart() -> &'static str {
    "needs nothing"
}

handlers_sdk::module!(functions: [read, write, apart]);

fn shop(diary: &Diary) -> Builder {
    App::builder().module(faas_module()).config("URL", "db://one").provide(diary.clone())
}

/// Returns the reason why a module does not start.
fn refused(module: &'static abi::Module) -> String {
    App::builder().module(module).start().expect_err("does not start")
}

/// Returns the line of the first of these words in this file.
fn line_of(words: &str) -> usize {
    include_str!("providers.rs").lines().position(|line| line.starts_with(words)).expect("it is in this file") + 1
}

#[test]
fn values_are_made_once_each_after_what_it_needs_and_end_in_reverse() {
    for lends_thread in [false, true] {
        let diary = Diary::default();
        let builder = if lends_thread { shop(&diary).lends_thread() } else { shop(&diary) };
        let app = builder.start().expect("starts");
        assert_eq!(app.invoke(Invoke::event("").function("read")).text(), "db://one");
        assert_eq!(app.invoke(Invoke::event("").function("write")).text(), "db://one");
        assert_eq!(diary.lines(), ["make settings", "make pool", "make repo"]);
        app.close();
        let end = ["close repo", "close pool", "drop repo", "drop pool", "drop settings"];
        assert_eq!(diary.lines()[3..], end, "lends_thread {lends_thread}");
    }
}

#[test]
fn what_nobody_needs_is_not_made() {
    let diary = Diary::default();
    let app = App::builder().module(apart::MODULE).provide(diary.clone()).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("")).text(), "needs nothing");
    app.close();
    assert_eq!(diary.lines(), Vec::<String>::new());
}

#[test]
fn each_configuration_has_values_of_its_own() {
    let diary = Diary::default();
    let app = App::builder().config("URL", "db://one").provide(diary.clone());
    let app = app.configured(read::MODULE, "{\"a\":1}").configured(write::MODULE, "{\"a\":2}").start().expect("starts");
    assert_eq!(diary.lines().iter().filter(|line| *line == "make pool").count(), 2);
    app.close();
    assert_eq!(diary.lines().iter().filter(|line| *line == "drop pool").count(), 2);
    let diary = Diary::default();
    let app = App::builder().config("URL", "db://one").provide(diary.clone());
    let app = app.configured(read::MODULE, "{\"a\":1}").configured(write::MODULE, "{\"a\":1}").start().expect("starts");
    assert_eq!(diary.lines().iter().filter(|line| *line == "make pool").count(), 1, "the same text is the same one");
    app.close();
}

#[test]
fn a_provider_that_fails_is_the_failure_of_the_start_and_what_was_made_still_ends() {
    let diary = Diary::default();
    let why = App::builder().module(read::MODULE).provide(diary.clone()).start().expect_err("does not start");
    assert!(why.starts_with("Settings.Missing: ") && why.contains("expected URL"), "{why}");
    assert!(
        why.contains(&format!("while Settings (handlers-sdk/tests/providers.rs:{}) was made", line_of("fn settings"))),
        "{why}"
    );
    assert_eq!(diary.lines(), ["make settings"]);
}

#[test]
fn an_end_that_fails_keeps_no_other_from_its_end() {
    let diary = Diary::default();
    let app = App::builder().module(read::MODULE).config("URL", "db://dirty").provide(diary.clone());
    let app = app.start().expect("starts");
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| app.close())).expect_err("Close fails");
    let why = failed.downcast_ref::<String>().expect("a text").clone();
    assert!(why.contains("Repo.Dirty: not flushed"), "{why}");
    assert_eq!(diary.lines()[3..5], ["close repo", "close pool"]);
}

#[derive(Debug)]
struct Fragile;

#[provider]
fn fragile() -> Fragile {
    panic!("dropped on the floor");
}

#[function]
fn uses_fragile(_: Inject<Fragile>) {}

#[test]
fn a_provider_that_panics_is_the_failure_of_the_start_with_its_place() {
    let why = refused(uses_fragile::MODULE);
    assert!(why.starts_with("Panic: ") && why.contains("dropped on the floor"), "{why}");
    assert!(why.contains("providers.rs:") && why.contains("while Fragile ("), "{why}");
}

struct Chicken;
struct Egg;
struct Nest;

#[provider]
fn nest(_: Inject<Chicken>) -> Nest {
    Nest
}

#[provider]
fn chicken(_: Inject<Egg>) -> Chicken {
    Chicken
}

#[provider]
fn egg(_: Inject<Chicken>) -> Egg {
    Egg
}

#[function]
fn breakfast(_: Inject<Nest>) {}

#[test]
fn a_circle_is_refused_with_the_way_around() {
    let place = |words: &str| format!("(handlers-sdk/tests/providers.rs:{})", line_of(words));
    let way = format!(
        "breakfast {} needs Nest {} needs Chicken {} needs Egg {} needs Chicken {}, which is a circle",
        place("fn breakfast"),
        place("fn nest"),
        place("fn chicken"),
        place("fn egg"),
        place("fn chicken"),
    );
    let why = refused(breakfast::MODULE);
    assert!(why.starts_with("Runtime.ProviderCycle: ") && why.contains(&way), "{why}\n{way}");
}

struct Absent;
struct Reader;

#[provider]
fn absents_twin() -> Arc<Absent> {
    Arc::new(Absent)
}

#[provider]
fn reader(_: Inject<Absent>) -> Reader {
    Reader
}

#[function]
fn uses_reader(_: Inject<Reader>) {}

#[test]
fn a_missing_value_is_refused_with_the_way_to_it_and_what_is_like_it() {
    let why = refused(uses_reader::MODULE);
    assert!(why.starts_with("Runtime.ProviderMissing: ") && why.contains("uses_reader ("), "{why}");
    assert!(
        why.contains("needs Absent, which nobody provides: write a `#[provider]` that returns `providers::Absent`"),
        "{why}"
    );
    assert!(why.contains("there are providers of alloc::sync::Arc<providers::Absent>"), "{why}");
}

#[function]
fn perhaps(absent: Option<Inject<Absent>>, counter: Option<Inject<Counter>>) -> String {
    format!("{} {}", absent.is_some(), counter.is_some())
}

#[test]
fn an_optional_value_is_none_where_nobody_provides_it() {
    assert_eq!(Invoke::event("").run(perhaps::MODULE).text(), "false true");
    assert_eq!(Invoke::event("").provide(Absent).run(perhaps::MODULE).text(), "true true");
}

struct Twice;

#[provider]
fn once() -> Twice {
    Twice
}

#[provider]
fn again() -> Twice {
    Twice
}

#[function]
fn uses_twice(_: Inject<Twice>) {}

#[test]
fn two_providers_of_one_type_are_refused_with_both_places() {
    let why = refused(uses_twice::MODULE);
    assert!(why.contains("Runtime.ProviderAmbiguous"), "{why}");
    for words in ["fn once", "fn again"] {
        assert!(why.contains(&format!("providers.rs:{}", line_of(words))), "{why}");
    }
}

#[derive(Default)]
struct Counter(AtomicUsize);

#[provider]
fn counter() -> Counter {
    Counter::default()
}

struct Session {
    number: usize,
    name: String,
}

#[provider(per_request)]
fn session(counter: Inject<Counter>, ctx: FaasContext) -> Result<Session, Error> {
    let name = core::str::from_utf8(ctx.body())?.to_owned();
    if name.is_empty() {
        return Err(Error::new("Session.None", "log in first").with_status(401));
    }
    Ok(Session { number: counter.0.fetch_add(1, Ordering::Relaxed), name })
}

struct User {
    session: Inject<Session>,
}

#[provider(per_request)]
async fn user(session: Inject<Session>, counter: Inject<Counter>) -> User {
    Later::default().await;
    assert!(counter.0.load(Ordering::Relaxed) > session.number);
    User { session }
}

#[function]
fn whoami(session: Inject<Session>) -> String {
    format!("{} {}", session.name, session.number)
}

#[function]
async fn profile(user: Inject<User>, session: Inject<Session>, counter: Inject<Counter>) -> String {
    assert!(std::ptr::eq(&raw const *user.session, &raw const *session), "one session in an invocation");
    format!("{} {} of {}", session.name, session.number, counter.0.load(Ordering::Relaxed))
}

#[test]
fn a_value_per_request_is_made_for_each_invocation() {
    for lends_thread in [false, true] {
        for module in [whoami::MODULE, profile::MODULE] {
            let builder = App::builder().module(module);
            let app = if lends_thread { builder.lends_thread() } else { builder }.start().expect("starts");
            for number in 0..3 {
                let text = app.invoke(Invoke::event("ada")).text();
                assert!(text.starts_with(&format!("ada {number}")), "{text}");
            }
            app.close();
        }
    }
}

#[test]
fn a_value_per_request_that_cannot_be_made_is_the_reply() {
    for module in [whoami::MODULE, profile::MODULE] {
        let answer = Invoke::http("POST", "/").body("").run(module);
        assert_eq!(answer.status(), 401, "{}", answer.text());
        assert!(answer.text().contains("log in first"), "{}", answer.text());
    }
}

#[function]
fn plain_profile(_: Inject<User>) {}

#[test]
fn a_plain_fn_is_refused_what_has_to_be_waited_for_on_each_request() {
    let why = refused(plain_profile::MODULE);
    assert!(
        why.starts_with("Runtime.ProviderAsync: ") && why.contains("plain_profile (") && why.contains("User ("),
        "{why}"
    );
}

struct Shared;

#[provider]
fn shared_of_one_request(_: Inject<Session>) -> Shared {
    Shared
}

#[function]
fn uses_shared(_: Inject<Shared>) {}

#[test]
fn a_shared_value_cannot_need_one_per_request() {
    let why = refused(uses_shared::MODULE);
    assert!(
        why.starts_with("Runtime.ProviderLifetime: ")
            && why.contains("uses_shared (")
            && why.contains("needs Session ("),
        "{why}"
    );
}

#[test]
fn a_test_replaces_values_of_both_lifetimes() {
    let app = App::builder()
        .module(profile::MODULE)
        .provide(Counter(AtomicUsize::new(7)))
        .override_provider(|ctx| Ok(Session { number: ctx.body().len(), name: "test".to_owned() }))
        .start()
        .expect("starts");
    assert_eq!(app.invoke(Invoke::event("ab")).text(), "test 2 of 7");
    assert_eq!(app.invoke(Invoke::event("abcd")).text(), "test 4 of 7", "made for each request, as what it replaces");
    app.close();
}

#[test]
fn a_replacement_that_fails_is_the_failure_of_the_start() {
    let app = App::builder().module(whoami::MODULE);
    let app = app.override_provider::<Counter>(|_| Err(Error::new("Test.Down", "no counter")));
    let why = app.start().expect_err("does not start");
    assert!(
        why.starts_with("Test.Down: ") && why.contains("no counter") && why.contains("Counter (given by the test)"),
        "{why}"
    );
}

#[test]
fn calls_at_the_same_time_share_one_value() {
    let diary = Diary::default();
    let app = shop(&diary).start().expect("starts");
    let calls: Vec<_> = (0..20).map(|_| app.begin(Invoke::event("").function("write"))).collect();
    for call in calls {
        assert_eq!(call.wait().text(), "db://one");
    }
    assert_eq!(diary.lines().len(), 3);
}
