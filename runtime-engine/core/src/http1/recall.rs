//! The last heads of a connection's responses, so that a head that looks like one of them is compared and not read
//! again.
//!
//! A control plane answers with few kinds of heads: from one to the next the lines have the same names and lengths, and
//! few values differ. A remembered head is a pattern: what may differ is a visible ASCII byte of a value, where another
//! one may stand. All else has to be the same: names, white space, line ends. Of lines that fit the pattern, reading
//! would come to the same offsets, so memory changes what reading costs and never what comes of it.

use super::fields::Field;
use super::head::StartLine;

/// The most bytes of a head that is remembered.
const LONGEST: usize = 4 << 10;

/// The sign in a pattern for any visible ASCII byte. It is no byte of a head itself.
const ANY: u8 = 0;

/// The heads that are remembered, and the state of the head that is compared with them.
#[derive(Debug, Default)]
pub(super) struct Recall {
    /// Two heads are kept: that of an event, and that of the answer to a reply.
    heads: [Remembered; 2],
    /// The head that was used, or remembered, last.
    last: usize,
    /// `true` if that one begins as the head in progress does.
    is_alike: bool,
    /// The number of lines of the head in progress that were taken from it.
    taken: usize,
}

/// A whole head; offsets count from its first byte. An empty pattern means that no head is remembered.
#[derive(Debug, Default)]
struct Remembered {
    pattern: Vec<u8>,
    start: StartLine,
    fields: Vec<Field>,
}

impl Remembered {
    /// Returns the offset of its line of this number, counted from 0 behind the start line. The last one is the empty
    /// line.
    fn line_at(&self, number: usize) -> usize {
        self.fields.get(number).map_or(self.pattern.len().saturating_sub(2), Field::start)
    }

    fn start_line(&self) -> &[u8] {
        &self.pattern[..self.line_at(0)]
    }

    fn begins_as(&self, bytes: &[u8]) -> bool {
        !self.pattern.is_empty() && bytes.starts_with(self.start_line())
    }
}

impl Recall {
    /// Begins a head: looks for a remembered one with the same start line. Returns that line as it was read, and the
    /// offset behind it; `None` if no head fits.
    pub(super) fn begin(&mut self, bytes: &[u8]) -> Option<(StartLine, usize)> {
        self.taken = 0;
        // Two kinds mostly come by turns.
        let found = [self.other(), self.last].into_iter().find(|head| self.heads[*head].begins_as(bytes));
        self.is_alike = found.is_some();
        self.last = found?;
        let head = &self.heads[self.last];
        Some((head.start.clone(), head.start_line().len()))
    }

    fn other(&self) -> usize {
        1 - self.last
    }

    /// Appends all fields from the line that begins at `at` whose lines look as they did; returns the offset behind
    /// them. `fields` are those of the lines before. There are never more than were accepted before, under the same
    /// limits.
    pub(super) fn take_lines(&mut self, bytes: &[u8], at: usize, fields: &mut Vec<Field>) -> usize {
        let head = &self.heads[self.last];
        let first = fields.len();
        if !self.is_alike || first >= head.fields.len() {
            return at;
        }
        let from = head.line_at(first);
        let end = from + fitting(&head.pattern[from..], &bytes[at..]);
        let mut next = first;
        while next < head.fields.len() && head.line_at(next + 1) <= end {
            next += 1;
        }
        fields.extend(head.fields[first..next].iter().map(|field| field.moved(from, at)));
        self.taken += next - first;
        at + (head.line_at(next) - from)
    }

    /// Ends the head in progress, whose bytes are all of `bytes`. Unless half of its lines came from memory, it is
    /// remembered in the place of the one that was not used last.
    pub(super) fn end(&mut self, bytes: &[u8], start: &StartLine, fields: &[Field]) {
        if self.is_alike && self.taken * 2 >= fields.len() || bytes.len() > LONGEST {
            return;
        }
        self.last = self.other();
        let head = &mut self.heads[self.last];
        head.pattern.clear();
        head.pattern.extend_from_slice(bytes);
        head.start = start.clone();
        head.fields.clear();
        head.fields.extend_from_slice(fields);
        for field in fields {
            head.pattern[field.value_range()]
                .iter_mut()
                .filter(|byte| byte.is_ascii_graphic())
                .for_each(|byte| *byte = ANY);
        }
    }
}

/// Returns the number of bytes at the front that fit the pattern.
fn fitting(pattern: &[u8], bytes: &[u8]) -> usize {
    let whole = fitting_chunks::<32>(pattern, bytes);
    let whole = whole + fitting_chunks::<8>(&pattern[whole..], &bytes[whole..]);
    whole + pattern[whole..].iter().zip(&bytes[whole..]).take_while(|(pattern, byte)| fits(**pattern, **byte)).count()
}

