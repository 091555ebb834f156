//! Every key of a manifest, in one table: what its value has to be, and what it means. The reader, the hints at
//! misspelt keys and the tables of `docs/manifest.md` are made from it.

use crate::trigger::Kind;

/// One key of an object.
#[derive(Debug)]
pub struct ManifestKey {
    /// The key as a manifest writes it.
    pub name: &'static str,
    /// The form that its value has to have, as it stands behind "expected" in a mistake.
    pub expects: &'static str,
    /// `true` if the object has to have it.
    pub required: bool,
    /// The meaning of the key, a sentence of the documentation.
    pub meaning: &'static str,
}

/// All keys of one kind of object. Keys that begin with `x-` are allowed beside them and ignored.
#[derive(Debug)]
pub struct ManifestObject<const N: usize> {
    /// The name of the object, with its article.
    pub what: &'static str,
    /// The keys that the object may have.
    pub keys: [ManifestKey; N],
}

const fn may(name: &'static str, expects: &'static str, meaning: &'static str) -> ManifestKey {
    ManifestKey { name, expects, required: false, meaning }
}

const fn must(name: &'static str, expects: &'static str, meaning: &'static str) -> ManifestKey {
    ManifestKey { name, expects, required: true, meaning }
}

const DURATION: &str = "a duration such as 30s, 500ms or 1m30s, or a whole number of seconds, of at most 8760h";
const LAYERS: &str = "an array of layers";
const FILTER: &str = "true or an object";

/// The object that the whole text is.
pub static MANIFEST: ManifestObject<7> = ManifestObject {
    what: "the manifest",
    keys: [
        must("version", "1, the only version that this runtime reads", "The version of the manifest's format."),
        may("name", "a name that is not empty", "The name of the unit, for logs."),
        may(
            "digest",
            "a digest such as sha256:…",
            "The digest of the file that the manifest was made from. It is kept as it stands.",
        ),
        may(
            "layers",
            LAYERS,
            "The layers around every function, outermost first. `FAAS_LAYERS` has the same form in one line.",
        ),
        may("routing", "an object", "How paths are compared."),
        may(
            "default",
            "the name of a function",
            "The function that serves what no route and no event of another one claims.",
        ),
        must("functions", "an array of functions", "The functions, at least one and at most 10,000."),
    ],
};

/// The object behind the key `routing`.
pub static ROUTING: ManifestObject<2> = ManifestObject {
    what: "the routing",
    keys: [
        may(
            "trailingSlash",
            "\"ignore\" or \"strict\"",
            "`ignore`, the default: `/orders` and `/orders/` are the same path.",
        ),
        may(
            "case",
            "\"sensitive\" or \"insensitive\"",
            "`sensitive`, the default: `/orders` and `/Orders` are two paths.",
        ),
    ],
};

/// An element of `layers` that is not just a name.
pub static LAYER: ManifestObject<3> = ManifestObject {
    what: "a layer",
    keys: [
        must(
            "name",
            "`library` or `library.layer`",
            "Which layer. A text in the place of the object is its name alone.",
        ),
        may("config", "any JSON", "Its configuration, handed to it exactly as it stands here."),
        may(
            "optional",
            "true or false",
            "`true`: what fails in the layer is skipped and logged. The default is `false`.",
        ),
    ],
};

/// The object that each element of `functions` is.
pub static FUNCTION: ManifestObject<11> = ManifestObject {
    what: "a function",
    keys: [
        must("name", "a name of letters, digits, `_`, `.` and `-`", "Its name, which no other function has."),
        may("handler", "`library` or `library.function`", "Where its code is. The default is its name."),
        may("config", "any JSON", "Its configuration, handed to it exactly as it stands here."),
        may(
            "environment",
            "an object of names and values",
            "Variables of the environment. Values are strings; of numbers and booleans the text is taken.",
        ),
        may("timeout", DURATION, "How long an invocation may take; 0 is no limit."),
        may("concurrency", "a whole number of at least 1", "How many of its invocations run at once."),
        may(
            "start",
            "\"eager\" or \"lazy\"",
            "`eager`, the default: it starts with the process. `lazy`: it starts on its first invocation.",
        ),
        may("layers", LAYERS, "The layers around this function alone, outermost first, inside those of the unit."),
        may(
            "fence",
            "false or an object with failures and for",
            "When the function is left alone for a while because it keeps failing. `false`: never.",
        ),
        may("records", "an object", "How it is called for the records of a batch, if it takes one at a time."),
        may("events", "an array of events", "What it serves."),
    ],
};

/// The object behind the key `fence`.
pub static FENCE: ManifestObject<2> = ManifestObject {
    what: "a fence",
    keys: [
        must("failures", "a whole number from 1 to 4294967295", "How many failures in a row close the fence."),
        must("for", DURATION, "How long it stays closed; more than 0."),
    ],
};

/// The object behind the key `records`.
pub static RECORDS: ManifestObject<2> = ManifestObject {
    what: "a rule for records",
    keys: [
        may(
            "concurrency",
            "a whole number of at least 1",
            "How many records of a batch run at once. The default is that of `FAAS_RECORD_CONCURRENCY`.",
        ),
        may(
            "failures",
            "\"report\", \"fail\" or \"log\"",
            "What becomes of a batch of which some records failed. The default is that of `FAAS_RECORD_FAILURES`.",
        ),
    ],
};

