//! `cargo-faas`, the developer's tool: builds a function and its layers, starts a local platform and the real runtime
//! under it, and either serves them at a URL or sends one event through. The table of contents, and the exit code:
//! 0 done, 1 a step failed, 2 wrong usage.
//!
//! | module | holds |
//! |---|---|
//! | `options` | the command line |
//! | `workspace`, `artifacts` | which packages there are; building them |
//! | `task` | the task folder, laid out as it is on the platform |
//! | `local` | the platform and the runtime's process |
//! | `journal` | what the runtime wrote, phases apart from the rest |
//! | `event`, `stamp` | an HTTP request as an API Gateway event |
//! | `reply` | a function's answer as an HTTP response |
//! | `front` | the HTTP server before them |
//! | `once`, `serve` | the two ways to run |
//! | `screen` | what people see |
//! | `failure` | a step that failed |
//! | `service` | what is said of a serverless.yml: check, explain, plan, manifest, schema |
#![forbid(unsafe_code)]

mod artifacts;
mod dev;
mod event;
mod failure;
mod front;
mod journal;
mod local;
mod once;
mod options;
mod reply;
mod screen;
mod serve;
mod service;
mod stamp;
mod task;
mod workspace;

use failure::Failure;
use options::Options;
use screen::Screen;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = Options::read(std::env::args_os());
    let screen = Screen::new();
    match run(&options, &screen) {
        Ok(code) => code,
        Err(failure) => {
            screen.failed(&failure);
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, screen: &Screen) -> Result<ExitCode, Failure> {
    if let Some(command) = &options.command {
        return match command {
            options::Command::Dev(options) => dev::run(options, *screen),
            options::Command::Invoke(options) => dev::invoke(options, *screen),
            options::Command::Logs(options) => dev::logs(options, *screen),
            _ => service::run(command, screen),
        };
    }
    if options.once { once::run(options, screen) } else { serve::run(options, screen) }
}
