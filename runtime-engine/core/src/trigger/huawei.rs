//! Events of Huawei FunctionGraph, told apart by their shape. Source: FunctionGraph's developer guide, supported event
//! sources, and the types that a partner has published for its Go runtime.
//!
//! | mark | kind | source |
//! |---|---|---|
//! | `httpMethod` beside `requestContext.apiId` | http | `huawei:apig` |
//! | `trigger_type` of TIMER | timer | `huawei:timer` |
//! | `trigger_type` of KAFKA | stream | `huawei:kafka` |
//! | `record`, the first with `smn` | topic | `huawei:smn` |
//! | `Records`, the first with `s3` from OBS | storage | `huawei:obs` |
//! | `ShardID` or `StreamName` beside `Message` | stream | `huawei:dis` |
//! | `lts.data` | log | `huawei:lts` |
//! | `cts` | event | `huawei:cts` |
//! | `records`, the first with `dds` | table | `huawei:dds` |
//!
//! Three spellings of records are three sources. Bodies of API Gateway are base64 unless it says otherwise, and its own
//! test event says so of a plain text: what does not decode is the text.

use super::aws::read::{body_of, map, text};
use super::members::members;
use super::{DecodedEvent, HttpView, Kind, ReplyFormat, SpareView};
use crate::json::{Object, Value, ValueKind as Json};

/// Returns the event decoded if it is one of these. The spare view is taken only then.
pub(super) fn recognise(bytes: &[u8], object: &Object<'_, '_>, spare: &mut SpareView) -> Option<DecodedEvent> {
    let event = Event::of(object.members());
    if event.method.is_none() || event.in_context("apiId").is_none() {
        return event.service().map(|(kind, source)| DecodedEvent::bare(kind, source));
    }
    let mut view = spare.take();
    event.fill(bytes, &mut view);
    Some(DecodedEvent::request(Kind::Http, "huawei:apig", ReplyFormat::Plain, view))
}

members! {
    /// The members that tell the kind of an event.
    Event {
        method = "httpMethod",
        path = "path",
        headers = "headers",
        query = "queryStringParameters",
        params = "pathParameters",
        body = "body",
        base64 = "isBase64Encoded",
        context = "requestContext",
        trigger = "trigger_type",
        smn_records = "record",
        obs_records = "Records",
        dds_records = "records",
        shard = "ShardID" | "StreamName",
        message = "Message",
        logs = "lts",
        traces = "cts",
    }
}

impl<'a> Event<'a> {
    fn in_context(&self, member: &str) -> Option<Value<'a>> {
        self.context.and_then(|context| context.get(member)).filter(|value| !value.is_null())
    }

    fn service(&self) -> Option<(Kind, &'static str)> {
        match self.trigger.and_then(|kind| kind.as_str()).as_deref() {
            Some("TIMER") => return Some((Kind::Timer, "huawei:timer")),
            Some("KAFKA") => return Some((Kind::Stream, "huawei:kafka")),
            _ => {}
        }
        let is_object = |value: Option<Value<'_>>| value.is_some_and(|value| value.kind() == Json::Object);
        let first = |records: Option<Value<'a>>| records.and_then(|records| records.elements().next());
        let in_first = |records, member| first(records).and_then(|record| record.get(member));
        let is_obs = || {
            let source = in_first(self.obs_records, "eventSource").and_then(|source| source.as_str());
            source.is_some_and(|source| source.eq_ignore_ascii_case("OBS"))
        };
        Some(if is_object(in_first(self.smn_records, "smn")) {
            (Kind::Topic, "huawei:smn")
        } else if is_object(in_first(self.obs_records, "s3")) && is_obs() {
            (Kind::Storage, "huawei:obs")
        } else if is_object(in_first(self.dds_records, "dds")) {
            (Kind::Table, "huawei:dds")
        } else if self.shard.is_some() && is_object(self.message) {
            (Kind::Stream, "huawei:dis")
        } else if self.logs.is_some_and(|logs| logs.get("data").is_some()) {
            (Kind::Log, "huawei:lts")
        } else if is_object(self.traces) {
            (Kind::Event, "huawei:cts")
        } else {
            return None;
        })
    }

    fn fill(&self, bytes: &[u8], view: &mut HttpView) {
        text(self.method, |t| view.set_method(t));
        text(self.path, |t| view.set_coded_path(t));
        map(self.query, &mut view.query);
        view.encode_query();
        map(self.headers, &mut view.headers);
        map(self.params, &mut view.params);
        text(self.in_context("sourceIp"), |t| view.set_client_ip(t));
        view.read_client_of(b"x-real-ip");
        view.read_way(b"https");
        let coded = self.base64.and_then(|flag| flag.as_bool()) == Some(true);
        view.body = body_of(bytes, self.body, coded);
    }
}

#[cfg(test)]
mod tests;
