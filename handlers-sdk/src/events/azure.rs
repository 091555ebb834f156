//! Triggers of Azure Functions that are no HTTP requests, all bindings of a call, and a reply with output bindings.
//!
//! The trigger's value is the body: [`Timer`] and [`EventGrid`] are views of it, and [`Json`](crate::Json) reads
//! messages and documents. [`Envelope`] is the whole event.
//!
//! ```
//! use handlers_sdk::events::azure::{Envelope, Outputs};
//! use handlers_sdk::{Error, function};
//!
//! #[function]
//! fn paint(colour: String, envelope: Envelope) -> Result<Outputs, Error> {
//!     let size: u32 = envelope.binding("size")?;
//!     let outputs = Outputs::new().text("done", format!("{colour}, {size}"));
//!     outputs.json("res", &serde_json::json!({ "statusCode": 202, "body": "taken" }))
//! }
//! # fn main() {}
//! ```
//!
//! The form is that of the Functions host for custom handlers; see "Azure Functions custom handlers" in Azure's
//! documentation.

use super::base64::encode;
use super::found::Found;
use super::view::{self, View, members, views};
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::json;
use crate::error::Error;
use crate::reply::{IntoReply, Reply};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

members! {
    /// The event of a timer.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::azure::Timer;
    ///
    /// #[function]
    /// fn next(timer: Timer) -> Option<String> {
    ///     timer.status.map(|status| status.next)
    /// }
    ///
    /// assert_eq!(sample("azure/timer").run(next::MODULE).text(), "2026-01-03T03:04:05+00:00");
    /// ```
    Timer {
        /// The schedule, and how it is read; `None` if the host does not tell it.
        schedule: Option<Schedule> = "Schedule",
        /// The last and the next time; `None` if the host does not keep them.
        status: Option<ScheduleStatus> = "ScheduleStatus",
        /// `true` if the call is late.
        is_past_due: bool = "IsPastDue",
    }

    /// The way in which the schedule is read.
    Schedule {
        /// `true` if it follows the change of the clocks to summer time.
        adjust_for_dst: bool = "AdjustForDST",
    }

    /// The last and the next time of a timer.
    ScheduleStatus {
        /// The time before this one.
        last: String = "Last",
        /// The time after this one.
        next: String = "Next",
        /// The time at which this was noted.
        last_updated: String = "LastUpdated",
    }

    /// An event in Event Grid's own schema. For the other one take a [`CloudEvent`](crate::events::CloudEvent).
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::azure::EventGrid;
    ///
    /// /// Reads a member of the data, whose form depends on the kind of the event.
    /// #[function]
    /// fn size(event: EventGrid) -> String {
    ///     match event.event_type.as_str() {
    ///         "Microsoft.Storage.BlobCreated" => format!("{} bytes", event.data["contentLength"]),
    ///         other => format!("passed by {other}"),
    ///     }
    /// }
    ///
    /// assert_eq!(sample("azure/eventgrid").run(size::MODULE).text(), "524288 bytes");
    /// ```
    EventGrid {
        /// The id of the event, unique within the topic.
        id: String = "id",
        /// The path of the resource that sent it.
        topic: String = "topic",
        /// The thing that it happened to.
        subject: String = "subject",
        /// The kind of the event.
        event_type: String = "eventType",
        /// The time of the event, in RFC 3339.
        event_time: String = "eventTime",
        /// The data of the event.
        data: Value = "data",
        /// The version of the data's form.
        data_version: String = "dataVersion",
        /// The version of this form.
        metadata_version: String = "metadataVersion",
    }

    /// The number of tries of a call, under a retry policy of the function's.
    Retry {
        /// The number of tries before this one.
        count: u64 = "RetryCount",
        /// The largest number of tries.
        max_count: i64 = "MaxRetryCount",
        /// The reason why the last try failed.
        exception: Value = "Exception",
    }
}

/// A call with all its input bindings.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::sample};
/// use handlers_sdk::events::azure::Envelope;
///
/// #[function]
/// fn work(call: Envelope) -> Result<String, Error> {
///     let count: u32 = call.metadata("DequeueCount")?;
///     Ok(format!("{}, delivery {count}", call.binding::<String>("order")?))
/// }
///
/// assert_eq!(sample("azure/queue").run(work::MODULE).text(), r#"{"order":7}, delivery 1"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Envelope {
    #[serde(rename = "Data", deserialize_with = "super::lenient::member")]
    data: BTreeMap<String, Value>,
    #[serde(rename = "Metadata", deserialize_with = "super::lenient::member")]
    metadata: BTreeMap<String, Value>,
}

