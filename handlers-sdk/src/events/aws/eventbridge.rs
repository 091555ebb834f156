//! Events of EventBridge, and those that its rules and scheduler send by the clock.

use crate::error::Error;
use crate::events::found::Found;
use crate::events::view::{View, argument, members};
use serde::de::DeserializeOwned;
use serde_json::Value;

members! {
    /// An event of a bus, or of a schedule that was given no payload of its own.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::aws::EventBridge;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Placed {
    ///     order: u32,
    /// }
    ///
    /// #[function]
    /// fn placed(event: EventBridge) -> Result<String, Error> {
    ///     let placed: Placed = event.detail_as()?;
    ///     Ok(format!("{}: order {}", event.source, placed.order))
    /// }
    ///
    /// assert_eq!(sample("aws/eventbridge").run(placed::MODULE).text(), "my.shop: order 7");
    /// ```
    EventBridge {
        /// The version of this form; `0` so far.
        version: String = "version",
        /// The id of the event.
        id: String = "id",
        /// The kind of event: `Object Created`, `Scheduled Event`, …
        detail_type: String = "detail-type",
        /// The sender: `aws.s3`, or a name of your own.
        source: String = "source",
        /// The account of the sender: twelve digits.
        account: String = "account",
        /// The time of the event, in RFC 3339.
        time: String = "time",
        /// The region of the sender.
        region: String = "region",
        /// The things that it is about, as ARNs. For a schedule that is the rule or the schedule.
        resources: Vec<String> = "resources",
        /// The data of the sender: any JSON, which is `null` without data. See [`EventBridge::detail_as`].
        detail: Value = "detail",
    }
}

argument!(EventBridge);

impl EventBridge {
    /// Returns `true` if it was sent by the clock. That is a `Scheduled Event` of `aws.events` or `aws.scheduler`.
    pub fn is_schedule(&self) -> bool {
        self.detail_type == "Scheduled Event" && matches!(&*self.source, "aws.events" | "aws.scheduler")
    }

    /// Returns the detail as a type of yours.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if it has another shape.
    pub fn detail_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.detail).map_err(|error| {
            let message = format!("the detail of {:?} does not fit: {error}", self.detail_type);
            Error::new("Runtime.UnmarshalError", message)
        })
    }
}

impl View for EventBridge {
    const EXPECTED: &'static str = "an event of EventBridge";

    fn is_sure(&self) -> bool {
        !self.detail_type.is_empty()
    }

    fn accepts(found: &Found) -> bool {
        *found == Found::Bus
    }
}

#[cfg(test)]
mod tests {
    use super::EventBridge;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Order {
        id: u32,
    }

    #[test]
    fn the_detail_is_read_as_the_authors_type() {
        let event = br#"{"detail-type":"Order Placed","source":"my.shop","account":123456789012,"resources":null,
            "detail":{"id":7}}"#;
        let event = EventBridge::parse(event).expect("EventBridge");
        assert_eq!(event.detail_as::<Order>().expect("it fits").id, 7);
        assert_eq!((&*event.account, event.resources.len(), event.is_schedule()), ("123456789012", 0, false));
        let error = event.detail_as::<Vec<u8>>().expect_err("it is an object");
        assert_eq!(error.kind(), "Runtime.UnmarshalError");
        assert!(
            error.message().starts_with("the detail of \"Order Placed\" does not fit: invalid type: map"),
            "{error}"
        );
    }

    #[test]
    fn what_the_clock_sends_is_a_schedule() {
        for (source, kind, expected) in [
            ("aws.events", "Scheduled Event", true),
            ("aws.scheduler", "Scheduled Event", true),
            ("my.shop", "Scheduled Event", false),
            ("aws.events", "Other", false),
        ] {
            let event = format!(r#"{{"detail-type":"{kind}","source":"{source}","detail":null}}"#);
            assert_eq!(EventBridge::parse(event.as_bytes()).expect("EventBridge").is_schedule(), expected, "{event}");
        }
    }

    #[test]
    fn an_event_of_no_bus_is_refused() {
        for (event, found) in [
            (r#"{"Records":[{"eventSource":"aws:sqs"}]}"#, "one of aws:sqs"),
            (r#"{"source":"x"}"#, "an object with the members source"),
            (r#"{"requestContext":{}}"#, "an HTTP request"),
        ] {
            let error = EventBridge::parse(event.as_bytes()).expect_err(event);
            assert_eq!(error.message(), format!("expected an event of EventBridge, found {found}"));
        }
    }
}
