//! An HTTP response built by hand.

use crate::error::Error;
use crate::reply::{Body, IntoReply, Reply};

/// An HTTP response: status, headers with repeats, cookies, body.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::Response;
///
/// #[function]
/// fn sign_in(name: String) -> Response {
///     Response::text(format!("hello, {name}"))
///         .status(201)
///         .header("x-shop", "tea")
///         .cookie(format!("name={name}; Path=/; HttpOnly"))
/// }
///
/// let answer = Invoke::http("POST", "/").body("ada").run(sign_in::MODULE);
/// assert_eq!((answer.status(), answer.header("x-shop")), (201, Some("tea")));
/// assert_eq!(answer.cookies, ["name=ada; Path=/; HttpOnly"]);
/// ```
#[derive(Debug)]
pub struct Response {
    status: u16,
    content_type: Option<&'static str>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    body: Body,
}

impl Response {
    /// Returns an empty response of a status, 200 to 599.
    pub fn new(status: u16) -> Response {
        Response { status, content_type: None, headers: Vec::new(), cookies: Vec::new(), body: Body::default() }
    }

    /// Returns a response of status 200 with plain text.
    pub fn text(text: impl Into<Body>) -> Response {
        Response { content_type: Some("text/plain; charset=utf-8"), ..Response::new(200).body(text) }
    }

    /// Returns a response of status 200 with HTML.
    pub fn html(html: impl Into<Body>) -> Response {
        Response { content_type: Some("text/html; charset=utf-8"), ..Response::new(200).body(html) }
    }

    /// Returns a response of status 200 with JSON.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize>(value: &T) -> Result<Response, Error> {
        let body = crate::call::json::write(value)?;
        Ok(Response { content_type: Some("application/json"), ..Response::new(200).body(body) })
    }

    /// Returns a redirect to `location`: 302, unless [`status`](Self::status) says another.
    pub fn redirect(location: impl Into<String>) -> Response {
        Response::new(302).header("location", location)
    }

    /// Sets another status, 200 to 599.
    #[must_use]
    pub fn status(mut self, status: u16) -> Response {
        self.status = status;
        self
    }

    /// Adds one more header, beside those of the same name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Response {
        let name = name.into();
        if name.eq_ignore_ascii_case("content-type") {
            self.content_type = None;
        }
        self.headers.push((name, value.into()));
        self
    }

    /// Sets a header in place of all of that name.
    #[must_use]
    pub fn set_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Response {
        let name = name.into();
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        self.header(name, value)
    }

    /// Adds one more `Set-Cookie`, as its whole text: `id=1; Path=/; HttpOnly`.
    #[must_use]
    pub fn cookie(mut self, text: impl Into<String>) -> Response {
        self.cookies.push(text.into());
        self
    }

    /// Sets the body of the response.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Response {
        self.body = body.into();
        self
    }
}

impl IntoReply for Response {
    fn into_reply(self) -> Result<Reply, Error> {
        let mut reply = Reply::http(self.status, self.content_type, self.headers, self.cookies, self.body);
        reply.set_status(self.status)?;
        Ok(reply)
    }
}
