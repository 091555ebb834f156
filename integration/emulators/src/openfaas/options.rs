//! The deployment of a function, and the variables that its container gets for it. Durations stand here as they are
//! configured, and are read by the watchdog's rules.

use std::path::PathBuf;
use std::time::Duration;

/// The time that the watchdog assumes if it is not set, or cannot be read.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A function's deployment. An empty text leaves its variable out.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the function.
    pub name: String,
    /// The namespace of the function.
    pub namespace: String,
    /// The pod's port.
    pub port: u16,
    /// The port that the watchdog forwards to.
    pub upstream: u16,
    /// The value of `exec_timeout`.
    pub exec_timeout: String,
    /// The value of `write_timeout`.
    pub write_timeout: String,
    /// The value of `healthcheck_interval`.
    pub healthcheck_interval: String,
    /// The value of `max_inflight`; 0 means no limit.
    pub max_inflight: usize,
    /// The value of `ready_path`.
    pub ready_path: String,
    /// The value of `suppress_lock`.
    pub suppress_lock: bool,
    /// The value of `log_callid`.
    pub log_callid: bool,
    /// The folder of temporary files; empty for the usual one.
    pub temporary: PathBuf,
    /// The limit of waits for things that should happen at once.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            name: "figlet".to_owned(),
            namespace: "openfaas-fn".to_owned(),
            port: 8080,
            upstream: 8082,
            exec_timeout: String::new(),
            write_timeout: String::new(),
            healthcheck_interval: String::new(),
            max_inflight: 0,
            ready_path: String::new(),
            suppress_lock: false,
            log_callid: false,
            temporary: PathBuf::new(),
            patience: TIMEOUT,
        }
    }
}

impl Options {
    /// Returns the variables of a function's container, whether it has a watchdog or not.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let flag = |set: bool| if set { "true".to_owned() } else { String::new() };
        let limit = if self.max_inflight == 0 { String::new() } else { self.max_inflight.to_string() };
        let all = [
            ("OPENFAAS_NAME", self.name.clone()),
            ("OPENFAAS_NAMESPACE", self.namespace.clone()),
            // Every pod has this variable.
            ("KUBERNETES_SERVICE_HOST", "10.96.0.1".to_owned()),
            ("port", self.port.to_string()),
            ("exec_timeout", self.exec_timeout.clone()),
            ("write_timeout", self.write_timeout.clone()),
            ("healthcheck_interval", self.healthcheck_interval.clone()),
            ("max_inflight", limit),
            ("ready_path", self.ready_path.clone()),
            ("suppress_lock", flag(self.suppress_lock)),
            ("log_callid", flag(self.log_callid)),
            ("TMPDIR", self.temporary.display().to_string()),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Returns the limit of a call; `None` if it is off.
    pub(super) fn exec(&self) -> Option<Duration> {
        Some(duration(&self.exec_timeout).unwrap_or(TIMEOUT)).filter(|limit| !limit.is_zero())
    }

    /// Returns the time for which calls may run on at the end.
    pub(super) fn write(&self) -> Duration {
        duration(&self.write_timeout).unwrap_or(TIMEOUT)
    }

    /// Returns the time for which calls are taken after SIGTERM.
    pub fn drain(&self) -> Duration {
        duration(&self.healthcheck_interval).unwrap_or_else(|| self.write())
    }
}

/// Returns a number of seconds, or a duration as Go writes it: `1m30s`, `1.5s`, `250ms`.
pub fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    go_duration(text)
}

/// Reads numbers with units, largest unit first or not; `None` if the text is no duration.
pub(super) fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let unit = rest.find(|letter: char| letter != '.' && !letter.is_ascii_digit())?;
        let number: f64 = rest[..unit].parse().ok()?;
        let next = rest[unit..].find(|letter: char| letter.is_ascii_digit()).map_or(rest.len(), |at| unit + at);
        total += number
            * match &rest[unit..next] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[next..];
    }
    (!text.is_empty()).then(|| Duration::from_secs_f64(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_gos() {
        for (text, millis) in [("7", 7_000), ("1m30s", 90_000), ("1.5s", 1_500), ("250ms", 250), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "1x", "soon"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(go_duration("7"), None);
    }

    #[test]
    fn what_is_not_set_is_not_in_the_environment() {
        let names: Vec<_> = Options::default().variables().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["OPENFAAS_NAME", "OPENFAAS_NAMESPACE", "KUBERNETES_SERVICE_HOST", "port"]);
        let set = Options { max_inflight: 2, suppress_lock: true, write_timeout: "5s".into(), ..Options::default() };
        assert!(set.variables().contains(&("max_inflight", "2".to_owned())));
        assert_eq!((set.drain(), set.exec()), (Duration::from_secs(5), Some(TIMEOUT)));
        assert_eq!(Options { exec_timeout: "0".into(), ..set }.exec(), None);
    }
}
