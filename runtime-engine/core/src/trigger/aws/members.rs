//! The members of an event that say what it is, each object walked once.

use crate::json::{Object, Value};
use crate::trigger::Kind;
use crate::trigger::members::members;

members! {
    /// Members of the event itself: those that requests have first, then one group for each service.
    Top {
        version = "version",
        http_method = "httpMethod",
        resource = "resource",
        path = "path",
        raw_path = "rawPath",
        raw_query = "rawQueryString",
        headers = "headers",
        multi_headers = "multiValueHeaders",
        query = "queryStringParameters",
        multi_query = "multiValueQueryStringParameters",
        params = "pathParameters",
        cookies = "cookies",
        body = "body",
        base64 = "isBase64Encoded",
        context = "requestContext",
        route = "routeKey",
        method = "method",
        // VPC Lattice, first version
        lattice_path = "raw_path",
        lattice_query = "query_string_parameters",
        lattice_base64 = "is_base64_encoded",
        // authorizers
        kind = "type",
        method_arn = "methodArn",
        route_arn = "routeArn",
        authorization_token = "authorizationToken",
        protocol_data = "protocolData",
        connection_metadata = "connectionMetadata",
        vpn_connection = "connection-id",
        vpn_endpoint = "endpoint-id",
        // batches and buses
        records = "Records",
        event_source = "eventSource",
        event_source_arn = "eventSourceARN",
        window = "window",
        notice_service = "Service",
        notice = "Event",
        firehose_records = "records",
        delivery_stream = "deliveryStreamArn",
        logs = "awslogs",
        detail_type = "detail-type",
        source = "source",
        // services that call a function with an event of their own
        alarm_arn = "alarmArn",
        alarm_data = "alarmData",
        pipeline_job = "CodePipeline.job",
        deployment_id = "DeploymentId",
        deployment_hook = "LifecycleEventHookExecutionId",
        trigger_source = "triggerSource",
        user_pool = "userPoolId",
        identity_pool = "identityPoolId",
        dataset = "datasetName",
        config_rule = "configRuleArn",
        config_event = "invokingEvent",
        stack = "StackId",
        request_type = "RequestType",
        rotation_step = "Step",
        secret = "SecretId",
        object_lambda_request = "userRequest",
        object_lambda_id = "xAmzRequestId",
        batch_job = "job",
        batch_tasks = "tasks",
        call_name = "Name",
        call_details = "Details",
        bot = "bot",
        intent = "currentIntent",
        session_state = "sessionState",
        action_group = "actionGroup",
        agent = "agent",
        field_info = "info",
        arguments = "arguments",
        device_event = "deviceEvent",
        device_info = "deviceInfo",
        serial_number = "serialNumber",
        click_type = "clickType",
        skill_context = "context",
        skill_request = "request",
        directive = "directive",
    }
}

members! {
    /// Members of `requestContext` that are read.
    Context {
        http = "http",
        elb = "elb",
        connection_id = "connectionId",
        domain = "domainName",
        http_method = "httpMethod",
        path = "path",
        resource_id = "resourceId",
        resource_path = "resourcePath",
        protocol = "protocol",
        identity = "identity",
        route = "routeKey",
        service_network = "serviceNetworkArn",
        service = "serviceArn",
        target_group = "targetGroupArn",
        query_string = "queryString",
    }
}

members! {
    /// Members of `requestContext.http` that are read.
    Http {
        method = "method",
        path = "path",
        protocol = "protocol",
        source_ip = "sourceIp",
    }
}

/// An event whose members have been found.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    /// The text of the whole event.
    pub(super) bytes: &'a [u8],
    pub(super) top: Top<'a>,
    pub(super) context: Context<'a>,
}

impl<'a> Event<'a> {
    pub(super) fn of(bytes: &'a [u8], object: &Object<'a, '_>) -> Event<'a> {
        let top = Top::of(object.members());
        Event { bytes, top, context: Context::of(top.context.iter().flat_map(Value::members)) }
    }
}

/// A kind of event, and the word for its source.
pub(super) type Source = (Kind, &'static str);

/// Returns `true` if the value is this string.
pub(super) fn is(value: Option<Value<'_>>, text: &str) -> bool {
    value.and_then(|value| value.as_str()).as_deref() == Some(text)
}
