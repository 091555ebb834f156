//! The HTTP request of an invocation, one view for every platform's HTTP triggers.

use crate::call::pairs::Pairs;
use crate::ffi::Reader;
use faas_abi::*;

/// The request of an HTTP trigger, borrowed from the invocation. The host makes each part when it is asked for.
///
/// ```
/// # use handlers_sdk::{FaasContext, function, testing::Invoke};
/// use handlers_sdk::HttpView;
///
/// fn tags(http: HttpView<'_>) -> Vec<&str> {
///     http.queries().filter(|(name, _)| *name == "tag").map(|(_, value)| value).collect()
/// }
///
/// #[function]
/// fn search(ctx: FaasContext) -> Result<String, (u16, &'static str)> {
///     let http = ctx.http().ok_or((400, "expected a request"))?;
///     Ok(format!("{} {} by {:?}", http.method(), http.path(), tags(http)))
/// }
///
/// let answer = Invoke::http("GET", "/tea?tag=green&page=2&tag=dry").run(search::MODULE);
/// assert_eq!(answer.text(), r#"GET /tea by ["green", "dry"]"#);
/// ```
#[derive(Clone, Copy)]
pub struct HttpView<'a> {
    reader: Reader<'a>,
}

impl<'a> HttpView<'a> {
    pub(crate) fn of(reader: Reader<'a>) -> Option<HttpView<'a>> {
        (reader.num(NUM_IS_HTTP) != 0).then_some(HttpView { reader })
    }

    /// Makes the view of an event that is known to be a request.
    pub(crate) fn known(reader: Reader<'a>) -> HttpView<'a> {
        HttpView { reader }
    }

    fn value(self, list: u32, name: &str) -> Option<&'a str> {
        self.reader.get(list, name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Returns the method in capitals, such as `GET`.
    pub fn method(self) -> &'a str {
        self.reader.text(META_METHOD)
    }

    /// Returns the path, as the platform hands it.
    pub fn path(self) -> &'a str {
        self.reader.text(META_PATH)
    }

    /// Returns the path, percent-coded.
    pub fn raw_path(self) -> &'a str {
        self.reader.text(META_RAW_PATH)
    }

    /// Returns the query without `?`, as it came.
    pub fn raw_query(self) -> &'a str {
        self.reader.text(META_RAW_QUERY)
    }

    /// Returns the first decoded query value of that name; `None` if there is none of it.
    pub fn query(self, name: &str) -> Option<&'a str> {
        self.value(LIST_QUERY, name)
    }

    /// Returns the decoded query, in order and with repeats.
    pub fn queries(self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_QUERY)
    }

    /// Returns the first header of that name, whatever its case; `None` without one.
    pub fn header(self, name: &str) -> Option<&'a str> {
        self.value(LIST_HEADER, name)
    }

    /// Returns the headers, in order and with repeats.
    pub fn headers(self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_HEADER)
    }

    /// Returns the cookie of that name; `None` without one.
    pub fn cookie(self, name: &str) -> Option<&'a str> {
        self.value(LIST_COOKIE, name)
    }

    /// Returns the cookies, in the order of the request.
    pub fn cookies(self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_COOKIE)
    }

    /// Returns the text that the route's pattern matched under that name; `None` without one.
    pub fn path_param(self, name: &str) -> Option<&'a str> {
        self.value(LIST_PATH_PARAM, name)
    }

    /// Returns all path parameters, in the order of the pattern.
    pub fn path_params(self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_PATH_PARAM)
    }

    /// Returns the pattern of the route that matched; `None` where no pattern did.
    pub fn route(self) -> Option<&'a str> {
        Some(self.reader.text(META_ROUTE)).filter(|route| !route.is_empty())
    }

    /// Returns the body, its base64 undone.
    pub fn body(self) -> &'a [u8] {
        self.reader.body()
    }

    /// Returns the host that the client asked for.
    pub fn host(self) -> &'a str {
        self.reader.text(META_HOST)
    }

    /// Returns the scheme, `http` or `https`.
    pub fn scheme(self) -> &'a str {
        self.reader.text(META_SCHEME)
    }

    /// Returns the client's address, without port and brackets, as far as a trusted proxy or platform has said it; else
    /// empty. Behind proxies `FAAS_TRUSTED_HOPS` says which are trusted.
    pub fn client_ip(self) -> &'a str {
        self.reader.text(META_CLIENT_IP)
    }

    /// Returns the protocol of the request, such as `HTTP/1.1` or `HTTP/2`.
    pub fn protocol(self) -> &'a str {
        self.reader.text(META_PROTOCOL)
    }
}

impl std::fmt::Debug for HttpView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpView").field("method", &self.method()).field("path", &self.path()).finish_non_exhaustive()
    }
}
