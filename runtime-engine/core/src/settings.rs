//! The settings in the environment, read once at start: names, values, and errors that say which variable is wrong.

mod known;
mod records;
mod serving;

pub use faas_abi::settings::duration;
pub use known::{KNOWN, distance, doubt};
pub use records::{RecordFailures, RecordSettings};
pub use serving::ServerSettings;

use crate::json;
use crate::log::{Format, Level};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Reads one variable. An empty one counts as absent: platforms set many of them empty. So does a link to a Kubernetes
/// service (`X_PORT=tcp://…`).
pub struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

impl<'a> Env<'a> {
    /// Makes an environment over a look-up, usually `std::env::var`.
    pub fn new(look_up: &'a dyn Fn(&str) -> Option<String>) -> Env<'a> {
        Env(look_up)
    }

    /// Returns the value, if there is one that is not empty and no link to a Kubernetes service.
    #[inline(never)]
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty() && !is_service_link(name, value))
    }

    /// Returns the value, or the empty text without one.
    #[inline(never)]
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default()
    }

    /// Returns the first of several names that has a value, with that value; `None` if no name has one.
    #[inline(never)]
    pub fn first<'n>(&self, names: &[&'n str]) -> Option<(&'n str, String)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    /// Reads a [switch](faas_abi::settings::switch); without the variable it is off.
    ///
    /// # Errors
    /// The value is no word for on or off.
    #[inline(never)]
    pub fn flag(&self, name: &'static str) -> Result<bool, BadSetting> {
        const EXPECTED: &str = "1, true, yes or on, or 0, false, no or off";
        let Some(value) = self.get(name) else { return Ok(false) };
        faas_abi::settings::switch(value.trim().as_bytes()).ok_or_else(|| BadSetting::new(name, &value, EXPECTED))
    }

    /// Reads the path of a request, such as a probe's. It is `None` without the variable.
    ///
    /// # Errors
    /// The value does not begin with `/`, or has a character that no path has: such a path is never asked for.
    #[inline(never)]
    pub fn path(&self, name: &'static str) -> Result<Option<Vec<u8>>, BadSetting> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let is_path = |byte: u8| byte.is_ascii_graphic() && !b"?#".contains(&byte);
        if value.starts_with('/') && value.bytes().all(is_path) {
            return Ok(Some(value.into_bytes()));
        }
        Err(BadSetting::new(name, &value, "a path that begins with / and has no query"))
    }

    /// Reads a JSON text, which is empty without the variable.
    ///
    /// # Errors
    /// The value is no JSON. The error does not show the value, which may hold secrets.
    pub fn json(&self, name: impl Into<Cow<'static, str>>) -> Result<String, BadSetting> {
        let name = name.into();
        let value = self.text(&name);
        match json::parse(value.as_bytes()) {
            Err(error) if !value.is_empty() => Err(BadSetting { name, found: error.to_string(), expected: "JSON" }),
            _ => Ok(value),
        }
    }

    /// Reads a number above 0, of things or bytes. It is `None` without the variable.
    ///
    /// # Errors
    /// The value is not one.
    #[inline(never)]
    pub fn count(&self, name: &'static str) -> Result<Option<usize>, BadSetting> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.trim().parse::<u64>() {
            Ok(number) if number > 0 => Ok(Some(usize::try_from(number).unwrap_or(usize::MAX))),
            _ => Err(BadSetting::new(name, &value, "a whole number above 0")),
        }
    }

    /// Reads a number. It is `None` without the variable.
    ///
    /// # Errors
    /// The value is not one.
    #[inline(never)]
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, BadSetting> {
        self.get(name)
            .map(|value| value.trim().parse().map_err(|_| BadSetting::new(name, &value, "a whole number")))
            .transpose()
    }

    /// Reads a time limit as a number of seconds. It is `None` without the variable, and for zero, which means no
    /// limit.
    ///
    /// # Errors
    /// The value is no number.
    #[inline(never)]
    pub fn seconds(&self, name: &'static str) -> Result<Option<Duration>, BadSetting> {
        Ok(self.number(name)?.filter(|seconds| *seconds > 0).map(Duration::from_secs))
    }

    /// Reads a time limit as a [duration](Env::duration). It is `None` without the variable, and for zero, which means
    /// no limit.
    ///
    /// # Errors
    /// The value is no duration.
    #[inline(never)]
    pub fn limit(&self, name: &'static str) -> Result<Option<Duration>, BadSetting> {
        Ok(self.duration(name)?.filter(|limit| !limit.is_zero()))
    }

    /// Reads a duration: `30` (seconds), `500ms`, `30s`, `1m30s`, `1h`. It is `None` without the variable.
    ///
    /// # Errors
    /// The value is not one.
    #[inline(never)]
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
    /// The name of the variable.
    pub name: Cow<'static, str>,
    /// The value that was found, in words; a value in quotes.
    pub found: String,
    /// The form that it should have.
    pub expected: &'static str,
}

