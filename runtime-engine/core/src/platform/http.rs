//! Plain HTTP: any container host, the local machine, and under other names the platforms that add little to it. The
//! default when nothing marks another platform.
//!
//! `PORT` (8080), every path is the function's, but two probe paths. A probe is known by its path and never by what it
//! says of itself in `User-Agent`: any client can say that, and a cache in front would keep the answer for the next
//! one. After SIGTERM readiness is 503 and requests are still served until the process is told to stop accepting.

use super::{Listen, PlatformConfig, PlatformEntry, Protocol, Route, Serving, State, http_common};
use crate::http1::{Head, Message};
use crate::invocation::InvocationMetadata;
use crate::process::{Identity, Process};
use crate::settings::{BadSetting, Env, Settings};
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "http";

/// The port if `PORT` is not set.
pub(super) const PORT: u16 = 8080;

/// The number of invocations at once if `FAAS_CONCURRENCY` is not set.
pub(super) const CONCURRENCY: usize = 256;

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "plain HTTP, Docker",
    short: "plain HTTP",
    aliases: &[],
    marks: "nothing",
    mark: |_| None,
    trusted_hops: 0,
    open,
};

/// Reads the variables.
///
/// # Errors
/// `PORT` is not a port.
pub(super) fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let server = PlainHttp::read(env, settings, PORT)?;
    Ok(PlatformConfig::new(identity(env, NAME), Protocol::Serving(Box::new(server))))
}

/// Returns the names that the runtime's own variables give, on a host that gives no names.
pub(super) fn identity(env: &Env<'_>, platform: &'static str) -> Identity {
    Identity {
        platform,
        function: env.text("FAAS_FUNCTION_NAME"),
        version: env.text("FAAS_FUNCTION_VERSION"),
        service: env.text("FAAS_SERVICE"),
        stage: env.text("FAAS_STAGE"),
        region: env.text("FAAS_REGION"),
        ..Identity::default()
    }
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct PlainHttp {
    listen: String,
    concurrency: usize,
    timeout: Option<Duration>,
    lame_duck: Duration,
    live: Vec<u8>,
    ready: Vec<u8>,
}

impl PlainHttp {
    /// Reads the settings from the variables; `port` is the one without `PORT`.
    ///
    /// # Errors
    /// `PORT` is not a port.
    pub(super) fn read(env: &Env<'_>, settings: &Settings, port: u16) -> Result<PlainHttp, BadSetting> {
        let path = |name, default: &str| Ok(env.path(name)?.unwrap_or_else(|| default.into()));
        Ok(PlainHttp {
            listen: http_common::address(env, "PORT", port)?,
            concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
            timeout: settings.timeout,
            lame_duck: Duration::ZERO,
            live: path("FAAS_LIVENESS_PATH", "/livez")?,
            ready: path("FAAS_READINESS_PATH", "/readyz")?,
        })
    }

    /// Returns the server that goes on serving as before for that time after a stop signal.
    pub(super) fn with_lame_duck(self, lame_duck: Duration) -> PlainHttp {
        PlainHttp { lame_duck, ..self }
    }

    /// Returns the runtime's own answer to a probe; `None` if the request is no probe.
    pub(super) fn probe(&self, request: &Message, state: State) -> Option<Route> {
        let path = http_common::path(request);
        if path == self.live {
            return Some(Route::text(200, "OK"));
        }
        (path == self.ready).then(|| if state.is_ready() { Route::Health } else { Route::text(503, "not ready") })
    }

    /// Returns the metadata of an invocation that the request tells.
    pub(super) fn metadata(&self, process: &Process, request: &Message) -> InvocationMetadata {
        http_common::metadata(process, request, self.timeout)
    }
}

impl Serving for PlainHttp {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn lame_duck(&self) -> Duration {
        self.lame_duck
    }

    fn may_stream(&self, head: Head<'_>) -> bool {
        http_common::may_stream(head)
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        self.probe(request, state).unwrap_or_else(|| Route::Invoke(self.metadata(process, request)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::cloudevents::tests::{process, request};
    use super::*;

    #[test]
    fn a_probe_is_known_by_its_path_and_not_by_who_asks() {
        let look_up = |_: &str| None;
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).expect("no setting is wrong here");
        let server = PlainHttp::read(&env, &settings, PORT).expect("the variables fit");
        let process = process();
        for agent in ["GoogleHC/1.0", "kube-probe/1.33", "curl/8"] {
            let asked =
                |path, state| server.route(&process, &request("GET", path, &[("User-Agent", agent)], ""), state);
            for path in ["/", "/any", "/livez/more"] {
                assert!(matches!(asked(path, State::Ready), Route::Invoke(_)), "{agent} {path}");
            }
            assert!(matches!(asked("/readyz?x", State::Ready), Route::Health), "{agent}");
            assert!(
                matches!(asked("/livez", State::Stopping), Route::Local(answer) if answer.status == 200),
                "{agent}"
            );
            assert!(
                matches!(asked("/readyz", State::Stopping), Route::Local(answer) if answer.status == 503),
                "{agent}"
            );
        }
    }
}
