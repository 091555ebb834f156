//! OpenFaaS: behind of-watchdog as the server that it starts and forwards to, and in the watchdog's place.
//!
//! Sources: the repositories `openfaas/of-watchdog` and `openfaas/faas-middleware`. Nothing that a function's container
//! always has says OpenFaaS: behind the watchdog its own variables do, in its place `FAAS_PLATFORM` has to.

mod behind;
mod calls;
mod in_place;

use super::{PlatformConfig, PlatformEntry, Protocol, Serving, http_common};
use crate::http1::Message;
use crate::invocation::InvocationMetadata;
use crate::process::{Identity, Process};
use crate::settings::{BadSetting, Env, Settings, duration};
use behind::Behind;
use in_place::InPlace;
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "openfaas";

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "OpenFaaS",
    short: "OpenFaaS",
    aliases: &[],
    marks: "`fprocess` or `function_process`, with `mode` of `http` and `upstream_url` or `http_upstream_url` (behind \
            of-watchdog)",
    mark,
    trusted_hops: 0,
    open,
};

/// The read, write, execution and health-check times of the watchdog without a variable.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The folder where secrets are mounted. Source: OpenFaaS' documentation, "Secrets".
const SECRETS: &str = "/var/openfaas/secrets";
/// The number of invocations at once where neither `max_inflight` nor `FAAS_CONCURRENCY` sets it.
const CONCURRENCY: usize = 256;

fn mark(env: &Env<'_>) -> Option<&'static str> {
    process(env)?;
    if is_forked(env) { Some("Http_Method") } else { upstream(env).map(|(name, _)| name) }
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    if process(env).is_some() && is_forked(env) {
        // Else this would be a server in the watchdog's own container, for a port that the watchdog has.
        let expected = "http: a watchdog that starts a process for each request is not served";
        return Err(BadSetting::new("mode", &env.text("mode"), expected));
    }
    let times = Times::read(env, settings)?;
    let name = |own: &str, theirs: &str| env.get(own).unwrap_or_else(|| env.text(theirs));
    let identity = Identity {
        platform: NAME,
        function: name("FAAS_FUNCTION_NAME", "OPENFAAS_NAME"),
        version: env.text("FAAS_FUNCTION_VERSION"),
        service: env.text("FAAS_SERVICE"),
        stage: name("FAAS_STAGE", "OPENFAAS_NAMESPACE"),
        region: env.text("FAAS_REGION"),
        ..Identity::default()
    };
    let serving: Box<dyn Serving> = match upstream(env).filter(|_| process(env).is_some()) {
        Some((name, url)) => Box::new(Behind::read(env, settings, times, name, &url)?),
        None => Box::new(InPlace::read(env, settings, times)?),
    };
    // What runs when the port closes may take the write time, and is never given less than there was until then.
    let lame_duck = serving.lame_duck();
    let grace = lame_duck.saturating_add(times.write.max(lame_duck));
    Ok(PlatformConfig::new(identity, Protocol::Serving(serving)).with_grace(grace).with_secrets(SECRETS))
}

/// Returns the command that the watchdog starts.
fn process(env: &Env<'_>) -> Option<String> {
    env.first(&["function_process", "fprocess"]).map(|(_, value)| value)
}

/// Returns the address that the watchdog forwards to, if that is its mode.
fn upstream(env: &Env<'_>) -> Option<(&'static str, String)> {
    (env.text("mode") == "http").then(|| env.first(&["http_upstream_url", "upstream_url"])).flatten()
}

/// Returns `true` if this is one of the processes that a watchdog makes for a single request.
fn is_forked(env: &Env<'_>) -> bool {
    env.get("Http_Method").is_some()
}

/// The watchdog's times. Each is a number of seconds or a duration as Go writes it.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// The limit of an invocation; `None` if it is off.
    exec: Option<Duration>,
    /// The limit of an invocation that the watchdog does not limit: `FAAS_TIMEOUT`; `None` without one.
    otherwise: Option<Duration>,
    /// The time from the stop signal to the end of new requests.
    drain: Duration,
    /// The time from there to the end of those that run.
    write: Duration,
}

