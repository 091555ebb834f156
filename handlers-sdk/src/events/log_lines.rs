//! [`Log`]: lines of a log, on any platform.

use super::neutral::{json, refused, text_of};
use super::{aliyun, aws, huawei, tencent, yandex};
use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::encoding::time;
use crate::error::Error;
use serde_json::Value;

/// Lines of a log that a subscription sends. It needs the feature `events-log`, which unpacks gzip.
///
/// Alibaba's log service sends no lines but their place. Then there are no lines here, and
/// [`aliyun::Sls`](super::aliyun::Sls) says where to fetch them.
///
/// ```
/// use handlers_sdk::events::Log;
/// use handlers_sdk::function;
/// use handlers_sdk::testing::sample;
///
/// #[function]
/// fn alarms(log: Log) -> String {
///     let bad = log.lines.iter().filter(|line| line.message.contains("no tea"));
///     format!("{} in {}", bad.count(), log.group)
/// }
///
/// assert_eq!(sample("aws/logs").run(alarms::MODULE).text(), "1 in /aws/lambda/orders");
/// assert_eq!(sample("tencent/cls").run(alarms::MODULE).text(), "1 in orders");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Log {
    /// The lines, in the platform's order.
    pub lines: Vec<LogEntry>,
    /// The group, topic or store that they are from.
    pub group: String,
    /// The stream inside of it; empty if the platform does not say it.
    pub stream: String,
    /// The view that has the rest, as `events::aws::CloudWatchLogs`.
    pub view: &'static str,
}

/// A line of a log.
///
/// ```
/// # use handlers_sdk::{function, testing::sample};
/// use handlers_sdk::events::{Log, LogEntry};
///
/// fn is_bad(line: &LogEntry) -> bool {
///     line.level == "ERROR" && line.millis.is_some_and(|millis| millis > 1_767_225_600_000)
/// }
///
/// #[function]
/// fn since_new_year(log: Log) -> String {
///     log.lines.into_iter().filter(is_bad).map(|line| line.message).collect()
/// }
///
/// assert_eq!(sample("yandex/logging").run(since_new_year::MODULE).text(), "no tea");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// The time of the line, in milliseconds since 1970. It is `None` if the platform does not say it.
    pub millis: Option<u64>,
    /// The level: `INFO`, `ERROR`, …; empty if the platform does not say it.
    pub level: String,
    /// The text of the line.
    pub message: String,
}

impl FromInvocation for Log {
    /// Reads the lines. The error is of kind `Runtime.TriggerMismatch` if the event is of no log; `Option<Log>` is
    /// `None` then.
    #[inline]
    fn from_invocation(ctx: &FaasContext) -> Result<Log, Error> {
        let body = ctx.body();
        match ctx.source() {
            "aws:logs" => cloud_watch(body),
            "aliyun:sls" => {
                let source = aliyun::Sls::parse(body)?.source;
                let group = format!("{}/{}", source.project_name, source.logstore_name);
                Ok(Log { group, view: "events::aliyun::Sls", ..Log::default() })
            }
            "huawei:lts" => lts(body),
            "tencent:cls" => cls(body),
            "yandex:logging" => yandex(body),
            _ => Err(refused("an event of a log", ctx)),
        }
    }
}

/// Returns the elements of a list; a value that is no list has no elements.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[inline]
fn cloud_watch(body: &[u8]) -> Result<Log, Error> {
    let bundle = json(&unpacked(&aws::CloudWatchLogs::parse(body)?.compressed()?)?)?;
    let line = |line: &Value| LogEntry {
        millis: line["timestamp"].as_u64(),
        message: text_of(&line["message"]),
        ..LogEntry::default()
    };
    Ok(Log {
        lines: list(&bundle["logEvents"]).map(line).collect(),
        group: text_of(&bundle["logGroup"]),
        stream: text_of(&bundle["logStream"]),
        view: "events::aws::CloudWatchLogs",
    })
}

