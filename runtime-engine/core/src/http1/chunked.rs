//! The chunked transfer coding (RFC 9112 §7.1), undone over slices: it says where the data is and copies nothing.
//!
//! It ends with the last chunk's line. The trailer section behind it has the grammar of a header section and is read by
//! whoever holds the bytes.

use super::{Limits, Refusal, grammar};

/// The number of hexadecimal digits of a `u64`.
const MAX_DIGITS: u8 = 16;

/// A piece that a decoder found in its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The input is used up, without data at its end.
    More,
    /// `input[from..to]` is body data; go on with `input[to..]`.
    Data {
        /// The index at which the chunk's data begin.
        from: usize,
        /// The index at which the chunk's data end.
        to: usize,
    },
    /// The last chunk's line ended before `next`; the trailer section begins there.
    Last {
        /// Start of the trailer section.
        next: usize,
    },
}

/// State of one chunked body. Input may be cut anywhere, and is never looked at twice.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    /// The size being read, then the bytes of data still to come.
    left: u64,
    body_left: u64,
    body_limit: u64,
    ext_left: usize,
    ext_limit: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Size {
        digits: u8,
    },
    Extension,
    /// Inside a quoted string of an extension (RFC 9112 §7.1.1).
    Quoted,
    /// The decoder is behind a backslash in a quoted string.
    Escaped,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Last,
}

impl Decoder {
    /// Makes a decoder at the start of a body. Of the limits it keeps those on the body and on chunk extensions.
    pub fn new(limits: &Limits) -> Decoder {
        Decoder {
            state: State::Size { digits: 0 },
            left: 0,
            body_left: limits.body_bytes,
            body_limit: limits.body_bytes,
            ext_left: limits.chunk_ext_bytes,
            ext_limit: limits.chunk_ext_bytes,
        }
    }

    /// Returns the number of bytes of the chunk in progress that are still to come. It is 0 between chunks.
    pub fn chunk_left(&self) -> u64 {
        if matches!(self.state, State::Data) { self.left } else { 0 }
    }

    /// Reads on. It has to be called again with the rest of the input after [`Piece::Data`], with new input after
    /// [`Piece::More`].
    ///
    /// # Errors
    /// Anything but a plain size, a well-formed extension and CR LF where they belong; sizes over the limits, as soon
    /// as they are announced. The decoder is of no use after an error.
    pub fn decode(&mut self, input: &[u8]) -> Result<Piece, Refusal> {
        for (at, &byte) in input.iter().enumerate() {
            self.state = match self.state {
                State::Size { digits } => self.size(byte, digits)?,
                State::Extension | State::Quoted | State::Escaped => self.extension(byte)?,
                State::SizeLf if byte != b'\n' => return Err(Refusal::BareCarriageReturn),
                State::SizeLf if self.left == 0 => {
                    self.state = State::Last;
                    return Ok(Piece::Last { next: at + 1 });
                }
                State::SizeLf => {
                    let limit = self.body_limit;
                    self.body_left = self.body_left.checked_sub(self.left).ok_or(Refusal::BodyTooLarge { limit })?;
                    State::Data
                }
                State::Data => {
                    let here = input.len() - at;
                    let taken = usize::try_from(self.left).map_or(here, |left| left.min(here));
                    self.left -= taken as u64;
                    if self.left == 0 {
                        self.state = State::DataCr;
                    }
                    return Ok(Piece::Data { from: at, to: at + taken });
                }
                State::DataCr if byte == b'\r' => State::DataLf,
                State::DataLf if byte == b'\n' => State::Size { digits: 0 },
                State::DataCr | State::DataLf => return Err(Refusal::BadChunkEnd { found: byte }),
                State::Last => return Ok(Piece::Last { next: at }),
            };
        }
        Ok(Piece::More)
    }

