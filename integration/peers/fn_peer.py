"""The same function for Fn's Python kit: the bytes that came, under the content type they came with."""

from fdk import response


def handler(ctx, data=None):
    body = data.getvalue()
    if body == b"fail":
        raise ValueError("as asked")
    content_type = ctx.Headers().get("content-type", "application/octet-stream")
    return response.Response(ctx, response_data=body, headers={"Content-Type": content_type})
