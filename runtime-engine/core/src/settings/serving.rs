//! What the environment says about serving requests: sizes, times, threads. The same in both runtimes.

use super::{BadSetting, Env};
use crate::http1::Limits;
use std::time::Duration;

/// Threads that run invocations, where nobody sets `FAAS_THREADS`: enough for functions that wait, few enough for small
/// containers.
const THREADS: usize = 64;
/// A request has to come in within this time (`FAAS_READ_TIMEOUT`).
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// A client has to take something of its response within this time (`FAAS_WRITE_TIMEOUT`).
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How many connections may be open (`FAAS_MAX_CONNECTIONS`).
const MAX_CONNECTIONS: usize = 10_000;
/// How many bytes of unfinished requests and unsent responses are held beside two of the largest bodies, where nobody
/// sets `FAAS_MAX_BUFFERED`.
const MAX_BUFFERED: u64 = 64 << 20;
/// How many threads may be lost to functions that never return (`FAAS_MAX_HUNG`).
const MAX_HUNG: usize = 16;

/// The settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Sizes of a request; the body's is `FAAS_MAX_BODY`, bytes.
    pub limits: Limits,
    /// Invocations accepted at once; more are refused.
    pub concurrency: usize,
    /// Invocations run at once; the other accepted ones wait.
    pub threads: usize,
    /// From a connection to its first byte, from the first byte of a request to the end of its head, and between any two
    /// parts of its body, which also has to come at a least rate.
    pub read_timeout: Duration,
    /// Between any two parts of a response that the client takes.
    pub write_timeout: Duration,
    /// How long a stop signal is followed by ordinary service (`FAAS_LAME_DUCK`), for routers that learn late.
    pub lame_duck: Duration,
    /// Threads that may be lost before the process leaves.
    pub max_hung: usize,
    /// `true` if each invocation and each refused request leaves an access line (`FAAS_ACCESS_LOG`).
    pub access_log: bool,
    /// Connections that may be open; beyond it idle ones are closed for new ones.
    pub max_connections: usize,
    /// Bytes of unfinished requests and unsent responses that are held; beyond it requests are refused.
    pub max_buffered: usize,
}

impl ServerSettings {
    /// Reads the variables; `concurrency` and, where nobody sets them, `lame_duck` and `body_bytes` are the platform's.
    ///
    /// # Errors
    /// The first variable whose value does not fit.
    pub fn read(
        env: &Env<'_>,
        concurrency: usize,
        lame_duck: Duration,
        body_bytes: u64,
    ) -> Result<ServerSettings, BadSetting> {
        let count = |name, default: usize| -> Result<usize, BadSetting> {
            Ok(env.number(name)?.map_or(default, |number| usize::try_from(number).unwrap_or(usize::MAX)))
        };
        let limits = Limits { body_bytes: env.number("FAAS_MAX_BODY")?.unwrap_or(body_bytes), ..Limits::default() };
        let concurrency = concurrency.max(1);
        let threads = count("FAAS_THREADS", THREADS)?.clamp(1, concurrency);
        let buffered = MAX_BUFFERED.saturating_add(limits.body_bytes.saturating_mul(2));
        Ok(ServerSettings {
            limits,
            concurrency,
            threads,
            read_timeout: env.duration("FAAS_READ_TIMEOUT")?.unwrap_or(READ_TIMEOUT),
            write_timeout: env.duration("FAAS_WRITE_TIMEOUT")?.unwrap_or(WRITE_TIMEOUT),
            lame_duck: env.duration("FAAS_LAME_DUCK")?.unwrap_or(lame_duck),
            max_hung: count("FAAS_MAX_HUNG", MAX_HUNG)?.clamp(1, threads),
            access_log: env.flag("FAAS_ACCESS_LOG"),
            max_connections: count("FAAS_MAX_CONNECTIONS", MAX_CONNECTIONS)?.max(1),
            max_buffered: count("FAAS_MAX_BUFFERED", usize::try_from(buffered).unwrap_or(usize::MAX))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], concurrency: usize) -> Result<ServerSettings, BadSetting> {
        let look_up = |name: &str| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        ServerSettings::read(&Env::new(&look_up), concurrency, Duration::ZERO, 7)
    }

    #[test]
    fn the_platforms_largest_body_counts_unless_we_say_another() {
        assert_eq!(read(&[], 1).unwrap().limits.body_bytes, 7);
        assert_eq!(read(&[("FAAS_MAX_BODY", "5")], 1).unwrap().limits.body_bytes, 5);
    }

    #[test]
    fn there_are_never_more_threads_than_invocations_at_once_and_never_none() {
        assert_eq!(read(&[], 1).unwrap().threads, 1);
        assert_eq!(read(&[], 256).unwrap().threads, THREADS);
        assert_eq!(read(&[("FAAS_THREADS", "0")], 256).unwrap().threads, 1);
        assert_eq!(read(&[("FAAS_THREADS", "4")], 256).unwrap().threads, 4);
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        let error = read(&[("FAAS_LAME_DUCK", "duck")], 1).unwrap_err().to_string();
        assert_eq!(error, "FAAS_LAME_DUCK: expected a duration such as 30s, 500ms or 1m30s, found \"duck\"");
        let error = read(&[("FAAS_MAX_BODY", "big")], 1).unwrap_err().to_string();
        assert_eq!(error, "FAAS_MAX_BODY: expected a whole number, found \"big\"");
    }
}
