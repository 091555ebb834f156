//! Events of Tencent SCF, told apart by their shape. Source: SCF's help pages on triggers and the vendor's published Go
//! library.
//!
//! | mark | kind | source |
//! |---|---|---|
//! | `httpMethod` and `path` beside `requestContext.serviceId` | http | `tencent:apigateway` |
//! | `httpMethod` and `path` beside `queryString`, or beside a header that begins with `x-scf-` | http | `tencent:url` |
//! | `Type` of Timer, `TriggerName` | timer | `tencent:timer` |
//! | `Records`, the first with `cos` | storage | `tencent:cos` |
//! | `Records`, the first with `CMQ` | topic | `tencent:cmq` |
//! | `Records`, the first with `Ckafka` | stream | `tencent:ckafka` |
//! | `clslogs` | log | `tencent:cls` |
//!
//! Queries stand decoded in `queryString`: a text, a list where a name repeats, `true` for a name without a value. The
//! maps with longer names hold only what an API declares, and are not read.

use super::aws::read::{body_of, each_text, map, text};
use super::members::members;
use super::{DecodedEvent, HttpView, Kind, ReplyFormat, SpareView};
use crate::json::{Object, Value, ValueKind as Json};

/// Returns the event decoded if it is one of these. The spare view is taken only then.
pub(super) fn recognise(bytes: &[u8], object: &Object<'_, '_>, spare: &mut SpareView) -> Option<DecodedEvent> {
    let event = Event::of(object.members());
    let Some(source) = event.http_source() else {
        return event.service().map(|(kind, source)| DecodedEvent::bare(kind, source));
    };
    let mut view = spare.take();
    event.fill(bytes, &mut view);
    Some(DecodedEvent::request(Kind::Http, source, ReplyFormat::Plain, view))
}

members! {
    /// The members that tell the kind of an event.
    Event {
        method = "httpMethod",
        path = "path",
        headers = "headers",
        query = "queryString",
        params = "pathParameters",
        body = "body",
        base64 = "isBase64Encoded",
        context = "requestContext",
        kind = "Type",
        trigger = "TriggerName",
        records = "Records",
        logs = "clslogs",
    }
}

impl<'a> Event<'a> {
    fn in_context(&self, member: &str) -> Option<Value<'a>> {
        self.context.and_then(|context| context.get(member)).filter(|value| !value.is_null())
    }

    fn http_source(&self) -> Option<&'static str> {
        let is_text = |value: Option<Value<'_>>| value.is_some_and(|value| value.kind() == Json::String);
        if !is_text(self.method) || !is_text(self.path) {
            return None;
        }
        if self.in_context("serviceId").is_some() {
            return Some("tencent:apigateway");
        }
        // Huawei's gateway names its API, Alibaba's and AWS' have maps of other names.
        let is_own = |name: &str| name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-scf-"));
        let has_own = || self.headers.is_some_and(|map| map.members().any(|(key, _)| is_own(&key.as_str())));
        (self.in_context("apiId").is_none() && (self.query.is_some() || has_own())).then_some("tencent:url")
    }

    fn service(&self) -> Option<(Kind, &'static str)> {
        if self.trigger.is_some() && self.kind.and_then(|kind| kind.as_str()).as_deref() == Some("Timer") {
            return Some((Kind::Timer, "tencent:timer"));
        }
        if self.logs.is_some() {
            return Some((Kind::Log, "tencent:cls"));
        }
        let first = self.records?.elements().next()?;
        let has = |member| first.get(member).is_some_and(|value| value.kind() == Json::Object);
        if has("cos") {
            Some((Kind::Storage, "tencent:cos"))
        } else if has("CMQ") {
            Some((Kind::Topic, "tencent:cmq"))
        } else if has("Ckafka") {
            Some((Kind::Stream, "tencent:ckafka"))
        } else {
            None
        }
    }

    fn fill(&self, bytes: &[u8], view: &mut HttpView) {
        text(self.method, |t| view.set_method(t));
        text(self.path, |t| view.set_coded_path(t));
        for (key, value) in self.query.iter().flat_map(|query| query.members()) {
            // A name without a value, and no text `true`.
            if value.as_bool() == Some(true) {
                view.query.add_pair_with(|name| key.append_to(name), |_| {});
                continue;
            }
            each_text(value, |text| {
                view.query.add_pair_with(|name| key.append_to(name), |out| out.extend_from_slice(text));
            });
        }
        view.encode_query();
        map(self.headers, &mut view.headers);
        map(self.params, &mut view.params);
        // The path as the API defines it.
        text(self.in_context("path"), |t| view.set_route(t));
        text(self.in_context("sourceIp"), |t| view.set_client_ip(t));
        // The platform sets it, and lets no client send a header of such a name.
        if view.client_ip().is_empty()
            && let Some(address) = view.header(b"x-scf-remote-addr").map(<[u8]>::to_vec)
        {
            view.set_client_ip(&address);
        }
        view.read_way(b"https");
        let coded = self.base64.and_then(|flag| flag.as_bool()) == Some(true);
        view.body = body_of(bytes, self.body, coded);
    }
}

#[cfg(test)]
mod tests;