impl BadSetting {
    /// Makes the error for a variable, with its value and the expected one.
    #[inline(never)]
    pub fn new(name: &'static str, found: &str, expected: &'static str) -> BadSetting {
        BadSetting { name: Cow::Borrowed(name), found: format!("{found:?}"), expected }
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.name, self.expected, self.found)
    }
}

impl std::error::Error for BadSetting {}

/// The runtime's own settings, on every platform.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The function that serves: `FAAS_HANDLER`. With `None` it is that of the platform's own variable, or of the only
    /// module there is.
    pub handler: Option<String>,
    /// The names of the layers, the outermost one first: `FAAS_LAYERS`.
    pub layers: Vec<LayerName>,
    /// The level of the log: `FAAS_LOG`, else the platform's variable, else info.
    pub level: Level,
    /// The look of the log: `FAAS_LOG_FORMAT`, else the platform's variable, else text.
    pub format: Format,
    /// `true` if stacks and causes stand in error replies and logs: `FAAS_DEBUG`.
    pub debug: bool,
    /// The time that start may take: `FAAS_INIT_TIMEOUT`. With `None` it may take as long as the platform lets it.
    pub init_timeout: Option<Duration>,
    /// The limit of an invocation on platforms that set no limit: `FAAS_TIMEOUT`. It is `None` without the variable.
    pub timeout: Option<Duration>,
    /// The time that invocations may still run after a stop signal: `FAAS_GRACE`, 8 s, below the ten seconds that most
    /// platforms give.
    pub grace: Duration,
    /// The time that work for after a reply may take: `FAAS_REPLIED_TIMEOUT`, 5 s.
    pub replied_timeout: Duration,
    /// The number of invocations at once on platforms that set no limit: `FAAS_CONCURRENCY`.
    pub concurrency: Option<usize>,
    /// The function's configuration, JSON: `FAAS_CONFIG`.
    pub config: String,
    /// The settings of calls for the records of a batch: `FAAS_RECORD_CONCURRENCY`, `FAAS_RECORD_FAILURES`.
    pub records: RecordSettings,
}

/// A layer as it is named in `FAAS_LAYERS` or in a manifest.
#[derive(Clone, PartialEq, Eq)]
pub struct LayerName {
    /// The name: `name` or `library.layer`.
    pub name: String,
    /// `true` if a failure in the layer is a failure of the process or invocation; `false`, by a trailing `?` or
    /// `"optional": true`, if it is skipped and logged.
    pub required: bool,
    /// Its configuration, JSON: `FAAS_LAYER_<NAME>`, capitals, other characters as `_`.
    pub config: String,
}

/// The configuration is left out, since it may hold secrets.
impl fmt::Debug for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayerName({:?}, required: {}, config: {} bytes)", self.name, self.required, self.config.len())
    }
}

impl Settings {
    /// Reads all variables.
    ///
    /// # Errors
    /// The error names the first variable whose value does not fit.
    pub fn read(env: &Env<'_>) -> Result<Settings, BadSetting> {
        // Libraries read it for themselves, when they first wait; a value that does not fit ends the start.
        env.count("FAAS_ASYNC_WORKERS")?;
        Ok(Settings {
            handler: env.get("FAAS_HANDLER"),
            layers: layers(env)?,
            level: level(env)?,
            format: format(env)?,
            debug: env.flag("FAAS_DEBUG")?,
            init_timeout: env.limit("FAAS_INIT_TIMEOUT")?,
            timeout: env.limit("FAAS_TIMEOUT")?,
            grace: env.duration("FAAS_GRACE")?.unwrap_or(Duration::from_secs(8)),
            replied_timeout: env.duration("FAAS_REPLIED_TIMEOUT")?.unwrap_or(Duration::from_secs(5)),
            concurrency: env.count("FAAS_CONCURRENCY")?,
            config: env.json("FAAS_CONFIG")?,
            records: RecordSettings::read(env)?,
        })
    }
}

fn layers(env: &Env<'_>) -> Result<Vec<LayerName>, BadSetting> {
    let list = env.text("FAAS_LAYERS");
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let layer = |name: &str| {
        let (name, required) = name.strip_suffix('?').map_or((name, true), |name| (name, false));
        if name.is_empty() {
            return Err(BadSetting::new("FAAS_LAYERS", &list, "names of layers"));
        }
        Ok(LayerName { name: name.to_owned(), required, config: env.json(layer_variable(name))? })
    };
    names.map(layer).collect()
}

