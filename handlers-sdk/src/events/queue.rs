//! [`Queue`]: a batch of messages of a queue or a stream, on any platform.

use super::message::{Message, attribute};
use super::neutral::{AzureMetadata, bytes_of, cloud_event, json, refused, said, text_of};
use super::{Base64, aliyun, aws, huawei, openwhisk, tencent, topic, yandex};
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::error::Error;
use serde_json::Value;
use std::collections::BTreeMap;

/// A batch of messages of a queue or a stream: at least one, unless the platform sends an empty batch.
///
/// ```
/// use handlers_sdk::events::Queue;
/// use handlers_sdk::testing::sample;
/// use handlers_sdk::{Error, function};
///
/// #[derive(serde::Deserialize)]
/// struct Job {
///     order: u32,
/// }
///
/// #[function]
/// fn work(queue: Queue) -> Result<String, Error> {
///     let jobs: Vec<Job> = queue.messages.iter().map(|message| message.json()).collect::<Result<_, _>>()?;
///     Ok(jobs.iter().map(|job| job.order.to_string()).collect::<Vec<_>>().join(", "))
/// }
///
/// assert_eq!(sample("aws/sqs").run(work::MODULE).text(), "7, 8");
/// assert_eq!(sample("azure/servicebus").run(work::MODULE).text(), "7");
/// assert_eq!(sample("huawei/kafka").run(work::MODULE).text(), "7, 8");
/// assert_eq!(sample("google/pubsub").run(work::MODULE).text(), "7");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    /// The messages, in the platform's order.
    pub messages: Vec<Message>,
    /// The view that has the rest, as `events::aws::Sqs`.
    pub view: &'static str,
}

impl FromInvocation for Queue {
    /// Reads the batch. The error is of kind `Runtime.TriggerMismatch` if the event is of no queue; `Option<Queue>` is
    /// `None` then.
    #[inline]
    fn from_invocation(ctx: &FaasContext) -> Result<Queue, Error> {
        let body = ctx.body();
        let (messages, view) = match ctx.source() {
            "aws:sqs" => (sqs(body)?, "events::aws::Sqs"),
            "aws:kinesis" => (kinesis(body)?, "events::aws::Kinesis"),
            "aws:kafka" | "self-managed-kafka" => (kafka(body)?, "events::aws::Kafka"),
            "aws:mq" => (active_mq(body)?, "Json"),
            "aws:rmq" => (rabbit_mq(body)?, "Json"),
            "aliyun:eventbridge" if cloud_event(ctx).is_none() => (texts(body)?, "events::aliyun::Batch"),
            "azure:queue" => (vec![storage_queue(ctx)?], "events::azure::Envelope"),
            "azure:servicebus" => (service_bus(ctx)?, "events::azure::Envelope"),
            "azure:eventhub" => (event_hub(ctx)?, "events::azure::Envelope"),
            "huawei:kafka" => (huawei_kafka(body)?, "events::huawei::Kafka"),
            "huawei:dis" => (dis(body)?, "events::huawei::Dis"),
            "tencent:ckafka" => (ckafka(body)?, "events::tencent::Ckafka"),
            "yandex:ymq" => (yandex(body)?, "events::yandex::Queue"),
            "openwhisk:kafka" => (openwhisk(body)?, "events::openwhisk::Kafka"),
            "google:pubsub" => (vec![topic::older(body)?], "events::google::Legacy"),
            _ => (vec![cloud_event_message(ctx)?], "events::CloudEvent"),
        };
        Ok(Queue { messages, view })
    }
}

#[inline]
fn sqs(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |record: aws::sqs::Record| Message {
        attempt: record.receive_count().unwrap_or(0),
        group: record.message_group_id().map(str::to_owned),
        id: record.message_id,
        body: record.body.into_bytes(),
        attributes: record
            .message_attributes
            .into_iter()
            .map(|(name, value)| (name, attribute(value.string_value, value.binary_value)))
            .collect(),
        key: None,
        source: record.event_source_arn,
    };
    Ok(aws::Sqs::parse(body)?.records.into_iter().map(message).collect())
}

