//! The encoders of the codings, which take bytes and return packed ones.

use crate::negotiate::Coding;
use std::io::{Result, Write};
use std::mem::take;

/// The logarithm of the bytes that brotli and zstd look back over: 512 KiB, as proxies do. Each stream holds as much.
#[cfg(any(feature = "br", feature = "zstd"))]
const WINDOW: u8 = 19;

/// The encoder of one reply.
pub(crate) enum Encoder {
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    /// The encoder of Brotli; `None` once it has ended.
    #[cfg(feature = "br")]
    Brotli(Option<Box<brotli::CompressorWriter<Vec<u8>>>>),
    #[cfg(feature = "zstd")]
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// Makes an encoder. `room` is the expected number of packed bytes.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(crate) fn new(coding: Coding, level: u8, room: usize) -> Result<Encoder> {
        let out = Vec::with_capacity(room);
        Ok(match coding {
            Coding::Gzip => Encoder::Gzip(flate2::write::GzEncoder::new(out, flate2::Compression::new(level.into()))),
            #[cfg(feature = "br")]
            Coding::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: level.into(),
                    lgwin: WINDOW.into(),
                    ..Default::default()
                };
                Encoder::Brotli(Some(Box::new(brotli::CompressorWriter::with_params(out, 4096, &parameters))))
            }
            #[cfg(feature = "zstd")]
            Coding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, level.into())?;
                encoder.window_log(WINDOW.into())?;
                Encoder::Zstd(encoder)
            }
        })
    }

    fn writer(&mut self) -> Option<&mut dyn Write> {
        match self {
            Encoder::Gzip(encoder) => Some(encoder),
            #[cfg(feature = "br")]
            Encoder::Brotli(encoder) => encoder.as_mut().map(|encoder| encoder as &mut dyn Write),
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => Some(encoder),
        }
    }

    /// Takes bytes, which it may keep back.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer().map_or(Ok(()), |writer| writer.write_all(bytes))
    }

    /// Returns all packed bytes that it has not returned yet: those that were written can be unpacked from them.
    pub(crate) fn flush(&mut self) -> Result<Vec<u8>> {
        self.writer().map_or(Ok(()), Write::flush)?;
        Ok(match self {
            Encoder::Gzip(encoder) => take(encoder.get_mut()),
            #[cfg(feature = "br")]
            Encoder::Brotli(encoder) => encoder.as_mut().map(|encoder| take(encoder.get_mut())).unwrap_or_default(),
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => take(encoder.get_mut()),
        })
    }

    /// Ends the coding, and returns the packed bytes that are left.
    pub(crate) fn end(&mut self) -> Result<Vec<u8>> {
        Ok(match self {
            Encoder::Gzip(encoder) => {
                encoder.try_finish()?;
                take(encoder.get_mut())
            }
            #[cfg(feature = "br")]
            Encoder::Brotli(encoder) => encoder.take().map(|encoder| encoder.into_inner()).unwrap_or_default(),
            #[cfg(feature = "zstd")]
            Encoder::Zstd(encoder) => {
                encoder.do_finish()?;
                take(encoder.get_mut())
            }
        })
    }
}
