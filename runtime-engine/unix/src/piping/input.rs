//! Reads events from a pipe: lines of any length, or all bytes to the end. It waits for bytes and for a stop at once.

use crate::sys::{self, Alarm};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::sync::Arc;

/// The bytes that one read asks for at least: as many as a pipe holds.
const READ: usize = 64 << 10;
/// The size up to which memory is kept for the next event.
const KEPT: usize = 1 << 20;

/// The pipe, and the bytes that have come out of it.
pub(super) struct Input<R> {
    pipe: R,
    /// The alarm that goes off when a stop begins.
    stop: Arc<Alarm>,
    /// The memory for reads. Its whole length stays initialised, so that bytes are cleared only when it grows, and not
    /// before each read.
    buffer: Vec<u8>,
    /// The bytes from here on are in the buffer and have not been given out.
    start: usize,
    end: usize,
    ended: bool,
}

impl<R: Read + AsRawFd> Input<R> {
    /// Reads `pipe` until `stop` goes off.
    pub(super) fn new(pipe: R, stop: Arc<Alarm>) -> Input<R> {
        Input { pipe, stop, buffer: Vec::new(), start: 0, end: 0, ended: false }
    }

    /// Returns the next line without its end, which the last one may lack; `None` if there are no more, or a stop has
    /// begun.
    ///
    /// # Errors
    /// The error is the system's.
    pub(super) fn line(&mut self) -> io::Result<Option<&[u8]>> {
        self.tidy();
        let mut looked = self.start;
        loop {
            if let Some(length) = self.buffer[looked..self.end].iter().position(|byte| *byte == b'\n') {
                let line = self.start..looked + length;
                self.start = line.end + 1;
                return Ok(Some(&self.buffer[line]));
            }
            // `tidy` has moved the line to the front, where it stays.
            looked = self.end;
            if self.ended {
                let last = self.start..self.end;
                self.start = self.end;
                return Ok(if last.is_empty() { None } else { Some(&self.buffer[last]) });
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Returns all bytes up to the end; `None` if a stop has begun.
    ///
    /// # Errors
    /// The error is the system's.
    pub(super) fn whole(&mut self) -> io::Result<Option<&[u8]>> {
        while !self.ended {
            if !self.more()? {
                return Ok(None);
            }
        }
        Ok(Some(&self.buffer[..self.end]))
    }

    /// Moves the bytes that are left to the front, and frees the memory of a large event.
    fn tidy(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.buffer.len() > KEPT {
            self.buffer.truncate(self.end.max(KEPT));
            self.buffer.shrink_to_fit();
        }
    }

    /// Waits for more bytes, or for the end. Returns `false` if a stop has begun.
    fn more(&mut self) -> io::Result<bool> {
        if self.buffer.len() - self.end < READ {
            let length = (self.buffer.len() * 2).max(self.end + READ);
            self.buffer.resize(length, 0);
        }
        loop {
            let [readable, stop] = sys::wait_readable_either(&self.pipe, &*self.stop);
            if stop {
                return Ok(false);
            }
            if !readable {
                continue;
            }
            match self.pipe.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.ended = read == 0;
                    self.end += read;
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
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    fn pipe() -> (UnixStream, Input<UnixStream>) {
        let (theirs, ours) = UnixStream::pair().unwrap();
        (theirs, Input::new(ours, Arc::new(Alarm::new().unwrap())))
    }

    #[test]
    fn lines_come_one_after_the_other_and_the_last_needs_no_end() {
        let (mut parent, mut input) = pipe();
        parent.write_all(b"one\n\nthree\r\nlast").unwrap();
        drop(parent);
        for expected in [&b"one"[..], b"", b"three\r", b"last"] {
            assert_eq!(input.line().unwrap(), Some(expected));
        }
        assert_eq!(input.line().unwrap(), None);
        assert_eq!(input.line().unwrap(), None);
    }

    #[test]
    fn a_line_of_many_megabytes_is_one_line_and_its_memory_is_not_kept() {
        let (mut parent, mut input) = pipe();
        let writer = std::thread::spawn(move || {
            parent.write_all(&vec![b'x'; 6 << 20]).unwrap();
            parent.write_all(b"\nnext\n").unwrap();
        });
        let line = input.line().unwrap().unwrap();
        assert!(line.len() == 6 << 20 && line.iter().all(|byte| *byte == b'x'));
        assert_eq!(input.line().unwrap(), Some(&b"next"[..]));
        assert_eq!(input.line().unwrap(), None);
        assert!(input.buffer.capacity() <= 2 * KEPT, "{}", input.buffer.capacity());
        writer.join().unwrap();
    }

    #[test]
    fn the_whole_is_all_until_the_end_also_if_it_is_nothing() {
        let (mut parent, mut input) = pipe();
        parent.write_all(b"a\nb\n").unwrap();
        drop(parent);
        assert_eq!(input.whole().unwrap(), Some(&b"a\nb\n"[..]));
        let (parent, mut input) = pipe();
        drop(parent);
        assert_eq!(input.whole().unwrap(), Some(&b""[..]));
    }

    #[test]
    fn a_stop_ends_the_waiting_in_the_middle_of_an_event() {
        for lines in [true, false] {
            let (mut parent, mut input) = pipe();
            parent.write_all(b"half").unwrap();
            input.stop.set(Duration::ZERO);
            let event = if lines { input.line() } else { input.whole() };
            assert_eq!(event.unwrap(), None);
        }
    }
}
