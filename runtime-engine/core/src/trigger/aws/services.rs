//! Events of services that carry no request: batches of records, the event bus, and services with an event of their
//! own. Their bytes go to the function as they are; this file only tells their kind and source.

use super::super::Kind;
use super::members::{Event, Source, is};
use crate::json::Value;

pub(super) fn recognise(event: &Event<'_>) -> Option<Source> {
    let top = &event.top;
    if let Some(source) = top.records.and_then(first_source).or_else(|| batch_source(top.event_source?)) {
        return Some(source);
    }
    if let Some(source) = top.window.and(top.event_source_arn).and_then(windowed_source) {
        return Some(source);
    }
    // What S3 sends once to whoever is to be notified of a bucket, to see that it can.
    if is(top.notice_service, "Amazon S3") && is(top.notice, "s3:TestEvent") {
        return Some((Kind::Storage, "aws:s3"));
    }
    if top.detail_type.is_some() {
        return Some(bus(event));
    }
    if top.logs.is_some() {
        return Some((Kind::Log, "aws:logs"));
    }
    if top.delivery_stream.is_some() && top.firehose_records.is_some() {
        return Some((Kind::Stream, "aws:firehose"));
    }
    own_event(event).map(|source| (Kind::Event, source))
}

/// Returns the source that the first of `Records` names; `None` if it is not one of AWS'. SNS alone begins its members
/// with capitals.
fn first_source(records: Value<'_>) -> Option<Source> {
    let mut source = None;
    for (key, value) in records.elements().next()?.members() {
        if key == *"eventSource" || key == *"EventSource" {
            source = value.as_str();
        }
    }
    Some(match &*source? {
        "aws:sqs" => (Kind::Queue, "aws:sqs"),
        "aws:sns" => (Kind::Topic, "aws:sns"),
        "aws:s3" => (Kind::Storage, "aws:s3"),
        "aws:dynamodb" => (Kind::Table, "aws:dynamodb"),
        "aws:kinesis" => (Kind::Stream, "aws:kinesis"),
        "aws:ses" => (Kind::Event, "aws:ses"),
        "aws:codecommit" => (Kind::Event, "aws:codecommit"),
        _ => return None,
    })
}

/// Returns the source of a batch that names it beside its records; `None` if it is an unknown one.
fn batch_source(source: Value<'_>) -> Option<Source> {
    Some(match &*source.as_str()? {
        "aws:kafka" => (Kind::Stream, "aws:kafka"),
        "SelfManagedKafka" => (Kind::Stream, "self-managed-kafka"),
        "aws:mq" => (Kind::Queue, "aws:mq"),
        "aws:rmq" => (Kind::Queue, "aws:rmq"),
        "aws:docdb" => (Kind::Table, "aws:docdb"),
        _ => return None,
    })
}

/// Returns the source of a tumbling window's last event, which may have no records. The ARN names the service; `None`
/// means that it is neither Kinesis nor DynamoDB.
fn windowed_source(arn: Value<'_>) -> Option<Source> {
    let arn = arn.as_str()?;
    match arn.split(':').nth(2)? {
        "kinesis" => Some((Kind::Stream, "aws:kinesis")),
        "dynamodb" => Some((Kind::Table, "aws:dynamodb")),
        _ => None,
    }
}

/// Returns the source of an event of EventBridge. Rules and the scheduler share one `detail-type` for events that they
/// send by the clock.
fn bus(event: &Event<'_>) -> Source {
    let top = &event.top;
    let clock = is(top.source, "aws.events") || is(top.source, "aws.scheduler");
    if clock && is(top.detail_type, "Scheduled Event") {
        (Kind::Timer, "aws:eventbridge:schedule")
    } else {
        (Kind::Event, "aws:eventbridge")
    }
}

