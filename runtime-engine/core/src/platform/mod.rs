//! The platforms: which one this process runs on, and what its bytes mean.
//!
//! A platform is one file that implements one of three traits, and one row of `PLATFORMS`. [`Polling`] platforms hand out
//! events to whoever asks, [`Serving`] platforms send requests to a listening process, [`Piping`] ones are a parent
//! process with a pipe. Drivers move the bytes that these traits write and read, and decide nothing about them.

pub mod aliyun_fc;
pub mod aws_lambda;
pub mod azure_functions;
mod cloudevents;
pub mod container_apps;
mod detect;
mod endpoint;
pub mod fn_project;
pub mod google_cloud;
pub mod http;
pub mod huawei_functiongraph;
pub mod knative;
pub mod kubernetes;
mod native;
pub mod openfaas;
pub mod openwhisk;
mod piping;
mod plain_event;
mod polling;
mod serving;
pub mod tencent_scf;
pub mod vefaas;
pub mod yandex;

pub use detect::{Detected, HandlerName, LogStyle, LogTo, Opened, PLATFORMS, Row, Unknown, detect};
pub use piping::{Feed, Piping};
pub use polling::{Delivery, Enlist, Polling, Verdict, nothing_pause_ms};
pub use serving::{Answer, Initial, Listen, Response, Route, Serving, Signal, StartAt, State};

use crate::fields::caseless;
use crate::invocation::{Code, Invocation, Progress};
use crate::trigger::Form;
use crate::trigger::reply::{self, Parts};

/// Where the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFrom {
    /// The reply's own bytes.
    Reply,
    /// The scratch buffer.
    Scratch,
}

/// One of the three directions.
#[derive(Debug)]
pub enum Protocol {
    /// We ask.
    Polling(Box<dyn Polling>),
    /// We are asked.
    Serving(Box<dyn Serving>),
    /// We are a child with a pipe.
    Piping(Box<dyn Piping>),
}

/// The body of a reply that goes back as an event's result: bytes untouched, or the JSON that the event's source wants.
pub(crate) fn reply_body(invocation: &Invocation, scratch: &mut Vec<u8>) -> BodyFrom {
    let status = match invocation.progress() {
        Progress::Set(Code::Http(status)) => status,
        Progress::Set(Code::Value) => 200,
        Progress::Set(Code::Raw) | Progress::Open | Progress::Streaming(_) => return BodyFrom::Reply,
    };
    let form = invocation.reading().form;
    if form == Form::Bare {
        return BodyFrom::Reply;
    }
    let mut typed = None;
    let headers = invocation.reply_headers();
    let value = invocation.progress() == Progress::Set(Code::Value);
    let headers = if value && headers.get(b"content-type", caseless).is_none() {
        let mut with = headers.clone();
        with.add(b"content-type", b"application/json");
        typed.insert(with)
    } else {
        headers
    };
    let body = invocation.reply().as_slice();
    reply::write(form, Parts { status, headers, cookies: invocation.reply_cookies(), body }, scratch);
    BodyFrom::Scratch
}
