//! Every fault of AWS' control plane, and every way a function can misbehave under it, over both runtimes: how often
//! each invocation was answered, with what, and what became of the process.
//!
//! A case is a row of `docs/faults.md` (`FAAS_REWRITE=1` writes that table) and a test over each runtime, named
//! `case::runtime`. The cases wait far more than they work, so more of them run at once than other tests do, whatever
//! `RUST_TEST_THREADS` says; `--test-threads` says how many.

#[path = "aws_faults/answers.rs"]
mod answers;
#[path = "aws_faults/contained.rs"]
mod contained;
#[path = "aws_faults/crowded.rs"]
mod crowded;
#[path = "aws_faults/freezing.rs"]
mod freezing;
#[path = "aws_faults/layers.rs"]
mod layers;
#[path = "aws_faults/polls.rs"]
mod polls;
#[path = "aws_faults/run.rs"]
mod run;
#[path = "aws_faults/starting.rs"]
mod starting;
#[path = "aws_faults/stopping.rs"]
mod stopping;
#[path = "aws_faults/table.rs"]
mod table;

use integration::artifacts::{self, Runtime};
use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

/// The number of tests that run at once.
const AT_ONCE: usize = 12;

/// One fault, as a case and as a row.
pub(crate) struct Case {
    /// The name of the test, before `::bootstrap` or `::light_bootstrap`.
    pub(crate) name: &'static str,
    /// The fault, in words.
    pub(crate) fault: &'static str,
    /// The reaction of a runtime, in words.
    pub(crate) then: &'static str,
    /// Brings the fault about and asserts the reaction.
    pub(crate) check: fn(&Runtime),
}

/// A group of cases that belong together.
pub(crate) struct Group {
    /// The heading of the group.
    pub(crate) title: &'static str,
    /// The cases of the group.
    pub(crate) cases: &'static [Case],
}

const GROUPS: &[Group] = &[
    starting::GROUP,
    polls::GROUP,
    answers::GROUP,
    freezing::GROUP,
    contained::GROUP,
    layers::GROUP,
    crowded::GROUP,
    stopping::GROUP,
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    type Pick = fn() -> &'static Runtime;
    let runtimes: [(&str, Pick); 2] =
        [("bootstrap", || artifacts::get().bootstrap()), ("light_bootstrap", || artifacts::get().light_bootstrap())];
    let mut trials = vec![Trial::test("the_table_says_what_the_tests_show", || {
        table::check();
        Ok(())
    })];
    for case in GROUPS.iter().flat_map(|group| group.cases) {
        for (label, runtime) in runtimes {
            let check = case.check;
            trials.push(Trial::test(format!("{}::{label}", case.name), move || {
                check(runtime());
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
