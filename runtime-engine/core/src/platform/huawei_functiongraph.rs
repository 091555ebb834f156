//! Huawei Cloud FunctionGraph, also sold by partners: event functions with a custom runtime, which ask for their
//! events; HTTP functions and event functions of an image, which are sent requests.
//!
//! Sources: FunctionGraph's developer guide (custom runtimes, HTTP functions, environment variables, container images)
//! and Open Telekom Cloud's published runtimes for the same service.
//!
//! The address of the runtime API tells asking from being asked. An HTTP function and an event function of an image
//! listen on the same port and find the same variables, and `/invoke` may be a path of anybody's: `FAAS_HUAWEI_MODE`
//! tells them apart. Built-in runtimes of a partner know `RUNTIME_API_ADDR` as an address to listen on, so that this
//! variable alone marks nothing.

mod runtime_api;
mod server;

use super::{PlatformConfig, PlatformEntry, Protocol};
use crate::process::Identity;
use crate::settings::{BadSetting, Env, Settings};
use runtime_api::RuntimeApi;
use server::Server;
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "huawei-functiongraph";

/// The longest result where `RUNTIME_MAX_RESP_BODY_SIZE` says no other or 0, in bytes.
pub const MAX_RESULT: usize = 6 << 20;

const ADDRESS: &str = "RUNTIME_API_ADDR";
const FUNCTION: &str = "RUNTIME_FUNC_NAME";
const PROJECT: &str = "RUNTIME_PROJECT_ID";
const ROOT: &str = "RUNTIME_CODE_ROOT";
const MODE: &str = "FAAS_HUAWEI_MODE";

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Huawei FunctionGraph",
    short: "FunctionGraph",
    aliases: &["huawei", "functiongraph"],
    marks: "two of `RUNTIME_API_ADDR`, `RUNTIME_FUNC_NAME`, `RUNTIME_PROJECT_ID`, `RUNTIME_CODE_ROOT`",
    mark,
    trusted_hops: 1,
    open,
};

/// Returns a variable that marks the platform. No name is so particular that one alone would do.
fn mark(env: &Env<'_>) -> Option<&'static str> {
    let mut there = [FUNCTION, ADDRESS, PROJECT, ROOT].into_iter().filter(|name| env.get(name).is_some());
    let first = there.next()?;
    there.next().map(|_| first)
}

/// The way in which the process gets its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The process asks for events.
    Poll,
    /// Clients' requests come as they are.
    Http,
    /// Events come in the bodies of requests.
    Event,
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let memory = env.text("RUNTIME_MEMORY");
    let identity = Identity {
        platform: NAME,
        function: env.text(FUNCTION),
        version: env.text("RUNTIME_FUNC_VERSION"),
        service: env.text("RUNTIME_PACKAGE"),
        account: env.text(PROJECT),
        handler: env.text("RUNTIME_HANDLER"),
        memory_mb: memory.trim().parse().unwrap_or(0),
        ..Identity::default()
    };
    let limits = Limits {
        timeout: env.seconds("RUNTIME_TIMEOUT").ok().flatten().or(settings.timeout),
        max_result: env
            .number("RUNTIME_MAX_RESP_BODY_SIZE")?
            .filter(|bytes| *bytes > 0)
            .map_or(MAX_RESULT, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
    };
    let protocol = match mode(env)? {
        Mode::Poll => Protocol::Polling(Box::new(RuntimeApi::new(endpoint(env)?, limits))),
        Mode::Http => Protocol::Serving(Box::new(Server::read(env, settings, limits, false)?)),
        Mode::Event => Protocol::Serving(Box::new(Server::read(env, settings, limits, true)?)),
    };
    // A new function gets a handler that means nothing to a custom runtime.
    let hint = identity.handler.clone();
    Ok(PlatformConfig::new(identity, protocol).with_hint(hint).with_root(env.text(ROOT)))
}

/// The limits that the platform sets to an invocation.
#[derive(Clone, Copy, Debug)]
struct Limits {
    timeout: Option<Duration>,
    max_result: usize,
}

fn mode(env: &Env<'_>) -> Result<Mode, BadSetting> {
    match env.get(MODE).as_deref() {
        None if env.get(ADDRESS).is_some() => Ok(Mode::Poll),
        None | Some("http") => Ok(Mode::Http),
        Some("poll") => Ok(Mode::Poll),
        Some("event") => Ok(Mode::Event),
        Some(other) => Err(BadSetting::new(MODE, other, "poll, http or event")),
    }
}

/// Returns the address of the runtime API.
fn endpoint(env: &Env<'_>) -> Result<String, BadSetting> {
    let address = super::endpoint::endpoint(ADDRESS, &env.text(ADDRESS), "host:port of the runtime API")?;
    if env.get(FUNCTION).is_none() {
        return Err(BadSetting::new(FUNCTION, "", "the function's name, beside RUNTIME_API_ADDR"));
    }
    Ok(address)
}

#[cfg(test)]
mod tests;
