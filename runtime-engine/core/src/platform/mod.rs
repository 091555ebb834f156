//! The platforms: which one this process runs on, and what its bytes mean.
//!
//! A platform is one file that implements one of two traits and one row of `PLATFORMS`. [`Polling`] platforms hand out
//! events to whoever asks; [`Serving`] platforms send requests to a listening process. Drivers move the bytes that
//! these traits write and read, and decide nothing about them.

pub mod aws_lambda;
pub mod http;

use crate::failure::Failure;
use crate::fields::Fields;
use crate::http1::Message;
use crate::invocation::{Code, Facts, Invocation};
use crate::settings::{BadSetting, Env, Settings};
use crate::unit::{Identity, Unit};
use std::fmt;

/// A platform to be asked for events.
pub trait Polling: Send + Sync + fmt::Debug {
    /// Where, as `host:port`.
    fn endpoint(&self) -> &str;
    /// How many polls may be parked at once.
    fn concurrency(&self) -> usize;
    /// Writes the request for the next event. It may stay unanswered for hours and has no read timeout.
    fn next(&self, out: &mut Vec<u8>);
    /// What an answer to it is.
    fn delivery(&self, unit: &Unit, answer: &Message) -> Delivery;
    /// Writes the head of the request that answers an invocation, and where its body is no plain copy of the reply,
    /// the body into `scratch`.
    fn answer(&self, invocation: &Invocation, head: &mut Vec<u8>, scratch: &mut Vec<u8>) -> BodyFrom;
    /// Writes the whole request that says an invocation failed, for one whose memory is out of reach.
    fn failed(&self, request_id: &[u8], failure: &Failure, out: &mut Vec<u8>);
    /// What the status of the answer to one of those means.
    fn verdict(&self, status: u16) -> Verdict;
    /// Writes the head of a streamed answer and what precedes the function's bytes in its body.
    fn stream_head(&self, invocation: &Invocation, code: Code, head: &mut Vec<u8>, prelude: &mut Vec<u8>);
    /// Writes the end of a streamed answer, and in it why it ended early.
    fn stream_end(&self, failure: Option<&Failure>, out: &mut Vec<u8>);
    /// Writes the request that reports a failed start. False: the platform has none.
    fn init_error(&self, failure: &Failure, out: &mut Vec<u8>) -> bool;
    /// Is the process to be snapshotted after start? Then [`restore`](Polling::restore) comes before the first poll.
    fn is_snapshotted(&self) -> bool {
        false
    }
    /// Writes the request that is answered when a snapshot has been restored.
    fn restore(&self, _out: &mut Vec<u8>) {}
    /// Writes the request that reports a failure after a restore.
    fn restore_error(&self, _failure: &Failure, _out: &mut Vec<u8>) {}
    /// What must be done, on a connection of its own, to be told of the end: called with no answer for the first
    /// request, then with each answer.
    fn enlist(&self, _answer: Option<&Message>, _out: &mut Vec<u8>) -> Enlist {
        Enlist::Done
    }
}

/// What a poll brought.
#[derive(Debug)]
pub enum Delivery {
    /// An event.
    Event(Facts),
    /// Nothing; poll again after a pause that grows.
    Again(String),
    /// Nothing that will get better; the process has to leave.
    Fatal(String),
}

/// How an answer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered.
    Accepted,
    /// Refused for this invocation only; go on.
    Dropped,
    /// The platform is in trouble; leave.
    Fatal,
}

/// Where the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFrom {
    /// The reply's own bytes.
    Reply,
    /// The scratch buffer.
    Scratch,
}

/// One step of [`Polling::enlist`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enlist {
    /// Send what was written, read the answer, come back with it.
    Exchange,
    /// Send what was written, and leave the connection open for the life of the process.
    Park,
    /// Nothing more to do.
    Done,
    /// The platform refused; stop signals will not come.
    Refused,
}

/// A platform that sends requests.
pub trait Serving: Send + Sync + fmt::Debug {
    /// Where to listen, as `host:port`.
    fn listen(&self) -> &str;
    /// How many invocations at once; more are refused with 503.
    fn concurrency(&self) -> usize;
    /// What a request is. `ready`: has start ended, and is no stop in progress?
    fn route(&self, unit: &Unit, request: &Message, ready: bool) -> Route;
    /// Status, headers and body of the response to an invocation.
    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom;
    /// The response that says an invocation failed, for one whose memory is out of reach.
    fn failed(&self, request_id: &[u8], failure: &Failure, response: &mut Response, scratch: &mut Vec<u8>);
    /// Status and headers of a streamed response.
    fn stream_head(&self, invocation: &Invocation, code: Code, response: &mut Response);
}

/// What a request is for.
#[derive(Debug)]
pub enum Route {
    /// An invocation.
    Invoke(Facts),
    /// Something the runtime answers itself; not an invocation, not logged.
    Own {
        /// Status.
        status: u16,
        /// Text body.
        body: &'static str,
    },
    /// Answered by the runtime after asking the layers how they are.
    Health,
}

