//! WebSocket APIs of Amazon API Gateway: a connection opened, a message, a connection closed.
//!
//! Connecting brings headers and query, a message only its body. The route is the route key; the handshake was a GET of
//! the API's root. The reply's status decides whether a connection stands; its headers may choose the subprotocol.

use super::super::{Kind, ReplyFormat};
use super::apigateway::{both_lists, finish};
use super::members::Event;
use super::read::text;
use super::{HttpView, Request};

pub(super) fn recognise(event: &Event<'_>) -> Option<Request> {
    event.context.connection_id?;
    Some(((Kind::WebSocket, "aws:apigateway:websocket"), ReplyFormat::ApiGatewayV1, fill))
}

fn fill(event: &Event<'_>, view: &mut HttpView) {
    let (top, context) = (&event.top, &event.context);
    view.set_method(b"GET");
    text(top.http_method, |t| view.set_method(t));
    view.set_coded_path(b"/");
    text(top.path, |t| view.set_coded_path(t));
    text(context.route, |t| view.set_route(t));
    both_lists(event, view);
    finish(event, view);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{body, pairs, read, request, text};
    use crate::trigger::{Kind, ReplyFormat};

    const SOURCE: &str = "aws:apigateway:websocket";

    #[test]
    fn a_message_has_its_body_and_its_route() {
        let event = r#"{"requestContext":{"routeKey":"send","eventType":"MESSAGE","connectionId":"c=","domainName":"d.example","identity":{"sourceIp":"192.0.2.1"}},"body":"{\"a\":1}","isBase64Encoded":false}"#;
        let reading = read(event);
        assert_eq!((reading.kind, reading.form), (Kind::WebSocket, ReplyFormat::ApiGatewayV1));
        assert_eq!(body(event), r#"{"a":1}"#);
        let view = request(event, SOURCE);
        assert_eq!((text(view.method()), text(view.path()), text(view.route())), ("GET", "/", "send"));
        assert_eq!((text(view.host()), text(view.client_ip())), ("d.example", "192.0.2.1"));
    }

    #[test]
    fn connecting_brings_headers_and_query() {
        let event = r#"{"headers":{"Host":"h.example","Cookie":"a=1"},"multiValueHeaders":{"Host":["h.example"],"Cookie":["a=1"]},"queryStringParameters":{"t":"2"},"multiValueQueryStringParameters":{"t":["1","2"]},"requestContext":{"routeKey":"$connect","eventType":"CONNECT","connectionId":"c="}}"#;
        let view = request(event, SOURCE);
        assert_eq!(pairs(&view.headers), "Host=h.example,Cookie=a=1");
        assert_eq!((pairs(&view.query).as_str(), pairs(&view.cookies).as_str()), ("t=1,t=2", "a=1"));
        assert_eq!(text(view.route()), "$connect");
    }
}
