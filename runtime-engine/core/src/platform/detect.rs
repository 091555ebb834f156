//! Detects the platform by its marks in the environment, in one ordered table.

use super::Protocol;
use crate::fields::caseless;
use crate::log::Format;
use crate::process::Identity;
use crate::settings::{BadSetting, Env, Settings};
use std::fmt;
use std::time::Duration;

/// The facts of one platform that the list of platforms holds.
#[derive(Debug)]
pub struct PlatformEntry {
    /// The word that `FAAS_PLATFORM` forces it with, and its cargo feature.
    pub name: &'static str,
    /// The platform's name for people, in tables of the documentation.
    pub title: &'static str,
    /// The platform's name in sentences, as its users write it.
    pub short: &'static str,
    /// Other names in a `serverless.yml` and for folders of samples, in lower case. No two platforms share one.
    pub aliases: &'static [&'static str],
    /// The variables that have to be in the environment for it, in words, for the documentation.
    pub marks: &'static str,
    /// Returns the variable that marks the platform; `None` if the environment has no such variable.
    pub mark: fn(&Env<'_>) -> Option<&'static str>,
    /// The number of proxies of its own that always stand in front of a function and tell of its clients, if
    /// `FAAS_TRUSTED_HOPS` does not say how many are trusted. Each of them adds to `X-Forwarded-For` or sets it.
    pub trusted_hops: usize,
    /// Reads the variables of the platform.
    pub open: fn(&Env<'_>, &Settings) -> Result<PlatformConfig, BadSetting>,
}

/// The folder where Docker, Podman and Swarm mount secrets.
const SECRETS: &str = "/run/secrets";

/// The configuration that a platform's variables give.
#[derive(Debug)]
pub struct PlatformConfig {
    /// The names of the function and of its place.
    pub identity: Identity,
    /// The protocol that the platform speaks.
    pub protocol: Protocol,
    /// The function's name as the platform gives it; `None` if it gives no name.
    pub handler: Option<HandlerName>,
    /// The folder of the function's code; `None` if the platform names no folder.
    pub root: Option<String>,
    /// The form and the place of log lines.
    pub log: LogStyle,
    /// The time that a stop may take in all, the lame-duck time included, if `FAAS_GRACE` does not set it; `None` for
    /// the usual time.
    pub grace: Option<Duration>,
    /// The folder where the platform mounts secrets, where `FAAS_SECRETS` does not say.
    pub secrets: &'static str,
}

impl PlatformConfig {
    /// Makes the configuration of a platform that gives neither handler nor folder, with logs as usual.
    pub fn new(identity: Identity, protocol: Protocol) -> PlatformConfig {
        PlatformConfig {
            identity,
            protocol,
            handler: None,
            root: None,
            log: LogStyle::default(),
            grace: None,
            secrets: SECRETS,
        }
    }

    /// Returns the configuration with a folder where secrets are mounted.
    pub fn with_secrets(self, secrets: &'static str) -> PlatformConfig {
        PlatformConfig { secrets, ..self }
    }

    /// Returns the configuration with a time for a stop.
    pub fn with_grace(self, grace: Duration) -> PlatformConfig {
        PlatformConfig { grace: Some(grace), ..self }
    }

    /// Returns the time that a stop may take: that of `FAAS_GRACE`, else the platform's own, else the usual one.
    pub fn stop_within(&self, env: &Env<'_>, settings: &Settings) -> Duration {
        self.grace.filter(|_| env.get("FAAS_GRACE").is_none()).unwrap_or(settings.grace)
    }

    /// Returns the configuration with a folder; an empty text is no folder.
    pub fn with_root(self, root: String) -> PlatformConfig {
        PlatformConfig { root: Some(root).filter(|root| !root.is_empty()), ..self }
    }

    /// Returns the configuration with a function's name that has to be found; an empty text is no name.
    pub fn with_handler(self, text: String) -> PlatformConfig {
        let handler = (!text.is_empty()).then_some(HandlerName { text, required: true });
        PlatformConfig { handler, ..self }
    }

    /// Returns the configuration with a text that may name the function: some platforms demand one that means nothing
    /// to them. Where nothing of that name is found, the only function there is runs.
    pub fn with_hint(self, text: String) -> PlatformConfig {
        let handler = (!text.is_empty()).then_some(HandlerName { text, required: false });
        PlatformConfig { handler, ..self }
    }
}

/// The name of a function, as a variable gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerName {
    /// The text: `library`, `library.function`, or the name of a function in the manifest.
    pub text: String,
    /// `true` if it is an error that there is no such function; otherwise the text is a hint.
    pub required: bool,
}

/// The way in which a platform wants its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStyle {
    /// The descriptor that lines go to.
    pub to: LogTo,
    /// The look of lines if `FAAS_LOG_FORMAT` is not set; `None` for the usual look.
    pub format: Option<Format>,
}

