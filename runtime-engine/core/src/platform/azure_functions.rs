//! Azure Functions, custom handler: the Functions host starts this process and is its only client.
//!
//! In its default mode the host posts an envelope to `/{function}` and reads outputs, logs and a return value from the
//! answer. Where HTTP requests are forwarded or proxied, functions whose only input is an HTTP trigger and whose only
//! output is its reply get the client's request itself. Both carry `X-Azure-Functions-InvocationId`; what tells them
//! apart is said at `AzureFunctions::envelope`. `GET /` asks whether the process listens. Source: the repository
//! `Azure/azure-functions-host`, `DefaultHttpWorkerService` and `HttpWorkerProcess`, and Azure's documentation on
//! custom handlers.

use super::{
    BodyFrom, FailedInvocation, Listen, LocalResponse, LogStyle, LogTo, PlatformConfig, PlatformEntry, Protocol,
    Response, Route, Serving, State, error_document, http, http_common,
};
use crate::failure::Failure;
use crate::fields::{Fields, caseless};
use crate::http1::Message;
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::log::Level;
use crate::modules::Name;
use crate::process::{Identity, Process};
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trigger::MessageFormat;
use crate::trigger::azure::Envelope;
use crate::trigger::reply::Parts;
use crate::trigger::reply::azure::{self, Said};
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "azure-functions";

const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";
/// The variable's name with older hosts.
const OLD_PORT: &str = "FUNCTIONS_HTTPWORKER_PORT";
const WORKER: &str = "FUNCTIONS_CUSTOMHANDLER_WORKER_ID";

/// The most bytes of a request. One to the host has up to 100 MB, which base64 and escapes make more of.
const BODY_BYTES: u64 = 256 << 20;

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Azure Functions",
    short: "Azure Functions",
    aliases: &["azure"],
    marks: "`FUNCTIONS_CUSTOMHANDLER_PORT`, `FUNCTIONS_HTTPWORKER_PORT` or `FUNCTIONS_CUSTOMHANDLER_WORKER_ID`",
    mark,
    trusted_hops: 1,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    env.first(&[PORT, OLD_PORT, WORKER]).map(|(name, _)| name)
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let port = if env.get(PORT).is_some() { PORT } else { OLD_PORT };
    let server = AzureFunctions {
        // The host dials this address, and nobody else has business here.
        listen: http_common::address_on(env, "127.0.0.1", port, http::PORT)?,
        concurrency: settings.concurrency.unwrap_or(http::CONCURRENCY),
        timeout: settings.timeout,
        names: names(env, settings),
        output: env.get("FAAS_AZURE_HTTP_OUTPUT").unwrap_or_else(|| azure::HTTP_OUTPUT.to_owned()),
    };
    let opened = PlatformConfig::new(identity(env), Protocol::Serving(Box::new(server)));
    let log = LogStyle { to: LogTo::Split, ..LogStyle::default() };
    Ok(PlatformConfig { log, ..opened.with_root(env.text("FUNCTIONS_APP_ROOT_PATH")) })
}

fn identity(env: &Env<'_>) -> Identity {
    let own = http::identity(env, NAME);
    let or = |own: String, name: &str| if own.is_empty() { env.text(name) } else { own };
    // The subscription, a plus sign, the resource group and the webspace.
    let owner = env.text("WEBSITE_OWNER_NAME");
    Identity {
        service: or(own.service, "WEBSITE_SITE_NAME"),
        stage: or(own.stage, "WEBSITE_SLOT_NAME"),
        region: or(own.region, "REGION_NAME"),
        account: owner.split('+').next().unwrap_or_default().to_owned(),
        ..own
    }
}

