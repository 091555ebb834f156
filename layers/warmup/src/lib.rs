//! Recognises calls that only keep an instance warm, and answers them before the function: the process is started by
//! then, and with it the function.
//!
//! The README has the table of its configuration.
#![forbid(unsafe_code)]

mod events;
mod settings;

use handlers_sdk::{Config, Error, Flow, Invocation, Layer, Response, abi, layer};
use settings::Settings;

/// The layer, as it is configured.
#[derive(Debug)]
pub struct Warmup(Settings);

/// The trigger that layers further out see.
const WARMUP: &str = "warmup";

const AWS_LAMBDA: &str = "aws-lambda";
const AZURE_FUNCTIONS: &str = "azure-functions";

impl Warmup {
    fn is_warm_up(&self, invocation: &Invocation<'_>) -> bool {
        if let Some(http) = invocation.http() {
            return self.0.paths.iter().any(|path| path == http.path())
                && matches!(http.method(), "GET" | "HEAD" | "POST");
        }
        match invocation.trigger() {
            WARMUP => true,
            "timer" | "event" if !self.0.timers.is_empty() => events::is_of_timer(&self.0, invocation.event()),
            // The function of a warmup trigger has this name, and no other trigger may have it.
            _ if invocation.platform() == AZURE_FUNCTIONS => invocation.function().eq_ignore_ascii_case(WARMUP),
            _ if invocation.platform() == AWS_LAMBDA => invocation.client_context().is_some_and(events::is_of_plugin),
            _ => false,
        }
    }
}

#[layer(name = "warmup")]
impl Layer for Warmup {
    fn create(config: &Config) -> Result<Self, Error> {
        Settings::read(config).map(Warmup)
    }

    fn recognise(&self, invocation: &mut Invocation<'_>) -> Result<bool, Error> {
        let is_warm_up = events::is_warm_up(&self.0, invocation.event());
        if is_warm_up {
            invocation.set_meta(abi::META_TRIGGER, WARMUP)?;
        }
        Ok(is_warm_up)
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        if !self.is_warm_up(invocation) {
            return Ok(Flow::Continue);
        }
        match invocation.http() {
            Some(_) => invocation.respond(Response::new(204).header("cache-control", "no-store")),
            None => invocation.respond(()),
        }
    }
}
