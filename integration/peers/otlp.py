"""Reads the request of a signal, `traces` or `metrics`, by OpenTelemetry's own definitions, and writes it as JSON. What the
definitions do not know is an error."""

import sys

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def check(message, path):
    unknown = [field.field_number for field in UnknownFieldSet(message)]
    if unknown:
        sys.exit(f"{path}: unknown fields {unknown}")
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        for inner in [value] if isinstance(value, Message) else value:
            check(inner, f"{path}.{field.name}")


request = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest}[sys.argv[1]]()
request.ParseFromString(sys.stdin.buffer.read())
check(request, "request")
print(MessageToJson(request))
