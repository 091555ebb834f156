//! Yandex Cloud Functions: a process for each call, which gets its event on standard input.

use super::handout::pairs;
use super::{Call, CallInput, ClientRequest, PATIENCE, Reply, Setting, Stage};
use crate::reply::error_words;
use faas_core::encoding::base64;
use platform_emulators::process::Process;
use platform_emulators::yandex;
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

/// A process that waits for its only event, or has had it.
struct OneCall {
    setting: Setting,
    running: Mutex<(yandex::Call, bool)>,
}

/// Starts a runtime for one call.
pub(super) fn yandex(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let call = yandex::Call::begin(setting.command()).map_err(|error| error.to_string())?;
    Ok(Box::new(OneCall { setting: setting.clone(), running: Mutex::new((call, false)) }))
}

impl Stage for OneCall {
    fn send(&self, call: &Call) -> Reply {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let (process, has_had_one) = &mut *running;
        if *has_had_one {
            match yandex::Call::begin(self.setting.command()) {
                Ok(next) => *process = next,
                Err(error) => return Reply::failed(502, error.to_string()),
            }
        }
        *has_had_one = true;
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
        process.write(&event);
        let ended = process.end(self.setting.timeout + PATIENCE);
        if matches!(call.input, CallInput::Request(_)) { of_request(&ended.outcome) } else { of_event(ended.outcome) }
    }

    fn with_process(&self, look: &mut dyn FnMut(&Process)) {
        look(self.running.lock().unwrap_or_else(PoisonError::into_inner).0.process());
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
