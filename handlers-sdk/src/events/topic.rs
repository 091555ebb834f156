//! [`Topic`]: messages that were published to a topic, on any platform.

use super::cloudevents::CloudEvent;
use super::message::Message;
use super::neutral::{cloud_event, json, refused, said, text_of};
use super::{aliyun, aws, google, huawei, tencent, yandex};
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::error::Error;
use serde_json::Value;

/// Messages that were published to a topic; most platforms send one.
///
/// ```
/// use handlers_sdk::events::Topic;
/// use handlers_sdk::testing::sample;
/// use handlers_sdk::{Error, function};
///
/// #[function]
/// fn heard(topic: Topic) -> Result<String, Error> {
///     let message = &topic.messages[0];
///     Ok(format!("{} on {}", message.text()?, message.source))
/// }
///
/// assert_eq!(sample("google/pubsub").run(heard::MODULE).text(), r#"{"order":7} on projects/shop/topics/orders"#);
/// assert_eq!(sample("tencent/cmq").run(heard::MODULE).text(), r#"{"order":7} on orders"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topic {
    /// The messages.
    pub messages: Vec<Message>,
    /// The view that has the rest, as `events::aws::Sns`.
    pub view: &'static str,
}

impl FromInvocation for Topic {
    /// Reads the messages. The error is of kind `Runtime.TriggerMismatch` if the event is of no topic; `Option<Topic>`
    /// is `None` then.
    #[inline]
    fn from_invocation(ctx: &FaasContext) -> Result<Topic, Error> {
        let body = ctx.body();
        let (messages, view) = match ctx.source() {
            "aws:sns" => (sns(body)?, "events::aws::Sns"),
            "aliyun:mns" => (vec![mns(body)?], "events::aliyun::Mns"),
            "huawei:smn" => (smn(body)?, "events::huawei::Smn"),
            "tencent:cmq" => (cmq(body)?, "events::tencent::Cmq"),
            "yandex:iot" => (iot(body)?, "events::yandex::Iot"),
            "google:pubsub" => (vec![older(body)?], "events::google::Legacy"),
            _ => {
                let event = cloud_event(ctx).ok_or_else(|| refused("an event of a topic", ctx))?;
                let message = published(&event)?.ok_or_else(|| refused("an event of a topic", ctx))?;
                (vec![message], "events::google::PubSub")
            }
        };
        Ok(Topic { messages, view })
    }
}

#[inline]
fn sns(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |record: aws::sns::Record| Message {
        id: record.sns.message_id,
        body: record.sns.message.into_bytes(),
        attributes: record.sns.message_attributes.into_iter().map(|(name, value)| (name, value.value)).collect(),
        source: record.sns.topic_arn,
        ..Message::default()
    };
    Ok(aws::Sns::parse(body)?.records.into_iter().map(message).collect())
}

#[inline]
fn mns(body: &[u8]) -> Result<Message, Error> {
    let event = aliyun::Mns::parse(body)?;
    let mut attributes = event.attrs;
    // The sender's own attributes stand as JSON in one text.
    if let Some(own) = attributes.remove("Extend") {
        match json(own.as_bytes()) {
            Ok(Value::Object(own)) => attributes.extend(own.iter().map(|(name, value)| (name.clone(), text_of(value)))),
            _ => _ = attributes.insert("Extend".to_owned(), own),
        }
    }
    let (id, body, source) = (event.message_id, event.message.into_bytes(), event.topic_name);
    Ok(Message { id, body, attributes, source, ..Message::default() })
}

#[inline]
fn smn(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |record: huawei::SmnRecord| {
        let attributes = record.smn.attributes.as_object().into_iter().flatten();
        Message {
            attributes: attributes.map(|(name, value)| (name.clone(), text_of(value))).collect(),
            id: record.smn.message_id,
            body: record.smn.message.into_bytes(),
            source: record.smn.topic_urn,
            ..Message::default()
        }
    };
    Ok(huawei::Smn::parse(body)?.records.into_iter().map(message).collect())
}

#[inline]
fn cmq(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |record: tencent::CmqRecord| Message {
        id: record.cmq.message_id,
        body: record.cmq.body.into_bytes(),
        source: record.cmq.topic_name,
        ..Message::default()
    };
    Ok(tencent::Cmq::parse(body)?.records.into_iter().map(message).collect())
}

#[inline]
fn iot(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |message: yandex::IotMessage| {
        Ok(Message {
            id: message.metadata.event_id,
            body: message.details.payload.bytes()?,
            source: message.details.mqtt_topic,
            ..Message::default()
        })
    };
    yandex::Iot::parse(body)?.messages.into_iter().map(message).collect()
}

/// Returns a message of Pub/Sub in Google's older form.
#[inline]
pub(super) fn older(body: &[u8]) -> Result<Message, Error> {
    let event = google::Legacy::parse(body)?;
    let data = event.data_as::<google::PubSubMessage>()?;
    let source = event.context.resource_name().to_owned();
    Ok(Message { id: event.context.event_id, source, ..of_pubsub(data)? })
}

/// Returns the message of Pub/Sub that a CloudEvent is; `None` if it is another event.
#[inline]
pub(super) fn published(event: &CloudEvent) -> Result<Option<Message>, Error> {
    if event.kind() != "google.cloud.pubsub.topic.v1.messagePublished" {
        return Ok(None);
    }
    let source = event.source().strip_prefix("//pubsub.googleapis.com/").unwrap_or(event.source()).to_owned();
    Ok(Some(Message { source, ..of_pubsub(google::PubSub::parse(event.data())?.message)? }))
}

fn of_pubsub(message: google::PubSubMessage) -> Result<Message, Error> {
    Ok(Message {
        body: message.data.bytes()?,
        id: message.message_id,
        attributes: message.attributes,
        group: said(&message.ordering_key),
        ..Message::default()
    })
}
