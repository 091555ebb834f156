//! Yandex Cloud Functions: a process for each call, which gets its event on standard input.

use super::handout::pairs;
use super::{Call, CallInput, ClientRequest, PATIENCE, Reply, Setting, Stage, Started};
use crate::reply::error_words;
use crate::stamp;
use faas_core::encoding::base64;
use platform_emulators::process::Process;
use platform_emulators::yandex;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The processes of calls that run side by side, each in its own.
struct OneCall {
    setting: Setting,
    processes: Mutex<Processes>,
}

struct Processes {
    /// The process that waits for its event: the first one, until its event comes.
    fresh: Option<Fresh>,
    /// Those that have their event, the newest last. One stays when it has ended, until the next call comes.
    running: Vec<Arc<yandex::Call>>,
}

/// A process that has no event yet, and the id of its request.
struct Fresh {
    call: yandex::Call,
    request_id: String,
}

impl OneCall {
    /// Starts a process. It has the id of its request from the start on.
    fn begin(setting: &Setting) -> Result<Fresh, String> {
        let request_id = stamp::request_id();
        let mut command = setting.command();
        command.env("REQUEST_ID", &request_id);
        let call = yandex::Call::begin(command).map_err(|error| error.to_string())?;
        Ok(Fresh { call, request_id })
    }

    fn processes(&self) -> MutexGuard<'_, Processes> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a runtime for one call.
pub(super) fn yandex(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let processes = Processes { fresh: Some(OneCall::begin(setting)?), running: Vec::new() };
    Ok(Box::new(OneCall { setting: setting.clone(), processes: Mutex::new(processes) }))
}

impl Stage for OneCall {
    fn send(&self, call: &Call, started: Started<'_>) -> Option<Reply> {
        let mut processes = self.processes();
        let Fresh { call: mut process, request_id } = match processes.fresh.take() {
            Some(fresh) => fresh,
            None => match OneCall::begin(&self.setting) {
                Ok(next) => {
                    started(next.call.process());
                    next
                }
                Err(error) => return Some(Reply::failed(502, error)),
            },
        };
        let event = match &call.input {
            CallInput::Event(bytes) => bytes.clone(),
            CallInput::Request(ClientRequest { method, target, headers, body }) => {
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                let (query, body) = (pairs(query), String::from_utf8_lossy(body));
                let event = yandex::http_event(method, &borrowed(&query), &borrowed(headers), &body);
                // The function's own address has no paths; API Gateway, which has them, says them here.
                let mut event: Value = serde_json::from_str(&event).unwrap_or_default();
                event["url"] = path.into();
                event["requestContext"]["requestId"] = request_id.as_str().into();
                event.to_string().into_bytes()
            }
        };
        process.write(&event);
        process.finish();
        let process = Arc::new(process);
        processes.running.retain(|other| other.process().status().is_none());
        processes.running.push(Arc::clone(&process));
        drop(processes);
        let ended = process.ended(self.setting.timeout + PATIENCE);
        let is_request = matches!(call.input, CallInput::Request(_));
        let reply = if is_request { of_request(&ended.outcome) } else { of_event(ended.outcome) };
        Some(Reply { request_id: Some(request_id), ..reply })
    }

    fn with_process(&self, look: &mut dyn FnMut(&Process)) {
        let processes = self.processes();
        if let Some(fresh) = &processes.fresh {
            return look(fresh.call.process());
        }
        // A look may take its time, and other calls come meanwhile.
        let newest = processes.running.last().cloned();
        drop(processes);
        newest.iter().for_each(|newest| look(newest.process()));
    }

    fn with_all(&self, look: &mut dyn FnMut(&Process)) {
        let processes = self.processes();
        processes.fresh.iter().for_each(|fresh| look(fresh.call.process()));
        let running = processes.running.clone();
        drop(processes);
        running.iter().for_each(|running| look(running.process()));
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
