//! The end of an invocation, for the function's caller, for its owner, and for the platform.

use super::journal::LogLine;
use faas_abi::{E_CANCELLED, E_DEADLINE, E_INTERNAL, E_PANIC, E_USER, REPLY_RAW, REPLY_VALUE};
use faas_core::failure::{Failure, Openness};

/// A failure, as the runtime logs it.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::Invoke};
/// use handlers_sdk::testing::Failed;
///
/// #[function]
/// fn total(text: String) -> Result<String, Error> {
///     let pieces: u32 = text.parse()?;
///     Ok((pieces * 3).to_string())
/// }
///
/// let Failed { message, told, .. } = Invoke::event("two").run(total::MODULE).failed.expect("it is no number");
/// assert_eq!(message, "invalid digit found in string", "which the log has");
/// assert_eq!(told, "the function failed", "which a client reads");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The status of the contract: `abi::E_PANIC`, `E_DEADLINE`, `E_CANCELLED`, `E_USER` for an error whose message
    /// callers may read, `E_INTERNAL` for every other.
    pub status: i32,
    /// The kind of the failure: an author's own kind, `Panic`, `Function.TimedOut`, …
    pub kind: String,
    /// The failure in one sentence.
    pub message: String,
    /// The place of the failure, and what lies beneath it.
    pub detail: String,
    /// The text that the client of an HTTP trigger reads instead of the message.
    pub told: String,
    /// The status of the response to a request that fails so.
    pub http_status: u16,
}

impl Failed {
    pub(super) fn of(failure: &Failure) -> Failed {
        let told = failure.for_caller().message.to_owned();
        let status = match failure.openness {
            _ if failure.is_panic() => E_PANIC,
            _ if failure.is_time_out() => E_DEADLINE,
            _ if failure.kind.ends_with(".Cancelled") => E_CANCELLED,
            Openness::Kind => E_INTERNAL,
            Openness::Message | Openness::Everything => E_USER,
        };
        let http_status = failure.http_status();
        let Failure { kind, message, detail, .. } = failure.clone();
        Failed { status, kind, message, detail, told, http_status }
    }
}

/// The reply that the platform gets for an invocation, to the byte.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::Invoke};
/// use handlers_sdk::testing::PlatformReply;
///
/// #[function]
/// fn sold_out() -> Result<(), Error> {
///     Err(Error::new("Order.SoldOut", "no tea is left"))
/// }
///
/// fn kind(reply: &PlatformReply) -> String {
///     reply.json()["errorType"].as_str().unwrap_or_default().to_owned()
/// }
///
/// let answer = Invoke::event("{}").on("aws-lambda").run(sold_out::MODULE);
/// assert_eq!(kind(answer.on_platform()), "Order.SoldOut");
/// assert!(answer.on_platform().path.ends_with("/error"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformReply {
    /// The status of the response, on a platform that sends requests. `None` on one that is asked for events.
    pub status: Option<u16>,
    /// The path that the answer is posted to, on a platform that is asked for events; empty on others.
    pub path: String,
    /// The headers in their order.
    pub headers: Vec<(String, String)>,
    /// The body. For a stream it is the platform's own bytes before the function's, and these.
    pub body: Vec<u8>,
}

impl PlatformReply {
    /// Returns the first header of that name, in whatever case. It is `None` if there is none.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// It is not JSON.
    #[cfg(feature = "json")]
    pub fn json(&self) -> serde_json::Value {
        json(&self.body)
    }
}

/// The end of an invocation, with all that can be seen of it.
///
/// ```
/// # use handlers_sdk::{Response, function, testing::Invoke};
/// use handlers_sdk::testing::Answer;
///
/// #[function]
/// fn hello(name: String) -> Response {
///     handlers_sdk::info!("greeted {name}");
///     Response::text(format!("hello, {name}")).cookie("seen=1")
/// }
///
/// let answer: Answer = Invoke::http("POST", "/").body("ada").run(hello::MODULE);
/// assert_eq!((answer.status(), answer.text().as_str()), (200, "hello, ada"));
/// assert_eq!((answer.cookies[0].as_str(), answer.logs[0].message.as_str()), ("seen=1", "greeted ada"));
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    /// The code of the reply: 0 raw, 1 value, else an HTTP status.
    pub code: u32,
    /// The body; for a stream, all its chunks in a row.
    pub body: Vec<u8>,
    /// The chunks; `None` if the reply was no stream.
    pub chunks: Option<Vec<Vec<u8>>>,
    /// The headers of the reply.
    pub headers: Vec<(String, String)>,
    /// The texts of `Set-Cookie`.
    pub cookies: Vec<String>,
    /// The records of a batch that failed: id and reason of each.
    pub failed_records: Vec<(String, String)>,
    /// The failure. It is `None` if it did not fail.
    pub failed: Option<Failed>,
    /// The lines that the whole app logged until then.
    pub logs: Vec<LogLine>,
    pub(super) platform: PlatformReply,
}

impl Answer {
    /// Returns the HTTP status: that of the reply, 200 for a value or raw bytes. For a failure it is the status of the
    /// response that the platform gets. A platform that is asked for events gets none; there it is
    /// [`http_status`](Failed::http_status).
    ///
    /// An error with a status is a reply to a request alone. An event that ends with one has failed, as in the runtimes:
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::Invoke};
    /// #[function]
    /// fn sold_out() -> Result<(), Error> {
    ///     Err(Error::new("Order.SoldOut", "no tea is left").with_status(409))
    /// }
    ///
    /// let answer = Invoke::http("GET", "/").run(sold_out::MODULE);
    /// assert_eq!((answer.status(), answer.failed), (409, None));
    /// let answer = Invoke::event("{}").run(sold_out::MODULE);
    /// assert_eq!((answer.status(), answer.failed.expect("it failed").kind.as_str()), (500, "Order.SoldOut"));
    /// ```
    pub fn status(&self) -> u32 {
        match (&self.failed, self.code) {
            (Some(failed), _) => self.platform.status.unwrap_or(failed.http_status).into(),
            (None, REPLY_RAW | REPLY_VALUE) => 200,
            (None, code) => code,
        }
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the first reply header of that name, in whatever case. It is `None` if there is none.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// It is not JSON.
    #[cfg(feature = "json")]
    pub fn json(&self) -> serde_json::Value {
        json(&self.body)
    }

    /// Returns the reply that the platform of the invocation gets: see [`Invoke::on`](super::Invoke::on). Without a
    /// platform it is the response of a plain HTTP server.
    pub fn on_platform(&self) -> &PlatformReply {
        &self.platform
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[cfg(feature = "json")]
fn json(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(body)))
}
