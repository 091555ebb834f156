//! One event of every trigger of every platform, by name: the files below `samples/`.

use super::invoke::Invoke;

/// An event as a platform sends it.
///
/// ```
/// use handlers_sdk::testing::{Sample, samples};
///
/// let timers: Vec<&Sample> = samples().iter().filter(|sample| sample.trigger() == "timer").collect();
/// assert!(timers.iter().any(|sample| (sample.name(), sample.platform()) == ("yandex/timer", "yandex")));
/// assert!(timers.iter().all(|sample| !sample.is_request() && sample.bytes().starts_with(b"{")));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    name: &'static str,
    extension: &'static str,
    trigger: &'static str,
    source: &'static str,
    bytes: &'static [u8],
}

/// Lists the files: name, extension, and the kind that the runtime recognises the event as.
macro_rules! samples {
    ($($name:literal $extension:literal $trigger:literal $source:literal,)*) => {
        /// The samples, in the order of their names.
        const SAMPLES: &[Sample] = &[$(Sample {
            name: $name,
            extension: $extension,
            trigger: $trigger,
            source: $source,
            bytes: include_bytes!(concat!("../../samples/", $name, ".", $extension)),
        },)*];
    };
}

samples! {
    "aliyun/apigateway" "json" "http" "aliyun:apigateway",
    "aliyun/cdn" "json" "event" "aliyun:cdn",
    "aliyun/eventbridge" "json" "event" "cloudevents",
    "aliyun/http" "json" "http" "aliyun:http",
    "aliyun/kafka" "json" "stream" "aliyun:eventbridge",
    "aliyun/mns" "json" "topic" "aliyun:mns",
    "aliyun/mns-attributes" "json" "topic" "aliyun:mns",
    "aliyun/mns-queue" "json" "queue" "aliyun:eventbridge",
    "aliyun/mns-queue-batch" "json" "queue" "aliyun:eventbridge",
    "aliyun/oss" "json" "storage" "aliyun:oss",
    "aliyun/rabbitmq" "json" "queue" "aliyun:eventbridge",
    "aliyun/rocketmq" "json" "queue" "aliyun:eventbridge",
    "aliyun/sls" "json" "log" "aliyun:sls",
    "aliyun/tablestore" "cbor" "table" "aliyun:tablestore",
    "aliyun/timer" "json" "timer" "aliyun:timer",
    "aws/activemq" "json" "queue" "aws:mq",
    "aws/alb" "json" "http" "aws:alb",
    "aws/apigateway-v1" "json" "http" "aws:apigateway:v1",
    "aws/apigateway-v2" "json" "http" "aws:apigateway:v2",
    "aws/authorizer" "json" "authorizer" "aws:apigateway:authorizer:token",
    "aws/codecommit" "json" "event" "aws:codecommit",
    "aws/docdb" "json" "table" "aws:docdb",
    "aws/dynamodb" "json" "table" "aws:dynamodb",
    "aws/eventbridge" "json" "event" "aws:eventbridge",
    "aws/firehose" "json" "stream" "aws:firehose",
    "aws/function-url" "json" "http" "aws:lambda-url",
    "aws/kafka" "json" "stream" "aws:kafka",
    "aws/kinesis" "json" "stream" "aws:kinesis",
    "aws/logs" "json" "log" "aws:logs",
    "aws/rabbitmq" "json" "queue" "aws:rmq",
    "aws/s3" "json" "storage" "aws:s3",
    "aws/s3-removed" "json" "storage" "aws:s3",
    "aws/s3-test" "json" "storage" "aws:s3",
    "aws/schedule" "json" "timer" "aws:eventbridge:schedule",
    "aws/scheduler" "json" "timer" "aws:eventbridge:schedule",
    "aws/self-managed-kafka" "json" "stream" "self-managed-kafka",
    "aws/ses" "json" "event" "aws:ses",
    "aws/sns" "json" "topic" "aws:sns",
    "aws/sqs" "json" "queue" "aws:sqs",
    "aws/sqs-fifo" "json" "queue" "aws:sqs",
    "aws/vpc-lattice-v1" "json" "http" "aws:vpc-lattice:v1",
    "aws/vpc-lattice-v2" "json" "http" "aws:vpc-lattice:v2",
    "aws/websocket" "json" "websocket" "aws:apigateway:websocket",
    "azure-container-apps/http" "http" "http" "http",
    "azure/blob" "json" "storage" "azure:blob",
    "azure/cosmosdb" "json" "table" "azure:cosmosdb",
    "azure/eventgrid" "json" "event" "azure:eventgrid",
    "azure/eventgrid-cloudevent" "json" "event" "azure:eventgrid",
    "azure/eventhub" "json" "stream" "azure:eventhub",
    "azure/http" "json" "http" "azure:http",
    "azure/queue" "json" "queue" "azure:queue",
    "azure/servicebus" "json" "queue" "azure:servicebus",
    "azure/servicebus-batch" "json" "queue" "azure:servicebus",
    "azure/timer" "json" "timer" "azure:timer",
    "fn/call" "json" "raw" "",
    "fn/http" "http" "http" "fn:http",
    "google/firebase-auth" "http" "event" "cloudevents",
    "google/firebase-database" "http" "event" "cloudevents",
    "google/firestore" "http" "event" "cloudevents",
    "google/http" "http" "http" "http",
    "google/legacy-firestore" "json" "table" "google:firestore",
    "google/legacy-pubsub" "json" "topic" "google:pubsub",
    "google/legacy-storage" "json" "storage" "google:storage",
    "google/pubsub" "http" "event" "cloudevents",
    "google/scheduler" "http" "http" "http",
    "google/storage" "http" "event" "cloudevents",
    "google/storage-deleted" "http" "event" "cloudevents",
    "http/http" "http" "http" "http",
    "huawei/apig" "json" "http" "huawei:apig",
    "huawei/cts" "json" "event" "huawei:cts",
    "huawei/dds" "json" "table" "huawei:dds",
    "huawei/dis" "json" "stream" "huawei:dis",
    "huawei/http" "http" "http" "http",
    "huawei/kafka" "json" "stream" "huawei:kafka",
    "huawei/lts" "json" "log" "huawei:lts",
    "huawei/obs" "json" "storage" "huawei:obs",
    "huawei/smn" "json" "topic" "huawei:smn",
    "huawei/timer" "json" "timer" "huawei:timer",
    "knative/event" "http" "event" "cloudevents",
    "knative/event-structured" "http" "event" "cloudevents",
    "knative/http" "http" "http" "http",
    "knative/kafka" "http" "event" "cloudevents",
    "knative/ping" "http" "event" "cloudevents",
    "kubernetes/http" "http" "http" "http",
    "openfaas/cron" "http" "http" "http",
    "openfaas/http" "http" "http" "http",
    "openwhisk/cloudant" "json" "table" "openwhisk:cloudant",
    "openwhisk/kafka" "json" "stream" "openwhisk:kafka",
    "openwhisk/web" "json" "http" "openwhisk:web",
    "tencent/apigateway" "json" "http" "tencent:apigateway",
    "tencent/ckafka" "json" "stream" "tencent:ckafka",
    "tencent/cls" "json" "log" "tencent:cls",
    "tencent/cmq" "json" "topic" "tencent:cmq",
    "tencent/cos" "json" "storage" "tencent:cos",
    "tencent/cos-removed" "json" "storage" "tencent:cos",
    "tencent/function-url" "json" "http" "tencent:url",
    "tencent/http" "http" "http" "http",
    "tencent/timer" "json" "timer" "tencent:timer",
    "vefaas/http" "http" "http" "http",
    "vefaas/timer" "http" "event" "cloudevents",
    "yandex/budget" "json" "event" "yandex:budget",
    "yandex/container-registry" "json" "event" "yandex:container-registry",
    "yandex/http" "json" "http" "yandex:http",
    "yandex/iot" "json" "topic" "yandex:iot",
    "yandex/logging" "json" "log" "yandex:logging",
    "yandex/mail" "json" "event" "yandex:mail",
    "yandex/storage" "json" "storage" "yandex:storage",
    "yandex/storage-deleted" "json" "storage" "yandex:storage",
    "yandex/timer" "json" "timer" "yandex:timer",
    "yandex/ymq" "json" "queue" "yandex:ymq",
}

