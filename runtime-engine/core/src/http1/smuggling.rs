//! A corpus of request smuggling: each entry is read differently by some known pair of servers. Here each has to be
//! refused, before anything behind it is taken for a request.

use super::Refusal::{self, *};
use super::testing::{refused_request, requests};

/// The bytes that the attacker wants to be taken for a request of its own.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

/// The entries of the corpus: a name, the header lines of a POST, its body, and the refusal.
const CORPUS: &[(&str, &str, &str, Refusal)] = &[
    ("CL.TE", "Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\n", TwoFramings),
    ("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4", "5c\r\n", TwoFramings),
    ("CL.TE with a zero length", "Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n", TwoFramings),
    ("TE.TE unknown coding", "Transfer-Encoding: xchunked", "0\r\n\r\n", BadTransferEncoding),
    ("TE.TE space before the colon", "Transfer-Encoding : chunked", "0\r\n\r\n", SpaceBeforeColon { line: 2 }),
    ("TE.TE tab before the colon", "Transfer-Encoding\t: chunked", "0\r\n\r\n", SpaceBeforeColon { line: 2 }),
    ("TE.TE vertical tab", "Transfer-Encoding:\x0bchunked", "", BadHeaderValue { line: 2, found: 0x0b }),
    ("TE.TE form feed", "Transfer-Encoding: \x0cchunked", "", BadHeaderValue { line: 2, found: 0x0c }),
    ("TE.TE NUL", "Transfer-Encoding: chunked\0", "", BadHeaderValue { line: 2, found: 0 }),
    ("TE.TE leading space in the line", " Transfer-Encoding: chunked", "", FoldedHeader { line: 2 }),
    ("TE.TE folded", "Transfer-Encoding:\r\n chunked", "", BadTransferEncoding),
    ("TE.TE folded with a tab", "X: y\r\n\tTransfer-Encoding: chunked", "", FoldedHeader { line: 3 }),
    ("TE.TE twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow", "", RepeatedTransferEncoding),
    ("TE.TE twice, the same", "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked", "", RepeatedTransferEncoding),
    ("TE.TE twice, the first unknown", "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked", "", BadTransferEncoding),
    ("TE.TE identity", "Transfer-Encoding: identity", "", BadTransferEncoding),
    ("TE.TE chunked then identity", "Transfer-Encoding: chunked, identity", "", BadTransferEncoding),
    ("TE.TE identity then chunked", "Transfer-Encoding: identity, chunked", "", UnsupportedTransferCoding),
    ("TE.TE gzip then chunked", "Transfer-Encoding: gzip, chunked", "", UnsupportedTransferCoding),
    ("TE.TE chunked in one list twice", "Transfer-Encoding: chunked, chunked", "", BadTransferEncoding),
    ("TE.TE empty member", "Transfer-Encoding: , chunked", "", BadTransferEncoding),
    ("TE.TE empty", "Transfer-Encoding:", "", BadTransferEncoding),
    ("TE.TE quoted", "Transfer-Encoding: \"chunked\"", "", BadTransferEncoding),
    ("TE.TE parameter", "Transfer-Encoding: chunked;q=1", "", BadTransferEncoding),
    ("TE.TE name with an underscore and CL", "Transfer_Encoding: chunked\r\nContent-Length: x", "", BadContentLength),
    ("TE.TE byte over 127 in the name", "Transfer-Encoding\u{a0}: chunked", "", BadHeaderName { line: 2, found: 0xc2 }),
    ("TE.TE in a bare-LF line", "X: y\nTransfer-Encoding: chunked", "", BareLineFeed),
    ("TE.TE in a bare-CR line", "X: y\rTransfer-Encoding: chunked", "", BareCarriageReturn),
    ("CL.CL two values", "Content-Length: 5\r\nContent-Length: 6", "hello", RepeatedContentLength),
    ("CL.CL the same value", "Content-Length: 5\r\nContent-Length: 5", "hello", RepeatedContentLength),
    ("CL as a list", "Content-Length: 5, 5", "hello", BadContentLength),
    ("CL with a sign", "Content-Length: +5", "hello", BadContentLength),
    ("CL negative", "Content-Length: -5", "hello", BadContentLength),
    ("CL hexadecimal", "Content-Length: 0x5", "hello", BadContentLength),
    ("CL with a space inside", "Content-Length: 5 5", "hello", BadContentLength),
    ("CL with a separator", "Content-Length: 1_0", "hello", BadContentLength),
    ("CL with a fraction", "Content-Length: 5.0", "hello", BadContentLength),
    ("CL empty", "Content-Length:", "", BadContentLength),
    ("CL of 2^64", "Content-Length: 18446744073709551616", "", BadContentLength),
    ("CL with a superscript digit", "Content-Length: 5\u{b2}", "", BadContentLength),
    ("Host twice", "Host: b", "", RepeatedHost),
    ("empty name", ": chunked", "", BadHeaderName { line: 2, found: b':' }),
    ("line without a colon", "chunked", "", BadHeaderName { line: 2, found: b'\r' }),
    ("chunk size with a sign", "Transfer-Encoding: chunked", "+5\r\nhello\r\n0\r\n\r\n", BadChunkSize { found: b'+' }),
    ("chunk size with a minus", "Transfer-Encoding: chunked", "-1\r\n\r\n", BadChunkSize { found: b'-' }),
    ("chunk size with 0x", "Transfer-Encoding: chunked", "0x5\r\nhello\r\n0\r\n\r\n", BadChunkSize { found: b'x' }),
    ("chunk size after a space", "Transfer-Encoding: chunked", " 5\r\nhello\r\n", BadChunkSize { found: b' ' }),
    ("chunk size before a space", "Transfer-Encoding: chunked", "5 \r\nhello\r\n", BadChunkSize { found: b' ' }),
    ("chunk size before a tab", "Transfer-Encoding: chunked", "5\t\r\nhello\r\n", BadChunkSize { found: b'\t' }),
    ("chunk size with a separator", "Transfer-Encoding: chunked", "1_0\r\n", BadChunkSize { found: b'_' }),
    ("chunk size missing", "Transfer-Encoding: chunked", "\r\nhello\r\n", BadChunkSize { found: b'\r' }),
    ("chunk size missing before ;", "Transfer-Encoding: chunked", ";a\r\nhello\r\n", BadChunkSize { found: b';' }),
    ("chunk size of 2^64", "Transfer-Encoding: chunked", "10000000000000000\r\n", ChunkSizeTooLong),
    ("chunk size padded with zeroes", "Transfer-Encoding: chunked", "00000000000000005\r\nhello", ChunkSizeTooLong),
    ("chunk line ended by LF", "Transfer-Encoding: chunked", "5\nhello\r\n0\r\n\r\n", BareLineFeed),
    ("chunk line ended by CR", "Transfer-Encoding: chunked", "5\rhello\r\n0\r\n\r\n", BareCarriageReturn),
    ("chunk extension ended by LF", "Transfer-Encoding: chunked", "5;a\nhello\r\n0\r\n\r\n", BareLineFeed),
    ("chunk extension with CR", "Transfer-Encoding: chunked", "5;a\rX\r\nhello\r\n", BareCarriageReturn),
    (
        "chunk extension with an open quote",
        "Transfer-Encoding: chunked",
        "1;a=\"\r\nx\r\n0\r\n\r\n",
        BadChunkExtension { found: b'\r' },
    ),
    (
        "chunk extension with a quote around lines",
        "Transfer-Encoding: chunked",
        "1;a=\"\r\n0\r\n\r\n\"\r\n",
        BadChunkExtension { found: b'\r' },
    ),
    ("chunk extension with NUL", "Transfer-Encoding: chunked", "5;\0\r\nhello", BadChunkExtension { found: 0 }),
    ("chunk data ended by LF", "Transfer-Encoding: chunked", "5\r\nhello\n0\r\n\r\n", BadChunkEnd { found: b'\n' }),
    ("chunk data longer than said", "Transfer-Encoding: chunked", "3\r\nhello\r\n", BadChunkEnd { found: b'l' }),
    ("chunk data ended by CR", "Transfer-Encoding: chunked", "5\r\nhello\rX", BadChunkEnd { found: b'X' }),
    ("trailer line ended by LF", "Transfer-Encoding: chunked", "0\r\nA: b\n\r\n", BareLineFeed),
    ("trailers ended by LF", "Transfer-Encoding: chunked", "0\r\n\n", BareLineFeed),
    ("trailer folded", "Transfer-Encoding: chunked", "0\r\nA: b\r\n c\r\n\r\n", FoldedHeader { line: 2 }),
];

