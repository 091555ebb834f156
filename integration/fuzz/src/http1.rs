//! The reader of HTTP/1.1 against itself in pieces, against a second framing, `httparse`, hyper, and its own writer.
//!
//! An input is four bytes that say how, and what comes over the wire:
//!
//! | byte | says |
//! |---|---|
//! | 0 | bit 0: narrow limits; bit 1: responses answer HEAD; bit 2: messages are dropped, not given back |
//! | 1 to 3 | sizes of the pieces, used in turn: 1 to 16 bytes, from 192 on hundreds |

use crate::feed::{Outcome, Pairs, Plan, Seen, Side, feed};
use crate::framing::cut;
use faas_core::http1::write::{HeadWriter, chunk, last_chunk};
use faas_core::http1::{Eof, Framing, Limits, Refusal, Version};

/// The limits that are narrow enough for every one to be met by a small input.
const NARROW: Limits =
    Limits { head_bytes: 192, target_bytes: 24, headers: 4, body_bytes: 40, trailer_bytes: 48, chunk_ext_bytes: 12 };

/// The bytes that lines, fields and chunks are made of, and those that some reader takes for one of them.
const TELLING: &[u8] = b"\r\n\t :\0\x0b\x0c\x7f\x85\xff,;#?/*@[]\"+-_.%0159aFgx";

/// Changes an input as libFuzzer does, but one time in four at a place where readers part company. There a byte that
/// gives the message its shape is replaced by one that another reader might take for it.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let telling: Vec<usize> = (4..size).filter(|&at| TELLING.contains(&data[at])).collect();
    if !seed.is_multiple_of(4) || telling.is_empty() {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    // The seed's upper bits, spread (the constant is that of a linear congruential generator).
    let number = (u64::from(seed).wrapping_mul(6_364_136_223_846_793_005) >> 20) as usize;
    data[telling[number % telling.len()]] = TELLING[number / telling.len() % TELLING.len()];
    size
}

/// Checks requests on one connection.
pub fn check_request(input: &[u8]) {
    let Some((control, bytes)) = input.split_first_chunk::<4>() else { return };
    check(control, bytes, Side::Request);
}

/// Checks responses on one connection.
pub fn check_response(input: &[u8]) {
    let Some((control, bytes)) = input.split_first_chunk::<4>() else { return };
    check(control, bytes, Side::Response { bodiless: control[0] & 2 != 0 });
}

fn check(control: &[u8; 4], bytes: &[u8], side: Side) {
    let limits = if control[0] & 1 != 0 { NARROW } else { Limits::default() };
    let plan = Plan { side, limits };
    let whole = feed(plan, bytes, &[bytes.len()], true);
    let sizes = [control[1], control[2], control[3]].map(|byte| match byte {
        0..192 => 1 + usize::from(byte) % 16,
        _ => (usize::from(byte) - 191) * 64,
    });
    let pieces = feed(plan, bytes, &sizes, control[0] & 4 == 0);
    same_in_pieces(bytes, &whole, &pieces);

    let mut at = bytes;
    for message in &whole.messages {
        match side {
            Side::Request => same_request(message, at),
            Side::Response { .. } => same_response(message, at),
        }
        within(message, &limits);
        written_again(message, plan);
        let (body, rest) = cut(at, side).expect("a message that was accepted has an end");
        assert_eq!(message.body, body, "the body");
        at = rest;
    }
    if whole.messages.last().is_some_and(|last| last.framing == Framing::UntilClose) {
        assert_eq!((whole.end, at), (Ok(Eof::Complete), &b""[..]), "nothing follows the end of the connection");
    } else {
        // What follows the last message is all of the rest, and reads on a connection of its own as it did here.
        let alone = feed(plan, at, &[at.len()], true);
        assert_eq!(alone, Outcome { messages: Vec::new(), end: whole.end }, "the rest: {}", at.escape_ascii());
    }
    if side == Side::Request && !whole.messages.is_empty() {
        crate::hyper::same_requests(bytes, &whole.messages);
    }
}

/// Checks that the result is the same however the bytes are cut. A line is judged when it is first seen or when it is
/// whole: the one line that never ends may be refused in one cut and be cut off in another.
fn same_in_pieces(bytes: &[u8], whole: &Outcome, pieces: &Outcome) {
    let cut_off =
        |outcome: &Outcome| matches!(outcome.end, Err(Refusal::TruncatedHead { .. } | Refusal::TruncatedBody { .. }));
    let endless = !bytes.ends_with(b"\n") && (cut_off(whole) || cut_off(pieces));
    if endless && whole.end.is_err() && pieces.end.is_err() {
        assert_eq!(whole.messages, pieces.messages);
    } else {
        assert_eq!(whole, pieces);
    }
}

fn same_request(ours: &Seen, at: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut theirs = httparse::Request::new(&mut fields);
    let verdict = theirs.parse(at);
    assert!(matches!(verdict, Ok(httparse::Status::Complete(_))), "httparse: {verdict:?}");
    assert_eq!(ours.method, theirs.method.unwrap_or_default().as_bytes());
    assert_eq!(minor(ours.version), theirs.version);
    let whole = theirs.path.unwrap_or_default();
    same_target(ours, whole);
    // The host of an absolute target stands in the place of the header's.
    let host = ours.host.as_deref().filter(|_| ours.target != whole.as_bytes());
    same_headers(&ours.headers, theirs.headers, host);
}