/// Returns the number of bytes at the front that fit, in chunks of `N` bytes. All bytes of a chunk are looked at, since
/// that can be done with many at once.
#[inline]
fn fitting_chunks<const N: usize>(pattern: &[u8], bytes: &[u8]) -> usize {
    let chunks = pattern.as_chunks::<N>().0.iter().zip(bytes.as_chunks::<N>().0);
    let all_fit = |(pattern, bytes): &(&[u8; N], &[u8; N])| {
        pattern.iter().zip(*bytes).fold(true, |all, (pattern, byte)| all & fits(*pattern, *byte))
    };
    chunks.take_while(all_fit).count() * N
}

#[inline]
fn fits(pattern: u8, byte: u8) -> bool {
    if pattern == ANY { byte.is_ascii_graphic() } else { pattern == byte }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::testing::feed;
    use crate::http1::{Limits, Reader};

    const EVENT: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRequest-Id:  8476a536 \r\nDate: Sun, 29 Nov\r\n\
                         X-Empty: \r\nX-Obs: \u{e9}t\u{e9}\tx\r\nContent-Length: 2\r\n\r\n{}";
    const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n";

    fn reader() -> Reader {
        Reader::response(Limits { headers: 7, ..Limits::default() })
    }

    /// Reads the last message on a connection that has brought the others before, and on one that has not.
    fn assert_reads_the_same(others: &[&[u8]], last: &[u8]) {
        for size in [last.len().max(1), 1, 17] {
            let (mut seen, end) = feed(reader(), others.iter().copied().chain(last.chunks(size)));
            let alone = feed(reader(), last.chunks(size));
            assert_eq!((seen.split_off(others.len()), end), alone, "in parts of {size}: {}", last.escape_ascii());
        }
    }

    /// The bytes that mean something to a head, and some that do not.
    const BYTES: &[u8] = b"\0\t\n\r !\"#,-./0129:;@AZ[az{~\x7f\x80\xe9\xff";

    #[test]
    fn a_head_that_differs_in_one_byte_reads_as_it_does_without_memory() {
        for head in [EVENT, ACCEPTED].map(str::as_bytes) {
            let others = [EVENT.as_bytes(), ACCEPTED.as_bytes(), EVENT.as_bytes()];
            assert_reads_the_same(&others, head);
            for at in 0..head.len() {
                for byte in BYTES {
                    let mut other = head.to_vec();
                    other[at] = *byte;
                    assert_reads_the_same(&others, &other);
                    other.insert(at, head[at]);
                    assert_reads_the_same(&others, &other);
                }
                let mut shorter = head.to_vec();
                shorter.remove(at);
                assert_reads_the_same(&others, &shorter);
                assert_reads_the_same(&others, &head[..at]);
            }
        }
    }

    #[test]
    fn kinds_of_heads_in_any_order_read_as_they_do_without_memory() {
        let kinds = [
            EVENT,
            ACCEPTED,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"a\":\"bcde\"}",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\nConnection: keep-alive\r\nTransfer-Encoding: x\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA:1\r\nB:\r\nC:3\r\nD:4\r\nE:5\r\nF:6\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA:1\r\nB:\r\nC:3\r\nD:4\r\nE:5\r\nF:6\r\nG:7\r\nContent-Length: 0\r\n\r\n",
        ];
        let whole: Vec<&[u8]> = kinds
            .iter()
            .filter(|kind| feed(reader(), [kind.as_bytes()]).1.is_ok())
            .map(|kind| kind.as_bytes())
            .collect();
        assert_eq!(whole.len(), kinds.len() - 2, "one has an unknown coding, and one a header too many");
        for first in &whole {
            for second in &whole {
                for third in &whole {
                    for last in kinds {
                        assert_reads_the_same(&[first, second, third], last.as_bytes());
                    }
                }
            }
        }
    }

    #[test]
    fn two_kinds_by_turns_are_taken_from_memory_though_their_values_differ() {
        let mut recall = Recall::default();
        let fields = |head: &str| {
            let mut at = head.find("\r\n").expect("a start line") + 2;
            let mut fields = Vec::new();
            for line in head[at..].split_inclusive("\r\n").take_while(|line| *line != "\r\n") {
                let colon = at + line.find(':').expect("a name");
                fields.push(Field::at(at..colon, colon + 2..at + line.len() - 2));
                at += line.len();
            }
            fields
        };
        for (number, start) in ["200 OK", "202 Accepted", "200 OK", "202 Accepted"].into_iter().enumerate() {
            let head = format!("HTTP/1.1 {start}\r\nId: {number}{number}\r\nDate: 1 Nov\r\nLength: 1{number}\r\n\r\n");
            let known = recall.begin(head.as_bytes());
            assert_eq!(known.is_some(), number > 1, "{head}");
            let mut taken = Vec::new();
            if let Some((_, next)) = known {
                assert_eq!(recall.take_lines(head.as_bytes(), next, &mut taken), head.len() - 2);
            }
            assert_eq!(taken.len(), if number > 1 { 3 } else { 0 });
            recall.end(head.as_bytes(), &StartLine::default(), &fields(&head));
        }
    }
}
