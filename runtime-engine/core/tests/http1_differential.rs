//! The codec against `httparse`: a head that is accepted here has to be accepted there, and mean the same.
//!
//! The other way round does not hold, on purpose. `httparse` reads lines, not messages, and is lenient where this codec
//! refuses: line ends without CR, bytes over 0x7e and `#` in targets, targets in none of the four forms, and everything
//! that needs more than one line to judge (`Host`, `Content-Length`, `Transfer-Encoding`, limits). In one place what is
//! accepted differs in form: a target in absolute form is split here, so it is compared by its parts.

use faas_core::http1::{Head, Limits, ReadProgress, Reader, Refusal, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const REQUESTS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /orders?id=1&q=%20 HTTP/1.1\r\nHost: shop:8080\r\nContent-Length: 5\r\nAccept: */*\r\n\r\nhello",
    "PUT /x HTTP/1.1\r\nhost: [::1]:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "GET http://shop/a?b HTTP/1.1\r\nHost: other\r\nConnection: close\r\nX-Empty:\r\n\r\n",
    "GET http://shop?b HTTP/1.1\r\nHost: other\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nX-Tab: a\tb \t\r\n\r\n",
    "\r\nGET /1.0 HTTP/1.0\r\nConnection: keep-alive\r\nCookie: a=b; c=\"d\"\r\nCookie: e=f\r\n\r\n",
];

const RESPONSES: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nLambda-Runtime-Deadline-Ms: 1790000003000\r\n\r\nok",
    "HTTP/1.1 202\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.0 404 Not Found\r\nX: y\r\nX: z\r\n\r\n",
    "HTTP/1.1 304 \r\nEtag: \"x\"\r\nEmpty:  \r\n\r\n",
];

/// The bytes on which parsers part company.
const TELLING: &[u8] = b"\r\n\t :\0\x0b\x0c\x7f\x80\xff,;#?/*@[]\"\\(){}HTp109AZaz_-+%";

#[derive(Clone, Debug)]
enum Change {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    /// Repeats a piece of the input at another place.
    Splice(usize, usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<usize>;
    let byte = || prop_oneof![3 => select(TELLING), 1 => any::<u8>()];
    prop_oneof![
        (at(), byte()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (at(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        at().prop_map(Change::Remove),
        (at(), 1..30_usize, at()).prop_map(|(from, length, to)| Change::Splice(from, length, to)),
    ]
}

fn changed(seed: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.as_bytes().to_vec();
    for change in changes {
        let length = bytes.len();
        match *change {
            Change::Replace(at, byte) if length > 0 => bytes[at % length] = byte,
            Change::Insert(at, byte) => bytes.insert(at % (length + 1), byte),
            Change::Remove(at) if length > 0 => drop(bytes.remove(at % length)),
            Change::Splice(from, count, to) if length > 0 => {
                let from = from % length;
                let piece = bytes[from..length.min(from + count)].to_vec();
                let to = to % (length + 1);
                bytes.splice(to..to, piece);
            }
            _ => {}
        }
    }
    bytes
}

/// Feeds all of it; `true` if the head was accepted, `false` if it is not whole.
fn head_accepted(reader: &mut Reader, bytes: &[u8]) -> Result<bool, Refusal> {
    reader.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
    reader.filled(bytes.len());
    Ok(reader.poll()? == ReadProgress::Head)
}

/// Compares the headers with those of the other reader. `host` is the value that stands for that of `Host`, where the
/// target names one.
fn same_headers(head: Head<'_>, theirs: &[httparse::Header<'_>], host: Option<&[u8]>) -> Result<(), TestCaseError> {
    prop_assert_eq!(head.headers().len(), theirs.len());
    for ((name, value), theirs) in head.headers().zip(theirs) {
        prop_assert_eq!(name, theirs.name.as_bytes());
        let is_host = name.eq_ignore_ascii_case(b"host");
        prop_assert_eq!(value, host.filter(|_| is_host).unwrap_or(theirs.value));
    }
    Ok(())
}

fn minor(head: Head<'_>) -> Option<u8> {
    Some(match head.version() {
        Version::Http10 => 0,
        Version::Http11 => 1,
    })
}

fn check_request(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let mut reader = Reader::request(Limits::default());
    let Ok(true) = head_accepted(&mut reader, bytes) else { return Ok(false) };
    let head = reader.head().expect("a head after ReadProgress::Head");
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut theirs = httparse::Request::new(&mut fields);
    match theirs.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        other => return Err(TestCaseError::fail(format!("{other:?} for {}", bytes.escape_ascii()))),
    }
    prop_assert_eq!(head.method(), theirs.method.unwrap_or_default().as_bytes());
    prop_assert_eq!(minor(head), theirs.version);
    let (target, whole) = (head.target(), theirs.path.unwrap_or_default().as_bytes());
    let is_absolute = target != whole;
    if is_absolute {
        let host = head.host().unwrap_or_default();
        let scheme = whole.windows(3).position(|at| at == b"://").map_or(0, |at| at + 3);
        let rest = &whole[scheme..];
        prop_assert!(scheme > 0 && rest.starts_with(host), "{}", whole.escape_ascii());
        let path = &rest[host.len()..];
        let rooted = [b"/", path].concat();
        prop_assert!(target == path || target == rooted || (path.is_empty() && target == b"*"));
    }
    same_headers(head, theirs.headers, head.host().filter(|_| is_absolute))?;
    Ok(true)
}

fn check_response(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let mut reader = Reader::response(Limits::default());
    let Ok(true) = head_accepted(&mut reader, bytes) else { return Ok(false) };
    let head = reader.head().expect("a head after ReadProgress::Head");
    // Interim responses are skipped here, and are heads of their own there.
    let mut rest = bytes;
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 256];
        let mut theirs = httparse::Response::new(&mut fields);
        match theirs.parse(rest) {
            Ok(httparse::Status::Complete(length)) if matches!(theirs.code, Some(100..=199)) => rest = &rest[length..],
            Ok(httparse::Status::Complete(_)) => {
                prop_assert_eq!(Some(head.status()), theirs.code);
                prop_assert_eq!(minor(head), theirs.version);
                same_headers(head, theirs.headers, None)?;
                return Ok(true);
            }
            other => return Err(TestCaseError::fail(format!("{other:?} for {}", bytes.escape_ascii()))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_request_head_means_the_same_to_httparse(
        seed in select(REQUESTS),
        changes in vec(change(), 0..4),
    ) {
        check_request(&changed(seed, &changes))?;
    }

    #[test]
    fn an_accepted_response_head_means_the_same_to_httparse(
        seed in select(RESPONSES),
        changes in vec(change(), 0..4),
    ) {
        check_response(&changed(seed, &changes))?;
    }

    #[test]
    fn any_bytes_cut_anywhere_come_to_the_same(
        seed in select(REQUESTS),
        changes in vec(change(), 0..4),
        cuts in vec(1..40_usize, 1..6),
    ) {
        let mut bytes = changed(seed, &changes).repeat(2);
        // A line is judged when it is first looked at or when its end has come: every line gets its end.
        bytes.push(b'\n');
        prop_assert_eq!(outcome(&bytes, &[bytes.len()]), outcome(&bytes, &cuts));
    }
}

/// Returns the bodies in order, and the refusal if there was one. The bytes are fed in pieces of these sizes in turn.
fn outcome(bytes: &[u8], sizes: &[usize]) -> (Vec<Vec<u8>>, Option<Refusal>) {
    let mut reader = Reader::request(Limits::default());
    let mut bodies = Vec::new();
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    loop {
        match reader.poll() {
            Err(refusal) => return (bodies, Some(refusal)),
            Ok(ReadProgress::More) if rest.is_empty() => return (bodies, None),
            Ok(ReadProgress::More) => {
                let n = rest.len().min(*sizes.next().expect("cycles for ever"));
                let space = reader.space(n);
                let n = n.min(space.len());
                space[..n].copy_from_slice(&rest[..n]);
                reader.filled(n);
                rest = &rest[n..];
            }
            Ok(ReadProgress::Head) => {}
            Ok(ReadProgress::Complete) => {
                let message = reader.take().expect("a complete message");
                bodies.push(message.body().to_vec());
                reader.recycle(message);
            }
        }
    }
}

#[test]
fn the_seeds_themselves_are_accepted() {
    for seed in REQUESTS {
        assert!(check_request(seed.as_bytes()).expect("agreement"), "{seed}");
    }
    for seed in RESPONSES {
        assert!(check_response(seed.as_bytes()).expect("agreement"), "{seed}");
    }
}
