//! AWS Lambda: one environment, one invocation at a time; a request is the event of an HTTP API.

use super::{Call, CallInput, ClientRequest, PATIENCE, Reply, Setting, Stage, Started};
use crate::event;
use crate::reply;
use platform_emulators::aws_lambda::{Answer, Aws, Event, Kind, Options};
use platform_emulators::process::Process;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

struct Lambda {
    aws: Aws,
    process: Process,
    /// The lock of the invocation that has its turn.
    turn: Mutex<()>,
}

/// Starts a runtime and waits for its first poll.
pub(super) fn start(setting: &Setting) -> Result<Box<dyn Stage>, String> {
    let options = Options {
        function_name: setting.name.clone(),
        handler: Some(setting.name.clone()),
        task_root: Some(setting.root.clone()),
        timeout: setting.timeout,
        patience: setting.timeout + PATIENCE,
        ..Options::default()
    };
    let aws = Aws::start(options).map_err(|error| error.to_string())?;
    let process = aws.spawn(setting.command()).map_err(|error| error.to_string())?;
    let reached = aws.wait_for(|now| now.parked > 0 || now.init_errors > 0 || now.ended, PATIENCE);
    match reached {
        Ok(now) if now.parked > 0 => Ok(Box::new(Lambda { aws, process, turn: Mutex::default() })),
        _ => {
            let report = aws.init_errors().into_iter().next_back();
            let words = report.map(|report| reply::error_words(&report.body)).unwrap_or_default();
            Err(format!("no first poll; {:?}; {words}\n{}", process.status(), process.output()))
        }
    }
}

impl Stage for Lambda {
    fn send(&self, call: &Call, _: Started<'_>) -> Option<Reply> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.aws.wait_for(|now| now.parked > 0 || now.ended, PATIENCE).is_ok_and(|now| now.ended) {
            return None;
        }
        let (body, trace_id, is_request) = match &call.input {
            CallInput::Event(bytes) => (bytes.clone(), None, false),
            CallInput::Request(ClientRequest { method, target, headers, body }) => {
                let client = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let request = event::Request { method, target, headers, body, client, port: 80 };
                let (event, trace) = event::build(request, SystemTime::now());
                (event.to_string().into_bytes(), Some(trace), true)
            }
        };
        let request_id = Some(call.request_id.clone());
        let event = Event { request_id, trace_id, deadline_in: call.deadline, ..Event::new(body) };
        let answer = self.aws.invoke(event);
        Some(if is_request { of_request(&answer) } else { of_event(&answer) })
    }

    fn with_process(&self, look: &mut dyn FnMut(&Process)) {
        look(&self.process);
    }

    fn breaches(&self) -> Vec<String> {
        self.aws.violations()
    }
}

/// Returns the reply that API Gateway makes of an answer.
fn of_request(answer: &Answer) -> Reply {
    match reply::of(answer) {
        Ok(made) => Reply { status: made.status, headers: made.headers, body: made.body, ..Reply::default() },
        Err(unusable) => {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            let body = br#"{"message":"Internal Server Error"}"#.to_vec();
            Reply { status: 500, headers, body, failure: Some(unusable.to_string()), request_id: None }
        }
    }
}

/// Returns the reply that the caller of `Invoke` gets.
fn of_event(answer: &Answer) -> Reply {
    let is_well = matches!(answer.kind, Kind::Response | Kind::Stream) && answer.error_type.is_none();
    Reply::of_event(answer.body.to_vec(), is_well, &answer.kind)
}