impl Sample {
    /// Returns its name: a folder for the platform, and the trigger, as `aws/sqs`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the platform that sends it, by its name in `FAAS_PLATFORM`.
    pub fn platform(&self) -> &'static str {
        let folder = self.name.split('/').next().unwrap_or_default();
        faas_core::platform::named(folder).map_or(folder, |names| names.word)
    }

    /// Returns the kind of trigger that the runtime recognises it as: see [`FaasContext::trigger`](crate::FaasContext).
    pub fn trigger(&self) -> &'static str {
        self.trigger
    }

    /// Returns the source that the runtime recognises it as, as `aws:sqs`; empty for an event that nothing recognises.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Returns the file: the event's bytes, or, where the platform sends an HTTP request
    /// ([`is_request`](Self::is_request)), a request line, headers, an empty line and the body, with line feeds.
    pub fn bytes(&self) -> &'static [u8] {
        self.bytes
    }

    /// Returns `true` if the platform sends the event as an HTTP request of its own.
    pub fn is_request(&self) -> bool {
        self.extension == "http"
    }

    /// Makes it an event to invoke a function with, as its platform sends it.
    pub fn invoke(&self) -> Invoke {
        let invoke = if self.is_request() { request(self.bytes) } else { Invoke::event(self.bytes) };
        invoke.on(self.platform())
    }
}

