//! Tencent Cloud SCF: event functions with a custom runtime, which ask for their events; web functions and event
//! functions of an image, which are sent requests.
//!
//! Sources: SCF's help pages on custom runtimes, environment variables, web functions, function URLs and functions of
//! images, and the vendor's published samples of custom runtimes.
//!
//! The two ways are told apart by the address of the runtime API. Should a process find one where it is to serve, or
//! the other way round, `FAAS_SCF_MODE` says what counts.

mod runtime_api;
mod web;

use super::endpoint::endpoint_of_two;
use super::{PlatformConfig, PlatformEntry, Protocol};
use crate::process::Identity;
use crate::settings::{BadSetting, Env, Settings};
use runtime_api::RuntimeApi;
use web::WebFunction;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "tencent-scf";

/// The longest result of an event: 6 MiB. A longer one would be an error of the platform's.
pub const MAX_RESULT: usize = 6 << 20;

const HOST: &str = "SCF_RUNTIME_API";
const PORT: &str = "SCF_RUNTIME_API_PORT";
const RUN_ENV: &str = "TENCENTCLOUD_RUNENV";
const MODE: &str = "FAAS_SCF_MODE";

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Tencent SCF",
    short: "SCF",
    aliases: &["tencent", "scf"],
    marks: "`SCF_RUNTIME_API` and `SCF_RUNTIME_API_PORT`; or `TENCENTCLOUD_RUNENV=SCF`, `SCF_FUNCTIONNAME`, \
            `SCF_FUNCTIONVERSION`",
    mark,
    trusted_hops: 1,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    let is_scf = env.get(RUN_ENV).is_some_and(|value| value.eq_ignore_ascii_case("SCF"));
    let first = |names: &[&'static str]| env.first(names).map(|(name, _)| name);
    first(&[HOST, PORT]).or(is_scf.then_some(RUN_ENV)).or_else(|| first(&["SCF_FUNCTIONNAME", "SCF_FUNCTIONVERSION"]))
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let identity = Identity {
        platform: NAME,
        function: env.text("SCF_FUNCTIONNAME"),
        version: env.text("SCF_FUNCTIONVERSION"),
        stage: env.text("SCF_NAMESPACE"),
        region: env.text("TENCENTCLOUD_REGION"),
        account: env.first(&["TENCENTCLOUD_UIN", "TENCENTCLOUD_APPID"]).map(|(_, value)| value).unwrap_or_default(),
        handler: env.text("_HANDLER"),
        ..Identity::default()
    };
    let protocol = if is_asked(env)? {
        Protocol::Serving(Box::new(WebFunction::read(env, settings)?))
    } else {
        Protocol::Polling(Box::new(RuntimeApi::new(endpoint(env)?, settings.timeout)))
    };
    // The console demands a handler and gives one that means nothing to a custom runtime.
    let hint = identity.handler.clone();
    Ok(PlatformConfig::new(identity, protocol).with_hint(hint).with_root(env.text("USER_CODE_ROOT")))
}

/// Returns `true` if requests are sent to this process, and `false` if it asks for events.
fn is_asked(env: &Env<'_>) -> Result<bool, BadSetting> {
    match env.get(MODE).as_deref() {
        None => Ok(env.first(&[HOST, PORT]).is_none()),
        Some("poll") => Ok(false),
        Some("web") => Ok(true),
        Some(other) => Err(BadSetting::new(MODE, other, "poll or web")),
    }
}

/// Returns the address of the runtime API, whose host and port come in two variables.
fn endpoint(env: &Env<'_>) -> Result<String, BadSetting> {
    endpoint_of_two([
        (HOST, &env.text(HOST), "the host of the runtime API, beside SCF_RUNTIME_API_PORT"),
        (PORT, &env.text(PORT), "the port of the runtime API, beside SCF_RUNTIME_API"),
    ])
}

#[cfg(test)]
mod tests;
