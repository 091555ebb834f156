//! The runtime inside the `main` of this test.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::{Config, Error, FaasContext, Flow, Invocation, Layer, Phase, function, layer};
use light_runtime::LightRuntime;
use std::sync::Mutex;

static CALLS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(what: &str) {
    CALLS.lock().unwrap().push(what.to_owned());
}

struct Noting;

#[layer]
impl Layer for Noting {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Noting)
    }

    fn before_runtime_start(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        note("before RuntimeStart");
        Ok(())
    }

    fn after_function_start(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        note("after FunctionStart");
        Ok(())
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        note("before Invoke");
        invocation.set_extension("who", "the layer").map(|()| Flow::Continue)
    }

    fn after_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        note("after Close");
        Ok(())
    }
}

#[function]
fn subject(ctx: FaasContext, event: Vec<u8>) -> Result<Vec<u8>, Error> {
    match &event[..] {
        b"fail" => Err(Error::new("Stock.Empty", "none left")),
        b"panic" => panic!("on purpose"),
        _ => Ok([ctx.extension("who").unwrap_or("nobody").as_bytes(), b" says ", &event].concat()),
    }
}

#[test]
fn the_same_phases_run_around_a_function_inside_another_program() {
    let mut wrapped = LightRuntime::new(&[Noting::MODULE]).wrap(subject::MODULE).expect("it starts");
    assert_eq!(wrapped.invoke(b"hello").expect("a reply"), b"the layer says hello");
    let failed = wrapped.invoke(b"fail").expect_err("a failure");
    assert_eq!((failed.kind.as_str(), failed.message.as_str()), ("Stock.Empty", "none left"));
    assert!(wrapped.invoke(b"panic").expect_err("a failure").message.contains("on purpose"));
    assert_eq!(wrapped.invoke(b"again").expect("it goes on after a panic"), b"the layer says again");
    wrapped.close();
    let calls = CALLS.lock().unwrap().clone();
    let expected =
        [&["before RuntimeStart", "after FunctionStart"][..], &["before Invoke"; 4], &["after Close"]].concat();
    assert_eq!(calls, expected);
}

#[test]
fn a_crate_made_as_a_module_links_in_as_it_is() {
    let mut wrapped = LightRuntime::new(&[layer_monitor::Monitor::MODULE]).wrap(echo::echo::MODULE).expect("it starts");
    assert_eq!(wrapped.invoke(b"\x00\xff").expect("a reply"), b"\x00\xff");
    wrapped.close();
}
