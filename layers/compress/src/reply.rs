//! The head of a reply, whether its body is there in whole or comes in pieces: may it be packed, and into which coding.

use crate::negotiate::{self, Coding};
use crate::settings::Settings;
use handlers_sdk::{Error, Invocation, ReplyHead};

/// The headers that describe the bytes before compression.
const OF_THE_BYTES: [&str; 6] =
    ["content-length", "content-digest", "repr-digest", "digest", "content-md5", "accept-ranges"];

/// The head of a reply to a request.
pub(crate) trait Head {
    /// Returns the method of the request; empty if there is no request.
    fn method(&self) -> &str;
    /// Returns `Accept-Encoding` of the request; `None` without one.
    fn accepted(&self) -> Option<&str>;
    fn source(&self) -> &str;
    fn status(&self) -> u16;
    fn headers(&self) -> impl Iterator<Item = (&str, &str)>;
    fn add(&mut self, name: &str, value: &str) -> Result<(), Error>;
    fn set(&mut self, name: &str, value: &str) -> Result<(), Error>;
    fn remove(&mut self, name: &str) -> Result<(), Error>;

    /// Returns the first header of that name; `None` without one.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns `true` if a header's lists have the word.
    fn has_word(&self, name: &str, word: &str) -> bool {
        let mut same = self.headers().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.any(|(_, value)| value.split(',').any(|other| other.trim().eq_ignore_ascii_case(word)))
    }

    /// Returns `true` if the reply may be sent in another coding. `untyped` is the content type of a reply without that
    /// header.
    fn may_be_packed(&self, settings: &Settings, untyped: Option<&str>) -> bool {
        let takes_bytes = match self.source() {
            // Inside the host's envelope a body that is no text would reach the client as base64.
            "azure:http" => false,
            "aws:apigateway:v1" => settings.rest_api,
            _ => true,
        };
        let has_body = !matches!(self.method(), "" | "HEAD") && !matches!(self.status(), 204 | 206 | 304);
        let is_coded = self.header("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"));
        let is_fixed = self.header("content-range").is_some() || self.has_word("cache-control", "no-transform");
        takes_bytes
            && has_body
            && !is_coded
            && !is_fixed
            && self.header("content-type").or(untyped).is_some_and(|found| settings.takes(found))
    }

    /// Returns the coding that the client wants most; `None` if it wants the body as it is. The reply says from here on
    /// that it depends on that: a cache may hold it for another client.
    fn choose(&mut self) -> Result<Option<Coding>, Error> {
        if !self.has_word("vary", "*") && !self.has_word("vary", "accept-encoding") {
            self.add("vary", "Accept-Encoding")?;
        }
        Ok(self.accepted().and_then(negotiate::best))
    }

    /// Says that the body is in this coding. The same content in other bytes is another representation: a strong tag
    /// would say that the bytes are the same.
    fn packed_as(&mut self, coding: Coding) -> Result<(), Error> {
        let strong = self.header("etag").filter(|tag| tag.starts_with('"')).map(|tag| format!("W/{tag}"));
        if let Some(weak) = strong {
            self.set("etag", &weak)?;
        }
        for name in OF_THE_BYTES {
            self.remove(name)?;
        }
        self.set("content-encoding", coding.name())
    }
}

impl Head for Invocation<'_> {
    fn method(&self) -> &str {
        self.http().map_or("", |http| http.method())
    }

    fn accepted(&self) -> Option<&str> {
        self.http()?.header("accept-encoding")
    }

    fn source(&self) -> &str {
        Invocation::source(self)
    }

    fn status(&self) -> u16 {
        self.reply_status().unwrap_or(0)
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.reply_headers()
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.add_reply_header(name, value)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.set_reply_header(name, value)
    }

    fn remove(&mut self, name: &str) -> Result<(), Error> {
        self.remove_reply_header(name)
    }
}

impl Head for ReplyHead<'_> {
    fn method(&self) -> &str {
        ReplyHead::method(self)
    }

    fn accepted(&self) -> Option<&str> {
        self.request_header("accept-encoding")
    }

    fn source(&self) -> &str {
        ReplyHead::source(self)
    }

    fn status(&self) -> u16 {
        ReplyHead::status(self)
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        ReplyHead::headers(self)
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.add_header(name, value)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.set_header(name, value)
    }

    fn remove(&mut self, name: &str) -> Result<(), Error> {
        self.remove_header(name)
    }
}