/// Compares a target in absolute form, which is split here and whole there.
fn same_target(ours: &Seen, whole: &str) {
    let target = std::str::from_utf8(&ours.target).expect("a target is ASCII");
    if target == whole {
        return;
    }
    let (_, rest) = whole.split_once("://").expect("only an absolute form is split");
    let host = std::str::from_utf8(ours.host.as_deref().unwrap_or_default()).expect("an authority is ASCII");
    let path = rest.strip_prefix(host).expect("the authority stands behind the scheme");
    let expected = match path {
        "" if ours.method == b"OPTIONS" => "*".to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!("/{path}"),
    };
    assert_eq!(target, expected);
}

fn same_response(ours: &Seen, mut at: &[u8]) {
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 256];
        let mut theirs = httparse::Response::new(&mut fields);
        let verdict = theirs.parse(at);
        let Ok(httparse::Status::Complete(length)) = verdict else { panic!("httparse: {verdict:?}") };
        // Interim responses are skipped here, and are heads of their own there.
        if matches!(theirs.code, Some(100..=199)) {
            at = &at[length..];
            continue;
        }
        assert_eq!(Some(ours.status), theirs.code);
        assert_eq!(minor(ours.version), theirs.version);
        return same_headers(&ours.headers, theirs.headers, None);
    }
}

fn minor(version: Version) -> Option<u8> {
    Some(match version {
        Version::Http10 => 0,
        Version::Http11 => 1,
    })
}

fn same_headers(ours: &Pairs, theirs: &[httparse::Header<'_>], host: Option<&[u8]>) {
    assert_eq!(ours.len(), theirs.len());
    for ((name, value), theirs) in ours.iter().zip(theirs) {
        let is_host = name.eq_ignore_ascii_case(b"host");
        let expected = host.filter(|_| is_host).unwrap_or(theirs.value);
        assert_eq!((name.as_slice(), value.as_slice()), (theirs.name.as_bytes(), expected));
    }
}

fn within(message: &Seen, limits: &Limits) {
    assert!(message.headers.len() <= limits.headers && message.trailers.len() <= limits.headers);
    assert!(message.body.len() as u64 <= limits.body_bytes);
    // `http://host?query` gains a slash.
    assert!(message.target.len() <= limits.target_bytes + 1);
}

/// Writes the message and reads it again: the same, under limits that leave room for what is written longer.
fn written_again(message: &Seen, plan: Plan) {
    if message.status == 205 {
        // It is read with the body that it has, and never written with one.
        return;
    }
    let mut out = Vec::new();
    let (method, target) = (&message.method, &message.target);
    let host = message.host.clone().unwrap_or_default();
    let mut head = match plan.side {
        Side::Request => HeadWriter::request(&mut out, method, target, &host).expect("what was read can be written"),
        Side::Response { .. } => HeadWriter::response(&mut out, message.status).expect("what was read can be written"),
    };
    let framing = |name: &[u8]| {
        ["content-length", "transfer-encoding"].iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    };
    let host_again = |name: &[u8]| plan.side == Side::Request && name.eq_ignore_ascii_case(b"host");
    let mut kept: Pairs = Vec::new();
    // An expectation in HTTP/1.0 is ignored, and may be one that HTTP/1.1, as it is written here, refuses.
    let ignored = |name: &[u8]| message.version == Version::Http10 && name.eq_ignore_ascii_case(b"expect");
    // `request` has written `Host`.
    for (name, value) in message.headers.iter().filter(|(name, _)| !host_again(name) && !ignored(name)) {
        let refused = head.header(name, value).is_err();
        assert_eq!(refused, framing(name), "what was read can be written, but for the framing");
        if !refused {
            kept.push((name.clone(), value.clone()));
        }
    }
    head.end(message.framing);
    match message.framing {
        Framing::Chunked => {
            chunk(&mut out, &message.body);
            let trailers = message.trailers.iter().filter(|(name, _)| !framing(name));
            last_chunk(&mut out, trailers.map(|(name, value)| (name.as_slice(), value.as_slice())))
                .expect("what was read can be written");
        }
        _ => out.extend_from_slice(&message.body),
    }
    let limits = Limits { head_bytes: 1 << 20, headers: 300, trailer_bytes: 1 << 20, ..Limits::default() };
    let wide = Plan { limits, ..plan };
    let again = feed(wide, &out, &[out.len()], true);
    let [read] = again.messages.as_slice() else { panic!("{:?} for {}", again.end, out.escape_ascii()) };
    assert!(again.end.is_ok());
    assert_eq!((&read.method, &read.target, read.status), (method, target, message.status));
    assert_eq!(read.body, message.body);
    assert_eq!(read.host, (plan.side == Side::Request).then_some(host));
    let written = |name: &[u8]| host_again(name) || framing(name) || name.eq_ignore_ascii_case(b"connection");
    let strip = |pairs: &Pairs| pairs.iter().filter(|(name, _)| !written(name)).cloned().collect::<Pairs>();
    assert_eq!(strip(&read.headers), strip(&kept));
}