#[test]
fn every_known_smuggling_attempt_is_refused_for_its_own_reason() {
    for &(name, headers, body, refusal) in CORPUS {
        let input = format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}{HIDDEN}");
        assert_eq!(refused_request(&input), refusal, "{name}");
        assert!(matches!(refusal.status(), 400 | 501), "{name}");
    }
}

#[test]
fn what_follows_a_body_is_read_as_a_request_and_what_is_in_it_is_not() {
    for (headers, body) in [
        (format!("Content-Length: {}", HIDDEN.len()), HIDDEN.to_owned()),
        ("Transfer-Encoding: chunked".into(), format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len())),
        ("TRANSFER-ENCODING: Chunked".into(), format!("{:X};x=\"y\"\r\n{HIDDEN}\r\n00\r\n\r\n", HIDDEN.len())),
    ] {
        let (seen, end) = requests(format!(
            "POST /outer HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        assert!(end.is_ok(), "{end:?}");
        assert_eq!(seen.iter().map(|seen| &seen.target[..]).collect::<Vec<_>>(), ["/outer", "/next"]);
        assert_eq!(seen[0].body, HIDDEN.as_bytes());
    }
}

#[test]
fn a_get_with_a_body_has_that_body() {
    let (seen, _) = requests(format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len()));
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body, HIDDEN.as_bytes());
}

#[test]
fn a_transfer_coding_in_http_1_0_is_refused() {
    let input = format!("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}");
    assert_eq!(refused_request(input), TransferEncodingInHttp10);
}

#[test]
fn framing_fields_in_a_trailer_change_nothing() {
    let (seen, end) = requests(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\nContent-Length: 500\r\nHost: b\r\nConnection: close\r\n\r\n{HIDDEN}"
    ));
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].headers.len(), 2);
    assert_eq!(seen[0].trailers.len(), 3);
    assert!(seen[0].keep_alive);
    assert_eq!(seen[0].host.as_deref(), Some("a"));
}
