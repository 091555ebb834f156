//! One HTTP request, whatever brought it: a connection, or an event with a request inside.

use crate::encoding::percent;
use crate::fields::{Fields, Span, caseless};

/// Where the request's body is.
#[derive(Debug, Default)]
pub enum Body {
    /// There is none.
    #[default]
    Empty,
    /// The whole event or message body.
    Whole,
    /// A part of the event, as it stands there.
    Part(Span),
    /// Decoded out of the event.
    Own(Vec<u8>),
}

/// The request as a function sees it. Texts are bytes: HTTP promises no encoding.
#[derive(Debug, Default)]
pub struct HttpView {
    text: Vec<u8>,
    method: Span,
    path: Span,
    raw_path: Span,
    raw_query: Span,
    host: Span,
    scheme: Span,
    client_ip: Span,
    protocol: Span,
    route: Span,
    /// Headers in order, with repeats where the source keeps them.
    pub headers: Fields,
    /// Decoded query in order, with repeats.
    pub query: Fields,
    /// Cookies in order.
    pub cookies: Fields,
    /// Path parameters.
    pub params: Fields,
    /// Where the body is.
    pub body: Body,
}

macro_rules! texts {
    ($($get:ident $set:ident $member:ident $doc:literal),* $(,)?) => {
        impl HttpView {
            $(
                #[doc = $doc]
                pub fn $get(&self) -> &[u8] {
                    self.$member.read(&self.text)
                }

                #[doc = concat!("Sets: ", $doc)]
                pub fn $set(&mut self, text: &[u8]) {
                    self.$member = self.put(text);
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
    client_ip set_client_ip client_ip "The client's address.",
    protocol set_protocol protocol "HTTP/1.1, …",
    route set_route route "The pattern that matched at the platform.",
}

impl HttpView {
    /// Empties it and keeps its memory.
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

    /// The first header of that name.
    pub fn header(&self, name: &[u8]) -> Option<&[u8]> {
        self.headers.get(name, caseless)
    }

    /// Keeps a text made by `write`.
    pub fn put_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.text.len();
        write(&mut self.text);
        Span::new(start, self.text.len())
    }

    /// Takes a percent-coded path. What may not stand in a URI is coded; all else stays as it came.
    pub fn set_coded_path(&mut self, path: &[u8]) {
        self.raw_path = self.put_with(|out| percent::mend_path_into(out, path));
        self.decode_path();
    }

    /// Takes a path whose coding the source has undone, and codes it anew. A coded slash or percent sign of the client
    /// cannot be told from one that stood there.
    pub fn set_decoded_path(&mut self, path: &[u8]) {
        self.set_path(path);
        self.raw_path = self.put_with(|out| percent::encode_path_into(out, path));
    }

    /// Takes a percent-coded query. What may not stand in a URI is coded; all else stays as it came.
    pub fn set_coded_query(&mut self, query: &[u8]) {
        self.raw_query = self.put_with(|out| percent::mend_query_into(out, query));
    }

    /// Sets the path to the raw path with its percent-coding undone.
    pub fn decode_path(&mut self) {
        let raw = self.raw_path;
        if !raw.read(&self.text).contains(&b'%') {
            self.path = raw;
            return;
        }
        let mut decoded = Vec::with_capacity(raw.len());
        percent::decode_into(&mut decoded, raw.read(&self.text), false);
        self.path = self.put(&decoded);
    }

    /// Reads the query from its raw form.
    pub fn decode_query(&mut self) {
        let query = &mut self.query;
        for (name, value) in percent::pairs(self.raw_query.read(&self.text)) {
            query.add_pair_with(
                |out| percent::decode_into(out, name, true),
                |out| percent::decode_into(out, value, true),
            );
        }
    }

    /// Makes the raw query from the decoded one.
    pub fn encode_query(&mut self) {
        let start = self.text.len();
        for (name, value) in self.query.iter() {
            if self.text.len() > start {
                self.text.push(b'&');
            }
            percent::encode_query_into(&mut self.text, name);
            self.text.push(b'=');
            percent::encode_query_into(&mut self.text, value);
        }
        self.raw_query = Span::new(start, self.text.len());
    }

    /// Reads the cookies from the `cookie` headers.
    pub fn read_cookies(&mut self) {
        for (name, value) in self.headers.iter() {
            if caseless(name, b"cookie") {
                add_cookies(&mut self.cookies, value);
            }
        }
    }

    /// Reads what the headers tell of the way here: the host asked for, and as the last hop saw them scheme and client.
    /// The scheme is `scheme` where none is told; a host that no header names and a client that is known already stay.
    pub fn read_way(&mut self, scheme: &[u8]) {
        let (text, headers) = (&mut self.text, &self.headers);
        let mut keep = |value: &[u8]| {
            let start = text.len();
            text.extend_from_slice(value);
            Span::new(start, text.len())
        };
        // Each hop adds to the end, whether it joins the header or repeats it.
        let told = |name: &[u8]| headers.iter().filter(|(other, _)| caseless(other, name)).last();
        if let Some(host) = headers.get(b"host", caseless) {
            self.host = keep(host);
        }
        self.scheme = keep(told(b"x-forwarded-proto").map_or(scheme, |(_, value)| last_element(value)));
        if self.client_ip.is_empty()
            && let Some((_, value)) = told(b"x-forwarded-for")
        {
            self.client_ip = keep(last_element(value));
        }
    }

    /// Keeps a text of the view's own.
    pub fn put(&mut self, text: &[u8]) -> Span {
        self.put_with(|out| out.extend_from_slice(text))
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

/// What the nearest hop added to a list header.
pub(super) fn last_element(value: &[u8]) -> &[u8] {
    value.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii()
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
    fn the_last_hop_says_scheme_and_client() {
        let mut view = HttpView::default();
        view.headers.add(b"Host", b"example.com");
        view.headers.add(b"X-Forwarded-Proto", b"https, http");
        view.headers.add(b"X-Forwarded-For", b"10.0.0.1");
        view.headers.add(b"X-Forwarded-For", b"10.0.0.2 , 192.0.2.7");
        view.read_way(b"https");
        assert_eq!(
            (view.host(), view.scheme(), view.client_ip()),
            (&b"example.com"[..], &b"http"[..], &b"192.0.2.7"[..])
        );
        let mut view = HttpView::default();
        view.set_client_ip(b"192.0.2.1");
        view.set_host(b"known.example");
        view.headers.add(b"x-forwarded-for", b"10.0.0.1");
        view.read_way(b"https");
        assert_eq!(
            (view.host(), view.scheme(), view.client_ip()),
            (&b"known.example"[..], &b"https"[..], &b"192.0.2.1"[..])
        );
    }

    #[test]
    fn cookies_are_read_from_all_cookie_headers_in_order() {
        let mut view = HttpView::default();
        view.headers.add(b"Cookie", b"a=1; b=x=y;;c");
        view.headers.add(b"cookie", b" a=2;");
        view.read_cookies();
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
