//! A message taken piece by piece: its head first, and its body as it comes, so that a body of any length needs no more
//! memory than one read.

use super::{Message, ReadProgress, Reader, Refusal, State, mem};

/// A part of a body that has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes have come, with the framing undone. They are never empty.
    Data(Vec<u8>),
    /// There is nothing for now: more has to be read.
    More,
    /// The body is whole, and the reader is ready for the next message.
    End,
}

impl Reader {
    /// Hands out the head right after [`ReadProgress::Head`], as a message without a body; the body follows by
    /// [`take_part`](Reader::take_part). Returns `None` at any other time, and for a message that has no body.
    pub fn take_head(&mut self) -> Option<Message> {
        let at = self.head.end();
        if !matches!(self.state, State::Length { .. } | State::Chunked(_)) || self.body_end != at {
            return None;
        }
        let mut parts = self.emptied.pop().map_or_else(Box::default, |message| message.0);
        parts.buf.clear();
        parts.buf.extend_from_slice(&self.buf[self.start..self.start + at]);
        (parts.base, parts.length, parts.body, parts.trailers_at) = (0, at, at..at, 0);
        parts.start = mem::take(&mut self.head.start);
        parts.announced = self.head.announced;
        parts.framing = self.framing;
        mem::swap(&mut parts.fields, &mut self.head.fields);
        // All offsets count from the first byte of the body from here on.
        self.head.reset();
        self.start += at;
        self.body_end = 0;
        if let State::Length { end } = &mut self.state {
            *end -= at;
        }
        Some(Message(parts))
    }

    /// Takes the part that has come of the body whose head has been taken.
    ///
    /// # Errors
    /// The message is refused, as by [`poll`](Reader::poll).
    pub fn take_part(&mut self) -> Result<Part, Refusal> {
        let progress = self.poll()?;
        let decoded = match &self.state {
            State::Length { .. } => self.end - self.start,
            _ => self.body_end,
        };
        if decoded > 0 {
            let part = self.buf[self.start..self.start + decoded].to_vec();
            self.start += decoded;
            self.body_end = 0;
            match &mut self.state {
                State::Length { end } | State::Complete(end) => *end -= decoded,
                _ => {}
            }
            self.trailers_at = self.trailers_at.saturating_sub(decoded);
            return Ok(Part::Data(part));
        }
        match self.state {
            State::Complete(length) if progress == ReadProgress::Complete => {
                self.start += length;
                self.head.reset();
                self.trailers.reset();
                self.state = State::Head;
                Ok(Part::End)
            }
            _ => Ok(Part::More),
        }
    }

    /// Returns how many bytes of the body have not come yet; `None` where nobody has said it.
    pub fn body_left(&self) -> Option<u64> {
        match &self.state {
            State::Length { end } => Some((end - (self.end - self.start).min(*end)) as u64),
            State::Complete(_) => Some(0),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Limits;

    /// Returns the target, the body, and the target of the request that follows. `input` comes in pieces of `step`
    /// bytes.
    fn read(input: &[u8], step: usize, limits: Limits) -> Result<(String, Vec<u8>, Option<String>), Refusal> {
        let mut reader = Reader::request(limits);
        let (mut head, mut body, mut is_whole) = (None, Vec::new(), false);
        let target = |message: Message| String::from_utf8_lossy(message.target()).into_owned();
        for piece in input.chunks(step) {
            let mut piece = piece;
            while !piece.is_empty() {
                let room = reader.space(1);
                let count = room.len().min(piece.len());
                room[..count].copy_from_slice(&piece[..count]);
                reader.filled(count);
                piece = &piece[count..];
            }
            if head.is_none() && reader.poll()? == ReadProgress::Head {
                let message = reader.take_head().expect("a head that a body follows");
                assert_eq!((message.header("host"), message.body()), (Some(&b"shop"[..]), &b""[..]));
                head = Some(target(message));
            }
            while head.is_some() && !is_whole {
                match reader.take_part()? {
                    Part::Data(part) => body.extend_from_slice(&part),
                    Part::More => break,
                    Part::End => is_whole = true,
                }
            }
        }
        let next = match reader.poll()? {
            ReadProgress::Head => match reader.poll()? {
                ReadProgress::Complete => reader.take().map(target),
                _ => None,
            },
            ReadProgress::Complete => reader.take().map(target),
            ReadProgress::More => None,
        };
        Ok((head.expect("a head"), if is_whole { body } else { b"not whole".to_vec() }, next))
    }

    const HEAD: &str = "POST /a HTTP/1.1\r\nHost: shop\r\n";
    const NEXT: &str = "GET /next HTTP/1.1\r\nHost: shop\r\n\r\n";

    #[test]
    fn a_body_is_taken_as_it_comes_however_it_is_cut_and_the_next_message_follows() {
        let length = format!("{HEAD}Content-Length: 11\r\n\r\nhello world{NEXT}");
        let chunked =
            format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n6;x=y\r\nhello \r\n5\r\nworld\r\n0\r\nT: v\r\n\r\n{NEXT}");
        for input in [length, chunked] {
            for step in 1..=input.len() {
                let (head, body, next) = read(input.as_bytes(), step, Limits::default()).expect("nothing is wrong");
                assert_eq!(
                    (&head[..], &body[..], next.as_deref()),
                    ("/a", &b"hello world"[..], Some("/next")),
                    "{step}"
                );
            }
        }
    }

    #[test]
    fn limits_and_framing_hold_for_what_is_taken_piece_by_piece() {
        let limits = Limits { body_bytes: 8, ..Limits::default() };
        let chunked = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n");
        assert_eq!(read(chunked.as_bytes(), 9, limits).err(), Some(Refusal::BodyTooLarge { limit: 8 }));
        let broken = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabcX");
        assert_eq!(read(broken.as_bytes(), 9, limits).err(), Some(Refusal::BadChunkEnd { found: b'X' }));
    }

    #[test]
    fn memory_is_that_of_one_read_whatever_the_length_of_the_body() {
        let mut reader = Reader::request(Limits::default());
        let put = |reader: &mut Reader, bytes: &[u8]| {
            let room = reader.space(64 << 10);
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            reader.filled(count);
        };
        put(&mut reader, format!("{HEAD}Content-Length: {}\r\n\r\n", 20 << 20).as_bytes());
        assert_eq!(reader.poll(), Ok(ReadProgress::Head));
        let _ = reader.take_head().expect("a body follows");
        let (bytes, mut taken) = (vec![7; 64 << 10], 0);
        while taken < 20 << 20 {
            assert_eq!(reader.body_left(), Some((20 << 20) - taken as u64));
            put(&mut reader, &bytes);
            let Ok(Part::Data(part)) = reader.take_part() else { panic!("bytes have come") };
            taken += part.len();
            assert!(reader.buffered() <= 64 << 10, "{}", reader.buffered());
        }
        assert_eq!(reader.take_part(), Ok(Part::End));
        assert!(reader.is_idle());
    }
}
