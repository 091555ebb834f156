//! The command line. Reads and checks it; does nothing.

use clap::Parser;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Runs a function and its layers on this machine: the real runtime under a local AWS Lambda.
///
/// Without options it serves the example `hello` over HTTP until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "cargo-faas", version, max_term_width = 100)]
pub(crate) struct Options {
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
        ] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }
}
