//! The way from the environment to a running process, and to its exit code.

use crate::driver::Driver;
use crate::exit_code::FAILED;
use crate::guard::Guard;
use crate::life::{Life, Source};
use crate::loader::Libraries;
use crate::output::Output;
use crate::piping::{self, Answers};
use crate::{manifest, pid1, polling, runtime_files, serving, sys};
use faas_abi::Module;
use faas_core::command_line;
use faas_core::describe::describe;
use faas_core::functions::Loader;
use faas_core::log::{Level, Log};
use faas_core::modules::Roots;
use faas_core::platform::{self, Detected, PlatformConfig, Protocol};
use faas_core::process::{Clock, Process};
use faas_core::settings::{Env, Settings};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs the process to its end: functions and layers are libraries, named by the environment. It has to be called
/// before any thread is made. It fits a program that starts without std's own preparations.
pub fn run(driver: &'static Driver) -> ! {
    sys::begin();
    if answer_command_line(driver).is_some_and(|first| first == command_line::DESCRIBE) {
        describe_library(driver);
    }
    pid1::step_aside();
    runtime_files::leave(go(driver, Source::Libraries))
}

/// Runs the process to its end with a function and layers (outermost first) that are linked into the binary. It has to
/// be called before any thread is made. It fits a program that starts without std's own preparations.
pub fn run_linked(driver: &'static Driver, function: &'static Module, layers: &[&'static Module]) -> ! {
    sys::begin();
    let _ = answer_command_line(driver);
    pid1::step_aside();
    runtime_files::leave(go(driver, Source::Linked { function, layers }))
}

/// Returns the clock of a process that begins now.
pub fn clock() -> Clock {
    Clock::machine(sys::monotonic_ns)
}

/// Answers `--help` and `--version`, and ends the process. Returns any other first argument; `None` if there is none.
fn answer_command_line(driver: &Driver) -> Option<OsString> {
    let first = std::env::args_os().nth(1)?;
    if let Some(text) = command_line::answer(driver.program, Some(&first.to_string_lossy())) {
        println!("{}", text.trim_end());
        runtime_files::leave(0);
    }
    Some(first)
}

/// Writes the declarations of the library of the second argument, and ends the process: 0, or 1 if it cannot be loaded,
/// or 2 if no library is named.
fn describe_library(driver: &Driver) -> ! {
    let Some(path) = std::env::args_os().nth(2) else {
        complain(driver, &"--describe: expected the path of a library, found nothing");
        runtime_files::leave(2);
    };
    // The features do not matter here: an entry is only read.
    match Libraries(driver.open).load(Path::new(&path), u64::MAX) {
        Ok(module) => {
            println!("{}", describe(&module));
            runtime_files::leave(0);
        }
        Err(why) => {
            complain(driver, &why);
            runtime_files::leave(FAILED);
        }
    }
}

/// Writes why a configuration failed: one line on standard error, where every platform looks, since it has no log yet.
fn complain(driver: &Driver, what: &dyn std::fmt::Display) {
    eprintln!("{}: {what}", driver.program);
}

fn go(driver: &Driver, source: Source<'_>) -> i32 {
    let complain = |what: &dyn std::fmt::Display| complain(driver, what);
    let look_up = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let env = Env::new(&look_up);
    let settings = match Settings::read(&env) {
        Ok(settings) => settings,
        Err(bad) => {
            complain(&bad);
            return FAILED;
        }
    };
    let detected = match platform::detect(&env, &settings) {
        Ok(detected) => detected,
        Err(unknown) => {
            complain(&unknown);
            return FAILED;
        }
    };
    let framed = env.number("_LAMBDA_TELEMETRY_LOG_FD").ok().flatten();
    let framed = framed.and_then(|fd| i32::try_from(fd).ok()).and_then(sys::inherited);
    let Detected { opened, why } = detected;
    let answers = match &opened.protocol {
        Protocol::Piping(piping) => match Answers::to(piping.answers_to()) {
            Ok(answers) => Some(answers),
            Err(error) => {
                complain(&error);
                return FAILED;
            }
        },
        Protocol::Polling(_) | Protocol::Serving(_) => None,
    };
    let settings = Settings { grace: opened.stop_within(&env, &settings), ..settings };
    let PlatformConfig { identity, protocol, handler, root, log: style, secrets, .. } = opened;
    let root = env.get("FAAS_ROOT").or(root).map(PathBuf::from);
    let roots = Roots { task: root.or_else(|| std::env::current_dir().ok()).unwrap_or_default() };
    // This comes before any thread is made: the process' environment is about to change.
    let place = manifest::Place { yml: driver.yml, platform: identity.platform, secrets };
    let (manifest, laid) = manifest::read(&env, &roots, &place);
    let log = Log::new(settings.level, style.look(&env, &settings), Arc::new(Output::new(framed, style.to)));
    if let Ok(Some(manifest)) = &manifest {
        log.conceal(manifest.secrets.values());
    }
    let _guard = Guard(&log);
    let process = Arc::new(Process::by(clock(), identity, log.clone()));
    laid.doubts.iter().for_each(|doubt| process.log.say(Level::Warn, doubt));
    process.cover_environment(laid.before);
    let Driver { open, signals_into, library, http2, .. } = *driver;
    let life = Life { open, library, signals_into, process, settings, manifest, roots, handler, source, why };
    match protocol {
        Protocol::Polling(polling) => polling::run(&life, Arc::from(polling)),
        Protocol::Serving(serving) => serving::run(&life, Arc::from(serving), http2),
        Protocol::Piping(piping) => match answers {
            Some(answers) => piping::run(&life, &Arc::from(piping), &answers),
            None => FAILED,
        },
    }
}