    fn size(&mut self, byte: u8, digits: u8) -> Result<State, Refusal> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b';' if digits > 0 => return Ok(State::Extension),
            b'\r' if digits > 0 => return Ok(State::SizeLf),
            b'\n' if digits > 0 => return Err(Refusal::BareLineFeed),
            found => return Err(Refusal::BadChunkSize { found }),
        };
        if digits == MAX_DIGITS {
            return Err(Refusal::ChunkSizeTooLong);
        }
        self.left = self.left << 4 | u64::from(digit);
        Ok(State::Size { digits: digits + 1 })
    }

    fn extension(&mut self, byte: u8) -> Result<State, Refusal> {
        let next = match (self.state, byte) {
            (State::Extension, b'\r') => return Ok(State::SizeLf),
            (State::Extension, b'\n') => return Err(Refusal::BareLineFeed),
            // The end of the line, too: who reads quoted strings would look for it behind the closing quote.
            (_, found) if !grammar::is_value(&[found]) => return Err(Refusal::BadChunkExtension { found }),
            (State::Extension, b'"') | (State::Escaped, _) => State::Quoted,
            (State::Quoted, b'"') => State::Extension,
            (State::Quoted, b'\\') => State::Escaped,
            (state, _) => state,
        };
        let limit = self.ext_limit;
        self.ext_left = self.ext_left.checked_sub(1).ok_or(Refusal::ChunkExtensionsTooLong { limit })?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the data and the rest of `input`, fed in pieces of `step` bytes.
    fn undo(input: &[u8], step: usize, limits: &Limits) -> Result<(Vec<u8>, usize), Refusal> {
        let mut decoder = Decoder::new(limits);
        let mut data = Vec::new();
        for (number, part) in input.chunks(step).enumerate() {
            let mut at = 0;
            loop {
                match decoder.decode(&part[at..])? {
                    Piece::More => break,
                    Piece::Data { from, to } => {
                        data.extend_from_slice(&part[at + from..at + to]);
                        at += to;
                    }
                    Piece::Last { next } => return Ok((data, number * step + at + next)),
                }
            }
        }
        panic!("no last chunk in {}", input.escape_ascii());
    }

    fn every_step(input: &str, limits: &Limits) -> Result<(Vec<u8>, usize), Refusal> {
        let whole = undo(input.as_bytes(), input.len(), limits);
        for step in 1..input.len() {
            assert_eq!(undo(input.as_bytes(), step, limits), whole, "in pieces of {step}");
        }
        whole
    }

    #[test]
    fn data_of_all_chunks_is_found_and_the_decoder_stops_before_the_trailers() {
        let input = "4\r\nWiki\r\n5\r\npedia\r\nE;name=\"va;lue\";x\r\n in\r\n\r\nchunks.\r\n000;last\r\nT: v\r\n\r\n";
        let (data, next) = every_step(input, &Limits::default()).unwrap();
        assert_eq!(data, b"Wikipedia in\r\n\r\nchunks.");
        assert_eq!(&input[next..], "T: v\r\n\r\n");
    }

    #[test]
    fn sizes_are_hexadecimal_in_either_case() {
        let data = "x".repeat(0x1af);
        for size in ["1aF", "1AF", "00000000000001af"] {
            let input = format!("{size}\r\n{data}\r\n0\r\n");
            assert_eq!(undo(input.as_bytes(), 7, &Limits::default()).unwrap().0, data.as_bytes());
        }
    }

    #[test]
    fn a_size_over_the_body_limit_is_refused_when_it_is_announced() {
        let limits = Limits { body_bytes: 8, ..Limits::default() };
        assert_eq!(every_step("5\r\nhello\r\n3\r\nyou\r\n0\r\n", &limits).unwrap().0, b"helloyou");
        let refusal = Err(Refusal::BodyTooLarge { limit: 8 });
        assert_eq!(every_step("5\r\nhello\r\n4\r\n", &limits), refusal);
        assert_eq!(every_step("ffffffffffffffff\r\n", &limits), refusal);
    }

    #[test]
    fn two_sizes_cannot_add_up_past_64_bits() {
        let limits = Limits { body_bytes: u64::MAX, ..Limits::default() };
        let refusal = Err(Refusal::BodyTooLarge { limit: u64::MAX });
        assert_eq!(every_step("1\r\nx\r\nffffffffffffffff\r\n", &limits), refusal);
    }

    #[test]
    fn extensions_are_limited_over_the_whole_body() {
        let limits = Limits { chunk_ext_bytes: 10, ..Limits::default() };
        assert!(every_step("1;12345\r\nx\r\n0;12345\r\n", &limits).is_ok());
        let refusal = Err(Refusal::ChunkExtensionsTooLong { limit: 10 });
        assert_eq!(every_step("1;12345\r\nx\r\n0;123456\r\n", &limits), refusal);
    }

    #[test]
    fn a_quoted_string_in_an_extension_ends_before_its_line() {
        for extension in ["a=\"b\"", "a=\"b;c\";d=\"\"", "a=\"\\\"\"", "a=\"\\\\\"", "a=\\"] {
            let input = format!("1;{extension}\r\nx\r\n0;{extension}\r\n");
            assert_eq!(every_step(&input, &Limits::default()).unwrap().0, b"x", "{extension}");
        }
        for extension in ["a=\"b", "\"", "a=\"b\\\"", "a=\"b\\", "a=\"\"\""] {
            for input in [format!("1;{extension}\r\nx\r\n0\r\n"), format!("0;{extension}\r\n\r\n")] {
                let refusal = every_step(&input, &Limits::default());
                assert_eq!(refusal, Err(Refusal::BadChunkExtension { found: b'\r' }), "{input:?}");
            }
        }
    }

    #[test]
    fn what_is_left_of_a_chunk_is_known() {
        let mut decoder = Decoder::new(&Limits::default());
        assert_eq!(decoder.decode(b"a\r\nxyz"), Ok(Piece::Data { from: 3, to: 6 }));
        assert_eq!(decoder.chunk_left(), 7);
        assert_eq!(decoder.decode(b"1234567\r"), Ok(Piece::Data { from: 0, to: 7 }));
        assert_eq!(decoder.chunk_left(), 0);
    }
}
