//! Questions whether a request or a connection may pass. They are answered with a policy of the asking service's own,
//! so they have no HTTP view and the function's reply goes back as it is: an error must stay an error.

use super::super::Kind;
use super::members::{Event, Source, is};

pub(super) fn recognise(event: &Event<'_>) -> Option<Source> {
    let (top, context) = (&event.top, &event.context);
    let source = if top.route_arn.is_some() {
        "aws:apigateway:authorizer:v2"
    } else if top.method_arn.is_some() || (top.context.is_some() && is(top.kind, "REQUEST")) {
        if context.connection_id.is_some() {
            "aws:apigateway:authorizer:websocket"
        } else if top.context.is_none() || is(top.kind, "TOKEN") {
            "aws:apigateway:authorizer:token"
        } else if is(top.version, "2.0") {
            "aws:apigateway:authorizer:v2"
        } else {
            "aws:apigateway:authorizer:v1"
        }
    } else if top.authorization_token.is_some() && context.query_string.is_some() {
        "aws:appsync:authorizer"
    } else if top.protocol_data.is_some() && top.connection_metadata.is_some() {
        "aws:iot:authorizer"
    } else if top.vpn_connection.is_some() && top.vpn_endpoint.is_some() {
        "aws:client-vpn:authorizer"
    } else {
        return None;
    };
    Some((Kind::Authorizer, source))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kind, read};
    use crate::trigger::{Kind, ReplyFormat};

    #[test]
    fn each_authorizer_is_told_apart() {
        for (event, source) in [
            (r#"{"type":"TOKEN","authorizationToken":"t","methodArn":"arn"}"#, "aws:apigateway:authorizer:token"),
            (r#"{"methodArn":"arn"}"#, "aws:apigateway:authorizer:token"),
            (
                r#"{"type":"REQUEST","methodArn":"arn","resource":"/","path":"/","httpMethod":"GET","requestContext":{"resourceId":"r"}}"#,
                "aws:apigateway:authorizer:v1",
            ),
            (
                r#"{"type":"REQUEST","resource":"/","path":"/","httpMethod":"GET","requestContext":{"resourceId":"r"}}"#,
                "aws:apigateway:authorizer:v1",
            ),
            (
                r#"{"version":"2.0","type":"REQUEST","routeArn":"arn","rawPath":"/","requestContext":{"http":{}}}"#,
                "aws:apigateway:authorizer:v2",
            ),
            (
                r#"{"version":"2.0","type":"REQUEST","rawPath":"/","requestContext":{"http":{}}}"#,
                "aws:apigateway:authorizer:v2",
            ),
            (
                r#"{"type":"REQUEST","methodArn":"arn","requestContext":{"connectionId":"c"}}"#,
                "aws:apigateway:authorizer:websocket",
            ),
            (
                r#"{"authorizationToken":"t","requestContext":{"apiId":"a","queryString":"query"}}"#,
                "aws:appsync:authorizer",
            ),
            (r#"{"protocolData":{"mqtt":{}},"connectionMetadata":{"id":"1"}}"#, "aws:iot:authorizer"),
            (r#"{"connection-id":"c","endpoint-id":"e"}"#, "aws:client-vpn:authorizer"),
        ] {
            assert_eq!(kind(event), (Kind::Authorizer, source), "{event}");
            let reading = read(event);
            assert!(
                reading.http.is_none() && reading.form == ReplyFormat::Bare,
                "an error must stay an error: {event}"
            );
        }
    }
}