impl LogStyle {
    /// Returns the look of lines: that of `FAAS_LOG_FORMAT`, else the platform's own, else the usual one.
    pub fn look(self, env: &Env<'_>, settings: &Settings) -> Format {
        match env.get("FAAS_LOG_FORMAT") {
            Some(_) => settings.format,
            None => self.format.unwrap_or(settings.format),
        }
    }
}

/// The descriptor that log lines go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogTo {
    /// Lines go to standard output.
    #[default]
    Output,
    /// Lines go to standard error: the platform takes the output for something else.
    Error,
    /// Errors go to standard error, and all other lines to standard output.
    Split,
}

/// The platform that the environment showed.
#[derive(Debug)]
pub struct Detected {
    /// The configuration from the platform's variables. The handler is `FAAS_HANDLER`'s if there is one.
    pub opened: PlatformConfig,
    /// The reason for this platform, for the start line.
    pub why: String,
}

/// The names of a platform, of one whose cargo feature is off too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformName {
    /// The platform's [`PlatformEntry::name`].
    pub word: &'static str,
    /// The platform's [`PlatformEntry::title`].
    pub title: &'static str,
    /// The platform's [`PlatformEntry::short`].
    pub short: &'static str,
    /// The platform's [`PlatformEntry::aliases`].
    pub aliases: &'static [&'static str],
}

/// Makes the tables from one list of cargo features and modules: a platform's feature has the platform's name. Plain
/// HTTP has no feature that anything depends on: it is what is left.
macro_rules! platforms {
    ($($name:literal $module:ident,)*) => {
        /// The platforms that are built in, in the order of asking. The one with the most particular mark comes first,
        /// and the one without a mark last.
        pub const PLATFORMS: &[PlatformEntry] =
            &[$(#[cfg(feature = $name)] super::$module::ENTRY,)* super::http::ENTRY];

        /// The names of all platforms there are, built in or not, in the order of asking. Everything that lists
        /// platforms is made from it, or compared with it by a test.
        pub const NAMES: &[PlatformName] = &[$(names(&super::$module::ENTRY),)* names(&super::http::ENTRY)];
    };
}

platforms! {
    "aws-lambda" aws_lambda,
    "tencent-scf" tencent_scf,
    "huawei-functiongraph" huawei_functiongraph,
    "aliyun-fc" aliyun_fc,
    "azure-functions" azure_functions,
    "fn" fn_project,
    "openwhisk" openwhisk,
    "vefaas" vefaas,
    "yandex" yandex,
    "openfaas" openfaas,
    "google-cloud" google_cloud,
    "knative" knative,
    "azure-container-apps" azure_container_apps,
    "kubernetes" kubernetes,
}

const fn names(entry: &PlatformEntry) -> PlatformName {
    PlatformName { word: entry.name, title: entry.title, short: entry.short, aliases: entry.aliases }
}

/// Returns the names of the platform with this word or alias, in any case; `None` if there is no such platform.
pub fn named(name: &str) -> Option<&'static PlatformName> {
    let is_called_so = |known: &str| caseless(known.as_bytes(), name.as_bytes());
    NAMES.iter().find(|names| is_called_so(names.word) || names.aliases.iter().copied().any(is_called_so))
}

/// The reason why no platform could be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DetectError {
    /// `FAAS_PLATFORM` names no platform that there is.
    Platform(String),
    /// `FAAS_PLATFORM` names a platform that is not built in.
    LeftOut(&'static str),
    /// A variable does not fit the platform that was found.
    Setting {
        /// The platform that was found.
        platform: &'static str,
        /// The reason why it was taken to be this one.
        why: String,
        /// The variable, with the form that was expected.
        bad: BadSetting,
    },
}

impl fmt::Display for DetectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DetectError::Platform(found) => {
                write!(f, "FAAS_PLATFORM: expected one of ")?;
                for (index, entry) in PLATFORMS.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, entry.name)?;
                }
                write!(f, ", found {found:?}")
            }
            DetectError::LeftOut(name) => {
                write!(
                    f,
                    "FAAS_PLATFORM: {name} is not built in: this program was built without the cargo feature {name}"
                )
            }
            DetectError::Setting { platform, why, bad } => write!(f, "{bad} (platform {platform}: {why})"),
        }
    }
}

impl std::error::Error for DetectError {}

