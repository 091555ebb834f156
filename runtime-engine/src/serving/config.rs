//! What the environment says about serving: sizes, times, threads. The variables are the same in both runtimes.

use faas_core::http1::Limits;
use faas_core::settings::{BadSetting, Env};
use std::time::Duration;

/// Threads for calls that may block, where nobody sets `FAAS_THREADS`: enough for functions that wait, few enough for
/// small containers.
const THREADS: usize = 64;
/// A request has to come in within this time (`FAAS_READ_TIMEOUT`).
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// A client has to take something of its response within this time (`FAAS_WRITE_TIMEOUT`).
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How many invocations may be lost to functions that never return (`FAAS_MAX_HUNG`).
const MAX_HUNG: usize = 16;

/// The settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Config {
    /// Sizes of a request; the body's is `FAAS_MAX_BODY`, bytes.
    pub(super) limits: Limits,
    /// Invocations at once; more are refused.
    pub(super) concurrency: usize,
    /// Blocking calls at once; further ones wait.
    pub(super) threads: usize,
    /// From the first byte of a request to the end of its head, and between any two parts of its body.
    pub(super) read_timeout: Duration,
    /// Between any two parts of a response that the client takes.
    pub(super) write_timeout: Duration,
    /// How long a stop signal is followed by ordinary service (`FAAS_LAME_DUCK`), for routers that learn late.
    pub(super) lame_duck: Duration,
    /// Invocations that may hang before the process leaves. Never more than there may be at once.
    pub(super) max_hung: usize,
}

impl Config {
    /// Reads the variables; `concurrency` is the platform's.
    ///
    /// # Errors
    /// The first variable whose value does not fit.
    pub(super) fn read(env: &Env<'_>, concurrency: usize) -> Result<Config, BadSetting> {
        let number = |name| env.number(name).map(|number| number.map(|n| usize::try_from(n).unwrap_or(usize::MAX)));
        let concurrency = concurrency.max(1);
        let body_bytes = env.number("FAAS_MAX_BODY")?;
        let limits = Limits::default();
        Ok(Config {
            limits: Limits { body_bytes: body_bytes.unwrap_or(limits.body_bytes), ..limits },
            concurrency,
            threads: number("FAAS_THREADS")?.unwrap_or(THREADS).clamp(1, concurrency),
            read_timeout: env.duration("FAAS_READ_TIMEOUT")?.unwrap_or(READ_TIMEOUT),
            write_timeout: env.duration("FAAS_WRITE_TIMEOUT")?.unwrap_or(WRITE_TIMEOUT),
            lame_duck: env.duration("FAAS_LAME_DUCK")?.unwrap_or_default(),
            max_hung: number("FAAS_MAX_HUNG")?.unwrap_or(MAX_HUNG).clamp(1, concurrency),
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
    fn neither_threads_nor_hung_ones_are_more_than_there_are_invocations() {
        let config = read(&[("FAAS_THREADS", "0")], 1).unwrap();
        assert_eq!((config.threads, config.max_hung), (1, 1));
        let config = read(&[], 256).unwrap();
        assert_eq!((config.threads, config.max_hung), (THREADS, MAX_HUNG));
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        let error = read(&[("FAAS_MAX_BODY", "big")], 1).unwrap_err().to_string();
        assert_eq!(error, "FAAS_MAX_BODY: expected a whole number, found \"big\"");
    }
}