/// Status and headers of a response; drivers add framing and `Connection`.
#[derive(Debug, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers in order, cookies included.
    pub headers: Fields,
}

impl Response {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.status = 0;
        self.headers.clear();
    }
}

/// One of the two directions.
#[derive(Debug)]
pub enum Protocol {
    /// We ask.
    Polling(Box<dyn Polling>),
    /// We are asked.
    Serving(Box<dyn Serving>),
}

/// What the environment turned out to be.
#[derive(Debug)]
pub struct Detected {
    /// Names of the function and its place.
    pub identity: Identity,
    /// How to talk.
    pub protocol: Protocol,
    /// Why this platform, for the start line.
    pub why: String,
    /// The handler the platform names, unless `FAAS_HANDLER` does.
    pub handler: Option<String>,
}

/// A platform's row.
struct Row {
    name: &'static str,
    /// The variable that marks it, if it is here.
    mark: fn(&Env<'_>) -> Option<&'static str>,
    open: Open,
}

type Open = fn(&Env<'_>, &Settings) -> Result<(Identity, Protocol), BadSetting>;

/// In the order of asking: what has the most particular mark comes first, what nothing marks last.
const PLATFORMS: &[Row] = &[
    Row { name: aws_lambda::NAME, mark: aws_lambda::mark, open: aws_lambda::open },
    Row { name: http::NAME, mark: |_| None, open: http::open },
];

/// Why no platform could be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// `FAAS_PLATFORM` names none.
    Platform(String),
    /// A variable does not fit.
    Setting(BadSetting),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unknown::Platform(found) => {
                write!(f, "FAAS_PLATFORM: expected one of ")?;
                for (index, row) in PLATFORMS.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, row.name)?;
                }
                write!(f, ", found {found:?}")
            }
            Unknown::Setting(bad) => bad.fmt(f),
        }
    }
}

impl std::error::Error for Unknown {}

impl From<BadSetting> for Unknown {
    fn from(bad: BadSetting) -> Unknown {
        Unknown::Setting(bad)
    }
}

/// Finds the platform: `FAAS_PLATFORM` forces one, else the first whose mark is in the environment, else plain HTTP.
///
/// # Errors
/// If `FAAS_PLATFORM` names none, or a variable of the platform's does not fit.
pub fn detect(env: &Env<'_>, settings: &Settings) -> Result<Detected, Unknown> {
    let (row, why) = match env.get("FAAS_PLATFORM") {
        Some(name) => match PLATFORMS.iter().find(|row| row.name == name) {
            Some(row) => (row, "FAAS_PLATFORM names it".to_owned()),
            None => return Err(Unknown::Platform(name)),
        },
        None => PLATFORMS
            .iter()
            .find_map(|row| (row.mark)(env).map(|mark| (row, format!("{mark} is set"))))
            .unwrap_or((&PLATFORMS[PLATFORMS.len() - 1], "nothing marks another platform".to_owned())),
    };
    let (identity, protocol) = (row.open)(env, settings)?;
    let handler = settings.handler.clone().or_else(|| Some(identity.handler.clone()).filter(|text| !text.is_empty()));
    Ok(Detected { identity, protocol, why, handler })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &'static [(&'static str, &'static str)]) -> Result<(String, String), String> {
        let look_up = |name: &str| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).expect("no setting is wrong here");
        detect(&env, &settings)
            .map(|detected| (detected.identity.platform.to_owned(), detected.why))
            .map_err(|unknown| unknown.to_string())
    }

    #[test]
    fn a_mark_finds_the_platform_and_nothing_means_http() {
        assert_eq!(
            found(&[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")]),
            Ok(("aws-lambda".into(), "AWS_LAMBDA_RUNTIME_API is set".into()))
        );
        assert_eq!(found(&[]), Ok(("http".into(), "nothing marks another platform".into())));
    }

    #[test]
    fn faas_platform_forces_one_and_an_unknown_name_lists_them() {
        let forced = found(&[("AWS_LAMBDA_RUNTIME_API", "x:1"), ("FAAS_PLATFORM", "http")]);
        assert_eq!(forced, Ok(("http".into(), "FAAS_PLATFORM names it".into())));
        assert_eq!(
            found(&[("FAAS_PLATFORM", "moon")]),
            Err("FAAS_PLATFORM: expected one of aws-lambda, http, found \"moon\"".into())
        );
    }

    #[test]
    fn a_forced_platform_without_its_variables_says_which_is_missing() {
        assert_eq!(
            found(&[("FAAS_PLATFORM", "aws-lambda")]),
            Err("AWS_LAMBDA_RUNTIME_API: expected host:port of the Runtime API, found \"\"".into())
        );
    }
}
