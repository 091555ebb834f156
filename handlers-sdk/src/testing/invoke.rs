//! What goes in, and what came out.

use super::app::App;
use super::host::LogLine;
use super::inv::{Peer, TestInvocation};
use crate::encoding::percent::decoded;
use faas_abi::*;
use std::time::Duration;

/// An event or HTTP request to invoke a function with.
#[derive(Clone, Debug)]
pub struct Invoke {
    metas: Vec<(u32, String)>,
    numbers: Vec<(u32, u64)>,
    lists: Vec<(u32, String, String)>,
    body: Vec<u8>,
    records: Vec<(Vec<u8>, Vec<u8>)>,
    is_http: bool,
    peer: Peer,
    pub(super) function: Option<String>,
}

impl Invoke {
    fn new(body: Vec<u8>, trigger: &str, is_http: bool) -> Invoke {
        Invoke {
            metas: Vec::new(),
            numbers: Vec::new(),
            lists: Vec::new(),
            body,
            records: Vec::new(),
            is_http,
            peer: Peer::Fast,
            function: None,
        }
        .meta(META_REQUEST_ID, "test-request")
        .meta(META_PLATFORM, "test")
        .meta(META_TRIGGER, trigger)
    }

    /// An event of no known kind.
    pub fn event(event: impl Into<Vec<u8>>) -> Invoke {
        Invoke::new(event.into(), "raw", false)
    }

    /// A batch: the id and the payload of each record. A function that takes one record at a time is called for each of them
    /// in their order; any other finds them in the list `LIST_RECORD`.
    ///
    /// ```
    /// use handlers_sdk::testing::Invoke;
    /// use handlers_sdk::{Error, function};
    ///
    /// #[function(record)]
    /// fn count(job: String) -> Result<(), Error> {
    ///     job.parse::<u64>().map(|_| ()).map_err(|_| Error::new("Count.Job", "expected a number"))
    /// }
    ///
    /// let answer = Invoke::records([("m1", "1"), ("m2", "one")]).run(count::MODULE);
    /// assert_eq!(answer.failed_records, [("m2".to_owned(), "Count.Job: expected a number".to_owned())]);
    /// ```
    pub fn records<'a, P: Into<Vec<u8>>>(records: impl IntoIterator<Item = (&'a str, P)>) -> Invoke {
        let mut invoke = Invoke::new(Vec::new(), "queue", false);
        invoke.records = records.into_iter().map(|(id, payload)| (id.as_bytes().to_vec(), payload.into())).collect();
        invoke
    }

    /// A CloudEvent of these attributes; `specversion` need not be among them.
    pub fn cloud_event(attributes: &[(&str, &str)], data: impl Into<Vec<u8>>) -> Invoke {
        let mut invoke = Invoke::new(data.into(), "event", false).meta(META_SOURCE, "cloudevents");
        let version = attributes.iter().all(|(name, _)| *name != "specversion").then_some(("specversion", "1.0"));
        for (name, value) in version.into_iter().chain(attributes.iter().copied()) {
            invoke.lists.push((LIST_ATTRIBUTE, name.to_owned(), value.to_owned()));
        }
        invoke
    }

    /// An HTTP request; `target` may have a query.
    pub fn http(method: &str, target: &str) -> Invoke {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut invoke = Invoke::new(Vec::new(), "http", true)
            .meta(META_METHOD, method)
            .meta(META_PATH, &decoded(path))
            .meta(META_RAW_PATH, path)
            .meta(META_RAW_QUERY, query)
            .meta(META_SCHEME, "http")
            .meta(META_PROTOCOL, "HTTP/1.1");
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            invoke.lists.push((LIST_QUERY, decoded(name), decoded(value)));
        }
        invoke
    }

    /// One more request header; cookies in it are taken apart.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Invoke {
        if name.eq_ignore_ascii_case("cookie") {
            for cookie in value.split("; ") {
                let (name, value) = cookie.split_once('=').unwrap_or((cookie, ""));
                self.lists.push((LIST_COOKIE, name.to_owned(), value.to_owned()));
            }
        }
        self.lists.push((LIST_HEADER, name.to_owned(), value.to_owned()));
        self
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Invoke {
        self.body = body.into();
        self
    }

    /// A path parameter.
    #[must_use]
    pub fn path_param(mut self, name: &str, value: &str) -> Invoke {
        self.lists.push((LIST_PATH_PARAM, name.to_owned(), value.to_owned()));
        self
    }

    /// One of the contract's texts, `abi::META_…`.
    #[must_use]
    pub fn meta(mut self, key: u32, value: &str) -> Invoke {
        self.metas.push((key, value.to_owned()));
        self
    }

    /// One of the contract's numbers, `abi::NUM_…`.
    #[must_use]
    pub fn number(mut self, key: u32, value: u64) -> Invoke {
        self.numbers.push((key, value));
        self
    }

    /// The time left.
    #[must_use]
    pub fn remaining(self, remaining: Duration) -> Invoke {
        self.number(NUM_REMAINING_MS, u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX))
    }

    /// Which function, if the module has several.
    #[must_use]
    pub fn function(mut self, name: &str) -> Invoke {
        self.function = Some(name.to_owned());
        self
    }

    /// The reader of a stream has no room after each chunk, for a moment.
    #[must_use]
    pub fn slow_peer(mut self) -> Invoke {
        self.peer = Peer::Slow;
        self
    }

    /// The reader of a stream is gone after so many chunks.
    #[must_use]
    pub fn peer_gone_after(mut self, chunks: usize) -> Invoke {
        self.peer = Peer::GoneAfter(chunks);
        self
    }

    /// After so many chunks of a stream its reader takes no more, and the invocation is cancelled.
    #[must_use]
    pub fn stuck_and_cancelled_after(mut self, chunks: usize) -> Invoke {
        self.peer = Peer::StuckAfter(chunks);
        self
    }

    /// Starts the module by itself, invokes it once and closes it.
    ///
    /// # Panics
    /// The module does not start.
    pub fn run(self, module: &'static Module) -> Answer {
        let app =
            App::builder().module(module).start().unwrap_or_else(|why| panic!("the module does not start: {why}"));
        let mut answer = app.invoke(self);
        answer.logs = app.close();
        answer
    }

    pub(super) fn build(self) -> TestInvocation {
        let mut inv = TestInvocation { numbers: self.numbers, event: self.body, peer: self.peer, ..Default::default() };
        inv.lists[LIST_RECORD as usize] = self.records;
        inv.numbers.push((NUM_IS_HTTP, u64::from(self.is_http)));
        for (key, value) in self.metas {
            inv.set_text(key, value.as_bytes());
        }
        for (list, name, value) in self.lists {
            inv.lists[list as usize].push((name.into_bytes(), value.into_bytes()));
        }
        inv
    }
}

