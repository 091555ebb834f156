"""What functions tell of what they were given, under the Python functions framework."""

import base64
import json


def http(request):
    query = [[name, value] for name, value in request.args.items(multi=True)]
    body = base64.b64encode(request.get_data()).decode()
    told = {"method": request.method, "path": request.path, "query": query, "body": body}
    return json.dumps(told), 200, {"Content-Type": "application/json"}


def cloud_event(event):
    if event["type"] == "fail":
        raise ValueError("as asked")


def broken(request):
    raise ValueError("as asked")
