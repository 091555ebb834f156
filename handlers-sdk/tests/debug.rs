//! `FAAS_DEBUG` is read by the same rule as in the runtimes. The switch is the process', so it has a test program of
//! its own.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Event, function};

#[function]
fn fragile(_: Event) -> &'static str {
    panic!("dropped");
}

/// Returns the detail of the error that a panic becomes.
fn detail(word: &str) -> String {
    let app = App::builder().module(fragile::MODULE).config("FAAS_DEBUG", word).start().expect("starts");
    let failed = app.invoke(Invoke::event("")).failed.expect("fails");
    app.close();
    failed.detail
}

#[test]
fn a_backtrace_is_made_for_words_that_switch_it_on_and_for_no_others() {
    for word in ["", "0", "false", "no", "NO", "off"] {
        assert_eq!(detail(word).lines().count(), 1, "{word:?}: {}", detail(word));
    }
    assert!(detail("Yes").lines().count() > 1, "{}", detail("Yes"));
}
