//! Events of AWS, told apart by their shape: who sent it is not asked, what nothing knows is left to others.
//!
//! The first mark in this order decides. Fields may be null, missing, extra or of another type; only the mark is
//! needed.
//!
//! | mark | kind | source |
//! |---|---|---|
//! | `methodArn`, `routeArn`, and the other authorizers' own members (`authorizer`) | authorizer | `aws:apigateway:authorizer:…`, … |
//! | `requestContext.connectionId` | websocket | `aws:apigateway:websocket` |
//! | `requestContext.elb` | http | `aws:alb` |
//! | `requestContext.http`; or `rawPath` with version 2.0 | http | `aws:apigateway:v2`, `aws:lambda-url` |
//! | `resource`, `requestContext.resourceId` or `.resourcePath`, or version 1.0, beside method and path | http | `aws:apigateway:v1` |
//! | an ARN of VPC Lattice in `requestContext`, beside method or path | http | `aws:vpc-lattice:v2` |
//! | `raw_path` and `method` | http | `aws:vpc-lattice:v1` |
//! | what `services` lists | timer, queue, … | `aws:…` |

mod alb;
mod apigateway;
mod authorizer;
mod lattice;
mod members;
pub(super) mod read;
mod services;
mod websocket;

use super::view::{HttpView, SpareView};
use super::{DecodedEvent, ReplyFormat};
use crate::json::Object;
use members::{Event, Source};

/// Returns the event decoded if it is one of AWS'. The spare view is taken only then.
pub(super) fn recognise(bytes: &[u8], object: &Object<'_, '_>, spare: &mut SpareView) -> Option<DecodedEvent> {
    let event = Event::of(bytes, object);
    if let Some(source) = authorizer::recognise(&event) {
        return Some(bare(source));
    }
    let request = websocket::recognise(&event)
        .or_else(|| alb::recognise(&event))
        .or_else(|| apigateway::recognise(&event))
        .or_else(|| lattice::recognise(&event));
    let Some(((kind, source), form, fill)) = request else { return services::recognise(&event).map(bare) };
    let mut view = spare.take();
    fill(&event, &mut view);
    Some(DecodedEvent::request(kind, source, form, view))
}

/// A function that fills an empty view from an event.
type Fill = fn(&Event<'_>, &mut HttpView);

/// The source of a family of requests, the form of its replies, and the function that fills the view.
type Request = (Source, ReplyFormat, Fill);

fn bare((kind, source): Source) -> DecodedEvent {
    DecodedEvent::bare(kind, source)
}

#[cfg(test)]
pub(super) mod testing {
    use crate::fields::Fields;
    use crate::trigger::{Body, DecodedEvent, HttpView, Kind, SpareView};

    /// Decodes an event.
    pub(in crate::trigger) fn read(event: &str) -> DecodedEvent {
        DecodedEvent::of_event(event.as_bytes(), &mut SpareView::trusting(1))
    }

    /// Reads an event that carries a request from this source.
    pub(in crate::trigger) fn request(event: &str, source: &str) -> Box<HttpView> {
        let decoded = read(event);
        assert_eq!(decoded.source, source, "{event}");
        decoded.http.unwrap_or_else(|| panic!("no request in {event}"))
    }

    /// Returns the kind and the source of an event.
    pub(in crate::trigger) fn kind(event: &str) -> (Kind, &'static str) {
        let decoded = read(event);
        (decoded.kind, decoded.source)
    }

    pub(in crate::trigger) fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("text")
    }

    /// Returns the fields as `name=value`, joined by commas.
    pub(in crate::trigger) fn pairs(fields: &Fields) -> String {
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect();
        pairs.join(",")
    }

    /// Returns the body of the request in an event.
    pub(in crate::trigger) fn body(event: &str) -> String {
        let decoded = read(event);
        let view = decoded.http.as_ref().expect("a request");
        let body = match &view.body {
            Body::Empty => &[],
            Body::Whole => event.as_bytes(),
            Body::Part(span) => span.read(event.as_bytes()),
            Body::Own(bytes) => bytes,
        };
        text(body).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{kind, read};
    use crate::trigger::{DecodedEvent, Kind, ReplyFormat, SpareView};

    #[test]
    fn what_is_no_object_or_no_json_is_raw() {
        for event in [
            "",
            " ",
            "null",
            "1",
            "\"{}\"",
            "[{\"Records\":[]}]",
            "{",
            "{\"a\":1}{",
            "{\"Records\":[{\"eventSource\":\"aws:sqs\"}]",
        ] {
            assert_eq!(kind(event), (Kind::Raw, ""), "{event}");
        }
        let mut broken = br#"{"requestContext":{"elb":{}},"path":"/"#.to_vec();
        broken.push(0xff);
        broken.extend_from_slice(b"\"}");
        assert_eq!(DecodedEvent::of_event(&broken, &mut SpareView::trusting(1)).kind, Kind::Raw);
    }

    #[test]
    fn objects_that_no_source_marks_are_raw() {
        for event in [
            "{}",
            r#"{"requestContext":null}"#,
            r#"{"requestContext":{"elb":null,"http":null,"connectionId":null}}"#,
            r#"{"httpMethod":"GET","path":"/","headers":{},"requestContext":{"stage":"RELEASE"}}"#,
            r#"{"rawPath":"/"}"#,
            r#"{"resource":"/"}"#,
            r#"{"Records":[]}"#,
            r#"{"Records":{"eventSource":"aws:sqs"}}"#,
            r#"{"type":"REQUEST"}"#,
        ] {
            assert_eq!(kind(event), (Kind::Raw, ""), "{event}");
        }
    }

    #[test]
    fn a_view_that_is_used_again_keeps_nothing() {
        let first = read(
            r#"{"requestContext":{"elb":{}},"httpMethod":"PUT","path":"/x","headers":{"a":"b","cookie":"c=d","host":"h","x-forwarded-for":"1.2.3.4"},"queryStringParameters":{"q":"1"},"body":"full"}"#,
        );
        let again = DecodedEvent::of_event(
            br#"{"requestContext":{"elb":{}}}"#,
            &mut SpareView::used(first.http.expect("a request")),
        );
        let view = again.http.expect("a request");
        assert_eq!(again.form, ReplyFormat::Alb);
        for text in [view.method(), view.raw_query(), view.host(), view.client_ip()] {
            assert_eq!(text, b"");
        }
        assert_eq!((view.path(), view.raw_path()), (&b"/"[..], &b"/"[..]));
        assert!(view.headers.is_empty() && view.query.is_empty() && view.cookies.is_empty() && view.params.is_empty());
    }

    #[test]
    fn of_equal_members_the_last_counts() {
        assert_eq!(kind(r#"{"requestContext":{"elb":{}},"requestContext":null}"#).0, Kind::Raw);
        assert_eq!(kind(r#"{"awslogs":null,"aws\u006cogs":{"data":""}}"#), (Kind::Log, "aws:logs"));
    }
}