/// Makes a request of its text.
fn request(text: &[u8]) -> Invoke {
    let end = text.windows(2).position(|two| two == b"\n\n").unwrap_or(text.len());
    let head = String::from_utf8_lossy(&text[..end]).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let invoke = headers.fold(Invoke::http(method, target), |invoke, (name, value)| invoke.header(name, value));
    invoke.body(text.get(end + 2..).unwrap_or_default())
}

/// Returns all samples, in the order of their names.
///
/// ```
/// # use handlers_sdk::{FaasContext, function};
/// use handlers_sdk::testing::samples;
///
/// #[function]
/// fn kind(ctx: FaasContext) -> String {
///     ctx.trigger().to_owned()
/// }
///
/// for sample in samples().iter().filter(|sample| sample.platform() == "aws-lambda") {
///     assert_eq!(sample.invoke().run(kind::MODULE).text(), sample.trigger(), "{}", sample.name());
/// }
/// ```
pub fn samples() -> &'static [Sample] {
    SAMPLES
}

/// Returns an event by the name of its sample, ready to invoke a function with: `aws/sqs`, `aliyun/oss`,
/// `google/pubsub`, …
///
/// ```
/// use handlers_sdk::testing::sample;
/// use handlers_sdk::{FaasContext, function};
///
/// #[function]
/// fn kind(ctx: FaasContext) -> String {
///     format!("{} from {}", ctx.trigger(), ctx.source())
/// }
///
/// assert_eq!(sample("aws/sqs").run(kind::MODULE).text(), "queue from aws:sqs");
/// ```
///
/// # Panics
/// There is no such sample: the message names the nearest ones.
pub fn sample(name: &str) -> Invoke {
    let found = SAMPLES.iter().find(|sample| sample.name == name);
    found.map(Sample::invoke).unwrap_or_else(|| {
        let (folder, trigger) = name.split_once('/').unwrap_or((name, name));
        let is_near = |sample: &&Sample| sample.name.split('/').any(|part| part == folder || part == trigger);
        let near: Vec<&str> = SAMPLES.iter().filter(is_near).map(|sample| sample.name).collect();
        panic!("there is no sample {name:?}; near are: {}", near.join(", "))
    })
}
