//! What the environment configures, read once at start: names, values, and errors that say which variable is wrong.

mod serving;

pub use serving::ServerSettings;

use crate::log::{Format, Level};
use std::fmt;
use std::time::Duration;

/// Reads one variable. An empty one counts as absent: platforms set many of them empty.
pub struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

impl<'a> Env<'a> {
    /// Over a look-up, usually `std::env::var`.
    pub fn new(look_up: &'a dyn Fn(&str) -> Option<String>) -> Env<'a> {
        Env(look_up)
    }

    /// The value, if there is one and it is not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The value, or the empty text.
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default()
    }

    /// The first of several names that has a value, with the name.
    pub fn first<'n>(&self, names: &[&'n str]) -> Option<(&'n str, String)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    /// `1`, `true`, `yes`, `on` in any case.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| ["1", "true", "yes", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes)))
    }

    /// A number.
    ///
    /// # Errors
    /// If the value is not one.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, BadSetting> {
        self.get(name)
            .map(|value| value.trim().parse().map_err(|_| BadSetting::new(name, &value, "a whole number")))
            .transpose()
    }

    /// A time limit as a number of seconds. `None` without the variable, and for zero, which means no limit.
    ///
    /// # Errors
    /// If the value is no number.
    pub fn seconds(&self, name: &'static str) -> Result<Option<Duration>, BadSetting> {
        Ok(self.number(name)?.filter(|seconds| *seconds > 0).map(Duration::from_secs))
    }

    /// A time limit as a [duration](Env::duration). `None` without the variable, and for zero, which means no limit.
    ///
    /// # Errors
    /// If the value is no duration.
    pub fn limit(&self, name: &'static str) -> Result<Option<Duration>, BadSetting> {
        Ok(self.duration(name)?.filter(|limit| !limit.is_zero()))
    }

    /// A duration: `30` (seconds), `500ms`, `30s`, `1m30s`, `1h`.
    ///
    /// # Errors
    /// If the value is not one.
    pub fn duration(&self, name: &'static str) -> Result<Option<Duration>, BadSetting> {
        self.get(name)
            .map(|value| {
                duration(value.trim())
                    .ok_or_else(|| BadSetting::new(name, &value, "a duration such as 30s, 500ms or 1m30s"))
            })
            .transpose()
    }
}

/// A variable with a value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    /// The variable.
    pub name: &'static str,
    /// What it holds.
    pub found: String,
    /// What it should hold.
    pub expected: &'static str,
}

impl BadSetting {
    /// For a variable, its value and what it should be.
    pub fn new(name: &'static str, found: &str, expected: &'static str) -> BadSetting {
        BadSetting { name, found: found.to_owned(), expected }
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {:?}", self.name, self.expected, self.found)
    }
}

impl std::error::Error for BadSetting {}

/// Parses a duration; whole seconds, or numbers with `h`, `m`, `s`, `ms`, `us`, `ns` as Go writes them.
pub fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        total = total.checked_add(part(number, unit)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

/// A number and its unit. In whole nanoseconds: parsing floating point would add its tables to every binary.
fn part(number: &str, unit: &str) -> Option<Duration> {
    let scale: u64 = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut nanos = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut worth = scale;
    for digit in fraction.chars() {
        worth /= 10;
        nanos = nanos.checked_add(worth * u64::from(digit.to_digit(10)?))?;
    }
    Some(Duration::from_nanos(nanos))
}

/// What the runtime itself is told, on every platform.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which function; `None`: the platform's own variable, or the only module there is.
    pub handler: Option<String>,
    /// The layers, outermost first.
    pub layers: Vec<LayerName>,
    /// Level of the log. `FAAS_LOG`, else the platform's variable, else info.
    pub level: Level,
    /// Look of the log. `FAAS_LOG_FORMAT`, else the platform's variable, else text.
    pub format: Format,
    /// Stacks and causes in error replies and logs: `FAAS_DEBUG`.
    pub debug: bool,
    /// How long start may take: `FAAS_INIT_TIMEOUT`. None: as long as the platform lets it.
    pub init_timeout: Option<Duration>,
    /// The limit of an invocation on platforms that give none: `FAAS_TIMEOUT`.
    pub timeout: Option<Duration>,
    /// How long invocations may still run after a stop signal: `FAAS_GRACE`, 8 s, below the ten seconds that most
    /// platforms give.
    pub grace: Duration,
    /// How many invocations at once on platforms that set no limit: `FAAS_CONCURRENCY`.
    pub concurrency: Option<usize>,
    /// The function's configuration, JSON: `FAAS_CONFIG`.
    pub config: String,
}

