//! Both runtimes and their modules under instruments: valgrind's memory checker, gcc's sanitizers, a pid namespace in
//! which the runtime is process 1, and a user who may make few threads.
//!
//! Without an instrument its tests are listed as ignored, with the missing instrument as their kind; with
//! `FAAS_REQUIRE=all`, as `.ci/run` sets it, they fail instead. No test ever passes without its instrument.

#[path = "instruments/few_threads.rs"]
mod few_threads;
#[path = "instruments/first_process.rs"]
mod first_process;
#[path = "instruments/needs.rs"]
mod needs;
#[path = "instruments/sanitizers.rs"]
mod sanitizers;
#[path = "instruments/valgrind.rs"]
mod valgrind;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut trials = valgrind::trials();
    trials.extend(sanitizers::trials());
    trials.extend(first_process::trials());
    trials.extend(few_threads::trials());
    integration::needs::run(trials)
}
