//! Layers whose hooks wait, through their real tables: on a host that goes on meanwhile, and on one that lends its
//! thread.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Config, Error, Failure, Flow, Invocation, Layer, Phase, Recovery, Response, abi, function, layer};
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Poll, Waker};

/// The signals between the tests and a waiting hook: how many wait, and whether they may go on.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    waiting: Vec<Waker>,
}

impl Gate {
    async fn pass(&self) {
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap();
            if state.open {
                return Poll::Ready(());
            }
            state.waiting.push(context.waker().clone());
            self.changed.notify_all();
            Poll::Pending
        })
        .await;
    }

    fn open(&self) {
        let mut state = self.state.lock().unwrap();
        state.open = true;
        state.waiting.drain(..).for_each(Waker::wake);
    }

    /// Returns when somebody waits with a waker that wakes.
    fn wait_for(&self, count: usize) {
        let is_real = |waker: &&Waker| !waker.will_wake(Waker::noop());
        let state = self.state.lock().unwrap();
        let few = |state: &mut State| state.waiting.iter().filter(is_real).count() < count;
        drop(self.changed.wait_while(state, few).unwrap());
    }
}

/// Returns the gate of one test, by the name that its layer is configured with.
fn gate(name: &str) -> Arc<Gate> {
    static GATES: Mutex<Vec<(String, Arc<Gate>)>> = Mutex::new(Vec::new());
    let mut gates = GATES.lock().unwrap();
    if let Some((_, gate)) = gates.iter().find(|(other, _)| other == name) {
        return gate.clone();
    }
    gates.push((name.to_owned(), Arc::default()));
    gates[gates.len() - 1].1.clone()
}

/// Counts the futures that were dropped.
struct Dropped<'a>(&'a AtomicUsize);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A layer that does the act which an event asks for, before its invocation.
struct Slow {
    gate: Arc<Gate>,
    ended: AtomicUsize,
}

#[layer(name = "slow")]
impl Layer for Slow {
    fn create(config: &Config) -> Result<Self, Error> {
        Ok(Slow { gate: gate(config.env("GATE").unwrap_or_default()), ended: AtomicUsize::new(0) })
    }

    async fn before_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        if phase.name() != "RuntimeStart" {
            return Err(Error::msg(format!("found {:?}", phase.name())));
        }
        Ok(())
    }

    async fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let _dropped = Dropped(&self.ended);
        let wish = String::from_utf8_lossy(invocation.body()).into_owned();
        if wish != "at once" {
            self.gate.pass().await;
        }
        assert!(wish != "panic", "while it waited");
        // The text is not a number, so `?` makes an error of another type.
        let number: u32 = if wish == "fail" { wish.parse()? } else { 7 };
        if wish == "answer" {
            return invocation.respond(Response::text("from the layer").status(429));
        }
        handlers_sdk::info!("waited");
        invocation.set_extension("number", &number.to_string())?;
        Ok(Flow::Continue)
    }

    async fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        self.gate.pass().await;
        match failure.kind {
            "Soup.Cold" => invocation.recover(Response::text(failure.message.to_owned()).status(503)),
            "Soup.Sour" => Err(Error::new("Slow.Replaced", "another one")),
            _ => Ok(Recovery::Pass),
        }
    }

    /// A plain hook stands beside the others.
    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        invocation.set_reply_header("x-dropped", &self.ended.load(Ordering::Relaxed).to_string())
    }
}

/// A layer around `Slow`, which records its result.
#[derive(Default)]
struct Outer;

#[layer(name = "outer")]
impl Layer for Outer {
    async fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        invocation.set_reply_header("x-outer", "after")
    }

    fn invoke_failed(&self, _: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        handlers_sdk::warn!("{}", failure.kind);
        Ok(Recovery::Pass)
    }
}

#[function]
fn soup(ctx: handlers_sdk::FaasContext) -> Result<Response, Error> {
    match ctx.body() {
        b"cold" => Err(Error::new("Soup.Cold", "it is cold")),
        b"sour" => Err(Error::new("Soup.Sour", "it is sour")),
        b"none" => Err(Error::new("Soup.None", "there is none")),
        _ => Ok(Response::text(ctx.extension("number").unwrap_or("none").to_owned())),
    }
}

fn app(name: &str, lends: bool) -> App {
    let builder = App::builder().module(Outer::MODULE).module(Slow::MODULE).module(soup::MODULE).config("GATE", name);
    if lends { builder.lends_thread() } else { builder }.start().expect("starts")
}

fn asks(body: &str) -> Invoke {
    Invoke::http("POST", "/").body(body)
}

/// Runs a test on both kinds of host, with a gate of its own.
fn on_both(name: &str, test: impl Fn(&App, &Gate)) {
    for lends in [false, true] {
        let name = format!("{name} {lends}");
        test(&app(&name, lends), &gate(&name));
    }
}

/// Invokes, opens the gate when the hook waits, and returns the answer.
fn waited(app: &App, gate: &Gate, body: &str) -> handlers_sdk::testing::Answer {
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| app.invoke(asks(body)));
        gate.wait_for(1);
        gate.open();
        answer.join().expect("the invocation ends")
    })
}

