//! Layers through their real tables.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{
    Config, Error, FaasContext, Failure, Flow, Invocation, Layer, Level, List, Phase, Recovery, ReplyHead, Response,
    abi, function, layer,
};
use std::sync::atomic::{AtomicU64, Ordering};

/// A layer of which only `before_invoke` and `close_failed` are written.
#[derive(Default)]
struct Few;

#[layer]
impl Layer for Few {
    fn before_invoke(&self, _: &mut Invocation<'_>) -> Result<Flow, Error> {
        Ok(Flow::Continue)
    }

    fn close_failed(&self, _: &mut Phase<'_>, _: &Failure<'_>) -> Result<(), Error> {
        Ok(())
    }
}

struct Started(u64);

/// A layer that has most of the hooks that there are.
struct Guard {
    secret: String,
    seen: AtomicU64,
}

#[layer(name = "guard", order = -10)]
impl Layer for Guard {
    fn create(config: &Config) -> Result<Self, Error> {
        let secret = config.get("secret")?.ok_or_else(|| Error::new("Guard.Config", "expected a key `secret`"))?;
        Ok(Guard { secret, seen: AtomicU64::new(0) })
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let token = invocation.http().and_then(|http| http.header("authorization"));
        if token != Some(self.secret.as_str()) {
            return invocation.respond(Response::text("who are you?").status(401));
        }
        invocation.set_value(Started(invocation.now_ns()))?;
        invocation.set_extension("user", "ada")?;
        invocation.remove(List::Header, "authorization")?;
        // It is gone by now, which is no error.
        invocation.remove(List::Header, "authorization")?;
        Ok(Flow::Continue)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let started = invocation.value_mut::<Started>().map(|started| std::mem::take(&mut started.0));
        assert!(started.is_some_and(|started| started <= invocation.now_ns()));
        self.seen.fetch_add(1, Ordering::Relaxed);
        let status = invocation.reply_status().unwrap_or(0).to_string();
        invocation.set_reply_header("x-seen-status", &status)?;
        invocation.remove_reply_header("x-never-there")?;
        invocation.log(Level::Info, format_args!("done"), &[("bytes", &invocation.reply_bytes())]);
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        match failure.kind {
            "Soup.Cold" => invocation.recover(Response::text("warm it up").status(503)),
            "Panic" if failure.is_panic() => Err(Error::new("Guard.Hidden", "something broke")),
            _ => Ok(Recovery::Pass),
        }
    }

    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        head.set_header("x-head", "yes")?;
        if head.status() == 204 {
            head.set_status(205)?;
        }
        // The value that this layer has left for itself is there in every hook.
        if head.value::<Started>().is_some() {
            head.set_header("x-value", "kept")?;
        }
        Ok(())
    }

    fn health(&self) -> Result<(), Error> {
        if self.seen.load(Ordering::Relaxed) == 0 { Err(Error::msg("nothing seen yet")) } else { Ok(()) }
    }
}

#[derive(Default)]
struct Panics;

#[layer]
impl Layer for Panics {
    fn before_invoke(&self, _: &mut Invocation<'_>) -> Result<Flow, Error> {
        panic!("a layer's mistake")
    }
}

#[function]
fn soup(ctx: FaasContext) -> Result<Response, Error> {
    assert_eq!(ctx.http().and_then(|http| http.header("authorization")), None, "the layer took it away");
    assert!(ctx.value::<Started>().is_some());
    match ctx.body() {
        b"cold" => Err(Error::new("Soup.Cold", "it is")),
        b"spilled" => panic!("on the floor"),
        b"sour" => Err(Error::new("Soup.Sour", "it is")),
        b"none" => Ok(Response::new(204)),
        _ => Ok(Response::text(format!("soup for {}", ctx.extension("user").unwrap_or("nobody")))),
    }
}

fn table(module: &'static abi::Module) -> abi::host::LayerInstance {
    let app = format!("{module:?}");
    assert!(app.contains("layer_count: 1"));
    handlers_sdk::testing::layer(module, "{\"secret\":\"s\"}").expect("creates")
}

