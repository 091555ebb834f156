//! The types of `aws_lambda_events`, as they are, on the events themselves.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use aws_lambda_events::event::{
    activemq::ActiveMqEvent, alb::AlbTargetGroupRequest, apigw::ApiGatewayProxyRequest, apigw::ApiGatewayV2httpRequest,
    apigw::ApiGatewayWebsocketProxyRequest, cloudwatch_logs::LogsEvent, code_commit::CodeCommitEvent,
    documentdb::DocumentDbEvent, dynamodb::Event as DynamoDbEvent, eventbridge::EventBridgeEvent,
    firehose::KinesisFirehoseEvent, kafka::KafkaEvent, kinesis::KinesisEvent,
    lambda_function_urls::LambdaFunctionUrlRequest, rabbitmq::RabbitMqEvent, s3::S3Event, ses::SimpleEmailEvent,
    sns::SnsEvent, sqs::SqsEvent,
};
use handlers_sdk::testing::sample;
use handlers_sdk::{Raw, function};

/// Makes a function of each type, which returns its findings, and calls it with the samples of its trigger.
macro_rules! types {
    ($($name:ident: $type:ty, [$($sample:literal),+], $found:expr => $expected:literal;)+) => {
        $(
            #[function]
            fn $name(Raw(event): Raw<$type>) -> String {
                let found: fn(&$type) -> String = $found;
                found(&event)
            }
        )+

        #[test]
        fn every_type_reads_the_samples_of_its_trigger() {
            $($(
                let answer = sample($sample).run($name::MODULE);
                assert_eq!((answer.failed, String::from_utf8_lossy(&answer.body)), (None, $expected.into()), $sample);
            )+)+
        }
    };
}

fn text(text: &Option<String>) -> String {
    text.clone().unwrap_or_default()
}

types! {
    alb: AlbTargetGroupRequest, ["aws/alb"], |event| text(&event.path) => "/orders/7";
    apigw_v1: ApiGatewayProxyRequest, ["aws/apigateway-v1"], |event| text(&event.resource) => "/orders/{id}";
    apigw_v2: ApiGatewayV2httpRequest, ["aws/apigateway-v2"], |event| text(&event.raw_path) => "/orders/7";
    websocket: ApiGatewayWebsocketProxyRequest, ["aws/websocket"], |event| text(&event.body) => "hello";
    function_url: LambdaFunctionUrlRequest, ["aws/function-url"], |event| text(&event.raw_path) => "/orders/7";
    active_mq: ActiveMqEvent, ["aws/activemq"], |event| event.messages.len().to_string() => "1";
    rabbit_mq: RabbitMqEvent, ["aws/rabbitmq"], |event| event.messages_by_queue.len().to_string() => "1";
    logs: LogsEvent, ["aws/logs"], |event| event.aws_logs.data.log_events.len().to_string() => "2";
    code_commit: CodeCommitEvent, ["aws/codecommit"], |event| event.records.len().to_string() => "1";
    document_db: DocumentDbEvent, ["aws/docdb"], |event| event.events.len().to_string() => "1";
    dynamo_db: DynamoDbEvent, ["aws/dynamodb"], |event| event.records.len().to_string() => "2";
    event_bridge: EventBridgeEvent, ["aws/eventbridge"], |event| event.detail_type.clone() => "Order Placed";
    schedule: EventBridgeEvent, ["aws/schedule", "aws/scheduler"], |event| event.detail_type.clone() => "Scheduled Event";
    firehose: KinesisFirehoseEvent, ["aws/firehose"], |event| event.records.len().to_string() => "1";
    kafka: KafkaEvent, ["aws/kafka", "aws/self-managed-kafka"], |event| event.records.len().to_string() => "1";
    kinesis: KinesisEvent, ["aws/kinesis"], |event| event.records.len().to_string() => "1";
    s3: S3Event, ["aws/s3", "aws/s3-removed"], |event| text(&event.records[0].s3.object.key) => "in/my+cat.jpg";
    ses: SimpleEmailEvent, ["aws/ses"], |event| event.records.len().to_string() => "1";
    sns: SnsEvent, ["aws/sns"], |event| event.records[0].sns.message.clone() => r#"{"order":7}"#;
    sqs: SqsEvent, ["aws/sqs"], |event| text(&event.records[0].body) => r#"{"order":7}"#;
    sqs_fifo: SqsEvent, ["aws/sqs-fifo"], |event| text(&event.records[0].body) => "first";
}
