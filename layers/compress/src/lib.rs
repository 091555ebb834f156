//! Compresses replies to requests whose clients accept it.
//!
//! The README has the table of its configuration, and says why this layer is not std-only.
#![forbid(unsafe_code)]

mod negotiate;
mod settings;

use handlers_sdk::{Config, Error, Invocation, Layer, Response, layer};
use negotiate::Coding;
use settings::Settings;
use std::io::Write;

/// The layer, as it is configured.
#[derive(Debug)]
pub struct Compress(Settings);

/// The headers that describe the bytes before compression.
const OF_THE_BYTES: [&str; 5] = ["content-digest", "repr-digest", "digest", "content-md5", "accept-ranges"];

impl Compress {
    /// Returns the content type of a reply that may be sent in another coding; `None` if it may not.
    fn content_type(&self, invocation: &Invocation<'_>) -> Option<String> {
        let http = invocation.http()?;
        let status = invocation.reply_status()?;
        let length = invocation.reply_body().len();
        let is_whole = !invocation.is_streamed() && !invocation.is_reply_raw();
        let is_partial = status == 206 || invocation.reply_header("content-range").is_some();
        let has_body = !matches!(status, 204 | 304) && http.method() != "HEAD" && !is_partial;
        let takes_bytes = match invocation.source() {
            // Inside the host's envelope a body that is no text would reach the client as base64.
            "azure:http" => false,
            "aws:apigateway:v1" => self.0.rest_api,
            _ => true,
        };
        if !takes_bytes || !is_whole || !has_body || length < self.0.min_bytes || length > self.0.max_bytes {
            return None;
        }
        let is_coded =
            invocation.reply_header("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"));
        let is_fixed = words(invocation, "cache-control").any(|word| word.eq_ignore_ascii_case("no-transform"));
        if is_coded || is_fixed {
            return None;
        }
        let found = match invocation.reply_header("content-type") {
            Some(found) => found,
            None if invocation.is_reply_value() => "application/json",
            None => return None,
        };
        self.0.takes(found).then(|| found.to_owned())
    }

    fn pack(&self, coding: Coding, body: &[u8]) -> Result<Vec<u8>, Error> {
        let room = Vec::with_capacity(body.len() / 3);
        match coding {
            #[cfg(feature = "br")]
            Coding::Brotli => {
                let parameters =
                    brotli::enc::BrotliEncoderParams { quality: self.0.level.into(), ..Default::default() };
                let mut packed = room;
                brotli::BrotliCompress(&mut &body[..], &mut packed, &parameters).map_err(Error::of)?;
                Ok(packed)
            }
            Coding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(room, flate2::Compression::new(self.0.level.into()));
                encoder.write_all(body).map_err(Error::of)?;
                encoder.finish().map_err(Error::of)
            }
        }
    }
}

/// Returns the words of a reply header's lists.
fn words<'a>(invocation: &'a Invocation<'_>, name: &'a str) -> impl Iterator<Item = &'a str> {
    let same = invocation.reply_headers().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
    same.flat_map(|(_, value)| value.split(',')).map(str::trim)
}

#[layer(name = "compress")]
impl Layer for Compress {
    fn create(config: &Config) -> Result<Self, Error> {
        Settings::read(config).map(Compress)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let Some(content_type) = self.content_type(invocation) else { return Ok(()) };
        // The header is set also where this client takes no coding, since a cache may hold the reply for another.
        if !words(invocation, "vary").any(|word| word == "*" || word.eq_ignore_ascii_case("accept-encoding")) {
            invocation.add_reply_header("vary", "Accept-Encoding")?;
        }
        let accepted = invocation.http().and_then(|http| http.header("accept-encoding"));
        let Some(coding) = accepted.and_then(negotiate::best) else { return Ok(()) };
        let packed = self.pack(coding, invocation.reply_body())?;
        if packed.len() >= invocation.reply_body().len() {
            return Ok(());
        }
        // The same content in other bytes is another representation: a strong tag would say that the bytes are the
        // same.
        let strong = invocation.reply_header("etag").filter(|tag| tag.starts_with('"')).map(str::to_owned);
        if let Some(tag) = strong {
            invocation.set_reply_header("etag", &format!("W/{tag}"))?;
        }
        for name in OF_THE_BYTES {
            if invocation.reply_header(name).is_some() {
                invocation.remove_reply_header(name)?;
            }
        }
        let status = invocation.reply_status().unwrap_or(200);
        invocation.set_reply_header("content-encoding", coding.name())?;
        invocation.set_reply_header("content-type", &content_type)?;
        invocation.set_reply(Response::new(status).body(packed))
    }
}
