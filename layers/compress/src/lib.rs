//! Compresses replies to requests whose clients accept it.
//!
//! The README has the table of its configuration, and says why this layer is not std-only.
#![forbid(unsafe_code)]

mod encoder;
mod negotiate;
mod reply;
mod settings;

use encoder::Encoder;
use handlers_sdk::{Config, Error, Invocation, Layer, ReplyHead, Response, StreamFilter, layer};
use reply::Head;
use settings::Settings;

/// The layer, as it is configured.
#[derive(Debug)]
pub struct Compress(Settings);

#[layer(name = "compress")]
impl Layer for Compress {
    fn create(config: &Config) -> Result<Self, Error> {
        Settings::read(config).map(Compress)
    }

    /// Sees to replies that come in pieces; all others are whole in `after_invoke`.
    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        if !head.takes_filter() || head.is_raw() || !head.may_be_packed(&self.0, None) {
            return Ok(());
        }
        let length = head.header("content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length < self.0.min_bytes) {
            return Ok(());
        }
        let Some(coding) = head.choose()? else { return Ok(()) };
        head.filter(Pieces(Encoder::new(coding, self.0.level, 0).map_err(Error::of)?))?;
        head.packed_as(coding)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let length = invocation.reply_body().len();
        if invocation.is_streamed()
            || invocation.is_reply_raw()
            || !(self.0.min_bytes..=self.0.max_bytes).contains(&length)
        {
            return Ok(());
        }
        let untyped = invocation.is_reply_value().then_some("application/json");
        if !invocation.may_be_packed(&self.0, untyped) {
            return Ok(());
        }
        let Some(coding) = invocation.choose()? else { return Ok(()) };
        let mut encoder = Encoder::new(coding, self.0.level, length / 3).map_err(Error::of)?;
        encoder.write(invocation.reply_body()).map_err(Error::of)?;
        let packed = encoder.end().map_err(Error::of)?;
        if packed.len() >= length {
            return Ok(());
        }
        invocation.packed_as(coding)?;
        if let Some(untyped) = untyped.filter(|_| invocation.reply_header("content-type").is_none()) {
            invocation.set_reply_header("content-type", untyped)?;
        }
        let status = invocation.reply_status().unwrap_or(200);
        invocation.set_reply(Response::new(status).body(packed))
    }
}

/// Packs the pieces of a stream. Each leaves at once: a client that shows progress must not wait for the next one.
struct Pieces(Encoder);

impl StreamFilter for Pieces {
    fn piece(&mut self, piece: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.write(piece).map_err(Error::of)?;
        self.0.flush().map_err(Error::of)
    }

    fn end(&mut self) -> Result<Vec<u8>, Error> {
        self.0.end().map_err(Error::of)
    }
}
