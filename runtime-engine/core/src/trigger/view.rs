//! The view of one HTTP request, whether a connection brought it or an event with a request inside.

use super::caller::{Hops, address};
use crate::encoding::percent;
use crate::fields::{Fields, caseless_inline as caseless};
use crate::text::{Span, Text};

/// The place of the request's body.
#[derive(Debug, Default)]
pub enum Body {
    /// The request has no body.
    #[default]
    Empty,
    /// The body is the whole event, or the whole body of the message.
    Whole,
    /// The body is a part of the event, as it stands there.
    Part(Span),
    /// The body had to be decoded, and these are its bytes.
    Own(Vec<u8>),
}

/// The request as a function sees it. Texts are bytes: HTTP promises no encoding.
///
/// A source makes it with the methods for coded and decoded texts, before anybody is shown a part of it. Changes of a
/// part afterwards, by `set_method` and its like and in the lists, leave the texts that have been shown where they are.
#[derive(Debug, Default)]
pub struct HttpView {
    text: Text,
    method: Span,
    path: Span,
    raw_path: Span,
    raw_query: Span,
    host: Span,
    scheme: Span,
    client_ip: Span,
    protocol: Span,
    route: Span,
    /// The headers in their order, with repeats where the source keeps them.
    pub headers: Fields,
    /// The decoded query in its order, with repeats.
    pub query: Fields,
    /// The cookies in their order.
    pub cookies: Fields,
    /// The parameters of the path, by name.
    pub params: Fields,
    /// The place of the body.
    pub body: Body,
    /// The number of trusted proxies in front. It belongs to the process and not to the request, so [`HttpView::clear`]
    /// keeps it.
    hops: usize,
}

macro_rules! texts {
    ($($get:ident $set:ident $member:ident $doc:literal),* $(,)?) => {
        impl HttpView {
            $(
                #[doc = $doc]
                pub fn $get(&self) -> &[u8] {
                    self.$member.read(self.text.as_slice())
                }

                #[doc = concat!("Sets: ", $doc)]
                pub fn $set(&mut self, text: &[u8]) {
                    self.$member = self.text.put(text);
                }
            )*
        }
    };
}

texts! {
    method set_method method "GET, POST, …",
    path set_path path "The path, percent-coding undone where the source has not done so.",
    raw_path set_raw_path raw_path "The path, percent-coded: as it came, or made from the decoded one where the source has only that.",
    raw_query set_raw_query raw_query "The query, percent-coded, without `?`: as it came, or made from the decoded one.",
    host set_host host "The host the client asked for.",
    scheme set_scheme scheme "http or https.",
    protocol set_protocol protocol "HTTP/1.1, …",
    route set_route route "The pattern that matched at the platform.",
}

/// An empty view whose memory is used for one invocation after another. A source takes it once it has recognised a
/// request.
#[derive(Debug, Default)]
pub struct SpareView {
    view: Option<Box<HttpView>>,
    hops: usize,
}

impl SpareView {
    /// Makes a spare view that believes what this many proxies in front say of the client. With 0 it believes no proxy.
    pub fn trusting(hops: usize) -> SpareView {
        SpareView { view: None, hops }
    }

    /// Makes a spare view out of one that has been read already.
    #[cfg(test)]
    pub(super) fn used(view: Box<HttpView>) -> SpareView {
        let mut spare = SpareView::default();
        spare.put(view);
        spare
    }

    /// Returns an empty view to fill.
    pub fn take(&mut self) -> Box<HttpView> {
        self.view.take().unwrap_or_else(|| Box::new(HttpView::trusting(self.hops)))
    }

    /// Empties a view that nobody reads any more and keeps its memory for the next one.
    pub fn put(&mut self, mut view: Box<HttpView>) {
        view.clear();
        self.view = Some(view);
    }
}

impl HttpView {
    /// Makes an empty view that believes what this many proxies in front say of the client. With 0 it believes no
    /// proxy.
    pub fn trusting(hops: usize) -> HttpView {
        HttpView { hops, ..HttpView::default() }
    }

    /// Returns the client's address, without port and brackets. It is empty if neither the source nor a trusted proxy
    /// says it.
    pub fn client_ip(&self) -> &[u8] {
        self.client_ip.read(self.text.as_slice())
    }

    /// Takes the client's address out of a text that may have a port behind it and brackets around it.
    pub fn set_client_ip(&mut self, text: &[u8]) {
        self.client_ip = self.text.put(address(text));
    }

    /// Takes the address of a connection's other end, which has neither port nor brackets.
    pub(super) fn set_peer(&mut self, peer: &str) {
        self.client_ip = self.text.put(peer.as_bytes());
    }