fn app() -> App {
    App::builder()
        .configured(Guard::MODULE, r#"{"secret":"open sesame"}"#)
        .module(Few::MODULE)
        .module(soup::MODULE)
        .start()
        .expect("starts")
}

fn asked(body: &str) -> Invoke {
    Invoke::http("POST", "/soup").header("Authorization", "open sesame").body(body)
}

/// A layer that must not be skipped.
#[derive(Default)]
struct Gatekeeper;

#[layer(required)]
impl Layer for Gatekeeper {}

#[test]
fn a_layer_says_that_it_must_not_be_skipped() {
    use handlers_sdk::__private::LayerDef;
    assert_eq!(<Gatekeeper as LayerDef>::TABLE.flags & abi::IS_REQUIRED, abi::IS_REQUIRED);
    assert_eq!(<Few as LayerDef>::TABLE.flags & abi::IS_REQUIRED, 0);
}

#[test]
fn a_table_has_only_the_hooks_that_are_written() {
    let few = table(Few::MODULE);
    assert_eq!(few.name(), "few");
    let phases =
        [abi::RUNTIME_START, abi::FUNCTION_START, abi::INVOKE, abi::CLOSE, abi::SUSPEND, abi::RESUME, abi::REPLIED];
    let with = |has: &dyn Fn(u32) -> bool| phases.into_iter().filter(|phase| has(*phase)).collect::<Vec<_>>();
    assert_eq!(with(&|phase| few.has_before(phase)), [abi::INVOKE]);
    assert_eq!(with(&|phase| few.has_after(phase)), [0u32; 0]);
    assert_eq!(with(&|phase| few.has_on_error(phase)), [abi::CLOSE]);
    assert!(!few.has_head() && !few.has_recognise() && !few.has_context());
    let guard = table(Guard::MODULE);
    assert_eq!(with(&|phase| guard.has_after(phase)), [abi::INVOKE]);
    assert!(guard.has_head());
    assert_eq!(guard.health().expect_err("not yet"), "Error: nothing seen yet");
}

#[test]
fn a_layer_changes_request_and_reply() {
    let answer = app().invoke(asked("hot"));
    assert_eq!(answer.text(), "soup for ada");
    assert_eq!(answer.header("x-seen-status"), Some("200"));
    assert_eq!(answer.header("x-head"), Some("yes"));
    assert_eq!(answer.header("x-value"), Some("kept"));
    let line = answer.logs.last().expect("logged");
    assert_eq!((line.target.as_str(), line.fields[0].1.as_str()), ("guard", "12"));
}

#[test]
fn a_layer_may_answer_in_the_place_of_the_function() {
    let answer = app().invoke(Invoke::http("GET", "/soup"));
    assert_eq!((answer.status(), answer.text().as_str()), (401, "who are you?"));
    assert_eq!(answer.header("x-seen-status"), None, "a layer that answers is not entered");
}

#[test]
fn a_layer_recovers_replaces_or_passes_a_failure() {
    let app = app();
    let answer = app.invoke(asked("cold"));
    assert_eq!((answer.status(), answer.text().as_str()), (503, "warm it up"));
    assert_eq!(app.invoke(asked("spilled")).failed.expect("fails").kind, "Guard.Hidden");
    let failed = app.invoke(asked("sour")).failed.expect("fails");
    assert_eq!((failed.kind.as_str(), failed.status), ("Soup.Sour", abi::E_USER));
}

#[test]
fn a_head_hook_may_change_the_status() {
    assert_eq!(app().invoke(asked("none")).status(), 205);
}

#[test]
fn a_panic_in_a_hook_fails_the_invocation_with_its_place() {
    let app = App::builder().module(Panics::MODULE).module(soup::MODULE).start().expect("starts");
    let failed = app.invoke(asked("")).failed.expect("fails");
    assert_eq!((failed.status, failed.message.as_str()), (abi::E_PANIC, "a layer's mistake"));
    assert!(failed.detail.contains("layers.rs:"), "{}", failed.detail);
}

#[test]
fn a_configuration_that_does_not_fit_stops_the_start() {
    let why = App::builder().configured(Guard::MODULE, "{}").start().expect_err("needs a secret");
    assert!(why.contains("expected a key `secret`"), "{why}");
    let why = App::builder().configured(Guard::MODULE, r#"{"secret":7}"#).start().expect_err("needs a text");
    assert!(why.contains("key \"secret\""), "{why}");
}
