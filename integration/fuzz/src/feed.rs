//! A reader's result for some bytes, in owned form, fed whole or in pieces.

use faas_core::http1::{Eof, Framing, Headers, Limits, Message, ReadProgress, Reader, Refusal, Version};
use faas_core::trigger::{DecodedEvent, SpareView};

/// The kind of message that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The messages are requests.
    Request,
    /// The messages are responses; `bodiless` ones answer HEAD, each of them.
    Response {
        /// `true` if they have no body, whatever their headers say.
        bodiless: bool,
    },
}

/// The way in which a connection is read.
#[derive(Clone, Copy)]
pub struct Plan {
    /// The kind of message that is read.
    pub side: Side,
    /// The limits of the reader.
    pub limits: Limits,
}

/// The name and the value of each field.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A message as it was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the methods of Message and Head")]
pub struct Seen {
    pub status: u16,
    pub method: Vec<u8>,
    pub target: Vec<u8>,
    pub host: Option<Vec<u8>>,
    pub version: Version,
    pub framing: Framing,
    pub headers: Pairs,
    pub body: Vec<u8>,
    pub trailers: Pairs,
    pub keep_alive: bool,
    pub expects_continue: bool,
}

/// All messages of a connection, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The messages in order.
    pub messages: Vec<Seen>,
    /// The meaning of the connection's end, or the reason why a message was refused.
    pub end: Result<Eof, Refusal>,
}

/// Feeds `bytes` in pieces of these sizes in turn, then the end of the connection. Messages are given back for their
/// memory, or dropped. Panics if the reader makes no progress, holds too much, or contradicts itself.
pub fn feed(plan: Plan, bytes: &[u8], sizes: &[usize], recycle: bool) -> Outcome {
    let mut reader = match plan.side {
        Side::Request => Reader::request(plan.limits),
        Side::Response { .. } => Reader::response(plan.limits),
    };
    let mut messages = Vec::new();
    let mut head = None;
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    let mut ended = None;
    expect(plan, &mut reader);
    // Each byte is fed once, each message has a head, an end, and at least one byte.
    for _ in 0..3 * bytes.len() + 4 {
        match reader.poll() {
            Err(refusal) => {
                assert_eq!(reader.poll(), Err(refusal), "a refusal stays");
                assert!(reader.take().is_none() && reader.head().is_none());
                return Outcome { messages, end: Err(refusal) };
            }
            Ok(ReadProgress::More) if rest.is_empty() => match reader.eof() {
                Ok(Eof::Closed) => return Outcome { messages, end: Ok(Eof::Closed) },
                Ok(Eof::Complete) => ended = Some(Eof::Complete),
                Err(refusal) => return Outcome { messages, end: Err(refusal) },
            },
            Ok(ReadProgress::More) => {
                let n = rest.len().min(*sizes.next().expect("it goes round"));
                let space = reader.space(n);
                assert!(space.len() <= most(plan, bytes.len()), "{} bytes of room", space.len());
                let n = n.min(space.len());
                space[..n].copy_from_slice(&rest[..n]);
                reader.filled(n);
                rest = &rest[n..];
            }
            Ok(ReadProgress::Head) => {
                assert!(head.is_none(), "a head is reported once");
                let seen = reader.head().expect("a head was reported");
                head = Some((seen.framing(), pairs(seen.headers())));
            }
            Ok(ReadProgress::Complete) => {
                let message = reader.take().expect("a complete message");
                assert!(message.bytes().len() <= most(plan, bytes.len()), "{} bytes held", message.bytes().len());
                let seen = seen(&message);
                assert_eq!(head.take(), Some((message.head().framing(), seen.headers.clone())), "the head stays");
                messages.push(seen);
                if let Side::Request = plan.side {
                    view(&message);
                }
                if recycle {
                    reader.recycle(message);
                }
                if let Some(end) = ended {
                    return Outcome { messages, end: Ok(end) };
                }
                expect(plan, &mut reader);
            }
        }
    }
    panic!("no progress");
}

fn expect(plan: Plan, reader: &mut Reader) {
    if plan.side == (Side::Response { bodiless: true }) {
        reader.expect_no_body();
    }
}

/// Returns the most bytes that a buffer may hold. Of a request these are twice the bytes that came, whatever length it
/// claims. Of a response they are those that the limits allow at once, and as many again for growing.
fn most(plan: Plan, came: usize) -> usize {
    const SMALLEST: usize = 8 << 10;
    const AT_ONCE: usize = 8 << 20;
    let body = match plan.side {
        Side::Request => 0,
        Side::Response { .. } => usize::try_from(plan.limits.body_bytes).unwrap_or(AT_ONCE).min(AT_ONCE),
    };
    2 * (SMALLEST + body + came)
}

fn seen(message: &Message) -> Seen {
    Seen {
        status: message.status(),
        method: message.method().to_vec(),
        target: message.target().to_vec(),
        host: message.host().map(<[u8]>::to_vec),
        version: message.version(),
        framing: message.head().framing(),
        headers: pairs(message.headers()),
        body: message.body().to_vec(),
        trailers: pairs(message.trailers()),
        keep_alive: message.keep_alive(),
        expects_continue: message.expects_continue(),
    }
}

fn pairs(headers: Headers<'_>) -> Pairs {
    headers.map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

/// Reads the HTTP view over a request.
fn view(message: &Message) {
    let decoded = DecodedEvent::of_request(message, "192.0.2.1", &mut SpareView::default());
    let view = decoded.http.expect("a request has a view");
    assert_eq!(view.method(), message.method());
    assert_eq!(view.headers.len(), message.headers().count());
    crate::event::coded_and_decoded_agree(&view);
}