/// An element of `events`: exactly one of these keys, which are the words of `KINDS`.
pub static EVENT: ManifestObject<12> = ManifestObject {
    what: "an event",
    keys: [
        may("http", FILTER, "Requests."),
        may("timer", FILTER, "A schedule."),
        may("queue", FILTER, "Messages of a queue."),
        may("topic", FILTER, "Messages of a topic."),
        may("storage", FILTER, "What happened to the objects of a bucket."),
        may("log", FILTER, "Log lines."),
        may("stream", FILTER, "Records of a stream."),
        may("table", FILTER, "Changes of a table."),
        may("event", FILTER, "Events of a bus, CloudEvents among them."),
        may("websocket", FILTER, "Connections and messages of a WebSocket."),
        may("authorizer", FILTER, "Questions whether a request may pass."),
        may("raw", FILTER, "What is nothing of all that: bytes."),
    ],
};

/// The kinds of [`EVENT`], in its order.
pub(super) static KINDS: [Kind; 12] = [
    Kind::Http,
    Kind::Timer,
    Kind::Queue,
    Kind::Topic,
    Kind::Storage,
    Kind::Log,
    Kind::Stream,
    Kind::Table,
    Kind::Event,
    Kind::WebSocket,
    Kind::Authorizer,
    Kind::Raw,
];

/// The object behind the key `http`.
pub static HTTP: ManifestObject<2> = ManifestObject {
    what: "an http event",
    keys: [
        may(
            "path",
            "a path that begins with /",
            "The path, with `:name` for a segment and a last `*` for the rest. Without it: every path.",
        ),
        may(
            "method",
            "a method, or an array of methods",
            "The methods, in any case. Without it, with `any` or `*`: every method.",
        ),
    ],
};

const SOURCE_KEY: ManifestKey = may(
    "source",
    "a name that is not empty",
    "Which one: the name of the schedule, queue, topic, bucket and so on. Without it: every one.",
);

/// The object of the other kinds of events.
pub static SOURCE: ManifestObject<1> = ManifestObject { what: "an event of this kind", keys: [SOURCE_KEY] };

/// The object behind the key `timer`.
pub static TIMER: ManifestObject<5> = ManifestObject {
    what: "a timer",
    keys: [
        SOURCE_KEY,
        may(
            "cron",
            "a schedule that is not empty",
            "When it is due. It is for whoever sets the schedule up: the runtime does not look at it.",
        ),
        may("every", "a duration that is not empty", "The same as the time between two, `5m`."),
        may(
            "days",
            "`or` or `and`",
            "Where `cron` has days of the month and of the week: `or`: on either. `and`: on days that are both.",
        ),
        may("timezone", "the name of a time zone", "The time zone of `cron`, as `Europe/Berlin`. Without it: UTC."),
    ],
};

/// The object behind the key `storage`.
pub static STORAGE: ManifestObject<2> = ManifestObject {
    what: "a change of a bucket",
    keys: [
        SOURCE_KEY,
        may(
            "events",
            "an array of texts that are not empty",
            "What has to happen to an object, in the platform's words. It is for whoever sets the trigger up: the runtime \
             does not look at it.",
        ),
    ],
};

/// The object behind the key `event`.
pub static BUS: ManifestObject<2> = ManifestObject {
    what: "an event of a bus",
    keys: [SOURCE_KEY, may("type", "a type that is not empty", "The type of the event. Without it: every type.")],
};

/// The object that `raw` may be, if it is not just `true`.
pub static RAW: ManifestObject<0> = ManifestObject { what: "a raw event", keys: [] };

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    const BEGIN: &str = "<!-- The keys of the reader's table begin. -->\n";
    const END: &str = "<!-- The keys of the reader's table end. -->\n";

    fn section(out: &mut String, title: &str, keys: &[ManifestKey]) {
        write!(out, "\n### {title}\n\n| key | expected | meaning |\n|---|---|---|\n").expect("a text takes all");
        for key in keys {
            let needed = if key.required { " (required)" } else { "" };
            writeln!(out, "| `{}`{needed} | {} | {} |", key.name, key.expects, key.meaning).expect("a text takes all");
        }
    }

    fn tables() -> String {
        let mut out = String::new();
        section(&mut out, "The manifest", &MANIFEST.keys);
        section(&mut out, "`routing`", &ROUTING.keys);
        section(&mut out, "An element of `functions`", &FUNCTION.keys);
        section(&mut out, "An element of `layers`", &LAYER.keys);
        section(&mut out, "`fence`", &FENCE.keys);
        section(&mut out, "`records`", &RECORDS.keys);
        section(&mut out, "An element of `events`", &EVENT.keys);
        section(&mut out, "`http`", &HTTP.keys);
        section(&mut out, "`timer`", &TIMER.keys);
        section(&mut out, "`storage`", &STORAGE.keys);
        section(&mut out, "`event`", &BUS.keys);
        section(&mut out, "Every other kind of event but `raw`", &SOURCE.keys);
        out.push('\n');
        out
    }

    #[test]
    fn the_page_has_the_keys_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/manifest.md");
        let page = std::fs::read_to_string(path).expect("the page is there");
        let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the tables");
        let (written, after) = rest.split_once(END).expect("the tables end");
        let made = tables();
        if std::env::var_os("FAAS_REWRITE").is_some() {
            std::fs::write(path, format!("{before}{BEGIN}{made}{END}{after}")).expect("the page can be written");
            return;
        }
        assert_eq!(written, made, "docs/manifest.md; FAAS_REWRITE=1 writes it anew");
    }

    #[test]
    fn the_kinds_of_events_are_the_words_of_the_triggers() {
        for (key, kind) in EVENT.keys.iter().zip(KINDS) {
            assert_eq!(key.name, kind.word());
        }
    }
}