    /// Sets the path to `/` where it is empty: a request always has one.
    pub(crate) fn complete_path(&mut self) {
        if self.path.is_empty() {
            self.path = self.text.put(b"/");
            self.raw_path = self.path;
        }
    }

    /// Takes the address that a proxy sets, and never hands on from a client, in a header of this name. It is taken
    /// only where at least one proxy is trusted, and only where the address is not known by then.
    pub(super) fn read_client_of(&mut self, name: &[u8]) {
        if self.hops > 0
            && self.client_ip.is_empty()
            && let Some(value) = self.headers.get(name, caseless)
        {
            self.client_ip = self.text.put(address(value));
        }
    }

    /// Empties the view. Its memory and the number of trusted proxies stay.
    pub fn clear(&mut self) {
        self.text.clear();
        self.method = Span::EMPTY;
        self.path = Span::EMPTY;
        self.raw_path = Span::EMPTY;
        self.raw_query = Span::EMPTY;
        self.host = Span::EMPTY;
        self.scheme = Span::EMPTY;
        self.client_ip = Span::EMPTY;
        self.protocol = Span::EMPTY;
        self.route = Span::EMPTY;
        self.headers.clear();
        self.query.clear();
        self.cookies.clear();
        self.params.clear();
        self.body = Body::Empty;
    }

    /// Returns the first header of that name, whatever its case; `None` if there is no such header.
    pub fn header(&self, name: &[u8]) -> Option<&[u8]> {
        self.headers.get(name, caseless)
    }

    /// Takes a percent-coded path. Bytes that may not stand in a URI are coded; all others stay as they came.
    pub fn set_coded_path(&mut self, path: &[u8]) {
        self.raw_path = self.text.write(|out| percent::mend_path_into(out, path));
        self.decode_path();
    }

    /// Takes a path whose coding the source has undone, and codes it anew. A coded slash or percent sign of the client
    /// cannot be told from one that stood there.
    pub fn set_decoded_path(&mut self, path: &[u8]) {
        self.set_path(path);
        self.raw_path = self.text.write(|out| percent::encode_path_into(out, path));
    }

    /// Takes a percent-coded query. Bytes that may not stand in a URI are coded; all others stay as they came.
    pub fn set_coded_query(&mut self, query: &[u8]) {
        self.raw_query = self.text.write(|out| percent::mend_query_into(out, query));
    }

    /// Sets the path to the raw path with its percent-coding undone.
    pub fn decode_path(&mut self) {
        let raw = self.raw_path;
        if !raw.read(self.text.as_slice()).contains(&b'%') {
            self.path = raw;
            return;
        }
        let mut decoded = Vec::with_capacity(raw.len());
        percent::decode_into(&mut decoded, raw.read(self.text.as_slice()), false);
        self.path = self.text.put(&decoded);
    }

    /// Reads the query from its raw form.
    pub fn decode_query(&mut self) {
        let query = &mut self.query;
        for (name, value) in percent::pairs(self.raw_query.read(self.text.as_slice())) {
            query.add_pair_with(
                |out| percent::decode_into(out, name, true),
                |out| percent::decode_into(out, value, true),
            );
        }
    }

    /// Makes the raw query from the decoded one.
    pub fn encode_query(&mut self) {
        let query = &self.query;
        self.raw_query = self.text.write(|out| {
            let start = out.len();
            for (name, value) in query.iter() {
                if out.len() > start {
                    out.push(b'&');
                }
                percent::encode_query_into(out, name);
                out.push(b'=');
                percent::encode_query_into(out, value);
            }
        });
    }

    /// Reads the cookies from the `cookie` headers, unless there are some already.
    pub(crate) fn complete_cookies(&mut self) {
        if !self.cookies.is_empty() {
            return;
        }
        for (name, value) in self.headers.iter() {
            if caseless(name, b"cookie") {
                add_cookies(&mut self.cookies, value);
            }
        }
    }

    /// Reads the host from the headers, and scheme and client as trusted proxies say them. The scheme is `scheme` where
    /// no proxy says it. A host that no header names stays. A client that is known already is the one that the nearest
    /// proxy has named. It stays, unless more than one proxy is trusted.
    pub fn read_way(&mut self, scheme: &[u8]) {
        let (text, headers) = (&mut self.text, &self.headers);
        if let Some(host) = headers.get(b"host", caseless) {
            self.host = text.put(host);
        }
        let hops = Hops(self.hops);
        self.scheme = text.put(hops.told(headers, b"x-forwarded-proto").unwrap_or(scheme));
        if (self.client_ip.is_empty() || self.hops > 1)
            && let Some(client) = hops.told(headers, b"x-forwarded-for")
        {
            self.client_ip = text.put(address(client));
        }
    }
}

