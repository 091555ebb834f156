//! VPC Lattice with a function as its target, both versions of the event.
//!
//! Version 2 has lists for headers and query, version 1 single values with names in snake case. The path is as the
//! client sent it, in version 1 perhaps with the query behind it; queries are not decoded.

use super::super::{Kind, ReplyFormat};
use super::members::Event;
use super::read::{body, coded_query, map, text};
use super::{HttpView, Request};

pub(super) fn recognise(event: &Event<'_>) -> Option<Request> {
    let (top, context) = (&event.top, &event.context);
    let arn = context.service_network.or(context.service).or(context.target_group);
    if arn.is_some() && (top.path.is_some() || top.method.is_some()) {
        return Some(((Kind::Http, "aws:vpc-lattice:v2"), ReplyFormat::Lattice, v2));
    }
    if top.lattice_path.is_some() && top.method.is_some() {
        return Some(((Kind::Http, "aws:vpc-lattice:v1"), ReplyFormat::Lattice, v1));
    }
    None
}

fn v2(event: &Event<'_>, view: &mut HttpView) {
    text(event.top.path, |t| view.set_coded_path(t));
    coded_query(event.top.query, view);
    common(event, view);
    view.body = body(event, event.top.base64);
}

fn v1(event: &Event<'_>, view: &mut HttpView) {
    text(event.top.lattice_path, |t| match t.iter().position(|byte| *byte == b'?') {
        Some(at) => {
            view.set_coded_path(&t[..at]);
            view.set_coded_query(&t[at + 1..]);
            view.decode_query();
        }
        None => view.set_coded_path(t),
    });
    // The query behind the path has the repeats that the map lacks.
    if view.query.is_empty() {
        coded_query(event.top.lattice_query, view);
    }
    common(event, view);
    view.body = body(event, event.top.lattice_base64);
}

fn common(event: &Event<'_>, view: &mut HttpView) {
    text(event.top.method, |t| view.set_method(t));
    map(event.top.headers, &mut view.headers);
    view.read_way(b"http");
}

#[cfg(test)]
mod tests {
    use super::super::testing::{body, pairs, request, text};

    const V1: &str = "aws:vpc-lattice:v1";
    const V2: &str = "aws:vpc-lattice:v2";

    #[test]
    fn version_2_has_lists_and_single_values_too() {
        let event = r#"{"version":"2.0","method":"POST","path":"/a%2Fb","headers":{"host":"h.example","multi":["x","y"],"x-forwarded-for":["192.0.2.3"]},"queryStringParameters":{"q":["%3Fa","b+c"]},"body":"aGk=","isBase64Encoded":true,"requestContext":{"serviceArn":"arn"}}"#;
        let view = request(event, V2);
        assert_eq!(pairs(&view.headers), "host=h.example,multi=x,multi=y,x-forwarded-for=192.0.2.3");
        assert_eq!((text(view.raw_query()), pairs(&view.query).as_str()), ("q=%3Fa&q=b+c", "q=?a,q=b c"));
        assert_eq!((text(view.method()), text(view.path()), text(view.raw_path())), ("POST", "/a/b", "/a%2Fb"));
        assert_eq!((text(view.host()), text(view.client_ip())), ("h.example", "192.0.2.3"));
        assert_eq!(body(event), "hi");
    }

    #[test]
    fn version_1_may_have_its_query_behind_the_path() {
        let with = r#"{"raw_path":"/a?x=1&x=%32","method":"GET","query_string_parameters":{"x":"2"}}"#;
        let view = request(with, V1);
        assert_eq!(
            (text(view.path()), text(view.raw_query()), pairs(&view.query).as_str()),
            ("/a", "x=1&x=%32", "x=1,x=2")
        );
        let without = r#"{"raw_path":"/a","method":"GET","query_string_parameters":{"x":"2"},"body":"aGk=","is_base64_encoded":true}"#;
        let view = request(without, V1);
        assert_eq!((text(view.path()), text(view.raw_query())), ("/a", "x=2"));
        assert_eq!(body(without), "hi");
    }
}
