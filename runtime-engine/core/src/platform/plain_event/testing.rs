//! The tools for the process tests of both platforms: a process on a platform, messages, and the readings of a
//! protocol.

use crate::failure::Failure;
use crate::http1::{Limits, Message, ReadProgress, Reader};
use crate::invocation::{Invocation, InvocationMetadata};
use crate::platform::{
    BodyFrom, Delivery, FailedInvocation, PlatformConfig, Polling, Protocol, Response, Serving, detect,
};
use crate::process::{Process, epoch_ms};
use crate::settings::{Env, Settings};
use crate::testing::{Kept, process_of};
use faas_abi::NUM_DEADLINE_EPOCH_MS;
use faas_abi::host::{Given, Invocation as _};
use std::sync::Arc;

pub(in crate::platform) use crate::testing::{Pairs, request};

/// Returns the configuration that the environment gives.
pub(in crate::platform) fn opened(pairs: Pairs<'_>) -> Result<PlatformConfig, String> {
    let look_up = crate::testing::look_up(pairs);
    let env = Env::new(&look_up);
    let settings = Settings::read(&env).map_err(|bad| bad.to_string())?;
    detect(&env, &settings).map(|detected| detected.opened).map_err(|unknown| unknown.to_string())
}

/// A process on a platform.
pub(in crate::platform) struct World {
    pub(in crate::platform) process: Arc<Process>,
    pub(in crate::platform) protocol: Protocol,
    log: Arc<Kept>,
}

impl World {
    pub(in crate::platform) fn new(pairs: Pairs<'_>) -> World {
        let opened = opened(pairs).expect("the variables fit");
        let (process, log) = process_of(opened.identity);
        World { process, protocol: opened.protocol, log }
    }

    pub(in crate::platform) fn polling(&self) -> &dyn Polling {
        let Protocol::Polling(polling) = &self.protocol else { panic!("it asks for events: {:?}", self.protocol) };
        &**polling
    }

    pub(in crate::platform) fn serving(&self) -> &dyn Serving {
        let Protocol::Serving(serving) = &self.protocol else { panic!("it is sent requests: {:?}", self.protocol) };
        &**serving
    }

    /// Returns the meaning of an answer to a poll: `event`, `nothing`, or the reason.
    pub(in crate::platform) fn poll(&self, answer: &str) -> String {
        match self.polling().delivery(&self.process, &response(answer)) {
            Delivery::Event(_) => "event".to_owned(),
            Delivery::Nothing => "nothing".to_owned(),
            Delivery::Again(why) | Delivery::Fatal(why) => why,
        }
    }

    /// Returns the invocation that the event in an answer to a poll makes.
    pub(in crate::platform) fn polled(&self, answer: &str) -> Invocation {
        let message = response(answer);
        let Delivery::Event(metadata) = self.polling().delivery(&self.process, &message) else {
            panic!("an event: {answer}")
        };
        self.invocation(message, metadata)
    }

    pub(in crate::platform) fn invocation(&self, message: Message, metadata: InvocationMetadata) -> Invocation {
        let mut invocation = Invocation::new(self.process.clone(), Arc::from("own"));
        invocation.renew(message, &metadata, false);
        invocation
    }

    /// Returns the whole request that answers an invocation.
    pub(in crate::platform) fn answer(&self, invocation: &Invocation) -> String {
        let (mut head, mut scratch) = (Vec::new(), Vec::new());
        let from = self.polling().answer(invocation, &mut head, &mut scratch);
        head.extend_from_slice(if from == BodyFrom::Scratch { &scratch } else { invocation.reply().as_slice() });
        text(&head).to_owned()
    }

    /// Returns status, headers and body of the response to an invocation.
    pub(in crate::platform) fn respond(&self, invocation: &Invocation) -> (u16, String, String) {
        let (mut response, mut scratch) = (Response::default(), Vec::new());
        let from = self.serving().respond(invocation, &mut response, &mut scratch);
        let body = if from == BodyFrom::Scratch { &scratch[..] } else { invocation.reply().as_slice() };
        (response.status, headers(&response), text(body).to_owned())
    }

    /// Returns status and body of the response to an invocation that failed out of reach.
    pub(in crate::platform) fn failed(&self, metadata: &InvocationMetadata, kind: &str) -> (u16, String) {
        let (mut response, mut scratch) = (Response::default(), Vec::new());
        self.serving().failed(
            FailedInvocation { metadata, request_id: b"r-1", failure: &Failure::new(kind, "why") },
            &mut response,
            &mut scratch,
        );
        (response.status, text(&scratch).to_owned())
    }

    pub(in crate::platform) fn log(&self) -> String {
        self.log.lines().concat()
    }
}

/// Makes an invocation. Returns `true` if it is due `limit_ms` milliseconds after it was made.
pub(in crate::platform) fn is_due_in(limit_ms: u64, make: impl FnOnce() -> Invocation) -> bool {
    let before = epoch_ms();
    let deadline = make().num(NUM_DEADLINE_EPOCH_MS);
    (before + limit_ms..=epoch_ms() + limit_ms).contains(&deadline)
}

/// Sets the reply of a function.
pub(in crate::platform) fn set(invocation: &mut Invocation, code: u32, body: &[u8]) {
    let status = faas_abi::host::Invocation::reply(invocation, code, Given::from(body.to_vec()));
    assert_eq!(status, faas_abi::OK);
}

/// Reads a response as a driver does. Lines of its head end with a line feed; its length is added.
pub(in crate::platform) fn response(answer: &str) -> Message {
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let head = head.lines().map(str::trim).collect::<Vec<_>>().join("\r\n");
    let length = if head.contains(" 204 ") { String::new() } else { format!("\r\nContent-Length: {}", body.len()) };
    let bytes = format!("HTTP/1.1 {head}{length}\r\n\r\n{body}").into_bytes();
    let mut reader = Reader::response(Limits::default());
    reader.space(bytes.len())[..bytes.len()].copy_from_slice(&bytes);
    reader.filled(bytes.len());
    loop {
        match reader.poll() {
            Ok(ReadProgress::Head) => {}
            Ok(ReadProgress::Complete) => return reader.take().expect("it is complete"),
            other => panic!("{answer}: {other:?}"),
        }
    }
}

pub(in crate::platform) fn headers(response: &Response) -> String {
    let lines = response.headers.iter().map(|(name, value)| format!("{}: {}", text(name), text(value)));
    lines.collect::<Vec<_>>().join("\n")
}

pub(in crate::platform) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}
