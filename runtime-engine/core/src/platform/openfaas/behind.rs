//! The runtime behind of-watchdog in mode `http`: the watchdog starts the process, forwards every request as it came,
//! with any path, and does health checks, limits, metrics and request lines itself. Source: `executor/http_runner.go`
//! and `pkg/watchdog.go` there.

use super::{CONCURRENCY, Times};
use crate::http1::{Head, Message};
use crate::platform::{FailedInvocation, Listen, Response, Route, Serving, State, http_common};
use crate::process::Process;
use crate::settings::{BadSetting, Env, Settings};
use std::net::IpAddr;
use std::time::Duration;

/// The time for which requests are taken longer than by the watchdog. It passes SIGTERM on and then goes on taking
/// requests for its own `healthcheck_interval`. One that it takes in the last moment has to find a server still.
const MARGIN: Duration = Duration::from_secs(1);

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub(super) struct Behind {
    listen: String,
    concurrency: usize,
    times: Times,
    /// The path that the watchdog asks for readiness.
    ready: Vec<u8>,
}

impl Behind {
    pub(super) fn read(
        env: &Env<'_>,
        settings: &Settings,
        times: Times,
        variable: &'static str,
        url: &str,
    ) -> Result<Behind, BadSetting> {
        let listen = address(env, url)
            .ok_or_else(|| BadSetting::new(variable, url, "http://host:port, where this process is to listen"))?;
        Ok(Behind {
            listen,
            concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
            times,
            ready: env.text("ready_path").into_bytes(),
        })
    }
}

/// Returns the address to listen at for requests to that URL. A name that may not be an address of this machine means
/// all of them.
fn address(env: &Env<'_>, url: &str) -> Option<String> {
    let authority = url.strip_prefix("http://")?.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (host, port.parse::<u16>().ok()?),
        None => (authority, 80),
    };
    let host = env.get("FAAS_HOST").unwrap_or_else(|| host.to_owned());
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Some(match bare.parse() {
        Ok(IpAddr::V4(_)) => format!("{bare}:{port}"),
        Ok(IpAddr::V6(_)) => format!("[{bare}]:{port}"),
        Err(_) if bare == "localhost" => format!("127.0.0.1:{port}"),
        Err(_) if bare.is_empty() => return None,
        Err(_) => format!("0.0.0.0:{port}"),
    })
}

impl Serving for Behind {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn lame_duck(&self) -> Duration {
        self.times.drain.saturating_add(MARGIN)
    }

    fn may_stream(&self, head: Head<'_>) -> bool {
        http_common::may_stream(head)
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        // The path is served by the function. Until that has started, it is answered here.
        let asked = !self.ready.is_empty() && http_common::path(request) == self.ready && request.method() == b"GET";
        if asked && matches!(state, State::Waiting | State::Starting) {
            return Route::text(503, "not ready");
        }
        Route::Invoke(self.times.metadata(process, request))
    }

    fn refused(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        http_common::failed(call, response, scratch);
        if call.failure.kind == "Runtime.Overloaded" {
            // The watchdog's own word for it, which queues understand.
            response.status = 429;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{opened, process, request, serving};
    use super::*;
    use crate::failure::Failure;
    use crate::invocation::InvocationMetadata;
    use crate::platform::Protocol;

    fn behind<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut pairs = vec![("fprocess", "x"), ("mode", "http"), ("http_upstream_url", url)];
        pairs.extend_from_slice(more);
        pairs
    }

    #[test]
    fn it_listens_where_the_watchdog_forwards_to() {
        for (url, host, expected) in [
            ("http://127.0.0.1:8082", "", "127.0.0.1:8082"),
            ("http://localhost:3000/base", "", "127.0.0.1:3000"),
            ("http://[::1]:3000", "", "[::1]:3000"),
            ("http://[::1]", "", "[::1]:80"),
            ("http://function:3000", "", "0.0.0.0:3000"),
            ("http://127.0.0.1", "", "127.0.0.1:80"),
            ("http://127.0.0.1:8082", "0.0.0.0", "0.0.0.0:8082"),
            ("http://127.0.0.1:8082", "::", "[::]:8082"),
        ] {
            assert_eq!(serving(&behind(url, &[("FAAS_HOST", host)])).listen(), Listen::Tcp(expected), "{url} {host}");
        }
    }

    #[test]
    fn what_is_no_such_url_names_its_variable() {
        for url in ["https://127.0.0.1:1", "127.0.0.1:8082", "http://127.0.0.1:port", "http://:8082", "http://h:70000"]
        {
            let error = opened(&behind(url, &[])).unwrap_err();
            assert_eq!(
                error,
                format!("http_upstream_url: expected http://host:port, where this process is to listen, found {url:?}")
            );
        }
    }

    #[test]
    fn it_serves_for_as_long_as_the_watchdog_takes_requests_and_longer_for_what_runs() {
        let times = |more: &[(&'static str, &'static str)]| {
            let opened = opened(&behind("http://127.0.0.1:1", more)).expect("the variables fit").1;
            let Protocol::Serving(serving) = opened.protocol else { panic!("it is sent requests") };
            (serving.lame_duck().as_secs(), opened.grace.map(|grace| grace.as_secs()))
        };
        assert_eq!(times(&[]), (31, Some(62)));
        assert_eq!(times(&[("healthcheck_interval", "5s"), ("write_timeout", "20")]), (6, Some(26)));
    }

    #[test]
    fn readiness_is_the_functions_own_once_there_is_one() {
        let serving = serving(&behind("http://127.0.0.1:1", &[("ready_path", "/ready")]));
        let (process, _) = process();
        let ask = |method: &str, path: &str, state| serving.route(&process, &request(method, path, &[]), state);
        assert!(matches!(ask("GET", "/ready?x", State::Starting), Route::Local(answer) if answer.status == 503));
        for (method, path, state) in
            [("GET", "/ready", State::Ready), ("POST", "/ready", State::Starting), ("GET", "/", State::Starting)]
        {
            assert!(matches!(ask(method, path, state), Route::Invoke(_)), "{method} {path} {state:?}");
        }
        assert!(matches!(ask("GET", "/_/health", State::Stopping), Route::Invoke(_)), "the watchdog has those itself");
    }

    #[test]
    fn one_too_many_is_429_and_a_late_one_503() {
        let serving = serving(&behind("http://127.0.0.1:1", &[]));
        for (kind, status) in [("Runtime.Overloaded", 429), ("Runtime.Closing", 503)] {
            let (mut response, mut body) = (Response::default(), Vec::new());
            serving.refused(
                FailedInvocation {
                    metadata: &InvocationMetadata::default(),
                    request_id: b"id",
                    failure: &Failure::new(kind, "no"),
                },
                &mut response,
                &mut body,
            );
            assert_eq!(response.status, status);
        }
    }
}