impl Times {
    fn read(env: &Env<'_>, settings: &Settings) -> Result<Times, BadSetting> {
        // Read by the watchdog alone: a wrong one is a mistake all the same.
        env.duration("read_timeout")?;
        let write = env.duration("write_timeout")?.unwrap_or(TIMEOUT);
        if write.is_zero() {
            return Err(BadSetting::new("write_timeout", &env.text("write_timeout"), "more than 0 s"));
        }
        Ok(Times {
            exec: Some(env.duration("exec_timeout")?.unwrap_or(TIMEOUT)).filter(|limit| !limit.is_zero()),
            otherwise: settings.timeout,
            drain: env.duration("healthcheck_interval")?.unwrap_or(write),
            write,
        })
    }

    /// Returns the times as the watchdog itself applies them: its server cuts a response that is not written within the
    /// write time.
    fn cut_by_write(self) -> Times {
        Times { exec: Some(self.exec.map_or(self.write, |exec| exec.min(self.write))), ..self }
    }

    /// Returns the limit of a request. `X-Timeout` may shorten it and never lengthens it. A reply that the client wants
    /// as a stream of events has the limit of work that has no limit of its own.
    fn limit(&self, request: &Message) -> Option<Duration> {
        if wants_stream(request) {
            return self.otherwise;
        }
        let Some(exec) = self.exec else { return self.otherwise };
        let own = request.header("x-timeout").and_then(go_duration);
        Some(own.filter(|own| !own.is_zero() && *own <= exec).unwrap_or(exec))
    }

    /// Returns the metadata of an invocation that a request tells.
    fn metadata(&self, process: &Process, request: &Message) -> InvocationMetadata {
        let mut metadata = http_common::metadata(process, request, self.limit(request));
        if let Some(id) = request.header("x-call-id") {
            http_common::take_request_id(&mut metadata, request.bytes(), id);
        }
        metadata
    }
}

/// Returns `true` if the client asks for server-sent events or lines of JSON.
fn wants_stream(request: &Message) -> bool {
    let Some(accept) = request.header("accept") else { return false };
    [&b"text/event-stream"[..], b"application/x-ndjson"]
        .iter()
        .any(|wanted| accept.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted)))
}

/// Reads a duration with units: the watchdog reads this header by Go's rules, which know no bare number.
fn go_duration(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) { None } else { duration(text) }
}

#[cfg(test)]
mod testing {
    use super::*;

    pub(super) use crate::testing::process;

    pub(super) fn opened(pairs: &[(&str, &str)]) -> Result<(Option<&'static str>, PlatformConfig), String> {
        crate::platform::testing::opened(&ENTRY, pairs)
    }

    pub(super) fn serving(pairs: &[(&str, &str)]) -> Box<dyn Serving> {
        match opened(pairs).expect("the variables fit").1.protocol {
            Protocol::Serving(serving) => serving,
            other => panic!("it is sent requests, not {other:?}"),
        }
    }

    pub(super) fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Message {
        crate::testing::request(method, target, headers, b"")
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{opened, process, request};
    use super::*;

    const BEHIND: [(&str, &str); 3] =
        [("fprocess", "./bootstrap"), ("mode", "http"), ("upstream_url", "http://127.0.0.1:8082")];

    fn times(pairs: &[(&str, &str)]) -> Result<Times, String> {
        let look_up = crate::testing::look_up(pairs);
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).map_err(|bad| bad.to_string())?;
        Times::read(&env, &settings).map_err(|bad| bad.to_string())
    }

    #[test]
    fn only_the_watchdogs_variables_together_mark_it() {
        assert_eq!(opened(&BEHIND).unwrap().0, Some("upstream_url"));
        assert_eq!(opened(&BEHIND[..2]).unwrap().0, None, "a mode and no upstream");
        assert_eq!(opened(&BEHIND[1..]).unwrap().0, None, "no watchdog's process");
        let both = [BEHIND[0], BEHIND[1], BEHIND[2], ("http_upstream_url", "http://127.0.0.1:9")];
        assert_eq!(opened(&both).unwrap().0, Some("http_upstream_url"));
    }

