//! Application Load Balancer with a function as its target.
//!
//! Path and query stay percent-coded: the balancer does not decode them. The target group says whether single or
//! multi-value maps come, one of the two. A health check has neither host nor client.

use super::super::{Kind, ReplyFormat};
use super::members::Event;
use super::read::{body, both_maps, coded_query, text};
use super::{HttpView, Request};
use crate::fields::caseless_order;

pub(super) fn recognise(event: &Event<'_>) -> Option<Request> {
    event.context.elb?;
    Some(((Kind::Http, "aws:alb"), ReplyFormat::Alb, fill))
}

fn fill(event: &Event<'_>, view: &mut HttpView) {
    let top = &event.top;
    text(top.http_method, |t| view.set_method(t));
    text(top.path, |t| view.set_coded_path(t));
    coded_query(top.multi_query, view);
    if view.query.is_empty() {
        coded_query(top.query, view);
    }
    both_maps(top.multi_headers, top.headers, &mut view.headers, caseless_order);
    view.read_way(b"http");
    view.body = body(event, top.base64);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pairs, request, text};

    const SOURCE: &str = "aws:alb";

    #[test]
    fn path_and_query_come_coded_and_are_decoded() {
        let view = request(
            r#"{"requestContext":{"elb":{}},"httpMethod":"GET","path":"/a%20b","queryStringParameters":{"q":"x+y%26%20z","%C3%BC":"","odd":"a&b"}}"#,
            SOURCE,
        );
        assert_eq!((text(view.path()), text(view.raw_path())), ("/a b", "/a%20b"));
        assert_eq!(pairs(&view.query), "q=x y& z,ü=,odd=a&b");
        assert_eq!(text(view.raw_query()), "q=x+y%26%20z&%C3%BC=&odd=a%26b");
    }

    #[test]
    fn with_the_multi_value_switch_lists_come() {
        let view = request(
            r#"{"requestContext":{"elb":{}},"multiValueQueryStringParameters":{"a":["1","%32"]},"multiValueHeaders":{"x-forwarded-for":["10.0.0.1, 192.0.2.9"],"cookie":["a=1","b=2"],"host":["h.example"],"x-forwarded-proto":["https"]}}"#,
            SOURCE,
        );
        assert_eq!((text(view.raw_query()), pairs(&view.query).as_str()), ("a=1&a=%32", "a=1,a=2"));
        assert_eq!(pairs(&view.cookies), "a=1,b=2");
        assert_eq!(
            (text(view.host()), text(view.scheme()), text(view.client_ip())),
            ("h.example", "https", "192.0.2.9")
        );
    }

    #[test]
    fn a_health_check_has_neither_host_nor_client() {
        let view = request(
            r#"{"requestContext":{"elb":{}},"httpMethod":"GET","path":"/","headers":{"user-agent":"ELB-HealthChecker/2.0"},"body":""}"#,
            SOURCE,
        );
        assert_eq!((text(view.host()), text(view.client_ip()), text(view.scheme())), ("", "", "http"));
    }
}