/// Returns the name of the variable that configures a layer.
pub fn layer_variable(layer: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    LAYER_PREFIX.chars().chain(layer.chars().map(letter)).collect()
}

/// The beginning of the names of variables that configure layers.
const LAYER_PREFIX: &str = "FAAS_LAYER_";

/// Returns `true` for a variable that links to a Kubernetes service. In every pod beside a Service called `fc-server`
/// stands `FC_SERVER_PORT=tcp://10.96.7.1:8080`, which says nothing of this process. Source: Kubernetes' documentation
/// of the variables of services.
fn is_service_link(name: &str, value: &str) -> bool {
    name.ends_with("_PORT") && value.contains("://")
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

/// Returns the literal that equals this name: the names above are literals, and the caller needs one's own lifetime.
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
        let look_up = crate::testing::look_up(pairs);
        Settings::read(&Env::new(&look_up))
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
    fn every_value_that_does_not_fit_ends_the_start_with_the_name_of_its_variable() {
        for (name, value, words) in [
            ("FAAS_CONCURRENCY", "0", "a whole number above 0, found \"0\""),
            ("FAAS_CONCURRENCY", "many", "a whole number above 0, found \"many\""),
            ("FAAS_ASYNC_WORKERS", "0", "a whole number above 0, found \"0\""),
            ("FAAS_DEBUG", "maybe", "1, true, yes or on, or 0, false, no or off, found \"maybe\""),
            ("FAAS_CONFIG", "{bad", "JSON, found invalid JSON at byte 1: expected a key in double quotes"),
            ("FAAS_LAYERS", "monitor,?", "names of layers, found \"monitor,?\""),
            ("FAAS_INIT_TIMEOUT", "-1s", "a duration such as 30s, 500ms or 1m30s, found \"-1s\""),
            ("FAAS_RECORD_CONCURRENCY", "0", "a whole number above 0, found \"0\""),
            ("FAAS_RECORD_FAILURES", "ignore", "report, fail or log, found \"ignore\""),
            ("FAAS_GRACE", "later", "a duration such as 30s, 500ms or 1m30s, found \"later\""),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: expected {words}")), "{name}={value}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn a_layers_configuration_that_is_no_json_names_its_variable_and_keeps_the_text_to_itself() {
        let error = read(&[("FAAS_LAYERS", "my-lib.trace"), ("FAAS_LAYER_MY_LIB_TRACE", "{\"key\":secret}")]);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("FAAS_LAYER_MY_LIB_TRACE: expected JSON, found invalid JSON at byte 7"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_switch_is_read_in_words_of_any_case() {
        for (word, on) in [("1", true), ("TRUE", true), ("Yes", true), ("on", true), ("", false)] {
            assert_eq!(read(&[("FAAS_DEBUG", word)]).unwrap().debug, on, "{word:?}");
        }
        for word in ["0", "false", "NO", "Off"] {
            assert!(!read(&[("FAAS_DEBUG", word)]).unwrap().debug, "{word:?}");
        }
    }

    #[test]
    fn a_link_to_a_kubernetes_service_is_no_value_of_a_port() {
        // What Kubernetes sets in every pod beside a Service called `faas-metrics`.
        let look_up = |name: &str| match name {
            "FAAS_METRICS_PORT" => Some("tcp://10.96.7.1:8080".to_owned()),
            "FC_SERVER_PORT" => Some("udp://10.96.7.1:53".to_owned()),
            "X_PORT" => Some("9000".to_owned()),
            "UPSTREAM_URL" => Some("http://h".to_owned()),
            _ => None,
        };
        let env = Env::new(&look_up);
        assert_eq!((env.get("FAAS_METRICS_PORT"), env.text("FC_SERVER_PORT").as_str()), (None, ""));
        assert_eq!(
            (env.get("X_PORT").as_deref(), env.get("UPSTREAM_URL").as_deref()),
            (Some("9000"), Some("http://h"))
        );
        assert_eq!(env.first(&["FC_SERVER_PORT", "X_PORT"]), Some(("X_PORT", "9000".to_owned())));
    }

    #[test]
    fn several_invocations_at_once_log_json() {
        assert_eq!(read(&[]).unwrap().format, Format::Text);
        assert_eq!(read(&[("AWS_LAMBDA_MAX_CONCURRENCY", "4")]).unwrap().format, Format::Json);
    }
}
