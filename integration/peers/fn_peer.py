"""The function echo for Fn's Python kit."""

from fdk import response


def handler(ctx, data=None):
    body = data.getvalue()
    if body == b"fail":
        raise ValueError("as asked")
    return response.Response(ctx, response_data=body, headers={"Content-Type": "application/octet-stream"})