/// A failure, as the runtime would report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The contract's status, below zero.
    pub status: i32,
    /// What failed.
    pub kind: String,
    /// In words.
    pub message: String,
    /// Where, and what lies beneath.
    pub detail: String,
}

/// How an invocation ended.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The reply code: 0 raw, 1 value, else an HTTP status.
    pub code: u32,
    /// The body; of a stream, all its chunks.
    pub body: Vec<u8>,
    /// The chunks, if it was a stream.
    pub chunks: Option<Vec<Vec<u8>>>,
    /// Reply headers.
    pub headers: Vec<(String, String)>,
    /// `Set-Cookie` texts.
    pub cookies: Vec<String>,
    /// Why it failed, if it failed.
    pub failed: Option<Failed>,
    /// The records of a batch that failed: id and reason of each.
    pub failed_records: Vec<(String, String)>,
    /// What was logged until then.
    pub logs: Vec<LogLine>,
}

impl Answer {
    pub(super) fn of(inv: &TestInvocation, status: Status, logs: Vec<LogLine>) -> Answer {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pairs = |list| inv.list(list).iter().map(|(name, value)| (text(name), text(value))).collect();
        let chunks = inv.stream.clone();
        let failed = (status < 0).then(|| {
            let [kind, message, detail] = inv.failure.clone().unwrap_or_default();
            Failed { status, kind, message, detail }
        });
        Answer {
            code: inv.reply.as_ref().map_or(0, |(code, _)| *code),
            body: match &chunks {
                Some(chunks) => chunks.concat(),
                None => inv.reply.as_ref().map_or(Vec::new(), |(_, body)| body.as_slice().to_vec()),
            },
            chunks,
            headers: pairs(LIST_REPLY_HEADER),
            cookies: inv.list(LIST_REPLY_COOKIE).iter().map(|(_, value)| text(value)).collect(),
            failed,
            failed_records: pairs(LIST_FAILED_RECORD),
            logs,
        }
    }

    /// The HTTP status: that of the reply, 200 for a value or raw bytes, 500 for a failure.
    pub fn status(&self) -> u32 {
        match (&self.failed, self.code) {
            (Some(_), _) => 500,
            (None, REPLY_RAW | REPLY_VALUE) => 200,
            (None, code) => code,
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first reply header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    #[cfg(feature = "json")]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }
}