views! {
    Timer: "an event of a timer", |timer| timer.schedule.is_some();
    EventGrid: "an event of Event Grid", |event| !event.event_type.is_empty() && !event.subject.is_empty();
}

impl View for Envelope {
    const EXPECTED: &'static str = "a call by the Azure Functions host";

    fn is_sure(&self) -> bool {
        !self.data.is_empty()
    }

    fn accepts(found: &Found) -> bool {
        matches!(found, Found::Members(members) if members.iter().any(|name| name == "Data"))
    }
}

impl FromInvocation for Envelope {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Envelope::parse(ctx.event())
    }
}

impl Envelope {
    /// Reads an envelope.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if the bytes are no envelope.
    pub fn parse(event: &[u8]) -> Result<Envelope, Error> {
        view::read(event)
    }

    /// Returns an input binding, the coding that the host gives all but objects undone. A text that holds JSON is read
    /// as that, if it does not fit as it is.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if there is no such binding, or its value has another shape.
    pub fn binding<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        read(&self.data, "binding", name)
    }

    /// Returns a value that the host knows of the trigger, by its name.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if there is no such thing, or it has another shape.
    pub fn metadata<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        read(&self.metadata, "metadata", name)
    }

    /// Returns the names of the input bindings.
    pub fn bindings(&self) -> impl Iterator<Item = &str> {
        self.data.keys().map(String::as_str)
    }

    /// Returns how often the call was tried, if the function has a retry policy.
    pub fn retry(&self) -> Option<Retry> {
        self.metadata("RetryContext").ok()
    }
}

fn read<T: DeserializeOwned>(values: &BTreeMap<String, Value>, what: &str, name: &str) -> Result<T, Error> {
    let refused = |why: &str| {
        let message = format!("{what} {name:?}: {why}");
        Error::new("Runtime.UnmarshalError", message).with_status(400)
    };
    let value = values.get(name).ok_or_else(|| refused("the host has sent none"))?;
    let inner = match value {
        Value::String(coded) => serde_json::from_str(coded).unwrap_or_else(|_| value.clone()),
        plain => plain.clone(),
    };
    let text = inner.as_str().map(str::to_owned);
    serde_json::from_value(inner).or_else(|error| {
        let inner = text.and_then(|text| serde_json::from_str(&text).ok());
        inner.ok_or_else(|| refused(&error.to_string()))
    })
}

/// A reply that sets output bindings. The one of an HTTP trigger, `res`, is an object with `statusCode`, `headers` and
/// `body`; a list is several messages for a queue.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::Invoke};
/// use handlers_sdk::events::azure::Outputs;
///
/// /// Puts two messages into the queue that the binding `jobs` is of.
/// #[function]
/// fn split(colour: String) -> Result<Outputs, Error> {
///     Outputs::new().json("jobs", &[format!("{colour}, left"), format!("{colour}, right")])
/// }
///
/// let reply = r#"{"Outputs":{"jobs":["red, left","red, right"]},"ReturnValue":null}"#;
/// assert_eq!(Invoke::event("red").run(split::MODULE).text(), reply);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outputs {
    #[serde(rename = "Outputs")]
    outputs: Map<String, Value>,
    #[serde(rename = "ReturnValue")]
    returned: Value,
}

impl Outputs {
    /// Returns a reply without any output binding.
    pub fn new() -> Outputs {
        Outputs::default()
    }

    /// Sets a binding's text, which arrives as it is although the host tries to read it as base64.
    #[must_use]
    pub fn text(self, name: impl Into<String>, text: impl Into<String>) -> Outputs {
        self.set(name, guarded(text.into()))
    }

    /// Sets a binding's bytes, which are sent as base64.
    #[must_use]
    pub fn bytes(self, name: impl Into<String>, bytes: &[u8]) -> Outputs {
        self.set(name, encode(bytes))
    }

    /// Sets a binding's value, as JSON.
    ///
    /// # Errors
    /// It is `Runtime.MarshalError` if it cannot be written as JSON.
    pub fn json<T: Serialize>(self, name: impl Into<String>, value: &T) -> Result<Outputs, Error> {
        let value =
            serde_json::to_value(value).map_err(|error| Error::new("Runtime.MarshalError", error.to_string()))?;
        Ok(match value {
            Value::String(text) => self.text(name, text),
            value => self.set(name, value),
        })
    }

    fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Outputs {
        match name.into().as_str() {
            "$return" => self.returned = value.into(),
            name => _ = self.outputs.insert(name.to_owned(), value.into()),
        }
        self
    }
}

impl IntoReply for Outputs {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::raw(json::write(&self)?))
    }
}

