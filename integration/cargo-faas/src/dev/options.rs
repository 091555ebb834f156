//! The arguments of `dev`, `invoke` and `logs`.

use crate::running::RunArgs;
use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Serve the functions of this project over HTTP until Ctrl-C: rebuilt whenever it changes, with a console at /_faas
///
/// Every function is served by its routes, on plain HTTP. With --platform a request becomes an event of that
/// platform's: each of the fifteen has a local one, such as aws, fc, azure, knative or yandex.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Port to serve at [default: 8080, or any if it is taken]
    #[arg(long)]
    pub(crate) port: Option<u16>,

    /// Address to serve at; the console answers to this machine alone, whatever this is
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,

    /// Serve and watch this deployment folder instead of building the project: libraries and faas.json of one unit, or
    /// a folder for each unit, and a .env
    #[arg(long, value_name = "FOLDER", requires = "runtime", conflicts_with_all = OF_A_PROJECT)]
    pub(crate) deployment: Option<PathBuf>,

    /// Watch this file or folder, too; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) watch: Vec<PathBuf>,

    /// Seconds the requests of an old deployment may take once a new one serves; then they are cut
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    drain: u64,

    /// The library of the layer span, for the waterfall; with --deployment there is none without it
    #[arg(long, value_name = "PATH", hide = true)]
    pub(crate) span: Option<PathBuf>,

    /// Put no span around layers and functions: the console has no waterfall then
    #[arg(long)]
    pub(crate) no_spans: bool,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// The arguments about a project, its build and its variables, of which a deployment folder has the result.
const OF_A_PROJECT: [&str; 10] =
    ["env", "env_file", "file", "function", "layers", "options", "package", "profile", "release", "stage"];

impl Dev {
    /// Returns how long requests of an old deployment may take.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain)
    }
}

/// The `cargo faas dev` that is asked.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Running {
    /// The address of a running dev, or, to send a request, of a running bootstrap [default: the dev of this project]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// The questions that `invoke` can ask a running dev.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "With a running dev")]
pub(crate) struct Asking {
    #[command(flatten)]
    pub(crate) running: Running,

    /// Start a runtime for this event even if a dev runs
    #[arg(long, conflicts_with_all = OF_DEV)]
    pub(crate) alone: bool,

    /// Send a request to this path instead of an event
    #[arg(long, value_name = "PATH", conflicts_with_all = ["sample", "function"])]
    pub(crate) path: Option<String>,

    /// The method of the request [default: GET, or POST with --data]
    #[arg(long, short = 'X', value_name = "METHOD", requires = "path")]
    pub(crate) method: Option<String>,

    /// A header of the request, `name: value`
    #[arg(long, short = 'H', value_name = "HEADER", requires = "path")]
    pub(crate) header: Vec<String>,

    /// The event has this long, such as 500ms or 2s, where the platform sets a deadline for each (aws, fn)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) deadline: Option<Duration>,

    /// Freeze the process that long before it gets the event
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) freeze: Option<Duration>,

    /// Send it again that often if it fails, as platforms do with events nobody waits for
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    pub(crate) retry: u32,

    /// Send it twice with one request id
    #[arg(long)]
    pub(crate) duplicate: bool,

    /// Send SIGTERM to the process while it has the event
    #[arg(long)]
    pub(crate) sigterm: bool,

    /// Refuse it, as a platform does on which too many run
    #[arg(long)]
    pub(crate) throttle: bool,
}

/// The arguments that only a running dev can heed.
const OF_DEV: [&str; 8] = ["url", "path", "deadline", "freeze", "retry", "duplicate", "sigterm", "throttle"];

impl Asking {
    /// Returns an option that only a running dev can heed; `None` without one.
    pub(crate) fn needs_dev(&self) -> Option<&'static str> {
        let Asking { running, path, deadline, freeze, retry, duplicate, sigterm, throttle, .. } = self;
        let all = [
            ("--url", running.url.is_some()),
            ("--path", path.is_some()),
            ("--deadline", deadline.is_some()),
            ("--freeze", freeze.is_some()),
            ("--retry", *retry > 0),
            ("--duplicate", *duplicate),
            ("--sigterm", *sigterm),
            ("--throttle", *throttle),
        ];
        all.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }
}

/// Print what the functions of a running dev write, and follow it
#[derive(Debug, Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    pub(crate) running: Running,

    /// Only lines of this function
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,

    /// Only lines of this request
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,

    /// Print what there is and exit
    #[arg(long)]
    pub(crate) no_follow: bool,

    /// Print lines as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn time(text: &str) -> Result<Duration, String> {
    faas_core::settings::duration(text).ok_or_else(|| "expected a time such as 500ms or 2s".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::command_line::tests::read;
    use crate::running::RunArgs;
    use clap::Args;

    #[test]
    fn beside_a_deployment_folder_only_what_is_heeded_is_taken() {
        const HEEDED: [&str; 3] = ["--platform", "--runtime", "--timeout"];
        for argument in RunArgs::augment_args(clap::Command::new("run")).get_arguments() {
            let option = format!("--{}", argument.get_long().unwrap());
            let with = |more: &[&str]| read(&[&["dev"], more].concat());
            let ways = [vec![&*option], vec![&option, "5"], vec![&option, "A=b"]];
            let given = ways.iter().find(|given| with(given).is_ok()).expect("one is right");
            let runtime = if option == "--runtime" { &[][..] } else { &["--runtime", "x"] };
            let beside = with(&[&["--deployment", "x"], runtime, given].concat());
            assert_eq!(beside.is_ok(), HEEDED.contains(&&*option), "{option}");
        }
    }

    #[test]
    fn contradictions_are_usage_errors() {
        for wrong in [
            &["dev", "--deployment", "x"][..],
            &["invoke", "--path", "/", "--sample", "aws/sqs"],
            &["invoke", "--method", "GET"],
            &["invoke", "--alone", "--url", "http://x/"],
            &["invoke", "--alone", "--path", "/"],
            &["invoke", "--alone", "--freeze", "1s"],
            &["invoke", "--freeze", "soon"],
        ] {
            assert_eq!(read(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}
