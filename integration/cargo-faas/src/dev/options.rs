//! The arguments of `dev`, `invoke` and `logs`.

use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What `dev` is told.
#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// Run on this local platform instead of plain HTTP: aws, fc, azure, scf, functiongraph, google, knative, openwhisk, fn,
    /// openfaas, vefaas
    #[arg(long, value_name = "NAME")]
    pub(crate) platform: Option<String>,

    /// Port to serve at [default: 8080, or any if it is taken]
    #[arg(long)]
    pub(crate) port: Option<u16>,

    /// Address to serve at; the console answers to this machine alone, whatever this is
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,

    /// Run under light-bootstrap instead of bootstrap
    #[arg(long)]
    pub(crate) light: bool,

    /// Run under this binary instead of building one
    #[arg(long, value_name = "PATH", conflicts_with = "light")]
    pub(crate) runtime: Option<PathBuf>,

    /// Serve and watch this deployment folder instead of building the project: libraries and faas.json of one unit, or a
    /// folder for each unit, and a .env
    #[arg(long, value_name = "FOLDER", requires = "runtime")]
    pub(crate) deployment: Option<PathBuf>,

    /// Seconds an invocation on a local platform may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=900))]
    timeout: u64,

    /// Seconds the requests of an old deployment may take once a new one serves; then they are cut
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    drain: u64,

    /// The library of the layer span, for the waterfall; with --deployment there is none without it
    #[arg(long, value_name = "PATH", hide = true)]
    pub(crate) span: Option<PathBuf>,

    /// Put no span around layers and functions: the console has no waterfall then
    #[arg(long)]
    pub(crate) no_spans: bool,
}

impl DevOptions {
    /// How long an invocation may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// How long requests of an old deployment may take.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain)
    }
}

/// Which `cargo faas dev` is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct Running {
    /// The address of a running dev, or, to send a request, of a running bootstrap [default: the dev of this project]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// What `invoke` is told.
#[derive(Debug, Args)]
pub(crate) struct InvokeOptions {
    #[command(flatten)]
    pub(crate) running: Running,

    /// The function that is to serve an event [default: whose it is]
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,

    /// A sample of a trigger, such as aws/sqs; --list shows them
    #[arg(long, value_name = "NAME")]
    pub(crate) sample: Option<String>,

    /// List the samples and exit
    #[arg(long)]
    pub(crate) list: bool,

    /// An event, or the body of a request: JSON or any text; `@file` reads a file, `-` the standard input
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) data: Option<String>,

    /// The platform that sends the event of --data [default: aws]
    #[arg(long, value_name = "NAME")]
    pub(crate) platform: Option<String>,

    /// Send a request to this path instead of an event
    #[arg(long, value_name = "PATH", conflicts_with_all = ["sample", "platform", "function"])]
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

    /// Print everything that is known of the invocation, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `logs` is told.
#[derive(Debug, Args)]
pub(crate) struct LogsOptions {
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
