"""CloudEvents by the library of PyPI.

`send`: each event of events.json as the HTTP messages that the library makes, a JSON object a line.
`read`: an HTTP message, a JSON object on standard input, as the event that the library reads.
"""

import base64
import json
import pathlib
import sys
from datetime import datetime

from cloudevents.core.bindings import http
from cloudevents.core.v1.event import CloudEvent

DATA = ("data", "text", "base64")


def event(given):
    attributes = {name: value for name, value in given.items() if name not in DATA}
    attributes["specversion"] = "1.0"
    if "time" in attributes:
        attributes["time"] = datetime.fromisoformat(attributes["time"].replace("Z", "+00:00"))
    data = given.get("data", given.get("text"))
    if "base64" in given:
        data = base64.b64decode(given["base64"])
    return CloudEvent(attributes=attributes, data=data)


def send():
    corpus = json.loads((pathlib.Path(__file__).parent / "events.json").read_text())
    for given in corpus:
        for mode, make in (("binary", http.to_binary_event), ("structured", http.to_structured_event)):
            message = make(event(given))
            body = base64.b64encode(message.body or b"").decode()
            print(json.dumps({"id": given["id"], "mode": mode, "headers": message.headers, "body": body}))


def read():
    message = json.load(sys.stdin)
    found = http.from_http_event(http.HTTPMessage(message["headers"], base64.b64decode(message["body"])))
    attributes = {name: str(value) for name, value in found.get_attributes().items()}
    print(json.dumps({"attributes": attributes, "data": found.get_data()}, default=str))


{"send": send, "read": read}[sys.argv[1]]()