#[test]
fn a_hook_that_does_not_wait_ends_inline() {
    on_both("inline", |app, _| {
        let answer = app.invoke(asks("at once"));
        assert_eq!((answer.text().as_str(), answer.header("x-dropped")), ("7", Some("1")));
        assert_eq!(answer.header("x-outer"), Some("after"));
    });
}

#[test]
fn a_hook_that_waits_goes_on_when_it_is_woken() {
    on_both("waits", |app, gate| {
        let answer = waited(app, gate, "something");
        assert_eq!((answer.text().as_str(), answer.header("x-dropped")), ("7", Some("1")));
        let line = answer.logs.last().expect("the hook has logged");
        assert_eq!((line.target.as_str(), line.message.as_str()), ("async_layers", "waited"), "{line:?}");
    });
}

#[test]
fn a_hook_may_answer_or_fail_after_it_has_waited() {
    on_both("ends", |app, gate| {
        let answer = waited(app, gate, "answer");
        assert_eq!((answer.status(), answer.text().as_str()), (429, "from the layer"));
        assert_eq!(answer.header("x-outer"), Some("after"), "the layers further out see a success");
        let failed = app.invoke(asks("fail")).failed.expect("fails");
        assert_eq!((failed.kind.as_str(), failed.status), ("std::num::ParseIntError", abi::E_INTERNAL));
    });
}

#[test]
fn a_panic_while_it_waits_is_its_failure_with_the_place() {
    on_both("panics", |app, gate| {
        let failed = waited(app, gate, "panic").failed.expect("fails");
        assert_eq!((failed.status, failed.message.as_str()), (abi::E_PANIC, "while it waited"));
        assert!(failed.detail.contains("async_layers.rs:"), "{}", failed.detail);
        // The library goes on after it.
        assert_eq!(app.invoke(asks("something")).text(), "7");
    });
}

#[test]
fn a_hook_for_failures_may_wait_and_recover_replace_or_pass() {
    on_both("recovers", |app, gate| {
        gate.open();
        let answer = app.invoke(asks("cold"));
        assert_eq!((answer.status(), answer.text().as_str()), (503, "it is cold"));
        assert_eq!(app.invoke(asks("sour")).failed.expect("fails").kind, "Slow.Replaced");
        assert_eq!(app.invoke(asks("none")).failed.expect("fails").kind, "Soup.None");
    });
}

#[test]
fn many_invocations_wait_at_once_in_one_layer() {
    const MANY: usize = 40;
    on_both("many", |app, gate| {
        std::thread::scope(|scope| {
            let answers: Vec<_> = (0..MANY).map(|_| scope.spawn(|| app.invoke(asks("something")).text())).collect();
            gate.wait_for(MANY);
            gate.open();
            for answer in answers {
                assert_eq!(answer.join().expect("it ends"), "7");
            }
        });
    });
}

/// A layer whose phases wait. It cannot start without the value that it fetches.
struct Secrets {
    gate: Arc<Gate>,
}

#[layer(name = "secrets", required)]
impl Layer for Secrets {
    fn create(config: &Config) -> Result<Self, Error> {
        Ok(Secrets { gate: gate(config.env("GATE").unwrap_or_default()) })
    }

    async fn before_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.gate.pass().await;
        phase.set_value(phase.now_ns())
    }

    async fn after_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        let began = phase.value::<u64>().copied().ok_or_else(|| Error::msg("expected the time of the way in"))?;
        handlers_sdk::info!("fetched in {} ns on {}", phase.now_ns() - began, phase.name());
        Ok(())
    }

    async fn after_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        Err(Error::new("Secrets.Flush", "cannot flush"))
    }
}

#[test]
fn phases_may_wait_and_hand_on_values() {
    for lends in [false, true] {
        let name = format!("phases {lends}");
        let builder = App::builder().module(Secrets::MODULE).module(soup::MODULE).config("GATE", &name);
        let builder = if lends { builder.lends_thread() } else { builder };
        let app = std::thread::scope(|scope| {
            let app = scope.spawn(|| builder.start().expect("starts"));
            gate(&name).wait_for(1);
            gate(&name).open();
            app.join().expect("it starts")
        });
        assert!(app.logs().iter().any(|line| line.message.ends_with("on FunctionStart")), "{:?}", app.logs());
        let why = app.run_phase(abi::CLOSE).expect_err("it cannot flush");
        assert!(why.contains("Secrets.Flush: cannot flush"), "{why}");
    }
}

#[test]
fn only_a_layer_with_an_async_hook_is_asked_to_cancel() {
    use handlers_sdk::__private::LayerDef;
    let slow = <Slow as LayerDef>::TABLE;
    assert!(slow.cancel.is_some());
    assert_eq!((slow.before_phases, slow.after_phases, slow.error_phases), (0b101, 0b100, 0b100));

    #[derive(Default)]
    struct Plain;
    #[layer(blocking)]
    impl Layer for Plain {
        fn before_record(&self, _: &mut Invocation<'_>) -> Result<Flow, Error> {
            Ok(Flow::Continue)
        }
    }
    let plain = <Plain as LayerDef>::TABLE;
    assert!(plain.cancel.is_none());
    assert_eq!((plain.before_phases, plain.flags & (abi::IS_BLOCKING | abi::IS_INLINE)), (1 << 7, abi::IS_BLOCKING));
}
