//! The command `explain`: the meaning of a key, and the fate of a function or a request.

use super::{ServiceArgs, read, right};
use crate::failure::Failure;
use crate::screen::Screen;
use clap::Args;
use serde_json::json;
use serverless_spec::cron::Civil;
use serverless_spec::explain;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Say what became of a key, a function, or a request, and which line it comes from
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A key (`timeout`, `functions.timeout`), a function, or a request (`GET /orders/7`)
    #[arg(required = true, num_args = 1..=2)]
    about: Vec<String>,

    #[command(flatten)]
    service: ServiceArgs,
}

impl Explain {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let Explain { about, service } = self;
        // Keys can be asked about where there is no yml.
        let found = read::read(&service.yml);
        let spec = found.as_ref().ok().and_then(|found| found.read.spec.as_ref().map(|spec| (spec, found)));
        let whole = about.join(" ");
        let answer = match (&about[..], spec) {
            ([method, path], Some((spec, found))) if path.starts_with('/') => {
                explain::request(spec, &found.read.sources, &method.to_ascii_uppercase(), path)
            }
            ([one], Some((spec, found))) => match one.split_once(' ') {
                Some((method, path)) if path.starts_with('/') => {
                    explain::request(spec, &found.read.sources, &method.to_ascii_uppercase(), path)
                }
                _ if one.starts_with('/') => explain::request(spec, &found.read.sources, "GET", one),
                _ => explain::function(spec, &found.read.sources, one, now()) + &explain::key(one),
            },
            _ => explain::key(&whole),
        };
        if answer.is_empty() {
            // A yml that is wrong or absent is the reason why a function is not found.
            if let Ok(found) = &found {
                let _ = right(found, service, screen);
            }
            let why = format!("there is no key, function or request `{whole}`");
            return Err(found.err().filter(|_| !whole.contains('.')).unwrap_or_else(|| Failure::new("explain", why)));
        }
        if service.json {
            screen.line(&format!("{:#}", json!({"about": whole, "text": answer.trim_end()})));
        } else {
            screen.line(answer.trim_end());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the time in UTC, for the next times of timers.
fn now() -> Civil {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Civil::of_epoch_seconds(since.as_secs())
}
