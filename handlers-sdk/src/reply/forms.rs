//! Replies of a form of their own: pages, redirects, and the platform's own form.

use crate::error::Error;
use crate::reply::response::Response;
use crate::reply::{Body, IntoReply, Reply};

/// A page of HTML: `text/html; charset=utf-8`.
///
/// ```
/// use handlers_sdk::{Html, function, testing::Invoke};
///
/// #[function]
/// fn home() -> Html<&'static str> {
///     Html("<h1>home</h1>")
/// }
/// let answer = Invoke::http("GET", "/").run(home::MODULE);
/// assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Html<T>(pub T);

impl<T: Into<Body>> IntoReply for Html<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::typed("text/html; charset=utf-8", self.0))
    }
}

/// Bytes in the platform's own form, handed on untouched, as an [`Event`](crate::Event) that a function returns is.
///
/// ```
/// use handlers_sdk::{Raw, function, testing::Invoke};
///
/// #[function]
/// fn by_hand() -> Raw<&'static str> {
///     Raw(r#"{"statusCode":204}"#)
/// }
/// assert_eq!(Invoke::event("{}").run(by_hand::MODULE).text(), r#"{"statusCode":204}"#);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raw<T>(pub T);

impl<T: Into<Body>> IntoReply for Raw<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::raw(self.0))
    }
}

/// Sends the client to another address.
///
/// ```
/// use handlers_sdk::{Redirect, function, testing::Invoke};
///
/// #[function]
/// fn old() -> Redirect {
///     Redirect::permanent("/new")
/// }
/// let answer = Invoke::http("GET", "/old").run(old::MODULE);
/// assert_eq!((answer.status(), answer.header("location")), (308, Some("/new")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    status: u16,
    location: String,
}

impl Redirect {
    /// Redirects with a 303: the client gets the other address with `GET`, as after a form.
    pub fn to(location: impl Into<String>) -> Redirect {
        Redirect { status: 303, location: location.into() }
    }

    /// Redirects with a 307: the client sends the same request there, this time.
    pub fn temporary(location: impl Into<String>) -> Redirect {
        Redirect { status: 307, location: location.into() }
    }

    /// Redirects with a 308: the client sends the same request there, from now on.
    pub fn permanent(location: impl Into<String>) -> Redirect {
        Redirect { status: 308, location: location.into() }
    }
}

impl IntoReply for Redirect {
    fn into_reply(self) -> Result<Reply, Error> {
        Response::redirect(self.location).status(self.status).into_reply()
    }
}
