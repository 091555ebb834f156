//! The ends that calls may have: a completion that comes early, a status that has no meaning.

use integration::artifacts::{Runtime, compile_c, workspace};
use integration::both;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::limit;

/// Returns a test's module in C, as `lib<name>.so`.
pub(crate) fn c_module(name: &str) -> Deployment {
    let source = workspace().join(format!("integration/tests/c/{name}.c"));
    let file = format!("lib{name}.so");
    let library = compile_c(&source, &file, &[]).unwrap_or_else(|why| panic!("{why}"));
    Deployment::empty().file(&file, &library)
}

/// Checks that the runtime writes these words within the limit.
pub(crate) fn assert_says(run: &OnHttp, words: &str) {
    let said = run.process.wait_for_line(|line| line.contains(words), limit());
    assert!(said.is_ok(), "{words}: {}", run.process.output());
}

both!(
    a_completion_may_come_before_the_call_has_returned,
    an_entry_that_wants_what_the_runtime_has_not_is_named_once,
    a_hook_without_a_token_that_is_pending_has_failed,
    an_optional_hook_without_a_token_that_is_pending_is_skipped,
    a_layer_whose_health_is_pending_is_not_well,
);

fn a_completion_may_come_before_the_call_has_returned(runtime: &Runtime) {
    let run = OnHttp::start(runtime, c_module("hasty"), "hasty.early");
    for _ in 0..20 {
        let reply = run.get("/");
        assert_eq!((reply.status, reply.text().as_str()), (200, "early"), "{}", run.process.output());
    }
}

fn an_entry_that_wants_what_the_runtime_has_not_is_named_once(runtime: &Runtime) {
    let run = OnHttp::start(runtime, c_module("hasty"), "hasty.early");
    let line = "function early does less here: this runtime does not have UPGRADE";
    assert_says(&run, line);
    assert_eq!(run.process.output().matches(line).count(), 1);
}

/// Returns a process whose required layer is not well, so that nobody can wait for it to be ready.
fn unwell(runtime: &Runtime) -> OnHttp {
    let run = OnHttp::launch(runtime, c_module("hasty").layers(&["hasty.waiting"]), "hasty.counted");
    assert_says(&run, "listening on");
    run
}

fn a_hook_without_a_token_that_is_pending_has_failed(runtime: &Runtime) {
    let run = unwell(runtime);
    assert_eq!(run.get("/").status, 500);
    assert_says(&run, "layer waiting in context ended with status 1, which has no meaning there");
}

fn an_optional_hook_without_a_token_that_is_pending_is_skipped(runtime: &Runtime) {
    let run = OnHttp::start(runtime, c_module("hasty").layers(&["hasty.waiting?"]), "hasty.counted");
    let reply = run.get("/");
    assert_eq!((reply.status, reply.text().as_str()), (200, "1"), "{}", run.process.output());
    assert_says(&run, "layer waiting failed in context and was skipped");
}

fn a_layer_whose_health_is_pending_is_not_well(runtime: &Runtime) {
    let run = unwell(runtime);
    assert_eq!(run.get("/readyz").status, 503);
    assert_says(&run, "layer waiting is not well: its health ended with status 1, which has no meaning there");
}
