//! One request over HTTP/2 without TLS, by a client that knows beforehand that it is spoken (RFC 9113 §3.3). Frames and
//! header blocks are written by hand: enough for one exchange, whole or abandoned after its head. Nothing is trusted.

use crate::wire::Headers;
use std::io::{self, Read, Write};
use std::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The most bytes that are sent in one frame, which every server has to take.
const MAX_FRAME: usize = 16 << 10;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// The answer of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of the answer.
    pub status: u16,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

/// Sends a request on a fresh connection and reads the answer. The body is at most one frame.
///
/// # Errors
/// The server does not speak HTTP/2, resets the stream, or answers with a status that this client cannot read.
pub fn exchange(
    mut stream: TcpStream,
    method: &str,
    path: &str,
    authority: &str,
    headers: &Headers,
    body: &[u8],
) -> io::Result<Answer> {
    send(&mut stream, method, path, authority, headers, body)?;
    receive(&mut stream, false)
}

/// Sends a GET on a fresh connection and returns the status of the answer, of whose body it never asks for more than a
/// server may send unasked: 65,535 bytes (RFC 9113 §6.9.2).
///
/// # Errors
/// It fails as [`exchange`] does.
pub fn head(stream: &mut TcpStream, path: &str, authority: &str) -> io::Result<u16> {
    send(stream, "GET", path, authority, &Headers::default(), &[])?;
    receive(stream, true).map(|answer| answer.status)
}

fn send(
    stream: &mut TcpStream,
    method: &str,
    path: &str,
    authority: &str,
    headers: &Headers,
    body: &[u8],
) -> io::Result<()> {
    assert!(body.len() <= MAX_FRAME, "a body of one frame");
    let mut block = Vec::new();
    for (name, value) in [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)] {
        // CONNECT has neither of the two (RFC 9113 §8.5).
        if method != "CONNECT" || !matches!(name, ":scheme" | ":path") {
            literal(&mut block, name, value);
        }
    }
    headers.iter().for_each(|(name, value)| literal(&mut block, &name.to_ascii_lowercase(), value));
    let mut out = PREFACE.to_vec();
    frame(&mut out, SETTINGS, 0, 0, &[]);
    let end = if body.is_empty() { END_STREAM } else { 0 };
    frame(&mut out, HEADERS, END_HEADERS | end, 1, &block);
    if !body.is_empty() {
        frame(&mut out, DATA, END_STREAM, 1, body);
    }
    stream.write_all(&out)
}

/// Reads until the server closes the connection, and returns the error code with which it said before that it would
/// (RFC 9113 §6.8), 0 for no error.
///
/// # Errors
/// The server closes without a farewell, or does not close.
pub fn farewell(stream: &mut TcpStream) -> io::Result<u32> {
    let mut code = None;
    loop {
        match Frame::read(stream) {
            Ok(Frame { kind: GOAWAY, payload, .. }) => {
                let bytes = payload.get(4..8).and_then(|bytes| bytes.try_into().ok());
                code = Some(u32::from_be_bytes(bytes.ok_or_else(|| broken("a short GOAWAY"))?));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return code.ok_or(error),
            Err(error) => return Err(error),
        }
    }
}

/// A frame from the server.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    /// Reads the next frame, and acknowledges it if that is needed.
    fn read(stream: &mut (impl Read + Write)) -> io::Result<Frame> {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if length > MAX_FRAME {
            return Err(broken(&format!("no frame of HTTP/2: {:?}", String::from_utf8_lossy(&head))));
        }
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload)?;
        match kind {
            SETTINGS if flags & ACK == 0 => answer(stream, SETTINGS, &[])?,
            PING if flags & ACK == 0 => answer(stream, PING, &payload)?,
            _ => {}
        }
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(id) & 0x7fff_ffff, payload })
    }
}

/// Reads an answer; with `to_head` only its head.
fn receive(stream: &mut (impl Read + Write), to_head: bool) -> io::Result<Answer> {
    let mut status = None;
    let mut body = Vec::new();
    loop {
        let Frame { kind, flags, stream: id, payload } = Frame::read(stream)?;
        let is_ours = id == 1;
        match kind {
            GOAWAY => return Err(broken(&format!("the server goes away: {payload:?}"))),
            RST_STREAM if is_ours => return Err(broken(&format!("the stream is reset: {payload:?}"))),
            HEADERS if is_ours && status.is_none() => {
                let found = status_of(&payload)?;
                if to_head {
                    return Ok(Answer { status: found, body });
                }
                status = Some(found);
            }
            DATA if is_ours => {
                body.extend_from_slice(&payload);
                if flags & END_STREAM == 0 {
                    take(stream, payload.len())?;
                }
            }
            _ => {}
        }
        if is_ours && matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            let status = status.ok_or_else(|| broken("data before headers"))?;
            return Ok(Answer { status, body });
        }
    }
}

