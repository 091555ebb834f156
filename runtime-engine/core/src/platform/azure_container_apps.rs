//! Azure Container Apps: a container behind the environment's ingress.
//!
//! Plain HTTP, but for the names, which come from the container's variables, and the end: a replica is sent SIGTERM
//! while requests are still on their way to it, and has thirty seconds. Source: Azure's documentation of the built-in
//! environment variables and of the application lifecycle.

use super::http::{self, PlainHttp};
use super::{PlatformConfig, PlatformEntry, Protocol};
use crate::process::Identity;
use crate::settings::{BadSetting, Env, Settings};
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "azure-container-apps";

/// The time until the ingress has learnt of a replica's end.
const LAME_DUCK: Duration = Duration::from_secs(5);
/// The time that invocations may take after SIGTERM. It is below the thirty seconds that a replica has unless its
/// template says otherwise.
const GRACE: Duration = Duration::from_secs(25);

const APP: &str = "CONTAINER_APP_NAME";
const REVISION: &str = "CONTAINER_APP_REVISION";
const PORT: &str = "CONTAINER_APP_PORT";

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Azure Container Apps",
    short: "Azure Container Apps",
    aliases: &["container-apps"],
    marks: "`CONTAINER_APP_NAME` or `CONTAINER_APP_REVISION`",
    mark,
    trusted_hops: 1,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    env.first(&[APP, REVISION]).map(|(name, _)| name)
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let port = match env.get(PORT) {
        Some(text) => text.trim().parse().map_err(|_| BadSetting::new(PORT, &text, "a port from 0 to 65535"))?,
        None => http::PORT,
    };
    let server = PlainHttp::read(env, settings, port)?.with_lame_duck(LAME_DUCK);
    Ok(PlatformConfig::new(identity(env), Protocol::Serving(Box::new(server))).with_grace(GRACE))
}

fn identity(env: &Env<'_>) -> Identity {
    let own = http::identity(env, NAME);
    let or = |own: String, other: String| if own.is_empty() { other } else { own };
    Identity {
        function: or(own.function, env.text(APP)),
        version: or(own.version, env.text(REVISION)),
        region: or(own.region, region(&env.text("CONTAINER_APP_ENV_DNS_SUFFIX"))),
        ..own
    }
}

/// Returns the region in `<environment>.<region>.azurecontainerapps.io`. It is empty for any other suffix.
fn region(suffix: &str) -> String {
    let mut labels = suffix.split('.');
    match (labels.next(), labels.next(), labels.next()) {
        (Some(_), Some(region), Some("azurecontainerapps")) => region.to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Listen;
    use super::*;

    fn opened(pairs: &[(&str, &str)]) -> (Option<&'static str>, Result<PlatformConfig, String>) {
        let look_up = crate::testing::look_up(pairs);
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).expect("no setting is wrong here");
        (mark(&env), open(&env, &settings).map_err(|bad| bad.to_string()))
    }

    #[test]
    fn a_replica_is_named_by_its_app_and_serves_on_after_a_stop_signal() {
        let (mark, opened) = opened(&[
            (APP, "shop"),
            (REVISION, "shop--20mh1s9"),
            ("CONTAINER_APP_ENV_DNS_SUFFIX", "calm-sea-1.westeurope.azurecontainerapps.io"),
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ]);
        let opened = opened.expect("the variables fit");
        assert_eq!((mark, opened.grace), (Some(APP), Some(GRACE)));
        let Identity { platform, function, version, region, .. } = opened.identity;
        assert_eq!((platform, function.as_str(), version.as_str()), (NAME, "shop", "shop--20mh1s9"));
        assert_eq!(region, "westeurope");
        let Protocol::Serving(server) = opened.protocol else { panic!("it is sent requests") };
        assert_eq!(server.lame_duck(), LAME_DUCK);
    }

    #[test]
    fn a_name_of_ones_own_counts_more() {
        let (mark, opened) = opened(&[(REVISION, "r"), ("FAAS_FUNCTION_NAME", "mine"), ("FAAS_REGION", "here")]);
        let identity = opened.expect("the variables fit").identity;
        assert_eq!((mark, identity.function.as_str(), identity.region.as_str()), (Some(REVISION), "mine", "here"));
    }

    #[test]
    fn the_port_is_ours_or_the_apps() {
        let listens = |pairs: &[(&str, &str)]| match opened(pairs).1.expect("the variables fit").protocol {
            Protocol::Serving(server) => server.listen().to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(listens(&[(APP, "a")]), Listen::Tcp("0.0.0.0:8080").to_string());
        assert_eq!(listens(&[(PORT, "80")]), "0.0.0.0:80");
        assert_eq!(listens(&[(PORT, "80"), ("PORT", "9000")]), "0.0.0.0:9000");
        let bad = opened(&[(PORT, "eighty")]).1.expect_err("no port");
        assert_eq!(bad, "CONTAINER_APP_PORT: expected a port from 0 to 65535, found \"eighty\"");
    }

    #[test]
    fn only_the_services_own_suffix_names_a_region() {
        for (suffix, expected) in [
            ("x.westeurope.azurecontainerapps.io", "westeurope"),
            ("x.northcentralusstage.azurecontainerapps.io", "northcentralusstage"),
            ("apps.example.com", ""),
            ("", ""),
        ] {
            assert_eq!(region(suffix), expected);
        }
    }
}
