//! Plain Kubernetes: a pod behind a Service, with nothing that makes a function of it.
//!
//! Plain HTTP, but for the end: a pod that is being ended and the routes to it going away are two things that happen at
//! once, so requests still come for some seconds after SIGTERM and are served. Source: Kubernetes' documentation on the
//! termination of pods, and on the variables that every container finds.

use super::http::{self, PlainHttp};
use super::{PlatformConfig, PlatformEntry, Protocol};
use crate::process::Identity;
use crate::settings::{BadSetting, Env, Settings};
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "kubernetes";

/// The time until the routes of a cluster of ordinary size have learnt of a pod's end.
const LAME_DUCK: Duration = Duration::from_secs(5);
/// The time that invocations may take after SIGTERM. It is below the thirty seconds that a pod has unless its
/// specification says otherwise.
const GRACE: Duration = Duration::from_secs(25);

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Kubernetes",
    short: "Kubernetes",
    aliases: &["k8s"],
    marks: "`KUBERNETES_SERVICE_HOST`",
    mark,
    trusted_hops: 0,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    env.get("KUBERNETES_SERVICE_HOST").map(|_| "KUBERNETES_SERVICE_HOST")
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let server = PlainHttp::read(env, settings, http::PORT)?.with_lame_duck(LAME_DUCK);
    let own = http::identity(env, NAME);
    // A container's host name is its pod's name.
    let function = if own.function.is_empty() { env.text("HOSTNAME") } else { own.function.clone() };
    Ok(PlatformConfig::new(Identity { function, ..own }, Protocol::Serving(Box::new(server))).with_grace(GRACE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(pairs: &[(&str, &str)]) -> (Option<&'static str>, PlatformConfig) {
        let look_up = crate::testing::look_up(pairs);
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).expect("no setting is wrong here");
        (mark(&env), open(&env, &settings).expect("the variables fit"))
    }

    #[test]
    fn a_pod_is_named_by_its_host_name_and_serves_on_after_a_stop_signal() {
        let (mark, opened) = opened(&[("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("HOSTNAME", "shop-5d8f-x2k7q")]);
        assert_eq!(mark, Some("KUBERNETES_SERVICE_HOST"));
        assert_eq!((opened.identity.platform, opened.identity.function.as_str()), ("kubernetes", "shop-5d8f-x2k7q"));
        assert_eq!(opened.grace, Some(GRACE));
        let Protocol::Serving(server) = opened.protocol else { panic!("it is sent requests") };
        assert_eq!((server.lame_duck(), server.listen()), (LAME_DUCK, super::super::Listen::Tcp("0.0.0.0:8080")));
    }

    #[test]
    fn a_name_of_ones_own_counts_more() {
        let (mark, opened) = opened(&[("FAAS_FUNCTION_NAME", "shop"), ("HOSTNAME", "pod"), ("PORT", "9")]);
        assert_eq!((mark, opened.identity.function.as_str()), (None, "shop"));
    }
}
