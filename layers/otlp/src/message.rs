//! Messages of protocol buffers, written and read as far as OTLP needs it (opentelemetry/proto/common/v1/common.proto
//! for attributes; the wire format is that of protobuf.dev/programming-guides/encoding).

use std::borrow::Cow;

/// The value of an attribute (`AnyValue`).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text, as `string_value`.
    Text(String),
    /// A boolean, as `bool_value`.
    Bool(bool),
    /// A whole number, as `int_value`.
    Int(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

/// The name and the value of an attribute (`KeyValue`).
pub type Attribute = (Cow<'static, str>, Value);

/// A message that is being written: a key of number and type before each value.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// Returns the message as bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
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

    /// Appends a field of type `uint64`, `int64`, `bool` or of an enumeration.
    pub fn number(&mut self, field: u32, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    /// Appends a field of type `fixed64`.
    pub fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a field of type `double`.
    pub fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    /// Appends a packed field of `repeated fixed64`, or of `repeated double` by their bits.
    pub fn packed(&mut self, field: u32, values: impl ExactSizeIterator<Item = u64>) {
        self.key(field, 2);
        self.varint(8 * values.len() as u64);
        values.for_each(|value| self.0.extend_from_slice(&value.to_le_bytes()));
    }

    /// Appends a field of type `bytes` or `string`.
    pub fn bytes(&mut self, field: u32, value: &[u8]) {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// Appends a field that is a message itself.
    pub fn message(&mut self, field: u32, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// Appends a field of type `repeated KeyValue`.
    pub fn attributes(&mut self, field: u32, attributes: &[Attribute]) {
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
}

/// Returns the number of parts that a response says were rejected. That is `partial_success.rejected_…`, which is field
/// 1 of field 1 of the response of every signal. It is 0 if the field is missing, or the bytes are no message.
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

/// Returns the fields of a message, up to the first bytes that are no field.
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
        let mut out = Message::default();
        out.number(1, 300);
        out.message(2, |inner| inner.bytes(1, b"ab"));
        out.fixed64(7, 1);
        assert_eq!(out.0, [0x08, 0xac, 0x02, 0x12, 4, 0x0a, 2, b'a', b'b', 0x39, 1, 0, 0, 0, 0, 0, 0, 0]);
        out.0.clear();
        out.attributes(1, &[("n".into(), Value::Int(-1))]);
        assert_eq!(out.0.len(), 2 + 3 + 2 + 11);
        out.0.clear();
        out.packed(7, [1.0_f64.to_bits()].into_iter());
        assert_eq!(out.0, [0x3a, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    }

    #[test]
    fn what_is_rejected_is_read_and_garbage_is_none() {
        assert_eq!(rejected(&[0x0a, 2, 0x08, 7]), 7);
        assert_eq!(rejected(&[0x0a, 6, 0x12, 1, b'x', 0x08, 0xac, 0x02]), 300);
        for garbage in [&b""[..], b"not found", &[0x0a, 99, 1], &[0xff; 40], &[0x0a, 1, 0xff], &[0x0b]] {
            assert_eq!(rejected(garbage), 0, "{garbage:?}");
        }
    }
}