#[inline]
fn cls(body: &[u8]) -> Result<Log, Error> {
    let bundle = json(&unpacked(&tencent::Cls::parse(body)?.compressed()?)?)?;
    // The times are in microseconds, as texts.
    let micros = |line: &Value| text_of(&line["timestamp"]).parse::<u64>().ok();
    let line = |line: &Value| LogEntry {
        millis: micros(line).map(|micros| micros / 1_000),
        message: text_of(&line["content"]),
        ..LogEntry::default()
    };
    Ok(Log {
        lines: list(&bundle["records"]).map(line).collect(),
        group: text_of(&bundle["topic_name"]),
        view: "events::tencent::Cls",
        ..Log::default()
    })
}

#[inline]
fn lts(body: &[u8]) -> Result<Log, Error> {
    let bundle = json(&huawei::Lts::parse(body)?.lts.data.bytes()?)?;
    // The lines are a list, or the text of one.
    let lines = match &bundle["logs"] {
        Value::String(text) => json(text.as_bytes())?,
        other => other.clone(),
    };
    let line = |line: &Value| LogEntry {
        millis: line["time"].as_u64(),
        message: text_of(&line["message"]),
        ..LogEntry::default()
    };
    Ok(Log {
        lines: list(&lines).map(line).collect(),
        group: text_of(&bundle["log_group_id"]),
        stream: text_of(&bundle["log_topic_id"]),
        view: "events::huawei::Lts",
    })
}

#[inline]
fn yandex(body: &[u8]) -> Result<Log, Error> {
    let batches = yandex::Logging::parse(body)?.messages.into_iter();
    let lines = batches.flat_map(|message| message.details.messages).map(|line| LogEntry {
        millis: time::millis(&line.timestamp),
        level: line.level,
        message: line.message,
    });
    Ok(Log { lines: lines.collect(), view: "events::yandex::Logging", ..Log::default() })
}

/// The number of bytes that a bundle may unpack to: far more than any platform sends in one event.
#[cfg(feature = "events-log")]
const MOST_BYTES: u64 = 64 << 20;

/// Unpacks a stream of gzip.
#[cfg(feature = "events-log")]
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Error> {
    unpacked_to(MOST_BYTES, packed)
}

/// Unpacks a stream of gzip to `most` bytes at most.
#[cfg(feature = "events-log")]
fn unpacked_to(most: u64, packed: &[u8]) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let unfit = |why: String| Error::new("Runtime.UnmarshalError", format!("the bundle of log lines: {why}"));
    let mut out = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(packed).take(most + 1);
    reader.read_to_end(&mut out).map_err(|error| unfit(format!("expected gzip: {error}")))?;
    if out.len() as u64 > most {
        return Err(unfit(format!("it unpacks to more than {most} bytes")));
    }
    Ok(out)
}

/// Refuses a stream of gzip, for builds without the feature that unpacks it.
#[cfg(not(feature = "events-log"))]
fn unpacked(_: &[u8]) -> Result<Vec<u8>, Error> {
    let why = "the bundle of log lines is gzip: build the function with the feature `events-log` of handlers-sdk";
    Err(Error::new("Runtime.Unsupported", why))
}

#[cfg(all(test, feature = "events-log"))]
mod tests {
    use super::unpacked_to;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    #[test]
    fn a_bundle_is_unpacked_up_to_a_limit_and_a_torn_one_refused() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&[0; 100_000]).expect("memory");
        let packed = encoder.finish().expect("memory");
        assert!(packed.len() < 1_000);
        assert_eq!(unpacked_to(100_000, &packed).expect("it fits").len(), 100_000);
        let error = unpacked_to(99_999, &packed).expect_err("too large");
        assert_eq!(error.message(), "the bundle of log lines: it unpacks to more than 99999 bytes");
        for torn in [&packed[..packed.len() - 9], b"", b"{}"] {
            assert!(unpacked_to(100_000, torn).expect_err("torn").message().contains("expected gzip"), "{torn:?}");
        }
    }
}
