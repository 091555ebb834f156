//! Yandex Cloud Functions: a process for each call, which gets its event on standard input.

use super::handout::pairs;
use super::{Call, CallInput, ClientRequest, PATIENCE, Reply, Setting, Stage, Started};
use crate::reply::error_words;
use faas_core::encoding::base64;
use platform_emulators::process::Process;
use platform_emulators::yandex;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// The newest process, and whether it has had its only event. Several calls run side by side, each in its own.
struct OneCall {
    setting: Setting,
    newest: Mutex<(Arc<yandex::Call>, bool)>,
}

/// Starts a runtime for one call.
pub(super) fn yandex(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let call = yandex::Call::begin(setting.command()).map_err(|error| error.to_string())?;
    Ok(Box::new(OneCall { setting: setting.clone(), newest: Mutex::new((Arc::new(call), false)) }))
}

impl Stage for OneCall {
    fn send(&self, call: &Call, started: Started<'_>) -> Reply {
        let event = match &call.input {
            CallInput::Event(bytes) => bytes.clone(),
            CallInput::Request(ClientRequest { method, target, headers, body }) => {
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                let (query, body) = (pairs(query), String::from_utf8_lossy(body));
                let event = yandex::http_event(method, &borrowed(&query), &borrowed(headers), &body);
                // The function's own address has no paths; API Gateway, which has them, says them here.
                let mut event: Value = serde_json::from_str(&event).unwrap_or_default();
                event["url"] = path.into();
                event.to_string().into_bytes()
            }
        };
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.1 {
            match yandex::Call::begin(self.setting.command()) {
                Ok(next) => newest.0 = Arc::new(next),
                Err(error) => return Reply::failed(502, error.to_string()),
            }
            started(newest.0.process());
        }
        newest.1 = true;
        // Nobody else has one that has had no event.
        if let Some(fresh) = Arc::get_mut(&mut newest.0) {
            fresh.write(&event);
            fresh.finish();
        }
        let process = Arc::clone(&newest.0);
        drop(newest);
        let ended = process.ended(self.setting.timeout + PATIENCE);
        if matches!(call.input, CallInput::Request(_)) { of_request(&ended.outcome) } else { of_event(ended.outcome) }
    }

    fn with_process(&self, look: &mut dyn FnMut(&Process)) {
        look(self.newest.lock().unwrap_or_else(PoisonError::into_inner).0.process());
    }

    fn is_ready_before_events(&self) -> bool {
        false
    }
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn of_request(outcome: &yandex::Outcome) -> Reply {
    match outcome.response() {
        Ok(made) => {
            let mut body = made.body.into_bytes();
            if made.is_base64 {
                let coded = std::mem::take(&mut body);
                if base64::decode_into(&mut body, &coded).is_err() {
                    return Reply::failed(502, "the body is no base64, though isBase64Encoded says so");
                }
            }
            Reply { status: made.status, headers: made.headers, body, ..Reply::default() }
        }
        Err(why) => Reply::failed(502, why),
    }
}

fn of_event(outcome: yandex::Outcome) -> Reply {
    match outcome {
        yandex::Outcome::Success(value) => {
            Reply { status: 200, body: value.to_string().into_bytes(), ..Reply::default() }
        }
        yandex::Outcome::ExecutionError(said) => Reply::failed(502, error_words(said.as_bytes())),
        other => Reply::failed(502, format!("{other:?}")),
    }
}
