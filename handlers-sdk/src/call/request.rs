//! The HTTP request of an invocation, whole and in parts, as arguments.

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::http_view::HttpView;
use crate::call::pairs::Pairs;
use crate::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

/// The HTTP request of an HTTP trigger. It keeps its invocation open as a context does.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::Invoke};
/// use handlers_sdk::Request;
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     pieces: u32,
/// }
///
/// #[function]
/// fn order(request: Request) -> Result<String, Error> {
///     let shop = request.query("shop").unwrap_or("tea");
///     match request.method() {
///         "POST" => Ok(format!("{} of {shop}", request.json::<Order>()?.pieces)),
///         other => Err(Error::new("Shop.Method", format!("expected POST, found {other}")).with_status(405)),
///     }
/// }
///
/// assert_eq!(Invoke::http("POST", "/?shop=ink").body(r#"{"pieces":2}"#).run(order::MODULE).text(), "2 of ink");
/// assert_eq!(Invoke::http("PUT", "/").run(order::MODULE).status(), 405);
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    ctx: FaasContext,
}

impl FromInvocation for Request {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        http(ctx).map(|_| Request { ctx: ctx.clone() })
    }
}

/// Returns the request of an HTTP trigger. Any other event counts as an absent one.
pub(crate) fn http(ctx: &FaasContext) -> Result<HttpView<'_>, Error> {
    ctx.http().ok_or_else(|| {
        let message = format!("expected an HTTP request, found an event of trigger {:?}", ctx.trigger());
        Error::absent("Runtime.TriggerMismatch", message)
    })
}

impl Request {
    /// Returns the whole view of the request.
    pub fn http(&self) -> HttpView<'_> {
        // An event that is a request stays one while a function runs: it was asked when this was made.
        HttpView::known(self.ctx.held().reader())
    }

    /// Returns the body, its base64 undone.
    pub fn body(&self) -> &[u8] {
        self.ctx.body()
    }

    /// Returns the method in capitals, such as `GET`.
    pub fn method(&self) -> &str {
        self.http().method()
    }

    /// Returns the path, as the platform hands it.
    pub fn path(&self) -> &str {
        self.http().path()
    }

    /// Returns the first decoded query value of that name; `None` if there is none of it.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.http().query(name)
    }

    /// Returns the first header of that name, whatever its case; `None` without one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.http().header(name)
    }

    /// Returns the cookie of that name; `None` without one.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.http().cookie(name)
    }

    /// Returns the text that the route's pattern matched under that name; `None` without one.
    pub fn path_param(&self, name: &str) -> Option<&str> {
        self.http().path_param(name)
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// The body is no JSON, or not of that shape: status 400 with place and reason.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        crate::call::json::read(self.body())
    }
}

/// The headers of the request, as an argument.
///
/// ```
/// use handlers_sdk::{Headers, function, testing::Invoke};
///
/// #[function]
/// fn language(headers: Headers) -> String {
///     headers.get("accept-language").unwrap_or("en").to_owned()
/// }
/// assert_eq!(Invoke::http("GET", "/").header("Accept-Language", "de").run(language::MODULE).text(), "de");
/// ```
#[derive(Clone)]
pub struct Headers(Request);

impl Headers {
    /// Returns the first header of that name, whatever its case; `None` without one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// Returns every header, in order and with repeats.
    pub fn iter(&self) -> Pairs<'_> {
        self.0.http().headers()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a str);
    type IntoIter = Pairs<'a>;

    fn into_iter(self) -> Pairs<'a> {
        self.iter()
    }
}

impl FromInvocation for Headers {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Request::from_invocation(ctx).map(Headers)
    }
}

impl fmt::Debug for Headers {
    /// Values may be secret, so only the names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// The cookies of the request, as an argument.
///
/// ```
/// use handlers_sdk::{Cookies, function, testing::Invoke};
///
/// #[function]
/// fn visits(cookies: Cookies) -> String {
///     cookies.get("visits").unwrap_or("0").to_owned()
/// }
/// assert_eq!(Invoke::http("GET", "/").header("Cookie", "visits=3").run(visits::MODULE).text(), "3");
/// ```
#[derive(Clone)]
pub struct Cookies(Request);

impl Cookies {
    /// Returns the cookie of that name; `None` without one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.cookie(name)
    }

    /// Returns every cookie, in the order of the request.
    pub fn iter(&self) -> Pairs<'_> {
        self.0.http().cookies()
    }
}

impl<'a> IntoIterator for &'a Cookies {
    type Item = (&'a str, &'a str);
    type IntoIter = Pairs<'a>;

    fn into_iter(self) -> Pairs<'a> {
        self.iter()
    }
}

impl FromInvocation for Cookies {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Request::from_invocation(ctx).map(Cookies)
    }
}

impl fmt::Debug for Cookies {
    /// Values may be secret, so only the names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// The client's address, as far as a trusted proxy or platform has said it ([`HttpView::client_ip`]); absent otherwise.
///
/// ```
/// use handlers_sdk::{ClientIp, function};
///
/// #[function]
/// fn whence(address: Option<ClientIp>) -> String {
///     address.map_or_else(|| "somewhere".to_owned(), |ClientIp(address)| address.to_string())
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(pub IpAddr);

impl FromInvocation for ClientIp {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let address = http(ctx)?.client_ip().parse();
        address.map(ClientIp).map_err(|_| Error::absent("Request.ClientIp", "the client's address is not known"))
    }
}

/// The platform's id of this invocation: [`FaasContext::request_id`] as a text of its own.
///
/// ```
/// use handlers_sdk::{RequestId, function, testing::Invoke};
///
/// #[function]
/// fn id(RequestId(id): RequestId) -> String {
///     id
/// }
/// assert_eq!(Invoke::event("").run(id::MODULE).text(), "test-request");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub String);

impl FromInvocation for RequestId {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(RequestId(ctx.request_id().to_owned()))
    }
}

/// The moment at which the platform gives up waiting: [`FaasContext::deadline`]. The argument is absent without a
/// deadline.
///
/// ```
/// use handlers_sdk::{Deadline, function};
///
/// #[function]
/// fn hurried(deadline: Option<Deadline>) -> &'static str {
///     if deadline.is_some() { "until then" } else { "take your time" }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub SystemTime);

impl FromInvocation for Deadline {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        ctx.deadline().map(Deadline).ok_or_else(|| Error::absent("Request.Deadline", "there is no deadline"))
    }
}
