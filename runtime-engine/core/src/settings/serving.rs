//! The settings of serving requests: sizes, times, threads. They are the same in both runtimes.

use super::{BadSetting, Env};
use crate::http1::Limits;
use std::time::Duration;

/// The number of threads that run invocations, where nobody sets `FAAS_THREADS`. It is enough for functions that wait,
/// and few enough for small containers.
const THREADS: usize = 64;
/// The time within which a request has to come in (`FAAS_READ_TIMEOUT`).
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// The time within which a client has to take something of its response (`FAAS_WRITE_TIMEOUT`).
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of connections that may be open (`FAAS_MAX_CONNECTIONS`).
const MAX_CONNECTIONS: usize = 10_000;
/// The bytes of unfinished requests and unsent responses that are held beside two of the largest bodies, unless
/// `FAAS_MAX_BUFFERED` is set.
const MAX_BUFFERED: u64 = 64 << 20;
/// The number of threads that may be lost to functions that never return (`FAAS_MAX_HUNG`).
const MAX_HUNG: usize = 16;

/// The settings of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The sizes of a request; that of the body is `FAAS_MAX_BODY`, in bytes.
    pub limits: Limits,
    /// The number of invocations that are accepted at once; more are refused.
    pub concurrency: usize,
    /// The number of invocations that run at once; the other accepted ones wait.
    pub threads: usize,
    /// The time from a connection to its first byte, and from the first byte of a request to the end of its head. It is
    /// also the time between any two parts of its body, which has to come at a least rate besides.
    pub read_timeout: Duration,
    /// The time between any two parts of a response that the client takes.
    pub write_timeout: Duration,
    /// The time of ordinary service after a stop signal (`FAAS_LAME_DUCK`), for routers that learn late.
    pub lame_duck: Duration,
    /// The number of threads that may be lost before the process leaves. `FAAS_MAX_HUNG=0` means 1: the first ends it.
    pub max_hung: usize,
    /// `true` if each invocation and each refused request leaves an access line (`FAAS_ACCESS_LOG`).
    pub access_log: bool,
    /// The number of connections that may be open. Beyond it idle ones are closed for new ones.
    pub max_connections: usize,
    /// The bytes of unfinished requests and unsent responses that are held. Beyond it requests are refused.
    pub max_buffered: usize,
}

impl ServerSettings {
    /// Reads the variables; `concurrency` and, where nobody sets them, `lame_duck` and `body_bytes` are the platform's.
    ///
    /// # Errors
    /// The error names the first variable whose value does not fit.
    pub fn read(
        env: &Env<'_>,
        concurrency: usize,
        lame_duck: Duration,
        body_bytes: u64,
    ) -> Result<ServerSettings, BadSetting> {
        // A connection without these limits could be held for ever.
        let time = |name: &'static str, default| match env.duration(name)? {
            Some(time) if time.is_zero() => Err(BadSetting::new(name, &env.text(name), "more than 0 s")),
            time => Ok(time.unwrap_or(default)),
        };
        let body_bytes = env.count("FAAS_MAX_BODY")?.map_or(body_bytes, |bytes| bytes as u64);
        let limits = Limits { body_bytes, ..Limits::default() };
        let concurrency = concurrency.max(1);
        let threads = env.count("FAAS_THREADS")?.unwrap_or(THREADS).clamp(1, concurrency);
        let max_hung = env.number("FAAS_MAX_HUNG")?;
        let max_hung = max_hung.map_or(MAX_HUNG, |number| usize::try_from(number).unwrap_or(usize::MAX));
        let buffered = MAX_BUFFERED.saturating_add(limits.body_bytes.saturating_mul(2));
        Ok(ServerSettings {
            limits,
            concurrency,
            threads,
            read_timeout: time("FAAS_READ_TIMEOUT", READ_TIMEOUT)?,
            write_timeout: time("FAAS_WRITE_TIMEOUT", WRITE_TIMEOUT)?,
            lame_duck: env.duration("FAAS_LAME_DUCK")?.unwrap_or(lame_duck),
            max_hung: max_hung.clamp(1, threads),
            access_log: env.flag("FAAS_ACCESS_LOG")?,
            max_connections: env.count("FAAS_MAX_CONNECTIONS")?.unwrap_or(MAX_CONNECTIONS),
            max_buffered: match env.count("FAAS_MAX_BUFFERED")? {
                Some(bytes) => bytes,
                None => usize::try_from(buffered).unwrap_or(usize::MAX),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], concurrency: usize) -> Result<ServerSettings, BadSetting> {
        let look_up = crate::testing::look_up(pairs);
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
        assert_eq!(read(&[("FAAS_THREADS", "4")], 256).unwrap().threads, 4);
    }

    #[test]
    fn nothing_to_serve_with_is_no_setting() {
        for (name, value, expected) in [
            ("FAAS_THREADS", "0", "a whole number above 0"),
            ("FAAS_MAX_BODY", "0", "a whole number above 0"),
            ("FAAS_READ_TIMEOUT", "0", "more than 0 s"),
            ("FAAS_WRITE_TIMEOUT", "0s", "more than 0 s"),
        ] {
            let error = read(&[(name, value)], 8).unwrap_err().to_string();
            assert_eq!(error, format!("{name}: expected {expected}, found \"{value}\""));
        }
        let zero = read(&[("FAAS_LAME_DUCK", "0"), ("FAAS_MAX_HUNG", "0")], 8).unwrap();
        assert_eq!((zero.lame_duck, zero.max_hung), (Duration::ZERO, 1), "at once, and with the first that hangs");
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        let error = read(&[("FAAS_LAME_DUCK", "duck")], 1).unwrap_err().to_string();
        assert_eq!(error, "FAAS_LAME_DUCK: expected a duration such as 30s, 500ms or 1m30s, found \"duck\"");
        let error = read(&[("FAAS_MAX_BODY", "big")], 1).unwrap_err().to_string();
        assert_eq!(error, "FAAS_MAX_BODY: expected a whole number above 0, found \"big\"");
    }
}
