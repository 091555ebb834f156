//! The command line. Reads and checks it; does nothing.

use crate::dev::{DevOptions, InvokeOptions, LogsOptions};
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Runs a function and its layers on this machine: the real runtime under a local AWS Lambda.
///
/// Without options it serves the example `hello` over HTTP until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "cargo-faas", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    /// Something else to do: about a serverless.yml
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Send one API Gateway event through, print the reply and every phase, and exit
    #[arg(long)]
    pub(crate) once: bool,

    /// With --once: send this JSON file instead of the built-in event
    #[arg(long, value_name = "FILE", requires = "once")]
    pub(crate) event: Option<PathBuf>,

    /// A package of the workspace, `package.function`, or the path of a .so file
    #[arg(long, value_name = "NAME|PATH", default_value = "hello")]
    pub(crate) function: String,

    /// Names or paths of .so files, outermost first; `name?` may fail; empty for none
    #[arg(long, value_name = "A,B", default_value = "monitor,metrics", value_delimiter = ',')]
    pub(crate) layers: Vec<String>,

    /// Run under light-bootstrap instead of bootstrap
    #[arg(long)]
    pub(crate) light: bool,

    /// Run under this binary instead of building one
    #[arg(long, value_name = "PATH", conflicts_with = "light")]
    pub(crate) runtime: Option<PathBuf>,

    /// Port to serve at [default: 8080, or any if it is taken]
    #[arg(long, conflicts_with = "once")]
    pub(crate) port: Option<u16>,

    /// Seconds an invocation may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=900))]
    timeout: u64,

    /// Cargo profile to build with
    #[arg(long, value_name = "NAME", default_value = "release")]
    pub(crate) profile: String,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the project here, rebuilt whenever it changes, with a console
    Dev(DevOptions),
    /// Send a request or an event to a running dev
    Invoke(InvokeOptions),
    /// Print what functions of a running dev write
    Logs(LogsOptions),
    /// Say what is wrong with a serverless.yml: exit code 0 if nothing is, 1 if there is an error
    Check(Service),
    /// Say what became of a key, a function, or a request, and which line it comes from
    Explain {
        /// A key (`timeout`, `functions.timeout`), a function, or a request (`GET /orders/7`)
        #[arg(required = true, num_args = 1..=2)]
        about: Vec<String>,
        #[command(flatten)]
        service: Service,
    },
    /// Show which function is in which deployment, and who owns each route and event
    Plan {
        /// Compare with this yml, as it was before an edit
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        #[command(flatten)]
        service: Service,
    },
    /// Write the manifest (faas.json) of each deployment
    Manifest {
        /// Only that of this deployment
        #[arg(long, value_name = "NAME")]
        unit: Option<String>,
        /// Write `<FOLDER>/<deployment>/faas.json` instead of to the standard output
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        #[command(flatten)]
        service: Service,
    },
    /// Write the JSON schema that editors check a serverless.yml with
    Schema,
}

/// Which yml, and what it is read with.
#[derive(Debug, Args)]
pub(crate) struct Service {
    /// The yml [default: f.yml, serverless.yml or serverless.yaml, whichever is here]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// The stage [default: what the yml says, or dev]
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: Option<String>,

    /// The platform [default: what the yml says]
    #[arg(long, value_name = "NAME")]
    pub(crate) platform: Option<String>,

    /// The value of `${opt:NAME}`
    #[arg(long = "opt", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) options: Vec<(String, String)>,

    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

impl Options {
    /// Reads arguments; wrong usage and `--help` end the process, with 2 and 0.
    pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> Options {
        Options::parse_from(without_subcommand(arguments))
    }

    /// How long an invocation may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// `cargo faas …` runs `cargo-faas faas …`: cargo hands the subcommand's own name on.
fn without_subcommand(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut list: Vec<OsString> = arguments.collect();
    if list.get(1).is_some_and(|first| first == "faas") {
        list.remove(1);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options, clap::Error> {
        let all = std::iter::once("cargo-faas").chain(arguments.iter().copied()).map(OsString::from);
        Options::try_parse_from(without_subcommand(all))
    }

    #[test]
    fn nothing_given_serves_hello_with_both_layers() {
        let options = read(&[]).unwrap();
        assert!(!options.once && !options.light);
        assert_eq!(options.function, "hello");
        assert_eq!(options.layers, ["monitor", "metrics"]);
        assert_eq!((options.timeout(), &*options.profile), (Duration::from_secs(30), "release"));
    }

    #[test]
    fn cargo_may_hand_its_subcommand_on() {
        assert!(read(&["faas", "--once"]).unwrap().once);
        assert!(read(&["--once"]).unwrap().once);
    }

    #[test]
    fn contradictions_are_usage_errors() {
        for wrong in [
            &["--event", "a.json"][..],
            &["--once", "--port", "80"],
            &["--light", "--runtime", "x"],
            &["--timeout", "0"],
            &["hello"],
            &["check", "--once"],
            &["explain"],
            &["check", "--opt", "stage"],
        ] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }
}
