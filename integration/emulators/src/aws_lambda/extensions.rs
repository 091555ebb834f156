//! The calls of an extension: register, next event, its own failures, and the telemetry subscriptions, which are
//! answered as unsupported the way AWS' own emulator does.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::HeaderName;
use hyper::http::request::Parts;
use serde_json::json;

use super::control::Failure;
use super::payloads::{self, Refusal};
use super::registry::ExtensionPoll;
use super::reply::Reply;
use super::runtime_api::{Forget, read};
use super::shared::Shared;

const IDENTIFIER: HeaderName = HeaderName::from_static("lambda-extension-identifier");
const NAME: &str = "lambda-extension-name";
const FEATURE: &str = "lambda-extension-accept-feature";
const ERROR_TYPE: &str = "lambda-extension-function-error-type";

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Answers POST `/extension/register`.
pub(crate) async fn register(shared: &Arc<Shared>, connection: u64, parts: &Parts, body: Incoming) -> Reply {
    let sent = read(parts, body, usize::MAX, |_| ()).await;
    let name = header(&parts.headers, NAME);
    let registered = shared.change(|control| {
        control.used_by_extension(connection);
        let id = control.uuid();
        let external =
            name.is_some_and(|name| control.options.external_extensions.iter().any(|external| external == name));
        let open = control.registration_open();
        let id = control.extensions.register(name, &sent.body, external, open, id)?;
        let options = &control.options;
        let mut body = json!({
            "functionName": options.function_name,
            "functionVersion": options.function_version,
            "handler": options.handler.as_deref().unwrap_or_default(),
        });
        let wants_account = header(&parts.headers, FEATURE)
            .is_some_and(|list| list.split(',').any(|feature| feature.trim() == "accountId"));
        if wants_account {
            body["accountId"] = json!(options.account_id);
        }
        Ok::<_, Refusal>((id, body))
    });
    match registered {
        Ok((id, body)) => {
            let mut reply = Reply::json(200, payloads::line(&body));
            reply.set(IDENTIFIER, &id);
            reply
        }
        Err(refusal) => refusal.into(),
    }
}

/// Answers GET `/extension/event/next`.
pub(crate) async fn next(shared: &Arc<Shared>, connection: u64, parts: &Parts) -> Reply {
    let id = header(&parts.headers, IDENTIFIER.as_str());
    let (token, polled) = shared.change(|control| {
        control.used_by_extension(connection);
        let token = control.token();
        let polled = control.extensions.poll(id, token);
        // An event may have waited for this.
        control.dispatch();
        (token, polled)
    });
    let mut reply = match polled {
        Ok(ExtensionPoll::Now(event)) => Reply::json(200, event),
        Ok(ExtensionPoll::Parked(receiver)) => {
            let _forget = Forget { shared, token: Some(token) };
            match receiver.await {
                Ok(event) => Reply::json(200, event),
                Err(_) => return std::future::pending().await,
            }
        }
        Err(refusal) => return refusal.into(),
    };
    reply.set(IDENTIFIER, id.unwrap_or_default());
    reply
}

/// Answers POST `/extension/init/error` and `/extension/exit/error`: the environment is over.
pub(crate) async fn failed(shared: &Arc<Shared>, error_type: &'static str, parts: &Parts, body: Incoming) -> Reply {
    read(parts, body, usize::MAX, |_| ()).await;
    let id = header(&parts.headers, IDENTIFIER.as_str());
    let reported = header(&parts.headers, ERROR_TYPE).is_some_and(|kind| !kind.is_empty());
    let verdict = shared.change(|control| {
        let name = control.extensions.name_of(id)?;
        if !reported {
            // The protocol notes say that the header is needed, and do not name the error for its absence.
            let message = "Lambda-Extension-Function-Error-Type is missing".to_owned();
            return Err(Refusal::Extension { error_type: "Extension.MissingHeader", message });
        }
        control.fail(Failure::Extension { error_type, name });
        Ok(())
    });
    verdict.map_or_else(Reply::from, |()| Reply::accepted())
}

/// Answers PUT of a telemetry or log subscription.
pub(crate) async fn unsupported(error_type: &'static str, parts: &Parts, body: Incoming) -> Reply {
    read(parts, body, usize::MAX, |_| ()).await;
    Reply::json(202, payloads::error_json(error_type, "Not supported by the local platform"))
}
