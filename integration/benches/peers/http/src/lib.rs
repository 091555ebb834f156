//! The work of both programs: they look at the request as a function would, and answer with a text.

use lambda_http::{Body, Error, Request, RequestExt, Response};

/// Looks at method, path, a header and a query value. The benches' module `http` does the same.
///
/// # Errors
/// The response cannot be built.
pub async fn greet(request: Request) -> Result<Response<Body>, Error> {
    let query = request.query_string_parameters();
    let name = query.first("name").unwrap_or("world");
    let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or("none");
    let text = format!("{} {} {name} {agent} {}", request.method(), request.uri().path(), request.body().len());
    Ok(Response::builder().status(200).header("content-type", "text/plain; charset=utf-8").body(text.into())?)
}
