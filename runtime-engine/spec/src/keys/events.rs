//! The kinds of events, and the keys of each.

use super::{Effect, Key, Object, Shape, deployment, manifest, nothing};

/// One kind of event, by the word that stands for it.
#[derive(Debug)]
pub struct EventKey {
    /// The word for the kind: `http`.
    pub word: &'static str,
    /// The kinds of the manifest's events that it becomes; empty if it has no effect.
    pub kinds: &'static [&'static str],
    /// The key whose value names the source of the event; empty if there is no such key.
    pub source: &'static str,
    /// The keys of such an event.
    pub object: &'static Object,
    /// The purpose of the kind.
    pub doc: &'static str,
    /// The reason why it has no effect here; empty if it has one.
    pub nothing: &'static str,
}

const ROLE: Key = deployment("role", Shape::Text, "The role that the platform takes to call the function.");
const VERSION: Key = deployment("version", Shape::Text, "The version or alias of the function that is called.");
const ENABLE: Key = deployment("enable", Shape::Bool, "`false`: the trigger is there and switched off.").or("true");
const NAME: Key = deployment("name", Shape::Text, "The name of the trigger.");
const SOURCE: Key = manifest(
    "source",
    Shape::Text,
    "`source`",
    "What the events come from, by its name. Without it the function takes the events of every source.",
);

static HTTP: Object = Object {
    what: "an http event",
    keys: &[
        manifest(
            "path",
            Shape::Route,
            "`path`",
            "The path, with `:name` or `{name}` for a segment and a last `*` for the rest.",
        )
        .or("every path"),
        manifest("method", Shape::OneOrMany(&Shape::Method), "`method`", "The methods.").or("every method"),
        NAME,
        ROLE,
        VERSION,
        deployment("serviceId", Shape::Text, "The API gateway that the route is added to.")
            .on(&[("tencent-scf", "serviceId")]),
        deployment("cors", Shape::Either(&[Shape::Bool, Shape::Any]), "Whether the gateway answers preflights."),
        deployment("timeout", Shape::Time, "How long the gateway waits for the function."),
        deployment(
            "integratedResponse",
            Shape::Bool,
            "`true`: the gateway takes status and headers from the function's reply.",
        )
        .or("true"),
        deployment(
            "authType",
            Shape::Choice(&["anonymous", "function"]),
            "Whether the platform lets anybody call the trigger.",
        ),
    ],
};

static TIMER: Object = Object {
    what: "a timer",
    keys: &[
        manifest(
            "name",
            Shape::Name,
            "`source`",
            "The name of the timer. Without it, one timer alone takes the events of every one, and of several each is called like its function, with `-timer`.",
        ),
        deployment("type", Shape::Choice(&["cron", "every", "interval"]), "What `value` is.").or("cron"),
        manifest("value", Shape::Text, "`cron` or `every`", "When: a cron expression, or a span of time such as 5m."),
        manifest("cron", Shape::Text, "`cron`", "When, as a cron expression; the same as `type: cron` with `value`."),
        manifest(
            "every",
            Shape::Time,
            "`every`",
            "How often, as a span of time; the same as `type: every` with `value`.",
        ),
        manifest("timezone", Shape::Text, "`timezone`", "The time zone of the expression, by its IANA name.").or("UTC"),
        manifest(
            "days",
            Shape::Choice(&["or", "and"]),
            "`days`",
            "What is meant if days of the month and of the week are both given: days of either kind, or of both.",
        ),
        deployment("payload", Shape::Any, "What the event carries."),
        VERSION,
        ENABLE,
    ],
};

static STORAGE: Object = Object {
    what: "an event of a bucket",
    keys: &[
        manifest("bucket", Shape::Text, "`source`", "The bucket."),
        NAME,
        deployment("events", Shape::OneOrMany(&Shape::Text), "What has to happen to an object."),
        deployment("filter", Shape::Object(&FILTER), "Which objects."),
        ENABLE,
        ROLE,
        VERSION,
    ],
};

static FILTER: Object = Object {
    what: "a filter of objects",
    keys: &[
        deployment("prefix", Shape::Text, "How their keys begin."),
        deployment("suffix", Shape::Text, "How their keys end."),
    ],
};

static MESSAGES: Object = Object {
    what: "an event of a queue or topic",
    keys: &[
        manifest("topic", Shape::Text, "`source`", "The topic or queue."),
        NAME,
        deployment("tags", Shape::OneOrMany(&Shape::Text), "The tags of the messages that are wanted."),
        deployment("region", Shape::Text, "The region of the topic."),
        deployment("strategy", Shape::Text, "How calls are tried again.").or("BACKOFF_RETRY"),
        ROLE,
        VERSION,
        ENABLE,
    ],
};

static QUEUE: Object = Object {
    what: "an event of a queue",
    keys: &[
        SOURCE,
        NAME,
        deployment(
            "batchSize",
            Shape::Int { least: 1, most: 10_000, unit: "of messages" },
            "The most messages of one event.",
        ),
        ENABLE,
        ROLE,
    ],
};

