//! Events out of a pipe: lines of any length, or all there is. Waits for bytes and for a stop at the same time; what a
//! line says is not known here.

use crate::sys;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// Read this much at once: what a pipe holds.
const READ: usize = 64 << 10;
/// Memory up to this size is kept from one event to the next.
const KEPT: usize = 1 << 20;

/// The pipe, and what has come of it.
pub(super) struct Input<R> {
    pipe: R,
    /// Has something to read from when a stop begins.
    stop: UnixStream,
    bytes: Vec<u8>,
    /// The line that was given last: it goes when the next is asked for.
    given: usize,
    ended: bool,
}

impl<R: Read + AsFd> Input<R> {
    /// Reads `pipe` until something comes from `stop`.
    pub(super) fn new(pipe: R, stop: UnixStream) -> Input<R> {
        Input { pipe, stop, bytes: Vec::new(), given: 0, ended: false }
    }

    /// The next line, without its end; the last one may have none. `None`: there are no more, or a stop has begun.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn line(&mut self) -> io::Result<Option<&[u8]>> {
        self.bytes.drain(..self.given);
        self.given = 0;
        if self.bytes.is_empty() {
            self.bytes.shrink_to(KEPT);
        }
        let mut looked = 0;
        loop {
            if let Some(end) = self.bytes[looked..].iter().position(|byte| *byte == b'\n') {
                self.given = looked + end + 1;
                return Ok(Some(&self.bytes[..looked + end]));
            }
            looked = self.bytes.len();
            if self.ended {
                self.given = looked;
                return Ok((looked > 0).then_some(&self.bytes));
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Everything until the end. `None`: a stop has begun.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn whole(&mut self) -> io::Result<Option<&[u8]>> {
        while !self.ended {
            if !self.more()? {
                return Ok(None);
            }
        }
        Ok(Some(&self.bytes))
    }

    /// Waits for more bytes, or the end of them. False: a stop has begun.
    fn more(&mut self) -> io::Result<bool> {
        loop {
            match sys::wait_readable_either(&self.pipe, &self.stop)? {
                [_, true] => return Ok(false),
                [false, false] => continue,
                [true, false] => {}
            }
            let length = self.bytes.len();
            self.bytes.resize(length + READ, 0);
            let read = self.pipe.read(&mut self.bytes[length..]);
            self.bytes.truncate(length + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(read) => {
                    self.ended = read == 0;
                    return Ok(true);
                }
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn pipe() -> (UnixStream, Input<UnixStream>, UnixStream) {
        let ((theirs, ours), (wake, stop)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        (theirs, Input::new(ours, wake), stop)
    }

    #[test]
    fn lines_come_one_by_one_and_the_last_needs_no_end() {
        let (mut parent, mut input, _stop) = pipe();
        parent.write_all(b"one\n\nthree\r\nlast").unwrap();
        drop(parent);
        for expected in [&b"one"[..], b"", b"three\r", b"last"] {
            assert_eq!(input.line().unwrap(), Some(expected));
        }
        assert_eq!(input.line().unwrap(), None);
        assert_eq!(input.line().unwrap(), None);
    }

    #[test]
    fn a_line_of_many_megabytes_is_one_line() {
        let (mut parent, mut input, _stop) = pipe();
        let writer = std::thread::spawn(move || {
            parent.write_all(&vec![b'x'; 6 << 20]).unwrap();
            parent.write_all(b"\nnext\n").unwrap();
        });
        assert_eq!(input.line().unwrap().map(<[u8]>::len), Some(6 << 20));
        assert_eq!(input.line().unwrap(), Some(&b"next"[..]));
        assert_eq!(input.line().unwrap(), None);
        assert!(input.bytes.capacity() <= KEPT, "a long line's memory is not kept");
        writer.join().unwrap();
    }

    #[test]
    fn the_whole_ends_with_the_input_also_if_it_is_nothing() {
        let (mut parent, mut input, _stop) = pipe();
        parent.write_all(b"a\nb\n").unwrap();
        drop(parent);
        assert_eq!(input.whole().unwrap(), Some(&b"a\nb\n"[..]));
        let (parent, mut input, _stop) = pipe();
        drop(parent);
        assert_eq!(input.whole().unwrap(), Some(&b""[..]));
    }

    #[test]
    fn a_stop_ends_the_waiting_also_in_the_middle_of_an_event() {
        for lines in [true, false] {
            let (mut parent, mut input, mut stop) = pipe();
            parent.write_all(b"half").unwrap();
            stop.write_all(&[1]).unwrap();
            let event = if lines { input.line() } else { input.whole() };
            assert_eq!(event.unwrap(), None);
        }
    }
}
