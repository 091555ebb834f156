//! `cargo-faas`, the developer's tool: makes a project, builds its functions and layers, runs them under a local
//! platform and the real runtime, and shows the result of a serverless.yml. This file is the table of contents.
//! `command_line` has the list of exit codes.
//!
//! | module | holds |
//! |---|---|
//! | `command_line` | the parts common to all commands; a command's own arguments are in its module |
//! | `new` | templates of projects |
//! | `project` | what there is to build, what it declares, what is deployed together; the runtimes |
//! | `running`, `task` | what is run, and the folder that it runs in |
//! | `outer` | where the layers of the command line stand |
//! | `stage` | local platforms, each with a runtime on it |
//! | `local` | AWS Lambda more closely, for `invoke` |
//! | `journal` | what the runtime wrote, phases apart from the rest |
//! | `event`, `stamp` | an HTTP request as an API Gateway event |
//! | `reply` | a function's answer as an HTTP response |
//! | `dev` | serving a project while it is written, with a console |
//! | `wanted` | the event that a function is written for |
//! | `invoke` | one invocation, under a platform of its own or by a running dev |
//! | `recording` | a recording of the layer `record`, as something to send again |
//! | `events` | the events of all platforms, to look at and to send |
//! | `artefact` | what a compiled file is and wants |
//! | `package` | what each platform is given |
//! | `check` | `check`: what is wrong with a yml, with compiled files, with packages |
//! | `pack` | package, sbom: what a platform is given, built and written |
//! | `deploy` | deployment files: templates, deploy |
//! | `service` | what is said of a serverless.yml: explain, plan, manifest, schema |
//! | `completions` | what shells complete |
//! | `screen` | what people see |
//! | `interrupt`, `children` | the end by a signal, and of what was started |
//! | `failure` | a step that failed |
#![forbid(unsafe_code)]

mod artefact;
mod check;
mod children;
mod command_line;
mod completions;
mod deploy;
mod dev;
mod event;
mod events;
mod failure;
mod interrupt;
mod invoke;
mod journal;
mod local;
mod new;
mod outer;
mod pack;
mod package;
mod project;
mod recording;
mod reply;
mod running;
mod screen;
mod service;
mod stage;
mod stamp;
mod task;
mod wanted;

use failure::Failure;
use screen::Screen;
use std::process::ExitCode;

/// Lists the commands: a name and the module's arguments, which have `run`.
macro_rules! commands {
    ($($name:ident($arguments:ty),)*) => {
        /// The commands.
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum Command {
            $($name($arguments),)*
        }

        impl Command {
            fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
                match self {
                    $(Command::$name(arguments) => arguments.run(screen),)*
                }
            }
        }
    };
}

commands! {
    Dev(dev::Dev),
    Invoke(invoke::Invoke),
    Logs(dev::Logs),
    New(new::New),
    Events(events::Events),
    Check(check::command::Check),
    Package(pack::command::Package),
    Sbom(pack::bill::Sbom),
    Explain(service::explain::Explain),
    Plan(service::plan::Plan),
    Manifest(service::manifest::Manifest),
    Schema(service::schema::Schema),
    Templates(deploy::templates::TemplatesCommand),
    Deploy(deploy::run::Deploy),
    Completions(completions::Completions),
}

fn main() -> ExitCode {
    let command = command_line::read(std::env::args_os());
    let screen = Screen::new();
    command.run(screen).unwrap_or_else(|failure| {
        screen.failed(&failure);
        ExitCode::FAILURE
    })
}
