//! The protocol of Redis, RESP2: commands out, replies in. Bytes alone, no socket.
//!
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>. Arrays and maps are not read, since no command that
//! is sent here has one for an answer.

/// A reply of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A simple text, `+OK`.
    Simple,
    /// An error, `-ERR …`.
    Error(String),
    /// A number, `:1`.
    Number(i64),
    /// The bytes behind `$3`.
    Bytes(Vec<u8>),
    /// No value, `$-1`.
    Nil,
}

/// The reason why bytes are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Garbage {
    /// The bytes are not of this protocol.
    NotRedis,
    /// The reply would be longer than any value that was written here.
    TooLong,
}

/// The most bytes of a line. It is Redis' own limit for the lines of clients.
const MAX_LINE: usize = 64 * 1024;

/// Writes a command as an array of bulk strings.
pub(crate) fn command(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len() + 16).sum();
    let mut out = Vec::with_capacity(length + 8);
    out.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
    for part in parts {
        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Reads one reply, and returns it with its number of bytes; `None` if it is not whole yet.
///
/// # Errors
/// The bytes are no reply, or one of more than `most` bytes.
pub(crate) fn reply(bytes: &[u8], most: usize) -> Result<Option<(Reply, usize)>, Garbage> {
    let Some(end) = bytes.windows(2).take(MAX_LINE).position(|two| two == b"\r\n") else {
        return if bytes.len() > MAX_LINE { Err(Garbage::NotRedis) } else { Ok(None) };
    };
    let (Some((kind, line)), behind) = (bytes[..end].split_first(), end + 2) else { return Err(Garbage::NotRedis) };
    let line = std::str::from_utf8(line).map_err(|_| Garbage::NotRedis)?;
    let reply = match kind {
        b'+' => Reply::Simple,
        b'-' => Reply::Error(line.to_owned()),
        b':' => Reply::Number(line.parse().map_err(|_| Garbage::NotRedis)?),
        b'$' if line == "-1" => Reply::Nil,
        b'$' => {
            let length: usize = line.parse().map_err(|_| Garbage::NotRedis)?;
            if length > most {
                return Err(Garbage::TooLong);
            }
            let Some(rest) = bytes.get(behind..behind + length + 2) else { return Ok(None) };
            let (value, line_end) = rest.split_at(length);
            if line_end != b"\r\n" {
                return Err(Garbage::NotRedis);
            }
            return Ok(Some((Reply::Bytes(value.to_vec()), behind + length + 2)));
        }
        _ => return Err(Garbage::NotRedis),
    };
    Ok(Some((reply, behind)))
}

#[cfg(test)]
mod tests {
    use super::{Garbage, MAX_LINE, Reply, command, reply};

    #[test]
    fn a_command_is_an_array_of_its_parts() {
        assert_eq!(command(&[b"SET", b"k", b"\r\n\0"]), b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\r\n\0\r\n");
    }

    #[test]
    fn replies_are_read_once_they_are_whole() {
        for (bytes, expected) in [
            (&b"+OK\r\n"[..], Reply::Simple),
            (b"-NOAUTH who are you\r\n", Reply::Error("NOAUTH who are you".into())),
            (b":-12\r\n", Reply::Number(-12)),
            (b"$4\r\na\r\nb\r\n", Reply::Bytes(b"a\r\nb".to_vec())),
            (b"$0\r\n\r\n", Reply::Bytes(Vec::new())),
            (b"$-1\r\n", Reply::Nil),
        ] {
            for end in 0..bytes.len() {
                assert_eq!(reply(&bytes[..end], 10), Ok(None), "{:?}", &bytes[..end]);
            }
            let more = [bytes, b"+next"].concat();
            assert_eq!(reply(&more, 10), Ok(Some((expected, bytes.len()))));
        }
    }

    #[test]
    fn what_is_no_reply_is_refused_and_so_is_one_that_would_never_end() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\r\n",
            b"$x\r\n",
            b"$-2\r\n",
            b":\r\n",
            b"$1\r\nabc\r\n",
            b"+\xff\r\n",
        ] {
            assert_eq!(reply(bytes, 10), Err(Garbage::NotRedis), "{bytes:?}");
        }
        assert_eq!(reply(b"$11\r\n", 10), Err(Garbage::TooLong));
        assert_eq!(reply(&vec![b'+'; MAX_LINE + 1], 10), Err(Garbage::NotRedis));
    }
}
