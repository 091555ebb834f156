//! What the environment says about serving: sizes, times, threads.

use faas_core::http1::Limits;
use faas_core::settings::{BadSetting, Env};
use std::time::Duration;

/// Threads that run invocations, where nobody sets `FAAS_THREADS`: enough for functions that wait, few enough for small
/// containers.
const THREADS: usize = 64;
/// A request has to come in within this time (`FAAS_READ_TIMEOUT`).
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// A client has to take something of its response within this time (`FAAS_WRITE_TIMEOUT`).
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How many threads may be lost to functions that never return (`FAAS_MAX_HUNG`).
const MAX_HUNG: usize = 16;

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    /// Sizes of a request; the body's is `FAAS_MAX_BODY`, bytes.
    pub(super) limits: Limits,
    /// Invocations accepted at once; more are refused.
    pub(super) concurrency: usize,
    /// Invocations run at once; the other accepted ones wait.
    pub(super) threads: usize,
    /// From the first byte of a request to the end of its head, and between any two parts of its body.
    pub(super) read_timeout: Duration,
    /// Between any two parts of a response that the client takes.
    pub(super) write_timeout: Duration,
    /// How long a stop signal is followed by ordinary service (`FAAS_LAME_DUCK`), for routers that learn late.
    pub(super) lame_duck: Duration,
    /// Threads that may be lost before the process leaves.
    pub(super) max_hung: usize,
}

impl Config {
    /// Reads the variables; `concurrency` is the platform's.
    ///
    /// # Errors
    /// The first variable whose value does not fit.
    pub(super) fn read(env: &Env<'_>, concurrency: usize) -> Result<Config, BadSetting> {
        let count = |name, default: usize| -> Result<usize, BadSetting> {
            Ok(env.number(name)?.map_or(default, |number| usize::try_from(number).unwrap_or(usize::MAX)))
        };
        let mut limits = Limits::default();
        limits.body_bytes = env.number("FAAS_MAX_BODY")?.unwrap_or(limits.body_bytes);
        let concurrency = concurrency.max(1);
        Ok(Config {
            limits,
            concurrency,
            threads: count("FAAS_THREADS", THREADS)?.clamp(1, concurrency),
            read_timeout: env.duration("FAAS_READ_TIMEOUT")?.unwrap_or(READ_TIMEOUT),
            write_timeout: env.duration("FAAS_WRITE_TIMEOUT")?.unwrap_or(WRITE_TIMEOUT),
            lame_duck: env.duration("FAAS_LAME_DUCK")?.unwrap_or_default(),
            max_hung: count("FAAS_MAX_HUNG", MAX_HUNG)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], concurrency: usize) -> Result<Config, BadSetting> {
        let look_up = |name: &str| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        Config::read(&Env::new(&look_up), concurrency)
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