fn answer(stream: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    let mut out = Vec::new();
    frame(&mut out, kind, ACK, 0, payload);
    stream.write_all(&out)
}

/// Lets the server send as many bytes again as have come.
fn take(stream: &mut impl Write, length: usize) -> io::Result<()> {
    let increment = u32::try_from(length).unwrap_or(0).to_be_bytes();
    let mut out = Vec::new();
    if length > 0 {
        [0, 1].into_iter().for_each(|id| frame(&mut out, WINDOW_UPDATE, 0, id, &increment));
    }
    stream.write_all(&out)
}

/// Returns the status that a header block begins with: one of HPACK's static table (RFC 7541, appendix A), or three
/// digits.
fn status_of(block: &[u8]) -> io::Result<u16> {
    // Changes of the table's size may stand before the first field.
    let at = block.iter().position(|byte| byte & 0xe0 != 0x20).unwrap_or(block.len());
    Ok(match block[at..] {
        [0x88, ..] => 200,
        [0x89, ..] => 204,
        [0x8c, ..] => 400,
        [0x8d, ..] => 404,
        [0x8e, ..] => 500,
        // This is a literal with the name of an entry of the table, 8 to 14 (RFC 7541 §6.2), as it is or in Huffman's
        // code.
        [0x48..=0x4e | 0x08..=0x0e, 3, a, b, c, ..] => {
            [a, b, c].iter().fold(0, |status, digit| status * 10 + u16::from(digit.wrapping_sub(b'0')))
        }
        [0x48..=0x4e | 0x08..=0x0e, length, ref coded @ ..] if length & 0x80 != 0 => digits(coded)?,
        ref other => return Err(broken(&format!("no status at the front of {other:?}"))),
    })
}

/// Reads three digits in HPACK's Huffman code (RFC 7541, appendix B): 0 to 2 in five bits, 3 to 9 in six from 011001
/// on.
fn digits(coded: &[u8]) -> io::Result<u16> {
    let bit = |at: usize| coded.get(at / 8).map(|byte| u16::from(byte >> (7 - at % 8) & 1));
    let bits = |from: usize, count: usize| (from..from + count).try_fold(0, |number, at| Some(number << 1 | bit(at)?));
    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        let (digit, length) = match bits(at, 5) {
            Some(digit @ 0..=2) => (digit, 5),
            Some(12..=15) => (bits(at, 6).unwrap_or(0).wrapping_sub(0b01_1001) + 3, 6),
            _ => return Err(broken(&format!("no digits: {coded:?}"))),
        };
        status = status * 10 + digit;
        at += length;
    }
    Ok(status)
}

/// Writes a field that no table keeps.
fn literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        let length = text.len();
        // The length has seven bits, and the rest of a long one a second byte.
        match u8::try_from(length) {
            Ok(short @ 0..127) => block.push(short),
            _ => {
                assert!(length < 127 + 128, "a text of two bytes' length");
                block.push(127);
                block.push((length - 127) as u8);
            }
        }
        block.extend_from_slice(text.as_bytes());
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::Server;

    fn server(frames: &[(u8, u8, u32, &[u8])]) -> Server {
        let mut says = Vec::new();
        frames.iter().for_each(|(kind, flags, stream, payload)| frame(&mut says, *kind, *flags, *stream, payload));
        Server(io::Cursor::new(says), Vec::new())
    }

    #[test]
    fn an_answer_is_read_past_the_connections_own_frames() {
        let mut server = server(&[
            (SETTINGS, 0, 0, b""),
            (SETTINGS, ACK, 0, b""),
            (PING, 0, 0, b"12345678"),
            (HEADERS, END_HEADERS, 1, &[0x20, 0x88]),
            (DATA, 0, 1, b"bo"),
            (DATA, END_STREAM, 1, b"dy"),
        ]);
        let answer = receive(&mut server, false).expect("an answer");
        assert_eq!((answer.status, &answer.body[..]), (200, &b"body"[..]));
        assert_eq!(server.1.len(), 9 + 9 + 8 + 2 * (9 + 4), "settings, ping and data are acknowledged");
    }

    #[test]
    fn a_status_is_one_of_the_table_or_three_digits() {
        for (block, status) in
            [(&b"\x88"[..], 200), (b"\x08\x03413", 413), (b"\x48\x03503", 503), (b"\x48\x82\x6c\x01", 501)]
        {
            assert_eq!(status_of(block).expect("a status"), status, "{block:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for frames in [
            &[][..],
            &[(GOAWAY, 0, 0, &[0; 8][..])],
            &[(RST_STREAM, 0, 1, &[0; 4])],
            &[(DATA, END_STREAM, 1, b"x")],
            &[(HEADERS, END_HEADERS | END_STREAM, 1, b"\x00\x01x")],
        ] {
            assert!(receive(&mut server(frames), false).is_err(), "{frames:?}");
        }
        let mut other = Server(io::Cursor::new(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), Vec::new());
        assert!(receive(&mut other, false).is_err());
    }
}
