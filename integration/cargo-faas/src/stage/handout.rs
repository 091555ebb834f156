//! Tencent SCF and Huawei FunctionGraph: one event at a time, handed out by a runtime API.

use super::{Call, CallInput, ClientRequest, PATIENCE, Reply, Setting, Stage, Started};
use faas_core::encoding::percent;
use platform_emulators::process::Process;
use platform_emulators::runtime_api::{Event, Kind, Plane, Times};
use platform_emulators::{huawei_functiongraph, tencent_scf};
use std::sync::{Mutex, PoisonError};

/// A function that sends a client's request with this request id through the platform's front, and returns the reply.
type Front = fn(&Plane, &str, &ClientRequest) -> Reply;

struct Handout {
    plane: Plane,
    process: Process,
    turn: Mutex<()>,
    front: Front,
}

/// Starts a runtime under the emulator of SCF, where requests come by the function URL. The error says why the runtime
/// is not ready.
pub(super) fn scf(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let options = tencent_scf::Options {
        times: times(setting),
        handler: Some(setting.name.clone()),
        code_root: Some(setting.root.clone()),
        ..tencent_scf::Options::default()
    };
    let plane = tencent_scf::start(options).map_err(|error| error.to_string())?;
    begin(plane, setting, |plane, id, ClientRequest { method, target, headers, body }| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let id = Some(id.to_owned());
        let query = pairs(query).into_iter().map(|(name, value)| (name, Some(value))).collect();
        let request = tencent_scf::Request {
            id,
            query,
            headers: headers.clone(),
            body: String::from_utf8_lossy(body).into_owned(),
            ..tencent_scf::Request::new(method, path)
        };
        let tencent_scf::Reply { status, headers, body } = tencent_scf::url(plane, &request);
        front_reply(status, headers, body.into_bytes())
    })
}

/// Starts a runtime under the emulator of FunctionGraph, where requests come by API Gateway. The error says why the
/// runtime is not ready.
pub(super) fn functiongraph(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let options = huawei_functiongraph::Options {
        times: times(setting),
        handler: setting.name.clone(),
        code_root: Some(setting.root.clone()),
        ..huawei_functiongraph::Options::default()
    };
    let plane = huawei_functiongraph::start(options).map_err(|error| error.to_string())?;
    begin(plane, setting, |plane, id, ClientRequest { method, target, headers, body }| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let id = Some(id.to_owned());
        let request = huawei_functiongraph::Request {
            id,
            query: pairs(query),
            headers: headers.clone(),
            body: body.to_vec(),
            ..huawei_functiongraph::Request::new(method, path)
        };
        let huawei_functiongraph::Reply { status, headers, body, .. } = huawei_functiongraph::apig(plane, &request);
        front_reply(status, headers, body)
    })
}

fn times(setting: &Setting) -> Times {
    Times { limit: setting.timeout, patience: setting.timeout + PATIENCE, ..Times::default() }
}

fn begin(plane: Plane, setting: &Setting, front: Front) -> Result<Box<dyn Stage>, String> {
    let process = plane.spawn(setting.command()).map_err(|error| error.to_string())?;
    match plane.wait_for(|now| now.parked > 0 || now.ended, PATIENCE) {
        Ok(now) if now.parked > 0 => Ok(Box::new(Handout { plane, process, turn: Mutex::default(), front })),
        _ => Err(format!("no first poll; {:?}\n{}", process.status(), process.output())),
    }
}

/// Returns the decoded names and values of a query, in order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        percent::decode_into(&mut bytes, text.as_bytes(), true);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Returns a reply of a front; the platforms' own failures have these statuses and the kind as their body.
fn front_reply(status: u16, headers: super::Headers, body: Vec<u8>) -> Reply {
    let failure =
        (status == 430 || (status >= 500 && headers.is_empty())).then(|| String::from_utf8_lossy(&body).into_owned());
    Reply { status, headers, body, failure, request_id: None }
}

impl Stage for Handout {
    fn send(&self, call: &Call, _: Started<'_>) -> Option<Reply> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.plane.wait_for(|now| now.parked > 0 || now.ended, PATIENCE).is_ok_and(|now| now.ended) {
            return None;
        }
        Some(match &call.input {
            CallInput::Request(request) => (self.front)(&self.plane, &call.request_id, request),
            CallInput::Event(bytes) => {
                let event = Event { id: Some(call.request_id.clone()), ..Event::from(bytes.clone()) };
                let outcome = self.plane.invoke(event);
                Reply::of_event(outcome.body, outcome.kind == Kind::Result, &outcome.kind)
            }
        })
    }

    fn with_process(&self, look: &mut dyn FnMut(&Process)) {
        look(&self.process);
    }

    fn breaches(&self) -> Vec<String> {
        self.plane.violations()
    }
}
