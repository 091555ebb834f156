//! The parts that each function has for itself: configuration, variables, layers, a start.

use super::*;

/// A layer with work for after the reply.
pub(super) struct After;

#[layer(name = "after")]
impl Layer for After {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(After)
    }

    fn replied(&self, _: &mut Invocation<'_>) -> Result<(), Error> {
        Ok(())
    }
}

const TWO: &str = r#"{"version":1,"layers":[{"name":"tag","config":{"name":"unit"}}],"functions":[
    {"name":"a","handler":"show","config":{"greeting":"hello"},"environment":{"TABLE":"a-table"},
     "layers":[{"name":"tag","config":{"name":"own"}}],"events":[{"http":{"path":"/a"}}]},
    {"name":"b","handler":"show","config":{"greeting":"bye"},"events":[{"http":{"path":"/b"}}]}]}"#;

#[test]
fn two_functions_of_one_entry_have_configurations_variables_and_layers_of_their_own() {
    let process = start(TWO);
    assert_eq!(process.get("/a"), reply("a id=- greeting=hello table=a-table layers=unit>own"));
    assert_eq!(process.get("/b"), reply("b id=- greeting=bye table=- layers=unit"));
    let opened = process.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(opened, ["liblayer_tag.so", "libshow.so"], "a library is opened once");
}

#[test]
fn a_lazy_function_starts_with_its_first_invocation_and_once() {
    let lazy = r#"{"version":1,"functions":[
        {"name":"a","handler":"show","start":"lazy","events":[{"http":{"path":"/a"}}]},
        {"name":"b","handler":"obey","events":[{"http":{"path":"/b"}}]}]}"#;
    let process = start(lazy);
    let opened = || process.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(opened(), ["libobey.so"]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(process.get("/a"), reply("a id=- greeting=- table=- layers=-")));
        }
    });
    assert_eq!(opened(), ["libobey.so", "libshow.so"]);
}

#[test]
fn an_eager_function_that_cannot_start_ends_the_start_of_the_process() {
    let missing = r#"{"version":1,"functions":[
        {"name":"a","handler":"show"},{"name":"b","handler":"absent.b"}]}"#;
    let failure = try_start(missing, None).err().expect("it does not start").to_string();
    assert!(failure.starts_with("Runtime.NoSuchFunction: function b: no library for function \"absent\""), "{failure}");
}

#[test]
fn the_start_line_names_the_functions_and_the_layers_of_the_process() {
    let process = start(TWO);
    process.runtime.say_started(None, "why");
    let said = process.lines("INFO");
    assert!(said.iter().any(|line| line.ends_with("platform  (why), functions a, b, layers tag")), "{said:?}");
}

#[test]
fn there_is_work_after_a_reply_only_if_the_function_that_gave_it_has_some() {
    let process = start(
        r#"{"version":1,"functions":[
        {"name":"a","handler":"show","start":"lazy","layers":["after"],"events":[{"http":{"path":"/a"}}]},
        {"name":"b","handler":"show","events":[{"http":{"path":"/b"}}]},
        {"name":"c","handler":"show","start":"lazy"}]}"#,
    );
    for (target, has_work) in [("/b", false), ("/a", true), ("/b", false), ("/nowhere", false)] {
        let message = Assembly::request(Vec::new(), b"GET", target.as_bytes(), b"");
        let (place, _) = process
            .invoke(message, InvocationMetadata { format: MessageFormat::Request, ..InvocationMetadata::default() });
        assert_eq!(process.runtime.has_replied_work(&place), has_work, "{target}");
    }
}