/// Finds the platform: `FAAS_PLATFORM` forces one, else the first built-in one whose mark is in the
/// environment, else plain HTTP.
///
/// # Errors
/// `FAAS_PLATFORM` names no platform, or one that is not built in, or a variable of the platform's does not fit.
pub fn detect(env: &Env<'_>, settings: &Settings) -> Result<Detected, DetectError> {
    let (entry, why) = match env.get("FAAS_PLATFORM") {
        Some(name) => match PLATFORMS.iter().find(|entry| entry.name == name) {
            Some(entry) => (entry, "FAAS_PLATFORM names it".to_owned()),
            None => return Err(unknown(name)),
        },
        None => PLATFORMS
            .iter()
            .find_map(|entry| (entry.mark)(env).map(|mark| (entry, format!("{mark} is set"))))
            .unwrap_or((&PLATFORMS[PLATFORMS.len() - 1], "nothing marks another platform".to_owned())),
    };
    let mut opened = match (entry.open)(env, settings) {
        Ok(opened) => opened,
        Err(bad) => return Err(DetectError::Setting { platform: entry.name, why, bad }),
    };
    opened.identity.trusted_hops = match env.number("FAAS_TRUSTED_HOPS") {
        Ok(hops) => hops.map_or(entry.trusted_hops, |hops| usize::try_from(hops).unwrap_or(usize::MAX)),
        Err(bad) => return Err(DetectError::Setting { platform: entry.name, why, bad }),
    };
    if let Some(text) = settings.handler.clone() {
        opened.handler = Some(HandlerName { text, required: true });
    }
    Ok(Detected { opened, why })
}

fn unknown(name: String) -> DetectError {
    // Those that are built in have been looked through.
    match NAMES.iter().find(|left_out| left_out.word == name) {
        Some(left_out) => DetectError::LeftOut(left_out.word),
        None => DetectError::Platform(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &'static [(&'static str, &'static str)]) -> Result<(String, String), String> {
        let look_up = crate::testing::look_up(pairs);
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).expect("no setting is wrong here");
        detect(&env, &settings)
            .map(|detected| (detected.opened.identity.platform.to_owned(), detected.why))
            .map_err(|unknown| unknown.to_string())
    }

    #[test]
    fn a_mark_finds_the_platform_and_nothing_means_http() {
        assert_eq!(
            found(&[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")]),
            Ok(("aws-lambda".into(), "AWS_LAMBDA_RUNTIME_API is set".into()))
        );
        assert_eq!(found(&[]), Ok(("http".into(), "nothing marks another platform".into())));
    }

    #[test]
    fn faas_platform_forces_one_and_an_unknown_name_lists_them() {
        let forced = found(&[("AWS_LAMBDA_RUNTIME_API", "x:1"), ("FAAS_PLATFORM", "http")]);
        assert_eq!(forced, Ok(("http".into(), "FAAS_PLATFORM names it".into())));
        let unknown = found(&[("FAAS_PLATFORM", "mars")]).unwrap_err();
        assert!(
            unknown.starts_with("FAAS_PLATFORM: expected one of aws-lambda, ") && unknown.ends_with(", found \"mars\"")
        );
        assert!(PLATFORMS.iter().all(|entry| unknown.contains(entry.name)), "{unknown}");
    }

    #[test]
    fn the_platforms_time_for_a_stop_counts_unless_we_say_another() {
        let within = |grace: Option<u64>, pairs: &'static [(&'static str, &'static str)]| {
            let look_up = crate::testing::look_up(pairs);
            let env = Env::new(&look_up);
            let settings = Settings::read(&env).expect("no setting is wrong here");
            let mut opened = (crate::platform::http::ENTRY.open)(&env, &settings).expect("nothing is asked of it");
            opened.grace = grace.map(Duration::from_secs);
            opened.stop_within(&env, &settings).as_secs()
        };
        assert_eq!((within(None, &[]), within(Some(60), &[])), (8, 60));
        assert_eq!(within(Some(60), &[("FAAS_GRACE", "3s")]), 3);
    }

    #[test]
    fn the_platforms_own_proxies_are_trusted_unless_we_say_how_many_are() {
        let hops = |pairs: &'static [(&'static str, &'static str)]| {
            let look_up = crate::testing::look_up(pairs);
            let env = Env::new(&look_up);
            let settings = Settings::read(&env).expect("no setting is wrong here");
            detect(&env, &settings)
                .map(|detected| detected.opened.identity.trusted_hops)
                .map_err(|unknown| unknown.to_string())
        };
        assert_eq!(hops(&[]), Ok(0));
        assert_eq!(hops(&[("FAAS_TRUSTED_HOPS", "2")]), Ok(2));
        assert_eq!(hops(&[("FAAS_PLATFORM", "google-cloud")]), Ok(1));
        assert_eq!(hops(&[("FAAS_PLATFORM", "google-cloud"), ("FAAS_TRUSTED_HOPS", "0")]), Ok(0));
        assert_eq!(
            hops(&[("FAAS_TRUSTED_HOPS", "all")]),
            Err("FAAS_TRUSTED_HOPS: expected a whole number, found \"all\" (platform http: nothing marks another \
                platform)"
                .into())
        );
    }

    #[test]
    fn a_forced_platform_without_its_variables_says_which_is_missing() {
        assert_eq!(
            found(&[("FAAS_PLATFORM", "aws-lambda")]),
            Err("AWS_LAMBDA_RUNTIME_API: expected host:port of the Runtime API, found \"\" (platform aws-lambda: FAAS_PLATFORM \
                names it)"
                .into())
        );
    }
}