    #[test]
    fn a_process_for_one_request_is_told_that_it_is_none_of_ours() {
        let error = opened(&[("fprocess", "./bootstrap"), ("mode", "streaming"), ("Http_Method", "GET")]).unwrap_err();
        assert_eq!(
            error,
            "mode: expected http: a watchdog that starts a process for each request is not served, found \"streaming\""
        );
        let look_up = |name: &str| ["fprocess", "Http_Method"].contains(&name).then(|| "x".to_owned());
        assert_eq!(mark(&Env::new(&look_up)), Some("Http_Method"));
    }

    #[test]
    fn the_function_is_named_by_openfaas_unless_we_name_it() {
        let identity = |pairs: &[(&str, &str)]| {
            let identity = opened(pairs).unwrap().1.identity;
            (identity.function, identity.stage)
        };
        let named = [("OPENFAAS_NAME", "figlet"), ("OPENFAAS_NAMESPACE", "openfaas-fn")];
        assert_eq!(identity(&named), ("figlet".into(), "openfaas-fn".into()));
        assert_eq!(identity(&[named[0], ("FAAS_FUNCTION_NAME", "mine")]), ("mine".into(), String::new()));
    }

    #[test]
    fn times_are_seconds_or_go_durations_and_the_drain_is_the_write_time() {
        let plain = times(&[]).unwrap();
        assert_eq!((plain.exec, plain.drain, plain.write), (Some(TIMEOUT), TIMEOUT, TIMEOUT));
        let set = times(&[("exec_timeout", "1m30s"), ("write_timeout", "95")]).unwrap();
        assert_eq!((set.exec, set.drain), (Some(Duration::from_secs(90)), Duration::from_secs(95)));
        let off = times(&[("exec_timeout", "0"), ("healthcheck_interval", "5s"), ("FAAS_TIMEOUT", "7s")]).unwrap();
        assert_eq!((off.exec, off.drain), (None, Duration::from_secs(5)));
        assert_eq!(off.limit(&request("GET", "/", &[])), Some(Duration::from_secs(7)));
        let limit = |pairs| times(pairs).unwrap().cut_by_write().exec.map(|limit| limit.as_secs());
        assert_eq!(limit(&[("exec_timeout", "60"), ("write_timeout", "20")]), Some(20), "whichever comes first");
        assert_eq!(limit(&[("exec_timeout", "0"), ("write_timeout", "20")]), Some(20));
        assert_eq!(times(&[("write_timeout", "0")]).unwrap_err(), "write_timeout: expected more than 0 s, found \"0\"");
        assert!(times(&[("read_timeout", "soon")]).unwrap_err().starts_with("read_timeout: expected a duration"));
    }

    #[test]
    fn x_timeout_shortens_the_limit_and_nothing_else() {
        let times = times(&[("exec_timeout", "10s")]).unwrap();
        let limit =
            |text: &str| times.limit(&request("GET", "/", &[("X-Timeout", text)])).map(|limit| limit.as_millis());
        assert_eq!(limit("2s"), Some(2_000));
        assert_eq!(limit("1.5s"), Some(1_500));
        for ignored in ["11s", "1m", "5", "0s", "-1s", "soon", ""] {
            assert_eq!(limit(ignored), Some(10_000), "{ignored}");
        }
    }

    #[test]
    fn what_is_wanted_as_a_stream_has_no_limit() {
        let times = times(&[]).unwrap();
        let limit = |accept: &str| times.limit(&request("GET", "/", &[("Accept", accept)]));
        assert_eq!(limit("text/html, Text/Event-Stream"), None);
        assert_eq!(limit("application/x-ndjson"), None);
        assert_eq!(limit("text/html"), Some(TIMEOUT));
    }

    #[test]
    fn the_call_id_is_the_request_id() {
        let (process, _) = process();
        let times = times(&[]).unwrap();
        let id = |headers: &[(&str, &str)]| {
            let request = request("POST", "/", headers);
            let metadata = times.metadata(&process, &request);
            String::from_utf8(metadata.request_id.read(request.bytes()).to_vec()).unwrap()
        };
        assert_eq!(id(&[("X-Request-Id", "r"), ("X-Call-Id", "c")]), "c");
        assert_eq!(id(&[("X-Request-Id", "r"), ("X-Call-Id", "")]), "r");
        assert_eq!(id(&[]), "");
    }
}