/// A layer as it is named in `FAAS_LAYERS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerName {
    /// `name` or `library.layer`.
    pub name: String,
    /// A trailing `?` makes it optional: what fails in it is skipped and logged.
    pub required: bool,
    /// Its configuration, JSON: `FAAS_LAYER_<NAME>`, capitals, other characters as `_`.
    pub config: String,
}

impl Settings {
    /// Reads all variables.
    ///
    /// # Errors
    /// The first variable whose value does not fit.
    pub fn read(env: &Env<'_>) -> Result<Settings, BadSetting> {
        Ok(Settings {
            handler: env.get("FAAS_HANDLER"),
            layers: layers(env),
            level: level(env)?,
            format: format(env)?,
            debug: env.flag("FAAS_DEBUG"),
            init_timeout: env.limit("FAAS_INIT_TIMEOUT")?,
            timeout: env.limit("FAAS_TIMEOUT")?,
            grace: env.duration("FAAS_GRACE")?.unwrap_or(Duration::from_secs(8)),
            concurrency: env.number("FAAS_CONCURRENCY")?.map(|n| usize::try_from(n.max(1)).unwrap_or(usize::MAX)),
            config: env.text("FAAS_CONFIG"),
        })
    }
}

fn layers(env: &Env<'_>) -> Vec<LayerName> {
    let list = env.text("FAAS_LAYERS");
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let (name, required) = name.strip_suffix('?').map_or((name, true), |name| (name, false));
            let variable: String =
                name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
            LayerName { name: name.to_owned(), required, config: env.text(&format!("FAAS_LAYER_{variable}")) }
        })
        .collect()
}

fn level(env: &Env<'_>) -> Result<Level, BadSetting> {
    match env.first(&["FAAS_LOG", "AWS_LAMBDA_LOG_LEVEL"]) {
        None => Ok(Level::Info),
        Some((name, word)) => Level::parse(word.trim())
            .ok_or_else(|| BadSetting::new(name_of(name), &word, "one of error, warn, info, debug, trace")),
    }
}

fn format(env: &Env<'_>) -> Result<Format, BadSetting> {
    // Managed instances take JSON lines only: several invocations share the stream.
    let several = env.get("AWS_LAMBDA_MAX_CONCURRENCY").is_some();
    match env.first(&["FAAS_LOG_FORMAT", "AWS_LAMBDA_LOG_FORMAT"]) {
        None if several => Ok(Format::Json),
        None => Ok(Format::Text),
        Some((_, word)) if word.eq_ignore_ascii_case("json") => Ok(Format::Json),
        Some((_, word)) if word.eq_ignore_ascii_case("text") => Ok(Format::Text),
        Some((name, word)) => Err(BadSetting::new(name_of(name), &word, "text or json")),
    }
}

/// The names above are literals; this gives the one found back with its own lifetime.
fn name_of(name: &str) -> &'static str {
    ["FAAS_LOG", "AWS_LAMBDA_LOG_LEVEL", "FAAS_LOG_FORMAT", "AWS_LAMBDA_LOG_FORMAT"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("a log variable")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, BadSetting> {
        let look_up = |name: &str| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        Settings::read(&Env::new(&look_up))
    }

    #[test]
    fn durations_read_as_seconds_and_as_go_writes_them() {
        for (text, millis) in [("30", 30_000), ("500ms", 500), ("1m30s", 90_000), ("1.5s", 1_500), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "1x", "1s2", "-1s", "1 s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn layers_carry_policy_and_config() {
        let settings =
            read(&[("FAAS_LAYERS", " monitor, my-lib.trace? ,"), ("FAAS_LAYER_MY_LIB_TRACE", "{\"a\":1}")]).unwrap();
        let expected = [("monitor", true, ""), ("my-lib.trace", false, "{\"a\":1}")];
        let found: Vec<_> = settings.layers.iter().map(|l| (l.name.as_str(), l.required, l.config.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        let error = read(&[("FAAS_TIMEOUT", "soon")]).unwrap_err().to_string();
        assert_eq!(error, "FAAS_TIMEOUT: expected a duration such as 30s, 500ms or 1m30s, found \"soon\"");
        let error = read(&[("AWS_LAMBDA_LOG_LEVEL", "loud")]).unwrap_err().to_string();
        assert_eq!(error, "AWS_LAMBDA_LOG_LEVEL: expected one of error, warn, info, debug, trace, found \"loud\"");
    }

    #[test]
    fn several_invocations_at_once_log_json() {
        assert_eq!(read(&[]).unwrap().format, Format::Text);
        assert_eq!(read(&[("AWS_LAMBDA_MAX_CONCURRENCY", "4")]).unwrap().format, Format::Json);
    }
}