/// Adds the pairs of a Cookie header.
pub(super) fn add_cookies(cookies: &mut Fields, header: &[u8]) {
    for pair in header.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty()) {
        match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => cookies.add(&pair[..at], &pair[at + 1..]),
            None => cookies.add(pair, b""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(fields: &Fields) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        fields.iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn a_coded_path_stays_and_a_decoded_one_is_coded_anew() {
        let mut view = HttpView::default();
        view.set_coded_path(b"/a%2Fb/c d");
        assert_eq!((view.raw_path(), view.path()), (&b"/a%2Fb/c%20d"[..], &b"/a/b/c d"[..]));
        view.set_decoded_path("/50%25/é".as_bytes());
        assert_eq!((view.raw_path(), view.path()), (&b"/50%2525/%C3%A9"[..], "/50%25/é".as_bytes()));
    }

    #[test]
    fn trusted_proxies_say_scheme_and_client() {
        let way = |hops: usize| {
            let mut view = HttpView::trusting(hops);
            view.headers.add(b"Host", b"example.com");
            view.headers.add(b"X-Forwarded-Proto", b"https, http");
            view.headers.add(b"X-Forwarded-For", b"[2001:db8::1]:9");
            view.headers.add(b"X-Forwarded-For", b"10.0.0.2:32554 , 192.0.2.7");
            view.read_way(b"none");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(view.host()), text(view.scheme()), text(view.client_ip()))
        };
        let expect = |scheme: &str, client: &str| ("example.com".to_owned(), scheme.to_owned(), client.to_owned());
        assert_eq!(way(0), expect("none", ""));
        assert_eq!(way(1), expect("http", "192.0.2.7"));
        assert_eq!(way(2), expect("https", "10.0.0.2"));
        assert_eq!(way(3), expect("https", "2001:db8::1"));
        assert_eq!(way(9), expect("https", "2001:db8::1"));
    }

    #[test]
    fn what_is_known_of_host_and_client_stays() {
        let mut view = HttpView::trusting(1);
        view.set_client_ip(b"192.0.2.1:80");
        view.set_host(b"known.example");
        view.headers.add(b"x-forwarded-for", b"10.0.0.1");
        view.headers.add(b"x-real-ip", b"10.0.0.3");
        view.read_client_of(b"x-real-ip");
        view.read_way(b"https");
        assert_eq!(
            (view.host(), view.scheme(), view.client_ip()),
            (&b"known.example"[..], &b"https"[..], &b"192.0.2.1"[..])
        );
    }

    #[test]
    fn behind_more_than_one_proxy_the_list_counts_more_than_what_the_nearest_says() {
        let mut view = HttpView::trusting(2);
        view.set_client_ip(b"192.0.2.1");
        view.read_way(b"https");
        assert_eq!(view.client_ip(), b"192.0.2.1", "there is no list");
        view.headers.add(b"x-forwarded-for", b"10.0.0.1, 192.0.2.1");
        view.read_way(b"https");
        assert_eq!(view.client_ip(), b"10.0.0.1");
    }

    #[test]
    fn an_address_that_a_proxy_sets_counts_only_where_one_is_trusted() {
        for (hops, client) in [(0, &b""[..]), (1, b"192.0.2.8")] {
            let mut view = HttpView::trusting(hops);
            view.headers.add(b"X-Real-Ip", b"192.0.2.8:443");
            view.read_client_of(b"x-real-ip");
            assert_eq!(view.client_ip(), client, "{hops} trusted");
            view.clear();
            view.headers.add(b"x-real-ip", b"192.0.2.8");
            view.read_client_of(b"x-real-ip");
            assert_eq!(view.client_ip(), client, "{hops} trusted, in a view that is used again");
        }
    }

    #[test]
    fn cookies_are_read_from_all_cookie_headers_in_order() {
        let mut view = HttpView::default();
        view.headers.add(b"Cookie", b"a=1; b=x=y;;c");
        view.headers.add(b"cookie", b" a=2;");
        view.complete_cookies();
        view.complete_cookies();
        let expected = [("a", "1"), ("b", "x=y"), ("c", ""), ("a", "2")];
        assert_eq!(list(&view.cookies), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_cleared_view_is_empty() {
        let mut view = HttpView::default();
        view.set_method(b"GET");
        view.set_coded_path(b"/a");
        view.headers.add(b"a", b"b");
        view.body = Body::Own(b"x".to_vec());
        view.clear();
        assert!(view.method().is_empty() && view.path().is_empty() && view.headers.is_empty());
        assert!(matches!(view.body, Body::Empty));
    }
}