#[inline]
fn kinesis(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |record: aws::kinesis::Record| {
        Ok(Message {
            id: record.kinesis.sequence_number,
            body: record.kinesis.data.bytes()?,
            group: record.event_id.split_once(':').map(|(shard, _)| shard.to_owned()),
            key: Some(record.kinesis.partition_key.into_bytes()),
            source: record.event_source_arn,
            ..Message::default()
        })
    };
    aws::Kinesis::parse(body)?.records.into_iter().map(message).collect()
}

#[inline]
fn kafka(body: &[u8]) -> Result<Vec<Message>, Error> {
    let batch = aws::Kafka::parse(body)?;
    let message = |record: &aws::kafka::Record| {
        let mut attributes = BTreeMap::new();
        for (name, value) in record.headers.iter().flatten() {
            attributes.insert(name.clone(), String::from_utf8_lossy(&value.bytes()?).into_owned());
        }
        Ok(Message {
            body: record.value.as_ref().map_or(Ok(Vec::new()), Base64::bytes)?,
            key: record.key.as_ref().map(Base64::bytes).transpose()?,
            attributes,
            ..in_partition(&record.topic, record.partition, record.offset)
        })
    };
    batch.all().map(message).collect()
}

/// Returns a message of Kafka by its place, which keeps the order of its partition.
fn in_partition(topic: &str, partition: i64, offset: i64) -> Message {
    Message {
        id: format!("{topic}-{partition}-{offset}"),
        group: Some(format!("{topic}-{partition}")),
        source: topic.to_owned(),
        ..Message::default()
    }
}

#[inline]
fn active_mq(body: &[u8]) -> Result<Vec<Message>, Error> {
    let event = json(body)?;
    let message = |message: &Value| {
        Ok(Message {
            id: text_of(&message["messageID"]),
            body: decoded(&message["data"])?,
            attributes: texts_of(&message["properties"]),
            attempt: if message["redelivered"] == true { 2 } else { 1 },
            source: text_of(&message["destination"]["physicalName"]),
            ..Message::default()
        })
    };
    event["messages"].as_array().into_iter().flatten().map(message).collect()
}

#[inline]
fn rabbit_mq(body: &[u8]) -> Result<Vec<Message>, Error> {
    let event = json(body)?;
    let mut messages = Vec::new();
    for (queue, list) in event["rmqMessagesByQueue"].as_object().into_iter().flatten() {
        for message in list.as_array().into_iter().flatten() {
            let properties = &message["basicProperties"];
            messages.push(Message {
                id: text_of(&properties["messageId"]),
                body: decoded(&message["data"])?,
                attributes: texts_of(&properties["headers"]),
                attempt: if message["redelivered"] == true { 2 } else { 1 },
                // The text is the queue's name, two colons, and the virtual host.
                source: queue.split("::").next().unwrap_or(queue).to_owned(),
                ..Message::default()
            });
        }
    }
    Ok(messages)
}

fn decoded(coded: &Value) -> Result<Vec<u8>, Error> {
    Base64::from(text_of(coded)).bytes()
}

