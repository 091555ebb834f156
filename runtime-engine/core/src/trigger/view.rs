//! One HTTP request, whatever brought it: a connection, or an event with a request inside.

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
    raw_path set_raw_path raw_path "The path as it came.",
    raw_query set_raw_query raw_query "The query as it came, without `?`; made from the decoded one where the source has only that.",
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

    /// Sets the path to the raw path with its percent-coding undone.
    pub fn decode_path(&mut self) {
        let raw = self.raw_path;
        if !raw.read(&self.text).contains(&b'%') {
            self.path = raw;
            return;
        }
        let mut decoded = Vec::with_capacity(raw.len());
        crate::encoding::percent::decode_into(&mut decoded, raw.read(&self.text), false);
        self.path = self.put(&decoded);
    }

    /// Reads the query from its raw form.
    pub fn decode_query(&mut self) {
        let query = &mut self.query;
        for (name, value) in crate::encoding::percent::pairs(self.raw_query.read(&self.text)) {
            query.add_pair_with(
                |out| crate::encoding::percent::decode_into(out, name, true),
                |out| crate::encoding::percent::decode_into(out, value, true),
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
            crate::encoding::percent::encode_query_into(&mut self.text, name);
            self.text.push(b'=');
            crate::encoding::percent::encode_query_into(&mut self.text, value);
        }
        self.raw_query = Span::new(start, self.text.len());
    }

    /// Reads the cookies from the `cookie` headers.
    pub fn read_cookies(&mut self) {
        for (name, value) in self.headers.iter() {
            if caseless(name, b"cookie") {
                for pair in value.split(|byte| *byte == b';') {
                    add_cookie(&mut self.cookies, pair);
                }
            }
        }
    }

    /// Keeps a text of the view's own.
    pub fn put(&mut self, text: &[u8]) -> Span {
        self.put_with(|out| out.extend_from_slice(text))
    }
}

/// Adds one `name=value` of a Cookie header.
pub(super) fn add_cookie(cookies: &mut Fields, pair: &[u8]) {
    let pair = pair.trim_ascii();
    if pair.is_empty() {
        return;
    }
    match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => cookies.add(&pair[..at], &pair[at + 1..]),
        None => cookies.add(pair, b""),
    }
}
