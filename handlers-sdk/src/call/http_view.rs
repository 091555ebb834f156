//! The HTTP request of an invocation, one view for every platform's HTTP triggers.

use crate::call::pairs::Pairs;
use crate::ffi::Reader;
use faas_abi::*;

/// The request, borrowed from the invocation; made lazily by the host, so what is not asked costs nothing.
#[derive(Clone, Copy)]
pub struct HttpView<'a> {
    reader: Reader<'a>,
}

impl<'a> HttpView<'a> {
    pub(crate) fn of(reader: Reader<'a>) -> Option<HttpView<'a>> {
        (reader.num(NUM_IS_HTTP) != 0).then_some(HttpView { reader })
    }

    fn value(self, list: u32, name: &str) -> Option<&'a str> {
        self.reader.get(list, name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// `GET`, `POST`, …
    pub fn method(self) -> &'a str {
        self.reader.text(META_METHOD)
    }

    /// The path, as the platform hands it.
    pub fn path(self) -> &'a str {
        self.reader.text(META_PATH)
    }

    /// The path, percent-coded.
    pub fn raw_path(self) -> &'a str {
        self.reader.text(META_RAW_PATH)
    }

    /// The query without `?`, as it came.
    pub fn raw_query(self) -> &'a str {
        self.reader.text(META_RAW_QUERY)
    }

    /// The first decoded query value of that name.
    pub fn query(self, name: &str) -> Option<&'a str> {
        self.value(LIST_QUERY, name)
    }

    /// The decoded query, in order and with repeats.
    pub fn queries(self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_QUERY)
    }

    /// The first header of that name, whatever its case.
    pub fn header(self, name: &str) -> Option<&'a str> {
        self.value(LIST_HEADER, name)
    }

    /// The headers, in order and with repeats.
    pub fn headers(self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_HEADER)
    }

    /// A cookie.
    pub fn cookie(self, name: &str) -> Option<&'a str> {
        self.value(LIST_COOKIE, name)
    }

    /// The cookies, in order.
    pub fn cookies(self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_COOKIE)
    }

    /// What the route's pattern matched under that name.
    pub fn path_param(self, name: &str) -> Option<&'a str> {
        self.value(LIST_PATH_PARAM, name)
    }

    /// All path parameters.
    pub fn path_params(self) -> Pairs<'a> {
        Pairs::new(self.reader, LIST_PATH_PARAM)
    }

    /// The pattern that matched, where one did.
    pub fn route(self) -> Option<&'a str> {
        Some(self.reader.text(META_ROUTE)).filter(|route| !route.is_empty())
    }

    /// The body, its base64 undone.
    pub fn body(self) -> &'a [u8] {
        self.reader.body()
    }

    /// The host the client asked for.
    pub fn host(self) -> &'a str {
        self.reader.text(META_HOST)
    }

    /// `http` or `https`.
    pub fn scheme(self) -> &'a str {
        self.reader.text(META_SCHEME)
    }

    /// The client's address, without port and brackets, as far as somebody who is trusted has said it; else empty. Behind
    /// proxies `FAAS_TRUSTED_HOPS` says who is.
    pub fn client_ip(self) -> &'a str {
        self.reader.text(META_CLIENT_IP)
    }

    /// `HTTP/1.1`, `HTTP/2`.
    pub fn protocol(self) -> &'a str {
        self.reader.text(META_PROTOCOL)
    }
}

impl std::fmt::Debug for HttpView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpView").field("method", &self.method()).field("path", &self.path()).finish_non_exhaustive()
    }
}