/// Returns the source of an event that belongs to one service alone; `None` if it is of no such service. One to three
/// members mark it, which no other event has together.
fn own_event<'a>(event: &Event<'a>) -> Option<&'static str> {
    let top = &event.top;
    let has = |members: &[Option<Value<'_>>]| members.iter().all(Option::is_some);
    let inner = |object: Option<Value<'a>>, member| {
        object.and_then(|object| object.get(member)).filter(|inner| !inner.is_null())
    };
    Some(if has(&[top.alarm_arn, top.alarm_data]) {
        "aws:cloudwatch:alarm"
    } else if has(&[top.pipeline_job]) {
        "aws:codepipeline"
    } else if has(&[top.deployment_id, top.deployment_hook]) {
        "aws:codedeploy"
    } else if has(&[top.trigger_source, top.user_pool]) {
        "aws:cognito:user-pool"
    } else if has(&[top.identity_pool, top.dataset]) {
        "aws:cognito:sync"
    } else if has(&[top.config_rule, top.config_event]) {
        "aws:config"
    } else if has(&[top.stack, top.request_type]) {
        "aws:cloudformation"
    } else if has(&[top.rotation_step, top.secret]) {
        "aws:secretsmanager"
    } else if has(&[top.object_lambda_id, top.object_lambda_request]) {
        "aws:s3-object-lambda"
    } else if has(&[top.batch_job, top.batch_tasks]) {
        "aws:s3-batch"
    } else if has(&[top.call_name, inner(top.call_details, "ContactData")]) {
        "aws:connect"
    } else if has(&[top.bot, top.intent.or(top.session_state)]) {
        "aws:lex"
    } else if has(&[top.action_group, top.agent]) {
        "aws:bedrock-agent"
    } else if has(&[top.arguments, inner(top.field_info, "parentTypeName")]) {
        "aws:appsync"
    } else if has(&[top.device_event, top.device_info]) {
        "aws:iot:1-click"
    } else if has(&[top.serial_number, top.click_type]) {
        "aws:iot:button"
    } else if has(&[top.skill_request, inner(top.skill_context, "System")]) {
        "alexa:skill"
    } else if has(&[inner(inner(top.directive, "header"), "namespace")]) {
        "alexa:smart-home"
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::kind;
    use crate::trigger::Kind;

    #[test]
    fn batches_are_known_by_the_source_they_name() {
        for (event, expected) in [
            (r#"{"Records":[{"eventSource":"aws:sqs"}]}"#, (Kind::Queue, "aws:sqs")),
            (r#"{"Records":[{"EventSource":"aws:sns"}]}"#, (Kind::Topic, "aws:sns")),
            (r#"{"Records":[{"eventSource":"aws:s3"},null]}"#, (Kind::Storage, "aws:s3")),
            (r#"{"Records":[{"eventSource":"aws:dynamodb"}]}"#, (Kind::Table, "aws:dynamodb")),
            (r#"{"Records":[{"eventSource":"aws:kinesis"}],"window":{}}"#, (Kind::Stream, "aws:kinesis")),
            (r#"{"Records":[{"eventSource":"aws:ses"}]}"#, (Kind::Event, "aws:ses")),
            (r#"{"Records":[{"eventSource":"aws:codecommit"}]}"#, (Kind::Event, "aws:codecommit")),
            (r#"{"eventSource":"aws:kafka","records":{}}"#, (Kind::Stream, "aws:kafka")),
            (r#"{"eventSource":"SelfManagedKafka","records":{}}"#, (Kind::Stream, "self-managed-kafka")),
            (r#"{"eventSource":"aws:mq","messages":[]}"#, (Kind::Queue, "aws:mq")),
            (r#"{"eventSource":"aws:rmq"}"#, (Kind::Queue, "aws:rmq")),
            (r#"{"eventSource":"aws:docdb","events":[]}"#, (Kind::Table, "aws:docdb")),
            (r#"{"deliveryStreamArn":"arn","records":[]}"#, (Kind::Stream, "aws:firehose")),
            (r#"{"awslogs":{"data":"H4sI"}}"#, (Kind::Log, "aws:logs")),
        ] {
            assert_eq!(kind(event), expected, "{event}");
        }
    }

    #[test]
    fn an_event_without_records_is_known_by_what_else_it_says() {
        let s3 = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b",
            "RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"}"#;
        assert_eq!(kind(s3), (Kind::Storage, "aws:s3"));
        for other in [r#"{"Event":"s3:TestEvent"}"#, r#"{"Service":"Amazon S3","Event":"s3:Other"}"#] {
            assert_eq!(kind(other).0, Kind::Raw, "{other}");
        }
        let last = |arn: &str| {
            let window = r#""window":{"start":"2020-07-30T17:00:00Z","end":"2020-07-30T17:05:00Z"}"#;
            kind(&format!(r#"{{"Records":[],{window},"isFinalInvokeForWindow":true,"eventSourceARN":"{arn}"}}"#))
        };
        assert_eq!(last("arn:aws:kinesis:us-east-1:123456789012:stream/s"), (Kind::Stream, "aws:kinesis"));
        assert_eq!(last("arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/x"), (Kind::Table, "aws:dynamodb"));
        assert_eq!(last("arn:aws:sqs:us-east-1:123456789012:q").0, Kind::Raw);
    }

    #[test]
    fn a_batch_of_an_unknown_source_is_raw() {
        for source in ["\"aws:new\"", "null", "1", "{}", "\"\""] {
            assert_eq!(kind(&format!(r#"{{"Records":[{{"eventSource":{source}}}]}}"#)).0, Kind::Raw, "{source}");
            assert_eq!(kind(&format!(r#"{{"eventSource":{source}}}"#)).0, Kind::Raw, "{source}");
        }
    }

    #[test]
    fn what_the_bus_sends_by_the_clock_is_a_timer() {
        let timer = (Kind::Timer, "aws:eventbridge:schedule");
        let event = (Kind::Event, "aws:eventbridge");
        assert_eq!(kind(r#"{"detail-type":"Scheduled Event","source":"aws.events"}"#), timer);
        assert_eq!(kind(r#"{"detail-type":"Scheduled Event","source":"aws.scheduler"}"#), timer);
        assert_eq!(kind(r#"{"detail-type":"Scheduled Event","source":"my.shop"}"#), event);
        assert_eq!(kind(r#"{"detail-type":"Object Created","source":"aws.s3","detail":null}"#), event);
    }

    #[test]
    fn services_with_events_of_their_own_are_named() {
        for (event, source) in [
            (r#"{"alarmArn":"a","alarmData":{}}"#, "aws:cloudwatch:alarm"),
            (r#"{"CodePipeline.job":{}}"#, "aws:codepipeline"),
            (r#"{"DeploymentId":"d","LifecycleEventHookExecutionId":"h"}"#, "aws:codedeploy"),
            (r#"{"triggerSource":"PreSignUp_SignUp","userPoolId":"p"}"#, "aws:cognito:user-pool"),
            (r#"{"identityPoolId":"p","datasetName":"d"}"#, "aws:cognito:sync"),
            (r#"{"configRuleArn":"a","invokingEvent":"{}"}"#, "aws:config"),
            (r#"{"StackId":"s","RequestType":"Create"}"#, "aws:cloudformation"),
            (r#"{"Step":"createSecret","SecretId":"s"}"#, "aws:secretsmanager"),
            (r#"{"xAmzRequestId":"r","userRequest":{}}"#, "aws:s3-object-lambda"),
            (r#"{"invocationSchemaVersion":"1.0","job":{"id":"j"},"tasks":[]}"#, "aws:s3-batch"),
            (r#"{"Name":"ContactFlowEvent","Details":{"ContactData":{}}}"#, "aws:connect"),
            (r#"{"bot":{},"currentIntent":{}}"#, "aws:lex"),
            (r#"{"bot":{},"sessionState":{}}"#, "aws:lex"),
            (r#"{"actionGroup":"g","agent":{},"httpMethod":"POST","apiPath":"/"}"#, "aws:bedrock-agent"),
            (r#"{"arguments":{},"info":{"parentTypeName":"Query"}}"#, "aws:appsync"),
            (r#"{"deviceEvent":{},"deviceInfo":{}}"#, "aws:iot:1-click"),
            (r#"{"serialNumber":"s","clickType":"SINGLE"}"#, "aws:iot:button"),
            (r#"{"version":"1.0","context":{"System":{}},"request":{"type":"LaunchRequest"}}"#, "alexa:skill"),
            (r#"{"directive":{"header":{"namespace":"Alexa.Discovery"}}}"#, "alexa:smart-home"),
        ] {
            assert_eq!(kind(event), (Kind::Event, source), "{event}");
        }
    }
}