static LOG: Object = Object {
    what: "an event of a log",
    keys: &[
        manifest("source", Shape::Text, "`source`", "The log store whose lines are delivered."),
        deployment("project", Shape::Text, "The log project."),
        deployment("log", Shape::Text, "Where the trigger itself logs."),
        deployment("retryTime", Shape::Int { least: 0, most: 100, unit: "" }, "How often a call is tried again.")
            .or("1"),
        deployment(
            "interval",
            Shape::Int { least: 1, most: 600, unit: "of seconds" },
            "How often lines are delivered.",
        )
        .or("30"),
        ROLE,
        VERSION,
    ],
};

static BUS: Object = Object {
    what: "an event of a bus",
    keys: &[SOURCE, manifest("type", Shape::Text, "`type`", "The type of the event. Without it: every type."), ENABLE],
};

static PLAIN: Object = Object { what: "an event of this kind", keys: &[SOURCE, NAME, ENABLE] };

static KAFKA: Object = Object {
    what: "an event of Kafka",
    keys: &[
        manifest("topic", Shape::Text, "`source`", "The topic."),
        NAME,
        deployment("group", Shape::Text, "The consumer group."),
        ENABLE,
    ],
};

static TABLE: Object = Object {
    what: "an event of a table",
    keys: &[
        manifest("table", Shape::Text, "`source`", "The table."),
        deployment("instance", Shape::Text, "The instance or database that has the table."),
        NAME,
        ENABLE,
    ],
};

static NONE: Object = Object {
    what: "an event of this kind",
    keys: &[nothing("name", Shape::Text, "the event comes to nothing", "The name of the trigger.")],
};

const fn event(
    word: &'static str,
    kinds: &'static [&'static str],
    source: &'static str,
    object: &'static Object,
    doc: &'static str,
) -> EventKey {
    EventKey { word, kinds, source, object, doc, nothing: "" }
}

const fn without(word: &'static str, doc: &'static str, why: &'static str) -> EventKey {
    EventKey { word, kinds: &[], source: "", object: &NONE, doc, nothing: why }
}

/// All kinds of events. The first word of each line is the one to write.
pub static KINDS: &[EventKey] = &[
    event("http", &["http"], "", &HTTP, "Requests."),
    event("apigw", &["http"], "", &HTTP, "The same as `http`."),
    event("timer", &["timer"], "name", &TIMER, "A schedule."),
    event("schedule", &["timer"], "name", &TIMER, "The same as `timer`."),
    event("storage", &["storage"], "bucket", &STORAGE, "What happens to the objects of a bucket."),
    event("os", &["storage"], "bucket", &STORAGE, "The same as `storage`."),
    event("oss", &["storage"], "bucket", &STORAGE, "The same as `storage`."),
    event("cos", &["storage"], "bucket", &STORAGE, "The same as `storage`."),
    event("s3", &["storage"], "bucket", &STORAGE, "The same as `storage`."),
    event("queue", &["queue"], "source", &QUEUE, "Messages of a queue."),
    event("topic", &["topic"], "source", &QUEUE, "Messages of a topic."),
    event("mq", &["queue", "topic"], "topic", &MESSAGES, "Messages of a topic or queue, as midway has them."),
    event("cmq", &["queue", "topic"], "topic", &MESSAGES, "The same as `mq`."),
    event("kafka", &["stream"], "topic", &KAFKA, "Records of a topic of Kafka."),
    event("stream", &["stream"], "source", &PLAIN, "Records of a stream."),
    event("log", &["log"], "source", &LOG, "Log lines."),
    event("table", &["table"], "table", &TABLE, "Changes of a table."),
    event("tablestore", &["table"], "table", &TABLE, "The same as `table`."),
    event("rds", &["table"], "table", &TABLE, "Changes of a relational database, where the platform delivers them."),
    event("event", &["event"], "source", &BUS, "Events of a bus, CloudEvents among them."),
    event("cdn", &["event"], "source", &PLAIN, "Events of a CDN."),
    event("websocket", &["websocket"], "source", &PLAIN, "Connections and messages of a WebSocket."),
    event("authorizer", &["authorizer"], "source", &PLAIN, "Questions whether a request may pass."),
    event("raw", &["raw"], "", &NONE_OF_RAW, "What is nothing of all that: bytes."),
    without("hsf", "Calls of Alibaba's own RPC.", "no platform outside of Alibaba has such a trigger"),
    without("mtop", "Calls of Alibaba's own mobile gateway.", "no platform outside of Alibaba has such a trigger"),
    without("ssr", "Pages that midway renders.", "it is a trigger of midway's own gateway; write `http`"),
];

static NONE_OF_RAW: Object = Object { what: "a raw event", keys: &[] };

/// The word of each kind, as a key of an element of `events`.
pub static EVENT: Object = Object { what: "an event", keys: &[] };

impl EventKey {
    /// Returns the kind of event that a word stands for; `None` if there is none.
    pub fn of(word: &str) -> Option<&'static EventKey> {
        KINDS.iter().find(|kind| kind.word == word)
    }

    /// Returns the effect of the kind.
    pub fn effect(&self) -> Effect {
        if self.nothing.is_empty() { Effect::Manifest("an event") } else { Effect::Nothing(self.nothing) }
    }
}