/// Returns the names of the function here. An empty list means every name.
fn names(env: &Env<'_>, settings: &Settings) -> Vec<String> {
    let handler = settings.handler.as_deref().and_then(|text| Name::parse(text).ok());
    let handler = handler.map(|name| name.entry.unwrap_or(name.library));
    env.get("FAAS_FUNCTION_NAME").into_iter().chain(handler).collect()
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct AzureFunctions {
    listen: String,
    concurrency: usize,
    timeout: Option<Duration>,
    names: Vec<String>,
    output: String,
}

impl AzureFunctions {
    /// Returns the function's name and the envelope in a request of the host's; `None` for any other request. The host
    /// sends it as JSON to a path of one segment, from the same machine and through no proxy. A client whose request is
    /// forwarded could write the rest of that, but not take away the headers that the front end adds. It must not be
    /// able to pass its words off as the host's.
    fn envelope<'m>(request: &'m Message) -> Option<(&'m [u8], Envelope<'m>)> {
        let name = request.target().strip_prefix(b"/").filter(|name| !name.is_empty())?;
        if request.method() != b"POST" || name.iter().any(|byte| matches!(byte, b'/' | b'?')) {
            return None;
        }
        let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with(b"application/json"));
        let is_forwarded = ["x-forwarded-for", "x-forwarded-host", "forwarded"];
        let is_forwarded = is_forwarded.iter().any(|name| request.header(name).is_some());
        let host = request.host().unwrap_or_default();
        let is_here = [&b"127.0.0.1"[..], b"localhost", b"[::1]"]
            .iter()
            .any(|here| host.strip_prefix(*here).is_some_and(|rest| rest.is_empty() || rest.starts_with(b":")));
        if !is_json || is_forwarded || !is_here {
            return None;
        }
        Some((name, Envelope::of(request.body())?))
    }

    fn is_mine(&self, name: &[u8]) -> bool {
        self.names.is_empty() || self.names.iter().any(|own| caseless(own.as_bytes(), name))
    }

    /// Writes the answer to an envelope whose function has ended well.
    fn result(&self, invocation: &Invocation, out: &mut Vec<u8>) {
        let (code, body) = (http_common::code(invocation), invocation.reply().as_slice());
        let is_http = invocation.wants_http();
        let logs = invocation.take_captured();
        let headers = invocation.reply_headers();
        // Raw bytes are in the host's own form, which is JSON; a reply with a status is a body like any other.
        let made_as = if matches!(code, Code::Http(_)) { Said::Text } else { Said::Value };
        let said = Said::by(headers.get(b"content-type", caseless), made_as);
        let may_be_own = code == Code::Raw || code == Code::Value && !is_http;
        if may_be_own && said == Said::Value && azure::own(body, &logs, out) {
            return;
        }
        if !is_http {
            return azure::value(body, said, &logs, out);
        }
        let mut typed = Fields::default();
        let headers = if code == Code::Value && !body.is_empty() && headers.get(b"content-type", caseless).is_none() {
            typed.clone_from(headers);
            typed.add(b"content-type", b"application/json");
            &typed
        } else {
            headers
        };
        let status = if let Code::Http(status) = code { status } else { 200 };
        let parts = Parts { status, headers, cookies: invocation.reply_cookies(), body };
        let lost = azure::http(parts, &self.output, &logs, out);
        if lost.cookies > 0 {
            let lines = format!("the host sets one cookie a reply: {} are lost", lost.cookies);
            invocation.say(Level::Warn, &lines);
        }
        if lost.coded {
            invocation.say(Level::Warn, "the host takes no bytes for a reply: the client gets the body as base64");
        }
    }
}

impl Serving for AzureFunctions {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn body_bytes(&self) -> u64 {
        BODY_BYTES
    }

    fn route(&self, process: &Process, request: &Message, _: State) -> Route {
        let bytes = request.bytes();
        let Some(id) = request.header("x-azure-functions-invocationid").filter(|id| !id.is_empty()) else {
            // Asked until the port opens, and now and then to keep the instance warm.
            if request.method() == b"GET" && request.target() == b"/" {
                return Route::text(200, "OK");
            }
            return Route::Invoke(http_common::metadata(process, request, self.timeout));
        };
        let mut metadata = http_common::metadata(process, request, self.timeout);
        http_common::take_request_id(&mut metadata, bytes, id);
        let Some((name, envelope)) = Self::envelope(request) else { return Route::Invoke(metadata) };
        if !self.is_mine(name) {
            let message = format!(
                "there is no function {:?} here; FAAS_FUNCTION_NAME names the one there is",
                String::from_utf8_lossy(name)
            );
            let mut body = Vec::new();
            error_document::request(Failure::new("Runtime.NoSuchFunction", message).for_caller(), id, &mut body);
            return Route::Local(LocalResponse::json(404, String::from_utf8_lossy(&body).into_owned()));
        }
        Route::Invoke(InvocationMetadata {
            format: MessageFormat::Azure,
            function: Span::of(bytes, name),
            addressee: Span::of(bytes, name),
            attempt: envelope.attempt(),
            is_whole: true,
            captures_log: true,
            ..metadata
        })
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        let metadata = invocation.metadata();
        if let (MessageFormat::Azure, Some(failure)) = (metadata.format, invocation.failure()) {
            self.failed(FailedInvocation::of(invocation, failure), response, scratch);
            scratch.clear();
            let told = error_document::to_sender(invocation, failure);
            error_document::request(told, invocation.request_id(), scratch);
            return BodyFrom::Scratch;
        }
        if metadata.format != MessageFormat::Azure {
            return http_common::respond(invocation, response, scratch);
        }
        LocalResponse::json(200, "").head(response);
        self.result(invocation, scratch);
        BodyFrom::Scratch
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        http_common::failed(call, response, scratch);
        // To an envelope the host takes every status but 2xx for the same.
        if call.metadata.format == MessageFormat::Azure && response.status != 503 {
            response.status = 500;
        }
    }
}

#[cfg(test)]
mod tests;