/// Guards a text from the host, which passes over white space when it tries to read base64, and makes times of text
/// that looks like one.
fn guarded(text: String) -> String {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let digits = text.bytes().filter(|byte| !is_space(byte)).count();
    let coded = digits > 0 && digits.is_multiple_of(4) && text.bytes().all(|byte| is_space(&byte) || is_digit(byte));
    let bytes = text.as_bytes();
    let time = (19..=40).contains(&bytes.len()) && bytes[0].is_ascii_digit() && bytes[10] == b'T';
    if coded || time || text.starts_with("/Date(") { encode(bytes) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_timer_and_an_event_are_read_leniently() {
        let timer = br#"{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":true,"more":1}"#;
        let timer = Timer::parse(timer).expect("a timer");
        assert!(
            timer.is_past_due
                && timer.status.is_none()
                && timer.schedule.is_some_and(|schedule| schedule.adjust_for_dst)
        );
        let event = br#"{"id":"1","subject":"s","eventType":"E","data":{"a":1},"topic":null}"#;
        let event = EventGrid::parse(event).expect("an event");
        assert_eq!((event.event_type.as_str(), event.topic.as_str(), &event.data["a"]), ("E", "", &json!(1)));
        let why = Timer::parse(br#"{"a":1}"#).expect_err("no timer");
        assert_eq!(why.message(), "expected an event of a timer, found an object with the members a");
    }

    #[test]
    fn bindings_are_decoded_once_and_texts_of_json_as_they_are_asked_for() {
        let envelope = br#"{"Data":{"job":"\"red\"","size":"5","list":"[1,2]","none":"null","object":{"a":1},
            "message":"\"{\\\"a\\\":1}\"","plain":"as it is"},"Metadata":{"Id":"\"a1\"","DequeueCount":"2"}}"#;
        let envelope = Envelope::parse(envelope).expect("an envelope");
        let text = |name| envelope.binding::<String>(name).expect("a text");
        assert_eq!(
            (text("job"), text("plain"), text("message")),
            ("red".into(), "as it is".into(), r#"{"a":1}"#.into())
        );
        assert_eq!(envelope.binding::<u32>("size").expect("a number"), 5);
        assert_eq!(envelope.binding::<Vec<u32>>("list").expect("a list"), [1, 2]);
        assert_eq!(envelope.binding::<Option<u32>>("none").expect("null"), None);
        for name in ["object", "message"] {
            assert_eq!(envelope.binding::<BTreeMap<String, u32>>(name).expect("an object")["a"], 1, "{name}");
        }
        assert_eq!(envelope.metadata::<String>("Id").expect("a text"), "a1");
        assert_eq!((envelope.metadata::<u32>("DequeueCount").expect("a number"), envelope.retry()), (2, None));
        assert_eq!(envelope.bindings().count(), 7);
        let why = envelope.binding::<u32>("job").expect_err("no number");
        assert!(why.message().starts_with("binding \"job\": invalid type: string"), "{}", why.message());
        assert_eq!(
            envelope.binding::<u32>("other").expect_err("missing").message(),
            "binding \"other\": the host has sent none"
        );
        assert!(Envelope::parse(br#"{"Data":{},"Metadata":{}}"#).is_ok());
        assert!(Envelope::parse(br#"{"a":1}"#).is_err());
    }

    #[test]
    fn retries_are_told() {
        let envelope = br#"{"Data":{"a":"1"},"Metadata":{"RetryContext":{"RetryCount":2,"MaxRetryCount":-1}}}"#;
        let retry = Envelope::parse(envelope).expect("an envelope").retry().expect("a policy");
        assert_eq!((retry.count, retry.max_count), (2, -1));
    }

    #[test]
    fn outputs_are_written_so_that_texts_arrive_as_they_are() {
        let outputs = Outputs::new().text("plain", "no base64!").text("coded", "abcd").bytes("bytes", b"red");
        let outputs =
            outputs.json("list", &["abcd"]).expect("JSON").json("time", &"2026-01-02T03:04:05Z").expect("JSON");
        let outputs = outputs.text("$return", "two words");
        assert_eq!(
            serde_json::to_value(&outputs).expect("JSON"),
            json!({
                "Outputs": {
                    "plain": "no base64!",
                    "coded": "YWJjZA==",
                    "bytes": "cmVk",
                    "list": ["abcd"],
                    "time": "MjAyNi0wMS0wMlQwMzowNDowNVo=",
                },
                "ReturnValue": "dHdvIHdvcmRz",
            })
        );
        assert_eq!(serde_json::to_value(Outputs::new()).expect("JSON"), json!({ "Outputs": {}, "ReturnValue": null }));
    }
}