/// Returns the members of an object as texts. A list of bytes under `bytes` is a text too, as RabbitMQ's headers come.
fn texts_of(object: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| match value["bytes"].as_array() {
        Some(bytes) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        None => text_of(value),
    };
    object.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

#[inline]
fn texts(body: &[u8]) -> Result<Vec<Message>, Error> {
    let batch = aliyun::Batch::parse(body)?;
    batch.records.iter().map(|text| json(text.as_bytes()).map(|event| stream_message(&event))).collect()
}

/// Returns a message of a queue or of Kafka in the data of a CloudEvent; of another stream the data is the message.
fn stream_message(event: &Value) -> Message {
    let data = &event["data"];
    let of = || Message { id: text_of(&event["id"]), source: text_of(&event["source"]), ..Message::default() };
    if let Some(message) = queue_message(event["type"].as_str().unwrap_or_default(), data, of) {
        return message;
    }
    match (data["topic"].as_str(), data["partition"].as_i64(), data["offset"].as_i64()) {
        (Some(topic), Some(partition), Some(offset)) => Message {
            body: bytes_of(&data["value"]),
            key: data["key"].as_str().map(|key| key.as_bytes().to_vec()),
            ..in_partition(topic, partition, offset)
        },
        _ => Message { body: bytes_of(data), ..of() },
    }
}

/// Returns a message by way of Alibaba's EventBridge, of the type and with the data of its CloudEvent; `of` makes the
/// rest. It is `None` if the event is of no queue.
fn queue_message(kind: &str, data: &Value, of: impl FnOnce() -> Message) -> Option<Message> {
    Some(match kind {
        "mns:Queue:SendMessage" => {
            Message { id: text_of(&data["messageId"]), body: bytes_of(&data["messageBody"]), ..of() }
        }
        "mq:Topic:SendMessage" => Message {
            id: text_of(&data["systemProperties"]["MSG_ID"]),
            body: bytes_of(&data["body"]),
            attributes: texts_of(&data["userProperties"]),
            key: said(&text_of(&data["systemProperties"]["KEYS"])).map(String::into_bytes),
            source: text_of(&data["topic"]),
            ..of()
        },
        "amqp:Queue:SendMessage" => Message {
            id: text_of(&data["props"]["messageId"]),
            body: bytes_of(&data["body"]),
            attempt: if data["envelope"]["redeliver"] == true { 2 } else { 1 },
            ..of()
        },
        _ => return None,
    })
}

#[inline]
fn storage_queue(ctx: &FaasContext) -> Result<Message, Error> {
    let metadata = AzureMetadata::of(ctx)?;
    Ok(Message {
        id: metadata.get("Id"),
        body: ctx.body().to_vec(),
        attempt: metadata.get("DequeueCount"),
        ..Message::default()
    })
}

#[inline]
fn service_bus(ctx: &FaasContext) -> Result<Vec<Message>, Error> {
    let metadata = AzureMetadata::of(ctx)?;
    let ids: Vec<String> = metadata.get("MessageIdArray");
    if ids.is_empty() {
        let attributes = texts_of(&metadata.get::<Value>("ApplicationProperties"));
        return Ok(vec![Message {
            id: metadata.get("MessageId"),
            body: ctx.body().to_vec(),
            attributes,
            attempt: metadata.get("DeliveryCount"),
            group: said(&metadata.get::<String>("SessionId")),
            ..Message::default()
        }]);
    }
    let counts: Vec<u64> = metadata.get("DeliveryCountArray");
    let sessions: Vec<Option<String>> = metadata.get("SessionIdArray");
    let mut messages = elements(ctx)?;
    for (at, message) in messages.iter_mut().enumerate() {
        message.id = ids.get(at).cloned().unwrap_or_default();
        message.attempt = counts.get(at).copied().unwrap_or(0);
        message.group = sessions.get(at).cloned().flatten();
    }
    Ok(messages)
}

#[inline]
fn event_hub(ctx: &FaasContext) -> Result<Vec<Message>, Error> {
    let metadata = AzureMetadata::of(ctx)?;
    let place: Value = metadata.get("PartitionContext");
    let (hub, partition) = (text_of(&place["EventHubName"]), said(&text_of(&place["PartitionId"])));
    let numbers: Vec<u64> = metadata.get("SequenceNumberArray");
    let mut messages = if numbers.is_empty() {
        vec![Message {
            id: text_of(&metadata.get("SequenceNumber")),
            body: ctx.body().to_vec(),
            attributes: texts_of(&metadata.get::<Value>("Properties")),
            key: said(&metadata.get::<String>("PartitionKey")).map(String::into_bytes),
            ..Message::default()
        }]
    } else {
        let keys: Vec<Option<String>> = metadata.get("PartitionKeyArray");
        let mut messages = elements(ctx)?;
        for (at, message) in messages.iter_mut().enumerate() {
            message.id = numbers.get(at).map(u64::to_string).unwrap_or_default();
            message.key = keys.get(at).cloned().flatten().map(String::into_bytes);
        }
        messages
    };
    for message in &mut messages {
        message.source.clone_from(&hub);
        message.group.clone_from(&partition);
    }
    Ok(messages)
}

/// Returns the bodies of a batch that comes as a list.
#[inline]
fn elements(ctx: &FaasContext) -> Result<Vec<Message>, Error> {
    let list: Vec<Value> = crate::call::json::read(ctx.body())?;
    Ok(list.iter().map(|body| Message { body: bytes_of(body), ..Message::default() }).collect())
}

#[inline]
fn huawei_kafka(body: &[u8]) -> Result<Vec<Message>, Error> {
    let records = huawei::Kafka::parse(body)?.records.into_iter();
    let of_topic = |record: huawei::KafkaRecord| {
        let source = record.topic_id;
        let message =
            move |body: String| Message { body: body.into_bytes(), source: source.clone(), ..Message::default() };
        record.messages.into_iter().map(message)
    };
    Ok(records.flat_map(of_topic).collect())
}

#[inline]
fn dis(body: &[u8]) -> Result<Vec<Message>, Error> {
    let event = huawei::Dis::parse(body)?;
    let message = |record: &huawei::DisRecord| {
        Ok(Message {
            id: record.sequence_number.clone(),
            body: record.data.bytes()?,
            group: said(&event.shard_id),
            key: Some(record.partition_key.clone().into_bytes()),
            source: event.stream_name.clone(),
            ..Message::default()
        })
    };
    event.message.records.iter().map(message).collect()
}

#[inline]
fn ckafka(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |record: tencent::CkafkaRecord| {
        let record = record.ckafka;
        Message {
            body: record.body.into_bytes(),
            // The platform writes this word for a message without a key.
            key: said(&record.key).filter(|key| key != "None").map(String::into_bytes),
            ..in_partition(&record.topic, record.partition, record.offset)
        }
    };
    Ok(tencent::Ckafka::parse(body)?.records.into_iter().map(message).collect())
}

#[inline]
fn yandex(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |message: yandex::QueueMessage| {
        let yandex::QueueDetails { queue_id, message } = message.details;
        let said = |name: &str| message.attributes.get(name);
        Message {
            attempt: said("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(0),
            group: said("MessageGroupId").cloned(),
            id: message.message_id,
            body: message.body.into_bytes(),
            attributes: message
                .message_attributes
                .into_iter()
                .map(|(name, value)| (name, attribute(value.string_value, value.binary_value)))
                .collect(),
            key: None,
            source: queue_id,
        }
    };
    Ok(yandex::Queue::parse(body)?.messages.into_iter().map(message).collect())
}

#[inline]
fn openwhisk(body: &[u8]) -> Result<Vec<Message>, Error> {
    let message = |message: openwhisk::KafkaMessage| Message {
        body: bytes_of(&message.value),
        key: said(&message.key).map(String::into_bytes),
        ..in_partition(&message.topic, message.partition, message.offset)
    };
    Ok(openwhisk::Kafka::parse(body)?.messages.into_iter().map(message).collect())
}

/// Returns a message that comes as a CloudEvent: of Knative's Kafka source, of a subscription of Pub/Sub, or by way of
/// Alibaba's EventBridge.
#[inline]
fn cloud_event_message(ctx: &FaasContext) -> Result<Message, Error> {
    let no_queue = || refused("an event of a queue", ctx);
    let event = cloud_event(ctx).ok_or_else(no_queue)?;
    let message = Message { id: event.id().to_owned(), source: event.source().to_owned(), ..Message::default() };
    Ok(match event.kind() {
        "dev.knative.kafka.event" => Message {
            body: event.data().to_vec(),
            key: event.attribute("key").map(|key| key.as_bytes().to_vec()),
            group: event.subject().and_then(|place| place.split('#').next()).map(str::to_owned),
            ..message
        },
        kind => {
            if let Some(published) = topic::published(&event)? {
                return Ok(published);
            }
            let data: Value = event.data_as().unwrap_or_default();
            queue_message(kind, &data, || message).ok_or_else(no_queue)?
        }
    })
}
