//! A span that is over, and its bytes in OTLP (opentelemetry/proto/trace/v1/trace.proto, field by field).

use std::borrow::Cow;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Bool(bool),
    Int(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

/// Name and value.
pub(crate) type Attribute = (Cow<'static, str>, Value);

/// What a span is about (`Span.SpanKind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal = 1,
    Server = 2,
    Consumer = 5,
}

/// A span that is over.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace: [u8; 16],
    pub(crate) id: [u8; 8],
    pub(crate) parent: Option<[u8; 8]>,
    pub(crate) state: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Nanoseconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: Vec<Attribute>,
    /// Name and time of what happened meanwhile.
    pub(crate) events: Vec<(u64, &'static str)>,
    /// What failed, if it failed.
    pub(crate) error: Option<String>,
}

/// The wire format of protocol buffers: a key of number and type before each value.
struct Message(Vec<u8>);

impl Message {
    fn new() -> Message {
        Message(Vec::new())
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn key(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    fn number(&mut self, field: u32, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u32, value: &[u8]) {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn message(&mut self, field: u32, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::new();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    fn attributes(&mut self, field: u32, attributes: &[Attribute]) {
        for (name, value) in attributes {
            self.message(field, |pair| {
                pair.bytes(1, name.as_bytes());
                pair.message(2, |any| match value {
                    Value::Text(text) => any.bytes(1, text.as_bytes()),
                    Value::Bool(is) => any.number(2, u64::from(*is)),
                    Value::Int(number) => any.number(3, number.cast_unsigned()),
                });
            });
        }
    }

    fn span(&mut self, field: u32, span: &Span) {
        self.message(field, |out| {
            out.bytes(1, &span.trace);
            out.bytes(2, &span.id);
            if !span.state.is_empty() {
                out.bytes(3, span.state.as_bytes());
            }
            if let Some(parent) = &span.parent {
                out.bytes(4, parent);
            }
            out.bytes(5, span.name.as_bytes());
            out.number(6, span.kind as u64);
            out.fixed64(7, span.start);
            out.fixed64(8, span.end);
            out.attributes(9, &span.attributes);
            for (time, name) in &span.events {
                out.message(11, |event| {
                    event.fixed64(1, *time);
                    event.bytes(2, name.as_bytes());
                });
            }
            if let Some(why) = &span.error {
                out.message(15, |status| {
                    status.bytes(2, why.as_bytes());
                    status.number(3, 2);
                });
            }
        });
    }
}

/// `ExportTraceServiceRequest`: spans of one resource and one scope.
pub(crate) fn request(resource: &[Attribute], spans: &[Span]) -> Vec<u8> {
    let mut out = Message::new();
    out.message(1, |of_resource| {
        of_resource.message(1, |out| out.attributes(1, resource));
        of_resource.message(2, |of_scope| {
            of_scope.message(1, |scope| {
                scope.bytes(1, env!("CARGO_PKG_NAME").as_bytes());
                scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
            });
            spans.iter().for_each(|span| of_scope.span(2, span));
        });
    });
    out.0
}

/// `ExportTraceServiceResponse.partial_success.rejected_spans`; 0 if there is none, or the bytes are no message.
pub(crate) fn rejected(response: &[u8]) -> u64 {
    let partial = fields(response).into_iter().find_map(|(field, value)| match value {
        Field::Bytes(bytes) if field == 1 => Some(bytes),
        _ => None,
    });
    let count = partial.into_iter().flat_map(fields).find_map(|(field, value)| match value {
        Field::Number(number) if field == 1 => Some(number),
        _ => None,
    });
    count.unwrap_or(0)
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, up to what is none.
fn fields(mut rest: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(rest: &mut &[u8]) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, behind) = rest.split_first()?;
            *rest = behind;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    let mut out = Vec::new();
    while let Some(key) = varint(&mut rest) {
        let field = match key & 7 {
            0 => varint(&mut rest).map(Field::Number),
            2 => varint(&mut rest).and_then(|length| {
                let (bytes, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                rest = behind;
                Some(Field::Bytes(bytes))
            }),
            _ => None,
        };
        let Some(field) = field else { break };
        out.push((key >> 3, field));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_varints_and_messages_know_their_length() {
        let mut out = Message::new();
        out.number(1, 300);
        out.message(2, |inner| inner.bytes(1, b"ab"));
        out.fixed64(7, 1);
        assert_eq!(out.0, [0x08, 0xac, 0x02, 0x12, 4, 0x0a, 2, b'a', b'b', 0x39, 1, 0, 0, 0, 0, 0, 0, 0]);
        out.0.clear();
        out.attributes(1, &[("n".into(), Value::Int(-1))]);
        assert_eq!(out.0.len(), 2 + 3 + 2 + 11);
    }

    #[test]
    fn rejected_spans_are_read_and_garbage_is_none() {
        assert_eq!(rejected(&[0x0a, 2, 0x08, 7]), 7);
        assert_eq!(rejected(&[0x0a, 6, 0x12, 1, b'x', 0x08, 0xac, 0x02]), 300);
        for garbage in [&b""[..], b"not found", &[0x0a, 99, 1], &[0xff; 40], &[0x0a, 1, 0xff], &[0x0b]] {
            assert_eq!(rejected(garbage), 0, "{garbage:?}");
        }
    }
}
