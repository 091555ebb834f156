//! The framing of RFC 9112 once more, as plainly as it can be written: it finds the end of the message that begins
//! here. It is for bytes that the reader has accepted, so nothing is checked.

use crate::feed::Side;

/// Returns the body of the message at the front of `bytes`, and the bytes behind it. It is `None` if there is no whole
/// message.
pub fn cut(mut bytes: &[u8], side: Side) -> Option<(Vec<u8>, &[u8])> {
    if side == Side::Request {
        while let Some(rest) = bytes.strip_prefix(b"\r\n") {
            bytes = rest;
        }
    }
    let (head, rest) = divide(bytes, b"\r\n\r\n")?;
    let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let start = lines.next()?;
    let mut length = None;
    let mut chunked = false;
    for line in lines {
        let (name, value) = divide(line, b":")?;
        match name.to_ascii_lowercase().as_slice() {
            b"content-length" => length = Some(number(value.trim_ascii(), 10)?),
            b"transfer-encoding" => chunked = true,
            _ => {}
        }
    }
    if let Side::Response { bodiless } = side {
        let status = number(start.get(9..12)?, 10)?;
        if status < 200 {
            return cut(rest, side);
        }
        if bodiless || status == 204 || status == 304 {
            return Some((Vec::new(), rest));
        }
    }
    match (chunked, length) {
        (true, _) => chunks(rest),
        (false, Some(length)) => rest.split_at_checked(length).map(|(body, rest)| (body.to_vec(), rest)),
        (false, None) if side == Side::Request => Some((Vec::new(), rest)),
        (false, None) => Some((rest.to_vec(), &[])),
    }
}

fn chunks(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let (line, rest) = divide(bytes, b"\r\n")?;
        let size = line.split(|&byte| byte == b';').next()?;
        match number(size, 16)? {
            0 => {
                bytes = rest;
                break;
            }
            size => {
                body.extend_from_slice(rest.get(..size)?);
                bytes = rest.get(size..)?.strip_prefix(b"\r\n")?;
            }
        }
    }
    loop {
        let (line, rest) = divide(bytes, b"\r\n")?;
        bytes = rest;
        if line.is_empty() {
            return Some((body, bytes));
        }
    }
}

/// Returns the bytes before and behind the first `mark`; `None` if there is none.
fn divide<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}
